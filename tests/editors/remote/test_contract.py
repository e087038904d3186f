"""The contract of the hands, held over real HTTP by every remote editor of the roster at each of its actions.

Editors of one kind carry a job to its end once; of the others it is enough that the provider takes their job. What is
the same for all jobs that are sent in one way is shown once for each way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.editors.remote.world import (
    FRAMES,
    HEIGHT,
    WIDTH,
    Case,
    by_provider,
    cases,
    edit_for,
    editor_of,
    ids,
    kinds,
    polled,
    ways,
)
from tools.editors.registry import House, build, roster
from tools.errors import BadInput, Broken, Refused, Unknown
from tools.media.probe import probe
from tools.sandbox.providers import ProviderSandbox, Rule
from tools.types import Job

CASES = cases()
KINDS, WAYS = kinds(), ways()
ALIKE = [case for case in CASES if case not in KINDS]
SINCE = datetime.now(UTC) - timedelta(minutes=1)


@pytest.fixture(scope="module")
def everybody() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as sandbox:
        yield sandbox
    assert sandbox.bench.problems == []


@pytest.fixture
def sandbox(everybody: ProviderSandbox) -> Iterator[ProviderSandbox]:
    yield everybody
    everybody.faults.clear()


@pytest.mark.parametrize("case", ALIKE, ids=ids(ALIKE))
def test_a_job_is_taken_for_what_was_quoted(case: Case, sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    accepted, quote = sandbox.bench.accepted(), editor.quote(edit)
    job = asyncio.run(editor.submit(edit))
    assert sandbox.bench.accepted() == accepted + 1
    assert 0 < quote.usd <= quote.most
    asyncio.run(editor.cancel(job))


@pytest.mark.parametrize("case", by_provider(KINDS))
def test_a_job_is_carried_from_its_quote_to_a_take_by_its_handle_alone(
    case: Case, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    asked, accepted = len(sandbox.bench.requests), sandbox.bench.accepted()
    quote = editor.quote(edit)
    assert quote.usd > 0
    assert quote.most >= quote.usd
    assert len(sandbox.bench.requests) == asked, "a quote asks nobody"
    for fault in ("rate-limit", "server-error"):
        sandbox.faults.order(Rule(fault=fault, provider=case.entry.capabilities.provider or ""))
    job = asyncio.run(editor.submit(edit))
    assert sandbox.bench.accepted() == accepted + 1, "what a busy provider turned away is sent again, and billed once"
    later = editor_of(case, sandbox, tmp_path / "home")
    assert polled(later, job).state == "done"
    folders = [tmp_path / "one", tmp_path / "two"][: 2 if case in KINDS else 1]
    for folder in folders:
        folder.mkdir()
    takes = [asyncio.run(later.fetch(job, folder)) for folder in folders]
    made = probe(takes[0].media)
    assert (made.width, made.height) == (WIDTH, HEIGHT)
    assert made.frames == (1 if case.entry.capabilities.medium == "still" else FRAMES)
    assert takes[0].how["sha256"] == takes[-1].how["sha256"]
    assert sandbox.bench.accepted() == accepted + 1, "polling and fetching are free"


@pytest.mark.long
@pytest.mark.parametrize("case", WAYS, ids=ids(WAYS))
def test_a_job_whose_answer_was_lost_is_found_or_left_but_never_sent_twice(
    case: Case, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    accepted = sandbox.bench.accepted()
    sandbox.faults.order(Rule(fault="lost-after", provider=case.entry.capabilities.provider or ""))
    with pytest.raises(Unknown):
        asyncio.run(editor.submit(edit))
    assert sandbox.bench.accepted() == accepted + 1
    found: Job | None = None
    with suppress(Unknown):
        found = asyncio.run(editor.find(edit, SINCE, ()))
        assert found is not None, "a job that was accepted is not said to have never come"
    if found is not None:
        assert polled(editor, found).state == "done"
    assert sandbox.bench.accepted() == accepted + 1


@pytest.mark.long
@pytest.mark.parametrize("case", WAYS, ids=ids(WAYS))
def test_a_refused_job_costs_nothing_and_an_accepted_one_can_be_cancelled(
    case: Case, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    accepted = sandbox.bench.accepted()
    sandbox.faults.order(Rule(fault="refused", provider=case.entry.capabilities.provider or ""))
    with pytest.raises(Refused):
        asyncio.run(editor.submit(edit))
    assert sandbox.bench.accepted() == accepted
    job = asyncio.run(editor.submit(edit))
    asyncio.run(editor.poll(job))
    asyncio.run(editor.cancel(job))
    asyncio.run(editor.cancel(job))
    stopped = any(one.cancelled for one in sandbox.bench.jobs()[-1:])
    with suppress(Broken):
        assert polled(editor, job).state == ("failed" if stopped else "done")


@pytest.mark.parametrize("name", sorted({case.name for case in CASES}))
def test_what_it_cannot_do_is_refused_before_anything_is_sent(
    name: str, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    case = next(case for case in CASES if case.name == name)
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    asked = len(sandbox.bench.requests)
    able = case.entry.capabilities.actions
    for action in sorted({"inpaint", "retake", "regenerate"} - able):
        with pytest.raises(Refused, match=name):
            editor.quote(edit.model_copy(update={"action": action}))
    with pytest.raises(Broken):
        asyncio.run(editor.poll(Job(editor=name, handle="nobody's")))
    assert len(sandbox.bench.requests) == asked


@pytest.mark.parametrize("name", sorted({case.name for case in CASES}))
def test_a_missing_key_is_named(name: str, tmp_path: Path) -> None:
    provider = roster()[name].provider
    assert provider is not None
    with pytest.raises(BadInput, match=provider.keys[0][0]):
        build(name, House(tmp_path))
