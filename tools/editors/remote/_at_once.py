"""Image editors whose answer is the picture itself: it is kept at once, so that any later process can fetch it."""

from __future__ import annotations

import asyncio
import hashlib
from abc import abstractmethod
from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from tools.editors.fitting import Fit
from tools.editors.remote._editor import Files, Handle, RemoteEditor
from tools.editors.remote._inline import written
from tools.errors import Broken
from tools.types import Edit, Progress


class Made(NamedTuple):
    """A picture that came with the answer, and what the provider said of it."""

    picture: bytes
    facts: dict[str, str | int | float | bool]


class AtOnce(RemoteEditor):
    """Base of editors whose paid request is the work. The picture and its handle lie in `home`, named by the edit."""

    result: ClassVar[Literal["video", "image"]] = "image"

    @abstractmethod
    async def make(self, edit: Edit, files: Files) -> Made:
        """Pays for the picture and returns it."""

    async def send(self, edit: Edit, files: Files) -> Handle:
        """An edit whose picture is here already is not paid for again."""
        known = self._known(edit)
        if known is not None:
            return known
        made = await self.make(edit, files)
        handle = Handle(id=name_of(edit), fit=files.fit, facts=made.facts)
        await asyncio.to_thread(self._keep, handle, made.picture)
        return handle

    def _keep(self, handle: Handle, picture: bytes) -> None:
        written(picture, self.kept(handle.id))
        written(handle.model_dump_json().encode(), self._note(handle.id))

    def _known(self, edit: Edit) -> Handle | None:
        note = self._note(name_of(edit))
        return Handle.model_validate_json(note.read_bytes()) if note.is_file() else None

    def _note(self, name: str) -> Path:
        return self.kept(name).with_suffix(".json")

    async def look_up(self, edit: Edit, fit: Fit, since: datetime, known: Collection[str]) -> Handle | None:
        """What was kept before the process ended; else nobody can tell."""
        return self._known(edit) or await super().look_up(edit, fit, since, known)

    async def ask(self, handle: Handle) -> Progress:
        self._path(handle)
        return Progress(state="done", fraction=1.0)

    async def bring(self, handle: Handle, path: Path) -> str:
        data = await asyncio.to_thread(self._path(handle).read_bytes)
        return written(data, path)

    def _path(self, handle: Handle) -> Path:
        path = self.kept(handle.id)
        if not path.is_file():
            raise Broken(f"{self.provider.title} answered once, and the picture is no longer kept here; edit again")
        return path


def name_of(edit: Edit) -> str:
    """What names an edit's result: the same in every process."""
    return hashlib.sha256(edit.key.encode()).hexdigest()[:24]
