"""Flicker: change from frame to frame that the motion around a region does not explain."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Gray
from tools.vision._checks_turn import Moving, TurnRecord
from tools.vision._checks_window import Floats
from tools.vision.motion import dense_flow, warp

SMOOTH = 1.6
"""Sigma in pixels of the blur that takes grain out of the comparison."""
LARGEST = 400
"""Longest side in pixels at which change is measured."""
FLOOR = 0.5
"""Levels of change that nobody sees; added to both sides of a ratio."""


JITTER_SCALE = 2.1
"""Ratio that one pixel of jitter counts as: 0.8 pixels are as bad as a ratio of 1.7, about the limit."""
SWIMMING = 0.7
"""Exponent by which the ratio of turning motion counts beside that of change."""
SEEN_JITTER = 1.5
"""Levels: jitter times local gradient under this is not seen, and flow is not to be believed there."""


@dataclass
class FlickerRecord:
    """Change inside and around per pair of frames, and the region's own motion, in levels and pixels."""

    inside: list[float] = field(default_factory=list)
    around: list[float] = field(default_factory=list)
    gradient: list[float] = field(default_factory=list)
    own_motion: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    turn: TurnRecord = field(default_factory=TurnRecord)

    def add(self, index: int, after: tuple[Gray, Gray], masks: tuple[Bits, Bits], box: Box) -> None:
        """Takes frames `index` and the next: luma crops at `box`, and the masks of both there."""
        scale = min(1.0, LARGEST / max(after[0].shape))
        one, two = (_sized(picture, scale) for picture in after)
        region = _sized((masks[0] | masks[1]).astype(np.uint8) * 255, scale) > 0
        core = _sized((masks[0] & masks[1]).astype(np.uint8) * 255, scale) == 255
        ring = ~np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((9, 9), np.uint8)), np.bool_)
        if not core.any() or not ring.any():
            return
        motion = dense_flow(one, two)
        change = unexplained(one, two, motion)
        self.inside.append(float(change[core].mean()))
        self.around.append(float(change[ring].mean()))
        slopes = steepness(one)
        self.gradient.append(float(slopes[core].mean()))
        self.turn.add(Moving(index, motion, slopes, core, ring, (box.x, box.y), scale))
        own = (motion - carried_in(motion, ring))[core] / scale
        self.own_motion[index] = np.median(own, axis=0).astype(np.float64)

    def ratio(self) -> float:
        """The worse of change inside over around (median of the pairs) and of jitter; 1 without pairs.

        Where the motion inside turns about more than that around, texture swims: that counts beside the change.
        """
        if not self.inside:
            return 1.0
        change = float(np.median((np.array(self.inside) + FLOOR) / (np.array(self.around) + FLOOR)))
        worse = max(change, JITTER_SCALE * self.jitter())
        return max(worse, float(np.sqrt(worse * self.turn.ratio() ** SWIMMING)))

    def jitter(self) -> float:
        """Pixels by which the region's own motion turns from pair to pair beyond 0.8 of that motion."""
        turns = [
            np.linalg.norm(self.own_motion[i + 1] - motion)
            for i, motion in self.own_motion.items()
            if i + 1 in self.own_motion
        ]
        if not turns or np.median(turns) * np.median(self.gradient) < SEEN_JITTER:
            return 0.0
        speed = np.median([np.linalg.norm(motion) for motion in self.own_motion.values()])
        return float(max(0.0, np.median(turns) - 0.8 * speed))


def steepness(picture: Gray) -> Floats:
    """Sum of the absolute slopes (h, w) of a picture whose grain is blurred, in levels per pixel."""
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), SMOOTH)
    slopes = [np.abs(cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=0.125)) for axis in ((1, 0), (0, 1))]
    return np.asarray(slopes[0] + slopes[1], np.float32)


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
