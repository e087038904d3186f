"""A script that answers from a labelled film's truth, as a model would that sees everything and is never wrong.

It looks at what it is shown: every picture must be the frame, panel or sheet that its caption names, else the request
is refused. On demand it is wrong in the ways of `tools.sandbox.misled`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.sandbox.asked import Asked, Picture
from tools.sandbox.film import ErrorTruth, LabelledProject, read_project
from tools.sandbox.misled import Habit, by_position, lying, obeying
from tools.sandbox.script import NOTHING, Fixed
from tools.sandbox.sight import Place, Sight, distance, frame_named, is_faulty, is_right, mask_of
from tools.sandbox.strict import Unacceptable
from tools.types import Box, Rgb

MARK = re.compile(r"Mark (\d+): (\S+?)@(\d+) \[(\d+), (\d+), (\d+), (\d+)\]")
CANDIDATE = re.compile(r"Candidate (\d+): \S+ (\S+)")
SHOT = re.compile(r"Shot: (\S+?)\.(?:\s|$)")
EXPECTED = re.compile(r"^What should be there: «(.*)»", re.MULTILINE)
MEASURED = re.compile(r"^What was measured[^«\n]*«(.*?)»", re.MULTILINE | re.DOTALL)
LONGEST = re.compile(r"^At most (\d+) characters", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|(?<=[。！？])")
SURE = 0.9
SAME_PLACE = 0.3
"""IoU, or share of the smaller of two boxes that lies in the other, from which both are about one place."""
BESIDE, NEW = 25, 40.0
"""Pixels around a fault that a repair may touch, and code values that one pixel in a hundred may be off beyond."""


class LabelledFilm:
    """Answers about one labelled film project, a folder or what was read of it. Raises BadInput where a folder is none.

    `lies`: it claims one error more wherever it is asked for errors, at a place where nothing is wrong. `swaps`: what
    it says depends on the order of the pictures. `obeys`: it does what it reads in a prompt's film text and, as it
    cannot read pixels, in `signs`: what is written in the pictures of a shot or sheet, by its id.
    """

    def __init__(
        self,
        film: Path | LabelledProject,
        *,
        lies: bool = False,
        swaps: bool = False,
        obeys: bool = False,
        signs: Mapping[str, str] | None = None,
    ) -> None:
        self._film = read_project(film) if isinstance(film, Path) else film
        self._sight = Sight(self._film)
        self._others = Fixed()
        chosen = ((lies, lying(self._sight)), (swaps, by_position), (obeys, obeying(signs or {})))
        self._habits: list[Habit] = [habit for wanted, habit in chosen if wanted]

    def answer(self, asked: Asked) -> Mapping[str, Any] | str:
        tasks = {
            "inspect-shot": self._shot,
            "compare-shots": self._pair,
            "inspect-sheet": self._sheet,
            "read-sheet": self._page,
            "trace-cause": self._cause,
            "find-thing": self._thing,
            "judge-repair": self._repair,
            "write-fill": self._words,
        }
        if asked.task not in tasks:
            return self._others.answer(asked)
        if asked.task != "judge-repair":
            for picture in asked.pictures:
                self._sight.check(picture)
        said = tasks[asked.task](asked)
        for habit in self._habits:
            said = habit(said, asked)
        return said

    def _shot(self, asked: Asked) -> Mapping[str, Any]:
        shot = _shot_named(asked.text)
        said = [d for error in self._film.errors(shot) if (d := self._difference(error, asked.pictures))]
        return {"marks": list(self._marks(asked.text)), "differences": said}

    def _difference(self, error: ErrorTruth, pictures: Sequence[Picture]) -> dict[str, Any] | None:
        showing = [p for p in pictures if self._sight.shows(error, p)]
        if not showing:
            return None
        moments = [p for p in showing if p.whole] or showing
        return {
            "category": error.category,
            "subject": error.subject,
            "picture": moments[0].number,
            "box": self._box(error, moments[0]),
            "observed": f"a {error.category} that is wrong",
            "against": self._right(error, pictures, showing),
            "expected": f"the {error.category} as the reference shows it",
            "moments": [p.number for p in moments],
            "confidence": SURE,
            "intended": False,
            "why": "the reference shows the place otherwise",
        }

    def _right(self, error: ErrorTruth, pictures: Sequence[Picture], showing: Sequence[Picture]) -> int:
        """The picture that shows the place right: a panel of the subject that is not faulty, else another moment."""
        panels = [p for p in pictures if p.name.startswith(f"{error.subject}/") and p.name not in self._film.faulty]
        moments = [p for p in pictures if p.whole and p.name.startswith(f"{error.shot}@")]
        others = [p for p in moments if p not in showing] or [p for p in moments if p is not showing[0]]
        return (panels or others or list(showing))[0].number

    def _marks(self, text: str) -> Iterator[dict[str, Any]]:
        for number, shot, frame, *box in (found.groups() for found in MARK.finditer(text)):
            place = Box(*map(int, box))
            real = any(_meets(place, error, int(frame)) for error in self._film.errors(shot))
            yield {"mark": int(number), "verdict": "error" if real else "not-there", "why": "as the pictures show"}

    def _pair(self, asked: Asked) -> Mapping[str, Any]:
        shots = list(dict.fromkeys(frame[0] for p in asked.pictures if (frame := frame_named(p.source))))
        if len(shots) != 2:
            return NOTHING["compare-shots"]
        said = []
        for odd, shot, other in (("first", *shots), ("second", *reversed(shots))):
            both = {(e.category, e.subject, e.origin) for e in self._film.errors(other)}
            mine = [e for e in self._film.errors(shot) if (e.category, e.subject, e.origin) not in both]
            there = [p for p in asked.pictures if p.whole and p.name.startswith(f"{other}@")]
            said += [d for e in mine if (d := self._pair_difference(e, odd, asked.pictures, there))]
        return {"differences": said}

    def _pair_difference(
        self, error: ErrorTruth, odd: str, pictures: Sequence[Picture], there: Sequence[Picture]
    ) -> dict[str, Any] | None:
        """One error against the other shot, at the same place of its frame."""
        here = [p for p in pictures if p.whole and self._sight.shows(error, p)]
        if not here or not there:
            return None
        box = self._box(error, here[0])
        wrong = (f"a {error.category} that is wrong", here[0].number, box)
        right = ("as it should be", there[0].number, _rescaled(box, here[0], there[0]))
        first, second = (wrong, right) if odd == "first" else (right, wrong)
        return {
            "category": error.category,
            "subject": error.subject,
            **dict(zip(("first", "first_picture", "first_box"), first, strict=True)),
            **dict(zip(("second", "second_picture", "second_box"), second, strict=True)),
            "odd": odd,
            "confidence": SURE,
            "intended": False,
            "why": "the two shots differ there",
        }

    def _sheet(self, asked: Asked) -> Mapping[str, Any]:
        shown = {picture.name: picture for picture in asked.pictures}
        return {"disagreements": [self._disagreement(ref, shown) for ref in self._film.faulty if ref in shown]}

    def _disagreement(self, ref: str, shown: Mapping[str, Picture]) -> dict[str, Any]:
        fault, panel = self._film.faulty[ref], self._film.panels[ref]
        inside = fault.box._replace(x=fault.box.x - panel.box.x, y=fault.box.y - panel.box.y)
        siblings = [name for name in shown if name.partition("/")[0] == ref.partition("/")[0]]
        return {
            "panel": ref,
            "box": _scaled(inside, panel.box, shown[ref]),
            "observed": f"a {fault.category} that no other panel shows",
            "expected": "nothing there",
            "agree": [name for name in siblings if name not in self._film.faulty],
            "category": fault.category,
            "confidence": SURE,
            "why": "its siblings show the place without it",
        }

    def _page(self, asked: Asked) -> Mapping[str, Any]:
        """The page as film.toml tells it: its panels, and the canon's sentences at its foot."""
        page = asked.pictures[0]
        sheet = self._film.sheets.get(page.name)
        if sheet is None:
            raise Unacceptable(f"{page.name} is no sheet of this film")
        whole = Box(0, 0, sheet.picture.shape[1], sheet.picture.shape[0])
        mine = [(ref.partition("/")[2], p.box) for ref, p in self._film.panels.items() if p.sheet == page.name]
        return {
            "panels": [{"name": name, "view": name, "box": _scaled(box, whole, page)} for name, box in mine],
            "facts": list(_facts(sheet.canon, page)),
        }

    def _cause(self, asked: Asked) -> Mapping[str, Any]:
        """The candidate that the label of the error in picture 1 names, else of any error of the shot."""
        shot = _shot_named(asked.text)
        seen = self._sight.errors_in(asked.pictures[0])[:1] if asked.pictures else []
        origins = {error.origin for error in seen or self._film.errors(shot)}
        chosen = [
            int(number) for number, ref in CANDIDATE.findall(asked.text) if {ref, ref.partition("@")[0]} & origins
        ]
        return {"candidate": chosen[0] if chosen else None, "why": "it shows the same" if chosen else "none shows it"}

    def _thing(self, asked: Asked) -> Mapping[str, Any]:
        seen = self._sight.errors_in(asked.pictures[0]) if asked.pictures else []
        if not seen:
            return NOTHING["find-thing"]
        return {"box": self._box(seen[0], asked.pictures[0]), "confidence": SURE, "why": "it is there"}

    def _repair(self, asked: Asked) -> Mapping[str, Any]:
        """Both states against the faulty and the clean pixels. Only one of them need be what the caption names."""
        states = asked.pictures[:2]
        if len(states) < 2 or not any(map(self._sight.is_as_named, states)):
            raise Unacceptable("pictures 1 and 2 must be two states of the frame that their captions name")
        (first, first_new), (second, second_new) = map(self._state, states)
        return {
            "first_shows_fault": first[0],
            "second_shows_fault": second[0],
            "first_shows_expected": first[1],
            "second_shows_expected": second[1],
            "new_in_first": first_new,
            "new_in_second": second_new,
            "why": "compared with the clean take",
        }

    def _state(self, picture: Picture) -> tuple[tuple[str, str], str | None]:
        """Whether a state shows the fault and what should be there, and what is new in it."""
        if not self._sight.is_as_named(picture):
            return ("cannot-tell", "cannot-tell"), None
        place = self._fault_of(picture)
        if place is None:
            return ("no", "yes"), None
        apart = distance(picture.pixels, place)
        if apart is None:
            return ("cannot-tell", "cannot-tell"), None
        fault, expected = ("yes" if holds else "no" for holds in (is_faulty(apart), is_right(apart)))
        return (fault, expected), _new(picture.pixels, place)

    def _fault_of(self, picture: Picture) -> Place | None:
        """The labelled error nearest to a picture's middle, whether or not it is still there."""
        frame = frame_named(picture.source)
        places = [self._sight.place(error, picture) for error in self._film.errors(frame[0])] if frame else []
        return min((place for place in places if place), key=lambda place: _from_middle(place, picture), default=None)

    def _words(self, asked: Asked) -> Mapping[str, Any]:
        """What should be there and what was measured, as they stand in the prompt, within the limit."""
        told = [found[1] for pattern in (EXPECTED, MEASURED) if (found := pattern.search(asked.text))]
        if len(told) == 2 and told[0].rstrip(".") in told[1]:
            told = told[1:]
        sentences = [part.strip() for text in told for part in SENTENCE.split(text)]
        most = LONGEST.search(asked.text)
        return {"prompt": _within(sentences, int(most[1]) if most else None)}

    def _box(self, error: ErrorTruth, picture: Picture) -> dict[str, int]:
        box = self._sight.box(error, picture)
        assert box is not None, "asked about errors that a picture shows only"
        return box._asdict()


def _new(state: Rgb, place: Place) -> str | None:
    """What a state shows beside the fault that neither the film nor the clean take shows."""
    assert place.right is not None, "asked where a clean take is"
    near = cv2.dilate(place.mask.astype(np.uint8), np.ones((BESIDE, BESIDE), np.uint8))
    beyond = near == 0
    if not beyond.any():
        return None
    seen = state[beyond].astype(np.float32)
    off = [np.percentile(np.abs(seen - one[beyond]), 99) for one in (place.wrong, place.right)]
    return "something new beside the repaired place" if min(off) > NEW else None


def _from_middle(place: Place, picture: Picture) -> float:
    rows, columns = np.nonzero(place.mask)
    width, height = picture.size
    return float(np.hypot(columns.mean() - width / 2, rows.mean() - height / 2))


def _facts(canon: str, page: Picture) -> Iterator[dict[str, Any]]:
    """The canon's sentences, one under the other at the page's foot."""
    width, height = page.size
    sentences = [part.strip() for part in SENTENCE.split(canon) if part.strip()]
    row = max(1, height // 10 // max(1, len(sentences)))
    for number, sentence in enumerate(sentences):
        y = height - row * (len(sentences) - number)
        yield {"text": sentence, "box": {"x": 0, "y": max(0, y), "w": width, "h": row}}


def _within(sentences: Sequence[str], most: int | None) -> str:
    """As many sentences from the first on as fit."""
    text = ""
    for sentence in sentences:
        longer = f"{text} {sentence}".strip()
        if most is not None and len(longer) > most:
            break
        text = longer
    return text


def _scaled(box: Box, whole: Box, picture: Picture) -> dict[str, int]:
    """A box inside `whole`, in pixels of the picture that shows it."""
    width, height = picture.size
    across, down = width / whole.w, height / whole.h
    x, y = round(box.x * across), round(box.y * down)
    return {"x": x, "y": y, "w": max(1, round(box.w * across)), "h": max(1, round(box.h * down))}


def _rescaled(box: Mapping[str, int], picture: Picture, other: Picture) -> dict[str, int]:
    """The same place, relative to the frame, in another picture."""
    return _scaled(Box(**box), Box(0, 0, *picture.size), other)


def _meets(box: Box, error: ErrorTruth, frame: int) -> bool:
    """Whether a box in source pixels is about an error: its place at that frame, else its usual one."""
    place = Box.around(mask_of(error, frame, error.box.x + error.box.w, error.box.y + error.box.h)) or error.box
    return box.iou(place) > SAME_PLACE or box.common(place) > SAME_PLACE * min(box.area, place.area)


def _shot_named(text: str) -> str:
    found = SHOT.search(text)
    if found is None:
        raise Unacceptable("the words name no shot (“Shot: SH020.”)")
    return found[1]
