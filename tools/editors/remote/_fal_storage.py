"""fal's storage: a file goes up with a token of its own, in parts where it is large, by a bucket where that is down."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from tools.editors.http import MEGABYTE, Door
from tools.errors import Broken, TryAgain

WHOLE = 100 * MEGABYTE
"""Files above this size go up in parts."""
PART = 10 * MEGABYTE
LIFETIME = json.dumps({"expiration_duration_seconds": 86_400})
"""How long footage lies there: a day, which is longer than any job waits."""
SOON = 60.0
"""A token that ends within so many seconds is not used any more."""


class Token(NamedTuple):
    """What opens the storage: the headers that prove it, where large files go, and when it ends (Unix seconds)."""

    proof: Mapping[str, str]
    base: str
    ends: float


class Storage:
    """Uploads through a provider's door; `address` makes the provider's addresses ("files/upload", "cdn")."""

    def __init__(self, door: Door, address: Callable[[str, str], str]) -> None:
        self._door = door
        self._address = address
        self._token: Token | None = None

    async def upload(self, path: Path, kind: str) -> str:
        """The address of a file of that content type; by the older way where the newer one is out of order."""
        try:
            token = await self._opened()
            large = path.stat().st_size > WHOLE
            return await (self._in_parts(path, kind, token) if large else self._whole(path, kind, token))
        except (TryAgain, Broken):
            return await self._by_bucket(path, kind)

    async def _opened(self) -> Token:
        if self._token is None or self._token.ends < time.time() + SOON:
            self._token = await self._new_token()
        return self._token

    async def _new_token(self) -> Token:
        where = self._address("storage/auth/token", "rest")
        told = (await self._door.ask("POST", where, params={"storage_type": "fal-cdn-v3"}, json={})).json()
        try:
            self._door.learn(told["token"])
            proof = {"authorization": f"{told['token_type']} {told['token']}"}
            return Token(proof, told["base_url"], datetime.fromisoformat(told["expires_at"]).timestamp())
        except (KeyError, TypeError, ValueError):
            raise Broken("fal's storage answered without a token; its API may have changed") from None

    async def _whole(self, path: Path, kind: str, token: Token) -> str:
        data = await asyncio.to_thread(path.read_bytes)
        where, told = self._address("files/upload", "cdn"), {**token.proof, **_named(path, kind)}
        reply = await self._door.ask("POST", where, bare=True, content=data, headers=told)
        return _text(reply.json(), "access_url")

    async def _in_parts(self, path: Path, kind: str, token: Token) -> str:
        where = self._trusted(f"{token.base}/files/upload/multipart")
        opened = (await self._door.ask("POST", where, bare=True, headers={**token.proof, **_named(path, kind)})).json()
        access = self._trusted(_text(opened, "access_url"))
        upload = f"{access}/multipart/{_text(opened, 'uploadId')}"
        parts = []
        for number in range(1, math.ceil(path.stat().st_size / PART) + 1):
            data = await asyncio.to_thread(_part, path, number)
            told = {**token.proof, "content-type": kind}
            reply = await self._door.ask("PUT", f"{upload}/{number}", bare=True, content=data, headers=told)
            parts.append({"partNumber": number, "etag": reply.headers.get("etag", "")})
        await self._door.ask("POST", f"{upload}/complete", bare=True, json={"parts": parts}, headers=token.proof)
        return access

    def _trusted(self, url: str) -> str:
        """The address, where the token may go there."""
        if not self._door.trusts(url):
            raise Broken("fal's storage named an address that is none of fal's own; no token goes there")
        return url

    async def _by_bucket(self, path: Path, kind: str) -> str:
        asked = {"file_name": path.name, "content_type": kind}
        where, lives = self._address("storage/upload/initiate", "rest"), {"x-fal-object-lifecycle-preference": LIFETIME}
        told = await self._door.ask("POST", where, params={"storage_type": "gcs"}, json=asked, headers=lives)
        target, found = _text(told.json(), "upload_url"), _text(told.json(), "file_url")
        data = await asyncio.to_thread(path.read_bytes)
        await self._door.ask("PUT", target, bare=True, content=data, headers={"content-type": kind})
        return found


def _named(path: Path, kind: str) -> dict[str, str]:
    return {"content-type": kind, "x-fal-file-name": path.name, "x-fal-object-lifecycle": LIFETIME}


def _text(told: Any, name: str) -> str:
    found = told.get(name) if isinstance(told, dict) else None
    if not isinstance(found, str):
        raise Broken(f"fal's storage answered without {name}; its API may have changed")
    return found


def _part(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek((number - 1) * PART)
        return file.read(PART)
