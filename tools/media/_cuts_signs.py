"""What every frame leaves behind for the search of cuts: a small picture, a coarse one, and three numbers.

The coarse picture is 40 × 24 whatever the film's shape, each of its 12 tiles without its own mean level.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Gray

Coarse = NDArray[np.float32]
"""(12, 80): tiles, their pixels."""

WIDE, TALL = 40, 24
ACROSS, DOWN = 4, 3
QUIET = 5.0
"""Added to a coarse picture's norm: without structure, noise decides nothing."""
SPAN = 4
"""Frames on either side of the one whose mixture is judged."""
MOVED = 0.02
"""Energy of the change over two spans, in that of the picture, from which a mixture is looked for. The middle half of
the dissolves of 8 to 48 frames has 0.02 and more."""
UNEXPLAINED = 0.18
"""Share of that change which neither motion nor light explains, tile by tile."""
CURVED = 0.65
"""Largest departure from the straight way between both ends, in energies of half the change: a mixture is linear in
time, a passing edge is not."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One frame: `small` (h, w), its standard deviation, the coarse picture, and its change from the frame before.

    `step` is 1 minus the correlation of the coarse pictures.
    """

    small: Gray = field(repr=False)
    contrast: float
    coarse: Coarse = field(repr=False)
    blurred: NDArray[np.float32] = field(repr=False)
    step: float


def sign(small: Gray, before: Sign | None) -> Sign:
    """The sign of the next frame."""
    shrunk = cv2.resize(small, (WIDE, TALL), interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(shrunk, (0, 0), 1.0), np.float32)
    coarse = _centred(tiles(blurred))
    step = 0.0 if before is None else 1 - _correlation(before.coarse, coarse)
    return Sign(small, float(cv2.meanStdDev(small)[1][0, 0]), coarse, blurred, step)


def tiles(picture: NDArray[np.float32]) -> Coarse:
    """(24, 40) as (12, 80)."""
    parts = picture.reshape(DOWN, TALL // DOWN, ACROSS, WIDE // ACROSS).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(parts.reshape(DOWN * ACROSS, -1))


def _centred(parts: Coarse) -> Coarse:
    return np.asarray(parts - parts.mean(axis=1, keepdims=True), np.float32)


def _correlation(a: Coarse, b: Coarse) -> float:
    norms = (np.linalg.norm(a) + QUIET) * (np.linalg.norm(b) + QUIET)
    return float(np.vdot(a, b) / norms)


def is_mixture(before: Sign, middle: Sign, after: Sign) -> bool:
    """Whether the middle frame shows both others at once: the change is straight, and is neither motion nor light.

    Per tile the change is fitted with the picture's gradients (motion, after Lucas and Kanade), the picture (gain)
    and a constant; what is left is unexplained.
    """
    change = after.coarse - before.coarse
    energy, scene = _mean_square(change), _mean_square(middle.coarse)
    if energy < MOVED * (scene + 0.5):
        return False
    bend = np.asarray(middle.coarse - (before.coarse + after.coarse) / 2, np.float32)
    if 4 * _mean_square(bend) > CURVED * (energy + 0.1):
        return False
    left = _mean_square(_unexplained(change, middle))
    return left > UNEXPLAINED * (energy + 0.1) and left > MOVED * (scene + 0.5)


def _unexplained(change: Coarse, middle: Sign) -> Coarse:
    across = tiles(cv2.Sobel(middle.blurred, cv2.CV_32F, 1, 0, scale=1 / 8).astype(np.float32))
    down = tiles(cv2.Sobel(middle.blurred, cv2.CV_32F, 0, 1, scale=1 / 8).astype(np.float32))
    causes = np.stack([across, down, middle.coarse, np.ones_like(across)], axis=2)
    turned = causes.transpose(0, 2, 1)
    weights = np.linalg.solve(turned @ causes + 0.01 * np.eye(4, dtype=np.float32), turned @ change[..., None])
    return np.asarray(change - (causes @ weights)[..., 0], np.float32)


def _mean_square(values: Coarse) -> float:
    return float(np.vdot(values, values)) / values.size


class Recent:
    """The last signs, indexed by frame number."""

    def __init__(self, kept: int) -> None:
        self._kept: deque[Sign] = deque(maxlen=kept)
        self.count = 0
        """Frames seen so far."""

    def append(self, small: Gray) -> None:
        self._kept.append(sign(small, self._kept[-1] if self._kept else None))
        self.count += 1

    @property
    def oldest(self) -> int:
        return self.count - len(self._kept)

    def __getitem__(self, index: int) -> Sign:
        if not self.oldest <= index < self.count:
            raise IndexError(index)
        return self._kept[index - self.oldest]

    def stretch(self, first: int, last: int) -> list[Sign]:
        """Frames `first` to `last` as far as they are kept."""
        low, high = max(first, self.oldest), min(last, self.count - 1)
        return [self[index] for index in range(low, high + 1)]
