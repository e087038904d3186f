"""Things that look like cuts and are none: covered lenses, shakes, whip pans, flashes and light that changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Rgb

TrapKind = Literal["cover", "shake", "whip", "flash", "exposure"]
TRAPS: tuple[TrapKind, ...] = get_args(TrapKind)
MARGIN = 8
"""Quiet frames at both ends of a shot with a trap, at least."""


@dataclass(frozen=True, slots=True)
class Trap:
    """One disturbance, drawn by seed, over frames `first` and after; `change` takes (picture, frames since first)."""

    kind: TrapKind
    first: int
    change: Callable[[Rgb, int], Rgb]

    def over(self, pictures: Iterator[Rgb], led: int = 0) -> Iterator[Rgb]:
        """The shot with its trap; `led` mixed frames come before the frames that `first` counts."""
        for index, picture in enumerate(pictures, start=-led):
            yield self.change(picture, index - self.first) if index >= self.first else picture


def draw_trap(rng: np.random.Generator, kind: TrapKind, frames: int, width: int) -> Trap:
    """A trap for a shot of `frames` frames that ends `MARGIN` before the shot does."""
    room = frames - 2 * MARGIN
    makers: dict[TrapKind, Callable[[np.random.Generator, int, int], tuple[int, Callable[[Rgb, int], Rgb]]]] = {
        "cover": _cover,
        "shake": _shake,
        "whip": _whip,
        "flash": _flash,
        "exposure": _exposure,
    }
    length, change = makers[kind](rng, room, width)
    first = MARGIN + int(rng.integers(0, max(1, room - length)))
    return Trap(kind, first, change)


def _cover(rng: np.random.Generator, room: int, width: int) -> tuple[int, Callable[[Rgb, int], Rgb]]:
    """Something near passes before the lens: 0.5 to 1.7 frames wide, its edge needs two to eight frames to cross."""
    crossing, wide = float(rng.uniform(2.0, 8.0)), float(rng.uniform(0.5, 1.7))
    length = min(room, int(np.ceil(crossing * (1 + wide))) + 1)
    speed, side = width * (1 + wide) / length, int(rng.choice([-1, 1]))
    surface = _surface(rng, int(width * wide), 2 * width)
    upright = float(rng.uniform(0.8, 1.0))

    def change(picture: Rgb, since: int) -> Rgb:
        if since >= length:
            return picture
        left = -surface.shape[1] + (since + 0.5) * speed
        return _covered(picture, surface, left, smear=speed / 2, side=side, top=1 - upright)

    return length, change


def _surface(rng: np.random.Generator, wide: int, tall: int) -> Rgb:
    """A dark or bright unsharp thing with a little structure."""
    base = rng.uniform(10, 120, 3) if rng.random() < 0.75 else rng.uniform(120, 220, 3)
    noise = rng.standard_normal((max(2, tall // 40), max(2, wide // 40), 3)) * rng.uniform(4, 30)
    return np.asarray(np.clip(base + cv2.resize(noise, (wide, tall)), 0, 255), np.uint8)


def _covered(picture: Rgb, surface: Rgb, left: float, *, smear: float, side: int, top: float) -> Rgb:
    height, width = picture.shape[:2]
    columns = np.arange(width) + 0.5
    edge = max(2.0, smear)
    share = np.clip((columns - left) / edge + 0.5, 0, 1) * np.clip(
        (left + surface.shape[1] - columns) / edge + 0.5, 0, 1
    )
    taken = np.clip((columns - left).astype(int), 0, surface.shape[1] - 1)
    colour = surface[:height][:, taken]
    alpha = np.broadcast_to(share[None, :, None], (height, width, 1)).copy()
    alpha[: int(top * height)] = 0
    if side < 0:
        alpha, colour = alpha[:, ::-1], colour[:, ::-1]
    return np.asarray(picture * (1 - alpha) + colour * alpha, np.uint8)


def _shake(rng: np.random.Generator, room: int, width: int) -> tuple[int, Callable[[Rgb, int], Rgb]]:
    """A camera that is knocked: 6 to 24 frames of jolts up to 2 to 9 % of the width, with blur and a little roll."""
    length = int(rng.integers(6, min(24, room) + 1))
    reach = width * float(rng.uniform(0.02, 0.09))
    fall = np.hanning(length + 2)[1:-1] ** 0.5
    steps = rng.uniform(-1, 1, (length, 3)) * fall[:, None] * (reach, reach * 0.7, 2.0)

    def change(picture: Rgb, since: int) -> Rgb:
        if since >= length:
            return picture
        now, before = steps[since], steps[since - 1] if since else np.zeros(3)
        return _moved(_smeared(picture, (now - before)[:2] / 2), now)

    return length, change


def _moved(picture: Rgb, step: NDArray[np.float64]) -> Rgb:
    size = (picture.shape[1], picture.shape[0])
    matrix = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), float(step[2]), 1.0)
    placed = np.column_stack([matrix[:, :2], matrix[:, 2] + step[:2]])
    return np.asarray(cv2.warpAffine(picture, placed, size, borderMode=cv2.BORDER_REFLECT_101), np.uint8)


def _smeared(picture: Rgb, travel: NDArray[np.float64]) -> Rgb:
    """Motion blur along a straight way of `travel` pixels."""
    length = float(np.hypot(*travel))
    if length < 1.5:
        return picture
    count = int(np.ceil(length)) + 1
    half = count // 2 + 1
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 2 * count):
        kernel[half + round(float(share * travel[1])), half + round(float(share * travel[0]))] += 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)


def _whip(rng: np.random.Generator, room: int, width: int) -> tuple[int, Callable[[Rgb, int], Rgb]]:
    """A whip pan over 1.5 to 3 widths in 4 to 14 frames, to another part of the place that lies there mirrored."""
    length = int(rng.integers(4, min(14, room) + 1))
    way = width * float(rng.uniform(1.5, 3.0)) * float(rng.choice([-1, 1]))
    speed = np.hanning(length + 2)[1:-1]
    places = way * np.cumsum(speed) / speed.sum()

    def change(picture: Rgb, since: int) -> Rgb:
        index = min(since, length - 1)
        travel = places[index] - (places[index - 1] if index else 0.0) if since < length else 0.0
        shown = _panned(picture, float(places[index]))
        return np.asarray(cv2.blur(shown, (max(1, int(abs(travel) / 2)), 1)), np.uint8)

    return length, change


def _panned(picture: Rgb, shift: float) -> Rgb:
    """The picture continued by its mirror image and seen `shift` pixels further right."""
    size = (picture.shape[1], picture.shape[0])
    matrix = np.array([[1, 0, -shift], [0, 1, 0]], np.float64)
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8)


def _flash(rng: np.random.Generator, room: int, _width: int) -> tuple[int, Callable[[Rgb, int], Rgb]]:
    """One to three flashes or black frames, each one to three frames long, nearly or wholly without picture."""
    count, length = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    gap, level = int(rng.integers(3, 7)), 255.0 * float(rng.random() < 0.75)
    strength = float(rng.uniform(0.6, 1.0))
    total = min(room, count * (length + gap))

    def change(picture: Rgb, since: int) -> Rgb:
        lit = since < total and since % (length + gap) < length
        return np.asarray(picture * (1 - strength) + level * strength, np.uint8) if lit else picture

    return total, change


def _exposure(rng: np.random.Generator, room: int, _width: int) -> tuple[int, Callable[[Rgb, int], Rgb]]:
    """Light that is switched or dimmed within 1 to 20 frames, by a factor of 0.25 to 2.2, and its colour with it."""
    length = min(room, int(rng.choice([1, 2, 6, 12, 20])))
    gain = float(rng.uniform(0.25, 0.6) if rng.random() < 0.6 else rng.uniform(1.5, 2.2))
    tint = gain * rng.uniform(0.85, 1.15, 3)

    def change(picture: Rgb, since: int) -> Rgb:
        share = min(1.0, (since + 1) / length)
        return np.asarray(np.clip(picture * (1 + (tint - 1) * share), 0, 255), np.uint8)

    return length, change
