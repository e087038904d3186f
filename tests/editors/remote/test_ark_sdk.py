"""Seedance: the Ark client and our editor send the same task.

Differences: the client sends every parameter that was not given as null, we leave it out; the client names itself in
x-stainless-like and user-agent headers; both repeat 429 and 5xx, but the client also repeats a task whose answer was
lost, which may be billed twice, and we do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from volcenginesdkarkruntime import Ark

from tests.editors.remote.sdks import body_of, paid, same_request, sent_by_us
from tests.editors.remote.world import Case
from tools.sandbox.providers import ProviderSandbox

pytestmark = pytest.mark.long

TASKS = "/contents/generations/tasks"


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


@pytest.mark.parametrize(
    "case",
    [
        Case("seedance-2.0", "regenerate"),
        Case("seedance-2.0-take", "regenerate"),
        Case("seedance-2.5", "retake"),
        Case("seedance-2.5-edit", "inpaint"),
    ],
    ids=str,
)
def test_the_client_sends_the_same_task(case: Case, sandbox: ProviderSandbox, tmp_path: Path) -> None:
    _, requests = sent_by_us(case, sandbox, tmp_path)
    ours = paid(requests, TASKS)
    with Ark(base_url=f"{sandbox.base_url}/ark", api_key=sandbox.bench.key_of("ark")) as client:
        task = client.content_generation.tasks.create(**body_of(ours))
        theirs = paid(sandbox.bench.requests[len(requests) :], TASKS)
        same_request(ours, theirs)
        assert body_of(ours) == body_of(theirs)
        states = [client.content_generation.tasks.get(task_id=task.id).status for _ in range(3)]
        assert states[-1] == "succeeded"
        assert client.content_generation.tasks.get(task_id=task.id).content.video_url.startswith("http")
        listed = client.content_generation.tasks.list(page_num=1, page_size=10)
        assert {one.id for one in listed.items} >= {task.id}
