"""Layers carried by a surface: a cutout warped to where a frame has it, cut to what shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from evals.plant._follow import Place
from evals.plant._paint import Pixels
from tools.types import Bits, Box

FAINT = 0.02
"""Alpha at or below this is set to nothing, so that a mask is exactly what was touched."""
SHUTTER = 0.5
"""Share of a frame's time that a shutter is open."""


class Seen(NamedTuple):
    """A layer in one frame: where, its channels (h, w, n) with alpha last, and where alpha is not 0."""

    box: Box
    layer: Pixels
    mask: Bits


@dataclass(frozen=True, slots=True)
class Carried:
    """A layer (h, w, n), alpha last, on a place: its centre lies on the place's, turned by `tilt` radians."""

    layer: Pixels
    place: Place
    tilt: float
    blur: float
    width: int
    height: int

    def seen(self, index: int) -> Seen | None:
        """The layer in a frame, or None where it is not there or out of the picture."""
        motion = self.place.at(index)
        if motion is None:
            return None
        turn, shift = motion
        high, wide = self.layer.shape[:2]
        own = np.exp(1j * self.tilt)
        offset = turn * (self.place.centre - own * complex(wide - 1, high - 1) / 2) + shift
        travel = self.place.travel(index) * SHUTTER
        return self._drawn(complex(turn * own), complex(offset), travel)

    def _drawn(self, turn: complex, offset: complex, travel: complex) -> Seen | None:
        high, wide = self.layer.shape[:2]
        corners = turn * np.array([0, wide - 1, 1j * (high - 1), wide - 1 + 1j * (high - 1)]) + offset
        reach = 2 + 3 * self.blur + abs(travel) / 2
        left, top = max(0, int(corners.real.min() - reach)), max(0, int(corners.imag.min() - reach))
        right = min(self.width, int(np.ceil(corners.real.max() + reach)) + 1)
        bottom = min(self.height, int(np.ceil(corners.imag.max() + reach)) + 1)
        if right - left < 2 or bottom - top < 2:
            return None
        matrix = np.array([[turn.real, -turn.imag, offset.real - left], [turn.imag, turn.real, offset.imag - top]])
        drawn = cv2.warpAffine(self.layer, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        return _cut(self._softened(np.asarray(drawn, np.float32), travel), left, top)

    def _softened(self, drawn: Pixels, travel: complex) -> Pixels:
        """As sharp as the surface, and smeared along its motion."""
        if self.blur > 0:
            drawn = np.asarray(cv2.GaussianBlur(drawn, (0, 0), self.blur), np.float32)
        return smeared(drawn, travel)


def smeared(picture: Pixels, travel: complex) -> Pixels:
    """The picture averaged along a straight motion in pixels."""
    length = int(abs(travel)) | 1
    if length < 3:
        return picture
    kernel = np.zeros((length + 2, length + 2), np.float32)
    middle, half = complex(1, 1) * (length + 1) / 2, travel / 2
    first, last = [(round(end.real), round(end.imag)) for end in (middle - half, middle + half)]
    cv2.line(kernel, first, last, 1.0)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)


def _cut(drawn: Pixels, left: int, top: int) -> Seen | None:
    """Only what shows."""
    solid = np.asarray(drawn[..., -1] > FAINT, np.bool_)
    box = Box.around(solid)
    if box is None:
        return None
    mask = solid[box.slices]
    layer = np.where(mask[..., None], drawn[box.slices], 0).astype(np.float32)
    return Seen(Box(box.x + left, box.y + top, box.w, box.h), layer, mask)


def sized(layer: Pixels, area: float, limits: tuple[float, float]) -> Pixels:
    """The layer scaled so that what shows has `area` pixels, but no wider and higher than the limits."""
    shown = float((layer[..., -1] > FAINT).sum())
    high, wide = layer.shape[:2]
    scale = min((area / shown) ** 0.5, limits[0] / wide, limits[1] / high)
    size = (max(6, round(wide * scale)), max(6, round(high * scale)))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(layer, size, interpolation=way), np.float32)
