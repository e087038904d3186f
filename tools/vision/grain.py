"""Film grain and sensor noise: how strong the finest detail is where the picture's structure is alike.

The high-frequency residual of a picture holds grain and fine texture. Blocks are compared only with blocks whose
low-passed gradient and brightness are alike, so texture cancels and grain (or its absence, or blur) is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Gray

Floats = NDArray[np.float32]

BLOCK = 6
"""Side of a block in pixels."""
VISIBLE = 0.45
"""Levels of residual under which grain is not seen; added to both sides of a ratio."""
LEAST_BLOCKS = 6
GRADIENT_STEP, LEVEL_STEP = 0.35, 40.0
"""Width of a class of blocks: in log gradient, and in levels of brightness."""


def block_features(luma: Gray) -> Floats:
    """(rows, columns, 3) per block: residual sigma in levels, log low-passed gradient, mean level."""
    picture = luma.astype(np.float32)
    residual = picture - cv2.GaussianBlur(picture, (0, 0), 1.0)
    smooth = cv2.GaussianBlur(picture, (0, 0), 2.0)
    slopes = [cv2.Sobel(smooth, cv2.CV_32F, *axis, scale=0.125) for axis in ((1, 0), (0, 1))]
    gradient = np.asarray(cv2.magnitude(*slopes), np.float32)
    sigma = np.sqrt(_blocks(np.square(residual)))
    return np.dstack([sigma, np.log(_blocks(gradient) + 0.3), _blocks(smooth)]).astype(np.float32)


def _blocks(plane: NDArray[Any]) -> Floats:
    """Means of the whole blocks of a plane."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    cut = plane[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(cut.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3)), np.float32)


def whole_blocks(bits: Bits) -> Bits:
    """Blocks that lie entirely in a mask (rows, columns)."""
    return np.asarray(_blocks(bits.astype(np.float32)) > 0.999, np.bool_)


@dataclass
class GrainRecord:
    """Fine detail of a region and of its surround, gathered over frames."""

    inside: list[Floats] = field(default_factory=list)
    around: list[Floats] = field(default_factory=list)

    def add(self, luma: Gray, inside: Bits, around: Bits) -> None:
        """Takes one picture; masks (h, w) of the region and the surround, clear of the edge."""
        features = block_features(luma)
        self.inside.append(features[whole_blocks(inside)])
        self.around.append(features[whole_blocks(around)])

    def mismatch(self) -> float:
        """Octaves between inside and around among blocks alike in gradient and brightness (1: half or twice).

        0 when nothing can be compared.
        """
        none = np.zeros((0, 3), np.float32)
        logs, weights = _class_ratios(np.concatenate([none, *self.inside]), np.concatenate([none, *self.around]))
        return abs(float(np.average(logs, weights=weights))) / float(np.log(2)) if len(logs) else 0.0


def _class_ratios(inside: Floats, around: Floats) -> tuple[Floats, Floats]:
    """Log ratio of residuals per class of blocks that both sides have, and its weight."""
    keys = [_classes(part) for part in (inside, around)]
    shared = np.intersect1d(keys[0], keys[1])
    logs, weights = [], []
    for key in shared:
        one, other = inside[keys[0] == key, 0], around[keys[1] == key, 0]
        if min(len(one), len(other)) >= LEAST_BLOCKS:
            logs.append(np.log((np.median(one) + VISIBLE) / (np.median(other) + VISIBLE)))
            weights.append(min(len(one), len(other)))
    return np.array(logs, np.float32), np.array(weights, np.float32)


def _classes(features: Floats) -> NDArray[np.intp]:
    gradient = np.floor(features[:, 1] / GRADIENT_STEP).astype(np.intp)
    return np.asarray((gradient + 64) * 1024 + np.floor(features[:, 2] / LEVEL_STEP).astype(np.intp), np.intp)
