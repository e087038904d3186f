"""What the scripted server says: scripts that answer, and the ways in which a server can misbehave."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import numpy as np

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
]
"""drop: the line breaks without an answer. hang: no answer comes. rate-limit: 429 with Retry-After 0, as a number or a
date; -long asks for ten minutes. quota: 429, the account is empty. error: 500. loading: 503. denied: 401. no-model:
404. refusal, filtered, truncated, empty, null: what a reply can be instead of an answer; filtered-question: 400.
chatter: words and no JSON. fenced: right JSON inside prose and a code fence. wrong-shape: JSON of another shape.
reasoning: the right answer beside a reasoning_content field."""


class Quirks(Frozen):
    """How a kind of server differs from a strict one."""

    rungs: tuple[Literal["json_schema", "json_object", "text"], ...] = ("json_schema", "json_object", "text")
    sees: bool = True
    """False: pictures are dropped without a word."""
    most_pictures: int | None = None
    usage: bool = True


SERVERS: Mapping[str, Quirks] = {
    "openai": Quirks(),
    "vllm": Quirks(most_pictures=1),
    "ollama": Quirks(usage=False),
    "llama.cpp": Quirks(rungs=("json_object", "text")),
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
        self._task, self._answers, self._next = task, list(answers), 0
        self._others = Fixed()

    def answer(self, asked: Asked) -> Mapping[str, Any] | str:
        if asked.task != self._task:
            return self._others.answer(asked)
        said = self._answers[min(self._next, len(self._answers) - 1)]
        self._next += 1
        return said


NAMED = {"red": (220, 30, 30), "green": (30, 170, 50), "blue": (40, 60, 220), "yellow": (240, 220, 40)}


def colours_in(picture: Rgb) -> list[str]:
    """The names of four squares in a row, read from the pixels."""
    height, width = picture.shape[:2]
    found = []
    for place in range(4):
        patch = picture[height // 3 : 2 * height // 3, round(width * (0.17 + 0.2375 * place - 0.04)) :][
            :, : width // 20
        ]
        mean = patch.reshape(-1, 3).mean(axis=0)
        found.append(min(NAMED, key=lambda name: float(np.abs(np.array(NAMED[name]) - mean).sum())))
    return found
