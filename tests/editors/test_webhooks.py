"""Webhooks: what proves one, and that only what is proven wakes a wait."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.editors.remote.world import Case, edit_for, editor_of
from tools.editors.registry import House, build
from tools.editors.webhooks import FalReader, Heard, Inbox, hinted, inbox_of, keys_in, readers_of, verify_fal
from tools.errors import BadInput, Broken, TryAgain
from tools.sandbox.providers import Fault, ProviderSandbox, Rule
from tools.types import Job

NOW = 1_790_000_000
BODY = b'{"request_id": "r-1", "status": "OK"}'
SIGNER, STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(b"s" * 32)
KEYS = [STRANGER.public_key().public_bytes_raw(), SIGNER.public_key().public_bytes_raw()]
JOB = Job(editor="fal-bria-erase", handle='{"id": "r-1"}')
EVER = 3600.0
SOON = 60.0
TURNS = 20
"""Turns of the loop in which a wait that was told to end has ended."""


def signed(body: bytes = BODY, at: str = str(NOW), changed: tuple[str, str] = ("user-id", "user")) -> dict[str, str]:
    message = "\n".join(["r-1", "user", at, hashlib.sha256(body).hexdigest()]).encode()
    told = {"request-id": "r-1", "user-id": "user", "timestamp": at, "signature": SIGNER.sign(message).hex()}
    return {f"x-fal-webhook-{name}": value for name, value in {**told, changed[0]: changed[1]}.items()}


@pytest.mark.parametrize("at", [NOW, NOW - 300, NOW + 300])
def test_a_webhook_that_one_of_fals_keys_signed_is_proven(at: int) -> None:
    assert verify_fal(signed(at=str(at)), BODY, KEYS, NOW) == "r-1"


@pytest.mark.parametrize(
    ("headers", "body", "keys"),
    [
        (signed(), BODY + b" ", KEYS),
        (signed(changed=("request-id", "r-2")), BODY, KEYS),
        (signed(changed=("user-id", "somebody")), BODY, KEYS),
        (signed(at=str(NOW - 301)), BODY, KEYS),
        (signed(at=str(NOW + 301)), BODY, KEYS),
        (signed(at="yesterday"), BODY, KEYS),
        (signed(changed=("signature", "no hex")), BODY, KEYS),
        (signed(changed=("signature", "")), BODY, KEYS),
        (signed(), BODY, KEYS[:1]),
        (signed(), BODY, []),
        ({}, BODY, KEYS),
    ],
)
def test_a_webhook_that_proves_nothing_is_nobodys(headers: dict[str, str], body: bytes, keys: list[bytes]) -> None:
    assert verify_fal(headers, body, keys, NOW) is None


def test_keys_are_read_from_fals_list_and_again_when_it_signs_with_a_new_one() -> None:
    listed = [urlsafe_b64encode(key).decode().rstrip("=") for key in KEYS]
    told = iter([{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": one}]} for one in listed])
    clock = iter([0.0, NOW - 100.0, NOW - 100.0, *[float(NOW)] * 9])
    reader = FalReader(lambda: keys_in(next(told)), lambda: next(clock))
    assert reader(signed(), BODY) == Heard("r-1", "r-1")
    assert next(told, None) is None
    with pytest.raises(Broken):
        keys_in({"keys_v2": []})


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with Inbox("127.0.0.1:0", {"fal": FalReader(lambda: KEYS, lambda: NOW), "google": hinted, "down": _down}) as opened:
        yield opened


def _down(headers: object, body: bytes) -> Heard | None:
    raise TryAgain("the keys cannot be read now")


def post(inbox: Inbox, path: str, body: bytes, headers: dict[str, str] | None = None) -> int:
    return httpx.post(f"http://127.0.0.1:{inbox.port}/{path}", content=body, headers=headers, timeout=SOON).status_code


def test_senders_are_told_whether_to_come_again(inbox: Inbox) -> None:
    assert post(inbox, "hooks/fal?x=1", BODY, signed()) == 200
    assert post(inbox, "hooks/fal", BODY, signed()) == 200
    assert post(inbox, "fal", BODY) == 401
    assert post(inbox, "nobody", BODY, signed()) == 404
    assert post(inbox, "down", BODY) == 503
    assert post(inbox, "google", b"no json") == 401


async def _woken_by(inbox: Inbox, *posts: tuple[str, bytes, dict[str, str] | None]) -> bool:
    """Whether a wait that is under way ends by what is posted."""
    wait = asyncio.create_task(inbox.woken(JOB, EVER))
    await asyncio.sleep(0)
    for path, body, headers in posts:
        await asyncio.to_thread(post, inbox, path, body, headers)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    done = wait.done()
    wait.cancel()
    return done


@pytest.mark.parametrize(
    ("path", "body", "headers", "wakes"),
    [
        ("fal", BODY, signed(), True),
        ("google", BODY, None, True),
        ("fal", BODY, None, False),
        ("fal", BODY, signed(b"another"), False),
        ("google", b'{"id": "r-2"}', None, False),
    ],
)
def test_a_wait_ends_with_what_is_heard_of_its_job(
    inbox: Inbox, path: str, body: bytes, headers: dict[str, str] | None, wakes: bool
) -> None:
    assert asyncio.run(_woken_by(inbox, (path, body, headers))) is wakes


def test_what_came_before_the_wait_counts_once_and_a_hint_does_not(inbox: Inbox) -> None:
    for _ in range(2):
        post(inbox, "fal", BODY, signed())
    post(inbox, "google", BODY)
    asyncio.run(asyncio.wait_for(inbox.woken(JOB, EVER), SOON))
    assert not asyncio.run(_woken_by(inbox, ("fal", BODY, signed()))), "the same delivery a third time"


def test_a_wait_is_no_longer_than_it_was_asked_to_be(inbox: Inbox) -> None:
    asyncio.run(inbox.woken(JOB, 0))
    asyncio.run(inbox.woken(Job(editor="local", handle="no json"), 0))


@pytest.mark.parametrize("fault", [None, "duplicate-webhook", "forged-webhook", "unsigned-webhook", "no-webhook"])
def test_a_finished_job_of_fal_is_heard_of(fault: Fault | None, tmp_path: Path) -> None:
    case = Case("fal-flux-fill", "inpaint")
    rules = [Rule(fault=fault, moment="webhook")] if fault else []
    with ProviderSandbox(faults=rules) as sandbox, Inbox("127.0.0.1:0", readers_of(sandbox.environment())) as inbox:
        told = {"SUTURE_WEBHOOK_URL": f"http://127.0.0.1:{inbox.port}/hooks/"}
        editor = build(case.name, House(tmp_path, sandbox.environment() | told))
        job = asyncio.run(editor.submit(edit_for(case, tmp_path)))
        sandbox.bench.close()
        wait = EVER if fault in (None, "duplicate-webhook") else 0
        asyncio.run(asyncio.wait_for(inbox.woken(job, wait), SOON))
        assert asyncio.run(editor_of(case, sandbox, tmp_path).poll(job)).state in ("running", "done")
        (paid,) = [one for one in sandbox.bench.requests if one.method == "POST" and "fal_webhook" in one.query]
    assert paid.query["fal_webhook"] == [f"http://127.0.0.1:{inbox.port}/hooks/fal"]


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"SUTURE_WEBHOOK_LISTEN": "127.0.0.1:0"}, "set SUTURE_WEBHOOK_URL"),
        ({"SUTURE_WEBHOOK_LISTEN": "nowhere", "SUTURE_WEBHOOK_URL": "https://x.example"}, "give host:port"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(environment: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        inbox_of(environment)


def test_nothing_is_opened_unless_it_is_asked_for() -> None:
    assert inbox_of({"SUTURE_WEBHOOK_URL": "https://x.example"}) is None


def test_a_hint_names_its_job_under_any_of_the_usual_names() -> None:
    names: list[dict[str, Any]] = [{"request_id": "r-1"}, {"id": "r-1"}, {"task_id": "r-1"}, {"name": "r-1"}]
    names.append({"id": "event-1", "data": {"id": "r-1"}})
    assert {hinted({}, json.dumps(one).encode()) for one in names} == {Heard("r-1")}
    assert hinted({}, b'{"id": 5}') is None
