"""Webhooks over real HTTP: what proves one, whom it wakes, and that a job is one job however often it is told of."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.remote.world import MOST_POLLS, Case, edit_for
from tools.editors.base import Editor
from tools.editors.registry import House, build
from tools.editors.webhooks import KLING_SIGNS, WEBHOOK, Inbox, readers_of, verify_standard
from tools.errors import BadInput
from tools.sandbox.providers import Fault, ProviderSandbox, Rule
from tools.types import Job

STILL = Case("fal-flux-fill", "inpaint")
WORDS = Case("kling-3.0-words", "regenerate")
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="  # noqa: S105 - the published example
AT = 1781080794
BODY = b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
SIGNED = {
    "webhook-id": "9876543210",
    "webhook-timestamp": str(AT),
    "webhook-signature": "v1,AAAA v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
}


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


def test_a_standard_webhook_is_proven_by_its_secret_over_the_raw_body_and_for_five_minutes() -> None:
    assert verify_standard(SIGNED, BODY, SECRET, AT + 299) == "9876543210"
    assert verify_standard(SIGNED, BODY, SECRET, AT - 301) is None
    assert verify_standard(SIGNED, BODY + b" ", SECRET, AT) is None
    assert verify_standard(SIGNED | {"webhook-id": "1"}, BODY, SECRET, AT) is None
    assert verify_standard({**SIGNED, "webhook-signature": "v1,"}, BODY, SECRET, AT) is None
    assert verify_standard({}, BODY, SECRET, AT) is None
    with pytest.raises(BadInput, match=KLING_SIGNS):
        readers_of({KLING_SIGNS: "whsec_?"})


@pytest.mark.parametrize(
    ("fault", "wakes"),
    [
        (None, True),
        ("duplicate-webhook", True),
        ("forged-webhook", False),
        ("unsigned-webhook", False),
        ("no-webhook", False),
    ],
)
def test_a_job_is_woken_once_by_what_is_proven_and_taken_once_whatever_came(
    fault: Fault | None, wakes: bool, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    sandbox.faults.order(*([Rule(fault=fault, moment="webhook")] if fault else []))
    environment = sandbox.environment()
    with Inbox("127.0.0.1:0", readers_of(environment)) as inbox:
        heard_at = environment | {WEBHOOK: f"http://127.0.0.1:{inbox.port}"}
        editor = build(STILL.name, House(tmp_path / "home", heard_at))

        async def told() -> list[bool]:
            job = await editor.submit(edit_for(STILL, tmp_path))
            await asyncio.to_thread(sandbox.bench.close)
            return [await woken(inbox, job), await woken(inbox, job), await done(editor, job, tmp_path)]

        assert asyncio.run(told()) == [wakes, False, True]
    assert sandbox.bench.accepted() == 1


@pytest.mark.parametrize(
    ("fault", "secret", "wakes"),
    [
        (None, None, True),
        ("never", None, False),
        ("unsigned-webhook", None, False),
        (None, SECRET, False),
    ],
)
def test_kling_is_heard_by_the_secret_it_was_told(
    fault: Fault | None, secret: str | None, wakes: bool, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    if fault:
        sandbox.faults.order(Rule(fault=fault, moment="submit" if fault == "never" else "webhook"))
    environment = sandbox.environment()
    with Inbox("127.0.0.1:0", readers_of(environment | ({KLING_SIGNS: secret} if secret else {}))) as inbox:
        heard_at = environment | {WEBHOOK: f"http://127.0.0.1:{inbox.port}/hooks"}
        editor = build(WORDS.name, House(tmp_path / "home", heard_at))

        async def told() -> bool:
            job = await editor.submit(edit_for(WORDS, tmp_path))
            await asyncio.to_thread(sandbox.bench.close)
            return await woken(inbox, job)

        assert asyncio.run(told()) is wakes


async def woken(inbox: Inbox, job: Job) -> bool:
    """Whether a wait for the job ends at once, all deliveries being over."""
    try:
        await asyncio.wait_for(inbox.woken(job, 3600), 0.05)
    except TimeoutError:
        return False
    return True


async def done(editor: Editor, job: Job, folder: Path) -> bool:
    """Whether the job ends in a take."""
    for _ in range(MOST_POLLS):
        if (await editor.poll(job)).state == "done":
            return (await editor.fetch(job, folder)).media.exists()
    return False
