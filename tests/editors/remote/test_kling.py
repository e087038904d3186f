"""Kling: tokens, its table of errors, masks told by clicks, and what it bills."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.editors.remote.sdks import body_of, paid, sent_by_us
from tests.editors.remote.world import HEIGHT, WIDTH, Case, edit_for, editor_of, polled
from tests.editors.scripted import Said, Scripted
from tools.editors.base import Editor
from tools.editors.registry import House, build
from tools.editors.remote._clicks import MOST, clicks
from tools.editors.remote._kling import signed
from tools.editors.remote._rle import decoded_mask, encoded_mask
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.sandbox.providers import ProviderSandbox
from tools.sandbox.providers.kling import Kling

WORDS = Case("kling-3.0-words", "regenerate")
EDIT = Case("kling-3.0-omni-edit", "inpaint")
REGIONS = Case("kling-multi-elements", "inpaint")


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


def by_tokens(sandbox: ProviderSandbox, home: Path, secret: str | None = None) -> Editor:
    """An editor that signs its tokens itself."""
    app = sandbox.apps["kling"]
    assert isinstance(app, Kling)
    keys = {"KLING_ACCESS_KEY": app.access, "KLING_SECRET_KEY": secret or app.secret}
    return build(WORDS.name, House(home, sandbox.environment() | {"KLING_API_KEY": ""} | keys))


# Tokens.


def test_a_token_holds_half_an_hour_and_is_signed_by_its_secret() -> None:
    head, claims, signature = signed("access", "secret", 1_790_000_000.9).split(".")
    made = hmac.digest(b"secret", f"{head}.{claims}".encode(), hashlib.sha256)
    assert base64.urlsafe_b64decode(f"{signature}=") == made
    told = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (head, claims)]
    assert told == [
        {"alg": "HS256", "typ": "JWT"},
        {"iss": "access", "exp": 1_790_001_800, "nbf": 1_789_999_995},
    ]


@pytest.mark.parametrize("skew", [0, -600, 3600])
def test_a_token_follows_the_providers_clock_and_is_signed_anew_once(
    skew: int, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    app = sandbox.apps["kling"]
    assert isinstance(app, Kling)
    app.skew = float(skew)
    asyncio.run(by_tokens(sandbox, tmp_path / "home").submit(edit_for(WORDS, tmp_path)))
    tries = [one for one in sandbox.bench.requests if one.method == "POST"]
    assert len(tries) == (2 if skew else 1)
    assert sandbox.bench.accepted() == 1


def test_a_token_of_another_secret_is_refused_and_in_no_words(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor = by_tokens(sandbox, tmp_path / "home", "another-secret")
    with pytest.raises(Refused, match="KLING_ACCESS_KEY and KLING_SECRET_KEY are not accepted") as refused:
        asyncio.run(editor.submit(edit_for(WORDS, tmp_path)))
    (tried,) = [one for one in sandbox.bench.requests if one.method == "POST"]
    assert tried.headers["authorization"].removeprefix("Bearer ") not in str(refused.value)


# Errors.


@pytest.mark.parametrize(
    ("status", "told", "raised", "tries"),
    [
        (401, {"code": 1004, "message": "expired"}, Refused, 1),
        (429, {"code": 1100, "message": "account exception"}, Refused, 1),
        (429, {"code": 1102, "message": "resource pack exhausted"}, Refused, 1),
        (429, {"code": 1304, "message": "IP whitelist"}, Refused, 1),
        (429, {"code": 1303, "message": "parallel task over resource pack limit"}, TryAgain, 5),
        (400, {"code": 1301, "message": "content safety"}, Refused, 1),
        (404, {"code": 1202, "message": "method"}, Refused, 1),
        (500, {"error": "CM_EXT.POLICY: against the Community Guidelines"}, Refused, 1),
        (500, {"code": 5000, "message": "internal"}, TryAgain, 5),
        (500, {"oops": 1}, Unknown, 1),
        (200, {"code": 1201, "message": "invalid"}, Refused, 1),
        (200, {"code": 9999, "message": "new"}, Unknown, 1),
        (200, {"code": 0, "data": {}}, Unknown, 1),
    ],
)
def test_what_an_error_means_is_told_by_its_code(
    status: int, told: dict[str, object], raised: type[EditorError], tries: int, tmp_path: Path
) -> None:
    with Scripted(Said(status, json.dumps(told).encode())) as server:
        settings = {"KLING_API_KEY": "kk-0123456789", "SUTURE_KLING_BASE_URL": server.url, "SUTURE_RETRY_SECONDS": "0"}
        with pytest.raises(EditorError) as caught:
            asyncio.run(build(WORDS.name, House(tmp_path / "home", settings)).submit(edit_for(WORDS, tmp_path)))
        assert (type(caught.value), len(server.heard)) == (raised, tries)


def test_the_same_edit_is_one_task_and_found_by_its_own_id(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit, since = editor_of(WORDS, sandbox, tmp_path / "home"), edit_for(WORDS, tmp_path), datetime.now(UTC)
    assert asyncio.run(editor.find(edit, since, ())) is None
    job = asyncio.run(editor.submit(edit))
    with pytest.raises(Unknown, match="may be there already"):
        asyncio.run(editor.submit(edit))
    assert asyncio.run(editor.find(edit, since, ())) == job
    assert sandbox.bench.accepted() == 1


# What is sent and billed.


def test_an_edit_names_what_it_shows_and_bills_the_length_it_was_given(
    sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    edit, requests = sent_by_us(EDIT, sandbox, tmp_path)
    body = body_of(paid(requests, "/omni-video/kling-3.0-omni"))
    prompt, video, *pictures = body["contents"]
    assert video["type"] == "base_video"
    assert {one["type"] for one in pictures} == {"refer_image"}
    assert all(f"@{one['id']}" in prompt["text"] for one in (video, *pictures))
    assert prompt["text"].startswith(edit.prompt)
    assert body["settings"] == {"multi_shot": False, "audio": "off", "resolution": "720p"}
    editor = editor_of(EDIT, sandbox, tmp_path / "home")
    job = asyncio.run(editor.find(edit, datetime.now(UTC), ()))
    assert job is not None
    assert polled(editor, job).state == "done"
    take = asyncio.run(editor.fetch(job, tmp_path))
    assert take.how["billed_usd"] == pytest.approx(float(editor.quote(edit).usd), abs=0.01)


# Masks told by clicks.


def test_a_region_is_paid_for_only_where_the_selection_is_ours(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(REGIONS, sandbox, tmp_path / "home"), edit_for(REGIONS, tmp_path)
    other = np.zeros((HEIGHT, WIDTH), np.uint8)
    other[5:20, 5:90] = 255
    cv2.imwrite(str(tmp_path / "other.png"), other)
    with pytest.raises(Refused, match=r"overlaps our mask by 0\.\d\d only .* nothing was paid"):
        asyncio.run(editor.submit(edit.model_copy(update={"mask": tmp_path / "other.png"})))
    assert sandbox.bench.accepted() == 0
    job = asyncio.run(editor.submit(edit))
    assert json.loads(job.handle)["facts"]["selection_iou"] >= 0.6
    assert sandbox.bench.accepted() == 1


def test_clicks_lie_deep_in_every_part_of_a_mask() -> None:
    mask = np.zeros((100, 200), np.bool_)
    mask[10:50, 20:60] = mask[70:90, 100:190] = True
    made = clicks(mask)
    places = [(int(one.y * 100), int(one.x * 200)) for one in made]
    assert len(made) <= MOST
    assert all(mask[place] for place in places)
    assert {y > 60 for y, _ in places[:2]} == {True, False}


def test_masks_are_read_as_coco_writes_them() -> None:
    square = np.zeros((9, 9), np.bool_)
    square[2:5, 3:7] = True
    assert encoded_mask(square) == "m03600000`0"
    for mask in (square, ~square, np.ones((3, 5), np.bool_), np.zeros((3, 5), np.bool_)):
        assert np.array_equal(decoded_mask(mask.shape, encoded_mask(mask)), mask)
    with pytest.raises(ValueError, match="do not fill"):
        decoded_mask((9, 8), encoded_mask(square))


def test_a_selection_that_cannot_be_read_is_no_selection(tmp_path: Path) -> None:
    opened = {"code": 0, "data": {"status": 0, "session_id": "s", "fps": 24, "total_frame": 120}}
    odd = {"code": 0, "data": {"res": {"rle_mask_list": [{"rle_mask": {}}]}}}
    with Scripted(*(Said(body=json.dumps(one).encode()) for one in (opened, odd))) as server:
        settings = {"KLING_API_KEY": "kk-0123456789", "SUTURE_KLING_BASE_URL": server.url}
        stored = {"SUTURE_PUBLIC_STORE": str(tmp_path), "SUTURE_PUBLIC_URL": "https://store.example.org"}
        editor = build(REGIONS.name, House(tmp_path / "home", settings | stored))
        with pytest.raises(Broken, match="may have changed"):
            asyncio.run(editor.submit(edit_for(REGIONS, tmp_path)))
