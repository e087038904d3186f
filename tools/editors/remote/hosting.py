"""Footage where a provider can read it, for those that take addresses only.

The place is the user's own: SUTURE_PUBLIC_STORE is any address that fsspec can write to (a folder, s3://…), and
SUTURE_PUBLIC_URL the address under which the same files can be read. Names are random, so that nobody finds a file who
was not told of it, and a file is taken away as soon as its job is over.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import fsspec

from tools.editors.registry import Entry, House
from tools.editors.remote._editor import RemoteEditor
from tools.errors import BadInput, Broken, Refused, TryAgain
from tools.types import Edit, Job, Progress, Take

STORE, URL = "SUTURE_PUBLIC_STORE", "SUTURE_PUBLIC_URL"
FOOTAGE = "footage"
"""What a handle calls the address of the footage that its job reads."""


class Hosting(RemoteEditor):
    """Base of editors whose provider reads footage at an address: what is hosted for a job goes when it is over."""

    def __init__(self, house: House, entry: Entry) -> None:
        super().__init__(house, entry)
        self._lent: dict[str, str] = {}

    async def host(self, edit: Edit, path: Path) -> str:
        """The address of a copy of a file. It is taken away when nothing comes of the submit, or when the job is over.

        It stays where a submit was lost: the provider may read it yet.
        """
        self._lent[edit.key] = await hosted(path, self.environment)
        return self._lent[edit.key]

    async def submit(self, edit: Edit) -> Job:
        try:
            handle = self.read(await super().submit(edit))
        except (Refused, Broken, TryAgain):
            await withdraw(self._lent.get(edit.key, ""), self.environment)
            raise
        finally:
            lent = self._lent.pop(edit.key, "")
        return self.job(handle.model_copy(update={"urls": {**handle.urls, FOOTAGE: lent}}))

    async def poll(self, job: Job) -> Progress:
        try:
            progress = await super().poll(job)
        except Refused:
            await self._withdraw(job)
            raise
        if progress.state == "failed":
            await self._withdraw(job)
        return progress

    async def fetch(self, job: Job, folder: Path) -> Take:
        take = await super().fetch(job, folder)
        await self._withdraw(job)
        return take

    async def _withdraw(self, job: Job) -> None:
        await withdraw(self.read(job).urls.get(FOOTAGE, ""), self.environment)


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


async def withdraw(address: str, environment: Mapping[str, str]) -> None:
    """Takes a hosted file away; one that is gone, or lies elsewhere by now, is left as it is."""
    base = f"{environment.get(URL, '').rstrip('/')}/"
    if missing(environment) is None and address.startswith(base):
        with suppress(OSError, ImportError, ValueError):
            await asyncio.to_thread(_remove, f"{environment[STORE].rstrip('/')}/{address.removeprefix(base)}")


def _remove(target: str) -> None:
    files, path = fsspec.core.url_to_fs(target)
    files.rm_file(path)


def _put(path: Path, target: str) -> None:
    with fsspec.open(target, "wb") as out:
        out.write(path.read_bytes())
