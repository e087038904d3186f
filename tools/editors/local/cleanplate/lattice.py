"""A lattice of cells over a target: where its content lies in other frames is known at the middle of every cell.

Pictures are looked at finer than that, at `per` × `per` points a cell, and only in the cells that matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, grown
from tools.editors.local.cleanplate.target import Outline, Target
from tools.editors.local.cleanplate.tensors import Stack
from tools.editors.local.cleanplate.window import BEYOND, HIDDEN, LEVELS, Seen
from tools.types import Bits, Box

GRID = 128
"""Cells along the longer side of a lattice, at most."""
RING, RINGS = 1.0, (12, 24)
"""Width of the ring that is looked at closely: in the target's reach, and at least and at most in pixels."""

Grid = tuple[Field, Field]
Cells = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice:
    """Cells of about `1 << level` working pixels over a full-size `box`; `scale` is working pixels per pixel."""

    box: Box
    scale: float
    level: int
    rows: int
    columns: int

    @classmethod
    def over(cls, box: Box, scale: float) -> Lattice:
        """The finest lattice from level 2 on that has at most GRID cells along a side."""
        level = 2
        while max(box.w, box.h) * scale / (1 << level) > GRID and level < LEVELS - 1:
            level += 1
        columns, rows = (max(4, round(side * scale / (1 << level))) for side in (box.w, box.h))
        return cls(box, scale, level, rows, columns)

    def points(self, per: int) -> Grid:
        """Working positions of `per` × `per` points in every cell, (rows · per, columns · per) each."""
        columns, rows = self.columns * per, self.rows * per
        x = self.box.x + (np.arange(columns) + 0.5) * self.box.w / columns
        y = self.box.y + (np.arange(rows) + 0.5) * self.box.h / rows
        xs, ys = np.meshgrid(x * self.scale - 0.5, y * self.scale - 0.5)
        return xs.astype(np.float32), ys.astype(np.float32)

    @cached_property
    def middles(self) -> Grid:
        """Working positions of the cells' middles."""
        return self.points(1)

    def share(self, mask: Bits, per: int = 1) -> Field:
        """The share of every point's surround that a mask (box.h, box.w) takes."""
        size = (self.columns * per, self.rows * per)
        return np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)

    def cut(self, plane: NDArray[np.float32], per: int, cells: Cells) -> Field:
        """A plane of points (rows · per, columns · per) as (cells, per²)."""
        split = plane.reshape(self.rows, per, self.columns, per).swapaxes(1, 2)
        return np.ascontiguousarray(split.reshape(-1, per * per)[cells], np.float32)

    def spread(self, planes: NDArray[np.float32], per: int, cells: Cells) -> Field:
        """Planes (n, rows, columns) at the points of some cells, (n, cells, per²): linear, beyond the border too."""
        flat = bordered(planes).reshape(len(planes), -1)
        if per == 1:
            return np.ascontiguousarray(planes.reshape(len(planes), -1)[:, cells, None])
        row, column = np.divmod(cells, self.columns)
        wide = self.columns + 2
        corner = row * wide + column
        near = corner[:, None] + np.array([0, 1, 2, wide, wide + 1, wide + 2, 2 * wide, 2 * wide + 1, 2 * wide + 2])
        return np.asarray(flat[:, near] @ _weights(per), np.float32)

    def dense(self, values: Stack, cells: Cells) -> Stack:
        """(n, c, cells) on the whole lattice, (n, c, rows, columns); 0 elsewhere."""
        n, c, count = values.shape
        if count == self.rows * self.columns:
            return values.reshape(n, c, self.rows, self.columns)
        made = values.new_zeros(n, c, self.rows * self.columns)
        made[:, :, torch.from_numpy(cells)] = values
        return made.reshape(n, c, self.rows, self.columns)


@lru_cache(maxsize=8)
def _weights(per: int) -> Field:
    """(9, per²): how the points of a cell follow linearly from the middles of the 3 × 3 cells around it."""
    place = (np.arange(per) + 0.5) / per + 0.5
    below = np.floor(place).astype(int)
    along = np.zeros((per, 3))
    along[np.arange(per), below] = 1 - (place - below)
    along[np.arange(per), below + 1] = place - below
    return np.asarray(np.einsum("ai,bj->ijab", along, along).reshape(9, per * per), np.float32)


def bordered(planes: NDArray[np.float32]) -> Field:
    """Planes (n, h, w) with one more row and column on each side, continued linearly."""
    wide = np.empty((planes.shape[0], planes.shape[1] + 2, planes.shape[2] + 2), np.float32)
    wide[:, 1:-1, 1:-1] = planes
    wide[:, 0, 1:-1] = 2 * planes[:, 0] - planes[:, 1]
    wide[:, -1, 1:-1] = 2 * planes[:, -1] - planes[:, -2]
    wide[:, :, 0] = 2 * wide[:, :, 1] - wide[:, :, 2]
    wide[:, :, -1] = 2 * wide[:, :, -2] - wide[:, :, -3]
    return wide


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of a target at the points of some cells, (1, cells, per²) each.

    `across` and `down` are the luma's slopes per point, 0 where a neighbour is not known; `core` is 1 where they are.
    """

    lattice: Lattice
    per: int
    level: int
    cells: Cells
    truth: Stack
    known: Stack
    core: Stack
    across: Stack
    down: Stack

    def means(self, values: Stack) -> Stack:
        """(n, cells, per²) → means over cells on the lattice, (n, 1, rows, columns)."""
        return self.lattice.dense(self.sums(values)[:, None], self.cells)

    def sums(self, values: Stack) -> Stack:
        """Means over the points of every cell, (…, cells, per²) → (…, cells)."""
        if self.per == 1:
            return values[..., 0]
        return (values @ values.new_full((self.per**2, 1), 1 / self.per**2))[..., 0]

    def at_cells(self, grid: Stack) -> Stack:
        """(n, 1, rows, columns) → (n, cells, 1)."""
        flat = grid.reshape(len(grid), -1)
        return (flat if flat.shape[1] == len(self.cells) else flat[:, torch.from_numpy(self.cells)])[..., None]


def looked(seen: Seen, level: int, x: Field, y: Field) -> Field:
    """Luma at working positions from a level of a frame's pyramid; HIDDEN or more where it may not be believed."""
    by = np.float32(1 << level)
    shift = np.float32(0.5) / by - np.float32(0.5)
    value = cv2.remap(seen.pyramid[level], x / by + shift, y / by + shift, cv2.INTER_LINEAR, borderValue=(BEYOND,))
    return np.asarray(value, np.float32)


class Ground:
    """An outline on its lattice: where its hole lies, in which pieces, and which cells are looked at closely."""

    def __init__(self, outline: Outline, scale: float) -> None:
        self.outline = outline
        self.lattice = Lattice.over(outline.box, scale)

    @cached_property
    def hole(self) -> Bits:
        """Cells (rows, columns) that the hole touches."""
        return np.asarray(self.lattice.share(self.outline.hole) > 0, np.bool_)

    @cached_property
    def ring(self) -> Cells:
        """Cells that the hole or the ring around it touches."""
        around = grown(self.outline.hole, round(float(np.clip(RING * self.outline.reach, *RINGS))))
        return np.flatnonzero(self.lattice.share(around).ravel() > 0)

    @cached_property
    def everywhere(self) -> Cells:
        return np.arange(self.lattice.rows * self.lattice.columns)

    @cached_property
    def reach(self) -> float:
        """The outline's reach in cells."""
        return max(1.0, self.outline.reach * self.lattice.scale / (1 << self.lattice.level))

    @cached_property
    def pieces(self) -> NDArray[np.int64]:
        """Which connected piece of the hole every cell is nearest to, (rows, columns)."""
        _, numbers = cv2.connectedComponents(grown(self.outline.hole, 4).astype(np.uint8))
        size = (self.lattice.columns, self.lattice.rows)
        small = cv2.resize(numbers.astype(np.uint16), size, interpolation=cv2.INTER_NEAREST)
        small = np.where(self.hole, small, 0)
        _, nearest = cv2.distanceTransformWithLabels(
            (small == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        numbered = np.zeros(int(nearest.max()) + 1, np.int64)
        numbered[nearest[small > 0]] = small[small > 0]
        return np.asarray(np.maximum(numbered[nearest] - 1, 0), np.int64)


@lru_cache(maxsize=4)
def ground_of(outline: Outline, scale: float) -> Ground:
    """The ground of an outline, the same for all frames that share it."""
    return Ground(outline, scale)


class Scene:
    """A target and its frame on their lattice."""

    def __init__(self, seen: Seen, target: Target) -> None:
        self.seen, self.target = seen, target
        self.ground = ground_of(target.outline, seen.scale)
        self.lattice = self.ground.lattice

    def sight(self, per: int, cells: Cells, blur: int = 0) -> Sight:
        """The target's own frame at `per` × `per` points in every one of the cells, from the level of the pyramid that
        is as fine as the points, or `blur` levels above it.
        """
        lattice = self.lattice
        level = max(0, lattice.level - per.bit_length() + 1) + blur
        value = looked(self.seen, level, *lattice.points(per))
        known = (value < HIDDEN) & (lattice.share(self.target.known, per) > 0.999)
        truth = np.where(known, value, 0)
        core = _inner(known)
        across, down = np.zeros_like(truth), np.zeros_like(truth)
        across[:, 1:-1] = (truth[:, 2:] - truth[:, :-2]) / 2
        down[1:-1] = (truth[2:] - truth[:-2]) / 2
        planes = (truth, known, core, across * core, down * core)
        parts = (torch.from_numpy(lattice.cut(plane.astype(np.float32), per, cells))[None] for plane in planes)
        return Sight(lattice, per, level, cells, *parts)


def _inner(known: Bits) -> Bits:
    """Points whose four neighbours are known too."""
    core = np.zeros_like(known)
    core[1:-1, 1:-1] = known[1:-1, 1:-1] & known[2:, 1:-1] & known[:-2, 1:-1] & known[1:-1, 2:] & known[1:-1, :-2]
    return core
