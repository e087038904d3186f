"""Claims about a place, held against measurement: whether two pictures really differ there, and what lies in a box.

A vision-language model points roughly and is sometimes wrong. Its boxes are snapped to what the picture has there, and
where the two pictures that it compares register to each other, the place is compared pixel by pixel: a claim about a
patch that is the same in both is contradicted.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Rgb
from tools.vision.align import Matrix, align, project
from tools.vision.region import mask_from_box

Agreement = Literal["same", "different", "unknown"]

WORKING = 960
"""Longest side, pixels, of the pictures that are registered."""
NEAR = 48
"""Pixels around a place, at least, whose features register it: people move otherwise than what is behind them."""
AROUND = 1.0
"""The surround that light is matched on: as wide as the place on each side."""
LEAST_PIXELS = 48
SPREAD = {"near": 0.1, "whole": 0.02}
"""Share of the surround, or of the picture, that matched points must span before a registration is believed."""
SAME_AT_MOST, SAME_RATIO = 7.0, 1.3
"""CIE76 that a place which is the same differs by at its most (98th percentile), and how it compares with its surround
(95th over 90th percentile)."""
DIFFERENT_FROM, DIFFERENT_RATIO = 12.0, 2.6
"""CIE76 (95th percentile) from which a place differs, and how it must stand out of its surround."""
FLOOR = 2.0
"""CIE76 that any two pictures differ by, so that a clean surround does not make grain a difference."""


class Apart(NamedTuple):
    """How a place differs from a registered reference, and its surround (`usual`): CIE76, with light matched."""

    most: float
    high: float
    usual: float

    @property
    def agreement(self) -> Agreement:
        usual = max(FLOOR, self.usual)
        if self.most < SAME_AT_MOST and self.high < SAME_RATIO * usual:
            return "same"
        return "different" if self.high > max(DIFFERENT_FROM, DIFFERENT_RATIO * usual) else "unknown"


def agreement(seen: Rgb, box: Box, reference: Rgb) -> Agreement:
    """Whether `reference` (H, W, 3) shows the place `box` of `seen` (pixels of `seen`) as `seen` does.

    "unknown" where the two do not register around the place, or where the difference is neither small nor clear.
    """
    apart = difference(seen, box, reference)
    return "unknown" if apart is None else apart.agreement


def difference(seen: Rgb, box: Box, reference: Rgb) -> Apart | None:
    """How the place differs; None where nothing proves that the two show it both."""
    small, scale = _worked(seen)
    place = Box(*(round(v * scale) for v in box))
    brought = _brought_onto(small, _worked(reference)[0], place)
    if brought is None or min(place.w, place.h) < 1:
        return None
    return _apart(small, *brought, place)


def _worked(picture: Rgb) -> tuple[Rgb, float]:
    scale = min(1.0, WORKING / max(picture.shape[:2]))
    if scale == 1.0:
        return picture, 1.0
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _brought_onto(seen: Rgb, reference: Rgb, place: Box) -> tuple[Rgb, Bits] | None:
    """`reference` on the grid of `seen`, and where it has pixels; None where nothing proves that they match there.

    The features near the place decide where they can, else those of the whole picture.
    """
    height, width = seen.shape[:2]
    near = np.zeros((height, width), np.bool_)
    near[place.grown(max(NEAR, place.w, place.h), width, height).slices] = True
    for mask, least in ((near, SPREAD["near"]), (None, SPREAD["whole"])):
        found = align(_gray(seen), _gray(reference), mask)
        share = 1.0 if mask is None else float(mask.mean())
        if found is not None and found.spread >= least * share and _covers(found.matrix, place, reference):
            return _warped(reference, found.matrix, (width, height))
    return None


def _covers(matrix: Matrix, place: Box, reference: Rgb) -> bool:
    """Whether the place lies inside the reference."""
    corners = np.array([[place.x, place.y], [place.x + place.w, place.y + place.h]], np.float64)
    there = project(matrix, corners)
    return bool((there >= 0).all() and (there <= np.array([reference.shape[1], reference.shape[0]])).all())


def _warped(reference: Rgb, matrix: Matrix, size: tuple[int, int]) -> tuple[Rgb, Bits]:
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    moved = cv2.warpPerspective(reference, matrix, size, flags=flags)
    free = cv2.warpPerspective(np.full(reference.shape[:2], 255, np.uint8), matrix, size, flags=flags)
    return np.asarray(moved, np.uint8), np.asarray(free == 255)


def _apart(seen: Rgb, other: Rgb, free: Bits, place: Box) -> Apart | None:
    height, width = seen.shape[:2]
    around = place.grown(max(8, round(AROUND * max(place.w, place.h))), width, height)
    inner = np.zeros((around.h, around.w), np.bool_)
    inner[place.y - around.y : place.y - around.y + place.h, place.x - around.x : place.x - around.x + place.w] = True
    known = free[around.slices]
    ring, core = known & ~inner, known & inner
    if min(int(ring.sum()), int(core.sum())) < LEAST_PIXELS:
        return None
    one, two = _lab(seen[around.slices]), _lab(other[around.slices])
    apart = np.linalg.norm(one - _matched(two, one, ring), axis=2)
    most, high = np.percentile(apart[core], (98, 95))
    return Apart(float(most), float(high), float(np.percentile(apart[ring], 90)))


def _matched(lab: NDArray[np.float32], like: NDArray[np.float32], ring: Bits) -> NDArray[np.float32]:
    """Each Lab channel with its mean on the surround moved to the other picture's."""
    shift = np.median(like[ring] - lab[ring], axis=0)
    return np.asarray(lab + shift, np.float32)


def _lab(picture: Rgb) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(picture, (0, 0), 1.2).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(soft, cv2.COLOR_RGB2Lab), np.float32)


def _gray(picture: Rgb) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def thing_in(picture: Rgb, box: Box, reference: Rgb | None = None) -> Bits:
    """What lies in a rough box, (H, W): what differs from a reference that registers, else what GrabCut parts there.

    The box is given some room, since models point beside things as often as at them.
    """
    height, width = picture.shape[:2]
    room = box.grown(max(2, round(0.15 * max(box.w, box.h))), width, height)
    differing = _differing(picture, room, reference) if reference is not None else None
    if differing is not None:
        return differing
    return mask_from_box(picture, room)


def _differing(picture: Rgb, room: Box, reference: Rgb) -> Bits | None:
    """The largest part of the box that a registered reference shows otherwise; None where that tells nothing."""
    small, scale = _worked(picture)
    place = Box(*(round(v * scale) for v in room))
    brought = _brought_onto(small, _worked(reference)[0], place)
    if brought is None:
        return None
    other, free = brought
    ring = np.zeros(free.shape, np.bool_)
    ring[place.grown(max(8, place.w, place.h), free.shape[1], free.shape[0]).slices] = True
    ring[place.slices] = False
    ring &= free
    if ring.sum() < LEAST_PIXELS:
        return None
    one, two = _lab(small), _lab(other)
    apart = np.linalg.norm(one - _matched(two, one, ring), axis=2)
    limit = DIFFERENT_RATIO * max(FLOOR, float(np.percentile(apart[ring], 90)))
    inside = np.zeros(free.shape, np.uint8)
    inside[place.slices] = (apart[place.slices] > limit) & free[place.slices]
    closed = cv2.morphologyEx(inside, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    _, parts, stats, _ = cv2.connectedComponentsWithStats(closed)
    if len(stats) < 2 or stats[1:, 4].max() < max(16, 0.02 * place.area):
        return None
    largest = (parts == 1 + int(stats[1:, 4].argmax())).astype(np.uint8)
    grown = cv2.dilate(largest, np.ones((5, 5), np.uint8))
    size = picture.shape[1], picture.shape[0]
    return np.asarray(cv2.resize(grown, size, interpolation=cv2.INTER_NEAREST) > 0)
