"""Colours of one set of pictures matched to another's: a robust affine map of R, G, B, made only where it helps.

An affine map undoes what a model's coding does to a whole picture: another matrix or range, a lifted black, a tint.
It is fitted to small pictures, so that detail and grain that a model redraws do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Rgb

Map: TypeAlias = NDArray[np.float64]
"""(3, 4): R, G, B in 0-255 to R, G, B."""

SAME: Map = np.eye(3, 4)
CELLS = 48
"""Longer side of the small pictures."""
LEAST_CELLS = 24
NOTICED = 0.8
"""Mean difference in levels under which nothing is done."""
GAIN = 0.75
"""Share of the difference that a map must leave at most."""
STIFF = 40.0
"""Cells' worth of pull towards no change."""
ROUNDS = 4

Pair: TypeAlias = tuple[Rgb, Rgb, Bits]
"""What is shown, what it should look like, and where the two may be compared; (H, W, 3) twice and (H, W)."""


def matching(pairs: Sequence[Pair]) -> Map:
    """The map from the shown colours to the right ones; `SAME` when there is little to go by or little to gain."""
    samples = [_samples(*pair) for pair in pairs]
    shown = np.concatenate([one for one, _ in samples]) if samples else np.zeros((0, 3))
    right = np.concatenate([one for _, one in samples]) if samples else np.zeros((0, 3))
    if len(shown) < LEAST_CELLS:
        return SAME
    before = _apart(shown, right)
    if float(np.median(before)) < NOTICED:
        return SAME
    found = _robust(shown, right)
    left = _apart(applied(found, shown), right)
    return found if float(np.median(left)) < GAIN * float(np.median(before)) else SAME


def applied(way: Map, colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map of colours (…, 3)."""
    return np.asarray(colours @ way[:, :3].T + way[:, 3])


def recoloured(picture: Rgb, way: Map) -> Rgb:
    """A picture through the map; the picture itself when the map changes nothing."""
    if np.array_equal(way, SAME):
        return picture
    made = cv2.transform(picture.astype(np.float32), way.astype(np.float32))
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def between(one: Map, other: Map, share: float) -> Map:
    """The map that lies `share` of the way from one to the other."""
    return np.asarray(one + (other - one) * share)


def _samples(shown: Rgb, right: Rgb, known: Bits) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean colours (n, 3) of the cells that are known as a whole, and neither black nor burnt out."""
    height, width = known.shape
    scale = min(1.0, CELLS / max(height, width))
    size = max(2, round(width * scale)), max(2, round(height * scale))
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    a, b = (
        cv2.resize(one.astype(np.float32), size, interpolation=cv2.INTER_AREA).astype(np.float64)
        for one in (shown, right)
    )
    whole = (share > 0.999) & (a.min(axis=2) > 3) & (a.max(axis=2) < 252) & (b.min(axis=2) > 3) & (b.max(axis=2) < 252)
    return a[whole], b[whole]


def _robust(shown: NDArray[np.float64], right: NDArray[np.float64]) -> Map:
    """Weighted least squares with a pull towards no change; cells that fit badly lose their weight (Cauchy)."""
    middle = shown.mean(axis=0)
    rows = np.column_stack([shown - middle, np.ones(len(shown))])
    gap = right - shown
    spread = np.diag([STIFF * 20.0**2] * 3 + [STIFF * 0.01])
    weight = np.ones(len(shown))
    change = np.zeros((4, 3))
    for _ in range(ROUNDS):
        weighted = rows * weight[:, None]
        change = np.linalg.solve(weighted.T @ rows + spread, weighted.T @ gap)
        left = np.linalg.norm(gap - rows @ change, axis=1)
        scale = max(0.5, 1.5 * float(np.median(left)))
        weight = 1 / (1 + (left / scale) ** 2)
    linear = np.eye(3) + change[:3].T
    return np.column_stack([linear, change[3] - change[:3].T @ middle])


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.abs(one - other).mean(axis=1))
