"""How a shot moves: the camera's path, and how figures stand, breathe, turn and gesture.

All paths are arrays with one row per frame; positions are shares of the frame's width, so that every size plays alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from evals.studio._moves import eased, whip_speeds

Path2 = NDArray[np.float64]
MoveKind = Literal["static", "push", "pan", "handheld", "track", "whip"]

DIAGONAL_SHARE = float(np.hypot(1, 9 / 16))
"""A 16:9 frame's diagonal over its width."""


@dataclass(frozen=True, slots=True)
class CameraPath:
    """Where the near world lies (x, y), shares of the width; its scale; how much of the shift the far world makes."""

    kind: MoveKind
    shift: Path2
    scale: NDArray[np.float64]
    far: float


def draw_camera(rng: np.random.Generator, kind: MoveKind, frames: int) -> CameraPath:
    """A move of a kind: "track" travels about as fast as a fill can follow, "whip" is a pan too fast for any fill."""
    t, way = eased(frames), float(rng.choice([-1, 1]))
    shift, scale, far = np.zeros((frames, 2)), np.ones(frames), 0.55
    if kind == "push":
        grow = float(rng.uniform(0.05, 0.14))
        scale = 1 + grow * (t if rng.uniform() < 0.7 else 1 - t)
    elif kind == "pan":
        shift[:, 0] = way * float(rng.uniform(0.04, 0.1)) * (t - 0.5) * frames / 30
    elif kind == "handheld":
        shift = _wobble(rng, frames, 0.006, (0.3, 1.1))
    elif kind == "track":
        speed = float(np.exp(rng.uniform(np.log(0.0045), np.log(0.016)))) * DIAGONAL_SHARE
        shift[:, 0] = way * speed * (np.arange(frames) - frames / 2)
    elif kind == "whip":
        speeds = whip_speeds(frames, 0.038 * DIAGONAL_SHARE * 1280) / 1280
        shift[:, 0] = way * (np.cumsum(speeds) - speeds.sum() * 0.35)
        far = 1.0
    return CameraPath(kind, shift, scale, far)


def _wobble(rng: np.random.Generator, frames: int, size: float, rates: tuple[float, float]) -> Path2:
    """A hand: three slow waves in each direction, (frames, 2)."""
    t = np.arange(frames)[:, None, None] / 24
    rate, phase = rng.uniform(*rates, (1, 2, 3)), rng.uniform(0, 2 * np.pi, (1, 2, 3))
    return np.asarray(size * np.sin(2 * np.pi * rate * t + phase).sum(axis=2) / 1.7)


@dataclass(frozen=True, slots=True)
class Acting:
    """What a figure does: (frames,) arrays, in the figure's units and degrees.

    Offsets and roll of the body, roll of the head and how far its face slides, swing of both arms, whether eyes are
    shut, and how wide the mouth opens (1 is closed).
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    roll: NDArray[np.float64]
    head: NDArray[np.float64]
    turn: NDArray[np.float64]
    arms: tuple[NDArray[np.float64], NDArray[np.float64]]
    shut: NDArray[np.bool_]
    mouth: NDArray[np.float64]


def draw_acting(rng: np.random.Generator, frames: int, *, lively: float) -> Acting:
    """A performance; `lively` from 0 (stands still) to 2 (restless)."""
    t = np.arange(frames) / 24

    def wave(size: float, low: float = 0.25, high: float = 0.7) -> NDArray[np.float64]:
        bias, phase = rng.uniform(-0.5, 0.5), rng.uniform(0, 2 * np.pi)
        return np.asarray(size * lively * (np.sin(2 * np.pi * rng.uniform(low, high) * t + phase) + bias))

    shut = np.zeros(frames, np.bool_)
    for start in rng.integers(0, 2 * frames, 2):
        shut[start : start + 3] = True
    talks = float(rng.uniform() < 0.5)
    return Acting(
        x=wave(9) + rng.uniform(-16, 16),
        y=wave(3, 0.25, 0.4) + rng.uniform(-6, 6),
        roll=wave(0.7),
        head=wave(2.4) + rng.uniform(-1.5, 1.5),
        turn=wave(4.5),
        arms=(wave(2.6), wave(2.6)),
        shut=shut,
        mouth=1 + talks * 0.5 * np.abs(np.sin(2 * np.pi * rng.uniform(2, 3.4) * t)),
    )
