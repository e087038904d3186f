"""A region as blocks of 8 × 8 pixels: only those that the hole or its ring touches are worked on.

Smooth fields live on a grid of cells of 4 × 4 pixels over the whole box; `cells` and `lifted` go from one to the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from tools.editors.local.cleanplate.tensors import Stack
from tools.types import Bits

SIDE, CELL = 8, 4
"""Pixels a side of a block and of a cell."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Which blocks of a box of (rows · SIDE, columns · SIDE) pixels are worked on, by their number in reading order."""

    rows: int
    columns: int
    chosen: NDArray[np.int64]

    @classmethod
    def touching(cls, where: Bits) -> Blocks:
        """The blocks that hold a pixel of a mask (h, w) whose sides are whole blocks."""
        rows, columns = where.shape[0] // SIDE, where.shape[1] // SIDE
        held = where.reshape(rows, SIDE, columns, SIDE).any(axis=(1, 3))
        return cls(rows, columns, np.flatnonzero(held))

    def cut(self, plane: NDArray[Any]) -> NDArray[Any]:
        """A plane (h, w) or (h, w, c) as (blocks, SIDE², …)."""
        tail = plane.shape[2:]
        split = plane.reshape(self.rows, SIDE, self.columns, SIDE, *tail).swapaxes(1, 2)
        return split.reshape(self.rows * self.columns, SIDE * SIDE, *tail)[self.chosen]

    def put(self, values: NDArray[Any], plane: NDArray[Any]) -> None:
        """Writes (blocks, SIDE², …) into a contiguous plane (h, w, …)."""
        tail = plane.shape[2:]
        split = plane.reshape(self.rows, SIDE, self.columns, SIDE, *tail)
        row, column = np.divmod(self.chosen, self.columns)
        split[row, :, column] = values.reshape(len(self.chosen), SIDE, SIDE, *tail)

    def cells(self, values: Stack) -> Stack:
        """Means over cells: (n, c, blocks, SIDE²) → (n, c, 2 · rows, 2 · columns); 0 where nothing is worked on."""
        n, c = values.shape[:2]
        per = SIDE // CELL
        means = (values @ _means()).reshape(n, c, -1, per, per)
        full = values.new_zeros(n, c, self.rows * self.columns, per, per)
        full[:, :, self._chosen()] = means
        full = full.reshape(n, c, self.rows, self.columns, per, per).transpose(3, 4)
        return full.reshape(n, c, per * self.rows, per * self.columns)

    def lifted(self, grid: Stack) -> Stack:
        """Bilinear: a grid of cells (n, c, 2 · rows, 2 · columns) at every pixel, (n, c, blocks, SIDE²)."""
        n, c = grid.shape[:2]
        wide = functional.pad(grid, (1, 1, 1, 1), mode="replicate")
        row, column = np.divmod(self.chosen, self.columns)
        across = wide.shape[-1]
        corner = (SIDE // CELL) * (row * across + column)
        near = corner[:, None] + (np.arange(4)[:, None] * across + np.arange(4)).ravel()
        return wide.reshape(n, c, -1)[..., torch.from_numpy(near)] @ _weights()

    def repeated(self, grid: Stack) -> Stack:
        """A grid of cells (n, c, 2 · rows, 2 · columns) at every pixel, (n, c, blocks, SIDE²), with steps between."""
        n, c = grid.shape[:2]
        per = SIDE // CELL
        split = grid.reshape(n, c, self.rows, per, self.columns, per).transpose(3, 4).reshape(n, c, -1, per, per)
        wide = split[:, :, self._chosen()].repeat_interleave(CELL, 3).repeat_interleave(CELL, 4)
        return wide.reshape(n, c, -1, SIDE * SIDE)

    def _chosen(self) -> torch.Tensor:
        return torch.from_numpy(self.chosen)


@lru_cache(maxsize=1)
def _means() -> torch.Tensor:
    """(SIDE², cells): which pixels of a block make up which of its cells."""
    cell = np.arange(SIDE) // CELL
    number = (cell[:, None] * (SIDE // CELL) + cell[None]).ravel()
    return torch.from_numpy(np.eye((SIDE // CELL) ** 2, dtype=np.float32)[number] / CELL**2)


@lru_cache(maxsize=1)
def _weights() -> torch.Tensor:
    """(16, SIDE²): how the pixels of a block follow from the 4 × 4 cells around it."""
    place = (np.arange(SIDE) + 0.5) / CELL + 0.5
    below = np.floor(place).astype(int)
    along = np.zeros((SIDE, 4), np.float32)
    along[np.arange(SIDE), below] = 1 - (place - below)
    along[np.arange(SIDE), below + 1] = place - below
    return torch.from_numpy(np.einsum("ai,bj->ijab", along, along).reshape(16, SIDE * SIDE).astype(np.float32))
