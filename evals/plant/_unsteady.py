"""Errors of time: a patch that melts, a region that flickers, something that is there for a single frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from evals.plant._carried import background_patch, stray_object, text_logo
from evals.plant._follow import Complex, Place, Wish, find_place
from evals.plant._layer import Carried, Seen, sized
from evals.plant._paint import SIDE, Pixels, Rng, clipped, clouds, polygon
from evals.plant._planting import Crop, Planting, Task, geometric
from evals.plant._surface import edited
from tools.types import Box, Frame

CHANGE = (7.0, 34.0)
"""Mean difference in 8-bit levels inside a region: just visible, and obvious."""
TRIAL = 0.06
"""Displacement of a trial melt as a share of the region's side."""
SETTLE = 8
"""Frames in which a melt comes on."""
WHOLE = 0.45
"""Sizes from here on are whole frames."""

Change = Callable[[Pixels, Seen, int, float], Pixels]
"""From R, G, B of a region, its layer, the frame since the first, and how much, to what it becomes."""


def melt(task: Task) -> Planting:
    """A patch whose shapes run: all at once and for good, or further from frame to frame."""
    running = task.family == "melt" and bool(task.rng.uniform() < 0.6)
    turning, start = float(task.rng.uniform(-0.09, 0.09)), task.life[0]

    def change(before: Pixels, seen: Seen, step: int, amount: float) -> Pixels:
        grown = min(1.0, (step + 1) / SETTLE) + 0.04 * max(0, step - SETTLE) if running else 1.0
        turn = np.exp(1j * turning * step) if running else 1.0
        side = float(np.sqrt(task.area))
        field = (seen.layer[..., 0] + 1j * seen.layer[..., 1]) * np.complex128(turn * amount * grown * TRIAL * side)
        return _displaced(before, field)

    return _region(task, _melting(task.rng), change, start)


def _displaced(before: Pixels, field: Complex) -> Pixels:
    """The picture sampled `field` (h, w) pixels away, x as the real part."""
    ys, xs = np.mgrid[0 : before.shape[0], 0 : before.shape[1]].astype(np.float32)
    x, y = xs + field.real.astype(np.float32), ys + field.imag.astype(np.float32)
    return np.asarray(cv2.remap(before, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101), np.float32)


def _melting(rng: Rng) -> Pixels:
    """A displacement field in a soft window, (h, w, 3): x and y, about 1 strong, and the window."""
    window = blob(rng, 0.16)
    wave = float(rng.uniform(0.22, 0.5)) * SIDE
    across, down = (clouds(rng, (SIDE, SIDE), wave, 2) for _ in range(2))
    return np.dstack([across * window, (down + 0.5) * window, window]).astype(np.float32)


def region_flicker(task: Task) -> Planting:
    """A region whose brightness, colour and texture jump from frame to frame."""
    jumps = float(task.rng.uniform(0.002, 0.025))

    def change(before: Pixels, seen: Seen, step: int, amount: float) -> Pixels:
        rng = np.random.default_rng((*task.seed, 77, step))
        sign = 1.0 if (step % 2) ^ (rng.uniform() < 0.25) else -1.0
        gain = 1 + 0.1 * amount * (sign * rng.uniform(0.5, 1) + 0.12 * rng.standard_normal(3))
        wave = np.sqrt(task.area) * jumps * min(amount, 1.5)
        field = wave * (_wobble(rng, before.shape[:2]) + complex(*rng.standard_normal(2)))
        moved, mean = _displaced(before, field), before.mean(axis=(0, 1))
        contrast = 1 + 0.2 * amount * float(rng.uniform(-1, 1))
        after = clipped((mean + (moved - mean) * max(contrast, 0.2)) * clipped(gain, 0.3, 1.9), 0, 255)
        return np.asarray(before + (after - before) * seen.layer[..., -1:], np.float32)

    return _region(task, _window(task.rng), change, task.life[0])


def _wobble(rng: Rng, size: tuple[int, int]) -> Complex:
    """A displacement field (h, w) of one frame's own."""
    wave = max(8.0, 0.4 * min(size))
    return np.asarray(clouds(rng, size, wave, 2) + 1j * clouds(rng, size, wave, 2), np.complex128)


def _window(rng: Rng) -> Pixels:
    window = blob(rng, 0.08)
    return np.dstack([window, window]).astype(np.float32)


def blob(rng: Rng, soft: float) -> Pixels:
    """An uneven spot (side, side) whose edge is `soft` of the side wide."""
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    radius = np.full(90, 0.4 - soft / 2)
    for wave in range(2, 6):
        radius += rng.uniform(0, 0.08) / wave * 2 * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    spot = polygon(np.column_stack([0.5 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)]))
    spread = cv2.GaussianBlur(spot, (0, 0), soft / 3 * SIDE)
    return clipped((spread - 0.06) / 0.86) ** np.float32(0.6)


def _region(task: Task, layer: Pixels, change: Change, start: int) -> Planting:
    """A change of what is there, in a window that moves with the surface, as strong as asked for."""
    layer = sized(layer, task.area, (0.95 * task.info.width, 0.95 * task.info.height))
    wish = Wish((float(layer.shape[1]), float(layer.shape[0])), task.life, task.speed, textured=True)
    place = find_place(task.clip, task.info, wish, task.rng)
    carried = Carried(layer, place, 0.0, 0.0, task.info.width, task.info.height)
    amount = _amount(task, carried, change, place)

    def show(frame: Frame) -> tuple[Frame, Crop | None]:
        seen = carried.seen(frame.index)
        if seen is None:
            return frame, None
        step = frame.index - start
        made = edited(frame, seen.box, seen.mask, lambda before: change(before, seen, step, amount))
        return made, (seen.box, seen.mask)

    return Planting(show, place.speed, place.in_view)


def _amount(task: Task, carried: Carried, change: Change, place: Place) -> float:
    """How much of a change makes the difference that the strength asks for, measured where it is fully there."""
    index = min(place.first + SETTLE, place.last)
    seen = carried.seen(index)
    if seen is None:
        return 1.0
    before = task.picture(index)[seen.box.slices].astype(np.float32)
    wanted, amount = geometric(task.strength, *CHANGE), 1.0
    for _ in range(3):
        after = change(before, seen, index - place.first, amount)
        own = float(np.abs(after - before)[seen.mask].mean())
        amount = float(np.clip(amount * wanted / max(own, 0.3), 0.15, 3.0))
    return amount


def frame_pop(task: Task) -> Planting:
    """One frame that is wrong: with a thing or a piece from elsewhere in it, warped, or wrong as a whole."""
    if task.size >= WHOLE:
        return _jump(task)
    prepare = POPS[int(task.rng.choice(len(POPS), p=(0.4, 0.15, 0.25, 0.2)))]
    return _only(prepare(_longer(task)), task.life[0])


def _longer(task: Task) -> Task:
    """The task over a few more frames, so that the surface's speed can be told."""
    return replace(task, life=(task.life[0], min(task.life[0] + 3, task.clip.frames - 1)))


def _only(planting: Planting, index: int) -> Planting:
    """The error in one frame alone."""

    def show(frame: Frame) -> tuple[Frame, Crop | None]:
        return planting.show(frame) if frame.index == index else (frame, None)

    return Planting(show, planting.speed, in_view=True)


def _jump(task: Task) -> Planting:
    """A frame that jumps: moved and enlarged, or flashed."""
    index, much = task.life[0], geometric(task.strength, 0.25, 1.0)
    flashed = bool(task.rng.uniform() < 0.4)
    gain = 1 + much * float(task.rng.choice([-0.45, 0.6]))
    zoom = 1 + much * float(task.rng.uniform(0.03, 0.12))
    shift = much * task.rng.uniform(-0.06, 0.06, 2) * task.info.height
    full = Box(0, 0, task.info.width, task.info.height)
    mask = np.ones((full.h, full.w), np.bool_)

    def edit(before: Pixels) -> Pixels:
        if flashed:
            return clipped(before * gain, 0, 255)
        centre = np.array([full.w, full.h]) / 2
        matrix = np.array([[zoom, 0, shift[0] + (1 - zoom) * centre[0]], [0, zoom, shift[1] + (1 - zoom) * centre[1]]])
        border = cv2.BORDER_REFLECT_101
        return np.asarray(cv2.warpAffine(before, matrix, (full.w, full.h), borderMode=border), np.float32)

    def show(frame: Frame) -> tuple[Frame, Crop | None]:
        return (edited(frame, full, mask, edit), (full, mask)) if frame.index == index else (frame, None)

    return Planting(show, 0.0)


POPS = (stray_object, text_logo, background_patch, melt)
"""What a single frame may have that its neighbours have not."""
