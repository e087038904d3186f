"""Every fault of the sandbox at every way of talking to a provider: what becomes of it, and that nothing is paid twice.

OUTCOMES is the documented outcome of each fault, which the README shows as a table. Faults at submit are ordered before
the job is sent; what a provider does later is ordered on one accepted job, which begins anew each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from tests.editors.remote.world import MOST_POLLS, Case, by_provider, edit_for, editor_of, ids, ways
from tools.editors.base import Editor
from tools.errors import Broken, EditorError, Refused, Unknown
from tools.sandbox.providers import Fault, Moment, ProviderSandbox, Rule
from tools.types import Job

Outcome = Literal["take", "done", "running", "failed"] | type[EditorError]
WAYS = ways()


class Expected(NamedTuple):
    """What becomes of a fault, and how many jobs were accepted for it (of one edit that is submitted once)."""

    outcome: Outcome
    accepted: int = 1


AT_SUBMIT: dict[Fault, Expected] = {
    "gateway": Expected(Unknown, 0),
    "changed-schema": Expected(Unknown),
    "no-json": Expected(Unknown),
    "no-money": Expected(Refused, 0),
}
AT_POLL: dict[Fault, Outcome] = {
    "rate-limit": "done",
    "server-error": "done",
    "unavailable": "done",
    "gateway": "done",
    "lost-before": "done",
    "lost-after": "done",
    "changed-schema": Broken,
    "no-json": Broken,
    "unauthorised": Refused,
}
LATER: dict[Fault, tuple[Outcome, ...]] = {
    "never": ("running",),
    "failed": ("failed", Broken),
    "refused-later": (Refused,),
    "no-video": (Broken, Refused, "failed"),
    "expired-url": ("take", Broken),
    "truncated": (Broken,),
    "wrong-size": (Broken,),
    "black": (Broken,),
}
AT_FETCH: tuple[Fault, ...] = ("rate-limit", "unavailable", "lost-before")
"""What a fetch gets over, all in one: each is waited out, and the take comes."""


@pytest.fixture(scope="module")
def everybody() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(everybody: ProviderSandbox) -> Iterator[ProviderSandbox]:
    yield everybody
    everybody.faults.clear()


def outcome(editor: Editor, job: Job, folder: Path | None) -> Outcome:
    """What becomes of an accepted job; an error that does not say why is none of the documented ones."""
    try:
        for _ in range(MOST_POLLS):
            state = asyncio.run(editor.poll(job)).state
            if state != "running":
                break
        if state == "done" and folder is not None:
            asyncio.run(editor.fetch(job, folder))
    except EditorError as error:
        return type(error) if str(error) else "failed"
    return "take" if state == "done" and folder is not None else state


def order(sandbox: ProviderSandbox, case: Case, fault: Fault, moment: Moment) -> None:
    sandbox.faults.order(Rule(fault=fault, provider=case.entry.capabilities.provider or "", moment=moment))


@pytest.mark.parametrize("case", by_provider(WAYS))
def test_what_goes_wrong_at_submit_is_never_paid_twice(case: Case, sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    for fault, expected in AT_SUBMIT.items():
        accepted = sandbox.bench.accepted()
        order(sandbox, case, fault, "submit")
        with pytest.raises(EditorError) as caught:
            asyncio.run(editor.submit(edit.model_copy(update={"key": f"{edit.key}/{fault}"})))
        assert (type(caught.value), sandbox.bench.accepted() - accepted) == expected, fault


@pytest.mark.long
@pytest.mark.parametrize("case", WAYS, ids=ids(WAYS))
def test_what_goes_wrong_later_ends_as_documented(case: Case, sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    job = asyncio.run(editor.submit(edit))
    mine, accepted = sandbox.bench.jobs()[-1], sandbox.bench.accepted()
    synchronous = asyncio.run(editor.poll(job)).state == "done"
    for fault, allowed in LATER.items() if not synchronous else ():
        sandbox.bench.again(mine, Rule(fault=fault))
        assert outcome(editor, job, tmp_path) in allowed, fault
    for fault, ending in AT_POLL.items() if not synchronous else ():
        sandbox.bench.again(mine, None)
        sandbox.faults.clear()
        order(sandbox, case, fault, "poll")
        assert outcome(editor, job, None) == ending, fault
    if not synchronous:
        sandbox.bench.again(mine, None)
        sandbox.faults.clear()
        for fault in AT_FETCH:
            order(sandbox, case, fault, "fetch")
        assert outcome(editor, job, tmp_path) == "take"
    assert sandbox.bench.accepted() == accepted
