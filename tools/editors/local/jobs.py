"""Jobs of editors that work on this machine: written down when they are submitted, done when they are fetched.

A job needs no process that outlives its caller: whoever knows the handle can finish it. What is finished of a job lies
in its own folder, so that a fetch that was killed goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Protocol

from tools.editors.base import Capabilities
from tools.errors import Broken, Refused
from tools.types import Edit, Frame, Job, Progress, Quote, Take

Told = Callable[[int], None]
"""Hears how many frames are done."""


class Stopped(Broken):
    """The job was cancelled while it was computed."""


class Work:
    """What a running job is told and asks: how far it is, and whether it is still wanted."""

    def __init__(self, told: Told | None = None) -> None:
        self._told = told
        self._stop = threading.Event()

    def stop(self) -> None:
        self._stop.set()

    def check(self) -> None:
        """Raises Stopped when the job is no longer wanted."""
        if self._stop.is_set():
            raise Stopped("the job was cancelled; submit the edit again to have it done")

    def done(self, frames: int) -> None:
        self.check()
        if self._told is not None:
            self._told(frames)


class Streamed(Protocol):
    """An edit's frames as they are made; `how` tells how, once they are."""

    def frames(self, source: Iterator[Frame]) -> Iterator[Frame]:
        """All frames of the clip, in its own size, rate and layout; `source` are its frames as they are."""

    @property
    def how(self) -> Mapping[str, str | float | int | bool]:
        """As a take's."""


class LocalEditor(ABC):
    """An editor whose work is done by `fetch`, in a thread."""

    def __init__(self, name: str, capabilities: Capabilities, home: Path) -> None:
        self.name = name
        self.capabilities = capabilities
        self._jobs = home / "jobs" / name
        self._running: dict[str, Work] = {}

    @abstractmethod
    def check(self, edit: Edit) -> None:
        """Raises Refused when the editor cannot do it."""

    @abstractmethod
    def make(self, edit: Edit, kept: Path, folder: Path, work: Work) -> Take:
        """Does the edit; what is finished of it goes to `kept`, the take to `folder`."""

    def streamed(self, edit: Edit, work: Work) -> Streamed | None:
        """The edit as its frames are made, for who needs no take on disk; None where the whole is made before."""
        del edit, work
        return None

    @abstractmethod
    def quote(self, edit: Edit) -> Quote:
        """What the edit would cost; Refused when the editor cannot do it."""

    async def submit(self, edit: Edit) -> Job:
        """Writes the edit down; submitted again it is the same job."""
        self.check(edit)
        job = self._job(edit)
        self._jobs.mkdir(parents=True, exist_ok=True)
        partial = self._jobs / f".{job.handle}.part"
        partial.write_text(edit.model_dump_json())
        partial.replace(self._file(job))
        return job

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        """The job, if it was written down; nothing is lost by sending it again."""
        del since, known
        return self._job(edit) if self._file(self._job(edit)).is_file() else None

    async def poll(self, job: Job) -> Progress:
        """A job that is written down can be fetched."""
        if not self._file(job).is_file():
            return Progress(state="failed", why=f"{self.name} knows no job {job.handle}; submit the edit again")
        return Progress(state="done", fraction=1.0)

    async def fetch(self, job: Job, folder: Path) -> Take:
        """Does the work in a thread and leaves the take in `folder`. Broken when the job was not written down."""
        edit, work = self._read(job), Work()
        self._running[job.handle] = work
        try:
            return await asyncio.to_thread(self.make, edit, self._file(job).with_suffix(""), folder, work)
        finally:
            work.stop()  # a fetch that is given up leaves a thread behind, which must not go on
            self._running.pop(job.handle, None)

    async def cancel(self, job: Job) -> None:
        """Stops the work at its next step and forgets the job with all that was finished of it."""
        if job.handle in self._running:
            self._running[job.handle].stop()
        self._file(job).unlink(missing_ok=True)
        shutil.rmtree(self._file(job).with_suffix(""), ignore_errors=True)

    def _read(self, job: Job) -> Edit:
        try:
            return Edit.model_validate_json(self._file(job).read_bytes())
        except (OSError, ValueError) as why:
            raise Broken(f"{self.name} cannot read its job {job.handle}; submit the edit again") from why

    def _job(self, edit: Edit) -> Job:
        return Job(editor=self.name, handle=hashlib.sha256(edit.key.encode()).hexdigest()[:24])

    def _file(self, job: Job) -> Path:
        return self._jobs / f"{job.handle}.json"

    def refuse_common(self, edit: Edit) -> None:
        """What no local editor can do."""
        can = self.capabilities
        if edit.action not in can.actions:
            raise Refused(f"{self.name} cannot {edit.action}")
        if edit.method not in can.methods:
            raise Refused(f"{self.name} has no method {edit.method!r}; it has {', '.join(can.methods)}")
        if edit.action == "inpaint" and edit.mask is None:
            raise Refused(f"{self.name} only inpaints under a mask")
