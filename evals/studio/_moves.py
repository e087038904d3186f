"""Camera moves over a character in front of a place: pans, pushes, holds and a whip pan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from evals.studio._optics import DIAGONAL, HEIGHT, WIDTH, Matrix, Move, pose

HEAD = (225.0, 110.0)
"""Between her ears, in photograph pixels: the point a move frames."""

SHUTTER = 0.5
"""Share of the frame time that the shutter is open (180°)."""

Size = tuple[int, int]


def eased(frames: int) -> NDArray[np.float64]:
    """0 to 1 with a soft start and stop that never quite stands still."""
    t = np.linspace(0, 1, frames)
    return np.asarray(0.6 * t + 0.4 * t * t * (3 - 2 * t))


def cover(size: Size, slack: tuple[float, float]) -> float:
    """The zoom at which a (width, height) picture covers the frame and `slack` pixels beyond it."""
    return max((WIDTH + slack[0]) / size[0], (HEIGHT + slack[1]) / size[1])


def _sway(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """How a standing person moves: (frames, 3) of x, y in frame pixels and degrees."""
    t = np.arange(frames)[:, None] / 24
    rate, phase = rng.uniform(0.25, 0.5, 3), rng.uniform(0, 2 * np.pi, 3)
    return np.asarray(np.sin(2 * np.pi * rate * t + phase) * np.array([2.0, 1.2, 0.35]))


def _backgrounds(size: Size, zoom: Sequence[float], shifts: Sequence[tuple[float, float]]) -> tuple[Matrix, ...]:
    centre = (size[0] / 2, size[1] / 2)
    return tuple(pose(z, centre, (WIDTH / 2 + dx, HEIGHT / 2 + dy)) for z, (dx, dy) in zip(zoom, shifts, strict=True))


def framed(
    rng: np.random.Generator,
    frames: int,
    size: Size,
    *,
    scale: tuple[float, float],
    head: tuple[float, float],
    travel: tuple[float, float] = (0.0, 0.0),
) -> Move:
    """A pan by `travel` pixels and a push from the first to the second scale; what is behind moves less.

    `head` is where her head is half-way, `scale` in frame pixels per photograph pixel.
    """
    t, sway = eased(frames), _sway(rng, frames)
    scales = scale[0] + (scale[1] - scale[0]) * t
    offsets = np.outer(t - 0.5, travel)
    placed = np.asarray(head) + offsets + sway[:, :2]
    far = 0.5 * offsets
    zoom = cover(size, (abs(travel[0]) + 60, abs(travel[1]) + 40)) * (scales / min(scale)) ** 0.5
    return Move(
        background=_backgrounds(size, [float(z) for z in zoom], [(float(x), float(y)) for x, y in far]),
        character=tuple(
            pose(float(s), HEAD, (float(x), float(y)), float(a))
            for s, (x, y), a in zip(scales, placed, sway[:, 2], strict=True)
        ),
        shutter=tuple(float(v) for v in SHUTTER * np.gradient(placed[:, 0])),
    )


def whip_speeds(frames: int, top: float) -> NDArray[np.float64]:
    """Pixels per frame: a slow start, a run-up over 18 frames, full speed, and a stop in the last 6."""
    i = np.arange(frames, dtype=np.float64)
    speed = 1.2 + (top - 1.2) * np.minimum(i / 18, 1) ** 2
    stop = np.clip((frames - 1 - i) / 6, 0, 1)
    return np.asarray(1.2 + (speed - 1.2) * stop)


def whip(rng: np.random.Generator, frames: int, size: Size, *, scale: float, y: float) -> Move:
    """A whip pan off her, or (time reversed) onto her; a turning camera, so near and far move alike."""
    top = float(rng.uniform(0.036, 0.040)) * DIAGONAL
    speed = whip_speeds(frames, top)
    way = np.concatenate([[0.0], np.cumsum(speed[1:])])
    direction, arrives = float(rng.choice([-1, 1])), bool(rng.integers(2))
    start = WIDTH / 2 - direction * float(rng.uniform(250, 300))
    if arrives:
        way, speed = way[::-1], speed[::-1]
    heads = start + direction * way
    zoom = cover(size, (float(way.max()) + 40, 40))
    far = [(float(direction * (w - way.max() / 2)), 0.0) for w in way]
    turn = 1.0 if arrives else -1.0
    return Move(
        background=_backgrounds(size, [zoom] * frames, far),
        character=tuple(pose(scale, HEAD, (float(x), y), turn * 0.4) for x in heads),
        shutter=tuple(float(v) for v in SHUTTER * speed),
    )
