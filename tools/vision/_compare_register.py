"""Registering one picture to another for comparison: features, a gated homography, matched light and sharpness.

A pair that does not pass the gates is not comparable, and nothing may be claimed from it. The gates were set
on crops of photographs under changes of scale, perspective and light: panels that show the same thing keep 60
to 360 inliers, blurred frames of a whip pan down to 23. Drawn sheets and storyboards held to generated and
filmed shots (data/elara, rabbit-fox, pizza-collab) stay silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Gray, Rgb
from tools.vision.align import Features, Matrix, features, fit, match
from tools.vision.backdrop import plain_backdrop, to_lab
from tools.vision.motion import flow, warp

Floats: TypeAlias = NDArray[np.float32]

FEATURES = 1500
LEAST_INLIERS = 20
LEAST_INLIER_SHARE = 0.3
LEAST_HULL = 0.02
"""Convex hull of the inliers as a share of either picture."""
LIGHT_SAMPLES = 1500
"""Pixels that the match of light is fitted to."""
REACH = 0.35
"""How far beyond the hull of the inliers a registration is believed, as a share of the hull's size."""


@dataclass(frozen=True)
class View:
    """A picture at working size: `scale` is working pixels per source pixel."""

    rgb: Rgb
    lab: Floats
    scale: float
    features: Features

    @cached_property
    def backdrop(self) -> Bits:
        """The picture's plain surround (H, W)."""
        return plain_backdrop(self.rgb)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.rgb.shape[1], self.rgb.shape[0]

    def within(self, area: Box) -> View:
        """The part of the picture at `area`, without its features."""
        nothing = Features(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
        return View(self.rgb[area.slices], self.lab[area.slices], self.scale, nothing)


@dataclass(frozen=True, slots=True)
class Registration:
    """How `b` lies on `a`'s grid: `matrix` takes points of b (working pixels) to a; `hull` is where it is believed."""

    matrix: Matrix
    inliers: int
    points: Floats
    hull: Bits

    @property
    def inverse(self) -> Matrix:
        return cast(Matrix, np.linalg.inv(self.matrix))

    def within(self, area: Box) -> Registration:
        """The same onto the part of a's grid at `area`."""
        moved = np.array([[1, 0, -area.x], [0, 1, -area.y], [0, 0, 1]], np.float64)
        points = self.points - np.array([area.x, area.y], np.float32)
        return Registration(moved @ self.matrix, self.inliers, points, self.hull[area.slices])


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures on one grid in Lab, light and sharpness matched; `valid` is where b has pixels."""

    a: Floats
    b: Floats
    valid: Bits
    registration: Registration


def working_view(picture: Rgb, longest: int = 640) -> View:
    """A picture (H, W, 3) reduced to at most `longest` pixels, with its RootSIFT features (Arandjelović 2012)."""
    scale = min(1.0, longest / max(picture.shape[:2]))
    rgb = picture
    if scale < 1.0:
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        rgb = cast(Rgb, cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    gray = cast(Gray, cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    return View(rgb, to_lab(rgb), scale, features(gray, limit=FEATURES))


def weighted_lab(rgb: Rgb, lightness: float) -> Floats:
    """CIELAB (H, W, 3) with lightness counted less (or more) than the two axes of colour."""
    return to_lab(rgb) * np.array([lightness, 1, 1], np.float32)


def register(a: View, b: View) -> Registration | None:
    """The gated homography that lays b on a, or None where the two do not show the same thing in the same pose."""
    target, source = match(a.features, b.features)
    found, inside = _fitted(a, b, target, source)
    return found if inside.mean() >= LEAST_INLIER_SHARE else None


def register_set(a: View, b: View) -> list[Registration]:
    """The same where somebody stands before a set: one or two registrations, first the one that agrees over most of
    `a` in extent, be its features ever so few."""
    target, source = match(a.features, b.features)
    first, inside = _fitted(a, b, target, source)
    rest = ~inside
    second, _ = _fitted(a, b, target[rest], source[rest]) if rest.sum() >= LEAST_INLIERS else (None, rest)
    found = [one for one in (first, second) if one is not None]
    return sorted(found, key=lambda one: -_hull_share(one.points, a.size))


def _fitted(a: View, b: View, target: Floats, source: Floats) -> tuple[Registration | None, Bits]:
    """The gated homography that most of the matches agree with, and which do."""
    fitted = fit(source, target, "homography", 2.5)
    if fitted is None:
        return None, np.zeros(max(1, len(target)), np.bool_)
    matrix, inside = fitted
    if len(np.unique(np.round(target[inside]), axis=0)) < LEAST_INLIERS:
        return None, inside
    return _gated(a, b, matrix, target[inside], source[inside]), inside


def _gated(a: View, b: View, matrix: Matrix, target: Floats, source: Floats) -> Registration | None:
    if min(_hull_share(target, a.size), _hull_share(source, b.size)) < LEAST_HULL or not _plausible(matrix, source):
        return None
    return Registration(matrix, len(target), target, _believed(target, a.size))


def _hull_share(points: Floats, size: tuple[int, int]) -> float:
    return float(cv2.contourArea(cv2.convexHull(points))) / (size[0] * size[1])


def _plausible(matrix: Matrix, points: Floats) -> bool:
    """A camera's view of a roughly flat thing: not mirrored, scale within 5, little change of scale across it."""
    corners = np.array([points.min(0), points.max(0), points.mean(0)], np.float64)
    areas = np.array([np.linalg.det(jacobian(matrix, p)) for p in corners])
    if areas.min() <= 0:
        return False
    scales = np.sqrt(areas)
    stretch = np.linalg.svd(jacobian(matrix, corners[2]), compute_uv=False)
    return bool(
        scales.min() > 0.2 and scales.max() < 5 and scales.max() < 2 * scales.min() and stretch[0] < 1.6 * stretch[1]
    )


def jacobian(matrix: Matrix, point: NDArray[np.float64]) -> Matrix:
    """The 2 × 2 derivative of a homography at a point."""
    x, y = point
    u, v, w = matrix @ np.array([x, y, 1.0])
    return np.asarray(
        [
            [matrix[0, 0] * w - u * matrix[2, 0], matrix[0, 1] * w - u * matrix[2, 1]],
            [matrix[1, 0] * w - v * matrix[2, 0], matrix[1, 1] * w - v * matrix[2, 1]],
        ],
        np.float64,
    ) / float(w * w)


def _believed(points: Floats, size: tuple[int, int]) -> Bits:
    """The hull of the inliers, grown by `REACH`; drawn at a quarter of the size, as good and cheaper."""
    hull = cv2.convexHull(points / 4)
    reach = int(REACH * np.sqrt(cv2.contourArea(hull)))
    canvas = np.zeros((size[1] // 4 + 1, size[0] // 4 + 1), np.uint8)
    cv2.fillConvexPoly(canvas, np.round(hull).astype(np.int32), 1)
    far = cv2.distanceTransform(1 - canvas, cv2.DIST_L2, 3)
    return cv2.resize((far <= reach).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0


def laid_on(a: View, b: View, found: Registration) -> Pair:
    """b on a's grid with smooth residual motion, light and sharpness matched to each other."""
    scale = float(np.sqrt(np.linalg.det(jacobian(found.matrix, np.array(b.size, np.float64) / 2)).clip(1e-3)))
    lab_b = _softened(b.lab, 0.5 * np.sqrt(max(0.0, 1 / scale**2 - 1)))
    lab_a = _softened(a.lab, 0.5 * np.sqrt(max(0.0, scale**2 - 1)))
    moved = cv2.warpPerspective(lab_b, found.matrix, a.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    full = np.ones((b.size[1], b.size[0]), np.uint8)
    valid = cv2.erode(cv2.warpPerspective(full, found.matrix, a.size), np.ones((5, 5), np.uint8)) > 0
    near = _near(found.points, a.size) & valid
    lit = matched_light(lab_a, cast(Floats, moved), near)
    bend = _smooth_flow(lab_a, lit, valid & found.hull)
    lit = cast(Floats, warp(lit, bend))
    soft_a, soft_b = _same_sharpness(lab_a, lit, near)
    return Pair(soft_a, matched_light(soft_a, soft_b, near), valid, found)


def _softened(lab: Floats, sigma: float) -> Floats:
    return cast(Floats, cv2.GaussianBlur(lab, (0, 0), sigma)) if sigma > 0.3 else lab


def _near(points: Floats, size: tuple[int, int], radius: int = 8) -> Bits:
    """Discs around the inliers: places that are known to show the same thing."""
    canvas = np.zeros((size[1], size[0]), np.uint8)
    for x, y in np.round(points).astype(int):
        cv2.circle(canvas, (int(x), int(y)), radius, 1, -1)
    return canvas > 0


def matched_light(a: Floats, b: Floats, where: Bits) -> Floats:
    """b with gain and offset per Lab channel, both linear in the place, that fit a where they match (Tukey weights)."""
    rows, columns = np.nonzero(where)
    step = max(1, len(rows) // LIGHT_SAMPLES)
    rows, columns = rows[::step], columns[::step]
    if len(rows) < 50:
        return b
    height, width = where.shape
    x, y = columns / width - 0.5, rows / height - 0.5
    across = (np.arange(width, dtype=np.float32) / width - 0.5)[None, :, None]
    down = (np.arange(height, dtype=np.float32) / height - 0.5)[:, None, None]
    fits = [_fit_light(a[rows, columns, channel], b[rows, columns, channel], x, y) for channel in range(3)]
    gain, offset = (np.stack([fit[part] for fit in fits], axis=1).astype(np.float32) for part in (0, 1))
    out = (gain[0] + gain[2] * down) + gain[1] * across
    out *= b
    out += (offset[0] + offset[2] * down) + offset[1] * across
    return cast(Floats, out)


def _fit_light(a: Floats, b: Floats, x: Matrix, y: Matrix) -> tuple[Matrix, Matrix]:
    design = np.stack([b, b * x, b * y, np.ones_like(x), x, y], axis=1).astype(np.float64)
    ridge = np.diag([1.0, 1e3, 1e3, 1.0, 50.0, 50.0]) * len(a) * 1e-3
    prior = np.array([1.0, 0, 0, 0, 0, 0])
    solution, weights = prior, np.ones(len(a))
    for _ in range(5):
        weighted = design * weights[:, None]
        solution = np.linalg.solve(weighted.T @ design + ridge, weighted.T @ a.astype(np.float64) + ridge @ prior)
        error = np.abs(design @ solution - a)
        limit = 4.7 * max(1.48 * float(np.median(error)), 0.3)
        weights = np.clip(1 - (error / limit) ** 2, 0, 1) ** 2
    return solution[:3], solution[3:]


def _smooth_flow(a: Floats, b: Floats, where: Bits, limit: float = 5.0) -> Floats:
    """Residual motion from a to b (H, W, 2), smoothed over matching texture so that a foreign thing cannot bend it.

    Measured at half the size, as it is smoothed over many pixels.
    """
    height, width = where.shape
    size = (width // 2, height // 2)
    gray_a, gray_b = (_gray_at(lab, size) for lab in (a, b))
    rest = flow(gray_a, gray_b, np.eye(3))
    moved = warp(gray_b.astype(np.float32), rest)
    weight = (local_correlation(cast(Floats, gray_a.astype(np.float32)), moved, 5)[0] - 0.7).clip(0)
    weight *= cv2.resize(where.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    weight *= (np.maximum(np.abs(rest[..., 0]), np.abs(rest[..., 1])) < limit / 2) * np.abs(
        cv2.Laplacian(cv2.GaussianBlur(gray_a, (0, 0), 0.8), cv2.CV_32F)
    )
    sigma = max(a.shape[:2]) / 80
    total = cv2.GaussianBlur(weight.astype(np.float32), (0, 0), sigma) + 1e-3
    smooth = [cv2.GaussianBlur((rest[..., i] * weight).astype(np.float32), (0, 0), sigma) / total for i in (0, 1)]
    return cast(Floats, 2 * cv2.resize(np.stack(smooth, axis=2).astype(np.float32), (width, height)))


def _gray_at(lab: Floats, size: tuple[int, int]) -> Gray:
    """A picture's lightness as 8 bits, at a smaller size."""
    small = cv2.resize(lab[..., 0], size, interpolation=cv2.INTER_AREA)
    return cast(Gray, np.clip(small * 2.55, 0, 255).astype(np.uint8))


def _same_sharpness(a: Floats, b: Floats, where: Bits) -> tuple[Floats, Floats]:
    """The sharper of the two blurred until the fine detail of both has the same energy where they match."""
    energy_a, energy_b = _detail(a, where), _detail(b, where)
    if energy_a < energy_b:
        soft, sharp = _same_sharpness_ordered(b, a, where)
        return sharp, soft
    soft, sharp = _same_sharpness_ordered(a, b, where)
    return soft, sharp


def _same_sharpness_ordered(sharp: Floats, soft: Floats, where: Bits) -> tuple[Floats, Floats]:
    goal, best = _detail(soft, where), sharp
    for sigma in (0.4, 0.6, 0.8, 1.0, 1.3, 1.6, 2.0, 2.5):
        if _detail(best, where) <= 1.1 * goal:
            break
        best = cast(Floats, cv2.GaussianBlur(sharp, (0, 0), sigma))
    return best, soft


def _detail(lab: Floats, where: Bits) -> float:
    fine = np.abs(cv2.Laplacian(lab[..., 0], cv2.CV_32F))
    return float(fine[where].mean()) if where.any() else 0.0


def local_correlation(a: Floats, b: Floats, window: int) -> tuple[Floats, Floats]:
    """Normalised cross-correlation in square windows, and the larger local standard deviation of the two."""
    size = (window, window)
    mean_a, mean_b = cv2.blur(a, size), cv2.blur(b, size)
    var_a = np.maximum(cv2.blur(a * a, size) - mean_a**2, 0)
    var_b = np.maximum(cv2.blur(b * b, size) - mean_b**2, 0)
    both = cv2.blur(a * b, size) - mean_a * mean_b
    ncc = both / np.sqrt(var_a * var_b + 0.25)
    return cast(Floats, ncc), cast(Floats, np.sqrt(np.maximum(var_a, var_b)))
