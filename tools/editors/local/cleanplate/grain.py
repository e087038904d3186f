"""Grain: what a shot's finest detail does anew in every frame, and the same made for a fill that lacks it.

Texture stays from frame to frame and grain does not. So what of the finest detail changes between two registered
frames is grain, and it is what a borrowed fill lacks after several frames were averaged. What was grown holds no
texture at all: there as much is added as the calm half of the surround shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, grown
from tools.types import Bits

Levels = NDArray[np.float64]

FINEST = 1.0
"""Sigma in pixels of the blur that the finest detail is what is left of."""
LOUDEST = 24.0
"""Levels from which on finest detail is an edge and not grain."""
LEAST_PIXELS = 32
CALM = 0.5
"""Share of the pixels, those with the weakest slopes, on which grain is measured."""


GROWN = 0.75
"""Share of the surround's finest detail that a grown part is given at least: some of it is texture."""


@dataclass(frozen=True, slots=True)
class Lived:
    """How much of a fill (h, w) was seen rather than grown, and the sigma per plane of the shot's own grain, (3,);
    None where no other frame lies beside this one.
    """

    real: Field
    own: Levels | None


def finest(codes: Field) -> Field:
    """The finest detail, (h, w, 3)."""
    return np.asarray(codes - cv2.GaussianBlur(codes, (0, 0), FINEST), np.float32)


def slopes(codes: Field) -> Field:
    """How steep the luma is, (h, w)."""
    luma = cv2.GaussianBlur(codes[..., 0], (0, 0), 1.5)
    return np.asarray(np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1)), np.float32)


def calm(steep: Field, where: Bits) -> Bits:
    """The pixels of `where` with the weakest slopes: there the finest detail is grain, not drawing."""
    if not where.any():
        return where
    return np.asarray(where & (steep <= np.quantile(steep[where], CALM)), np.bool_)


def strength(detail: Field, where: Bits) -> Levels:
    """Standard deviation of the finest detail (h, w, 3) per plane over `where`, (3,)."""
    if where.sum() < LEAST_PIXELS:
        return np.zeros(detail.shape[2])
    return np.asarray(np.sqrt(np.mean(np.clip(detail[where], -LOUDEST, LOUDEST) ** 2, axis=0)), np.float64)


def changing(now: Field, then: Field, where: Bits) -> Levels | None:
    """Sigma per plane of the grain of one of two registered pictures (h, w, 3), by what changes between them."""
    if where.sum() < LEAST_PIXELS:
        return None
    apart = np.where(where[..., None], now - then, 0).astype(np.float32)
    inner = calm(slopes(now), np.asarray(cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, np.bool_))
    return None if inner.sum() < LEAST_PIXELS else strength(finest(apart), inner) / np.sqrt(2)


def grained(fill: Field, hole: Bits, surround: Bits, lived: Lived, seed: int) -> Field:
    """The fill with as much grain as the surround has and the fill lacks.

    `fill` (h, w, 3) carries the true surround outside of `hole`.
    """
    detail, steep = finest(fill), slopes(fill)
    around = strength(detail, calm(steep, surround & ~grown(hole, 2)))
    own = around if lived.own is None else np.minimum(around, lived.own)
    least = GROWN * around if lived.own is None else np.maximum(GROWN * around, own)
    seen = hole & (lived.real >= 0.5)
    has = [strength(detail, calm(steep, part)) for part in (seen, hole & ~seen)]
    lacks = [np.sqrt(np.maximum(level**2 - one**2, 0)) for level, one in zip((own, least), has, strict=True)]
    if not np.any(lacks):
        return fill
    share = lived.real[..., None]
    level = np.sqrt(share * np.square(lacks[0]) + (1 - share) * np.square(lacks[1]))
    return np.asarray(fill + np.where(hole[..., None], _noise(fill.shape, seed) * level, 0), np.float32)


def _noise(shape: tuple[int, ...], seed: int) -> Field:
    """White noise whose finest detail has a standard deviation of 1."""
    white = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return white / np.float32(_FINEST_OF_WHITE)


def _finest_of_white() -> float:
    """Standard deviation of the finest detail of white noise of deviation 1: one less twice the blur's middle and plus
    its energy, by the two-dimensional kernel."""
    bell = cv2.getGaussianKernel(9, FINEST)[:, 0]
    return float(np.sqrt(1 - 2 * bell[4] ** 2 + np.sum(bell**2) ** 2))


_FINEST_OF_WHITE = _finest_of_white()
