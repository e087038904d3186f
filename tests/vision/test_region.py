"""First masks: a thing on a plain and on a busy ground, marked in every way there is."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from tools.types import Bits, Box, Rgb
from tools.vision.region import (
    mask_from_box,
    mask_from_difference,
    mask_from_point,
    mask_from_points,
    mask_from_scribble,
    soft_reach,
)

SIZE = (200, 300)


def _thing() -> Bits:
    """A slanted ellipse."""
    return cv2.ellipse(np.zeros(SIZE, np.uint8), (150, 100), (24, 16), 30, 0, 360, 1, -1) > 0


def _frame(thing: Bits, seed: int = 3) -> Rgb:
    frame = np.full((*SIZE, 3), 90, np.uint8)
    frame += np.random.default_rng(seed).integers(0, 12, frame.shape, dtype=np.uint8)
    frame[thing] = (200, 60, 40)
    return frame


def _iou(mask: Bits, truth: Bits) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def _stroke(*points: tuple[int, int], width: int = 3) -> Bits:
    drawn = np.zeros(SIZE, np.uint8)
    cv2.polylines(drawn, [np.array(points, np.int32)], isClosed=False, color=1, thickness=width)
    return drawn > 0


def test_a_box_and_a_point_snap_to_the_thing_they_show() -> None:
    thing = _thing()
    for mask in (mask_from_box(_frame(thing), Box(115, 70, 70, 60)), mask_from_point(_frame(thing), (150, 100))):
        assert _iou(mask, thing) > 0.85


def test_points_on_two_parts_mark_both() -> None:
    parts = [cv2.circle(np.zeros(SIZE, np.uint8), (x, 100), 12, 1, -1) > 0 for x in (110, 170)]
    frame = _frame(parts[0] | parts[1])
    assert _iou(mask_from_points(frame, [(110, 100), (170, 100)]), parts[0] | parts[1]) > 0.85
    assert _iou(mask_from_points(frame, [(110, 100)]), parts[0]) > 0.85


def test_a_scribble_takes_the_thing_and_leaves_what_is_crossed_out() -> None:
    left, right = (cv2.circle(np.zeros(SIZE, np.uint8), (x, 100), 20, 1, -1) > 0 for x in (130, 172))
    frame = _frame(left | right)
    on, off = _stroke((118, 96), (142, 104)), _stroke((172, 84), (172, 116), width=5)
    assert _iou(mask_from_scribble(frame, on, off), left) > 0.85
    assert _iou(mask_from_scribble(frame, on, np.zeros(SIZE, np.bool_)), left) > 0.85


def test_a_difference_is_the_thing_in_other_light_and_grain() -> None:
    clean = data.coffee()[100:300, 100:400].copy()
    thing = _thing()
    shown = clean.copy()
    shown[thing] = (40, 160, 90)
    noise = np.random.default_rng(1).normal(0, 2, (2, *shown.shape))
    shown, other = (np.clip(p + n, 0, 255).astype(np.uint8) for p, n in zip((shown, clean + 5.0), noise, strict=True))
    assert _iou(mask_from_difference(shown, other), thing) > 0.9
    assert not mask_from_difference(np.clip(clean + noise[0], 0, 255).astype(np.uint8), other).any()


def test_a_mask_must_reach_further_where_the_edge_is_softer() -> None:
    thing = _thing()
    sharp = np.where(thing[..., None], np.uint8(200), np.uint8(90)).repeat(3, axis=2)
    soft = [cv2.GaussianBlur(sharp, (0, 0), sigma).astype(np.uint8) for sigma in (0.5, 1.2, 2.4)]
    reaches = [soft_reach(picture, thing) for picture in soft]
    assert reaches[0] <= 2
    assert reaches == sorted(set(reaches))
    grained = soft[2] + np.random.default_rng(2).normal(0, 25, sharp.shape)
    assert soft_reach(np.clip(grained, 0, 255).astype(np.uint8), thing) <= reaches[2]
