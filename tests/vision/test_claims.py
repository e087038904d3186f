"""Claims held against pixels: what is the same is called so, what was painted in is not, and boxes are snapped."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from tools.types import Box, Rgb
from tools.vision.claims import agreement, thing_in

PLACE = Box(170, 120, 90, 80)


@pytest.fixture(scope="module")
def portrait() -> Rgb:
    return np.asarray(data.astronaut(), np.uint8)


def moved(picture: Rgb, gain: float = 1.0, seed: int = 3) -> Rgb:
    """The same scene a little larger, turned and shifted, in another light and with grain of its own."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 3.0, 1.08)
    matrix[:, 2] += (9, -6)
    size = (width, height)
    turned = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    grain = np.random.default_rng(seed).normal(0, 2.0, turned.shape)
    return np.asarray(np.clip(turned * gain + grain, 0, 255), np.uint8)


def painted(picture: Rgb, box: Box, colour: tuple[int, int, int] = (30, 34, 44)) -> Rgb:
    """A flat disc in a box."""
    made = picture.copy()
    centre = (box.x + box.w // 2, box.y + box.h // 2)
    cv2.ellipse(made, centre, (box.w // 3, box.h // 3), 0, 0, 360, colour, -1, cv2.LINE_AA)
    return made


@pytest.mark.parametrize("gain", [1.0, 1.06, 0.93])
def test_the_same_place_in_another_light_and_grain_is_the_same(portrait: Rgb, gain: float) -> None:
    assert agreement(portrait, PLACE, moved(portrait, gain)) == "same"


@pytest.mark.parametrize("colour", [(30, 34, 44), (240, 230, 90), (60, 120, 200)])
def test_a_painted_thing_is_never_the_same(portrait: Rgb, colour: tuple[int, int, int]) -> None:
    assert agreement(painted(portrait, PLACE, colour), PLACE, moved(portrait)) == "different"


def test_pictures_with_nothing_in_common_say_nothing(portrait: Rgb) -> None:
    other = cv2.resize(np.asarray(data.coffee(), np.uint8), (512, 512))
    assert agreement(portrait, PLACE, np.asarray(other, np.uint8)) == "unknown"


def test_a_place_that_the_reference_does_not_show_says_nothing(portrait: Rgb) -> None:
    assert agreement(portrait, Box(300, 400, 120, 100), portrait[:300]) == "unknown"


def test_a_rough_box_is_snapped_to_what_differs(portrait: Rgb) -> None:
    rough = Box(PLACE.x - 18, PLACE.y - 12, PLACE.w + 10, PLACE.h + 26)
    found = Box.around(thing_in(painted(portrait, PLACE), rough, moved(portrait)))
    truth = Box(PLACE.x + PLACE.w // 6, PLACE.y + PLACE.h // 6, 2 * PLACE.w // 3, 2 * PLACE.h // 3)
    assert found is not None
    assert found.iou(truth) > 0.7


def test_without_a_reference_the_pictures_own_edges_snap_it(portrait: Rgb) -> None:
    wall = np.full((300, 400, 3), 150, np.uint8)
    place = Box(150, 100, 80, 60)
    found = Box.around(thing_in(painted(wall, place, (20, 20, 30)), Box(130, 90, 120, 80)))
    assert found is not None
    assert found.iou(Box(163, 110, 54, 40)) > 0.6
