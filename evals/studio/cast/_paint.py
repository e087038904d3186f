"""Brushes of the illustrator: vector shapes rasterised with soft shading and a texture on every surface.

Coordinates are a figure's units, y down. Colours are (r, g, b), 0–255; layers are premultiplied, alpha last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.studio._matte import Pixels, pixels

Colour: TypeAlias = tuple[float, float, float]
Points: TypeAlias = NDArray[np.float64]
Ink: TypeAlias = Callable[[Pixels, Pixels], Pixels]
"""Colour (h, w, 3) at coordinates x and y, both (h, w)."""

TILE = 256


@dataclass(frozen=True, slots=True)
class Light:
    """Where light comes from, in the picture: `x` right, `y` down, and its tint."""

    x: float = -0.5
    y: float = -0.6
    tint: Colour = (1.0, 1.0, 1.0)
    contrast: float = 0.42


@dataclass(frozen=True, slots=True)
class Cel:
    """A painted layer (h, w, 4), premultiplied, whose first pixel lies at (x, y)."""

    rgba: Pixels
    x: float
    y: float


@lru_cache(maxsize=64)
def tile(seed: int, fall: float = 1.1) -> Pixels:
    """A seamless (256, 256) noise of unit deviation whose amplitude falls with frequency as 1 / f^`fall`."""
    spectrum = np.fft.rfft2(np.random.default_rng([seed, 77]).standard_normal((TILE, TILE)))
    rows, columns = np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None]
    reach = np.maximum(np.hypot(rows, columns), 3 / TILE)
    noise = np.fft.irfft2(spectrum / reach**fall, s=(TILE, TILE))
    return np.asarray((noise - noise.mean()) / noise.std(), np.float32)


def textured(seed: int, x: Pixels, y: Pixels, fall: float = 1.1) -> Pixels:
    """Noise of unit deviation at coordinates, the same wherever the same surface is seen."""
    return np.asarray(
        cv2.remap(tile(seed, fall), np.mod(x, TILE), np.mod(y, TILE), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP),
        np.float32,
    )


def grained_ink(colour: Colour, seed: int, amount: float = 0.06, stretch: tuple[float, float] = (1.0, 1.0)) -> Ink:
    """One colour with a surface of its own."""

    def ink(x: Pixels, y: Pixels) -> Pixels:
        rough = 1 + amount * textured(seed, x * stretch[0], y * stretch[1], 0.8)
        return np.asarray(np.asarray(colour, np.float32) * rough[..., None], np.float32)

    return ink


def shading(alpha: Pixels, depth: float, light: Light) -> Pixels:
    """Light on a shape that swells by about `depth` towards its middle: about 1, (h, w); Lambert on a pillow."""
    height, width = alpha.shape
    step = max(1, min(4, int(depth / 6)))
    small = cv2.resize(alpha, (max(3, width // step), max(3, height // step)), interpolation=cv2.INTER_AREA)
    padded = cv2.copyMakeBorder((small > 0.5).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    away = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1] * step / depth
    swell = np.sqrt(np.clip(away, 0, 1) * (2 - np.clip(away, 0, 1))) * depth
    swell = cv2.GaussianBlur(swell, (0, 0), max(0.8, 0.22 * depth / step)) / step
    dx, dy = cv2.Sobel(swell, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(swell, cv2.CV_32F, 0, 1, scale=0.125)
    facing = (1.15 - light.x * -dx - light.y * -dy) / np.sqrt(1 + dx * dx + dy * dy) / 1.15
    lit = 1 + light.contrast * (pixels(facing, 0, 1.5) - 0.92)
    return np.asarray(cv2.resize(lit.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def ellipse(x: float, y: float, rx: float, ry: float, *, degrees: float = 0.0, points: int = 48) -> Points:
    """An ellipse as (n, 2) points."""
    t = np.linspace(0, 2 * np.pi, points, endpoint=False)
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    u, v = rx * np.cos(t), ry * np.sin(t)
    return np.column_stack([x + u * cos - v * sin, y + u * sin + v * cos])


def smooth(corners: Sequence[tuple[float, float]], rounds: int = 3) -> Points:
    """A closed curve through the middle of its corners (Chaikin 1974)."""
    points = np.asarray(corners, np.float64)
    for _ in range(rounds):
        after = np.roll(points, -1, axis=0)
        points = np.stack([0.75 * points + 0.25 * after, 0.25 * points + 0.75 * after], axis=1).reshape(-1, 2)
    return points


def stroke(points: Points, widths: Sequence[float] | float) -> Points:
    """The outline of a line with given full widths along it."""
    half = np.broadcast_to(np.asarray(widths, np.float64) / 2, (len(points),))[:, None]
    along = np.gradient(points, axis=0)
    normal = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.linalg.norm(along, axis=1), 1e-6)[:, None]
    return np.vstack([points + normal * half, (points - normal * half)[::-1]])


def curve(corners: Sequence[tuple[float, float]], count: int = 24) -> Points:
    """An open Bézier curve with the given control points."""
    t = np.linspace(0, 1, count)[:, None, None]
    points = np.broadcast_to(np.asarray(corners, np.float64), (count, len(corners), 2))
    while points.shape[1] > 1:
        points = points[:, :-1] * (1 - t) + points[:, 1:] * t
    return points[:, 0].copy()


class Canvas:
    """Where a part is painted: a rectangle of units under one light."""

    def __init__(self, left: float, top: float, right: float, bottom: float, light: Light) -> None:
        self.x, self.y, self.light = float(np.floor(left)), float(np.floor(top)), light
        self.rgba = np.zeros((int(np.ceil(bottom - self.y)), int(np.ceil(right - self.x)), 4), np.float32)

    @property
    def cel(self) -> Cel:
        return Cel(self.rgba, self.x, self.y)

    def _place(self, points: Points, pad: float) -> tuple[slice, slice] | None:
        height, width = self.rgba.shape[:2]
        low = np.floor(points.min(axis=0) - (self.x + pad, self.y + pad)).astype(int)
        high = np.ceil(points.max(axis=0) - (self.x - pad, self.y - pad)).astype(int) + 1
        rows, columns = slice(max(0, low[1]), min(height, high[1])), slice(max(0, low[0]), min(width, high[0]))
        return (rows, columns) if rows.stop > rows.start and columns.stop > columns.start else None

    def mask(self, points: Points, place: tuple[slice, slice], soft: float) -> Pixels:
        """Coverage of a polygon inside a place of the canvas, its edge `soft` units wide."""
        rows, columns = place
        local = points - (self.x + columns.start, self.y + rows.start)
        cover = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        cv2.fillPoly(cover, [np.rint(local * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        soft_cover = cv2.GaussianBlur(cover.astype(np.float32) / 255, (0, 0), soft) if soft > 0.3 else cover / 255
        return np.asarray(soft_cover, np.float32)

    def grid(self, place: tuple[slice, slice]) -> tuple[Pixels, Pixels]:
        """Coordinates x and y of a place's pixels."""
        rows, columns = place
        x = np.arange(columns.start, columns.stop, dtype=np.float32) + np.float32(self.x)
        y = np.arange(rows.start, rows.stop, dtype=np.float32) + np.float32(self.y)
        return np.broadcast_to(x, (len(y), len(x))), np.broadcast_to(y[:, None], (len(y), len(x)))

    def fill(
        self,
        points: Points,
        ink: Colour | Ink,
        *,
        depth: float = 0.0,
        soft: float = 0.7,
        opacity: float = 1.0,
        without: Points | None = None,
        rim: float = 0.0,
    ) -> None:
        """Paints a polygon, shaded when it has `depth`; `without` cuts a hole, `rim` darkens the edge."""
        place = self._place(points, 3 * soft + 1)
        if place is None:
            return
        alpha = self.mask(points, place, soft)
        if without is not None:
            alpha = alpha * (1 - self.mask(without, place, soft))
        colour = ink(*self.grid(place)) if callable(ink) else np.asarray(ink, np.float32)
        if depth:
            colour = colour * shading(alpha, depth, self.light)[..., None]
        if rim:
            edge = cv2.GaussianBlur(alpha, (0, 0), 4.0)
            colour = colour * (1 - rim * pixels(1.15 - edge, 0, 1) * alpha)[..., None]
        self.lay(place, pixels(colour * np.asarray(self.light.tint, np.float32)), alpha * opacity)

    def lay(self, place: tuple[slice, slice], colour: Pixels, alpha: Pixels) -> None:
        """Lays colour (h, w, 3) with coverage (h, w) over what is there."""
        below = self.rgba[place]
        below *= 1 - alpha[..., None]
        below[..., :3] += colour * alpha[..., None]
        below[..., 3] += alpha

    def keep(self, points: Points, soft: float = 0.7) -> None:
        """Removes all that lies outside a polygon."""
        height, width = self.rgba.shape[:2]
        self.rgba *= self.mask(points, (slice(0, height), slice(0, width)), soft)[..., None]
