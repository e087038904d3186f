"""Mara's character sheet: six views of the same photograph, one of them with an earpiece nobody gave her."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from evals.studio._faults import FAINT
from evals.studio._matte import Cutout, Pixels, enlarged, mara, photograph
from evals.studio._optics import FROM_ENLARGED, Matrix, keystone, over, pose, sampled
from tools.types import Bits, Box, Rgb

CELL = (640, 720)
"""Width and height of a panel's picture; a margin of `MARGIN` lies on every side of it."""
MARGIN = 16
GRID = (2, 3)
PANELS = ("front", "three-quarter", "face", "bust", "patch", "helmet")
EAR_PANELS = PANELS[:4]
"""The panels that show both ears."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rendered sheet: as given, as it should be, the planted pixels and their box."""

    faulty: Rgb
    clean: Rgb
    mask: Bits
    box: Box


def _views(rng: np.random.Generator) -> dict[str, Matrix]:
    """Photograph to panel for every view: scales and framings wander a little with the seed."""

    def view(scale: float, point: tuple[float, float], at: tuple[float, float], degrees: float = 0.0) -> Matrix:
        drift = rng.uniform(-6, 6, 2)
        return pose(scale * float(rng.uniform(0.98, 1.02)), point, (at[0] + drift[0], at[1] + drift[1]), degrees)

    turn = float(rng.choice([-1, 1]))
    squeeze = np.diag([0.93, 1.0, 1.0])
    return {
        "front": pose(1.43, (256 - float(rng.uniform(20, 28)), 511), (320, 723)),
        "three-quarter": squeeze @ keystone(turn * 2.2e-4, 0, (320, 300)) @ view(1.95, (225, 110), (340, 262), turn),
        "face": view(2.9, (225, 105), (320, 330), float(rng.uniform(-1.5, 1.5))),
        "bust": view(2.15, (222, 110), (320, 275), float(rng.uniform(-1, 1))),
        "patch": view(2.6, (190, 370), (320, 370)),
        "helmet": view(2.3, (374, 420), (345, 500)),
    }


def _backdrop(rng: np.random.Generator) -> Pixels:
    """A studio paper backdrop: one soft tone, lighter towards one corner."""
    tone = np.array([172, 170, 168]) + rng.uniform(-22, 22) + rng.uniform(-8, 8, 3)
    x, y = np.meshgrid(np.linspace(-1, 1, CELL[0]), np.linspace(-1, 1, CELL[1]))
    fall = 1 + 0.1 * (x * rng.uniform(-1, 1) - y) - 0.06 * (x * x + y * y)
    return (tone * fall[..., None]).astype(np.float32)


def _laid(layer: Cutout, below: Pixels, matrix: Matrix, light: Pixels) -> tuple[Pixels, Pixels]:
    """A layer in photograph coordinates laid over a panel, under a (3,) light; and the alpha it came with."""
    stack = np.dstack([layer.rgb * light * layer.alpha[..., None], layer.alpha])
    seen = sampled(stack, matrix @ FROM_ENLARGED, CELL)
    seen[seen[..., 3] <= FAINT] = 0
    return over(below, seen), seen[..., 3]


def _panel(name: str, matrix: Matrix, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """One clean panel and the light it is under."""
    light = (rng.uniform(0.96, 1.04) * (1 + rng.uniform(-0.02, 0.02, 3))).astype(np.float32)
    if name in {"front", "helmet"}:
        seen = sampled(enlarged(photograph()), matrix @ FROM_ENLARGED, CELL, mirror=True)
        return np.clip(seen * light, 0, 255), light
    return _laid(mara(), _backdrop(rng), matrix, light)[0], light


def cell_box(name: str) -> Box:
    """Where a panel's picture lies in the sheet."""
    row, column = divmod(PANELS.index(name), GRID[1])
    width, height = CELL[0] + 2 * MARGIN, CELL[1] + 2 * MARGIN
    return Box(column * width + MARGIN, row * height + MARGIN, *CELL)


def draw_sheet(rng: np.random.Generator, planted: str, worn: Cutout) -> Drawn:
    """The sheet with `worn` in the panel `planted`, and the same sheet without it."""
    size = (GRID[0] * (CELL[1] + 2 * MARGIN), GRID[1] * (CELL[0] + 2 * MARGIN))
    clean = np.full((*size, 3), 246, np.uint8)
    faulty, mask = clean.copy(), np.zeros(size, np.bool_)
    for name, matrix in _views(rng).items():
        panel, light = _panel(name, matrix, rng)
        grain = rng.normal(0, 1.2, CELL[::-1]).astype(np.float32)[..., None]
        place = cell_box(name).slices
        clean[place] = faulty[place] = np.clip(np.rint(panel + grain), 0, 255)
        if name == planted:
            wrong, alpha = _laid(worn, panel, matrix, light)
            mask[place] = alpha > 0
            painted = np.clip(np.rint(wrong + grain), 0, 255).astype(np.uint8)
            faulty[place] = np.where(mask[place][..., None], painted, clean[place])
    box = Box.around(mask)
    assert box is not None, f"the earpiece is outside panel {planted}"
    return Drawn(faulty, clean, mask, box)


def write_png(path: str, picture: Rgb | Bits) -> None:
    """A picture or a mask (0 and 255) as PNG."""
    stored = picture.astype(np.uint8)
    stored = stored * 255 if picture.ndim == 2 else stored[..., ::-1].copy()
    if not cv2.imwrite(path, stored):
        raise OSError(f"{path}: could not be written")
