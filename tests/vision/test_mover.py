"""Things that move before a photograph, in its own colours, so that motion alone can part them from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from tools.media.sheets import write_picture
from tools.types import Bits, Clip
from tools.vision.mover import Mark, follow_mover

WIDTH, HEIGHT, FRAMES = 320, 240, 48
Path2 = Callable[[int], tuple[float, float]]


def _disc(x: float, y: float, radius: int = 22) -> Bits:
    return cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (round(x), round(y)), radius, 1, -1) > 0


def _across(index: int) -> tuple[float, float]:
    """Through the picture, bobbing."""
    return 60 + 4 * index, 130 + 10 * float(np.sin(index / 3))


def _away(index: int) -> tuple[float, float]:
    """Out of the picture to the right and back again."""
    return 240 + 150 * float(np.sin(np.pi * index / (FRAMES - 1))), 150


def _above(index: int) -> tuple[float, float]:
    """From right to left, above the first."""
    return 280 - 4 * index, 60


def _filmed(folder: Path, paths: Sequence[Path2], pan: float = 0.0) -> Clip:
    """Discs cut from the photograph's other parts, turned over, that move before it; the camera may travel."""
    ground = cv2.resize(data.astronaut(), (480, 400), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(5)
    for index in range(FRAMES):
        view = np.array([[1, 0, -20 - pan * index], [0, 1, -60.0]])
        frame = cv2.warpAffine(ground, view, (WIDTH, HEIGHT))
        for number, path in enumerate(paths):
            x, y = path(index)
            coat = ground[::-1][40 + 90 * number :][: 2 * HEIGHT, :WIDTH]
            shown = cv2.warpAffine(coat, np.array([[1, 0, x - 150], [0, 1, y - 60.0]]), (WIDTH, HEIGHT))
            frame[_disc(x, y)] = shown[_disc(x, y)]
        grained = np.clip(frame + rng.normal(0, 1.5, frame.shape), 0, 255)
        write_picture(folder / f"{index:03d}.png", grained.astype(np.uint8))
    return Clip(media=folder, first=0, last=FRAMES - 1)


def _boxed(thing: Bits, by: int = 5) -> Mark:
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    rows, columns = (np.flatnonzero(cv2.dilate(thing.astype(np.uint8), kernel).any(axis=axis)) for axis in (1, 0))
    on = np.zeros((HEIGHT, WIDTH), np.bool_)
    on[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return Mark(on, within=True)


def _iou(one: Bits, other: Bits) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_thing_in_the_scenes_own_colours_is_followed_both_ways_past_another(tmp_path: Path) -> None:
    found = follow_mover(_filmed(tmp_path, [_across, _above]), 20, _boxed(_disc(*_across(20))))
    assert found is not None
    assert not found.lost
    overlaps = [_iou(found.masks.at(index), _disc(*_across(index))) for index in range(FRAMES)]
    assert np.mean(overlaps) > 0.8
    assert max(int((found.masks.at(index) & _disc(*_above(index))).sum()) for index in range(FRAMES)) < 40


def test_a_travelling_camera_does_not_matter(tmp_path: Path) -> None:
    found = follow_mover(_filmed(tmp_path, [_across], pan=1.7), 20, _boxed(_disc(*_across(20))))
    assert found is not None
    assert np.mean([_iou(found.masks.at(index), _disc(*_across(index))) for index in range(FRAMES)]) > 0.75


def test_what_leaves_the_picture_is_lost_and_found_again_from_its_first_bits_on(tmp_path: Path) -> None:
    found = follow_mover(_filmed(tmp_path, [_away]), 3, _boxed(_disc(*_away(3))))
    assert found is not None
    for index in range(FRAMES):
        seen = int(_disc(*_away(index)).sum())
        assert (index in found.lost) == (index not in found.masks.crops)
        if seen == 0:
            assert index in found.lost
        if seen > 150:
            assert _iou(found.masks.at(index), _disc(*_away(index))) > 0.6, f"frame {index}"


def test_motion_says_nothing_of_what_lies_still_or_is_part_of_a_larger_thing(tmp_path: Path) -> None:
    clip = _filmed(tmp_path, [_across])
    assert follow_mover(clip, 20, _boxed(_disc(60, 60, 20))) is None
    assert follow_mover(clip, 20, _boxed(_disc(*_across(20), 6), by=0)) is None


def test_a_mark_on_the_thing_takes_all_of_it(tmp_path: Path) -> None:
    clip = _filmed(tmp_path, [_across, _above])
    mark = Mark(_disc(*_across(20), 14), within=False)
    found = follow_mover(clip, 20, mark)
    assert found is not None
    assert _iou(found.masks.at(20), _disc(*_across(20))) > 0.8


def test_without_a_still_scene_there_is_no_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for index in range(FRAMES):
        noise = cv2.resize(rng.integers(0, 255, (24, 32, 3), np.uint8), (WIDTH, HEIGHT))
        write_picture(tmp_path / f"{index:03d}.png", noise.astype(np.uint8))
    clip = Clip(media=tmp_path, first=0, last=FRAMES - 1)
    assert follow_mover(clip, 20, _boxed(_disc(160, 120, 20))) is None
