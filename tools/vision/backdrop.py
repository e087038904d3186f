"""The plain surround of a sheet's figure, told from the figure."""

from __future__ import annotations

from typing import TypeAlias, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Rgb

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]


def to_lab(rgb: Rgb) -> Floats:
    """CIELAB (H, W, 3) float32, L 0 to 100."""
    return cast(Floats, cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2Lab))


def plain_backdrop(rgb: Rgb) -> Bits:
    """A sheet's plain backdrop (H, W), which says nothing of a shot: the smooth area that runs in from the border.

    Smooth is a gradient under 1 ΔE per pixel, so that falling light counts as plain; openings in the subject that show
    the same colour (a quadratic of the place) belong to it.
    """
    lab = cv2.GaussianBlur(to_lab(rgb), (0, 0), 1.2)
    steps = [
        np.abs(s) for d in ((1, 0), (0, 1)) for s in cv2.split(cv2.Sobel(lab, cv2.CV_32F, *d, ksize=3, scale=1 / 8))
    ]
    smooth = (np.maximum.reduce(steps) < 1.0).astype(np.uint8)
    smooth = cv2.morphologyEx(smooth, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels = cv2.connectedComponents(smooth)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    counts = np.bincount(edge[edge > 0], minlength=1)
    backdrop = np.isin(labels, np.flatnonzero(counts > 0.08 * edge.size))
    return backdrop | _of_its_colour(cast(Floats, lab), backdrop)


def _of_its_colour(lab: Floats, backdrop: Bits, limit: float = 5.0) -> Bits:
    """Where a picture has the colour that its backdrop would have there, within `limit` ΔE."""
    rows, columns = np.nonzero(backdrop)
    if len(rows) < 200:
        return np.zeros_like(backdrop)
    step = max(1, len(rows) // 3000)
    design = _quadratic(columns[::step] / lab.shape[1], rows[::step] / lab.shape[0])
    solution = np.linalg.lstsq(design, lab[rows[::step], columns[::step]], rcond=None)[0]
    yy, xx = np.mgrid[0 : lab.shape[0], 0 : lab.shape[1]]
    expected = _quadratic(xx.ravel() / lab.shape[1], yy.ravel() / lab.shape[0]) @ solution
    return cast(Bits, np.linalg.norm(lab - expected.reshape(lab.shape), axis=2) < limit)


def _quadratic(x: Doubles, y: Doubles) -> Doubles:
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
