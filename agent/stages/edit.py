"""Edit: one job for one editor, carried from the ledger's intent to a take that went through the gate.

The intent is on the disk before anything is sent. A paid job that may have been sent is never sent again: it is found
by its handle, or left to a person. Local editors cost nothing, so they are simply asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from agent.briefing import FrameOf
from agent.deps import Deps
from agent.events import Event
from agent.ledger import Entry
from agent.schema import Candidate, Film, Finding, Shot
from agent.state import Gated
from tools.editors import gate
from tools.editors.base import Editor
from tools.errors import Broken, TryAgain, Unknown
from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.media.sheets import write_picture
from tools.types import Clip, Edit, Job, Reference

TRIES = 4
"""How often a request of which the editor says that nothing happened is sent."""
POLL_SECONDS = 1.0

Answer = TypeVar("Answer")


def frame_references(film: Film, wanted: Sequence[FrameOf], deps: Deps) -> tuple[Reference, ...]:
    """Frames of other shots as pictures in the store."""
    shots = {shot.id: shot for shot in film.shots}
    return tuple(_frame_reference(shots[one.shot], one.frame, deps) for one in wanted)


def _frame_reference(shot: Shot, index: int, deps: Deps) -> Reference:
    at = shot.clip.first + min(index, shot.clip.frames - 1)
    picture = rgb8(next(frames(Clip(media=shot.clip.media, first=at, last=at))))
    with TemporaryDirectory(dir=deps.home) as folder:
        file = Path(folder) / "frame.png"
        write_picture(file, picture)
        kept = deps.store.put(file)
    return Reference(path=deps.store.path(kept), kind="frame", what=f"{shot.id}@{index}")


async def submit(edit: Edit, candidate: Candidate, finding: Finding, shot: str, deps: Deps) -> Job:
    """Writes the intent, then sends the edit unless it was sent before.

    Raises OverBudget, Refused, Broken, TryAgain (after some tries) and Unknown, all before or instead of a second bill.
    """
    editor = deps.editors[candidate.editor]
    claim = deps.ledger.claim(_entry(edit, candidate, finding, shot, deps), deps.options.budget)
    _tell(deps, "intent", shot, edit)
    if claim.handle is not None and not editor.capabilities.local:
        return Job(editor=editor.name, handle=claim.handle)
    if not claim.fresh and not editor.capabilities.local:
        raise Unknown(f"{editor.name} may have been sent this edit ({edit.key}) before; ask its job list")
    job = await _send(editor, edit, deps)
    uploaded = None if editor.capabilities.local else f"{shot} and {len(edit.references)} references"
    deps.ledger.submitted(edit.key, job.handle, uploaded)
    _tell(deps, "submitted", shot, edit)
    return job


def _entry(edit: Edit, candidate: Candidate, finding: Finding, shot: str, deps: Deps) -> Entry:
    return Entry(
        key=edit.key,
        run=deps.run,
        shot=shot,
        finding=finding.id,
        category=finding.category,
        action=edit.action,
        editor=candidate.editor,
        method=edit.method,
        usd=Decimal(candidate.usd),
    )


def _tell(deps: Deps, moment: str, shot: str, edit: Edit) -> None:
    deps.events(Event.model_validate({"stage": "ledger", "moment": moment, "shot": shot, "data": {"key": edit.key}}))


async def _send(editor: Editor, edit: Edit, deps: Deps) -> Job:
    try:
        return await patiently(lambda: editor.submit(edit))
    except TryAgain:
        deps.ledger.withdraw(edit.key)
        raise


async def poll(job: Job, deps: Deps) -> None:
    """Waits until the job is done; safe to repeat in any process. Raises Broken when the editor gave up on it."""
    editor = deps.editors[job.editor]
    while True:
        progress = await _measured(editor, deps, lambda: editor.poll(job))
        if progress.state == "done":
            return
        if progress.state == "failed":
            raise Broken(f"{job.editor} could not do the job: {progress.why}")
        await asyncio.sleep(POLL_SECONDS)


async def fetch(edit: Edit, job: Job, deps: Deps) -> Gated:
    """The take, fitted to the source and composited by the gate, in the store."""
    editor = deps.editors[job.editor]
    with TemporaryDirectory(dir=deps.home) as folder:
        take = await _measured(editor, deps, lambda: editor.fetch(job, Path(folder)))
        out = Path(folder) / ("gated" if edit.clip.media.is_dir() else "gated.mkv")
        async with deps.cpu:
            await asyncio.to_thread(partial(gate.composite, edit, take, out, codec="ffv1"))
            kept = await asyncio.to_thread(deps.store.take, out)
    return Gated(media=kept, how=take.how)


async def _measured(editor: Editor, deps: Deps, call: Callable[[], Awaitable[Answer]]) -> Answer:
    """A call to an editor; a local one computes on this machine and takes its place in the queue for that."""
    if not editor.capabilities.local:
        return await patiently(call)
    async with deps.cpu:
        return await patiently(call)


async def patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """Sends a request again while the editor says that nothing happened."""
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(TryAgain),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.5, max=20),
        reraise=True,
    ):
        with attempt:
            return await call()
    raise AssertionError("the last try returns or raises")
