"""What every frame leaves behind for the search of cuts: a small picture, a coarse one, and two numbers.

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


@dataclass(frozen=True, slots=True)
class Sign:
    """One frame: `small` (h, w), its standard deviation, the coarse picture, and its change from the frame before.

    `step` is 1 minus the correlation of the coarse pictures.
    """

    small: Gray = field(repr=False)
    contrast: float
    coarse: Coarse = field(repr=False)
    step: float


def sign(small: Gray, before: Sign | None) -> Sign:
    """The sign of the next frame."""
    shrunk = cv2.resize(small, (WIDE, TALL), interpolation=cv2.INTER_AREA).astype(np.float32)
    blurred = np.asarray(cv2.GaussianBlur(shrunk, (0, 0), 1.0), np.float32)
    coarse = _centred(tiles(blurred))
    step = 0.0 if before is None else 1 - _correlation(before.coarse, coarse)
    return Sign(small, float(cv2.meanStdDev(small)[1][0, 0]), coarse, step)


def tiles(picture: NDArray[np.float32]) -> Coarse:
    """(24, 40) as (12, 80)."""
    parts = picture.reshape(DOWN, TALL // DOWN, ACROSS, WIDE // ACROSS).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(parts.reshape(DOWN * ACROSS, -1))


def _centred(parts: Coarse) -> Coarse:
    return np.asarray(parts - parts.mean(axis=1, keepdims=True), np.float32)


def _correlation(a: Coarse, b: Coarse) -> float:
    norms = (np.linalg.norm(a) + QUIET) * (np.linalg.norm(b) + QUIET)
    return float(np.vdot(a, b) / norms)


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
