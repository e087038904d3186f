"""A chat request as the scripted server understands it: task, words, pictures with their captions, and the schema.

It is checked as a strict server would: pictures must decode and be as large as their captions say, strict schemas must
be strict. `Unacceptable` carries the words of the 400 that a request earns.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any, Literal

import cv2
import numpy as np
from pydantic import ConfigDict

from tools.types import Box, Frozen, Rgb

Rung = Literal["json_schema", "json_object", "text"]
TASK = re.compile(r"Task: ([a-z0-9-]+), version (\d+)\.")
CAPTION = re.compile(r"Picture (\d+): (.+?), (.*)\. (\d+) x (\d+) pixels\.$", re.DOTALL)
CROP = re.compile(r"^(.*)\[(\d+),(\d+),(\d+),(\d+)\]$")


class Unacceptable(Exception):
    """A strict server answers this request with 400 and these words."""


class Picture(Frozen):
    """One picture of a request. `name` is the caption's, such as "SH020@24[10,20,300,200]"."""

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
        found = CROP.match(self.name)
        return found[1] if found else self.name

    def area(self, width: int, height: int) -> Box:
        """What it shows of a source of this size."""
        found = CROP.match(self.name)
        return Box(*(int(part) for part in found.groups()[1:])) if found else Box(0, 0, width, height)


class Asked(Frozen):
    """One request."""

    model: str
    task: str
    version: int
    rung: Rung
    schema_name: str | None
    json_schema: dict[str, Any] | None
    text: str
    """The user's words: everything but captions and pictures."""
    pictures: tuple[Picture, ...]
    rounds: int
    """0 for the first answer to a question, 1 for a repair round."""


def read_request(body: dict[str, Any]) -> Asked:
    """The request, checked. Raises Unacceptable."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Unacceptable("'messages' must be a list with at least one message")
    rules = _text_of(messages[0].get("content"))
    task = TASK.search(rules)
    rung, name, schema = _form(body.get("response_format"))
    user = next(one for one in messages if one.get("role") == "user")
    text, pictures = _parts(user.get("content"))
    return Asked(
        model=str(body.get("model")),
        task=task[1] if task else "",
        version=int(task[2]) if task else 0,
        rung=rung,
        schema_name=name,
        json_schema=schema,
        text=text,
        pictures=pictures,
        rounds=sum(one.get("role") == "assistant" for one in messages),
    )


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [] if part.get("type") == "text")


def _form(form: Any) -> tuple[Rung, str | None, dict[str, Any] | None]:
    if form is None:
        return "text", None, None
    if form.get("type") == "json_object":
        return "json_object", None, None
    if form.get("type") != "json_schema":
        raise Unacceptable(f"response_format: unknown type {form.get('type')!r}")
    told = form.get("json_schema", {})
    if told.get("strict"):
        check_strict(told.get("schema", {}))
    return "json_schema", told.get("name"), told.get("schema")


def check_strict(schema: Any, where: str = "schema") -> None:
    """Raises Unacceptable where a schema breaks the rules of strict mode: closed objects, everything required."""
    if not isinstance(schema, dict):
        return
    odd = {"oneOf", "prefixItems", "patternProperties", "default"} & set(schema)
    if odd:
        raise Unacceptable(f"Invalid schema: {where} uses {', '.join(sorted(odd))}, which strict mode does not permit")
    if schema.get("type") == "object":
        _check_object(schema, where)
    for name in ("properties", "$defs"):
        for key, inner in schema.get(name, {}).items():
            check_strict(inner, f"{where}.{key}")
    for inner in (schema.get("items"), *schema.get("anyOf", ())):
        check_strict(inner, f"{where}[]")


def _check_object(schema: dict[str, Any], where: str) -> None:
    if schema.get("additionalProperties") is not False:
        raise Unacceptable(f"Invalid schema: {where} needs additionalProperties: false")
    if set(schema.get("required", [])) != set(schema.get("properties", {})):
        raise Unacceptable(f"Invalid schema: {where} must require every property")


def _parts(content: Any) -> tuple[str, tuple[Picture, ...]]:
    """The words, and the pictures with the captions that stand before them."""
    if isinstance(content, str):
        return content, ()
    texts: list[str] = []
    pictures: list[Picture] = []
    for part in content:
        if part.get("type") == "text":
            texts.append(part["text"])
        elif part.get("type") == "image_url":
            pictures.append(_picture(part["image_url"]["url"], texts.pop() if texts else ""))
        else:
            raise Unacceptable(f"unknown content type {part.get('type')!r}")
    return "\n".join(texts), tuple(pictures)


def _picture(url: str, caption: str) -> Picture:
    head, comma, data = url.partition(",")
    told = re.fullmatch(r"data:(image/(?:png|jpeg|webp));base64", head)
    if not comma or told is None:
        raise Unacceptable("image_url must be a base64 data URL of a PNG, JPEG or WebP picture")
    raw = base64.b64decode(data)
    decoded = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise Unacceptable("image_url: the picture cannot be decoded")
    named = CAPTION.match(caption.strip())
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
        media_type=told[1],
        sha256=hashlib.sha256(raw).hexdigest(),
    )
