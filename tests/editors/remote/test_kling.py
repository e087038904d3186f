"""Kling: tokens, error codes, jobs of one id, and a mask that is told by clicks and checked before anything is paid."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.editors.remote.world import HEIGHT, THING, WIDTH, Case, edit_for, editor_of, polled
from tests.editors.scripted import Said, Scripted
from tools.editors.base import Editor
from tools.editors.registry import House, build
from tools.editors.remote._clicks import clicks, overlap
from tools.editors.remote._kling import signed
from tools.editors.remote._rle import decoded_mask, encoded_mask
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown
from tools.sandbox.providers import ProviderSandbox, Rule
from tools.sandbox.providers import kling as sandboxed
from tools.types import Bits

REGION, EDIT, SHOT = (
    Case("kling-multi-elements", "inpaint"),
    Case("kling-3.0-omni-edit", "inpaint"),
    Case("kling-3.0-omni", "regenerate"),
)


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served
        assert served.bench.problems == []


def app_of(sandbox: ProviderSandbox) -> sandboxed.Kling:
    app = sandbox.apps["kling"]
    assert isinstance(app, sandboxed.Kling)
    return app


def with_tokens(sandbox: ProviderSandbox, home: Path, secret: str | None = None) -> Editor:
    """An editor that signs tokens, since no API key is set."""
    app, environment = app_of(sandbox), sandbox.environment()
    del environment["KLING_API_KEY"]
    keys = {"KLING_ACCESS_KEY": app.access, "KLING_SECRET_KEY": secret or app.secret}
    return build(SHOT.name, House(home, {**environment, **keys}))


def disc(size: int, *centres: tuple[int, int, int]) -> Bits:
    """A square mask with discs of (x, y, radius)."""
    drawn = np.zeros((size, size), np.uint8)
    for x, y, radius in centres:
        cv2.circle(drawn, (x, y), radius, 1, -1)
    return drawn > 0


# Tokens.


def test_a_token_says_who_asks_and_for_how_long() -> None:
    head, claims, _ = (part + "=" * (-len(part) % 4) for part in signed("ak", "sk", 1_000_000.0).split("."))
    assert json.loads(base64.urlsafe_b64decode(head)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(base64.urlsafe_b64decode(claims)) == {"iss": "ak", "exp": 1_001_800, "nbf": 999_995}


@pytest.mark.parametrize("skew", [0.0, 7200.0, -7200.0])
def test_a_token_is_signed_anew_by_the_providers_clock(skew: float, sandbox: ProviderSandbox, tmp_path: Path) -> None:
    app_of(sandbox).skew = skew
    asyncio.run(with_tokens(sandbox, tmp_path / "home").submit(edit_for(SHOT, tmp_path)))
    assert sandbox.bench.accepted() == 1
    told = {request.headers["authorization"] for request in sandbox.bench.requests}
    assert len(told) == (2 if skew else 1)


def test_a_wrong_secret_is_named_and_not_said(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor = with_tokens(sandbox, tmp_path / "home", secret="another-secret")  # noqa: S106 - a made one
    with pytest.raises(Refused, match="KLING_ACCESS_KEY and KLING_SECRET_KEY are not accepted") as caught:
        asyncio.run(editor.submit(edit_for(SHOT, tmp_path)))
    (request,) = sandbox.bench.requests
    assert request.headers["authorization"].removeprefix("Bearer ") not in str(caught.value)


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
            asyncio.run(build(SHOT.name, House(tmp_path / "home", settings)).submit(edit_for(SHOT, tmp_path)))
        assert (type(caught.value), len(server.heard)) == (raised, tries)


def test_an_edit_that_is_sent_again_is_one_job(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit, since = editor_of(SHOT, sandbox, tmp_path / "home"), edit_for(SHOT, tmp_path), datetime.now(UTC)
    sandbox.faults.order(Rule(fault="lost-before", provider="kling"))
    with pytest.raises(Unknown):
        asyncio.run(editor.submit(edit))
    assert asyncio.run(editor.find(edit, since, ())) is None, "it never came, and cannot come twice"
    job = asyncio.run(editor.submit(edit))
    with pytest.raises(Unknown, match="may be there already"):
        asyncio.run(editor.submit(edit))
    assert asyncio.run(editor.find(edit, since, ())) == job
    assert sandbox.bench.accepted() == 1


def test_a_take_is_shown_by_its_address_and_everything_has_a_name(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(EDIT, sandbox, tmp_path / "home"), edit_for(EDIT, tmp_path)
    job = asyncio.run(editor.submit(edit))
    sent = next(one for one in sandbox.bench.requests if one.method == "POST").json
    prompt, video, *pictures = sent["contents"]
    assert prompt["text"] == f"{edit.prompt}\nAttached, in this order: @video_1, @image_1, @image_2."
    assert (video["type"], video["id"], video["url"].startswith(sandbox.base_url)) == ("base_video", "video_1", True)
    assert [(one["type"], one["id"]) for one in pictures] == [("refer_image", "image_1"), ("refer_image", "image_2")]
    polled(editor, job)
    assert len(list(sandbox.bench.public.iterdir())) == 1
    (folder := tmp_path / "take").mkdir()
    take = asyncio.run(editor.fetch(job, folder))
    assert take.how["billed_usd"] == float(editor.quote(edit).usd), "units of the account are told as dollars"
    assert list(sandbox.bench.public.iterdir()) == [], "what was hosted is taken away when the job is over"


# Regions.


@pytest.mark.parametrize(
    ("mask", "counts"),
    [([(1, 4, 2, 5), (0, 1, 0, 1), (4, 5, 6, 7)], "01:2H0008N"), ([], "S1"), ([(0, 5, 0, 7)], "0S1")],
)
def test_masks_are_coded_as_coco_codes_them(mask: list[tuple[int, int, int, int]], counts: str) -> None:
    drawn = np.zeros((5, 7), np.bool_)
    for top, bottom, left, right in mask:
        drawn[top:bottom, left:right] = True
    assert encoded_mask(drawn) == counts
    assert np.array_equal(decoded_mask([5, 7], counts), drawn)


def test_a_coded_mask_that_does_not_fill_its_picture_is_no_mask() -> None:
    for counts in ("01:2H0008", "01:2H0008n", [3, 4]):
        with pytest.raises(ValueError, match="mask"):
            decoded_mask([5, 7], counts)


def test_clicks_lie_deep_in_every_part() -> None:
    mask = disc(200, (60, 60, 40), (150, 150, 12), (180, 20, 4))
    made = [(int(click.x * 200), int(click.y * 200)) for click in clicks(mask)]
    assert 3 <= len(made) <= 10
    assert all(mask[y, x] for x, y in made)
    centres = [(60, 60), (150, 150), (180, 20)]
    assert all(abs(x - a) + abs(y - b) <= 2 for (x, y), (a, b) in zip(made, centres, strict=False))


def test_masks_overlap_by_what_they_share() -> None:
    whole, small = disc(100, (50, 50, 30)), disc(50, (25, 25, 15))
    assert overlap([whole], [small]) > 0.9
    assert overlap([whole, whole], [whole, whole & False]) == pytest.approx(0.5)


def test_nothing_is_paid_for_where_the_clicks_are_misunderstood(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    drawn[THING.slices] = 255
    drawn[: THING.y + 4, :] = 255
    cv2.imwrite(str(tmp_path / "wide.png"), drawn)
    edit = edit_for(REGION, tmp_path).model_copy(update={"mask": tmp_path / "wide.png"})
    with pytest.raises(Refused, match=r"overlaps our mask by 0\.\d\d only .* at least 0\.60"):
        asyncio.run(editor_of(REGION, sandbox, tmp_path / "home").submit(edit))
    assert sandbox.bench.accepted() == 0
    assert list(sandbox.bench.public.iterdir()) == []


def test_a_thing_is_clicked_on_and_taken_out(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor = editor_of(REGION, sandbox, tmp_path / "home")
    edit = edit_for(REGION, tmp_path).model_copy(update={"purpose": "remove"})
    job = asyncio.run(editor.submit(edit))
    posted = {one.path.rsplit("/", 1)[-1]: one.json for one in sandbox.bench.requests if one.method == "POST"}
    assert posted["add-selection"]["points"][0]["x"] == pytest.approx(55 / 96, abs=0.02)
    sent = posted["multi-elements"]
    assert (sent["edit_mode"], sent["duration"], "image_list" in sent) == ("removal", "5", False)
    assert sent["prompt"].startswith("Delete the selected thing from <<<video_1>>>. ")
    (work,) = [one.work for one in sandbox.bench.jobs("kling")]
    assert (work.way, work.mask is not None) == ("remove", True)
    assert json.loads(job.handle)["facts"]["selection_iou"] > 0.6


def test_a_thing_is_not_put_right_without_a_picture_of_it(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    edit = edit_for(REGION, tmp_path).model_copy(update={"references": ()})
    with pytest.raises(Refused, match="no reference"):
        editor_of(REGION, sandbox, tmp_path).quote(edit)


def test_a_selection_that_cannot_be_read_is_no_selection(tmp_path: Path) -> None:
    opened = {"code": 0, "data": {"status": 0, "session_id": "s", "fps": 24, "total_frame": 120}}
    odd = {"code": 0, "data": {"res": {"rle_mask_list": [{"rle_mask": {}}]}}}
    with Scripted(*(Said(body=json.dumps(one).encode()) for one in (opened, odd))) as server:
        settings = {"KLING_API_KEY": "kk-0123456789", "SUTURE_KLING_BASE_URL": server.url}
        stored = {"SUTURE_PUBLIC_STORE": str(tmp_path), "SUTURE_PUBLIC_URL": "https://store.example.org"}
        editor = build(REGION.name, House(tmp_path / "home", settings | stored))
        with pytest.raises(Broken, match="may have changed"):
            asyncio.run(editor.submit(edit_for(REGION, tmp_path)))
