"""A figure in a set, in one picture, and the box around it: what a sheet's panel is held against."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from evals.studio._matte import pixels
from evals.studio._optics import pose
from evals.studio.cast._camera import draw_acting
from evals.studio.cast._design import Character, Look
from evals.studio.cast._figure import Wardrobe, joints, landing, sprites, warped
from evals.studio.cast._sets import TALL, WIDE, Place
from tools.types import Box, Rgb

SIZE = (480, 400)


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture (H, W, 3) and the box around its figure."""

    picture: Rgb
    box: Box


def draw_portrait(
    rng: np.random.Generator, character: Character, look: Look, wardrobe: Wardrobe, place: Place, *, view: str
) -> Portrait:
    """A figure of a look at a size, a spot, a pose and in a light of its own; the set lies behind, out of focus."""
    width, height = SIZE
    scale = height * float(rng.uniform(0.5, 0.85)) / 1250
    at = (width * float(rng.uniform(0.35, 0.65)), height * float(rng.uniform(0.22, 0.34)))
    placed, acting = pose(scale, (0.0, 0.0), at), draw_acting(rng, 1, lively=float(rng.uniform(0.2, 2)))
    layer = np.zeros((height, width, 4), np.float32)
    for sprite in sprites(wardrobe.layers(character, look, view), {}, scale):
        moved = joints(acting, 0, sprite)
        matrix = None if moved is None else placed @ moved @ sprite.units
        box = None if matrix is None else landing(sprite.rgba.shape, matrix, SIZE)
        if matrix is None or box is None:
            continue
        part = warped(sprite.rgba, matrix, box)
        layer[box.slices] = layer[box.slices] * (1 - part[..., 3:]) + part
    x, y = int(rng.integers(WIDE - width)), int(rng.integers(TALL - height))
    behind = cv2.GaussianBlur(place.picture[y : y + height, x : x + width], (0, 0), float(rng.uniform(0.6, 2)))
    light = np.float32(rng.uniform(0.75, 1.15) * (1 + rng.uniform(-0.08, 0.08, 3)))
    seen = (behind * (1 - layer[..., 3:]) + layer[..., :3]) * light + rng.normal(0, 1.5, (height, width, 1))
    around = Box.around(layer[..., 3] > 0.5)
    assert around is not None, "the figure stands in the picture"
    return Portrait(np.rint(pixels(seen)).astype(np.uint8), around)
