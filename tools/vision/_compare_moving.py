"""What moves in a shot: places that look otherwise in much of the rest of it, once the camera's motion is taken out.

A set in some depth shifts by more than one matrix under a moving camera, so that two are tried: what either of them
explains stays where it is. What passes before the lens for a while leaves the rest of the shot its word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np

from tools.types import Bits, Gray, Rgb
from tools.vision.align import Features, Matrix, features, fit, match, plausible

LONGEST, FEATURES = 320, 500
"""Size in pixels at which the probes are held against each other, and how many features they are registered by."""
LEAST_MATCHES = 12
"""Points that must agree on a matrix."""
APART, NOISE = 8.0, 5.0
"""Of 255, in any channel, by which a place must differ from everything within a pixel, or that many times the typical
difference."""
MUCH = 0.3
"""Share of the other probes that show the place in which it must look otherwise."""


def moving(probes: Sequence[Rgb], chosen: Sequence[int]) -> tuple[Bits, ...]:
    """Per chosen probe (H, W, 3), where it shows what moves or changes (H, W)."""
    small = [_small(rgb) for rgb in probes]
    found = [features(cast(Gray, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)), limit=FEATURES) for rgb in small]
    return tuple(_moving_at(key, small, found, probes[key].shape[:2]) for key in chosen)


def _small(rgb: Rgb) -> Rgb:
    scale = min(1.0, LONGEST / max(rgb.shape[:2]))
    return cast(Rgb, cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def _moving_at(key: int, small: Sequence[Rgb], found: Sequence[Features], full: tuple[int, ...]) -> Bits:
    own = small[key]
    otherwise, shown = (np.zeros(own.shape[:2], np.float32) for _ in range(2))
    for other in range(len(small)):
        if other != key:
            apart, seen = _held(own, small[other], planes(found[other], found[key], (own.shape[1], own.shape[0])))
            otherwise += apart
            shown += seen
    moves = (otherwise > MUCH * shown).astype(np.uint8)
    opened = cv2.morphologyEx(moves, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    grown = cv2.dilate(opened, np.ones((5, 5), np.uint8))
    return cv2.resize(grown, (full[1], full[0]), interpolation=cv2.INTER_NEAREST) > 0


def planes(source: Features, target: Features, size: tuple[int, int]) -> list[Matrix]:
    """One or two matrices that lay `source` on `target`; the identity where nothing registers."""
    to, from_ = match(target, source)
    out: list[Matrix] = []
    while len(out) < 2 and len(to) >= LEAST_MATCHES:
        fitted = fit(from_, to, "homography", 1.5)
        if fitted is None or fitted[1].sum() < LEAST_MATCHES:
            break
        if plausible(fitted[0], *size):
            out.append(fitted[0])
        to, from_ = to[~fitted[1]], from_[~fitted[1]]
    return out or [np.eye(3)]


def _held(own: Rgb, other: Rgb, matrices: Sequence[Matrix]) -> tuple[Bits, Bits]:
    """Where `own` shows what `other` does not, under any of the matrices, and where other shows the place at all."""
    size = (own.shape[1], own.shape[0])
    least = np.full(own.shape[:2], np.inf, np.float32)
    square = np.ones((3, 3), np.uint8)
    for matrix in matrices:
        laid = cv2.warpPerspective(other, matrix, size, flags=cv2.INTER_LINEAR)
        full = np.full(other.shape[:2], 255, np.uint8)
        seen = cv2.warpPerspective(full, matrix, size, flags=cv2.INTER_NEAREST) > 0
        lit = _lit(laid, own, seen)
        apart = np.maximum(own - cv2.dilate(lit, square), cv2.erode(lit, square) - own.astype(np.float32)).max(axis=2)
        least = np.where(seen, np.minimum(least, np.maximum(apart, 0)), least)
    known = np.isfinite(least)
    soft = cv2.GaussianBlur(np.where(known, least, 0).astype(np.float32), (0, 0), 1.0)
    limit = max(APART, NOISE * float(np.median(soft[known]))) if known.any() else APART
    return (soft > limit) & known, known


def _lit(laid: np.ndarray, own: Rgb, seen: Bits) -> np.ndarray:
    """Gain and offset by which a picture has the mean and the spread of another one where both are seen."""
    laid = laid.astype(np.float32)
    if seen.sum() < 100:
        return laid
    gain = float(np.clip((own[seen].std() + 1) / (laid[seen].std() + 1), 0.6, 1.6))
    return np.asarray(gain * (laid - laid[seen].mean(axis=0)) + own[seen].mean(axis=0), np.float32)
