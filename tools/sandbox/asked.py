"""A chat request as the scripted server understands it: task, words, pictures with their captions, and the schema.

It is checked as a strict server would: pictures must decode and be as large as their captions say, strict schemas must
be strict. `Unacceptable` carries the words of the 400 that a request earns.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import cv2
import numpy as np
from pydantic import ConfigDict

from tools.sandbox.strict import Unacceptable, check_schema
from tools.types import Box, Frozen, Rgb

Rung = Literal["json_schema", "json_object", "text"]
TASK = re.compile(r"Task: ([a-z0-9-]+), version (\d+)\.")
CAPTION = re.compile(r"Picture (\d+): (.+?), (.*)\. (\d+) x (\d+) pixels\.", re.DOTALL)
CROP = re.compile(r"(.*)\[(\d+),(\d+),(\d+),(\d+)\]")
DATA_URL = re.compile(r"data:(image/(?:png|jpeg|webp));base64")
SIGNATURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}
"""How a file of each type begins."""


class Picture(Frozen):
    """One picture of a request. `name` is the caption's, such as "SH020@24[10,20,300,200]"; `pixels` are as sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    number: int
    name: str
    words: str
    pixels: Rgb
    media_type: str
    sha256: str

    @property
    def source(self) -> str:
        """The name without a crop: "SH020@24", "mara/face", "sheet:mara"."""
        found = CROP.fullmatch(self.name)
        return found[1] if found else self.name

    @property
    def whole(self) -> bool:
        """Whether it shows all of its source."""
        return self.source == self.name

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as sent."""
        height, width = self.pixels.shape[:2]
        return width, height

    def area(self, width: int, height: int) -> Box:
        """What it shows of a source of this size."""
        found = CROP.fullmatch(self.name)
        return Box(*(int(part) for part in found.groups()[1:])) if found else Box(0, 0, width, height)


class Asked(Frozen):
    """One request."""

    model: str
    task: str
    version: int
    rung: Rung
    schema_name: str | None
    json_schema: dict[str, Any] | None
    rules: str
    """The system's words."""
    text: str
    """The user's words: everything but captions and pictures."""
    pictures: tuple[Picture, ...]
    rounds: int
    """0 for the first answer to a question, 1 for a repair round."""
    objection: str = ""
    """In a repair round, what was wrong with the answer before."""


def read_request(body: Any) -> Asked:
    """The request, checked. Raises Unacceptable."""
    messages = _messages(body)
    rules = "\n".join(_text_of(one["content"]) for one in messages if one["role"] in ("system", "developer"))
    users = [one["content"] for one in messages if one["role"] == "user"]
    rounds = sum(one["role"] == "assistant" for one in messages)
    if not users:
        raise Unacceptable("'messages' must hold a message of the user")
    task = TASK.search(rules)
    rung, name, schema = _form(body.get("response_format"))
    if rung == "json_object" and not any("json" in _text_of(one["content"]).lower() for one in messages):
        raise Unacceptable("'messages' must contain the word 'json' in some form, to use 'response_format'")
    text, pictures = _parts(users[0])
    return Asked(
        model=body["model"],
        task=task[1] if task else "",
        version=int(task[2]) if task else 0,
        rung=rung,
        schema_name=name,
        json_schema=schema,
        rules=rules,
        text=text,
        pictures=pictures,
        rounds=rounds,
        objection=_text_of(users[-1]) if rounds else "",
    )


def _messages(body: Any) -> list[dict[str, Any]]:
    """The conversation, each message with its role and content."""
    if not isinstance(body, dict) or not isinstance(body.get("model"), str):
        raise Unacceptable("you must provide a model parameter")
    if body.get("stream"):
        raise Unacceptable("'stream' is not supported here")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Unacceptable("'messages' must be a list with at least one message")
    for one in messages:
        if not isinstance(one, dict) or not isinstance(one.get("role"), str) or not _is_content(one.get("content")):
            raise Unacceptable("every message needs a role and a content")
    return messages


def _is_content(content: Any) -> bool:
    return isinstance(content, str) or (isinstance(content, list) and all(isinstance(part, dict) for part in content))


def _text_of(content: str | Sequence[Mapping[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") == "text")


def _form(form: Any) -> tuple[Rung, str | None, dict[str, Any] | None]:
    if form is None:
        return "text", None, None
    kind = form.get("type") if isinstance(form, dict) else form
    if kind in ("text", "json_object"):
        return kind, None, None
    if kind != "json_schema" or not isinstance(form.get("json_schema"), dict):
        raise Unacceptable(f"Invalid value for 'response_format': {kind!r}")
    told = form["json_schema"]
    if told.get("strict"):
        check_schema(told.get("name"), told.get("schema"))
    return "json_schema", told.get("name"), told.get("schema")


def _parts(content: str | Sequence[Mapping[str, Any]]) -> tuple[str, tuple[Picture, ...]]:
    """The words, and the pictures with the captions that stand before them."""
    if isinstance(content, str):
        return content, ()
    texts: list[str] = []
    pictures: list[Picture] = []
    for part in content:
        if part.get("type") == "text":
            texts.append(str(part.get("text", "")))
        elif part.get("type") == "image_url":
            pictures.append(_picture(part.get("image_url"), texts.pop() if texts else ""))
        else:
            raise Unacceptable(f"Invalid content type {part.get('type')!r}")
    if [picture.number for picture in pictures] != list(range(1, len(pictures) + 1)):
        raise Unacceptable(f"pictures are numbered {[picture.number for picture in pictures]}")
    return "\n".join(texts), tuple(pictures)


def _picture(told: Any, caption: str) -> Picture:
    raw, media_type = _image_bytes(told.get("url") if isinstance(told, dict) else told)
    decoded = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise Unacceptable("image_url: the picture cannot be decoded")
    named = CAPTION.fullmatch(caption.strip())
    if named is None:
        raise Unacceptable(f"a picture without a caption: {caption[:80]!r}")
    height, width = decoded.shape[:2]
    if (int(named[4]), int(named[5])) != (width, height):
        raise Unacceptable(f"picture {named[1]} is {width} x {height}, its caption says {named[4]} x {named[5]}")
    return Picture(
        number=int(named[1]),
        name=named[2],
        words=named[3],
        pixels=np.ascontiguousarray(decoded[:, :, ::-1]),
        media_type=media_type,
        sha256=hashlib.sha256(raw).hexdigest(),
    )


def _image_bytes(url: Any) -> tuple[bytes, str]:
    """A data URL's bytes and media type, which must be what they begin as."""
    head, _, data = str(url).partition(",")
    told = DATA_URL.fullmatch(head)
    if told is None:
        raise Unacceptable("image_url must be a base64 data URL of a PNG, JPEG or WebP picture")
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise Unacceptable(f"image_url: not base64 ({error})") from None
    if not raw.startswith(SIGNATURES[told[1]]):
        raise Unacceptable(f"image_url: the picture is not {told[1]}")
    return raw, told[1]
