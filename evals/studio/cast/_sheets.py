"""Character sheets in the layouts people draw: plain grids, captions, a portrait with crops, text beside pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from evals.studio._matte import Pixels, pixels
from evals.studio._optics import pose
from evals.studio.cast._camera import draw_acting
from evals.studio.cast._design import Character, Look
from evals.studio.cast._figure import Wardrobe, joints, landing, sprites, warped
from tools.types import Bits, Box, Rgb

LayoutKind = Literal["grid", "row", "captions", "portrait", "notes"]
CROPS: dict[str, tuple[float, float]] = {
    "full": (130.0, 1060.0),
    "half": (40.0, 760.0),
    "bust": (-20.0, 560.0),
    "face": (-150.0, 380.0),
}
"""Middle height and the height that is shown, units."""
NOTES = (
    "DESIGN NOTES",
    "",
    "Keep colours as drawn.",
    "Same pattern on sleeves.",
    "No other belongings.",
    "",
    "Approved for all shots.",
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture of a sheet: its name in film.toml, which view and crop it shows, and where."""

    name: str
    view: str
    crop: str
    box: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """A sheet's size (width, height), cells, and its grid when film.toml tells it; `lines` are text (x, y, words)."""

    kind: LayoutKind
    size: tuple[int, int]
    cells: tuple[Cell, ...]
    grid: tuple[int, int] | None
    lines: tuple[tuple[int, int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A drawn sheet, and where it differs from the right one (all False when it is right)."""

    picture: Rgb
    clean: Rgb
    mask: Bits


def _titled(view: str, crop: str) -> str:
    if crop == "full":
        return view
    return crop if view == "front" else f"{view}-{crop}"


def draw_layout(rng: np.random.Generator, view: str, views: tuple[str, ...], *, rich: bool) -> Layout:
    """A layout for a character whom shots show from `view`.

    `views` are the sides that can be drawn; `rich` repeats `view` in closer crops, so that every place of it is seen at
    least three times. Only a plain grid is told in film.toml; elsewhere panels have to be found, and are numbered in
    reading order.
    """
    sides = [(side, "full") for side in views]
    closer = [(view, "half"), (view, "bust"), (view, "face")]
    other = next((side for side in views if side != view), view)
    few = len(views) < 4
    pictures = [*sides, *closer, (other, "bust")] if rich or few else sides
    if few:
        pictures = pictures[:6]
    kinds: tuple[LayoutKind, ...] = ("grid", "row", "captions", "portrait", "notes")
    kind = kinds[int(rng.integers(len(kinds)))]
    if kind == "portrait":
        return _portrait(view, [picture for picture in [*closer, *sides] if picture != (view, "half")][:6])
    columns = len(pictures) if kind == "row" and len(pictures) <= 4 else (len(pictures) + 1) // 2
    return _gridded(kind, pictures, columns)


def _gridded(kind: LayoutKind, pictures: list[tuple[str, str]], columns: int) -> Layout:
    width, height, margin = 320, 420, 14
    below = 40 if kind == "captions" else 0
    aside = 360 if kind == "notes" else 0
    rows = -(-len(pictures) // columns)
    cells, lines = [], []
    for n, (view, crop) in enumerate(pictures):
        row, column = divmod(n, columns)
        x, y = margin + column * (width + 2 * margin), margin + row * (height + below + 2 * margin)
        name = _titled(view, crop) if kind in {"grid", "row"} else f"panel-{n + 1}"
        cells.append(Cell(name, view, crop, Box(x, y, width, height)))
        if below:
            lines.append((x + 8, y + height + 29, _titled(view, crop).upper()))
    size = (columns * (width + 2 * margin) + aside, rows * (height + below + 2 * margin))
    if aside:
        lines = [(size[0] - aside + 24, 70 + 40 * n, words) for n, words in enumerate(NOTES)]
    grid = (rows, columns) if kind in {"grid", "row"} else None
    return Layout(kind, size, tuple(cells), grid, tuple(lines))


def _portrait(view: str, crops: list[tuple[str, str]]) -> Layout:
    """One large picture and pairs of smaller ones beside it, numbered from the left, each pair from the top."""
    margin, small, tall = 20, 250, 300
    large = Cell("panel-1", view, "half", Box(margin, margin, 560, 2 * tall + margin))
    cells = [large]
    for n, (side, crop) in enumerate(crops):
        column, row = divmod(n, 2)
        box = Box(600 + column * (small + margin), margin + row * (tall + margin), small, tall)
        cells.append(Cell(f"panel-{n + 2}", side, crop, box))
    columns = -(-len(crops) // 2)
    return Layout("portrait", (600 + columns * (small + margin), 2 * tall + 3 * margin), tuple(cells), None)


def draw_sheet(
    seed: int,
    layout: Layout,
    character: Character,
    wardrobe: Wardrobe,
    *,
    faults: Mapping[str, Look] | None = None,
    look: Look | None = None,
) -> Sheet:
    """The sheet of a character (of an older `look` when given) with a wrong look in the cells that `faults` names."""
    rng = np.random.default_rng([seed, 5])
    clean = np.full((layout.size[1], layout.size[0], 3), int(rng.integers(238, 253)), np.uint8)
    for x, y, words in layout.lines:
        cv2.putText(clean, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.72, (52, 50, 54), 2, cv2.LINE_AA)
    picture, mask = clean.copy(), np.zeros(clean.shape[:2], np.bool_)
    paper = _paper(rng)
    for cell in layout.cells:
        right = _pictured(cell, character, look or character.look, wardrobe, paper)
        grain = rng.normal(0, 1.1, (cell.box.h, cell.box.w, 1)).astype(np.float32)
        clean[cell.box.slices] = picture[cell.box.slices] = _rounded(right + grain)
        if faults and cell.name in faults:
            wrong = _rounded(_pictured(cell, character, faults[cell.name], wardrobe, paper) + grain)
            differs = np.abs(wrong.astype(int) - clean[cell.box.slices]).max(axis=2) > 3
            solid = cv2.morphologyEx(differs.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
            mask[cell.box.slices] = solid
            picture[cell.box.slices] = np.where(solid[..., None], wrong, clean[cell.box.slices])
    return Sheet(picture, clean, mask)


def _rounded(picture: Pixels) -> Rgb:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _paper(rng: np.random.Generator) -> Pixels:
    return np.asarray(np.array([186, 184, 181]) + rng.uniform(-24, 24) + rng.uniform(-7, 7, 3), np.float32)


def _pictured(cell: Cell, character: Character, look: Look, wardrobe: Wardrobe, paper: Pixels) -> Pixels:
    """One cell: the figure at rest before paper that falls off softly."""
    width, height = cell.box.w, cell.box.h
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    below = np.asarray(paper * (1.03 - 0.05 * (x * x + y * y) - 0.03 * y)[..., None], np.float32)
    middle, tall = CROPS[cell.crop]
    scale = height / tall
    placed = pose(scale, (0.0, middle), (width / 2, height / 2))
    still = draw_acting(np.random.default_rng(0), 1, lively=0.0)
    still.x[:], still.y[:], still.head[:], still.shut[:], still.mouth[:] = 0, 0, 0, False, 1
    for sprite in sprites(wardrobe.layers(character, look, cell.view), {}, scale):
        moved = joints(still, 0, sprite)
        matrix = None if moved is None else placed @ moved @ sprite.units
        box = None if matrix is None else landing(sprite.rgba.shape, matrix, (width, height))
        if matrix is None or box is None:
            continue
        part = warped(sprite.rgba, matrix, box)
        below[box.slices] = below[box.slices] * (1 - part[..., 3:]) + part[..., :3]
    return pixels(below)
