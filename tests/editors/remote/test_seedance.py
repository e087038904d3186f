"""Seedance: what a task shows and asks for, what it costs, its errors, and how a lost task is found."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.editors.remote.world import HEIGHT, WIDTH, Case, edit_for, editor_of, polled
from tests.editors.scripted import Said, Scripted
from tests.media.made import make_film
from tools.editors.base import Editor
from tools.editors.registry import House, build
from tools.editors.remote.seedance import PAGE, ratio_of, size_of, tag
from tools.errors import EditorError, Refused, TryAgain, Unknown
from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.sandbox.providers import ProviderSandbox
from tools.types import Clip, Edit, Reference

SHOT, BETWEEN = Case("seedance-2.0", "regenerate"), Case("seedance-2.5", "regenerate")
EDIT, TAKE = Case("seedance-2.5-edit", "retake"), Case("seedance-2.0-take", "regenerate")


@pytest.fixture
def sandbox() -> Iterator[ProviderSandbox]:
    with ProviderSandbox() as served:
        yield served
        assert served.bench.problems == []


def sent_by(sandbox: ProviderSandbox) -> dict[str, Any]:
    """The one task that was submitted."""
    (posted,) = [one.json for one in sandbox.bench.requests if one.method == "POST"]
    assert isinstance(posted, dict)
    return posted


def roles(task: dict[str, Any]) -> list[str]:
    return [one.get("role", one["type"]) for one in task["content"]]


def retake(folder: Path, window: tuple[int, int], count: int = 60) -> Edit:
    media = make_film(folder / "long.mkv", codec="ffv1", size=(WIDTH, HEIGHT), count=count)
    clip = Clip(media=media, first=0, last=count - 1)
    return edit_for(EDIT, folder).model_copy(update={"clip": clip, "window": window, "stretch": window})


# What a task shows.


def test_a_window_that_reaches_the_end_is_an_extension_of_what_is_before_it(
    sandbox: ProviderSandbox, tmp_path: Path
) -> None:
    editor, edit = editor_of(EDIT, sandbox, tmp_path / "home"), retake(tmp_path, (52, 59))
    job = asyncio.run(editor.submit(edit))
    task = sent_by(sandbox)
    assert (task["omni_reference_task_type"], task["ratio"], task["duration"]) == ("extend", "adaptive", 4)
    assert task["content"][0]["text"].startswith(edit.prompt)
    (made,) = sandbox.bench.jobs("ark")
    assert editor.quote(edit).usd == made.usd
    polled(editor, job)
    (folder := tmp_path / "take").mkdir()
    take = asyncio.run(editor.fetch(job, folder))
    shown = [rgb8(frame) for frame in frames(take.media)]
    kept = [rgb8(frame) for frame in frames(edit.clip)]
    same = [bool(np.array_equal(a, b)) for a, b in zip(shown, kept, strict=True)]
    assert same == [True] * 52 + [False] * 8


def test_a_window_in_the_middle_is_an_edit_that_says_when(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    asyncio.run(editor_of(EDIT, sandbox, tmp_path / "home").submit(retake(tmp_path, (30, 41))))
    task = sent_by(sandbox)
    assert (task["omni_reference_task_type"], task["duration"]) == ("edit", -1)
    assert task["content"][0]["text"].startswith("Only from second 1.25 to second 1.75 of Video 1: ")
    assert roles(task) == ["text", "reference_video", "reference_image", "reference_image"]


def test_a_shot_is_made_again_after_its_take(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    editor, edit = editor_of(TAKE, sandbox, tmp_path / "home"), edit_for(TAKE, tmp_path)
    asyncio.run(editor.submit(edit))
    task = sent_by(sandbox)
    assert roles(task) == ["text", "reference_video", "reference_image", "reference_image"]
    assert task["content"][0]["text"].endswith("\nAttached, in this order: Video 1, Image 1, Image 2.")
    (made,) = sandbox.bench.jobs("ark")
    assert editor.quote(edit).usd == made.usd


def test_a_shot_with_nothing_but_its_ends_is_made_between_them(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    edit = edit_for(BETWEEN, tmp_path)
    ends = tuple(one for one in edit.references if one.role != "look")
    editor = editor_of(BETWEEN, sandbox, tmp_path / "home")
    asyncio.run(editor.submit(edit.model_copy(update={"references": ends})))
    task = sent_by(sandbox)
    assert (roles(task), task["ratio"]) == (["text", "first_frame", "last_frame"], "adaptive")
    with pytest.raises(Refused, match="needs a reference picture"):
        editor.quote(edit.model_copy(update={"references": ()}))


def test_a_narrow_picture_is_padded_to_what_the_model_takes(sandbox: ProviderSandbox, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "narrow.png"), np.full((300, 60, 3), 90, np.uint8))
    shown = (Reference(path=tmp_path / "narrow.png", kind="panel", what="mara/full"),)
    edit = edit_for(SHOT, tmp_path).model_copy(update={"references": shown})
    asyncio.run(editor_of(SHOT, sandbox, tmp_path / "home").submit(edit))
    assert sandbox.bench.accepted() == 1


def test_china_has_models_of_its_own(sandbox: ProviderSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", sandbox.base_url)
    settings = {**sandbox.environment(), "SUTURE_ARK_BASE_URL": "http://ark.cn-beijing.volces.com/api/v3"}
    asyncio.run(build(SHOT.name, House(tmp_path / "home", settings)).submit(edit_for(SHOT, tmp_path)))
    assert sent_by(sandbox)["model"] == "doubao-seedance-2-0-260128"


@pytest.mark.parametrize(
    ("resolution", "shape", "made"),
    [("720p", (1280, 720), (1280, 720)), ("720p", (96, 96), (960, 960)), ("480p", (1920, 1080), (848, 480))],
)
def test_a_resolution_has_as_many_pixels_in_every_aspect(
    resolution: str, shape: tuple[int, int], made: tuple[int, int]
) -> None:
    assert size_of(resolution, *shape) == made
    assert ratio_of(1998, 1080) == "16:9"


# Errors.


@pytest.mark.parametrize(
    ("status", "code", "raised", "tries"),
    [
        (400, "InputImageSensitiveContentDetected.PrivacyInformation", Refused, 1),
        (400, "SensitiveContentDetected", Refused, 1),
        (400, "InvalidParameter.TaskTypeConstraint", Refused, 1),
        (401, "AuthenticationError", Refused, 1),
        (404, "InvalidEndpointOrModel.NotFound", Refused, 1),
        (429, "RateLimitExceeded.EndpointRPMExceeded", TryAgain, 5),
        (500, "InternalServiceError", TryAgain, 5),
        (500, None, Unknown, 1),
        (200, None, Unknown, 1),
    ],
)
def test_what_an_error_means_is_told_by_its_code(
    status: int, code: str | None, raised: type[EditorError], tries: int, tmp_path: Path
) -> None:
    told = {"error": {"code": code, "message": "no"}} if code else {"oops": 1}
    with Scripted(Said(status, json.dumps(told).encode())) as server:
        with pytest.raises(EditorError) as caught:
            asyncio.run(scripted(server, tmp_path).submit(edit_for(SHOT, tmp_path)))
        assert (type(caught.value), len(server.heard)) == (raised, tries)


def scripted(server: Scripted, folder: Path) -> Editor:
    settings = {"ARK_API_KEY": "ark-0123456789", "SUTURE_ARK_BASE_URL": server.url, "SUTURE_RETRY_SECONDS": "0"}
    return build(SHOT.name, House(folder / "home", settings))


# A lost task.


def found_in(pages: Sequence[Sequence[dict[str, Any]]], folder: Path, age: timedelta) -> str | None:
    """The id of the task that is found for an edit that was sent so long ago, in a list of these pages."""
    edit, said = edit_for(SHOT, folder), [Said(body=json.dumps({"items": page}).encode()) for page in pages]
    with Scripted(*said) as server:
        job = asyncio.run(scripted(server, folder).find(edit, datetime.now(UTC) - age, ()))
    return None if job is None else str(json.loads(job.handle)["id"])


def task_of(name: str, tagged: str | None, ago: float = 60.0) -> dict[str, Any]:
    told: dict[str, Any] = {"id": name, "created_at": int(datetime.now(UTC).timestamp() - ago)}
    return told if tagged is None else {**told, "safety_identifier": tagged}


def test_a_lost_task_is_found_by_its_tag_however_long_the_list(tmp_path: Path) -> None:
    ours = tag(SHOT.name, edit_for(SHOT, tmp_path))
    others = [task_of(f"t{place}", "suture-of-another") for place in range(PAGE)]
    assert found_in([others, [task_of("mine", ours)]], tmp_path, timedelta(minutes=5)) == "mine"


def test_a_task_never_came_when_the_list_is_whole_and_old_enough(tmp_path: Path) -> None:
    others = [task_of("old", None, ago=7200.0), task_of("theirs", "suture-of-another")]
    assert found_in([others], tmp_path, timedelta(minutes=5)) is None
    with pytest.raises(Unknown, match="ask again"):
        found_in([others], tmp_path, timedelta(seconds=5))


def test_a_task_without_a_tag_may_be_ours(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="1 tasks that may be ours"):
        found_in([[task_of("untagged", None)]], tmp_path, timedelta(minutes=5))
