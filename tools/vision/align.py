"""Registration of two pictures by local features: a plane-to-plane matrix with the evidence that it can be trusted.

SIFT (Lowe 2004), mutual ratio-tested matches, and MAGSAC++ (Barath et al., CVPR 2020) as OpenCV ships it; refinement
maximises the enhanced correlation coefficient (Evangelidis and Psarakis, PAMI 2008). Everything is deterministic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Gray

Matrix: TypeAlias = NDArray[np.float64]
Points: TypeAlias = NDArray[np.float32]
Model = Literal["homography", "similarity"]

LOWE_RATIO = 0.8
THRESHOLD = 1.5
"""Reprojection error in pixels of `a` at which a match stops counting."""
LEAST_INLIERS: dict[Model, int] = {"homography": 12, "similarity": 6}
"""Fewer agree by chance: random SIFT matches between unrelated frames of the footage in data/ gave at most 8 and 4."""


@dataclass(frozen=True, slots=True)
class Features:
    """Key points (n, 2) in x, y pixels and their unit-length descriptors (n, 128) of one picture."""

    points: Points
    descriptors: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the points of picture `a` lie in picture `b`: `b ~ matrix @ a` in homogeneous pixel coordinates.

    `ratio` is inliers over matches, `residual` the inliers' RMS error in pixels of `b`, and `spread` the share of
    `a` that the inliers' convex hull covers: a matrix says little outside of it.
    """

    matrix: Matrix
    model: Model
    inliers: int
    ratio: float
    residual: float
    spread: float

    @property
    def inverse(self) -> Matrix:
        return np.asarray(np.linalg.inv(self.matrix), np.float64)


def _sift(limit: int) -> cv2.SIFT:
    return cv2.SIFT.create(nfeatures=limit, contrastThreshold=0.02)


def features(picture: Gray, mask: Bits | None = None, limit: int = 2000) -> Features:
    """SIFT features of an 8-bit luma picture; `mask` is true where features may lie (everywhere when None)."""
    where = None if mask is None else mask.astype(np.uint8) * 255
    keys, descriptors = _sift(limit).detectAndCompute(picture, where)
    if not keys:
        return Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    root = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Features(np.array([key.pt for key in keys], np.float32), root.astype(np.float32))


def match(a: Features, b: Features) -> tuple[Points, Points]:
    """Mutual nearest neighbours that pass Lowe's ratio test; two (n, 2) arrays of corresponding points."""
    if min(len(a.points), len(b.points)) < 2:
        return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
    closeness = a.descriptors @ b.descriptors.T
    rows = np.arange(len(a.points))
    best = closeness.argmax(axis=1)
    mutual = closeness.argmax(axis=0)[best] == rows
    top = closeness[rows, best]
    closeness[rows, best] = -1.0
    second = closeness.max(axis=1)
    keep = mutual & (1.0 - top < LOWE_RATIO**2 * (1.0 - second))
    return a.points[keep], b.points[best[keep]]


def project(matrix: Matrix, points: NDArray[Any]) -> NDArray[np.float64]:
    """Points (n, 2) through a 3×3 matrix."""
    flat = np.asarray(points, np.float64).reshape(-1, 2)
    lifted = flat @ matrix[:, :2].T + matrix[:, 2]
    weight = np.where(np.abs(lifted[:, 2:]) < 1e-9, 1e-9, lifted[:, 2:])
    return np.asarray(lifted[:, :2] / weight, np.float64)


def fit(
    from_: NDArray[Any], to: NDArray[Any], model: Model, threshold: float = THRESHOLD
) -> tuple[Matrix, Bits] | None:
    """A matrix that takes most of `from_` to `to` (n, 2) within `threshold` pixels, and which points agree."""
    if len(from_) < 4:
        return None
    cv2.setRNGSeed(0)
    if model == "homography":
        matrix, agree = cv2.findHomography(from_, to, cv2.USAC_MAGSAC, threshold, maxIters=3000, confidence=0.9995)
    else:
        affine, agree = cv2.estimateAffinePartial2D(
            from_, to, method=cv2.RANSAC, ransacReprojThreshold=threshold, maxIters=3000, confidence=0.9995
        )
        matrix = None if affine is None else np.vstack([affine, [0.0, 0.0, 1.0]])
    if matrix is None or agree is None or not np.isfinite(matrix).all():
        return None
    return np.asarray(matrix, np.float64), agree.ravel().astype(bool)


def plausible(matrix: Matrix, width: int, height: int) -> bool:
    """False for a matrix that folds, mirrors or collapses the picture: no camera makes such a pair of frames."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    depth = corners @ matrix[2, :2] + matrix[2, 2]
    if matrix[2, 2] == 0 or (depth / matrix[2, 2] < 0.2).any():
        return False
    quad = project(matrix, corners)
    edges = np.roll(quad, -1, axis=0) - quad
    after = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0]
    return bool((turns > 1e-3 * width * height).all())


def align_features(
    a: Features,
    b: Features,
    size: tuple[int, int],
    model: Literal["homography", "similarity", "auto"] = "auto",
    threshold: float = THRESHOLD,
) -> Alignment | None:
    """`align` for features that are already there; `size` is (width, height) of `a`."""
    from_, to = match(a, b)
    tries: tuple[Model, ...] = ("homography", "similarity") if model == "auto" else (model,)
    found = [_alignment(from_, to, kind, size, threshold) for kind in tries]
    held = [one for one in found if one is not None]
    return max(held, key=_worth) if held else None


def align(
    a: Gray,
    b: Gray,
    mask_a: Bits | None = None,
    mask_b: Bits | None = None,
    model: Literal["homography", "similarity", "auto"] = "auto",
    *,
    refined: bool = False,
) -> Alignment | None:
    """Where picture `a` lies in picture `b`, or None when they show nothing in common that can be proved.

    Pictures are 8-bit luma of any two sizes; masks are true where a picture may be looked at. `auto` takes the
    similarity unless the homography wins clearly more matches. `refined` adds `refine` on top.
    """
    size = (a.shape[1], a.shape[0])
    found = align_features(features(a, mask_a), features(b, mask_b), size, model)
    if found is None or not refined:
        return found
    better = refine(a, b, found.matrix, mask_a, mask_b, model=found.model)
    return found if better is None else replace(found, matrix=better)


def _worth(found: Alignment) -> float:
    """Inliers, with a homography's four extra freedoms asked to earn a fifth more of them."""
    return found.inliers / (1.2 if found.model == "homography" else 1.0)


def _alignment(from_: Points, to: Points, model: Model, size: tuple[int, int], threshold: float) -> Alignment | None:
    fitted = fit(from_, to, model, threshold)
    if fitted is None:
        return None
    matrix, agree = fitted
    count = int(agree.sum())
    if count < LEAST_INLIERS[model] or not plausible(matrix, *size):
        return None
    error = project(matrix, from_[agree]) - to[agree]
    hull = cv2.contourArea(cv2.convexHull(from_[agree]))
    return Alignment(
        matrix=matrix,
        model=model,
        inliers=count,
        ratio=count / len(from_),
        residual=float(np.sqrt((error**2).sum(axis=1).mean())),
        spread=float(hull / (size[0] * size[1])),
    )


def refine(
    a: Gray,
    b: Gray,
    matrix: Matrix,
    mask_a: Bits | None = None,
    mask_b: Bits | None = None,
    *,
    model: Model = "homography",
    iterations: int = 30,
) -> Matrix | None:
    """The matrix moved to the nearest maximum of correlation between `a` and `b`; None when that is no gain."""
    kind = cv2.MOTION_HOMOGRAPHY if model == "homography" else cv2.MOTION_AFFINE
    start = (matrix / matrix[2, 2]).astype(np.float32)
    rows = start if model == "homography" else start[:2].copy()
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, iterations, 1e-5)
    masks = [
        np.full(p.shape, 255, np.uint8) if m is None else np.asarray(m * np.uint8(255), np.uint8)
        for p, m in ((a, mask_a), (b, mask_b))
    ]
    try:
        _, moved = cv2.findTransformECCWithMask(a, b, masks[0], masks[1], rows.copy(), kind, stop, 5)
    except cv2.error:
        return None
    full = moved if model == "homography" else np.vstack([moved, [0.0, 0.0, 1.0]])
    result = np.asarray(full, np.float64)
    if not np.isfinite(result).all() or not plausible(result, a.shape[1], a.shape[0]):
        return None
    gained = _correlation(a, b, result, masks) > _correlation(a, b, matrix, masks)
    return result if gained else None


def _correlation(a: Gray, b: Gray, matrix: Matrix, masks: Sequence[Gray]) -> float:
    """Correlation coefficient of `a` and `b` brought onto it, where both may be looked at."""
    size, inverse = (a.shape[1], a.shape[0]), cv2.WARP_INVERSE_MAP
    there = cv2.warpPerspective(b, matrix, size, flags=inverse | cv2.INTER_CUBIC)
    free = cv2.warpPerspective(masks[1], matrix, size, flags=inverse | cv2.INTER_LINEAR) == 255
    both = free & (masks[0] > 0)
    if both.sum() < 16:
        return -1.0
    one, other = (p[both].astype(np.float64) - float(p[both].mean()) for p in (a, there))
    return float(one @ other / max(np.sqrt((one @ one) * (other @ other)), 1e-9))
