"""Figures as a shot needs them: painted once per film, merged into few sprites, moved joint by joint."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import cv2
import numpy as np

from evals.studio._matte import Pixels
from evals.studio._optics import Matrix, carried, pose
from evals.studio.cast._camera import Acting
from evals.studio.cast._design import Character, Look
from evals.studio.cast._doll import draw_doll
from evals.studio.cast._paint import Cel, Light
from evals.studio.cast._photo import draw_photograph
from evals.studio.cast._sitter import Layer
from tools.types import Box

HIPS, NECK, SHOULDER = (0.0, 560.0), (0.0, -30.0), 70.0
SPARE = 1.35
"""Sprite pixels per frame pixel at the largest scale of a shot, so that warps hardly ever magnify."""
UNLIKE = 5.0
"""Codes by which a pixel of a part must differ to count as wrong."""


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
    """Layers that move together: a premultiplied picture, its pixels to units, and how much of each is an error."""

    group: str
    rgba: Pixels
    units: Matrix
    mark: Pixels | None
    pivot: tuple[float, float]


Marks: TypeAlias = Mapping[Hashable, Pixels]
"""By a layer's key, how much of each of its pixels is part of an error."""


def differing(layers: Sequence[Layer], others: Sequence[Layer]) -> Marks:
    """Where layers differ from the other look's: all of what the other lacks, else the pixels that are not alike."""
    same = {layer.key for layer in others}
    return {layer.key: _unlike(layer, others) for layer in layers if layer.key not in same}


def _unlike(layer: Layer, others: Sequence[Layer]) -> Pixels:
    cel, alpha = layer.cel, layer.cel.rgba[..., 3]
    for other in others:
        kin = isinstance(layer.key, tuple) and isinstance(other.key, tuple) and layer.key[0] == other.key[0]
        if not kin or other.group != layer.group:
            continue
        if (other.cel.x, other.cel.y, other.cel.rgba.shape) == (cel.x, cel.y, cel.rgba.shape):
            away = np.abs(cel.rgba - other.cel.rgba)
            differs = (away[..., :3].max(axis=2) > UNLIKE) | (away[..., 3] > UNLIKE / 255)
            solid = cv2.morphologyEx(differs.astype(np.float32), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
            return np.asarray(solid * alpha, np.float32)
    return alpha


def sprites(layers: Sequence[Layer], marks: Marks, scale: float) -> list[Sprite]:
    """Layers shrunk for a shot that shows a unit at most `scale` pixels large; neighbours of one joint are merged."""
    pivots: dict[str, tuple[float, float]] = {}
    for layer in layers:
        if layer.group.startswith("arm"):
            pivots.setdefault(layer.group, (layer.cel.x + layer.cel.rgba.shape[1] / 2, SHOULDER))
    done: list[Sprite] = []
    for run in _runs(layers, marks):
        cel, mark = _merged(run, marks)
        done.append(_sprite(run[0].group, cel, mark, min(1.0, scale * SPARE), pivots.get(run[0].group, (0.0, 0.0))))
    return done


def _runs(layers: Sequence[Layer], marks: Marks) -> list[list[Layer]]:
    runs: list[list[Layer]] = []
    for layer in layers:
        last = runs[-1][-1] if runs else None
        if last is not None and last.group == layer.group and (last.key in marks) == (layer.key in marks):
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return runs


def _merged(run: Sequence[Layer], marks: Marks) -> tuple[Cel, Pixels | None]:
    """Layers laid over each other, and their marks as far as they are seen."""
    if len(run) == 1:
        return run[0].cel, marks.get(run[0].key)
    left, top = min(layer.cel.x for layer in run), min(layer.cel.y for layer in run)
    right = max(layer.cel.x + layer.cel.rgba.shape[1] for layer in run)
    bottom = max(layer.cel.y + layer.cel.rgba.shape[0] for layer in run)
    whole = np.zeros((round(bottom - top), round(right - left), 4), np.float32)
    mark = np.zeros(whole.shape[:2], np.float32)
    for layer in run:
        row, column = round(layer.cel.y - top), round(layer.cel.x - left)
        height, width = layer.cel.rgba.shape[:2]
        place = slice(row, row + height), slice(column, column + width)
        through = 1 - layer.cel.rgba[..., 3]
        whole[place] = whole[place] * through[..., None] + layer.cel.rgba
        mark[place] = mark[place] * through + marks.get(layer.key, 0.0)
    return Cel(whole, left, top), mark if run[0].key in marks else None


def _sprite(group: str, cel: Cel, mark: Pixels | None, ratio: float, pivot: tuple[float, float]) -> Sprite:
    height, width = cel.rgba.shape[:2]
    size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    sx, sy = width / size[0], height / size[1]
    units = np.array([[sx, 0, cel.x - 0.5 * sx], [0, sy, cel.y - 0.5 * sy], [0, 0, 1]])
    return Sprite(group, _shrunk(cel.rgba, size), units, None if mark is None else _shrunk(mark, size), pivot)


def _shrunk(picture: Pixels, size: tuple[int, int]) -> Pixels:
    """A picture at a smaller size with an empty pixel around it, so that warps fade out."""
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyMakeBorder(small, 1, 1, 1, 1, cv2.BORDER_CONSTANT), np.float32)


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
