"""Patches of another background: a piece of the same picture from elsewhere, or a texture made from its palette."""

from __future__ import annotations

import cv2
import numpy as np

from evals.plant._paint import SIDE, Pixels, Rng, clipped, clouds, grid, polygon, rounded
from tools.types import Rgb


def draw_patch(rng: Rng, picture: Rgb) -> Pixels:
    """A patch (h, w, 4) premultiplied, 0 to 1, with an outline of its own."""
    taken = rng.uniform() < 0.6
    content = _elsewhere(rng, picture) if taken else _made(rng, picture)
    cover = _spot(rng) if taken and rng.uniform() < 0.4 else _panel(rng)
    if not taken and rng.uniform() < 0.5:
        content = _framed(rng, content)
    wide = float(rng.uniform(0.7, 1.6))
    patch = np.dstack([content * cover[..., None], cover]).astype(np.float32)
    size = (round(SIDE * min(1.0, wide)), round(SIDE * min(1.0, 1 / wide)))
    return np.asarray(cv2.resize(patch, size, interpolation=cv2.INTER_AREA), np.float32)


def _panel(rng: Rng) -> Pixels:
    """The outline of a panel or of a skewed opening."""
    if rng.uniform() < 0.5:
        return rounded(0.04, 0.04, 0.96, 0.96, float(rng.uniform(0.004, 0.04)))
    corners = np.array([(0.08, 0.08), (0.92, 0.08), (0.92, 0.92), (0.08, 0.92)])
    return polygon(corners + rng.uniform(-0.04, 0.1, (4, 2)) * np.sign(0.5 - corners))


def _spot(rng: Rng) -> Pixels:
    """An uneven outline with a soft edge."""
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    radius = np.full(90, 0.4)
    for wave in range(2, 6):
        radius += rng.uniform(0, 0.06) / wave * 2 * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    spot = polygon(np.column_stack([0.5 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)]))
    return np.asarray(cv2.GaussianBlur(spot, (0, 0), float(rng.uniform(2, 9))), np.float32)


def _framed(rng: Rng, content: Pixels) -> Pixels:
    """The content with a border, as a board or a window has, and its shadow line."""
    inner, thick = rounded(0.1, 0.1, 0.9, 0.9, 0.005), 0.012
    line = rounded(0.1 + thick, 0.1 + thick, 0.9 - thick, 0.9 - thick, 0.005)
    border = content.mean(axis=(0, 1)) * float(rng.uniform(0.5, 1.5))
    outside = clipped(np.broadcast_to(border, content.shape))
    lined = content * (0.55 + 0.45 * line[..., None])
    return np.asarray(outside + (lined - outside) * inner[..., None], np.float32)


def _elsewhere(rng: Rng, picture: Rgb) -> Pixels:
    """A piece of the picture, often mirrored, without its grain."""
    height, width = picture.shape[:2]
    side = round(min(height, width) * float(rng.uniform(0.35, 0.8)))
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    piece = cv2.GaussianBlur(picture[y : y + side, x : x + side].astype(np.float32) / 255, (0, 0), 0.7)
    if rng.uniform() < 0.7:
        piece = piece[:, ::-1]
    return clipped(cv2.resize(np.ascontiguousarray(piece), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR))


def _made(rng: Rng, picture: Rgb) -> Pixels:
    """A made surface: courses of brick, planks, tiles, stripes, or plaster, in two colours of the picture."""
    samples = picture[::7, ::7].reshape(-1, 3).astype(np.float32) / 255
    one, two = samples[rng.integers(len(samples))], samples[rng.integers(len(samples))]
    kind = int(rng.integers(5))
    height = _plaster(rng) if kind == 4 else _courses(rng, shifted=kind == 0, tall=kind == 1, plain=kind == 3)
    colour = one + (two - one) * clipped(0.35 + 0.1 * clouds(rng, (SIDE, SIDE), 110))[..., None]
    return clipped(colour * (0.55 + 0.5 * height)[..., None] + 0.03)


def _courses(rng: Rng, *, shifted: bool, tall: bool, plain: bool) -> Pixels:
    """Relief 0 to 1 of rows with joints; each piece a little lighter or darker than the next."""
    x, y = grid()
    rows = float(rng.uniform(4, 11))
    columns = 0.01 if plain else rows / float(rng.uniform(1.5, 3.0)) if not tall else 1.3
    row = np.floor(y * rows)
    along = x * columns + (0.5 * (row % 2) if shifted else 0.37 * row if tall else 0)
    joint = np.minimum(np.abs((y * rows) % 1 - 0.5), np.abs(along % 1 - 0.5) if columns > 0.1 else 0.0 * x)
    edge = np.maximum(np.abs((y * rows) % 1 - 0.5), np.abs(along % 1 - 0.5) if columns > 0.1 else joint)
    tone = rng.uniform(0.6, 1, 997)[((row * 131 + np.floor(along) * 17).astype(np.int64)) % 997]
    tooth = 0.06 * clouds(rng, (SIDE, SIDE), 16, 3)
    return clipped(tone + tooth - 0.5 * clipped((edge - 0.45) / 0.04))


def _plaster(rng: Rng) -> Pixels:
    return clipped(0.8 + 0.05 * clouds(rng, (SIDE, SIDE), 60, 6))
