"""Regions followed through folders of frames cut from photographs, so that the truth is exact."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from skimage import data

from tools.media.sheets import write_picture
from tools.types import Box, Clip
from tools.vision.track import mask_from_box, mask_from_point, track

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


def test_a_box_and_a_point_snap_to_the_thing_they_show() -> None:
    frame = np.full((200, 300, 3), 90, np.uint8)
    frame += np.random.default_rng(3).integers(0, 12, frame.shape, dtype=np.uint8)
    thing = cv2.ellipse(np.zeros((200, 300), np.uint8), (150, 100), (24, 16), 30, 0, 360, 1, -1) > 0
    frame[thing] = (200, 60, 40)
    for mask in (mask_from_box(frame, Box(115, 70, 70, 60)), mask_from_point(frame, (150, 100))):
        assert (mask & thing).sum() > 0.85 * (mask | thing).sum()
