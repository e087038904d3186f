"""Where two registered pictures disagree although everything around agrees.

Each pixel is held against the range of values within `SLACK` pixels in the other picture, both ways, so that two pixels
of misregistration explain themselves away and a foreign thing does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits
from tools.vision._compare_register import Floats, Pair, local_correlation

SLACK = 2
LEAST_RING = 0.6
"""Share of a blob's ring that must show the same thing in both pictures."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`score` (H, W) in units of the pair's own residual; `same` where structure and colour agree; `seen` where the
    pair can be judged at all; `odd` the compact places of disagreement."""

    score: Floats
    same: Bits
    seen: Bits
    odd: Bits


def difference(pair: Pair, ignored: Bits) -> Difference:
    """The local disagreement of a pair outside of `ignored` (H, W)."""
    seen = pair.valid & pair.registration.hull & ~ignored
    apart = _beyond_slack(pair.a, pair.b)
    structure, texture = local_correlation(pair.a[..., 0].copy(), pair.b[..., 0].copy(), 11)
    unit = _residual(apart, structure, seen)
    score = cast(Floats, cv2.blur(apart, (3, 3)) / unit)
    same = seen & (score < 2.0) & ((structure > 0.5) | (texture < 2.5))
    settled = cv2.blur(same.astype(np.float32), (7, 7)) > 0.5
    return Difference(score, cast(Bits, settled & seen), seen, _blobs(score, cast(Bits, settled), seen))


def _beyond_slack(a: Floats, b: Floats) -> Floats:
    """Distance in Lab from each picture's pixel to the nearest value the other shows within the slack; the larger."""
    kernel = np.ones((2 * SLACK + 1, 2 * SLACK + 1), np.uint8)
    parts = []
    for one, other in ((a, b), (b, a)):
        low, high = cv2.erode(other, kernel), cv2.dilate(other, kernel)
        parts.append(np.sqrt((np.maximum(np.maximum(one - high, low - one), 0) ** 2).sum(axis=2)))
    return cast(Floats, np.maximum(parts[0], parts[1]))


def _residual(apart: Floats, structure: Floats, seen: Bits) -> float:
    """The disagreement that the pair's matching area itself shows: 95th percentile, at least 2 ΔE."""
    known = seen & (structure > 0.8)
    return max(2.0, float(np.percentile(apart[known], 95))) if known.sum() > 200 else 4.0


def _blobs(score: Floats, same: Bits, seen: Bits) -> Bits:
    """Hysteresis on the score; a blob is kept when it is no sliver and mostly ringed by agreement."""
    weak = ((score > 2.0) & seen).astype(np.uint8)
    weak = cv2.morphologyEx(weak, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    count, labels = cv2.connectedComponents(weak)
    peaks = np.zeros(count)
    np.maximum.at(peaks, labels.ravel(), score.ravel())
    out = np.zeros(score.shape, np.bool_)
    for label in np.flatnonzero(peaks >= 4.0):
        if label:
            blob = filled(cast(Bits, labels == label))
            if _thick(blob) and ring_agreement(blob, same, seen) >= LEAST_RING:
                out |= blob
    return out


def _thick(blob: Bits, least: float = 2.5) -> bool:
    padded = cv2.copyMakeBorder(blob.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    return float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max()) >= least


def ring_agreement(blob: Bits, same: Bits, seen: Bits) -> float:
    """Share of the ring around a blob (a tenth of its size wide, at least 5 pixels) where the pictures agree."""
    reach = max(5, int(0.1 * np.sqrt(blob.sum())))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 5, 2 * reach + 5))
    gap = cv2.dilate(blob.astype(np.uint8), np.ones((5, 5), np.uint8))
    ring = (cv2.dilate(blob.astype(np.uint8), kernel) > 0) & (gap == 0)
    return float(same[ring].mean()) if ring.any() else 0.0


def filled(mask: Bits) -> Bits:
    """The mask with its holes closed."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(out, contours, -1, 1, -1)
    return cast(Bits, out > 0)


def components(mask: Bits) -> list[Bits]:
    """The connected parts of a mask, largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA]) + 1 if count > 1 else np.zeros(0, np.intp)
    return [cast(Bits, labels == label) for label in order]


def carried(mask: Bits, matrix: NDArray[np.float64], size: tuple[int, int]) -> Bits:
    """A mask through a homography onto a grid of `size` (width, height)."""
    moved = cv2.warpPerspective(mask.astype(np.uint8) * 255, matrix, size)
    return cast(Bits, moved > 127)


def steepness(lab: Floats, mask: Bits) -> float:
    """Mean gradient of L inside and on the rim of a mask: a painted-on thing has more of it than what it hides."""
    around = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    dx, dy = (cv2.Sobel(lab[..., 0], cv2.CV_32F, x, y, ksize=3) for x, y in ((1, 0), (0, 1)))
    return float(np.hypot(dx, dy)[around].mean()) + 1e-3
