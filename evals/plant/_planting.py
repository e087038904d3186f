"""What every family is asked for and gives: a task drawn from a recipe, and the error ready to be put into frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from evals.plant._follow import Speed
from evals.plant._recipe import Family
from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.types import Bits, Box, Clip, Frame, MediaInfo, Rgb

Crop = tuple[Box, Bits]
Show = Callable[[Frame], tuple[Frame, Crop | None]]
"""A shot's frame, its index counting from the shot's first, with the error; and where it is, None where it is not."""


@dataclass(frozen=True)
class Task:
    """One error to plant: what a recipe and the seed say about it.

    `strength` is 0 (just visible) to 1 (obvious), `size` a share of the frame, `life` first and last frame.
    """

    family: Family
    clip: Clip
    info: MediaInfo
    strength: float
    size: float
    life: tuple[int, int]
    speed: Speed | None
    seed: tuple[int, ...]

    @cached_property
    def rng(self) -> np.random.Generator:
        """The task's own random numbers."""
        return np.random.default_rng(self.seed)

    @property
    def area(self) -> float:
        """Wanted size in pixels."""
        return self.size * self.info.width * self.info.height

    def frame(self, index: int) -> Frame:
        """One frame of the shot."""
        at = self.clip.first + index
        return next(iter(frames(Clip(media=self.clip.media, first=at, last=at), info=self.info)))

    def picture(self, index: int) -> Rgb:
        """One frame of the shot in R, G, B."""
        return rgb8(self.frame(index))


@dataclass(frozen=True, slots=True)
class Planting:
    """An error ready to be shown; `speed` is its median in frame diagonals per 1/24 s, `in_view` says whether its
    place can still be seen where it stops."""

    show: Show
    speed: float
    in_view: bool = True


def geometric(strength: float, least: float, most: float) -> float:
    """From `least` (strength 0) to `most` (strength 1) in equal ratios, as eyes judge differences."""
    return float(least * (most / least) ** strength)
