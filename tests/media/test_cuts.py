"""Cuts: the hand-made truth, joints of real footage, and the things that look like cuts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.media.cuts import CutFinder, find_cuts
from tools.media.decode import rgb_frames
from tools.types import Clip, Rgb

TALL, WIDE = 90, 160


@pytest.mark.parametrize(
    ("clip", "firsts"),
    [
        ("clips/tears-of-steel.mp4", [0, 21, 65, 185]),
        ("clips/caminandes.mp4", [0]),
        ("clips/bigbuckbunny.mp4", [0]),
        ("pizza-collab/seedance-action.mp4", [0]),
        ("bmx-trees/frames", [0]),
    ],
)
def test_labelled_footage(shared_data: Path, clip: str, firsts: list[int]) -> None:
    assert [shot.first for shot in find_cuts(shared_data / clip).shots] == firsts


def test_contract(shared_data: Path) -> None:
    cuts = find_cuts(shared_data / "clips" / "tears-of-steel.mp4")
    document = json.loads(cuts.model_dump_json())
    assert (document["fps"], document["frames"]) == ("24/1", 240)
    assert document["shots"][1] == {"id": "SH020", "first": 21, "last": 64, "opens": "cut", "over": None}
    assert document["shots"][-1]["last"] == 239


@cache
def _stretch(media: Path, first: int, count: int) -> tuple[Rgb, ...]:
    """Frames of a real clip, cropped to 16:9 and shrunk to 160×90."""
    return tuple(_fit(p) for _, p in rgb_frames(Clip(media=media, first=first, last=first + count - 1), longest=320))


def _fit(picture: Rgb, zoom: float = 1.0) -> Rgb:
    height, width = picture.shape[:2]
    crop_w = min(width, height * WIDE / TALL) / zoom
    crop_h = crop_w * TALL / WIDE
    x, y = int((width - crop_w) * 0.7), int((height - crop_h) * 0.4)
    crop = picture[y : y + int(crop_h), x : x + int(crop_w)]
    return np.asarray(cv2.resize(crop, (WIDE, TALL), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _found(pictures: Sequence[Rgb]) -> list[int]:
    finder = CutFinder(Fraction(24))
    found = [index for picture in pictures for index in finder.push(picture)]
    return found + finder.finish()


def test_joints_of_short_shots(shared_data: Path) -> None:
    names = ["clips/blocks", "clips/dog", "clips/juggle", "clips/toy-frog", "vace/boxing-cats", "clips/toy-rabbit"]
    shots = [_stretch(shared_data / f"{name}.mp4", 40, 12) for name in names]
    assert _found([picture for shot in shots for picture in shot]) == [12, 24, 36, 48, 60]


@pytest.mark.parametrize("name", ["blocks", "juggle", "toy-frog", "dog"])
def test_the_same_set_up_reframed(shared_data: Path, name: str) -> None:
    first = _stretch(shared_data / "clips" / f"{name}.mp4", 40, 15)
    closer = [_fit(picture, zoom=1.6) for picture in first]
    assert _found([*first, *closer, *first]) == [15, 30]


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("length", [1, 3])
def test_flashes_are_no_cuts(shared_data: Path, level: int, length: int) -> None:
    shot = list(_stretch(shared_data / "clips" / "blocks.mp4", 40, 40))
    shot[20 : 20 + length] = [np.full_like(shot[0], level)] * length
    assert _found(shot) == []


@pytest.mark.parametrize("length", [3, 4, 6, 10])
def test_whip_pans_are_no_cuts(shared_data: Path, length: int) -> None:
    still = _stretch(shared_data / "clips" / "juggle.mp4", 0, 1)[0]
    other = _stretch(shared_data / "clips" / "dog.mp4", 0, 1)[0]
    wide = np.hstack([still, still[:, ::-1], other[:, ::-1], other])
    speeds = np.hanning(length + 2)[1:-1]
    places = np.concatenate([np.zeros(15), np.cumsum(speeds / speeds.sum()) * 3 * WIDE, np.full(15, 3.0 * WIDE)])
    assert _found([_seen(wide, a, b) for a, b in zip([0, *places], places, strict=False)]) == []


def _seen(wide: Rgb, before: float, now: float) -> Rgb:
    smear = max(1, int((now - before) / 2))
    return np.asarray(cv2.blur(wide, (smear, 1)), dtype=np.uint8)[:, int(now) : int(now) + WIDE]


def test_light_and_fades_are_no_cuts(shared_data: Path) -> None:
    shot = _stretch(shared_data / "clips" / "juggle.mp4", 40, 48)
    dimmed = [*shot[:24], *((p * 0.4).astype(np.uint8) for p in shot[24:])]
    faded = [(p * np.clip((n - 20) / 12, 0, 1)).astype(np.uint8) for n, p in enumerate(shot)]
    assert _found(dimmed) == []
    assert _found(faded) == []
