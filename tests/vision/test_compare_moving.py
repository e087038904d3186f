"""What moves in a shot, told from what a moving camera shifts and from what only passes before the lens."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from tools.types import Bits, Rgb
from tools.vision._compare_moving import moving

SIZE = (480, 270)
PROBES = 6


def window(picture: Rgb, x: float, y: float) -> Rgb:
    matrix = np.array([[1, 0, x], [0, 1, y]], np.float64)
    return np.asarray(cv2.warpAffine(picture, matrix, SIZE, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.uint8)


def pan_in_depth(step: float) -> list[Rgb]:
    """A set that shifts by 4 pixels a probe behind a figure that shifts by `step`."""
    out = []
    for probe in range(PROBES):
        picture = window(data.coffee(), 30 + 4 * probe, 60)
        left = round(150 + step * probe)
        picture[60:240, left : left + 130] = data.astronaut()[20:200, 160:290]
        out.append(picture)
    return out


def disc(picture: Rgb, x: int, y: int) -> Rgb:
    return np.asarray(cv2.circle(picture.copy(), (x, y), 24, (30, 200, 60), -1), np.uint8)


def share(found: Bits, x: int, y: int, reach: int = 12) -> float:
    return float(found[y - reach : y + reach, x - reach : x + reach].mean())


@pytest.mark.parametrize("step", [-4.0, 3.0, 9.0])
def test_what_a_camera_shifts_at_two_depths_stands_still(step: float) -> None:
    for found in moving(pan_in_depth(step), [0, 3, 5]):
        assert found.mean() < 0.15  # what a figure uncovers


def test_a_thing_that_wanders_moves_on_every_key_frame() -> None:
    places = [(60 + 60 * probe, 220) for probe in range(PROBES)]
    probes = [disc(picture, *place) for picture, place in zip(pan_in_depth(-4.0), places, strict=True)]
    for key, found in zip((0, 3, 5), moving(probes, [0, 3, 5]), strict=True):
        assert share(found, *places[key]) > 0.9


def test_what_passes_once_is_on_its_own_key_frame_only() -> None:
    probes = pan_in_depth(-4.0)
    probes[3] = disc(probes[3], 100, 140)
    before, during, after = moving(probes, [0, 3, 5])
    assert share(during, 100, 140) > 0.9
    assert max(share(before, 100, 140), share(after, 100, 140)) < 0.1


def test_a_ramp_of_exposure_moves_nothing() -> None:
    probes = [np.asarray(np.clip(p * (0.7 + 0.1 * n), 0, 255), np.uint8) for n, p in enumerate(pan_in_depth(-4.0))]
    for found in moving(probes, [0, 5]):
        assert found.mean() < 0.2
