"""Google and OpenAI beyond the contract: extensions, follow-ups, masks of old, files, verdicts, sign-in, bills."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.editors.remote.world import FRAMES, Case, edit_for, editor_of, polled
from tests.media.made import make_film
from tools.editors.base import Editor
from tools.editors.http import Reply
from tools.editors.registry import STILL_SERVED, House, build, roster
from tools.editors.remote._google import google_error, judged
from tools.editors.remote.gemini_images import told_what
from tools.errors import BadInput, Refused, TryAgain, Unknown
from tools.media.probe import probe
from tools.sandbox.providers import ProviderSandbox, Rule
from tools.sandbox.providers.openai import form_of
from tools.types import Clip, Edit

LONG = 36


@pytest.fixture(scope="module")
def everybody() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served
    assert served.bench.problems == []


@pytest.fixture
def sandbox(everybody: ProviderSandbox) -> Iterator[ProviderSandbox]:
    yield everybody
    everybody.faults.clear()


def open_ended(case: Case, folder: Path) -> Edit:
    """A retake of the last frames of a shot: nothing is kept behind them."""
    media = make_film(folder / "long.mkv", codec="ffv1", size=(96, 96), count=LONG)
    clip = Clip(media=media, first=0, last=LONG - 1)
    return edit_for(case, folder).model_copy(update={"clip": clip, "window": (28, LONG - 1), "stretch": None})


@pytest.mark.parametrize("case", [Case("omni-1.2-edit", "retake"), Case("veo-3.1", "retake")], ids=str)
def test_a_window_that_reaches_the_end_is_made_by_going_on_from_what_is_kept(
    case: Case, sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), open_ended(case, tmp_path)
    quote = editor.quote(edit)
    job = asyncio.run(editor.submit(edit))
    made = sandbox.bench.jobs()[-1]
    assert made.work.way == "extend"
    assert quote.usd * Decimal("0.85") <= made.usd <= quote.most, "Veo may bill the 7 s it adds, or the 8 s it is asked"
    assert polled(editor, job).state == "done"
    take = asyncio.run(editor.fetch(job, tmp_path))
    assert probe(take.media).frames == LONG


def test_an_edit_is_followed_up_only_where_there_was_one(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    case = Case("omni-1.2-edit", "inpaint")
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    again = edit.model_copy(update={"key": f"{edit.key}/2", "method": "follow-up"})
    with pytest.raises(Refused, match="followed up"):
        editor.quote(again)
    job = asyncio.run(editor.submit(edit))
    assert polled(editor, job).state == "done"
    editor.quote(again)
    before = len(sandbox.bench.requests)
    asyncio.run(editor_of(case, sandbox, tmp_path / "home").submit(again))
    (sent,) = sandbox.bench.requests[before:]
    assert sent.json["previous_interaction_id"] == sandbox.bench.jobs()[-2].id
    assert all(part["type"] != "video" for part in sent.json["input"]), "the footage is there already"


def test_a_result_too_large_for_an_answer_is_downloaded_with_the_key(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    case = Case("omni-1.1", "retake")
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    job = asyncio.run(editor.submit(edit))
    app = sandbox.apps["google"]
    most, app.inline_most = app.inline_most, 0  # type: ignore[attr-defined]
    try:
        assert polled(editor, job).state == "done"
        take = asyncio.run(editor.fetch(job, tmp_path))
    finally:
        app.inline_most = most  # type: ignore[attr-defined]
    (fetched,) = [one for one in sandbox.bench.requests if one.path.endswith(":download")]
    assert fetched.headers["x-goog-api-key"] == sandbox.bench.key_of("google")
    assert take.how["interaction"] == sandbox.bench.jobs()[-1].id
    assert float(take.how["billed_usd"]) == pytest.approx(float(sandbox.bench.jobs()[-1].usd), rel=0.05)


def test_a_retired_masked_editor_works_where_the_account_still_has_it(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    case, environment = Case("veo-2-mask", "inpaint"), sandbox.environment()
    with pytest.raises(BadInput, match="retired"):
        build(case.name, House(tmp_path / "home", environment))
    editor: Editor = build(case.name, House(tmp_path / "home", {**environment, STILL_SERVED: f"other, {case.name}"}))
    assert editor.capabilities.retired is None
    for purpose, way in (("repair", "inpaint"), ("remove", "remove")):
        edit = edit_for(case, tmp_path, key=purpose).model_copy(update={"purpose": purpose})
        job = asyncio.run(editor.submit(edit))
        assert sandbox.bench.jobs()[-1].work.way == way
    assert polled(editor, job).state == "done"
    assert probe(asyncio.run(editor.fetch(job, tmp_path)).media).frames == FRAMES


def test_a_clip_that_was_held_back_is_refused_with_its_category(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    case = Case("veo-3.1", "retake")
    sandbox.faults.order(Rule(fault="refused-later", provider="vertex"))
    editor = editor_of(case, sandbox, tmp_path / "home")
    job = asyncio.run(editor.submit(edit_for(case, tmp_path)))
    with pytest.raises(Refused, match="celebrity"):
        polled(editor, job)


def test_support_codes_are_told_by_what_they_mean() -> None:
    assert judged(["Blocked. Support codes: 58061214, 56562880"]).startswith("child, violence: ")
    assert judged(["Blocked."]) == "no category given: Blocked."


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (404, b'{"error": {"code": 404, "message": "gone", "status": "NOT_FOUND"}}', Refused, "model retired"),
        (403, b'{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}', Refused, "THE_KEY"),
        (
            400,
            b'{"error": {"code": 400, "message": "", "details": [{"reason": "API_KEY_INVALID"}]}}',
            Refused,
            "THE_KEY",
        ),
        (400, b'{"error": {"code": 400, "message": "odd size", "status": "INVALID_ARGUMENT"}}', Refused, "odd size"),
        (503, b'[{"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}]', TryAgain, "busy"),
    ],
)
def test_what_google_answers_is_sorted(status: int, body: bytes, kind: type[Exception], words: str) -> None:
    found = google_error(Reply(status, {}, body), key="THE_KEY", model="some-model")
    assert type(found) is kind
    assert words in str(found)


def test_google_says_how_long_to_wait() -> None:
    body = b'{"error": {"code": 429, "message": "slow", "details": [{"@type": "x", "retryDelay": "12.5s"}]}}'
    found = google_error(Reply(429, {}, body), key="THE_KEY", model="some-model")
    assert isinstance(found, TryAgain)
    assert found.after == 12.5


def test_a_machine_that_is_not_signed_in_is_told_what_to_set(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    case, name = Case("veo-3.1", "retake"), "GOOGLE_APPLICATION_CREDENTIALS"
    nowhere = {**sandbox.environment(), name: str(tmp_path / "nowhere.json")}
    asked = len(sandbox.bench.requests)
    with pytest.raises(Refused, match=name):
        build(case.name, House(tmp_path, nowhere)).quote(edit_for(case, tmp_path))
    assert len(sandbox.bench.requests) == asked
    stranger = tmp_path / "stranger.json"
    with ProviderSandbox() as other:
        told = Path(other.environment()[name]).read_text()
        stranger.write_text(told.replace(other.base_url, sandbox.base_url))
    editor = build(case.name, House(tmp_path / "home", {**sandbox.environment(), name: str(stranger)}))
    with pytest.raises(Refused, match=name) as caught:
        asyncio.run(editor.submit(edit_for(case, tmp_path)))
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_key_of_another_server_does_not_offer_openai(sandbox: ProviderSandbox) -> None:
    entry, ours = roster()["gpt-image-2.6"], sandbox.environment()["SUTURE_OPENAI_BASE_URL"]
    local = {"OPENAI_API_KEY": "any", "OPENAI_BASE_URL": "http://localhost:8000/v1"}
    assert "SUTURE_OPENAI_BASE_URL" in (entry.missing(local) or "")
    assert entry.missing({**local, "SUTURE_OPENAI_BASE_URL": ours}) is None
    assert entry.missing({**local, "OPENAI_BASE_URL": "https://api.openai.com/v1"}) is None
    assert entry.missing({"OPENAI_API_KEY": "any"}) is None


def test_an_edited_picture_is_kept_found_again_and_billed_by_its_tokens(
    sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    case = Case("gpt-image-2.6", "inpaint")
    editor, edit = editor_of(case, sandbox, tmp_path / "home"), edit_for(case, tmp_path)
    accepted, quote = sandbox.bench.accepted(), editor.quote(edit)
    job = asyncio.run(editor.submit(edit))
    usd = sandbox.bench.jobs()[-1].usd
    form = form_of(sandbox.bench.requests[-1])
    assert form.mask is not None
    assert [len(form.pictures), form.fields["size"]] == [3, "816x816"]
    later = editor_of(case, sandbox, tmp_path / "home")
    assert asyncio.run(later.submit(edit)) == job, "the same edit is not paid for twice"
    take = asyncio.run(later.fetch(job, tmp_path))
    assert Decimal(str(take.how["billed_usd"])) == usd <= quote.most
    assert sandbox.bench.accepted() == accepted + 1


@pytest.mark.parametrize(
    ("fault", "expected"), [("refused-later", Refused), ("failed", TryAgain), ("no-video", Refused)]
)
def test_an_answer_of_gemini_without_a_picture_says_why(
    fault: str, expected: type[Exception], sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    case = Case("gemini-3-pro-image", "inpaint")
    sandbox.faults.order(Rule.model_validate({"fault": fault, "provider": "google"}))
    with pytest.raises(expected):
        asyncio.run(editor_of(case, sandbox, tmp_path / "home").submit(edit_for(case, tmp_path)))


def test_pictures_are_named_in_the_instruction(tmp_path: Path) -> None:
    edit = edit_for(Case("gemini-3-pro-image", "inpaint"), tmp_path)
    assert "Pictures 3 to 4 show" in told_what(edit, 4)
    bare = edit.model_copy(update={"mask": None})
    assert "outline" not in told_what(bare, 2)
    assert "Picture 2 shows" in told_what(bare, 2)


def test_an_edit_of_openai_without_a_picture_is_not_sent_again(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    case = Case("gpt-image-2.6", "inpaint")
    sandbox.faults.order(Rule(fault="no-video", provider="openai"))
    accepted = sandbox.bench.accepted()
    with pytest.raises(Unknown, match="usage"):
        asyncio.run(editor_of(case, sandbox, tmp_path / "home").submit(edit_for(case, tmp_path)))
    assert sandbox.bench.accepted() == accepted + 1
