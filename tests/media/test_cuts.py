"""Cuts: the hand-made truth, joints of real footage, and the things that look like cuts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from tools.media.cuts import CutFinder, Opening, find_cuts
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


def _openings(pictures: Sequence[Rgb]) -> list[Opening]:
    finder = CutFinder()
    for picture in pictures:
        finder.push(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8))
    return finder.finish()


def _found(pictures: Sequence[Rgb]) -> list[int]:
    return [opening.frame for opening in _openings(pictures)]


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


def _mixed(old: Rgb, new: Rgb, share: float) -> Rgb:
    return np.asarray(old * (1 - share) + new * share, np.uint8)


@pytest.mark.parametrize("length", [8, 16, 32, 48])
def test_dissolves_have_an_extent(shared_data: Path, length: int) -> None:
    old = _stretch(shared_data / "clips" / "dog.mp4", 40, 20 + length)
    new = _stretch(shared_data / "clips" / "blocks.mp4", 40, 20 + length)
    mixed = [_mixed(old[20 + n], new[n], (n + 1) / (length + 1)) for n in range(length)]
    (opening,) = _openings([*old[:20], *mixed, *new[length:]])
    assert (opening.kind, opening.over is not None) == ("dissolve", True)
    first, last = opening.over or (0, 0)
    shared = min(last, 19 + length) - max(first, 20) + 1
    assert shared / (max(last, 19 + length) - min(first, 20) + 1) >= 0.6
    assert opening.frame == (first + last) // 2


@pytest.mark.parametrize("level", [0, 255])
def test_a_fade_runs_from_the_first_changed_frame_to_the_last(shared_data: Path, level: int) -> None:
    old = _stretch(shared_data / "clips" / "dog.mp4", 40, 36)
    new = _stretch(shared_data / "clips" / "blocks.mp4", 40, 36)
    empty = np.full_like(old[0], level)
    out = [_mixed(old[24 + n], empty, (n + 1) / 12) for n in range(12)]
    back = [_mixed(empty, new[n], (n + 1) / 13) for n in range(12)]
    (opening,) = _openings([*old[:24], *out, *back, *new[12:]])
    first, last = opening.over or (0, 0)
    assert opening.kind == "dissolve"
    assert abs(first - 24) <= 3
    assert abs(last - 47) <= 3


def test_a_covered_lens_is_no_cut(shared_data: Path) -> None:
    shot = list(_stretch(shared_data / "clips" / "juggle.mp4", 40, 48))
    for step in range(14):
        edge = round((step + 1) / 5 * WIDE)
        shot[18 + step] = shot[18 + step].copy()
        shot[18 + step][:, max(0, edge - 2 * WIDE) : edge] = 30
    assert _found(shot) == []


def test_a_shaken_camera_is_no_cut(shared_data: Path) -> None:
    shot = list(_stretch(shared_data / "clips" / "blocks.mp4", 40, 40))
    steps = np.random.default_rng(3).integers(-9, 10, (10, 2))
    for number, (right, down) in enumerate(steps, start=15):
        shot[number] = np.roll(shot[number], (down, right), (0, 1))
    assert _found(shot) == []


def test_a_jump_within_one_set_up(shared_data: Path) -> None:
    first = _stretch(shared_data / "clips" / "blocks.mp4", 40, 20)
    later = [np.roll(picture, (4, 14), (0, 1)) for picture in _stretch(shared_data / "clips" / "blocks.mp4", 160, 20)]
    assert _found([*first, *later]) == [20]


def test_an_endless_pan_is_one_shot() -> None:
    rng = np.random.default_rng(1)
    picture = cv2.resize(rng.integers(0, 255, (12, 20), np.uint8), (WIDE, TALL), interpolation=cv2.INTER_CUBIC)
    finder = CutFinder()
    for index in range(1200):
        finder.push(np.roll(np.asarray(picture, np.uint8), index, 1))
    assert finder.finish() == []


@pytest.mark.parametrize(("tall", "wide"), [(8, 320), (320, 12), (10, 10)])
def test_a_film_thinner_than_a_block_is_read(tmp_path: Path, tall: int, wide: int) -> None:
    rng = np.random.default_rng(3)
    for index in range(24):
        noise = np.random.default_rng(index // 12).integers(0, 255, (tall, wide, 3), np.uint8)
        shown = np.clip(noise.astype(np.int16) + rng.integers(-3, 4, noise.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{index:04d}.png"), shown)
    assert [shot.first for shot in find_cuts(tmp_path).shots] == [0, 12]


@pytest.mark.parametrize("seed", range(12))
def test_a_strobe_has_openings_in_order_and_joints_apart(seed: int) -> None:
    rng = np.random.default_rng(seed)
    finder = CutFinder()
    for _ in range(14):
        scene = cv2.resize(rng.integers(20, 235, (9, 16), np.uint8), (WIDE, TALL), interpolation=cv2.INTER_CUBIC)
        for shown in (scene, np.zeros((TALL, WIDE), np.uint8)):
            for _ in range(int(rng.integers(1, 12))):
                finder.push(np.asarray(shown, np.uint8))
    openings = finder.finish()
    frames = [opening.frame for opening in openings]
    assert frames == sorted(set(frames))
    overs = [opening.over for opening in openings if opening.over]
    assert all(a[1] < b[0] for a, b in pairwise(overs))
