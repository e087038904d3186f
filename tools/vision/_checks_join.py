"""Joins in time: what jumps between a kept frame and a made one beside it, against the shot's own change.

Three things can jump: what is shown (change that motion does not explain), how it moves (motion that breaks off), and
its colours. The shot's own pairs of frames around the window are the yardstick for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from tools.types import Rgb
from tools.vision._checks_time import FLOOR, JITTER_SCALE, SEEN_JITTER, steepness, unexplained
from tools.vision.motion import flow

Floats = NDArray[np.float32]

NEAR = 4
"""Pairs of kept frames on each side of a window that tell the shot's own change."""
WORST = 97.0
"""Percentile of the change in a picture that stands for its worst place."""
GRID = 6
"""Blocks across a picture whose motion is followed."""
STEADY = 0.35
"""Pixels by which flow turns from pair to pair without anything being seen."""
SPARE = 2.0
"""How many times the shot's own turning is no fault."""


@dataclass(frozen=True)
class Pair:
    """Two neighbouring frames: unexplained change (mean and worst place, levels), motion by block, shift of colour."""

    mean: float
    worst: float
    motion: Floats
    slopes: Floats
    colour: float


def pair_of(one: Rgb, two: Rgb) -> Pair:
    """What changes between two small pictures (h, w, 3)."""
    lumas = [np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8) for picture in (one, two)]
    motion = flow(lumas[0], lumas[1])
    change = unexplained(lumas[0], lumas[1], motion)
    slopes = steepness(lumas[0])
    blocks = [_blocks(np.dstack([motion, slopes])[..., axis]) for axis in range(3)]
    return Pair(
        mean=float(change.mean()),
        worst=float(np.percentile(change, WORST)),
        motion=np.dstack([np.median(block, axis=2) for block in blocks[:2]]).astype(np.float32),
        slopes=np.asarray(blocks[2].mean(axis=2), np.float32),
        colour=_colour_shift(one, two, motion),
    )


def pairs_around(window: tuple[int, int], count: int) -> list[int]:
    """First frames of the pairs that judge a window: kept ones near it, the joins, the made ones beside."""
    first, last = window
    before = range(max(0, first - 1 - NEAR), first - 1)
    after = range(last + 1, min(count - 1, last + 1 + NEAR))
    inside = [index for index in (first, last - 1) if first <= index < last]
    return sorted({*before, *after, *inside, *joins_of(window, count)})


def joins_of(window: tuple[int, int], count: int) -> list[int]:
    """First frames of the pairs in which a window meets kept frames."""
    return [index for index in joins_at(window) if 0 <= index < count - 1]


@dataclass(frozen=True)
class Joined:
    """How far the joins are out of line: ratio of change, pixels of broken motion, CIEDE2000 beyond the shot's own."""

    change: float
    turn: float
    colour: float

    @property
    def ratio(self) -> float:
        """Change and broken motion as one figure, as flicker counts them."""
        return max(self.change, JITTER_SCALE * self.turn)


def judged(pairs: Mapping[int, Pair], window: tuple[int, int], count: int) -> Joined:
    """The worse of a window's joins. A window that covers the clip has none and is out of line with nothing."""
    joins = [index for index in joins_of(window, count) if index in pairs]
    if not joins or len(pairs) == len(joins):
        return Joined(1.0, 0.0, 0.0)
    beside = {at: _beside(pairs, at, window) for at in joins}
    change = max(_out_of_line(pairs[at], beside[at]) for at in joins)
    own = [_turn(pairs, at) for at in pairs if at not in joins and _is_kept_run(at, window)]
    turning = float(np.median(own)) if own else 0.0
    turn = max(max(0.0, _turn(pairs, at) - SPARE * turning - STEADY) for at in joins)
    colour = max(pairs[at].colour - float(np.median([one.colour for one in beside[at]])) for at in joins)
    return Joined(change, turn, max(0.0, colour))


def _beside(pairs: Mapping[int, Pair], at: int, window: tuple[int, int]) -> list[Pair]:
    """The pairs that a join is held against: the two kept ones nearest on its side and the made one, else any."""
    away = -1 if at < window[0] else 1
    near = [pairs[index] for index in (at + away, at + 2 * away, at - away) if index in pairs]
    return near if len(near) > 1 else [pair for index, pair in pairs.items() if index not in joins_at(window)]


def joins_at(window: tuple[int, int]) -> tuple[int, int]:
    """The pairs in which a window would meet frames on either side."""
    return window[0] - 1, window[1]


def _out_of_line(join: Pair, beside: Sequence[Pair]) -> float:
    """The worse ratio of change to what is usual beside the join, of the picture as a whole and of its worst place."""
    whole, worst = (float(np.median(values)) for values in zip(*((one.mean, one.worst) for one in beside), strict=True))
    return max((join.mean + FLOOR) / (whole + FLOOR), (join.worst + 2 * FLOOR) / (worst + 2 * FLOOR))


def _is_kept_run(index: int, window: tuple[int, int]) -> bool:
    """Whether a pair and the ones beside it are of kept frames."""
    return index + 2 < window[0] or index - 1 > window[1]


def _turn(pairs: Mapping[int, Pair], at: int) -> float:
    """Pixels by which the motion of textured blocks in a pair leaves what lies between that of the pairs beside it."""
    beside = [pairs[index] for index in (at - 1, at + 1) if index in pairs]
    if not beside:
        return 0.0
    here, low, high = pairs[at], beside[0].motion, beside[-1].motion
    along = high - low
    length = np.maximum(np.square(along).sum(axis=2), 1e-6)
    share = np.clip(((here.motion - low) * along).sum(axis=2) / length, 0, 1)
    away = np.linalg.norm(here.motion - (low + share[..., None] * along), axis=2)
    seen = away[away * here.slopes > SEEN_JITTER]
    return float(np.percentile(seen, 75)) if seen.size > away.size * 0.1 else 0.0


def _blocks(plane: Floats) -> Floats:
    """(rows, columns, samples): a plane cut into blocks."""
    side = max(4, plane.shape[1] // GRID)
    rows, columns = max(1, plane.shape[0] // side), max(1, plane.shape[1] // side)
    cut = plane[: rows * side, : columns * side]
    tall, wide = cut.shape[0] // rows, cut.shape[1] // columns
    parts = cut[: rows * tall, : columns * wide].reshape(rows, tall, columns, wide)
    return np.ascontiguousarray(parts.transpose(0, 2, 1, 3).reshape(rows, columns, -1))


def _colour_shift(one: Rgb, two: Rgb, motion: Floats) -> float:
    """CIEDE2000 between what both frames show at one place, the median over small cells."""
    ys, xs = np.mgrid[0 : one.shape[0], 0 : one.shape[1]].astype(np.float32)
    moved = cv2.remap(two, xs + motion[..., 0], ys + motion[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    size = max(1, one.shape[1] // 12), max(1, one.shape[0] // 12)
    cells = [cv2.resize(p.astype(np.float32) / 255, size, interpolation=cv2.INTER_AREA) for p in (one, moved)]
    labs = [cv2.cvtColor(cell, cv2.COLOR_RGB2Lab) for cell in cells]
    return float(np.median(deltaE_ciede2000(labs[0], labs[1])))
