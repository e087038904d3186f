"""What a boxed figure wears, as colours by height, and how much of it two pictures of the figure do not share.

Pose, framing and set may differ: nothing is registered. A garment that changed shows twice at about the same height, as
a colour that is new and one that is gone; another crop or another set shows only one of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Rgb
from tools.vision._compare_register import Floats
from tools.vision.backdrop import to_lab

Array = NDArray[np.float64]

SIDE = 72
"""Square root of the area, in pixels, that a box is looked at in."""
AROUND = 0.25
"""How far around its box a figure's set is looked at, as a share of the longer side."""
COLOURS, ROWS = 40, 24
"""Colours that a crop is told in, and bands of height."""
LIGHTNESS, CHROMA = 0.8, 0.07
"""What lightness counts, and how fast chroma counts less where there is much of it. Tuned on audit-repair/ of
../shared/data with boxes jittered by 10 %: orange in sun and in shade are one colour, orange and white are not."""
SAME, OTHER = 4.0, 8.0
"""Distance up to which two colours are the same, and from which they are not; same data."""
SPARE = 3.0
"""Times that a colour must be rarer in the other picture to count as not there; same data."""
REACH = 0.15
"""Share of half the figure's height within which a colour is at its height; same data."""
SCALES = (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)
SHIFTS = (-0.08, 0.0, 0.08)
"""How one picture's heights are laid on the other's, from the top of the box: bust against full figure, a slack box."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A boxed figure: its colours (n, 3) in L*a*b* and how much of each stands at each height (n, ROWS), 1 in all."""

    colours: Array
    mass: Array


def figure_in(picture: Rgb, box: Box) -> Figure:
    """The figure that a box (x, y, w, h) in pixels of a picture (H, W, 3) is drawn around.

    What the set around the box shows more of than the middle of the box is the set. Raises ValueError for a box that
    lies outside the picture.
    """
    crop, across, down = _crop(picture, box)
    lab = to_lab(crop)
    colours, names = _quantised(lab)
    inside = (np.abs(across) < 1) & (np.abs(down) < 1)
    weight = _of_the_figure(colours, names, inside, across, down)
    rows = np.clip(((down + 1) / 2 * ROWS).astype(int), 0, ROWS - 1)
    mass = np.zeros((len(colours), ROWS))
    np.add.at(mass, (names[inside], rows[inside]), weight[inside])
    return Figure(colours, mass / max(float(mass.sum()), 1e-9))


def garment_disagreement(reference: Figure, seen: Figure) -> float:
    """How much of what a figure wears differs from a clean picture of it, from 0 (all is there) to about 2.

    The geometric mean of what is new and what is gone, and what is both at one height. It ranks pictures of one figure;
    light is not matched first: on the sliders, doing so explained garments away.
    """
    alike = _alike(reference.colours, seen.colours)
    own, theirs = _alike(reference.colours, reference.colours), _alike(seen.colours, seen.colours)
    given, taken = alike.T @ reference.mass, alike @ seen.mass
    asked, had = theirs @ seen.mass @ _heights(1.0, 0.0), own @ reference.mass @ _heights(1.0, 0.0)
    found = []
    for scale, shift in product(SCALES, SHIFTS):
        heights = _heights(scale, shift)
        new = (seen.mass * _missing(given @ heights, asked)).sum(axis=0)
        gone = (reference.mass * _missing(taken @ heights.T, had)).sum(axis=0)
        found.append((float(new.sum() + gone.sum()), new, gone, heights))
    _, new, gone, heights = min(found, key=lambda one: one[0])
    moved = (heights / np.maximum(heights.sum(axis=0), 1e-9)).T @ gone
    both = np.minimum(_spread(new), _spread(moved)).sum()
    return float(np.sqrt(new.sum() * gone.sum()) + both)


def _crop(picture: Rgb, box: Box) -> tuple[Rgb, Floats, Floats]:
    """The box with its surround at working size; each pixel's place across and down the box, −1 to 1 inside it."""
    height, width = picture.shape[:2]
    box = Box(box.x, box.y, box.w, box.h).grown(0, width, height)
    if box.w < 2 or box.h < 2:
        raise ValueError(f"{box} does not lie in a picture of {width}×{height}")
    wide = box.grown(int(AROUND * max(box.w, box.h)), width, height)
    scale = SIDE / float(np.sqrt(box.area))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    crop = cast(Rgb, cv2.resize(picture[wide.slices], None, fx=scale, fy=scale, interpolation=way))
    rows, columns = np.mgrid[0 : crop.shape[0], 0 : crop.shape[1]] + 0.5
    across = (columns - (box.x - wide.x) * scale) / (box.w * scale) * 2 - 1
    down = (rows - (box.y - wide.y) * scale) / (box.h * scale) * 2 - 1
    return crop, across.astype(np.float32), down.astype(np.float32)


def _quantised(lab: Floats) -> tuple[Array, NDArray[np.int64]]:
    """At most COLOURS colours of a picture, and which one each pixel has."""
    points = np.ascontiguousarray((lab * np.array([0.5, 1, 1], np.float32)).reshape(-1, 3))
    some = points[np.random.default_rng(0).choice(len(points), min(2500, len(points)), replace=False)]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 8, 0.5)
    first = np.zeros((len(some), 1), np.int32)
    _, _, middles = cv2.kmeans(some, min(COLOURS, len(some)), first, stop, 1, cv2.KMEANS_PP_CENTERS)
    apart = (middles**2).sum(axis=1) - 2 * points @ middles.T
    return middles / np.array([0.5, 1.0, 1.0]), apart.argmin(axis=1).reshape(lab.shape[:2])


def _of_the_figure(
    colours: Array, names: NDArray[np.int64], inside: Bits, across: Floats, down: Floats
) -> NDArray[np.float64]:
    """How likely each pixel belongs to the figure: near the middle of the box, of colours that the set has less of."""
    near = np.exp(-((across / 0.5) ** 2 + (down / 0.9) ** 2)) * inside
    weight = np.exp(-0.5 * ((across / 0.4) ** 2 + (down / 0.8) ** 2)) * inside
    apart = _apart(colours * [0.5, 1, 1], colours * [0.5, 1, 1])
    kin = np.exp(-0.5 * (apart / 4) ** 2)
    told = (~inside).sum() > 0.1 * inside.sum()
    around = kin @ _counted(names, (~inside).astype(np.float64)) if told else np.zeros(len(colours))
    for _ in range(2):
        own = kin @ _counted(names, weight)
        share = (own / (own + around + 1e-9))[names].astype(np.float32)
        weight = near * cv2.GaussianBlur(share, (0, 0), 1.2) ** 3
    return np.asarray(weight, np.float64)


def _counted(names: NDArray[np.int64], weight: NDArray[Any]) -> Array:
    """Share of each colour."""
    counts = np.bincount(names.ravel(), weights=weight.ravel(), minlength=int(names.max()) + 1)
    return np.asarray(np.pad(counts, (0, max(0, COLOURS - len(counts))))[:COLOURS] / max(float(counts.sum()), 1e-9))


def compressed(lab: NDArray[Any]) -> NDArray[Any]:
    """L*a*b* (…, 3) with chroma on a logarithm, as in DIN 6176 (DIN99), and lightness weighted."""
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    less = np.log1p(CHROMA * chroma) / (CHROMA * np.maximum(chroma, 1e-6))
    return np.stack([lab[..., 0] * LIGHTNESS, lab[..., 1] * less, lab[..., 2] * less], axis=-1)


def _alike(one: Array, other: Array) -> Array:
    """1 where two colours are the same, 0 where they are not (n, m)."""
    apart = _apart(compressed(one), compressed(other))
    return np.asarray(np.clip((OTHER - apart) / (OTHER - SAME), 0, 1))


def _apart(one: NDArray[Any], other: NDArray[Any]) -> Array:
    return np.asarray(np.linalg.norm(one[:, None] - other[None], axis=2), np.float64)


def _missing(there: Array, asked: Array) -> Array:
    return np.asarray(np.clip(1 - SPARE * there / np.maximum(asked, 1e-9), 0, 1))


@lru_cache(maxsize=64)
def _heights(scale: float, shift: float) -> Array:
    """Which heights of one picture (rows) are at a height of another (columns) that is `scale` times as large."""
    middle = (np.arange(ROWS) + 0.5) / ROWS * 2 - 1
    apart = np.abs(middle[:, None] - ((middle[None] + 1) * scale - 1 + shift))
    return np.asarray(np.clip((2 * REACH - apart) / REACH, 0, 1))


def _spread(rows: Array) -> Array:
    return np.convolve(rows, np.ones(5) / 5, "same")
