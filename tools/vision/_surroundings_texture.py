"""The surface of what lies around a region: texture, grain, and how sharp it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Frozen
from tools.vision._surroundings_ring import Look
from tools.vision.grain import BLOCK, block_features, block_means, whole_blocks
from tools.vision.measure import UNKNOWN, acuity

Array = NDArray[np.float32]

BANDS = ((1.0, 2.0), (2.0, 4.0), (4.0, 8.0))
"""Sigmas in pixels of a frame 1280 wide, between which detail is fine, medium and coarse (differences of Gaussians,
Marr and Hildreth 1980)."""
SMOOTH = 2.2
"""Levels of structure in all bands under which a surface is smooth."""
FINE = 0.55
"""Share of the structure's energy in the coarse band, above which a texture is coarse."""
DIRECTED = 0.55
"""Coherence of the structure tensor (Bigün and Granlund 1987) from which a texture has a direction."""
FLATTEST = 0.25
"""Share of the blocks, the plainest, on which grain is measured: what is fine there is hardly texture."""
RESIDUAL = 0.873
"""What the finest band keeps of white noise: √(1 − 2·g(0) + Σg²) for a Gaussian g of sigma 1."""
VISIBLE_GRAIN, STRONG_GRAIN = 0.8, 3.5
"""Sigma in 8-bit levels from which grain is seen, and from which it is strong."""
SOFTER, DEFOCUSED = 0.85, 0.65
"""Steepness of edges against the rest of the frame, under which a place is softer, and out of focus."""
LEAST_BLOCKS = 8


class Texture(Frozen):
    """How the surface is structured: standard deviation in 8-bit levels over all bands, and the way it runs."""

    contrast: float
    word: Literal["smooth", "fine", "coarse"]
    runs: Literal["no way", "across", "up and down", "rising to the right", "falling to the right"] = "no way"


class Grain(Frozen):
    """Grain or noise: sigma of luma in 8-bit levels on the plainest blocks; clean film-outs have under one."""

    sigma: float
    word: Literal["none", "fine", "strong"]


class Focus(Frozen):
    """Steepness of the ring's edges over that of the rest of the frame; 1 is as sharp."""

    ratio: float
    word: Literal["sharp", "softer", "out of focus"]


def texture_of(looks: Sequence[Look], width: int) -> Texture | None:
    """The texture of the ring in frames of `width` pixels."""
    scale = max(0.35, width / 1280)
    energies, tensors = [], []
    for look in looks:
        core = _eroded(look.ring, 3)
        if core.sum() < 64:
            continue
        energies.append([_usual(band[core]) ** 2 for band in _bands(look, scale)])
        tensors.append(_tensor(look, core))
    if not energies:
        return None
    fine, medium, coarse = (float(v) for v in np.median(np.array(energies), axis=0))
    contrast = float(np.sqrt(fine + medium + coarse))
    if contrast < SMOOTH:
        return Texture(contrast=round(contrast, 2), word="smooth")
    word: Literal["fine", "coarse"] = "coarse" if coarse / (fine + medium + coarse) > FINE else "fine"
    return Texture(contrast=round(contrast, 2), word=word, runs=_way(np.mean(tensors, axis=0)))


def _usual(values: Array) -> float:
    """Standard deviation by the median absolute value: a few outlines are no texture."""
    return 1.4826 * float(np.median(np.abs(values)))


def _eroded(bits: Bits, by: int) -> Bits:
    return np.asarray(cv2.erode(bits.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)), np.bool_)


def _bands(look: Look, scale: float) -> list[Array]:
    picture = look.luma.astype(np.float32)
    return [
        np.asarray(
            cv2.GaussianBlur(picture, (0, 0), one * scale) - cv2.GaussianBlur(picture, (0, 0), two * scale), np.float32
        )
        for one, two in BANDS
    ]


def _tensor(look: Look, core: Bits) -> NDArray[np.float64]:
    """Mean of gxx, gyy and gxy over the ring."""
    picture = cv2.GaussianBlur(look.luma.astype(np.float32), (0, 0), 1.2)
    across, down = (cv2.Sobel(picture, cv2.CV_32F, dx, dy)[core] for dx, dy in ((1, 0), (0, 1)))
    return np.array([float(np.mean(one * two)) for one, two in ((across, across), (down, down), (across, down))])


def _way(
    tensor: NDArray[np.float64],
) -> Literal["no way", "across", "up and down", "rising to the right", "falling to the right"]:
    """How a texture runs: across the direction of its gradients."""
    xx, yy, xy = (float(v) for v in tensor)
    if np.hypot(xx - yy, 2 * xy) < DIRECTED * max(xx + yy, 1e-9):
        return "no way"
    along = (np.degrees(0.5 * np.arctan2(2 * xy, xx - yy)) + 90) % 180
    if 67.5 <= along < 112.5:
        return "up and down"
    if 22.5 <= along < 67.5:
        return "falling to the right"
    return "rising to the right" if 112.5 <= along < 157.5 else "across"


def grain_of(looks: Sequence[Look]) -> Grain | None:
    """Grain on the plainest blocks of the ring; None where there is no ring wide enough, or all of it is clipped.

    Fine texture stays from frame to frame and grain does not: where a neighbouring frame is known, the smaller of what
    one frame shows and what changes counts.
    """
    found = [blocks for look in looks if (blocks := _plain_blocks(look)) is not None]
    if not found:
        return None
    sigma = float(np.median(np.concatenate(found))) / RESIDUAL
    word: Literal["none", "fine", "strong"] = (
        "none" if sigma < VISIBLE_GRAIN else "fine" if sigma < STRONG_GRAIN else "strong"
    )
    return Grain(sigma=round(sigma, 2), word=word)


def _plain_blocks(look: Look) -> Array | None:
    """Sigma of the finest detail per plain block."""
    features, changes = block_features(look.luma), _changes(look)
    where = whole_blocks(look.ring) & (features[..., 2] > 12) & (features[..., 2] < 243)
    if where.sum() < LEAST_BLOCKS:
        return None
    structure, finest = features[..., 1][where], np.minimum(features[..., 0], changes)[where]
    return np.asarray(finest[structure <= np.quantile(structure, FLATTEST)], np.float32)


def _changes(look: Look) -> Array:
    """What the finest detail changes by between two frames, per block, as the sigma of one of them."""
    if look.again is None:
        return np.full(tuple(side // BLOCK for side in look.luma.shape), np.inf, np.float32)
    pair = [picture.astype(np.float32) for picture in (look.luma, look.again)]
    now, then = (picture - cv2.GaussianBlur(picture, (0, 0), 1.0) for picture in pair)
    return np.asarray(np.sqrt(block_means(np.square(now - then)) / 2), np.float32)


def focus_of(looks: Sequence[Look]) -> Focus | None:
    """How sharp the ring is; None where it or the frame has no edges to tell by."""
    ratios = []
    for look in looks:
        here = acuity(look.working, look.working_ring)
        there = acuity(look.working, look.working_free & ~look.working_ring)
        if UNKNOWN not in (*here, *there):
            ratios.append(sum(here) / max(sum(there), 1e-6))
    if not ratios:
        return None
    ratio = float(np.median(ratios))
    word: Literal["sharp", "softer", "out of focus"] = (
        "sharp" if ratio >= SOFTER else "softer" if ratio >= DEFOCUSED else "out of focus"
    )
    return Focus(ratio=round(ratio, 2), word=word)
