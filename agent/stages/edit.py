"""Edit: one job for one editor, carried from the ledger's intent to a take that went through the gate.

The intent is on the disk before anything is sent. A paid job that may have been sent is never sent again blindly: it is
found by its handle, else the editor is asked for it, and sent again only where the editor is sure that it never came.
What nobody can tell is left to a person. Local editors cost nothing, so they are simply asked again. Requests are
repeated in one place only, the door of the editors (`tools.editors.http`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from random import uniform
from tempfile import TemporaryDirectory
from typing import TypeVar

from agent.briefing import FrameOf
from agent.deps import Deps, Woken
from agent.events import Event
from agent.ledger import Entry
from agent.schema import Candidate, Film, Finding, Shot
from agent.state import Gated
from tools.editors import gate
from tools.editors.base import Editor
from tools.errors import BadInput, Broken, EditorError, Refused, StillRunning, TryAgain, Unknown
from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.media.sheets import write_picture
from tools.types import Clip, Edit, Job, Reference

QUESTIONS = 40
"""How often a job is asked for before it is left to a later pass, where there is no wait between the questions."""
JITTER = 0.25
"""Share of the wait between two questions by which it may be longer."""

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

    Raises OverBudget, Refused, Broken, TryAgain and Unknown, all before or instead of a second bill.
    """
    editor, entry = deps.editors[candidate.editor], _entry(edit, candidate, finding, shot, deps)
    claim = deps.ledger.claim(entry, deps.caps)
    _tell(deps, "intent", shot, edit)
    local = editor.capabilities.local
    if claim.handle is not None and not local:
        return Job(editor=editor.name, handle=claim.handle)
    job = None
    if not claim.fresh and not local:
        job = await _found(editor, edit, claim.since, deps)
        if job is None:
            deps.ledger.claim(entry, deps.caps, again=True)
    job = job or await _send(editor, edit, claim.since, deps)
    deps.ledger.submitted(edit.key, job.handle, None if local else f"{shot} and {len(edit.references)} references")
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
        most=candidate.high,
    )


def _tell(deps: Deps, moment: str, shot: str, edit: Edit) -> None:
    deps.events(Event.model_validate({"stage": "ledger", "moment": moment, "shot": shot, "data": {"key": edit.key}}))


async def _send(editor: Editor, edit: Edit, since: datetime, deps: Deps) -> Job:
    """Sends the edit; where its fate is not known the editor is asked for it, after a wait in which it may show up."""
    try:
        return await editor.submit(edit)
    except (TryAgain, Refused, BadInput):
        deps.ledger.withdraw(edit.key)
        raise
    except Unknown as lost:
        deps.ledger.unknown(edit.key)
        await asyncio.sleep(_wait(editor, deps))
        job = await _found(editor, edit, since, deps)
        if job is None:
            deps.ledger.withdraw(edit.key)
            raise TryAgain(f"{lost}; {editor.name} says that it never came") from None
        return job


async def _found(editor: Editor, edit: Edit, since: datetime, deps: Deps) -> Job | None:
    """The job of an edit that may have been sent; None when the editor is sure that it never came."""
    try:
        return await editor.find(edit, since, deps.ledger.handles(editor.name, but=edit.key))
    except (EditorError, BadInput) as unsure:
        deps.ledger.unknown(edit.key)
        raise Unknown(
            f"{editor.name} may have been sent edit {edit.key} before, and cannot be asked for it: {unsure}"
        ) from None


async def poll(job: Job, deps: Deps) -> None:
    """Waits until the job is done; safe to repeat in any process.

    Raises Broken when the editor gave up on it, StillRunning at the deadline.
    """
    editor = deps.editors[job.editor]
    wait = _wait(editor, deps)
    deadline = editor.capabilities.deadline_seconds if deps.deadline_seconds is None else deps.deadline_seconds
    most = max(1, round(deadline / wait)) if wait else QUESTIONS
    for question in range(most):
        if question:
            await _pause(job, wait * uniform(1, 1 + JITTER), deps.woken)  # noqa: S311 - no secret
        with _written_down(job, deps):
            progress = await _measured(editor, deps, lambda: editor.poll(job))
        if progress.state == "done":
            return
        if progress.state == "failed":
            deps.ledger.failed(job, billed=progress.billed)
            raise Broken(f"{job.editor} could not do the job: {progress.why}")
    after = f"after {deadline:.0f} s" if wait else f"at the {most}th question"
    raise StillRunning(f"{job.editor} still works on the job {after}; a later pass asks for it and pays nothing again")


def _wait(editor: Editor, deps: Deps) -> float:
    """Seconds between two questions."""
    return editor.capabilities.poll_seconds if deps.poll_seconds is None else deps.poll_seconds


async def _pause(job: Job, seconds: float, woken: Woken | None) -> None:
    if woken is not None:
        await woken(job, seconds)
    else:
        await asyncio.sleep(seconds)


async def fetch(edit: Edit, job: Job, deps: Deps) -> Gated:
    """The take, fitted to the source and composited by the gate, in the store; the ledger gets the bill."""
    editor = deps.editors[job.editor]
    with TemporaryDirectory(dir=deps.home) as folder:
        with _written_down(job, deps):
            take = await _measured(editor, deps, lambda: editor.fetch(job, Path(folder)))
        out = Path(folder) / ("gated" if edit.clip.media.is_dir() else "gated.mkv")
        async with deps.cpu:
            await asyncio.to_thread(partial(gate.composite, edit, take, out, codec="ffv1"))
            kept = await asyncio.to_thread(deps.store.take, out)
    billed = take.how.get("billed_usd")
    deps.ledger.billed(edit.key, None if billed is None else Decimal(str(billed)))
    return Gated(media=kept, how=take.how)


@contextmanager
def _written_down(job: Job, deps: Deps) -> Iterator[None]:
    """A job whose content was refused after all is over, and its bill may be known."""
    try:
        yield
    except Refused as refused:
        deps.ledger.failed(job, billed=refused.billed)
        raise


async def _measured(editor: Editor, deps: Deps, call: Callable[[], Awaitable[Answer]]) -> Answer:
    """A call to an editor; a local one computes on this machine and takes its place in the queue for that."""
    if not editor.capabilities.local:
        return await call()
    async with deps.cpu:
        return await call()
