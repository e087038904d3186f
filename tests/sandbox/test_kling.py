"""Kling's sandbox: what it selects under a click, what it does not take, and webhooks that are signed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from tests.media.made import texture
from tools.editors.remote._rle import decoded_mask
from tools.media.masks import read_mask
from tools.media.probe import probe
from tools.sandbox.providers import ProviderSandbox
from tools.sandbox.providers._footage import write_footage
from tools.sandbox.providers._kling_selection import selected
from tools.sandbox.providers._truth import Truth
from tools.types import Box, Rgb

pytestmark = pytest.mark.long

SIZE = 720
THING = Box(200, 300, 160, 120)


def frame() -> Rgb:
    """A plain thing in front of a pattern."""
    drawn = cv2.resize(texture(96, 96, 0), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    drawn[THING.slices] = (235, 120, 20)
    return np.asarray(drawn, np.uint8)


class Client:
    """Asks multi-elements over HTTP; the data of each answer, or its error."""

    def __init__(self, sandbox: ProviderSandbox) -> None:
        self._headers = {"authorization": f"Bearer {sandbox.bench.key_of('kling')}"}
        self._base = f"{sandbox.base_url}/kling/v1/videos/multi-elements"

    def told(self, step: str, **body: Any) -> dict[str, Any]:
        reply = httpx.post(f"{self._base}/{step}".rstrip("/"), json=body, headers=self._headers)
        told: dict[str, Any] = reply.json()
        return told if told["code"] else told["data"]


def hosted(sandbox: ProviderSandbox, folder: Path, frames: int, size: int = SIZE) -> str:
    pictures = [np.asarray(cv2.resize(frame(), (size, size), interpolation=cv2.INTER_AREA), np.uint8)] * frames
    return sandbox.bench.keep(write_footage(folder / "sent.mp4", pictures, Fraction(24)).read_bytes(), ".mp4")


def test_a_click_selects_what_looks_alike_and_hangs_together() -> None:
    (mask,) = selected(frame(), [(280 / SIZE, 360 / SIZE), (220 / SIZE, 310 / SIZE)], lambda _: ())
    wanted = np.zeros((SIZE, SIZE), np.bool_)
    wanted[THING.slices] = True
    assert (mask & wanted).sum() / (mask | wanted).sum() > 0.9


def test_a_click_on_a_labelled_error_selects_its_label(launch_day: Path) -> None:
    truth = Truth(launch_day)
    error = next(one for one in truth.errors("SH020") if one.mask)
    index = (error.frames[0] + error.frames[1]) // 2
    shown = truth.current("SH020")[index]
    (thing, *_) = truth.things(shown)
    assert error.mask is not None
    info = probe(error.mask)
    label = read_mask(error.mask, info, info.frames)[index]
    assert (thing & label).sum() / (thing | label).sum() > 0.95
    y, x = (int(place.mean()) for place in np.nonzero(label))
    (mask,) = selected(shown, [(x / label.shape[1], y / label.shape[0])], truth.things)
    assert np.array_equal(mask, thing)


def test_a_selection_is_made_taken_back_and_needed(tmp_path: Path) -> None:
    with ProviderSandbox() as sandbox:
        ask = Client(sandbox)
        session = ask.told("init-selection", video_url=hosted(sandbox, tmp_path, 60))
        assert (session["status"], session["total_frame"], session["width"]) == (0, 60, SIZE)
        named: dict[str, Any] = {"session_id": session["session_id"]}
        clicked = {**named, "frame_index": 3, "points": [{"x": 0.4, "y": 0.5}]}
        (found,) = ask.told("add-selection", **clicked)["res"]["rle_mask_list"]
        assert decoded_mask(found["rle_mask"]["size"], found["rle_mask"]["counts"])[360, 288]
        assert ask.told("delete-selection", **{**clicked, "points": [{"x": 0.41, "y": 0.5}]})["code"] == 1201
        assert ask.told("delete-selection", **clicked)["res"]["rle_mask_list"] == []
        paid = {**named, "edit_mode": "removal", "prompt": "Delete it.", "duration": "5"}
        assert "nothing is selected" in ask.told("", **paid)["message"]
        ask.told("add-selection", **clicked)
        wrong = ({"duration": 5}, {"edit_mode": "swap"}, {"duration": "10"}, {"mask": "x"}, {"prompt": ""})
        assert [ask.told("", **{**paid, **one})["code"] for one in wrong] == [1201] * len(wrong)
        assert sandbox.bench.accepted() == 0
        assert ask.told("", **paid)["task_status"] == "submitted"


@pytest.mark.parametrize(("frames", "size", "words"), [(24, 720, "seconds"), (48, 480, "sides")])
def test_footage_that_it_does_not_take(frames: int, size: int, words: str, tmp_path: Path) -> None:
    with ProviderSandbox() as sandbox:
        told = Client(sandbox).told("init-selection", video_url=hosted(sandbox, tmp_path, frames, size))
        assert (told["code"], words in told["message"]) == (1201, True)
