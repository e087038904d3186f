"""In and out: two edges that are the coming and the going of the same thing.

A pair shows the same thing twice (just after it came, just before it went) with the same outline, at places one can
reach from the other by standing still in the picture or by moving with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box
from tools.vision._temporal_edges import Edge
from tools.vision._temporal_motion import CELL, Affine, Colours

Drift = tuple[NDArray[np.float16], Affine]
"""One step's coarse forward flow (at small size) and the camera's map from the frame to the previous one."""

WANDERS = 1.2
"""Pixels per frame, at work size, by which a thing may move on its own."""
_REACH = 6
"""Pixels at work size over which outlines are slid onto each other."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A thing that comes at `came.index` and is gone at `went.index`.

    `outline` is the overlap (IoU) of the two masks, `same` how alike the thing looks at both edges and `restored` how
    alike the place looks before and after, both as shares of the jump (0 is identical, 1 as different as the jump).
    """

    came: Edge
    went: Edge
    outline: float
    same: float
    restored: float

    @property
    def merit(self) -> float:
        """0 to 1; what must agree multiplies."""
        clear = float(np.sqrt(self.came.clarity * self.went.clarity))
        alike = np.clip(1.2 - self.same, 0, 1) * (0.75 + 0.25 * np.clip(1.2 - self.restored, 0, 1))
        border = 0.6 if self.came.touches or self.went.touches else 1.0
        small = float(np.clip(min(self.came.share, self.went.share) / 0.0012, 0.5, 1))
        return float(np.clip(self.outline * 1.3, 0, 1) * alike * grade(clear, 0.35, 0.7) * border * small)


def grade(value: float, low: float, high: float) -> float:
    """0 at `low` and under, 1 at `high` and over."""
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def pair_up(edges: Sequence[Edge], drifts: Sequence[Drift], by: float, least: float) -> list[Pair]:
    """Best pairs first come; each edge serves once. `drifts[i]` is the step to frame i + 1; `by` = work / small."""
    found = [
        pair
        for came in edges
        for went in edges
        if came.index + 2 < went.index and (pair := _pair(came, went, drifts, by)) is not None and pair.merit >= least
    ]
    kept: list[Pair] = []
    for pair in sorted(found, key=lambda p: -p.merit):
        if not any(pair.came is k.came or pair.went is k.went or _overlap(pair, k) for k in kept):
            kept.append(pair)
    return kept


def _overlap(a: Pair, b: Pair) -> bool:
    """Two readings of one thing: the stretches overlap and so do the places."""
    together = a.came.index < b.went.index and b.came.index < a.went.index
    return together and (a.came.box.iou(b.came.box) > 0.3 or a.went.box.iou(b.went.box) > 0.3)


def _pair(came: Edge, went: Edge, drifts: Sequence[Drift], by: float) -> Pair | None:
    """The pair, or None when size or place rule it out."""
    sizes = float(came.come.sum()) / max(1.0, float(went.gone.sum()))
    if not 0.35 < sizes < 2.9:
        return None
    start, end = centre(came.come, came.box), centre(went.gone, went.box)
    slack = 0.35 * float(np.hypot(came.box.w, came.box.h)) + WANDERS * (went.index - came.index)
    moved = travel(start, drifts[came.index : went.index - 1], by)
    if min(np.hypot(*(end - start)), np.hypot(*(end - moved))) > slack:
        return None
    return _compare(came, went, end - start)


def centre(mask: Bits, box: Box) -> NDArray[np.float64]:
    """Middle (x, y) of a crop's bounding box, in pixels of the picture."""
    inner = Box.around(mask)
    if inner is None:
        return np.array([box.x + box.w / 2, box.y + box.h / 2])
    return np.array([box.x + inner.x + inner.w / 2, box.y + inner.y + inner.h / 2])


def travel(
    point: NDArray[np.float64], drifts: Sequence[Drift], by: float, backward: bool = False
) -> NDArray[np.float64]:
    """Where a point of the surface gets to, by the coarse flow of each step."""
    place = point / by
    for flow, _ in reversed(drifts) if backward else drifts:
        row = int(np.clip(place[1] // CELL, 0, flow.shape[0] - 1))
        column = int(np.clip(place[0] // CELL, 0, flow.shape[1] - 1))
        move = flow[row, column].astype(np.float64)
        place = place - move if backward else place + move
    return place * by


def _compare(came: Edge, went: Edge, offset: NDArray[np.float64]) -> Pair:
    """Slides the later edge's pictures onto the earlier one's and measures how alike they are."""
    size = (came.box.w, came.box.h)
    shift = np.array([came.box.x - went.box.x, came.box.y - went.box.y]) + offset
    trials = []
    for dy in range(-_REACH, _REACH + 1, 2):
        for dx in range(-_REACH, _REACH + 1, 2):
            gone = _slid(went.gone.astype(np.uint8), shift + np.array([dx, dy]), size) > 0
            trials.append((_iou(came.come, gone), -abs(dx) - abs(dy), dx, dy))
    outline, _, dx, dy = max(trials)
    best = shift + np.array([dx, dy])
    gone = _slid(went.gone.astype(np.uint8), best, size) > 0
    both = came.come & gone if outline > 0 else came.come
    jump = _apart(came.old, came.new, both)
    again, after = _slid(went.old, best, size), _slid(went.new, best, size)
    least = max(jump, 1.0)
    return Pair(came, went, outline, _apart(came.new, again, both) / least, _apart(came.old, after, both) / least)


def _slid(picture: Colours, offset: NDArray[np.float64], size: tuple[int, int]) -> Colours:
    """A crop resampled so that its pixel `offset` becomes the origin."""
    matrix = np.array([[1, 0, offset[0]], [0, 1, offset[1]]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT), np.uint8)


def _apart(a: Colours, b: Colours, mask: Bits) -> float:
    """Mean absolute difference, summed over channels, of two crops in a mask, after a light blur."""
    if not mask.any():
        return 255.0
    apart = np.abs(cv2.blur(a, (3, 3)).astype(np.float32) - cv2.blur(b, (3, 3)).astype(np.float32)).sum(axis=-1)
    return float(apart[mask].mean())


def _iou(a: Bits, b: Bits) -> float:
    either = float((a | b).sum())
    return float((a & b).sum()) / either if either else 0.0
