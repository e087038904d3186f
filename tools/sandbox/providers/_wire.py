"""What comes over the wire to a provider of the sandbox, and what goes back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol
from urllib.parse import parse_qs

Moment = Literal["submit", "poll", "fetch", "cancel", "upload", "webhook", "other"]
"""What a request is for, which is what faults are ordered by."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `path` begins behind the provider's mount ("/v1/tasks"), headers are lower case."""

    provider: str
    method: str
    host: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body as JSON; ValueError when it is none, {} when there is none."""
        return json.loads(self.body) if self.body else {}

    def param(self, name: str, otherwise: str = "") -> str:
        return self.query.get(name, [otherwise])[0]

    @property
    def parts(self) -> list[str]:
        return [part for part in self.path.split("/") if part]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: JSON (anything that can be dumped) or bytes."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()

    @property
    def kind(self) -> str:
        return str(self.headers.get("content-type", "application/json"))


class Asked(NamedTuple):
    """What a request is for, and the model it names ("" where it names none)."""

    moment: Moment
    model: str = ""


class App(Protocol):
    """One provider. It is asked what a request is for, and for its answer; its errors are shaped as the provider's."""

    name: str
    hosts: Mapping[str, str]
    """Real host names, each with the path below the mount that stands for it: {"queue.fal.run": "/queue"}."""

    def asked(self, request: Request) -> Asked: ...

    def answer(self, request: Request) -> Reply: ...

    def error(self, status: int, words: str) -> Reply:
        """An error of that HTTP status in the provider's form (429 with Retry-After, 5xx, 401)."""
        ...

    def refusal(self, request: Request) -> Reply:
        """What the provider answers to a submit whose content it will not have."""
        ...


Maker = Callable[..., App]


def query_of(text: str) -> dict[str, list[str]]:
    return parse_qs(text, keep_blank_values=True)
