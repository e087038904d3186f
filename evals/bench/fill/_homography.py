"""The homography plate: neighbours joined by SIFT and MAGSAC homographies, their visible pixels laid under the hole.

Every frame is brought to the target by the chain between them. A pixel is taken from the nearest frames that show it,
each weighted by its error on a ring around the hole; Telea for the rest. The warped validity is eroded by 2 px, so that
interpolation never touches what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.bench.fill._flow import gray, grown
from evals.bench.fill._spatial import telea_one
from tools.types import Bits, Box, Gray, Rgb

Matrix = NDArray[np.float64]
_Points = tuple[Sequence[cv2.KeyPoint], NDArray[np.float32]]
"""Corners of one frame and what they look like, (n, 128)."""
RING, MARGIN = 10, 2
RATIO, REPROJECTION, LEAST_MATCHES = 0.75, 1.0, 12
NEAREST = 6
"""Frames that a pixel is taken from."""


def plated(pictures: Sequence[Rgb], masks: Sequence[Bits]) -> Iterator[Rgb]:
    """Every frame filled by the frames nearest to it that show the place."""
    places = _places(pictures, masks)
    for index in range(len(pictures)):
        yield _filled(index, pictures, masks, places)


def _places(pictures: Sequence[Rgb], masks: Sequence[Bits]) -> list[Matrix]:
    """Matrices from each frame to the first, products of those between neighbours."""
    sift = cv2.SIFT.create(2000)
    seen = [_points(sift, gray(picture), mask) for picture, mask in zip(pictures, masks, strict=True)]
    places = [np.eye(3)]
    for index in range(1, len(pictures)):
        places.append(places[-1] @ _joined(seen[index], seen[index - 1]))
    return places


def _points(sift: cv2.SIFT, light: Gray, hole: Bits) -> _Points:
    """Corners beside the hole, which is one grey: what a corner looks like may reach into it."""
    plain = np.where(hole, np.uint8(light[~hole].mean()), light).astype(np.uint8)
    found, described = sift.detectAndCompute(plain, (~grown(hole, 4)).astype(np.uint8))
    return found, np.asarray(described, np.float32)


def _joined(one: _Points, other: _Points) -> Matrix:
    """The homography from one frame's points to the other's; identity where too few agree."""
    if min(len(one[0]), len(other[0])) < LEAST_MATCHES:
        return np.eye(3)
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one[1], other[1], k=2)
    good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO * pair[1].distance]
    if len(good) < LEAST_MATCHES:
        return np.eye(3)
    a = np.array([one[0][match.queryIdx].pt for match in good], np.float32)
    b = np.array([other[0][match.trainIdx].pt for match in good], np.float32)
    found, _ = cv2.findHomography(a, b, cv2.USAC_MAGSAC, REPROJECTION, maxIters=5000, confidence=0.999)
    return np.eye(3) if found is None else np.asarray(found, np.float64)


def _filled(index: int, pictures: Sequence[Rgb], masks: Sequence[Bits], places: Sequence[Matrix]) -> Rgb:
    """The picture with its hole made of what the nearest frames show, only the hole's surround being looked at."""
    around = Box.around(masks[index])
    if around is None:
        return pictures[index]
    box = around.grown(RING, masks[index].shape[1], masks[index].shape[0])
    shown, colours = _gathered(index, pictures, masks, places, box)
    result, rest = pictures[index].copy(), masks[index].copy()
    result[box.slices][shown] = colours[shown]
    rest[box.slices] &= ~shown
    return telea_one(result, rest) if rest.any() else result


def _gathered(
    index: int, pictures: Sequence[Rgb], masks: Sequence[Bits], places: Sequence[Matrix], box: Box
) -> tuple[Bits, Rgb]:
    """Within the box: which pixels of the hole other frames show, and their weighted colours (h, w, 3)."""
    hole, target = masks[index][box.slices], pictures[index][box.slices]
    ring = grown(hole, RING) & ~grown(hole, MARGIN)
    total, weight, count = np.zeros(target.shape), np.zeros(hole.shape), np.zeros(hole.shape, np.int32)
    back = np.array([[1, 0, -box.x], [0, 1, -box.y], [0, 0, 1]]) @ np.linalg.inv(places[index])
    for other in sorted(range(len(pictures)), key=lambda i: abs(i - index))[1:]:
        made, valid = _warped(pictures[other], masks[other], back @ places[other], (box.w, box.h))
        taken = valid & hole & (count < NEAREST)
        if not taken.any():
            continue
        share = _belief(target, made, ring & valid)
        total[taken] += share * made[taken]
        weight[taken] += share
        count[taken] += 1
        if (count[hole] >= NEAREST).all():
            break
    colours = total / np.maximum(weight, 1e-12)[..., None]
    return hole & (weight > 0), np.rint(colours).astype(np.uint8)


def _warped(picture: Rgb, hole: Bits, matrix: Matrix, size: tuple[int, int]) -> tuple[Rgb, Bits]:
    """A frame as seen from the target's box of `size`, and where it shows the scene."""
    made = cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_LINEAR)
    valid = cv2.warpPerspective((~hole).astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    kernel = np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)
    return np.asarray(made, np.uint8), np.asarray(cv2.erode(valid, kernel), np.bool_)


def _belief(target: Rgb, made: Rgb, ring: Bits) -> float:
    """The inverse of the squared error on the ring, in 8-bit steps; little where no ring is seen."""
    if not ring.any():
        return 1e-6
    gap = made[ring].astype(np.float64) - target[ring]
    return 1 / (1 + float((gap**2).mean())) ** 2
