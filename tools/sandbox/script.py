"""What the scripted server says: scripts that answer, and the ways in which a server can misbehave."""

from __future__ import annotations

import colorsys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.sandbox.asked import Asked
from tools.types import Frozen, Rgb

Fault = Literal[
    "drop",
    "hang",
    "rate-limit",
    "rate-limit-date",
    "rate-limit-long",
    "quota",
    "error",
    "loading",
    "denied",
    "no-model",
    "refusal",
    "filtered",
    "filtered-question",
    "truncated",
    "empty",
    "null",
    "chatter",
    "fenced",
    "wrong-shape",
    "reasoning",
    "no-usage",
]
"""drop: the line breaks without an answer. hang: no answer comes. rate-limit: 429 with Retry-After 0, as a number or a
date; -long asks for ten minutes. quota: 429, the account is empty. error: 500. loading: 503. denied: 401. no-model:
404. refusal, filtered, truncated, empty, null: what a reply can be instead of an answer; filtered-question: 400.
chatter: words and no JSON. fenced: right JSON inside prose and a code fence. wrong-shape: JSON of another shape.
reasoning: the right answer beside a reasoning_content field. no-usage: the right answer, and no word of its tokens."""


class Quirks(Frozen):
    """How a kind of server differs from a strict one."""

    rungs: tuple[Literal["json_schema", "json_object", "text"], ...] = ("json_schema", "json_object", "text")
    sees: bool = True
    """False: pictures are dropped without a word."""
    most_pictures: int | None = None
    most_tokens: int | None = None
    """Of a longer text, the model reads the end only, and nobody is told."""
    usage: bool = True
    reasons: bool = False
    """Every answer has a reasoning_content field beside it."""


SERVERS: Mapping[str, Quirks] = {
    "openai": Quirks(),
    "vllm": Quirks(most_pictures=1),
    "ollama": Quirks(most_tokens=4096),
    "llama.cpp": Quirks(reasons=True),
    "older": Quirks(rungs=("json_object", "text"), usage=False),
    "text-only": Quirks(rungs=("text",), sees=False),
}


class Script(Protocol):
    """Answers requests: JSON as a mapping, or raw text."""

    def answer(self, asked: Asked) -> Mapping[str, Any] | str: ...


Answer = Mapping[str, Any] | str | Callable[[Asked], Mapping[str, Any] | str]
NOTHING: Mapping[str, Mapping[str, Any]] = {
    "inspect-shot": {"marks": [], "differences": []},
    "compare-shots": {"differences": []},
    "inspect-sheet": {"disagreements": []},
    "read-sheet": {"panels": [], "facts": []},
    "trace-cause": {"candidate": None, "why": "none shows it"},
    "find-thing": {"box": None, "confidence": 0.9, "why": "it is not in the picture"},
    "judge-repair": {
        "first_shows_fault": "cannot-tell",
        "second_shows_fault": "cannot-tell",
        "first_shows_expected": "cannot-tell",
        "second_shows_expected": "cannot-tell",
        "new_in_first": None,
        "new_in_second": None,
        "why": "they look alike",
    },
    "write-fill": {"prompt": ""},
    "understand-request": {
        "why": "a rehearsal reads nothing",
        "act": {"tool": "ask", "question": "This is a rehearsal: which shot, and what is wrong there?"},
    },
}
"""The answer of a model that finds nothing, by task."""


class Fixed:
    """Answers by task; what is not told is answered as by a model that finds nothing."""

    def __init__(self, answers: Mapping[str, Answer] | None = None) -> None:
        self._answers = answers or {}

    def answer(self, asked: Asked) -> Mapping[str, Any] | str:
        if asked.task == "probe":
            return {"colours": colours_in(asked.pictures[0].pixels) if asked.pictures else []}
        said = self._answers.get(asked.task, NOTHING.get(asked.task, {}))
        return said(asked) if callable(said) else said


class InOrder:
    """Answers of one task one after the other, the last one for good; other tasks as `Fixed`."""

    def __init__(self, task: str, answers: Sequence[Mapping[str, Any] | str]) -> None:
        self._task, self._left = task, list(answers)
        self._turn = threading.Lock()
        self._others = Fixed()

    def answer(self, asked: Asked) -> Mapping[str, Any] | str:
        if asked.task != self._task:
            return self._others.answer(asked)
        with self._turn:
            return self._left.pop(0) if len(self._left) > 1 else self._left[0]


HUES = {"red": 0, "yellow": 60, "green": 120, "blue": 240}
"""Degrees on the circle of hues."""
APART, COLOURFUL = 48, 60
"""Code values: what tells a square from the ground behind it, and a colour from black and white."""


def colours_in(picture: Rgb) -> list[str]:
    """The names of the squares on a plain ground, from left to right, read from the pixels."""
    rim = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    off = np.abs(picture.astype(np.int16) - np.median(rim, axis=0)).max(axis=2) > APART
    _, labels, stats, _ = cv2.connectedComponentsWithStats(off.astype(np.uint8))
    areas = stats[1:, cv2.CC_STAT_AREA]
    squares = [number for number, area in enumerate(areas, start=1) if area > 0.25 * areas.max()]
    squares.sort(key=lambda number: int(stats[number, cv2.CC_STAT_LEFT]))
    return [_colour_name(np.median(picture[labels == number], axis=0)) for number in squares]


def _colour_name(colour: NDArray[np.float64]) -> str:
    red, green, blue = (float(part) / 255 for part in colour)
    if colour.max() - colour.min() < COLOURFUL:
        return "white" if colour.mean() > 127 else "black"
    hue = 360 * colorsys.rgb_to_hsv(red, green, blue)[0]
    return min(HUES, key=lambda name: abs((hue - HUES[name] + 180) % 360 - 180))
