"""Figures as a shot needs them: painted once per film, merged into few sprites, moved joint by joint."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from evals.studio._matte import Pixels
from evals.studio._optics import Matrix, carried, pose
from evals.studio.cast._camera import Acting
from evals.studio.cast._design import Character, Look
from evals.studio.cast._doll import Layer, draw_doll
from evals.studio.cast._paint import Cel, Light
from evals.studio.cast._photo import draw_photograph
from tools.types import Box

HIPS, NECK, SHOULDER = (0.0, 560.0), (0.0, -30.0), 70.0
SPARE = 1.35
"""Sprite pixels per frame pixel at the largest scale of a shot, so that warps hardly ever magnify."""


@dataclass
class Wardrobe:
    """Painted looks of one film's light; looks that share a part share its layer."""

    light: Light
    _looks: dict[Hashable, list[Layer]] = field(default_factory=dict)

    def layers(self, character: Character, look: Look, view: str) -> list[Layer]:
        """The layers of a look, from back to front."""
        key = (character.subject, look, view)
        if key not in self._looks:
            draw = draw_doll if character.subject == "doll" else draw_photograph(character.subject)
            self._looks[key] = draw(look, view, self.light)
        return self._looks[key]


@dataclass(frozen=True, slots=True)
class Sprite:
    """Layers that move together: a premultiplied picture, its pixels to units, and whether it is part of an error."""

    group: str
    rgba: Pixels
    units: Matrix
    marked: bool
    pivot: tuple[float, float]


def sprites(layers: Sequence[Layer], marks: frozenset[Hashable], scale: float) -> list[Sprite]:
    """Layers shrunk for a shot that shows a unit at most `scale` pixels large; neighbours of one joint are merged."""
    ratio = min(1.0, scale * SPARE)
    pivots: dict[str, tuple[float, float]] = {}
    for layer in layers:
        if layer.group.startswith("arm"):
            pivots.setdefault(layer.group, (layer.cel.x + layer.cel.rgba.shape[1] / 2, SHOULDER))
    done: list[Sprite] = []
    for run in _runs(layers, marks):
        cel = _merged([layer.cel for layer in run])
        group = run[0].group
        done.append(_sprite(group, cel, ratio, run[0].key in marks, pivots.get(group, (0.0, 0.0))))
    return done


def _runs(layers: Sequence[Layer], marks: frozenset[Hashable]) -> list[list[Layer]]:
    runs: list[list[Layer]] = []
    for layer in layers:
        last = runs[-1][-1] if runs else None
        same = last is not None and last.group == layer.group and (last.key in marks) == (layer.key in marks)
        if same:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return runs


def _merged(cels: Sequence[Cel]) -> Cel:
    if len(cels) == 1:
        return cels[0]
    left, top = min(c.x for c in cels), min(c.y for c in cels)
    right = max(c.x + c.rgba.shape[1] for c in cels)
    bottom = max(c.y + c.rgba.shape[0] for c in cels)
    whole = np.zeros((round(bottom - top), round(right - left), 4), np.float32)
    for cel in cels:
        row, column = round(cel.y - top), round(cel.x - left)
        below = whole[row : row + cel.rgba.shape[0], column : column + cel.rgba.shape[1]]
        below *= 1 - cel.rgba[..., 3:]
        below += cel.rgba
    return Cel(whole, left, top)


def _sprite(group: str, cel: Cel, ratio: float, marked: bool, pivot: tuple[float, float]) -> Sprite:
    height, width = cel.rgba.shape[:2]
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    small = cv2.resize(cel.rgba, size, interpolation=cv2.INTER_AREA) if ratio < 1 else cel.rgba
    small = cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    sx, sy = width / size[0], height / size[1]
    units = np.array([[sx, 0, cel.x - 0.5 * sx], [0, sy, cel.y - 0.5 * sy], [0, 0, 1]])
    return Sprite(group, np.asarray(small, np.float32), units, marked, pivot)


def joints(acting: Acting, frame: int, sprite: Sprite) -> Matrix | None:
    """How a sprite's joint moves in a frame, units to units; None where the part is not shown."""
    if (sprite.group == "lids" and not acting.shut[frame]) or (sprite.group == "eyes" and acting.shut[frame]):
        return None
    body = _turned(HIPS, acting.roll[frame], acting.x[frame], acting.y[frame])
    if sprite.group == "body":
        return body
    if sprite.group.startswith("arm"):
        side = 0 if sprite.group == "arm-1" else 1
        return body @ _turned(sprite.pivot, acting.arms[side][frame])
    head = body @ _turned(NECK, acting.head[frame], 0.35 * acting.turn[frame])
    if sprite.group == "head":
        return head
    face = head @ _turned((0, 0), 0.0, 0.65 * acting.turn[frame])
    if sprite.group != "mouth":
        return face
    wide = np.eye(3)
    wide[1, 1], wide[1, 2] = acting.mouth[frame], (1 - acting.mouth[frame]) * -100.0
    return face @ wide


def _turned(pivot: tuple[float, float], degrees: float, dx: float = 0.0, dy: float = 0.0) -> Matrix:
    return pose(1.0, pivot, (pivot[0] + dx, pivot[1] + dy), float(degrees))


def landing(shape: tuple[int, ...], matrix: Matrix, size: tuple[int, int]) -> Box | None:
    """The box of a (width, height) frame that a picture can touch, or None."""
    height, width = shape[:2]
    corners = carried(matrix, np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64))
    low = np.maximum(np.floor(corners.min(axis=0)) - 1, 0).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0)) + 2, size).astype(int)
    w, h = (int(v) for v in high - low)
    return Box(int(low[0]), int(low[1]), w, h) if w > 0 and h > 0 else None


def warped(picture: Pixels, matrix: Matrix, box: Box) -> Pixels:
    """A picture's part inside a box of the frame, bilinear."""
    shifted = matrix[:2].copy()
    shifted[:, 2] -= box.x, box.y
    return np.asarray(cv2.warpAffine(picture, shifted, (box.w, box.h), flags=cv2.INTER_LINEAR), np.float32)
