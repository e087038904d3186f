"""Film grain and sensor noise: how strong the finest detail is where the picture's structure is alike.

The high-frequency residual of a picture holds grain and fine texture. Blocks are compared only with blocks whose
coarser structure, brightness and colour are alike, so that one material is held against itself: texture cancels and
grain (or its absence, or blur) is left.
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
MEDIUM, COARSE = (1.5, 3.0), (3.0, 6.0)
"""Sigmas in pixels between which the structure lies that blocks are matched by. Blur takes from the coarse one less."""
ALIKE = (0.25, 25.0, 0.6, 15.0, 15.0)
"""How far apart alike blocks may be: in log structure, in levels of brightness, in log coarse structure, and in a* and
b* (sigmas of a Gaussian)."""
LEAST_WEIGHT, ENOUGH = 0.5, 6.0
"""Alike blocks around that a block needs to be judged, and to count in full."""
SCATTER, ALWAYS = 0.7, 0.2
"""How much the scatter of blocks counts against detail gained, and the scatter in octaves that any blocks have."""
MOST_BLOCKS = (1200, 2400)
"""Blocks inside and around that are compared; of more, an even choice."""


def block_features(luma: Gray) -> Floats:
    """(rows, columns, 3) per block: sigma of the finest detail in levels, log structure, mean level."""
    picture = luma.astype(np.float32)
    finest = picture - cv2.GaussianBlur(picture, (0, 0), 1.0)
    one, two = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in MEDIUM)
    structure = np.log(np.sqrt(block_means(np.square(one - two))) + 0.3)
    return np.dstack([np.sqrt(block_means(np.square(finest))), structure, block_means(one)]).astype(np.float32)


def _material(luma: Gray, lab: Floats) -> Floats:
    """(rows, columns, 6) per block: what `block_features` tells, log coarse structure, mean a*, mean b*."""
    picture = luma.astype(np.float32)
    one, two = (cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in COARSE)
    coarse = np.log(np.sqrt(block_means(np.square(one - two))) + 0.3)
    tints = [block_means(lab[..., axis]) for axis in (1, 2)]
    return np.dstack([block_features(luma), coarse, *tints]).astype(np.float32)


def block_means(plane: NDArray[Any]) -> Floats:
    """Means of the whole blocks of a plane."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    cut = plane[: rows * BLOCK, : columns * BLOCK]
    return np.asarray(cut.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3)), np.float32)


def whole_blocks(bits: Bits) -> Bits:
    """Blocks that lie entirely in a mask (rows, columns)."""
    return np.asarray(block_means(bits.astype(np.float32)) > 0.999, np.bool_)


@dataclass
class GrainRecord:
    """Fine detail of a region and of its surround, gathered over frames."""

    inside: list[Floats] = field(default_factory=list)
    around: list[Floats] = field(default_factory=list)

    def add(self, luma: Gray, lab: Floats, inside: Bits, around: Bits) -> None:
        """Takes one picture (h, w), its CIE Lab (h, w, 3), and masks of region and surround, both clear of the edge."""
        features = _material(luma, lab)
        self.inside.append(features[whole_blocks(inside)])
        self.around.append(features[whole_blocks(around)])

    def mismatch(self) -> float:
        """Octaves by which the finest detail inside differs from that of alike blocks around (1: half or twice).

        Each block inside is held against the kernel regression over the blocks around (Nadaraya and Watson 1964). It
        counts by how much detail it has or should have, since none is missed where there is none. Detail gained counts
        as far as the blocks agree on it. 0 when nothing can be compared.
        """
        none = np.zeros((0, 1 + len(ALIKE)), np.float32)
        sides = (np.concatenate([none, *self.inside]), np.concatenate([none, *self.around]))
        here, there = (_thinned(side, most) for side, most in zip(sides, MOST_BLOCKS, strict=True))
        near = _likeness(here[:, 1:], there[:, 1:])
        mass = near.sum(axis=1)
        weight = np.where(mass > LEAST_WEIGHT, np.minimum(mass, ENOUGH), 0)
        if weight.sum() < ENOUGH:
            return 0.0
        found = np.log2(here[:, 0] + VISIBLE)
        expected = near @ np.log2(there[:, 0] + VISIBLE) / np.maximum(mass, 1e-6)
        return _agreed(found - expected, weight * (np.exp2(found) + np.exp2(expected)))


def _agreed(octaves: Floats, weight: Floats) -> float:
    """Mean detail lost, or gained by all blocks alike: grain lies on every block, and texture of its own on some."""
    mean = float(np.average(octaves, weights=weight))
    if mean < 0:
        return -mean
    scatter = float(np.sqrt(np.average(np.square(octaves - mean), weights=weight)))
    return max(0.0, mean - SCATTER * max(0.0, scatter - ALWAYS))


def _likeness(here: Floats, there: Floats) -> Floats:
    """How alike blocks are (n, m) by what they are matched by, 0 to 1."""
    one, two = (side / np.array(ALIKE, np.float32) for side in (here, there))
    apart = np.square(one).sum(axis=1)[:, None] + np.square(two).sum(axis=1)[None] - 2 * one @ two.T
    return np.asarray(np.exp(-0.5 * np.maximum(apart, 0)), np.float32)


def _thinned(blocks: Floats, most: int) -> Floats:
    if len(blocks) <= most:
        return blocks
    return blocks[np.linspace(0, len(blocks) - 1, most).round().astype(np.intp)]
