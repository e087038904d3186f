"""fal: its inputs, storage, prices, and what it does with results that only live for minutes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.editors.remote.sdks import body_of, paid, sent_by_us
from tests.editors.remote.world import HEIGHT, WIDTH, Case, edit_for, editor_of, polled
from tests.editors.scripted import Said, Scripted
from tools.editors.base import Editor
from tools.editors.fitting import plan_fit
from tools.editors.http import Reply
from tools.editors.registry import House, build, roster
from tools.editors.remote._fal_storage import PART, WHOLE, Storage
from tools.editors.remote.fal import Fal, refreshed_prices
from tools.errors import Broken, EditorError, Refused, TryAgain
from tools.media.probe import probe
from tools.sandbox.providers import ProviderSandbox, Rule
from tools.sandbox.providers._footage import read_footage
from tools.types import Reference

VACE = Case("fal-vace-14b", "inpaint")
VOID = Case("fal-void", "inpaint")
BRIA = Case("fal-bria-erase", "inpaint")
FILL = Case("fal-flux-fill", "inpaint")
KLING = Case("fal-kling-o3-edit", "inpaint")
SEEDANCE = Case("fal-seedance-2.0", "regenerate")
RAY = Case("fal-luma-ray-3.2", "inpaint")


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served


def talking_to(server: Scripted, case: Case, home: Path) -> Fal:
    environment = {"FAL_KEY": "fk-0123456789", "SUTURE_FAL_BASE_URL": server.url, "SUTURE_RETRY_SECONDS": "0"}
    editor = build(case.name, House(home, environment))
    assert isinstance(editor, Fal)
    return editor


# Inputs.


def test_vace_is_told_to_give_back_every_frame_at_its_rate(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    body = body_of(paid(sent_by_us(VACE, sandbox, tmp_path)[1], "/inpainting"))
    assert body["num_frames"] == 81
    assert body["match_input_num_frames"] is body["match_input_frames_per_second"] is True
    assert body["resolution"] == "240p", "no more pixels than the footage has"
    assert len(body["ref_image_urls"]) == 2


def test_vace_is_shown_repaired_ends_where_the_footage_has_them(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    edit = edit_for(VACE, tmp_path)
    (picture,) = [one.path for one in edit.references][:1]
    ends = tuple(Reference(path=picture, kind="frame", what=role, role=role) for role in ("first", "last"))
    asyncio.run(editor_of(VACE, sandbox, tmp_path).submit(edit.model_copy(update={"references": ends})))
    body = body_of(paid(sandbox.bench.requests, "/inpainting"))
    assert "first_frame_url" in body
    assert "last_frame_url" not in body, "the footage goes on in the mirror, so it ends with another frame"


@pytest.mark.parametrize("case", [VACE, VOID], ids=str)
def test_the_mask_is_white_where_the_model_wants_it_so(case: Case, sandbox: ProviderSandbox, tmp_path: Path) -> None:
    edit, _ = sent_by_us(case, sandbox, tmp_path)
    (job,) = sandbox.bench.jobs()
    assert job.work.mask is not None
    mask = read_footage(job.work.mask).frames[0]
    fit = plan_fit(edit, probe(edit.clip.media), case.entry.capabilities)
    across = fit.box.w / WIDTH
    region = mask[fit.box.y + round(45 * across), fit.box.x + round(55 * across)].mean()
    beside = mask[fit.box.y + round(10 * across), fit.box.x + round(10 * across)].mean()
    assert (region, beside) == pytest.approx((0, 255) if case is VOID else (255, 0), abs=8)


def test_models_that_are_told_by_name_are(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    body = body_of(paid(sent_by_us(KLING, sandbox, tmp_path)[1], "/edit"))
    assert body["prompt"].startswith("Edit @Video1. ")
    assert "@Image1, @Image2." in body["prompt"]
    assert len(body["image_urls"]) == 2


def test_a_keyframed_edit_is_anchored_to_frames_that_are_right(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    edit, requests = sent_by_us(RAY, sandbox, tmp_path)
    body = body_of(paid(requests, "/video-to-video"))
    assert edit.stretch is not None
    sent = body["keyframe_indexes"]
    assert len(sent) == len(body["keyframes"]) > 0
    assert not set(sent) & set(range(edit.stretch[0], edit.stretch[1] + 1))
    assert {edit.stretch[0] - 1, edit.stretch[1] + 1} <= set(sent), "those beside what is wrong are the nearest"


@pytest.mark.parametrize("case", [VACE, SEEDANCE, BRIA, RAY, FILL], ids=str)
def test_the_quote_is_what_is_billed_at_the_size_that_is_asked_for(
    case: Case, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path), edit_for(case, tmp_path)
    quote = editor.quote(edit)
    asyncio.run(editor.submit(edit))
    assert sandbox.bench.billed() == pytest.approx(quote.usd, rel=Decimal("0.06"))


# Results.


def test_a_result_is_kept_when_the_job_is_found_to_be_over(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(FILL, sandbox, tmp_path / "home"), edit_for(FILL, tmp_path)
    job = asyncio.run(editor.submit(edit))
    assert polled(editor, job).state == "done"
    asked = len(sandbox.bench.requests)
    take = asyncio.run(editor_of(FILL, sandbox, tmp_path / "home").fetch(job, tmp_path))
    assert (probe(take.media).width, probe(take.media).height) == (WIDTH, HEIGHT)
    (only,) = sandbox.bench.requests[asked:]
    assert only.provider == "files", "fal is not asked for a result again that it forgets within minutes"
    assert "authorization" not in only.headers
    assert take.how["seed"] == 7


QUEUED = {"request_id": "r-1", "status": "IN_QUEUE"}


def submitted(server: Scripted, case: Case, folder: Path) -> tuple[Editor, Any]:
    editor = talking_to(server, case, folder / "home")
    return editor, asyncio.run(editor.submit(edit_for(case, folder)))


def as_said(document: object, status: int = 200, **headers: str) -> Said:
    return Said(status, json.dumps(document).encode(), headers)


OVER = as_said({"status": "COMPLETED"})


@pytest.mark.parametrize(
    ("answers", "words", "billed"),
    [
        (
            [OVER, as_said({"detail": "Late"}, 504, **{"x-fal-request-timeout-type": "user"})],
            "not start in time",
            False,
        ),
        ([OVER, as_said({"detail": "Traceback"}, 500)], "the model failed", False),
        ([OVER, as_said({"detail": "Request not found"}, 404)], "no more", True),
        ([OVER, as_said({"seed": 7})], "without a file", True),
        ([as_said({"status": "COMPLETED", "error": "Runner gone", "error_type": "gone"})], "Runner gone", True),
    ],
    ids=["late", "model", "gone", "no file", "runner"],
)
def test_a_job_that_completed_without_success_failed_and_is_asked_once(
    answers: list[Said], words: str, billed: bool, tmp_path: Path
) -> None:
    with Scripted(as_said(QUEUED), *answers) as server:
        editor, job = submitted(server, FILL, tmp_path)
        progress = asyncio.run(editor.poll(job))
    assert (progress.state, progress.billed) == ("failed", billed)
    assert words in progress.why
    assert len(server.heard) == 1 + len(answers)


@pytest.mark.parametrize(
    "answers",
    [
        [OVER, as_said({"detail": [{"loc": ["body"], "msg": "no", "type": "content_policy_violation"}]}, 422)],
        [OVER, as_said({"images": [{"url": "https://x.example/a.png"}], "has_nsfw_concepts": [True]})],
        [as_said({"status": "COMPLETED", "error": "flagged by a content checker"})],
    ],
    ids=["type", "blackened", "status"],
)
def test_a_verdict_on_content_is_a_refusal(answers: list[Said], tmp_path: Path) -> None:
    with Scripted(as_said(QUEUED), *answers) as server:
        editor, job = submitted(server, FILL, tmp_path)
        with pytest.raises(Refused, match="will not have the content"):
            asyncio.run(editor.poll(job))


def test_a_result_whose_file_is_gone_is_asked_for_once_more_and_then_lost(tmp_path: Path) -> None:
    with Scripted(as_said(QUEUED), OVER) as server:
        found = as_said({"images": [{"url": f"{server.url}/a.png"}]})
        server.answers += [found, as_said({}, 404), found, as_said({}, 404)]
        editor, job = submitted(server, FILL, tmp_path)
        assert asyncio.run(editor.poll(job)).state == "done"
        with pytest.raises(Broken, match="must be paid again"):
            asyncio.run(editor.fetch(job, tmp_path))
    assert len(server.heard) == 6


@pytest.mark.parametrize(
    ("status", "detail", "kind", "words"),
    [
        (401, "Authentication is required", Refused, "FAL_KEY is not accepted"),
        (403, "Exhausted balance", Refused, "Exhausted balance"),
        (404, "Application not found", Refused, "Application not found"),
        (422, [{"msg": "1 to 6", "type": "enum", "loc": ["body", "safety_tolerance"]}], Refused, "1 to 6"),
        (429, "Too many", TryAgain, "Too many"),
        (503, "No runner", TryAgain, "No runner"),
    ],
)
def test_errors_are_what_the_caller_should_do_next(
    status: int, detail: object, kind: type[EditorError], words: str, tmp_path: Path
) -> None:
    with Scripted(as_said({})) as server:
        wrong = talking_to(server, FILL, tmp_path).sort(Reply(status, {}, json.dumps({"detail": detail}).encode()))
    assert isinstance(wrong, kind)
    assert words in str(wrong)
    assert "content" not in str(wrong)


def test_a_job_is_asked_for_at_fal_even_where_another_address_is_named(tmp_path: Path) -> None:
    elsewhere = "https://queue.fal.run.example/requests/r-1"
    named = {"status_url": f"{elsewhere}/status", "response_url": elsewhere, "cancel_url": f"{elsewhere}/cancel"}
    with Scripted(as_said(QUEUED | named), as_said({"status": "IN_PROGRESS"})) as server:
        editor, job = submitted(server, FILL, tmp_path)
        assert asyncio.run(editor.poll(job)).state == "running"
    assert elsewhere not in job.handle
    assert server.heard[-1].path == "/queue/fal-ai/flux-pro/requests/r-1/status"


def test_a_job_that_nobody_waits_for_any_more_never_starts(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    (request,) = [one for one in sent_by_us(FILL, sandbox, tmp_path)[1] if one.method == "POST"]
    assert float(request.headers["x-fal-request-timeout"]) == FILL.entry.capabilities.deadline_seconds
    assert json.loads(request.headers["x-fal-object-lifecycle-preference"])["expiration_duration_seconds"] > 86_400


# Storage.


def stored(sandbox: ProviderSandbox, folder: Path, size: int) -> bytes:
    """What the sandbox has of a file that was uploaded."""
    path = folder / "clip.mp4"
    with path.open("wb") as file:
        file.write(b"head")
        file.truncate(size - 4)
        file.seek(0, 2)
        file.write(b"tail")
    editor = editor_of(BRIA, sandbox, folder)
    assert isinstance(editor, Fal)
    return sandbox.bench.read(asyncio.run(Storage(editor.door, editor.url).upload(path, "video/mp4")))


def test_footage_goes_up_with_a_token_of_the_storage_and_never_with_the_key(
    sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    _, requests = sent_by_us(BRIA, sandbox, tmp_path)
    ups = [one for one in requests if one.path.startswith("/cdn")]
    assert [one.headers["authorization"].partition(" ")[0] for one in ups] == ["Bearer", "Bearer"]
    assert len([one for one in requests if one.path.endswith("/auth/token")]) == 1, "one token for all files of a job"
    assert all(json.loads(one.headers["x-fal-object-lifecycle"]) for one in ups), "footage does not stay there"


def test_a_large_file_goes_up_in_parts(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    data = stored(sandbox, tmp_path, WHOLE + 8)
    assert (len(data), data[:4], data[-4:]) == (WHOLE + 8, b"head", b"tail")
    parts = [one for one in sandbox.bench.requests if one.method == "PUT"]
    assert [len(one.body) for one in parts] == [PART] * 10 + [8]


@pytest.mark.parametrize("times", [5, 4], ids=["out of order", "busy"])
def test_a_file_goes_up_the_older_way_where_the_newer_is_out_of_order(
    times: int, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    sandbox.faults.order(Rule(fault="unavailable", moment="upload", times=times))
    assert len(stored(sandbox, tmp_path, 100)) == 100
    older = [one for one in sandbox.bench.requests if "bucket" in one.path]
    assert bool(older) is (times == 5)
    assert all("authorization" not in one.headers for one in older), "the bucket's address is the proof"


def test_a_token_of_the_storage_is_a_secret_too_and_leaves_for_no_other_address(tmp_path: Path) -> None:
    token = {"token": "tk-9876543210", "token_type": "Bearer", "expires_at": "2099-01-01T00:00:00+00:00"}
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(bytes(8))
    with Scripted(as_said(token | {"base_url": "https://cdn.example"})) as server:
        editor = talking_to(server, BRIA, tmp_path)
        server.answers.append(as_said({"detail": "bad Bearer tk-9876543210"}, 400))
        with pytest.raises(Refused) as caught:
            asyncio.run(Storage(editor.door, editor.url).upload(clip, "video/mp4"))
        assert "tk-9876543210" not in str(caught.value)
        with clip.open("r+b") as file:
            file.truncate(WHOLE + 1)
        server.answers = [as_said(token | {"base_url": "https://cdn.example"}), as_said({"detail": "no"}, 400)]
        with pytest.raises(Refused):
            asyncio.run(Storage(editor.door, editor.url).upload(clip, "video/mp4"))
    assert server.heard[-1].path.startswith("/rest/storage/upload/initiate"), "the older way stands in"


# Prices.


def test_todays_prices_are_those_of_the_list_in_the_rosters_own_terms(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    entries = [one for one in roster().values() if one.provider is not None and one.provider.name == "fal"]
    told = asyncio.run(refreshed_prices(House(tmp_path, sandbox.environment()), entries))
    assert set(told) == {one.name for one in entries}
    for entry in entries:
        old, new = entry.capabilities.price, told[entry.name]
        fields = ("per_job", "per_second", "per_input_second", "per_frame", "per_megapixel", "per_token")
        before, after = ([float(getattr(one, field)) for field in fields] for one in (old, new))
        assert np.allclose(before, after, rtol=1e-3), entry.name
        assert new.sure
        assert new.on is not None
        assert old.on is not None
        assert new.on >= old.on


def listed(model: str = "bria/video/erase/mask", unit: str = "seconds", currency: str = "USD") -> Said:
    return as_said({"prices": [{"endpoint_id": model, "unit_price": 1, "unit": unit, "currency": currency}]})


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (listed(model="bria/video/erase"), {}),
        (listed(currency="EUR"), {}),
        (listed(unit="compute seconds"), {}),
        (as_said({"detail": "Endpoint not found"}, 404), {}),
        (as_said({"prices_v2": []}), Broken),
        (as_said({"detail": "who?"}, 401), Refused),
    ],
    ids=["another", "currency", "unit", "unknown", "schema", "key"],
)
def test_a_price_that_is_not_understood_is_left_as_it_was(answer: Said, outcome: Any, tmp_path: Path) -> None:
    with Scripted(answer) as server:
        house = House(tmp_path, talking_to(server, BRIA, tmp_path).environment)
        if outcome == {}:
            assert asyncio.run(refreshed_prices(house, [BRIA.entry])) == {}
        else:
            with pytest.raises(outcome):
                asyncio.run(refreshed_prices(house, [BRIA.entry]))
