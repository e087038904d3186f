"""Film grain and sensor noise: how strong the finest detail is where the picture's structure is alike.

The high-frequency residual of a picture holds grain and fine texture. Blocks are compared only with blocks whose
coarser structure and brightness are alike, so texture cancels and grain (or its absence, or blur) is left.
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
MEDIUM = (1.5, 3.0)
"""Sigmas in pixels between which the structure lies that blocks are matched by."""
ALIKE = (0.25, 25.0)
"""How far apart alike blocks may be: in log structure, and in levels of brightness (sigmas of a Gaussian)."""
LEAST_WEIGHT, ENOUGH = 0.5, 6.0
"""Alike blocks around that a block needs to be judged, and to count in full."""
MOST_BLOCKS = (1200, 2400)
"""Blocks inside and around that are compared; of more, an even choice."""


def block_features(luma: Gray) -> Floats:
    """(rows, columns, 3) per block: sigma of the finest detail in levels, log structure, mean level."""
    picture = luma.astype(np.float32)
    finest = picture - cv2.GaussianBlur(picture, (0, 0), 1.0)
    one, two = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in MEDIUM)
    structure = np.sqrt(_blocks(np.square(one - two)))
    return np.dstack([np.sqrt(_blocks(np.square(finest))), np.log(structure + 0.3), _blocks(one)]).astype(np.float32)


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
        """Octaves by which the finest detail inside differs from that of alike blocks around (1: half or twice).

        Each block inside is held against the kernel regression over the blocks around (Nadaraya and Watson 1964). 0
        when nothing can be compared.
        """
        none = np.zeros((0, 3), np.float32)
        sides = (np.concatenate([none, *self.inside]), np.concatenate([none, *self.around]))
        here, there = (_thinned(side, most) for side, most in zip(sides, MOST_BLOCKS, strict=True))
        scale = np.array(ALIKE, np.float32)
        near = np.exp(-0.5 * np.square(here[:, None, 1:] / scale - there[None, :, 1:] / scale).sum(axis=2))
        mass = near.sum(axis=1)
        weight = np.where(mass > LEAST_WEIGHT, np.minimum(mass, ENOUGH), 0)
        if weight.sum() < ENOUGH:
            return 0.0
        expected = near @ np.log(there[:, 0] + VISIBLE) / np.maximum(mass, 1e-6)
        return abs(float(np.average(np.log(here[:, 0] + VISIBLE) - expected, weights=weight))) / float(np.log(2))


def _thinned(blocks: Floats, most: int) -> Floats:
    if len(blocks) <= most:
        return blocks
    return blocks[np.linspace(0, len(blocks) - 1, most).round().astype(np.intp)]
