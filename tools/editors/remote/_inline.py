"""Files that travel inside JSON: base64 out, base64 back as a file that is what it claims to be."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from pathlib import Path
from typing import Any, Literal

from tools.editors.http import MAGIC
from tools.errors import Broken


async def encoded(path: Path) -> str:
    """A file as base64."""
    return base64.b64encode(await asyncio.to_thread(path.read_bytes)).decode()


def decoded(text: Any, kind: Literal["video", "image"], title: str) -> bytes:
    """The bytes of a result. Broken when they are no base64, empty, or of another kind."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Broken(f"{title}: the result is not base64") from None
    if not data:
        raise Broken(f"{title}: the result is empty")
    if not any(mark in data[:16] for mark in MAGIC[kind]):
        raise Broken(f"{title}: the result is no {kind} ({data[:12]!r}…)")
    return data


def written(data: bytes, path: Path) -> str:
    """Puts the bytes at `path`, whole or not at all; their sha256."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(data)
    partial.replace(path)
    return hashlib.sha256(data).hexdigest()
