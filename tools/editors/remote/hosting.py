"""Footage where a provider can read it, for those that take addresses only.

The place is the user's own: SUTURE_PUBLIC_STORE is any address that fsspec can write to (a folder, s3://…), and
SUTURE_PUBLIC_URL the address under which the same files can be read. Names are random, so that nobody finds a file who
was not told of it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

import fsspec

from tools.errors import BadInput, Refused

STORE, URL = "SUTURE_PUBLIC_STORE", "SUTURE_PUBLIC_URL"


def missing(environment: Mapping[str, str]) -> str | None:
    """What must be set before footage can be hosted; None when it can be."""
    lacks = [name for name in (STORE, URL) if not environment.get(name)]
    return f"takes footage by its address only: set {' and '.join(lacks)}" if lacks else None


async def hosted(path: Path, environment: Mapping[str, str]) -> str:
    """Copies a file to the store; the address at which it can be read. Refused when there is no store."""
    lacks = missing(environment)
    if lacks:
        raise Refused(lacks)
    name = f"{secrets.token_hex(16)}{path.suffix}"
    try:
        await asyncio.to_thread(_put, path, f"{environment[STORE].rstrip('/')}/{name}")
    except (OSError, ImportError, ValueError) as error:
        raise BadInput(f"{STORE}: cannot be written to ({type(error).__name__})") from None
    return f"{environment[URL].rstrip('/')}/{name}"


def _put(path: Path, target: str) -> None:
    with fsspec.open(target, "wb") as out:
        out.write(path.read_bytes())
