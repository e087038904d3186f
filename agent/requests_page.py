"""Requests to a model, written down instead of sent: as JSON with its pictures, and as one page to look through."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from pydantic import BaseModel

from agent.errors import NotSent
from agent.llm import Skill, Till, estimate_of, messages_of, response_form
from agent.shown import Shown
from prompts import Prompt
from tools.media.stills import jpeg, png

Reply = TypeVar("Reply", bound=BaseModel)


class _Written(NamedTuple):
    """One request as the page shows it."""

    title: str
    rules: str
    text: str
    answer: str
    schema: str
    tokens: int
    pictures: list[tuple[str, str]]
    """(caption, data URI)"""


class Recorder:
    """Stands where a door stands, and sends nothing.

    `folder` gets one folder per request (request.json, picture_1.png, …) and index.html with all of them.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self._folder, self._model = folder, model
        self._written: list[_Written] = []

    async def probe(self, till: Till) -> Skill:  # noqa: ARG002 - nothing is paid
        return Skill(rung="json_schema", sees=True)

    async def ask(
        self,
        prompt: Prompt,
        answer: type[Reply],
        pictures: Sequence[Shown],
        skill: Skill,
        till: Till,  # noqa: ARG002
    ) -> Reply:
        """Writes the request down; there is never an answer."""
        messages = messages_of(prompt, answer, pictures, skill.rung)
        name = f"{len(self._written) + 1:03d}-{prompt.name}"
        body = {"model": self._model, **response_form(answer, skill.rung), "messages": _named(messages)}
        self._keep(name, body, pictures)
        self._written.append(
            _Written(
                title=f"{name[:3]} {prompt.name}, version {prompt.version}",
                rules=str(messages[0]["content"]),
                text=prompt.text,
                answer=answer.__name__,
                schema=json.dumps(body["response_format"], indent=1),
                tokens=estimate_of(messages).tokens_in,
                pictures=[(p.caption(n), _data_uri(p)) for n, p in enumerate(pictures, start=1)],
            )
        )
        _write(self._folder / "index.html", _page(self._model, self._written).encode())
        raise NotSent(f"requests were written down, not sent: {self._folder / 'index.html'} shows them all")

    def _keep(self, name: str, body: dict[str, object], pictures: Sequence[Shown]) -> None:
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, picture in enumerate(pictures, start=1):
            _write(folder / f"picture_{number}.png", png(picture.pixels))
        _write(folder / "request.json", json.dumps(body, indent=1, ensure_ascii=False).encode())


def _named(messages: list[dict[str, object]]) -> list[dict[str, object]]:
    """The messages with each picture's data replaced by the name of its file."""
    user, number, parts = messages[-1], 0, []
    content = user["content"]
    assert isinstance(content, list)
    for part in content:
        if part["type"] == "image_url":
            number += 1
            parts.append({"type": "image_url", "image_url": {"url": f"picture_{number}.png", "detail": "high"}})
        else:
            parts.append(part)
    return [*messages[:-1], {**user, "content": parts}]


def _data_uri(picture: Shown) -> str:
    data = jpeg(picture.pixels, picture.pixels.shape[1], quality=90)
    return f"data:image/jpeg;base64,{b64encode(data).decode('ascii')}"


def _page(model: str, written: Sequence[_Written]) -> str:
    templates = Environment(
        loader=PackageLoader("agent"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return templates.get_template("requests.html").render(model=model, requests=written)


def _write(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.new")
    partial.write_bytes(data)
    partial.replace(path)
