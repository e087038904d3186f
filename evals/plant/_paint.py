"""Paint for procedural things: shapes with soft edges, shading, texture, and cutouts made of them.

A cutout is (h, w, 4) float32: colour times alpha, then alpha, both 0 to 1. Positions are shares of the canvas's side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Pixels: TypeAlias = NDArray[np.float32]
Rng: TypeAlias = np.random.Generator

SIDE = 320
"""Pixels a side of a canvas."""
SHIFT = 4
"""Fractional bits of polygon corners."""


def clipped(values: ArrayLike, low: float = 0.0, high: float = 1.0) -> Pixels:
    """Values as float32 within limits."""
    return np.clip(np.asarray(values, np.float32), np.float32(low), np.float32(high))


def polygon(points: ArrayLike, side: int = SIDE) -> Pixels:
    """Coverage (side, side) of a closed polygon."""
    drawn = np.zeros((side, side), np.uint8)
    corners = np.rint(np.asarray(points, np.float64) * side * (1 << SHIFT)).astype(np.int32)
    cv2.fillPoly(drawn, [corners], 255, cv2.LINE_AA, SHIFT)
    return np.asarray(drawn / np.float32(255), np.float32)


def ellipse(centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0.0) -> Pixels:
    """Coverage of a filled ellipse."""
    turn = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    x, y = radii[0] * np.cos(turn), radii[1] * np.sin(turn)
    angle = np.radians(degrees)
    across, down = x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)
    return polygon(np.column_stack([across + centre[0], down + centre[1]]))


def rounded(left: float, top: float, right: float, bottom: float, corner: float) -> Pixels:
    """Coverage of a rectangle with round corners."""
    points: list[tuple[float, float]] = []
    for x, y, start in (
        (right - corner, bottom - corner, 0),
        (left + corner, bottom - corner, 90),
        (left + corner, top + corner, 180),
        (right - corner, top + corner, 270),
    ):
        for degrees in np.radians(np.linspace(start, start + 90, 12)):
            points.append((x + corner * float(np.cos(degrees)), y + corner * float(np.sin(degrees))))
    return polygon(points)


def stroke(points: ArrayLike, width: float) -> Pixels:
    """Coverage of a line through points, `width` of the canvas wide."""
    drawn = np.zeros((SIDE, SIDE), np.uint8)
    corners = np.rint(np.asarray(points, np.float64) * SIDE * (1 << SHIFT)).astype(np.int32)
    cv2.polylines(drawn, [corners], False, 255, max(1, round(width * SIDE)), cv2.LINE_AA, SHIFT)
    return np.asarray(drawn / np.float32(255), np.float32)


def grid() -> tuple[Pixels, Pixels]:
    """x and y of every pixel of a canvas, 0 to 1."""
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE
    x, y = np.meshgrid(axis, axis)
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def clouds(rng: Rng, size: tuple[int, int], coarse: float, octaves: int = 4) -> Pixels:
    """Fractal value noise (h, w) with mean 0 and standard deviation 1; `coarse` is the largest wave in pixels."""
    height, width = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        cell = max(1.0, coarse / 2**octave)
        shape = (max(2, round(height / cell) + 2), max(2, round(width / cell) + 2))
        total += cv2.resize(
            rng.standard_normal(shape).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        ) / np.float32(2**octave)
    spread = float(total.std())
    return np.asarray((total - total.mean()) / max(spread, 1e-6), np.float32)


def colour_of(rng: Rng, *, muted: bool = False) -> Pixels:
    """A random paint or plastic, (3,) R, G, B as a share of white: rarely as strong as a screen's primaries."""
    hue, full = float(rng.uniform(0, 1)), float(rng.uniform(0.05, 0.3) if muted else rng.uniform(0.3, 0.85))
    value = float(rng.uniform(0.2, 0.9))
    six = np.abs(((hue + np.array([0, 2 / 3, 1 / 3])) % 1) * 6 - 3) - 1
    return clipped(value * (1 - full * (1 - np.clip(six, 0, 1))))


def coloured(cover: Pixels, colour: ArrayLike, shade: ArrayLike = 1.0) -> Pixels:
    """A cutout of a shape in one colour (3,) or (h, w, 3), under a shading (h, w)."""
    light = np.broadcast_to(np.asarray(shade, np.float32), cover.shape)[..., None]
    paint = clipped(np.asarray(colour, np.float32) * light)
    return np.dstack([paint * cover[..., None], cover]).astype(np.float32)


def stacked_up(layers: Sequence[Pixels]) -> Pixels:
    """Cutouts laid on each other, the first one lowest."""
    below = layers[0]
    for above in layers[1:]:
        below = above + below * (1 - above[..., 3:])
    return below


def sheen(cover: Pixels, at: tuple[float, float], radii: tuple[float, float], strength: float) -> Pixels:
    """A highlight on a shape: white, soft, only where the shape is."""
    x, y = grid()
    spot = np.exp(-(((x - at[0]) / radii[0]) ** 2 + ((y - at[1]) / radii[1]) ** 2)) * strength
    return coloured(clipped(spot * cover), (1.0, 1.0, 1.0))


def barrel(left: float, right: float, lit_from: float) -> Pixels:
    """Shading (h, w) of an upright cylinder between two edges; `lit_from` is -1 (left) to 1 (right)."""
    x, _ = grid()
    across = clipped((2 * x - left - right) / max(right - left, 1e-6), -0.98, 0.98)
    depth = np.sqrt(1 - across**2)
    return clipped(0.35 + 0.7 * np.clip(depth * np.cos(lit_from) + across * np.sin(lit_from), 0, 1), 0, 1.05)


def with_shadow(thing: Pixels, towards: tuple[float, float], softness: float, strength: float) -> Pixels:
    """The cutout over the soft shadow that it throws on what it lies on."""
    height, width = thing.shape[:2]
    shift = np.array([[1, 0, towards[0] * width], [0, 1, towards[1] * height]], np.float64)
    cast = cv2.GaussianBlur(cv2.warpAffine(thing[..., 3], shift, (width, height)), (0, 0), softness * width) * strength
    return stacked_up([coloured(np.asarray(cast, np.float32), (0.02, 0.02, 0.03)), thing])


def trimmed(cutout: Pixels, faint: float) -> Pixels:
    """The cutout cropped to what shows, with alpha at or below `faint` set to nothing."""
    kept = np.where(cutout[..., 3:] > faint, cutout, 0)
    rows, columns = np.flatnonzero(kept[..., 3].any(axis=1)), np.flatnonzero(kept[..., 3].any(axis=0))
    inner = kept[max(0, rows[0] - 2) : rows[-1] + 3, max(0, columns[0] - 2) : columns[-1] + 3]
    return np.ascontiguousarray(inner, np.float32)
