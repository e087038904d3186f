"""How well a mask meets the truth: region overlap J and boundary F of the DAVIS benchmark, and honest losses.

J is intersection over union; F is the F1 of boundary precision and recall within a radius of 0.008 of the picture's
diagonal (Perazzi et al., CVPR 2016, as davis2017-evaluation computes them).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tools.types import Bits, MaskTrack
from tools.vision.track import Track

MISSED = 0.3
"""Overlap under which a mask does not show the thing any more."""
RADIUS = 0.008


@dataclass(frozen=True, slots=True)
class Score:
    """One frame: `iou` and `edge` of the mask that was given (None where there is nothing to be found), whether the
    frame was declared lost, and whether it was: the thing is absent or the best guess misses it."""

    index: int
    iou: float | None
    edge: float | None
    declared: bool
    lost: bool


def overlap(mask: Bits, truth: Bits) -> float:
    """Intersection over union; 1 if both are empty."""
    either = int((mask | truth).sum())
    return float((mask & truth).sum() / either) if either else 1.0


def boundary_f(mask: Bits, truth: Bits) -> float:
    """F1 of the two outlines; 1 if both are empty."""
    radius = int(np.ceil(RADIUS * np.hypot(*mask.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    lines = [_outline(bits) for bits in (mask, truth)]
    if not lines[0].any() or not lines[1].any():
        return float(lines[0].any() == lines[1].any())
    near = [cv2.dilate(line.astype(np.uint8), kernel) > 0 for line in lines]
    precision, recall = float(near[1][lines[0]].mean()), float(near[0][lines[1]].mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _outline(bits: Bits) -> Bits:
    """Pixels whose right or lower neighbour is on the other side."""
    line = np.zeros_like(bits)
    line[:, :-1] |= bits[:, :-1] ^ bits[:, 1:]
    line[:-1] |= bits[:-1] ^ bits[1:]
    return line


def scored(track: Track, truth: MaskTrack, frames: Sequence[int]) -> list[Score]:
    """Every frame's score. A frame declared lost gives no mask, so that its overlap with a thing in view is 0."""
    return [_score(track, truth, index) for index in frames]


def _score(track: Track, truth: MaskTrack, index: int) -> Score:
    there, given = truth.at(index), track.masks.at(index)
    declared = index in track.lost
    best = track.guesses.at(index) if declared else given
    seen = bool(there.any())
    return Score(
        index=index,
        iou=overlap(given, there) if seen else None,
        edge=boundary_f(given, there) if seen else None,
        declared=declared,
        lost=not seen or overlap(best, there) < MISSED,
    )
