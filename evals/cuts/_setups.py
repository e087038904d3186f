"""Set-ups: where a camera stands in a location, how it moves, and the frames it brings home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tools.types import Rgb

Matrix = NDArray[np.float64]
Size = tuple[int, int]
"""Width, height in pixels."""


@dataclass(frozen=True, slots=True)
class SetUp:
    """One camera position and its move; places and speeds are shares of what a zoom of 1 shows.

    `start` is the location's own time at the first frame, so that a later take of the same set-up finds the people
    elsewhere.
    """

    x: float
    y: float
    zoom: float
    drift: tuple[float, float] = (0.0, 0.0)
    push: float = 0.0
    """Growth of the zoom per frame."""
    wobble: float = 0.0
    """Amplitude of the hand that holds the camera."""
    start: int = 0

    def matrix(self, index: int, extent: Size, frame: Size) -> Matrix:
        """(2, 3): pixels of a picture of `extent` to pixels of the frame, at the shot's frame `index`."""
        scale = self.scale(index, extent, frame)
        x, y = self.centre(index)
        shift = (frame[0] / 2 - scale * x * extent[0], frame[1] / 2 - scale * y * extent[1])
        return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])

    def scale(self, index: int, extent: Size, frame: Size) -> float:
        return max(frame[0] / extent[0], frame[1] / extent[1]) * self.zoom * (1 + self.push) ** index

    def centre(self, index: int) -> tuple[float, float]:
        """What the camera points at, as shares of the picture; slow drifts turn round so that they stay in it."""
        clock = self.start + index
        sway = self.wobble * np.sin(np.array([0.23, 0.31]) * clock) + 0.4 * self.wobble * np.sin(0.71 * clock)
        return self.x + self.drift[0] * index + float(sway[0]), self.y + self.drift[1] * index + float(sway[1])


class Location(Protocol):
    """A place with its people, seen through any set-up."""

    @property
    def moments(self) -> int:
        """Frames that the location's own time lasts."""

    def shoot(self, setup: SetUp, frames: int, size: Size) -> Iterator[Rgb]:
        """`frames` pictures (height, width, 3) through a camera."""


def first_setup(rng: np.random.Generator, moments: int, needed: int) -> SetUp:
    """A wide or medium framing with a quiet move."""
    pace = rng.uniform(0, 0.0025) * float(rng.random() < 0.6)
    way = rng.uniform(0, 2 * np.pi)
    return SetUp(
        x=float(rng.uniform(0.42, 0.58)),
        y=float(rng.uniform(0.45, 0.55)),
        zoom=float(rng.uniform(1.15, 1.6)),
        drift=(float(pace * np.cos(way)), float(0.4 * pace * np.sin(way))),
        push=float(rng.uniform(0.0005, 0.004)) * float(rng.random() < 0.3),
        wobble=float(rng.uniform(0.001, 0.006)) * float(rng.random() < 0.4),
        start=int(rng.integers(0, max(1, moments - needed))),
    )


def reframed(rng: np.random.Generator, setup: SetUp, moments: int, needed: int) -> SetUp:
    """Another set-up of the same place: clearly closer or wider, and pointed elsewhere."""
    fresh = first_setup(rng, moments, needed)
    factor = float(rng.uniform(1.35, 1.9))
    zoom = setup.zoom * factor if setup.zoom * factor < 2.6 else max(1.1, setup.zoom / factor)
    x, y = (setup.x + _away(rng, 0.06, 0.16), setup.y + _away(rng, 0.0, 0.08))
    return replace(fresh, x=float(np.clip(x, 0.3, 0.7)), y=float(np.clip(y, 0.35, 0.65)), zoom=zoom)


def jumped(rng: np.random.Generator, setup: SetUp, shot: int, moments: int, needed: int) -> SetUp:
    """The same set-up a little later: a jump cut. The people have moved, and the camera by 7 to 14 % of its view."""
    start = min(setup.start + shot + int(rng.integers(30, 90)), max(0, moments - needed))
    x, y = setup.centre(shot)
    reach = float(rng.uniform(0.07, 0.14)) / setup.zoom
    way = rng.uniform(0, 2 * np.pi)
    x, y = x + reach * float(np.cos(way)), y + reach * float(np.sin(way))
    zoom = setup.zoom * float(rng.uniform(0.92, 1.15))
    return replace(setup, x=float(np.clip(x, 0.3, 0.7)), y=float(np.clip(y, 0.3, 0.7)), zoom=zoom, start=start)


def _away(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.choice([-1, 1]) * rng.uniform(low, high))
