"""Flicker: change from frame to frame that the motion around a region does not explain."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Gray
from tools.vision._checks_window import Floats
from tools.vision.motion import dense_flow, warp

SMOOTH = 1.6
"""Sigma in pixels of the blur that takes grain out of the comparison."""
LARGEST = 400
"""Longest side in pixels at which change is measured."""
FLOOR = 0.5
"""Levels of change that nobody sees; added to both sides of a ratio."""


@dataclass
class FlickerRecord:
    """Change inside and around per pair of frames, in 8-bit levels."""

    inside: list[float] = field(default_factory=list)
    around: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)

    def add(self, before: tuple[Gray, Gray], after: tuple[Gray, Gray], masks: tuple[Bits, Bits]) -> None:
        """Takes one pair of neighbouring frames: crops at the same place, and the masks of both."""
        scale = min(1.0, LARGEST / max(after[0].shape))
        one, two = (_sized(p, scale) for p in after)
        old = tuple(_sized(p, scale) for p in before)
        region = _sized((masks[0] | masks[1]).astype(np.uint8) * 255, scale) > 0
        core = _sized((masks[0] & masks[1]).astype(np.uint8) * 255, scale) == 255
        ring = ~np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((9, 9), np.uint8)), np.bool_)
        motion = carried_in(dense_flow(one, two), ring)
        inside, around = unexplained(one, two, motion), unexplained(one, two, motion)
        if core.any() and ring.any():
            self.inside.append(float(inside[core].mean()))
            self.around.append(float(around[ring].mean()))
            self.before.append(float(unexplained(old[0], old[1], dense_flow(old[0], old[1]))[core].mean()))

    def ratio(self) -> float:
        """Median over the pairs of the change inside over that around; 1 without pairs."""
        if not self.inside:
            return 1.0
        return float(np.median((np.array(self.inside) + FLOOR) / (np.array(self.around) + FLOOR)))


def _sized(picture: NDArray[np.uint8], scale: float) -> Gray:
    if scale == 1.0:
        return picture
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def unexplained(one: Gray, two: Gray, motion: Floats) -> Floats:
    """Absolute change (h, w) in levels between a picture and the next one carried back by a motion, grain blurred."""
    moved = warp(two.astype(np.float32), motion)
    return np.abs(cv2.GaussianBlur(moved - one, (0, 0), SMOOTH))


def carried_in(motion: Floats, known: Bits) -> Floats:
    """A flow where it is known, and its smooth continuation elsewhere (normalised convolution, coarse to fine)."""
    weight = known.astype(np.float32)
    filled = np.zeros_like(motion)
    filled += np.median(motion[known], axis=0) if known.any() else 0
    for sigma in (36.0, 12.0, 4.0):
        mass = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None]
        mean = cv2.GaussianBlur(motion * weight[..., None], (0, 0), sigma) / np.maximum(mass, 1e-6)
        trust = np.clip(mass / 0.1, 0, 1)
        filled = trust * mean + (1 - trust) * filled
    return np.where(known[..., None], motion, filled).astype(np.float32)
