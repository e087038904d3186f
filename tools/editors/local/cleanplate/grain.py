"""Grain: what the surround's finest detail looks like where nothing is drawn, and the same made anew in a fill."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, grown
from tools.types import Bits

MAD_TO_SIGMA = 1.4826


def residual(codes: Field) -> Field:
    """What a 3×3 median takes away, (h, w, 3): grain, and little of the drawing."""
    planes = [cv2.medianBlur(np.ascontiguousarray(codes[..., i]), 3) for i in range(codes.shape[2])]
    return np.asarray(codes - np.dstack(planes), np.float32)


def calm(codes: Field, where: Bits, share: float = 0.5) -> Bits:
    """The `share` of `where` with the weakest gradients: there the residual is grain, not drawing."""
    luma = cv2.GaussianBlur(codes[..., 0], (0, 0), 1.5)
    steep = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    if not where.any():
        return where
    return np.asarray(where & (steep <= np.quantile(steep[where], share)), np.bool_)


def strength(codes: Field, where: Bits) -> NDArray[np.float64]:
    """Standard deviation of the grain per plane over `where`, (3,)."""
    if where.sum() < 32:
        return np.zeros(codes.shape[2])
    rest = residual(codes)[where]
    return np.asarray(np.sqrt(np.mean(np.clip(rest, -24, 24) ** 2, axis=0)), np.float64)


def grained(fill: Field, hole: Bits, surround: Bits, seed: int) -> Field:
    """The fill with as much grain as the surround has and the fill lacks, as coarse as the surround's.

    `fill` carries the true surround outside of `hole`.
    """
    around = strength(fill, calm(fill, surround & ~grown(hole, 2)))
    inside = strength(fill, calm(fill, hole))
    missing = np.sqrt(np.maximum(around**2 - inside**2, 0))
    if not missing.any():
        return fill
    noise = _noise(fill.shape, _coarseness(fill, surround & ~grown(hole, 2)), seed)
    # The 3×3 median keeps part of the noise for itself, so the gain is measured on the noise as it will be seen.
    seen = strength(noise, np.ones(hole.shape, np.bool_))
    gain = (missing / np.maximum(seen, 1e-3)).astype(np.float32)
    return np.asarray(fill + np.where(hole[..., None], noise * gain, 0), np.float32)


def _coarseness(codes: Field, where: Bits) -> float:
    """Blur (sigma in pixels) that gives white noise the neighbour correlation of the surround's grain."""
    rest = residual(codes)[..., 0]
    flat = calm(codes, where)
    pairs = flat[:, 1:] & flat[:, :-1]
    if pairs.sum() < 64:
        return 0.4
    product = float((rest[:, 1:] * rest[:, :-1])[pairs].mean())
    power = float((rest[:, 1:] ** 2)[pairs].mean())
    correlation = float(np.clip(product / max(power, 1e-6), 0.0, 0.8))
    # A Gaussian of sigma s correlates neighbours by exp(-1 / (4 s²)).
    return float(np.clip(np.sqrt(-1.0 / (4.0 * np.log(max(correlation, 0.05)))), 0.3, 1.5))


def _noise(shape: tuple[int, ...], sigma: float, seed: int) -> Field:
    generator = np.random.default_rng(seed)
    white = generator.standard_normal(shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(white, (0, 0), sigma) * 4.0, np.float32)
