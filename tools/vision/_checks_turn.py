"""Whether the motion inside a region turns about from frame to frame more than the motion around it.

What is filmed moves alike from one pair of frames to the next. Texture that was made frame by frame swims: it fits each
frame's motion so well that little change is left unexplained, and the motion itself is what gives it away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tools.types import Bits
from tools.vision._checks_window import Floats
from tools.vision.motion import warp

LEAST_PIXELS = 30
FLOOR = 0.15
"""Pixels of turning that flow shows by itself; added to both sides of the ratio."""
FAINT = 1.0
"""Levels per pixel under which a side has no texture to tell motion by."""


@dataclass(frozen=True, slots=True)
class Moving:
    """The motion (h, w, 2) and slopes (h, w) of one pair of frames, at `corner` of the frame, sized by `scale`."""

    index: int
    motion: Floats
    slopes: Floats
    core: Bits
    ring: Bits
    corner: tuple[int, int]
    scale: float


@dataclass
class TurnRecord:
    """Pixels by which motion turns from pair to pair inside and around."""

    inside: list[float] = field(default_factory=list)
    around: list[float] = field(default_factory=list)
    last: Moving | None = None

    def add(self, now: Moving) -> None:
        """Takes the pairs of frames in their order; a gap, or a region that is sized otherwise, starts anew."""
        last, self.last = self.last, now
        if last is None or last.index + 1 != now.index or last.scale != now.scale:
            return
        one, two = _shared(last, now)
        turned = np.linalg.norm(warp(two.motion, one.motion) - one.motion, axis=2) / now.scale
        core, ring = one.core & two.core, one.ring & two.ring
        if min(core.sum(), ring.sum()) >= LEAST_PIXELS:
            self.inside.append(_seen(turned, two.slopes, core))
            self.around.append(_seen(turned, two.slopes, ring))

    def ratio(self) -> float:
        """Turning inside over around, of medians; 1 without three frames in a row."""
        if not self.inside:
            return 1.0
        return float((np.median(self.inside) + FLOOR) / (np.median(self.around) + FLOOR))


def _seen(turned: Floats, slopes: Floats, where: Bits) -> float:
    """Mean turning in pixels, counted where slopes make motion visible."""
    return float((turned * slopes)[where].mean() / max(float(slopes[where].mean()), FAINT))


def _shared(one: Moving, two: Moving) -> tuple[Moving, Moving]:
    """Both cut to the part of the frame that they share."""
    corners = np.array([one.corner, two.corner]) * one.scale
    starts = np.rint(corners.max(axis=0) - corners).astype(int)
    ends = np.array([side.slopes.shape[::-1] for side in (one, two)])
    wide, high = (ends - starts).min(axis=0)
    first, second = (_cut(side, x, y, wide, high) for side, (x, y) in zip((one, two), starts, strict=True))
    return first, second


def _cut(side: Moving, x: int, y: int, wide: int, high: int) -> Moving:
    rows, columns = slice(y, y + high), slice(x, x + wide)
    motion, slopes = (np.ascontiguousarray(part[rows, columns]) for part in (side.motion, side.slopes))
    core, ring = (np.ascontiguousarray(part[rows, columns]) for part in (side.core, side.ring))
    return Moving(side.index, motion, slopes, core, ring, side.corner, side.scale)
