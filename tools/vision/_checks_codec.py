"""Whether a difference between two pictures is what a codec alone does to them.

A codec's error is noise without direction: it follows the texture, is spread evenly and is zero on average nearly
everywhere. So the difference is fitted with what a codec does not do: another grade (an offset and a gain), a move (the
picture's own slopes), another sharpness (its own detail at two scales). What is left must nowhere lean to one side.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tools.types import Bits, Gray
from tools.vision._checks_window import Floats

SPOT = 13
"""Side in pixels of the squares in which a leaning difference is looked for."""
FINE, COARSE = 1.5, 4.0
"""Sigmas in pixels that part the picture into fine detail, coarse detail and the rest."""
MOST: dict[str, float] = {"grade": 2.3, "move": 0.8, "fine": 0.7, "coarse": 1.4, "lean": 3.0}
"""Levels of each part that a codec, with a cast of a level, stays under."""
MASKING = 0.06
"""Levels of lean that each level of the picture's own contrast around a square hides."""
LEAST_PIXELS = 400
STEP = 2
"""Every second pixel of every second row is enough for the fit."""


@dataclass
class CodecRecord:
    """Per frame: levels RMS explained by a grade, a move and both kinds of detail; and the largest lean of a square."""

    parts: list[tuple[float, ...]] = field(default_factory=list)

    def add(self, before: Gray, after: Gray, outside: Bits) -> None:
        """Takes one pair of luma pictures (h, w) and where they may differ by a codec only."""
        if outside[::STEP, ::STEP].sum() < LEAST_PIXELS:
            return
        old = before.astype(np.float32)
        change = after.astype(np.float32) - old
        shapes = _shapes(old)
        columns = shapes[::STEP, ::STEP][outside[::STEP, ::STEP]]
        fitted = _fitted(columns, change[::STEP, ::STEP][outside[::STEP, ::STEP]])
        rest = np.where(outside, change - shapes @ fitted, 0).astype(np.float32)
        self.parts.append((*_levels(columns, fitted), _lean(rest, old, outside)))

    def excess(self) -> float:
        """The worst part over what a codec does at most; up to 1 nothing but a codec is needed to explain it."""
        if not self.parts:
            return 0.0
        parts = np.array(self.parts)
        levels = [*np.sqrt(np.square(parts[:, :4]).mean(axis=0)), np.quantile(parts[:, 4], 0.95)]
        return max(float(part) / most for part, most in zip(levels, MOST.values(), strict=True))


def _levels(columns: Floats, fitted: Floats) -> tuple[float, float, float, float]:
    """Levels RMS of a grade, a move, gained fine detail and changed coarse detail. A codec never adds fine detail."""
    effects = columns * np.maximum(fitted, [-np.inf] * 4 + [0, -np.inf])
    parts = (effects[:, :2].sum(axis=1), effects[:, 2:4].sum(axis=1), effects[:, 4], effects[:, 5])
    grade, move, fine, coarse = (float(np.sqrt(np.square(part).mean())) for part in parts)
    return grade, move, fine, coarse


def _shapes(old: Floats) -> Floats:
    """(h, w, 6) what a difference is fitted with: one, level, slopes across and down, fine and coarse detail."""
    fine, coarse = (cv2.GaussianBlur(old, (0, 0), sigma) for sigma in (FINE, COARSE))
    soft = cv2.GaussianBlur(old, (0, 0), 0.7)
    slopes = [cv2.Sobel(soft, cv2.CV_32F, *axis, scale=0.125) for axis in ((1, 0), (0, 1))]
    level = (old - 128) / 128
    return np.dstack([np.ones_like(old), level, *slopes, old - fine, fine - coarse]).astype(np.float32)


def _fitted(columns: Floats, change: Floats) -> Floats:
    """Least squares (6,), leaning towards nothing where the picture has too little of a shape to tell."""
    wide = columns.astype(np.float64)
    normal = wide.T @ wide + np.diag(np.full(wide.shape[1], 0.05 * len(wide)))
    return np.asarray(np.linalg.solve(normal, wide.T @ change), np.float32)


def _lean(rest: Floats, old: Floats, outside: Bits) -> float:
    """Largest mean difference in levels of a square that lies outside, less what the contrast around it hides."""
    size = (SPOT, SPOT)
    whole = cv2.erode(outside.astype(np.uint8), np.ones(size, np.uint8), borderValue=0) > 0
    if not whole.any():
        return 0.0
    mean = np.abs(cv2.blur(rest, size))
    wide = (3 * SPOT, 3 * SPOT)
    spread = np.sqrt(np.maximum(cv2.blur(old * old, wide) - cv2.blur(old, wide) ** 2, 0))
    return float((mean - MASKING * spread)[whole].max())
