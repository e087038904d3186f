"""What changes right at a mask's edge, all along it and in the same direction: a shift of colour, a step of lightness.

The picture is read along normals of the mask's outline. Whatever the footage does across the edge, it does elsewhere
too, in other directions on other arcs and not just there; a fill that does not belong differs alike on every arc.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.vision._checks_window import Floats, Window

INNER, OUTER = 13, 19
"""Pixels to which a normal is read inside and outside of the edge."""
ARC = 9
"""Pixels of outline that are averaged to one arc."""
GAP, BAND = 5, 2
"""A shift may fade in over `GAP` pixels inside the edge; two bands of `BAND` pixels on both sides are compared."""
BESIDE = (8, 11, 14)
"""Offsets in pixels of the curves outside that the edge is compared with: clear of it by the bands' own reach."""
LEAST_ARCS = 5
STEP_BESIDE = (-9, -6, 6, 9, 12, 15)
"""Offsets in pixels of the curves that a step is compared with."""
LEVELS = 2.55
"""Levels of lightness in one L* unit, about."""
SEEN = 4.0
"""Lab units, or levels, that nobody sees in a flat picture, give or take; added to what the picture does by itself."""
SCATTER = 0.85
"""How much the arcs' disagreement counts against what they agree on."""
ROUNDS = 12
"""Of Weiszfeld's iteration; it has settled to a hundredth of a unit by then."""


@dataclass
class OutlineRecord:
    """Colour along the normals of the outline (arcs, offsets, 3), frame by frame."""

    profiles: list[Floats] = field(default_factory=list)

    def add(self, window: Window) -> None:
        self.profiles.extend(outline_profiles(window.lab, window.distance, window.inside))

    def shift(self) -> float:
        """Shift of the fill's lightness or of its chroma, over what the picture around does by itself in the same.

        The two are told apart since contrast of lightness hides no cast, least of all in a picture without colour.
        """
        curves = [differences(self.profiles, 1 + offset) for offset in (0, *BESIDE)]
        parts = [arcs[:, :1] for arcs in curves], [arcs[:, 1:] for arcs in curves]
        return max(_excess(part, _root_mean_square) for part in parts)

    def step(self) -> float:
        """Step of lightness at the edge, or line along it, over what the picture around does by itself."""
        curves = (0, *STEP_BESIDE)
        steps = [bends(self.profiles, offset, (-0.5, 1.5, -1.5, 0.5)) for offset in curves]
        lines = [bends(self.profiles, offset, (-0.5, 1.0, -0.5, 0.0)) for offset in curves]
        return max(_excess(steps, max), _excess(lines, max))


def _excess(curves: Sequence[Floats], together: Callable[[Sequence[float]], float]) -> float:
    """What the first curve's arcs (n, channels) agree on, over their scatter, what the others agree on, and a floor.

    0 when there is too little to tell.
    """
    edge, *others = curves
    if len(edge) < LEAST_ARCS:
        return 0.0
    agreed = middle(edge)
    scatter = float(np.median(np.linalg.norm(edge - agreed, axis=1)))
    around = [float(np.linalg.norm(middle(arcs))) for arcs in others if len(arcs) >= LEAST_ARCS]
    beside = together(around) if around else 0.0
    return float(np.linalg.norm(agreed)) / (beside + SCATTER * scatter + SEEN)


def _root_mean_square(values: Sequence[float]) -> float:
    """One curve on which the footage changes by chance hides no shift."""
    return float(np.sqrt(np.mean(np.square(values))))


def outline_profiles(values: Floats, distance: Floats, inside: NDArray[np.bool_]) -> Iterator[Floats]:
    """Per outline of a mask: means (arcs, INNER + OUTER, channels) of `values` (h, w, channels), NaN where unknown.

    Offset n holds what lies n - INNER + 0.5 pixels outside of the edge.
    """
    found, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    smooth = cv2.GaussianBlur(np.clip(distance, -40, 60), (0, 0), 2.0)
    slopes = np.dstack([cv2.Sobel(smooth, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1))]).astype(np.float32)
    for outline in found:
        points = np.asarray(outline[:, 0], np.int32)
        if len(points) >= ARC:
            yield _along(values, distance, points, slopes[points[:, 1], points[:, 0]])


def _along(values: Floats, distance: Floats, points: NDArray[np.int32], slopes: Floats) -> Floats:
    """Arc means on the normals of one outline; a place nearer to another part of the outline does not count."""
    offsets = np.arange(-INNER, OUTER) + 0.5
    normals = slopes / np.maximum(np.linalg.norm(slopes, axis=1, keepdims=True), 1e-3)
    places = (points[:, None] + normals[:, None] * (offsets + 0.5)[None, :, None]).astype(np.float32)
    xs, ys = np.ascontiguousarray(places[..., 0]), np.ascontiguousarray(places[..., 1])
    read, away = (cv2.remap(plane, xs, ys, cv2.INTER_LINEAR) for plane in (values, distance))
    height, width = distance.shape
    known = (np.abs(away - offsets) < 1.2 + 0.12 * np.abs(offsets)) & (xs > 0) & (ys > 0)
    known &= (xs < width - 1) & (ys < height - 1)
    count = len(points) // ARC
    starts = np.arange(count) * len(points) // count
    number = np.add.reduceat(known.astype(np.float32), starts)
    total = np.add.reduceat(np.where(known[..., None], read, 0), starts)
    means = total / np.maximum(number, 1)[..., None]
    return np.where((number >= ARC / 2)[..., None], means, np.nan).astype(np.float32)


def differences(profiles: Sequence[Floats], at: int) -> Floats:
    """Inner band less outer band (n, 3) of the arcs, for a curve `at` pixels outside of the edge."""
    found = [np.zeros((0, 3), np.float32)]
    for profile in profiles:
        outer = profile[:, INNER + at : INNER + at + BAND].mean(axis=1)
        inner = profile[:, INNER + at - GAP - BAND : INNER + at - GAP].mean(axis=1)
        step = inner - outer
        found.append(step[np.isfinite(step[:, 0])])
    return np.concatenate(found)


def bends(profiles: Sequence[Floats], at: int, weights: Sequence[float]) -> Floats:
    """Weighted sums (n, 1) in levels of four bands of two pixels, the curve `at` between the second and the third.

    Weights (-0.5, 1.5, -1.5, 0.5) give a step less the slopes on both sides.
    """
    found = [np.zeros((0, 1), np.float32)]
    for profile in profiles:
        start = INNER + at - 4
        bands = profile[:, start : start + 8, 0].reshape(len(profile), 4, 2).mean(axis=2) * LEVELS
        sums = bands @ np.asarray(weights, np.float32)
        found.append(sums[np.isfinite(sums), None])
    return np.concatenate(found)


def middle(vectors: Floats) -> Floats:
    """Geometric median of vectors (n, channels) (Weiszfeld 1937), blunt within a unit."""
    at = np.median(vectors, axis=0)
    for _ in range(ROUNDS):
        weight = 1 / np.maximum(np.linalg.norm(vectors - at, axis=1, keepdims=True), 1.0)
        at = (vectors * weight).sum(axis=0) / weight.sum()
    return np.asarray(at, np.float32)
