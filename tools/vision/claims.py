"""Claims about a place, held against measurement: whether two pictures really differ there, and what lies in a box.

A vision-language model points roughly and is sometimes wrong. Its boxes are snapped to what the picture has there, and
where the two pictures that it compares register to each other, the place is compared pixel by pixel: a claim about a
patch that is the same in both is contradicted.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Rgb
from tools.vision.align import align, project
from tools.vision.track import mask_from_box

Agreement = Literal["same", "different", "unknown"]

WORKING = 960
"""Longest side, pixels, of the pictures that are registered."""
AROUND = 1.0
"""The surround that light is matched on: as wide as the place on each side."""
LEAST_PIXELS = 48
SPREAD = 0.02
"""Share of the picture that the matched points must span before a registration is believed near a place."""
SAME, DIFFERENT = 1.6, 2.6
"""A place's difference over its surround's: what grain, coding and a registration that is off by half a pixel leave
stays under the first; what lies between the two is not told. In 24 rendered films of the tune split, places held
against the same place of a sibling shot gave 0.6 to 1.5, planted things 2.9 and more."""
FLOOR = 2.0
"""CIE76 that any two pictures differ by, so that a clean surround does not make grain a difference."""


def agreement(seen: Rgb, box: Box, reference: Rgb) -> Agreement:
    """Whether `reference` (H, W, 3) shows the place `box` of `seen` (pixels of `seen`) as `seen` does.

    "unknown" where the two do not register around the place, or where the difference is neither small nor clear.
    """
    small, scale = _worked(seen)
    other, _ = _worked(reference)
    place = Box(*(round(v * scale) for v in box))
    brought = _brought_onto(small, other, place)
    if brought is None:
        return "unknown"
    ratio = _difference(small, brought[0], brought[1], place)
    if ratio is None:
        return "unknown"
    return "same" if ratio < SAME else "different" if ratio > DIFFERENT else "unknown"


def _worked(picture: Rgb) -> tuple[Rgb, float]:
    scale = min(1.0, WORKING / max(picture.shape[:2]))
    if scale == 1.0:
        return picture, 1.0
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _brought_onto(seen: Rgb, reference: Rgb, place: Box) -> tuple[Rgb, Bits] | None:
    """`reference` on the grid of `seen`, and where it has pixels; None where nothing proves that they match there."""
    found = align(_gray(seen), _gray(reference), refined=True)
    if found is None or found.spread < SPREAD:
        return None
    height, width = seen.shape[:2]
    corners = np.array([[place.x, place.y], [place.x + place.w, place.y + place.h]], np.float64)
    inside = project(found.matrix, corners)
    if (inside < 0).any() or (inside > np.array([reference.shape[1], reference.shape[0]])).any():
        return None
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    moved = cv2.warpPerspective(reference, found.matrix, (width, height), flags=flags)
    free = cv2.warpPerspective(np.full(reference.shape[:2], 255, np.uint8), found.matrix, (width, height), flags=flags)
    return np.asarray(moved, np.uint8), np.asarray(free == 255)


def _difference(seen: Rgb, other: Rgb, free: Bits, place: Box) -> float | None:
    """The place's largest difference (95th percentile, CIE76) over its surround's; light is matched on the surround."""
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
    usual = max(FLOOR, float(np.percentile(apart[ring], 90)))
    return float(np.percentile(apart[core], 95)) / usual


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
    limit = DIFFERENT * max(FLOOR, float(np.percentile(apart[ring], 90)))
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
