"""The one door to providers: what is repeated, what never, where keys go, what may come back."""

from __future__ import annotations

import asyncio
import base64
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.editors.scripted import Said, Scripted
from tools.editors.http import Door, Patience, Reply, Secrets, retry_after
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown

KEY = "fk-5ecret-0123456789"
OWN_500 = Said(500, b'{"error": {"code": "internal"}}')
MP4 = b"\x00\x00\x00\x18ftypisom" + bytes(64)


def sort(reply: Reply) -> EditorError | None:
    """An error form like most providers': {"error": {"code"}}; acceptance is {"id"}."""
    if reply.ok:
        if "error" in reply.json():
            return Refused("judged")
        return None if reply.json().get("id") else Broken("no id in the answer")
    code = reply.json()["error"]["code"]
    return TryAgain(code) if code in ("internal", "busy") else Refused(f"{code} {KEY}")


def door(server: Scripted, **changes: Any) -> Door:
    return Door(
        "Maker",
        [changes.pop("origin", server.url)],
        headers=lambda: {"authorization": f"Key {KEY}"},
        sort=changes.pop("sort", sort),
        secrets=Secrets([KEY]),
        patience=Patience(tries=3, first=0, connect=2, answer=5),
    )


def paid(server: Scripted) -> Reply:
    return asyncio.run(door(server).pay("POST", f"{server.url}/jobs", json={"prompt": "a"}))


@pytest.mark.parametrize(
    ("answer", "error", "sent"),
    [
        (None, Unknown, 1),
        (Said(502, b"<html>bad gateway</html>"), Unknown, 1),
        (Said(504, b""), Unknown, 1),
        (Said(200, b"<html>it works</html>"), Unknown, 1),
        (Said(200, b'{"name_v2": "x"}'), Unknown, 1),
        (Said(429, b"slow down"), TryAgain, 3),
        (Said(503, b"<html>later</html>"), TryAgain, 3),
        (OWN_500, TryAgain, 3),
        (Said(400, b'{"error": {"code": "bad"}}'), Refused, 1),
        (Said(401, b"who?"), Refused, 1),
        (Said(200, b'{"error": {}}'), Refused, 1),
    ],
)
def test_a_paid_request_is_sent_again_only_when_nothing_can_have_arrived(
    answer: Said | None, error: type[EditorError], sent: int
) -> None:
    with Scripted(answer) as server:
        with pytest.raises(error) as caught:
            paid(server)
        assert type(caught.value) is error
        assert len(server.heard) == sent


def test_a_paid_request_that_no_line_was_made_for_was_never_sent() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
        with Scripted(Said()) as server, pytest.raises(TryAgain, match="no connection was made"):
            asyncio.run(door(server, origin=nobody).pay("POST", f"{nobody}/jobs"))


def test_a_busy_provider_is_asked_again_until_it_answers() -> None:
    with Scripted(Said(429), OWN_500, Said(200, b'{"id": "7"}')) as server:
        assert paid(server).json() == {"id": "7"}
        assert len(server.heard) == 3


def test_a_question_is_repeated_whatever_broke() -> None:
    with Scripted(None, Said(502, b"bad gateway"), Said(200, b'{"id": "7"}')) as server:
        reply = asyncio.run(door(server).ask("GET", f"{server.url}/jobs/7"))
        assert reply.json()["id"] == "7"


def test_retry_after_is_read_in_all_its_forms() -> None:
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "1500"}) == 1.5
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:02:00 GMT"}, now=60.0) == 60.0
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_a_wait_longer_than_anybody_has_is_given_up_at_once() -> None:
    patient = Patience(tries=3, first=0.01, most=5)
    with Scripted(Said(429, b"", {"retry-after": "3600"})) as server:
        one = Door("Maker", [server.url], headers=dict, sort=lambda reply: None, secrets=Secrets([]), patience=patient)
        with pytest.raises(TryAgain) as caught:
            asyncio.run(one.pay("POST", f"{server.url}/jobs"))
        assert caught.value.after == 3600
        assert len(server.heard) == 1


def test_keys_go_to_the_provider_alone() -> None:
    with Scripted(Said(200, b'{"id": "7"}')) as own, Scripted(Said(200, b'{"id": "7"}')) as other:
        with pytest.raises(Broken, match="none of its own"):
            asyncio.run(door(own).ask("GET", f"{other.url}/status"))
        assert other.heard == []
        asyncio.run(door(own).ask("GET", f"{own.url}/status"))
        assert own.heard[0].headers["authorization"] == f"Key {KEY}"


def test_no_form_of_a_key_is_in_an_error() -> None:
    forms = KEY.encode(), base64.b64encode(KEY.encode())
    body = b'{"error": {"code": "key ' + b" ".join(forms) + b' Bearer eyJhbGciOi.J9.abc-def"}}'
    with Scripted(Said(400, body)) as server, pytest.raises(Refused) as caught:
        paid(server)
    assert not any(form.decode() in str(caught.value) for form in forms)
    assert "eyJhbGciOi" not in str(caught.value)


def test_a_result_is_kept_whole_with_its_hash(tmp_path: Path) -> None:
    with Scripted(Said(200, MP4)) as server:
        digest = asyncio.run(door(server).download(f"{server.url}/r.mp4", tmp_path / "r.mp4", kind="video"))
        assert (tmp_path / "r.mp4").read_bytes() == MP4
        assert len(digest) == 64
        assert "authorization" not in server.heard[0].headers


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (Said(200, b"<html>sign in</html>"), Broken, "no video"),
        (Said(200, b""), Broken, "empty"),
        (Said(200, MP4 * 40), Broken, "over 0 MB"),
        (Said(200, MP4, cut=20), TryAgain, "broke off"),
        (Said(403, b"expired"), Refused, "expired"),
        (Said(302, b"", {"location": "http://10.0.0.7/r.mp4"}), Broken, "not encrypted"),
        (Said(302, b"", {"location": "https://127.0.0.1:9/r.mp4"}), Broken, "private network"),
    ],
)
def test_what_is_no_result_is_never_kept(tmp_path: Path, answer: Said, error: type[EditorError], words: str) -> None:
    with Scripted(answer) as server:
        with pytest.raises(error, match=words):
            asyncio.run(door(server).download(f"{server.url}/r", tmp_path / "r.mp4", kind="video", most=2000))
        assert list(tmp_path.iterdir()) == []
