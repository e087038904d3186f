"""Errors of a whole shot: its light, its grade, its screen direction."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from evals.plant._paint import Pixels, clipped
from evals.plant._planting import Crop, Planting, Task, geometric
from evals.plant._surface import Edit, edited
from tools.types import Box, Frame

REDNESS = np.array([1.0, 0.12, -1.0], np.float32)
"""What R, G, B gain when light turns warm, about as along the black-body locus near daylight."""
GREENNESS = np.array([-0.5, 1.0, -0.5], np.float32)
SHOULDER = 0.95
"""Share of its range that the curve has used at white: 1 never burns out."""
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def light_shift(task: Task) -> Planting:
    """Warmer or colder light, and sometimes light that falls from another side."""
    rng = task.rng
    warm = float(rng.choice([-1, 1])) * geometric(task.strength, 0.05, 0.26)
    side = float(rng.choice([-1, 1])) * geometric(task.strength, 0.12, 0.5) if rng.uniform() < 0.5 else 0.0
    if side and rng.uniform() < 0.4:
        warm *= 0.25
    ramp = _ramp(task, float(rng.uniform(-0.5, 0.5)))

    gain = np.asarray((1 + warm * REDNESS) * (1 + side * ramp)[..., None], np.float32)

    def edit(before: Pixels) -> Pixels:
        return _developed(_opened(before) * gain)

    return _everywhere(task, edit)


def _opened(levels: Pixels) -> Pixels:
    """The light that a film curve with a soft shoulder turns into levels of 0 to 255."""
    return np.asarray(-cv2.log(np.maximum(1 - levels * np.float32(SHOULDER / 255), np.float32(1e-6))), np.float32)


def _developed(light: Pixels) -> Pixels:
    """Levels of 0 to 255; undoes `_opened`."""
    return clipped((1 - cv2.exp(-light)) * np.float32(255 / SHOULDER), 0, 255)


def _ramp(task: Task, tilt: float) -> Pixels:
    """Light from one side, (h, w), -1 to 1."""
    x = np.linspace(-1, 1, task.info.width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, task.info.height, dtype=np.float32)[:, None]
    return clipped(x * np.float32(1 - abs(tilt)) + y * np.float32(tilt), -1, 1)


def grade_mismatch(task: Task) -> Planting:
    """A grade of its own: gamma, contrast, saturation and tint."""
    rng, much = task.rng, geometric(task.strength, 0.3, 1.0)
    gamma = float(np.exp(rng.choice([-1, 1]) * rng.uniform(0.15, 0.4) * much))
    contrast = 1 + float(rng.uniform(-0.3, 0.3)) * much
    saturation = 1 + float(rng.choice([-0.7, 0.6]) * rng.uniform(0.5, 1)) * much
    curve = 110 + (255 * np.linspace(0, 1, 256, dtype=np.float32) ** np.float32(gamma) - 110) * np.float32(contrast)
    tint = np.float32(much) * (
        np.float32(rng.uniform(-14, 14)) * GREENNESS + np.float32(rng.uniform(-16, 16)) * REDNESS
    )

    def edit(before: Pixels) -> Pixels:
        graded = curve[before.astype(np.uint8)]
        luma = (graded @ LUMA)[..., None]
        return clipped(luma + (graded - luma) * np.float32(saturation) + tint, 0, 255)

    return _everywhere(task, edit)


def _everywhere(task: Task, edit: Edit) -> Planting:
    full, mask = _full(task)

    def show(frame: Frame) -> tuple[Frame, Crop | None]:
        return edited(frame, full, mask, edit), (full, mask)

    return Planting(show, 0.0)


def _full(task: Task) -> Crop:
    size = (task.info.height, task.info.width)
    return Box(0, 0, size[1], size[0]), np.ones(size, np.bool_)


def mirrored(task: Task) -> Planting:
    """The shot seen in a mirror: people look and walk the other way."""
    crop, upright = _full(task), task.info.rotation % 180 == 0
    turned = (slice(None), slice(None, None, -1)) if upright else (slice(None, None, -1), slice(None))

    def show(frame: Frame) -> tuple[Frame, Crop | None]:
        planes = tuple(plane[turned].copy() for plane in frame.planes)
        return replace(frame, planes=planes), crop

    return Planting(show, 0.0)
