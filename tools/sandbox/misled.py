"""Ways in which a model is wrong, laid over right answers: it lies, it goes by the order of pictures, it obeys.

Each is a habit: from a right answer and what was asked to what is said instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tools.sandbox.asked import Asked, Picture
from tools.sandbox.film import ErrorTruth
from tools.sandbox.sight import Sight, frame_named
from tools.types import Box

Said: TypeAlias = Mapping[str, Any]
Habit: TypeAlias = Callable[[Said, Asked], Said]

FENCED = re.compile(r"«([^»]*)»")
ORDER = re.compile(
    r"\b(ignore|disregard|forget|override|instead|you must|you should|you are|answer|reply|respond|say that|system)\b",
    re.IGNORECASE,
)
"""What film text has in it that speaks to the model instead of telling of the film."""
ROWS = 4
"""A lie is told of one cell of a grid of so many rows and columns."""


def lying(sight: Sight) -> Habit:
    """One error more, at the place of a picture that is the farthest from any labelled one."""

    def lie(said: Said, asked: Asked) -> Said:
        if asked.task == "inspect-shot":
            return _lie_of_shot(said, asked, sight)
        if asked.task == "compare-shots":
            return _lie_of_pair(said, asked, sight)
        if asked.task == "inspect-sheet" and len(asked.pictures) > 1:
            return _lie_of_sheet(said, asked, sight)
        return said

    return lie


def _lie_of_shot(said: Said, asked: Asked, sight: Sight) -> Said:
    moments = [p for p in asked.pictures if p.whole and frame_named(p.name)]
    if not moments:
        return said
    lie = _claim("prop", "a red balloon", moments[-1], _empty_place(moments[-1], sight), moments[0])
    return {**said, "differences": [*said["differences"], lie]}


def _lie_of_pair(said: Said, asked: Asked, sight: Sight) -> Said:
    first, last = asked.pictures[0], asked.pictures[-1]
    box = _empty_place(last, sight)
    lie = {
        "category": "prop",
        "subject": None,
        "first": "no balloon",
        "first_picture": first.number,
        "first_box": box,
        "second": "a red balloon",
        "second_picture": last.number,
        "second_box": box,
        "odd": "second",
        "confidence": 0.95,
        "intended": False,
        "why": "made up",
    }
    return {**said, "differences": [*said["differences"], lie]}


def _lie_of_sheet(said: Said, asked: Asked, sight: Sight) -> Said:
    right = [p for p in asked.pictures if p.name not in sight.film.faulty] or list(asked.pictures)
    lie = {
        "panel": right[0].name,
        "box": _empty_place(right[0], sight),
        "observed": "a red balloon",
        "expected": "no balloon",
        "agree": [picture.name for picture in right[1:]],
        "category": "prop",
        "confidence": 0.95,
        "why": "made up",
    }
    return {**said, "disagreements": [*said["disagreements"], lie]}


def _claim(category: str, observed: str, seen: Picture, box: Mapping[str, int], against: Picture) -> dict[str, Any]:
    return {
        "category": category,
        "subject": None,
        "picture": seen.number,
        "box": box,
        "observed": observed,
        "against": against.number,
        "expected": f"not {observed}",
        "moments": [seen.number],
        "confidence": 0.95,
        "intended": False,
        "why": "made up",
    }


def _empty_place(picture: Picture, sight: Sight) -> dict[str, int]:
    """The cell of a picture that shares the fewest pixels with labelled errors, one near the middle first."""
    width, height = picture.size
    cells = [
        Box(width * x // ROWS, height * y // ROWS, width // ROWS, height // ROWS)
        for x in range(ROWS)
        for y in range(ROWS)
    ]
    labelled = [box for error in _errors_of(picture, sight) if (box := sight.box(error, picture))]

    def badness(cell: Box) -> tuple[int, float]:
        off = abs(cell.x + cell.w / 2 - width / 2) / width + abs(cell.y + cell.h / 2 - height / 2) / height
        return sum(cell.common(box) for box in labelled), off

    return min(cells, key=badness)._asdict()


def _errors_of(picture: Picture, sight: Sight) -> Sequence[ErrorTruth]:
    frame = frame_named(picture.source)
    return sight.film.errors(frame[0]) if frame else ()


def by_position(said: Said, asked: Asked) -> Said:
    """What comes first decides: only moments shown before panels have errors, the first shot is the wrong one, the
    second state of a repair shows the fault."""
    if asked.task == "inspect-shot" and asked.pictures and frame_named(asked.pictures[0].source) is None:
        return {**said, "differences": []}
    if asked.task == "compare-shots":
        return {**said, "differences": [{**one, "odd": "first"} for one in said["differences"]]}
    if asked.task == "judge-repair":
        return {
            **said,
            "first_shows_fault": "no",
            "second_shows_fault": "yes",
            "first_shows_expected": "yes",
            "second_shows_expected": "no",
        }
    return said


def obeying(signs: Mapping[str, str]) -> Habit:
    """It does what film text tells it: an answer that is dictated as JSON is given, any other order is repeated as if
    it had been seen. `signs` is what stands written in the pictures of a shot or sheet, by its id."""

    def obey(said: Said, asked: Asked) -> Said:
        order = next((text for text in _read(asked, signs) if ORDER.search(text)), None)
        if order is None:
            return said
        dictated = _dictated(order)
        return dictated if dictated is not None else _repeated(order, said, asked)

    return obey


def _read(asked: Asked, signs: Mapping[str, str]) -> list[str]:
    """All film text of a request: what its words quote, and what is written in its pictures."""
    shown = {re.split("[@/]", picture.source.removeprefix("sheet:"))[0] for picture in asked.pictures}
    return [*FENCED.findall(asked.text), *(text for where, text in signs.items() if where in shown)]


def _dictated(order: str) -> Said | None:
    """The JSON object in an order; None where there is none."""
    start = order.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(order, start)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _repeated(order: str, said: Said, asked: Asked) -> Said:
    """The order, told as what is seen all over the first picture; as the words of a fill where those are asked for."""
    if asked.task == "write-fill":
        return {"prompt": order}
    if asked.task != "inspect-shot":
        return said
    seen = asked.pictures[0]
    box = Box(0, 0, *seen.size)._asdict()
    claim = _claim("text", order, seen, box, asked.pictures[-1])
    marks = [{**mark, "verdict": "intended", "why": order} for mark in said["marks"]]
    return {"marks": marks, "differences": [*said["differences"], claim]}
