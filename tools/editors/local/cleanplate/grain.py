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
"""Standard deviation of the finest detail in 8-bit steps, (KNOTS, 3): by tone, per plane."""

FINEST = 1.0
"""Sigma in pixels of the blur that the finest detail is what is left of."""
LOUDEST = 24.0
"""Levels from which on finest detail is an edge and not grain."""
LEAST_PIXELS = 32
CALM = 0.5
"""Share of the pixels, those with the weakest slopes, on which grain is measured."""
KNOTS, TONE = 17, 16.0
"""How many tones from 0 to 256 grain is known at, and sigma in steps of what is alike: grain depends on tone (as in the
scaling functions of AV1's film grain), and a codec takes it out of a plain sky and leaves it on the ground.
"""
FEW = 64.0
"""Pixels of a tone at which what all tones show counts half."""


GROWN = 0.75
"""Share of the surround's finest detail that a grown part is given at least: some of it is texture."""


@dataclass(frozen=True, slots=True)
class Lived:
    """How much of a fill (h, w) was seen rather than grown, and the shot's own grain; None where no other frame lies
    beside this one.
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


def tones(codes: Field) -> Field:
    """The luma (h, w) without its grain."""
    return np.asarray(cv2.GaussianBlur(codes[..., 0], (0, 0), 1.5), np.float32)


def strength(detail: Field, tone: Field, where: Bits) -> Levels:
    """How strong the finest detail (h, w, 3) is over `where`, by tone (h, w)."""
    if where.sum() < LEAST_PIXELS:
        return np.zeros((KNOTS, detail.shape[2]))
    square = np.square(np.clip(detail[where], -LOUDEST, LOUDEST), dtype=np.float64)
    place = tone[where] * ((KNOTS - 1) / 256)
    count = np.zeros((KNOTS, 1 + square.shape[1]))
    for knot, share in ((np.floor(place), 1 - place % 1), (np.floor(place) + 1, place % 1)):
        here = np.clip(knot, 0, KNOTS - 1).astype(np.intp)
        for n, plane in enumerate((np.ones_like(place), *square.T)):
            count[:, n] += np.bincount(here, share * plane, KNOTS)
    near = np.exp(-0.5 * np.square(np.subtract.outer(np.arange(KNOTS), np.arange(KNOTS)) * 256 / (KNOTS - 1) / TONE))
    mass = near @ count + FEW * np.append(1.0, square.mean(axis=0))
    return np.asarray(np.sqrt(mass[:, 1:] / mass[:, :1]), np.float64)


def at_tones(levels: Levels, tone: Field) -> Field:
    """Levels at every pixel's tone, (h, w, 3)."""
    knots = np.linspace(0, 256, KNOTS)
    return np.stack([np.interp(tone, knots, plane) for plane in levels.T], axis=-1).astype(np.float32)


def changing(now: Field, then: Field, where: Bits) -> Levels | None:
    """The grain of one of two registered pictures (h, w, 3), by what changes between them."""
    if where.sum() < LEAST_PIXELS:
        return None
    apart = np.where(where[..., None], now - then, 0).astype(np.float32)
    inner = calm(slopes(now), np.asarray(cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0, np.bool_))
    return None if inner.sum() < LEAST_PIXELS else strength(finest(apart), tones(now), inner) / np.sqrt(2)


def grained(fill: Field, hole: Bits, surround: Bits, lived: Lived, seed: int) -> Field:
    """The fill with as much grain as the surround has and the fill lacks.

    `fill` (h, w, 3) carries the true surround outside of `hole`.
    """
    detail, steep, tone = finest(fill), slopes(fill), tones(fill)
    around = strength(detail, tone, calm(steep, surround & ~grown(hole, 2)))
    own = around if lived.own is None else np.minimum(around, lived.own)
    least = GROWN * around if lived.own is None else np.maximum(GROWN * around, own)
    seen = hole & (lived.real >= 0.5)
    has = [strength(detail, tone, calm(steep, part)) for part in (seen, hole & ~seen)]
    lacks = [np.maximum(level**2 - one**2, 0) for level, one in zip((own, least), has, strict=True)]
    if not np.any(lacks):
        return fill
    share = lived.real[..., None]
    level = np.sqrt(share * at_tones(lacks[0], tone) + (1 - share) * at_tones(lacks[1], tone))
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
