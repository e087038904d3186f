"""The Gemini API's files: footage goes up by a resumable upload, results come down with the key."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.editors.http import Door, Patience
from tools.errors import Broken, TryAgain

READY_TRIES = 60
"""Questions whether an upload has been read, before it is given up."""
STATUS = "x-goog-upload-status"


class GeminiFiles:
    """Uploads and downloads of one account. `url` makes an address of a path."""

    def __init__(self, door: Door, url: Callable[[str], str], patience: Patience) -> None:
        self._door, self._url, self._patience = door, url, patience

    async def upload(self, path: Path, mime: str) -> str:
        """The address under which a request may name the file, once it has been read there."""
        data = await asyncio.to_thread(path.read_bytes)
        opened = await self._door.ask(
            "POST",
            self._url("upload/v1beta/files"),
            json={"file": {"mimeType": mime, "sizeBytes": len(data)}},
            headers={
                "x-goog-upload-protocol": "resumable",
                "x-goog-upload-command": "start",
                "x-goog-upload-header-content-length": str(len(data)),
                "x-goog-upload-header-content-type": mime,
            },
        )
        where = opened.headers.get("x-goog-upload-url")
        if where is None:
            raise Broken(f"{self._door.title} opened an upload without an address for it")
        sent = {"x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0"}
        closed = await self._door.ask("POST", where, bare=True, content=data, headers=sent)
        if closed.headers.get(STATUS) != "final":
            raise Broken(f"{self._door.title} did not take the upload whole")
        return await self._read(closed.json()["file"])

    async def _read(self, file: dict[str, Any]) -> str:
        """The file's address when its state is ACTIVE."""
        name, state = str(file["name"]), str(file.get("state", ""))
        for _ in range(READY_TRIES):
            if state == "ACTIVE":
                return str(file["uri"])
            if state == "FAILED":
                raise Broken(f"{self._door.title} could not read the footage that was uploaded ({name})")
            await asyncio.sleep(self._patience.first)
            state = await self.state(name)
        raise TryAgain(f"{self._door.title} is still reading the footage that was uploaded ({name})")

    async def state(self, name: str) -> str:
        """PROCESSING, ACTIVE or FAILED."""
        told = (await self._door.ask("GET", self._url(f"v1beta/{name}"))).json()
        return str(told.get("state", ""))

    async def download(self, uri: str, path: Path) -> str:
        """A result's file, with the key, from Google's own host; its sha256."""
        return await self._door.download(
            self._url(f"v1beta/{file_name(uri)}:download?alt=media"), path, kind="video", bare=False
        )


def file_name(uri: str) -> str:
    """ "files/abc" of any address of a file. Broken when it is none."""
    found = re.search(r"files/([\w-]+)", uri)
    if found is None:
        raise Broken("the result's address is that of no file of the Gemini API")
    return f"files/{found[1]}"
