"""A script that answers from a labelled film's truth, as a model would that sees everything and is never wrong.

It looks at what it is shown: every picture must be the frame or panel that its caption names, else the request is
refused. On demand it lies: it claims errors where nothing is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tools.media.masks import read_track
from tools.media.stills import still
from tools.sandbox.asked import Asked, Picture, Unacceptable
from tools.sandbox.film import ErrorTruth, LabelledProject, read_project
from tools.sandbox.script import NOTHING, Fixed
from tools.types import Bits, Box, Clip, MaskTrack, Rgb

MARK = re.compile(r"Mark (\d+): (\S+?)@(\d+) \[(\d+), (\d+), (\d+), (\d+)\]")
CANDIDATE = re.compile(r"Candidate (\d+): \S+ (\S+)")
SHOT = re.compile(r"Shot: (\S+?)\.")
FRAME = re.compile(r"^(\S+?)@(\d+)$")
ALIKE = 14.0
"""Median difference in code values up to which a picture is what its caption names; sizes differ by scaling."""
SURE = 0.9


class LabelledFilm:
    """Answers about one labelled film project. Raises BadInput where `root` is none.

    `lies` makes it claim one error more in every shot that it is shown, at a place where nothing is wrong.
    """

    def __init__(self, root: Path, *, lies: bool = False) -> None:
        self._film: LabelledProject = read_project(root)
        self._lies = lies
        self._others = Fixed()

    def answer(self, asked: Asked) -> Mapping[str, Any] | str:
        for picture in asked.pictures:
            self._check(picture)
        tasks = {
            "inspect-shot": self._shot,
            "compare-shots": self._pair,
            "inspect-sheet": self._sheet,
            "read-sheet": self._page,
            "trace-cause": self._cause,
            "find-thing": self._thing,
            "judge-repair": self._repair,
        }
        how = tasks.get(asked.task)
        return how(asked) if how else self._others.answer(asked)

    def _check(self, picture: Picture) -> None:
        """Raises Unacceptable for a picture that is not what its caption says; takes of repairs may differ a little."""
        source = self._source(picture.source)
        if source is None:
            return
        area = picture.area(source.shape[1], source.shape[0])
        if area.x + area.w > source.shape[1] or area.y + area.h > source.shape[0]:
            raise Unacceptable(f"{picture.name} lies outside of its {source.shape[1]} x {source.shape[0]} pixels")
        own = cv2.resize(source[area.slices], picture.pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
        apart = float(np.median(np.abs(own.astype(np.float32) - picture.pixels.astype(np.float32))))
        if apart > ALIKE:
            raise Unacceptable(
                f"{picture.name}: the picture is not what its caption says ({apart:.0f} code values off)"
            )

    def _source(self, name: str) -> Rgb | None:
        """The frame or panel of a name; None for what is neither."""
        frame = FRAME.match(name)
        if frame and frame[1] in self._film.shots:
            return frame_of(self._film.shots[frame[1]], int(frame[2]))
        panel = self._film.panels.get(name)
        return None if panel is None else panel.picture

    def _shot(self, asked: Asked) -> Mapping[str, Any]:
        shot = _shot_named(asked.text)
        moments = [p for p in asked.pictures if p.name == p.source and p.name.startswith(f"{shot}@")]
        said = [d for error in self._film.errors(shot) if (d := self._difference(error, moments, asked.pictures))]
        said += self._lie(moments) if self._lies else []
        return {"marks": list(self._marks(asked.text, shot)), "differences": said}

    def _difference(
        self, error: ErrorTruth, moments: Sequence[Picture], pictures: Sequence[Picture]
    ) -> dict[str, Any] | None:
        showing = [p for p in moments if self._mask(error, p) is not None]
        if not showing:
            return None
        box = self._shown_box(error, showing[0])
        return {
            "category": error.category,
            "subject": error.subject,
            "picture": showing[0].number,
            "box": box,
            "observed": f"a {error.category} that is wrong",
            "against": self._right(error, moments, pictures, showing),
            "expected": f"the {error.category} as the reference shows it",
            "moments": [p.number for p in showing],
            "confidence": SURE,
            "intended": False,
            "why": "the reference shows the place otherwise",
        }

    def _right(
        self, error: ErrorTruth, moments: Sequence[Picture], pictures: Sequence[Picture], showing: Sequence[Picture]
    ) -> int:
        """The picture that shows the place right: a panel of the subject that is not faulty, else another moment."""
        faulty = set(self._film.faulty)
        panels = [p for p in pictures if p.name.startswith(f"{error.subject}/") and p.name not in faulty]
        others = [p for p in moments if p not in showing]
        return (panels or others or list(showing))[0].number

    def _lie(self, moments: Sequence[Picture]) -> list[dict[str, Any]]:
        """An error in the middle of the last moment, against the first one."""
        seen, other = moments[-1], moments[0]
        height, width = seen.pixels.shape[:2]
        box = {"x": width // 2 - 40, "y": height // 2 - 30, "w": 80, "h": 60}
        return [
            {
                "category": "prop",
                "subject": None,
                "picture": seen.number,
                "box": box,
                "observed": "a red balloon",
                "against": other.number,
                "expected": "no balloon",
                "moments": [seen.number],
                "confidence": 0.95,
                "intended": False,
                "why": "made up",
            }
        ]

    def _marks(self, text: str, shot: str) -> Iterator[dict[str, Any]]:
        for found in MARK.finditer(text):
            number, frame = int(found[1]), int(found[3])
            box = Box(*(int(part) for part in found.groups()[3:]))
            real = any(_meets(box, error, frame) for error in self._film.errors(shot))
            yield {"mark": number, "verdict": "error" if real else "not-there", "why": "as the pictures show"}

    def _pair(self, asked: Asked) -> Mapping[str, Any]:
        shots = list(dict.fromkeys(m[1] for p in asked.pictures if (m := FRAME.match(p.name))))
        if len(shots) < 2:
            return NOTHING["compare-shots"]
        said = []
        for odd, shot, other in (("first", shots[0], shots[1]), ("second", shots[1], shots[0])):
            both = {(e.category, e.subject, e.origin) for e in self._film.errors(other)}
            mine = [e for e in self._film.errors(shot) if (e.category, e.subject, e.origin) not in both]
            said += [d for e in mine if (d := self._pair_difference(e, odd, asked.pictures, shot, other))]
        return {"differences": said}

    def _pair_difference(
        self, error: ErrorTruth, odd: str, pictures: Sequence[Picture], shot: str, other: str
    ) -> dict[str, Any] | None:
        here = [p for p in pictures if p.name.startswith(f"{shot}@") and self._mask(error, p) is not None]
        there = [p for p in pictures if p.name.startswith(f"{other}@")]
        if not here or not there:
            return None
        box, words = self._shown_box(error, here[0]), f"a {error.category} that is wrong"
        sides = {
            "first": (here[0].number, box, words, there[0].number, box, "as it should be"),
            "second": (there[0].number, box, "as it should be", here[0].number, box, words),
        }[odd]
        return {
            "category": error.category,
            "subject": error.subject,
            "first": sides[2],
            "first_picture": sides[0],
            "first_box": sides[1],
            "second": sides[5],
            "second_picture": sides[3],
            "second_box": sides[4],
            "odd": odd,
            "confidence": SURE,
            "intended": False,
            "why": "the two shots differ there",
        }

    def _sheet(self, asked: Asked) -> Mapping[str, Any]:
        shown = {picture.name: picture for picture in asked.pictures}
        said = []
        for ref, truth in self._film.faulty.items():
            if ref not in shown:
                continue
            panel = self._film.panels[ref]
            inside = truth.box._replace(x=truth.box.x - panel.box.x, y=truth.box.y - panel.box.y)
            said.append(
                {
                    "panel": ref,
                    "box": _scaled(inside, panel.box, shown[ref].pixels),
                    "observed": f"a {truth.category} that no other panel shows",
                    "expected": "nothing there",
                    "agree": [name for name in shown if name != ref][:3],
                    "category": truth.category,
                    "confidence": SURE,
                    "why": "its siblings show the place without it",
                }
            )
        return {"disagreements": said}

    def _page(self, asked: Asked) -> Mapping[str, Any]:
        page = asked.pictures[0]
        subject = page.name.removeprefix("sheet:")
        mine = {ref: panel for ref, panel in self._film.panels.items() if ref.startswith(f"{subject}/")}
        whole = self._film.sheet_size(subject)
        panels = [
            {"name": ref.partition("/")[2], "view": ref.partition("/")[2], "box": _scaled(p.box, whole, page.pixels)}
            for ref, p in mine.items()
        ]
        return {"panels": panels, "facts": []}

    def _cause(self, asked: Asked) -> Mapping[str, Any]:
        origins = {error.origin for error in self._film.errors(_shot_named(asked.text))}
        chosen = [int(found[1]) for found in CANDIDATE.finditer(asked.text) if found[2] in origins]
        return {"candidate": chosen[0] if chosen else None, "why": "it shows the same" if chosen else "none shows it"}

    def _thing(self, asked: Asked) -> Mapping[str, Any]:
        picture = asked.pictures[0]
        frame = FRAME.match(picture.source)
        for error in self._film.errors(frame[1]) if frame else ():
            if self._mask(error, picture) is not None:
                return {"box": self._shown_box(error, picture), "confidence": SURE, "why": "it is there"}
        return NOTHING["find-thing"]

    def _repair(self, asked: Asked) -> Mapping[str, Any]:
        states = asked.pictures[:2]
        faults = [self._shows_fault(one) for one in states]
        new = [self._new(one) for one in states]
        words = {True: "yes", False: "no"}
        return {
            "first_shows_fault": words[faults[0]],
            "second_shows_fault": words[faults[1]],
            "first_shows_expected": words[not faults[0]],
            "second_shows_expected": words[not faults[1]],
            "new_in_first": new[0],
            "new_in_second": new[1],
            "why": "compared with the clean take",
        }

    def _shows_fault(self, picture: Picture) -> bool:
        """Whether a state is closer to the faulty frame than to the clean take, where the fault lies."""
        for mask, wrong, right in self._truths(picture):
            seen = picture.pixels.astype(np.float32)[mask]
            to_wrong = np.abs(seen - wrong.astype(np.float32)[mask]).mean()
            to_right = np.abs(seen - right.astype(np.float32)[mask]).mean()
            if to_wrong < to_right:
                return True
        return False

    def _new(self, picture: Picture) -> str | None:
        """What a state shows outside of the fault that neither the film nor the clean take shows."""
        for mask, wrong, right in self._truths(picture):
            around = ~np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((25, 25), np.uint8)), np.bool_)
            if not around.any():
                continue
            seen = picture.pixels.astype(np.float32)[around]
            off = [np.percentile(np.abs(seen - one.astype(np.float32)[around]), 99) for one in (wrong, right)]
            if min(off) > 40:
                return "something new beside the repaired place"
        return None

    def _truths(self, picture: Picture) -> Iterator[tuple[Bits, Rgb, Rgb]]:
        """Each error at the picture's place: its mask, the faulty and the clean pixels, as large as the picture."""
        frame = FRAME.match(picture.source)
        if frame is None or frame[1] not in self._film.shots:
            return
        shot, index = frame[1], int(frame[2])
        clean = self._film.clean.get(shot)
        wrong = frame_of(self._film.shots[shot], index)
        area, size = picture.area(wrong.shape[1], wrong.shape[0]), picture.pixels.shape[1::-1]
        for error in self._film.errors(shot):
            mask = track_of(error.mask).at(index)[area.slices]
            if clean is None or not mask.any():
                continue
            right = frame_of(clean, index)
            yield (
                np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0),
                np.asarray(cv2.resize(wrong[area.slices], size, interpolation=cv2.INTER_AREA), np.uint8),
                np.asarray(cv2.resize(right[area.slices], size, interpolation=cv2.INTER_AREA), np.uint8),
            )

    def _mask(self, error: ErrorTruth, picture: Picture) -> Box | None:
        """The box of an error in the frame that a picture shows; None where it is not there."""
        frame = FRAME.match(picture.source)
        if frame is None or frame[1] != error.shot:
            return None
        crop = track_of(error.mask).crops.get(int(frame[2]))
        return crop[0] if crop else None

    def _shown_box(self, error: ErrorTruth, picture: Picture) -> dict[str, int]:
        box = self._mask(error, picture)
        assert box is not None, "asked for pictures that show it only"
        track = track_of(error.mask)
        area = picture.area(track.width, track.height)
        return _scaled(box._replace(x=box.x - area.x, y=box.y - area.y), area, picture.pixels)


def _scaled(box: Box, whole: Box, shown: Rgb) -> dict[str, int]:
    """A box inside `whole`, in pixels of the picture that shows it."""
    across, down = shown.shape[1] / whole.w, shown.shape[0] / whole.h
    x, y = round(box.x * across), round(box.y * down)
    return {"x": x, "y": y, "w": max(1, round(box.w * across)), "h": max(1, round(box.h * down))}


def _meets(box: Box, error: ErrorTruth, frame: int) -> bool:
    there = track_of(error.mask).crops.get(frame)
    place = there[0] if there else error.box
    common = box.common(place)
    return box.iou(place) > 0.3 or common > 0.5 * min(box.area, place.area)


def _shot_named(text: str) -> str:
    found = SHOT.search(text)
    if found is None:
        raise Unacceptable("the words name no shot (“Shot: SH020.”)")
    return found[1]


@lru_cache(maxsize=64)
def track_of(mask: Path) -> MaskTrack:
    """A label's mask, read once."""
    return read_track(mask)


@lru_cache(maxsize=64)
def frame_of(clip: Clip, index: int) -> Rgb:
    """A frame of a shot, counted from its first."""
    if not 0 <= index < clip.frames:
        raise Unacceptable(f"{clip.media.name} has no frame {index} in this shot")
    return still(clip, index)
