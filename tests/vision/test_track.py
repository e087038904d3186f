"""Regions followed through folders of frames cut from photographs, so that the truth is exact."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage import data

from tools.media.sheets import write_picture
from tools.types import Clip
from tools.vision.track import follow, track

SIZE = (320, 240)
REGION = (330, 190, 40, 30)


def _pan(folder: Path, shifts: list[float]) -> Clip:
    """A window that slides over the coffee photograph while it zooms in slowly."""
    for index, shift in enumerate(shifts):
        picture = cv2.warpAffine(data.coffee(), _matrix(index, shift), SIZE, flags=cv2.INTER_AREA)
        write_picture(folder / f"{index:03d}.png", np.asarray(picture, np.uint8))
    return Clip(media=folder, first=0, last=len(shifts) - 1)


def _matrix(index: int, shift: float) -> np.ndarray:
    zoom = 1.0 + 0.004 * index
    return np.array([[zoom, 0, -shift * zoom], [0, zoom, -80.0 * zoom]])


def _truth(index: int, shift: float) -> np.ndarray:
    x, y, w, h = REGION
    full = np.zeros(data.coffee().shape[:2], np.uint8)
    full[y : y + h, x : x + w] = 255
    return np.asarray(cv2.warpAffine(full, _matrix(index, shift), SIZE) > 127)


def test_a_region_is_followed_both_ways_out_of_the_frame_and_back(tmp_path: Path) -> None:
    shifts = [
        float(v) for v in (*range(120, 200, 8), *range(200, 400, 25), *range(400, 200, -25), *range(200, 152, -8))
    ]
    seed = 5
    followed = track(_pan(tmp_path, shifts), seed, _truth(seed, shifts[seed]))
    for index, shift in enumerate(shifts):
        truth, mask = _truth(index, shift), followed.at(index)
        if truth.sum() > 300:
            assert (truth & mask).sum() > 0.8 * (truth | mask).sum(), f"frame {index}"
        if not truth.any():
            assert index not in followed.crops


def test_only_the_frames_asked_for_are_followed(tmp_path: Path) -> None:
    shifts = [120.0 + 3 * i for i in range(12)]
    assert list(track(_pan(tmp_path, shifts), 6, _truth(6, shifts[6]), frames=(4, 9))) == [4, 5, 6, 7, 8, 9]


def _scene(index: int, thing: tuple[int, int] | None, bar: int | None) -> np.ndarray:
    """The pan's window with a blue disc lying on the scene, and a grey bar that passes in front of it."""
    scene = data.coffee().copy()
    if thing is not None:
        cv2.circle(scene, thing, 14, (30, 60, 200), -1, cv2.LINE_AA)
    picture = cv2.warpAffine(scene, _matrix(index, 150.0 + 3 * index), SIZE, flags=cv2.INTER_AREA)
    if bar is not None:
        cv2.rectangle(picture, (bar, 0), (bar + 50, SIZE[1]), (120, 124, 118), -1)
    noise = np.random.default_rng(index).normal(0, 2, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def _disc(index: int) -> np.ndarray:
    full = cv2.circle(np.zeros(data.coffee().shape[:2], np.uint8), (330, 200), 14, 255, -1)
    return np.asarray(cv2.warpAffine(full, _matrix(index, 150.0 + 3 * index), SIZE) > 127)


def _filmed(folder: Path, pictures: list[np.ndarray]) -> Clip:
    for index, picture in enumerate(pictures):
        write_picture(folder / f"{index:03d}.png", picture)
    return Clip(media=folder, first=0, last=len(pictures) - 1)


def test_a_thing_that_pops_away_is_lost_until_it_is_back(tmp_path: Path) -> None:
    gone = {0, 1, 9, 10, 11, 12}
    clip = _filmed(tmp_path, [_scene(i, None if i in gone else (330, 200), None) for i in range(16)])
    found = follow(clip, 5, _disc(5))
    assert found.lost == gone
    assert all(found.confidence[i] < 0.5 for i in gone)
    for index in set(range(16)) - gone:
        assert found.confidence[index] > 0.5
        assert (found.masks.at(index) & _disc(index)).sum() > 0.9 * (found.masks.at(index) | _disc(index)).sum()
    for index in gone:
        assert found.guesses.at(index).any()


def test_a_thing_behind_something_is_lost_and_found_again(tmp_path: Path) -> None:
    bars = [-60 + 18 * i for i in range(24)]
    clip = _filmed(tmp_path, [_scene(i, (330, 200), bar) for i, bar in enumerate(bars)])
    hidden, free = set(), set()
    for index, bar in enumerate(bars):
        columns = np.flatnonzero(_disc(index).any(axis=0))
        if bar <= columns[0] and columns[-1] <= bar + 50:
            hidden.add(index)
        elif columns[-1] < bar or bar + 50 < columns[0]:
            free.add(index)
    found = follow(clip, 0, _disc(0))
    assert hidden
    assert hidden <= found.lost
    assert not free & found.lost


def test_light_that_changes_is_no_loss(tmp_path: Path) -> None:
    shades = [1.0, 0.95, 0.8, 0.7, 0.75, 1.0, 1.15, 1.0]
    pictures = [_scene(i, (330, 200), None) for i in range(len(shades))]
    lit = [np.asarray(np.clip(p * shade, 0, 255), np.uint8) for p, shade in zip(pictures, shades, strict=True)]
    assert not follow(_filmed(tmp_path, lit), 0, _disc(0)).lost


def test_what_follows_does_not_depend_on_where_the_film_is_cut(tmp_path: Path) -> None:
    clip = _filmed(tmp_path, [_scene(i, (330, 200), None) for i in range(10)])
    whole, part = follow(clip, 4, _disc(4)), follow(clip, 4, _disc(4), frames=(3, 6))
    assert set(part.masks.crops) == {3, 4, 5, 6}
    assert all(np.array_equal(whole.masks.at(i), part.masks.at(i)) for i in range(3, 7))


def test_a_mask_over_all_of_the_picture_has_no_surround_and_is_followed_or_lost(tmp_path: Path) -> None:
    clip = _pan(tmp_path, [120.0, 124.0, 128.0, 132.0])
    found = follow(clip, 1, np.ones((SIZE[1], SIZE[0]), np.bool_))
    assert found.masks.at(1).all()
    assert all(index in found.lost or index in found.masks for index in range(4))
