"""Dissolves and fades: where they are suspected, over which frames they run, and whether they join two scenes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.media._cuts_signs import SPAN, Recent
from tools.media._structure import FLAT, differ

LOOK = 28
"""Frames beyond a suspected stretch before it is judged."""
LONGEST = 96
"""Frames of the longest gradual joint."""
GAP = 4
"""Frames without a sign of mixture that a suspected stretch bridges."""
LEAST = 3
"""Frames with a sign of mixture of the shortest dissolve."""
FAR_REACH = 12
"""Motion from one side of a joint to the other that still is the same scene, in pixels of the small picture."""
OTHER_SCENE = 0.3
"""Unmatched share between the two sides of a gradual joint."""
AROUND = 10
"""Frames beyond a run of signs that the joint may reach, and that its ends are read from."""
STRAY = 0.3
"""Largest departure from a ramp that counts, as a share of the way."""
CROOKED = 0.1
"""Mean departure from the ramp that a dissolve stays under."""
Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """Frames `first` to `last`, of which `hits` show a sign."""

    first: int
    last: int
    hits: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A gradual joint over frames `first` to `last`, both mixed."""

    first: int
    last: int

    @property
    def opening(self) -> int:
        return (self.first + self.last) // 2


class Runs:
    """Stretches of frames that share a sign, small gaps bridged; each is told once, when it has been looked past."""

    def __init__(self, gap: int) -> None:
        self._gap = gap
        self._open: deque[Run] = deque()

    def push(self, index: int) -> None:
        """Frame `index` has the sign."""
        if self._open and index - self._open[-1].last <= self._gap:
            run = self._open.pop()
            self._open.append(Run(run.first, index, run.hits + 1))
        else:
            self._open.append(Run(index, index, 1))

    def due(self, newest: int) -> Iterator[Run]:
        """The runs that ended `LOOK` before the newest frame."""
        while self._open and newest >= self._open[0].last + LOOK:
            yield self._open.popleft()

    def due_at_end(self) -> Iterator[Run]:
        while self._open:
            yield self._open.popleft()


def dissolve(recent: Recent, run: Run, low: int, high: int) -> Stretch | None:
    """The dissolve behind a run of mixtures, looked for between frames `low` and `high`; None when it is none."""
    if run.hits < LEAST or run.last - run.first > LONGEST:
        return None
    low, high = max(low, run.first - AROUND), min(high, run.last + AROUND)
    signs = recent.stretch(low, high)
    start, end = recent[max(run.first - SPAN, low)].coarse, recent[min(run.last + SPAN, high)].coarse
    way = end - start
    shares = np.array([np.vdot(sign.coarse - start, way) for sign in signs]) / np.vdot(way, way)
    found = _ramp(shares, run.first - low, run.last - low)
    if found is None:
        return None
    stretch = Stretch(low + found[0], low + found[1])
    if any(is_empty(sign.contrast) for sign in recent.stretch(stretch.first - GAP, stretch.last + GAP)):
        return None
    return stretch if joins_scenes(recent, stretch, low, high) else None


def _ramp(shares: Series, first: int, last: int) -> tuple[int, int] | None:
    """First and last mixed index of the straight way from 0 to 1 that fits best around the core `first` to `last`.

    Departures are counted up to `STRAY`, so that what happens beyond the joint does not matter.
    """
    starts, ends = (
        np.arange(max(1, first - AROUND), first + 5),
        np.arange(last - 5, min(len(shares) - 1, last + AROUND)),
    )
    a, b = (grid.ravel() for grid in np.meshgrid(starts, ends, indexing="ij"))
    a, b = a[b - a >= SPAN - 1], b[b - a >= SPAN - 1]
    if not a.size:
        return None
    ramps = np.clip((np.arange(len(shares)) - a[:, None] + 1) / (b - a + 2)[:, None], 0, 1)
    departures = np.minimum(np.abs(shares - ramps), STRAY)
    best = int(np.argmin(departures.sum(axis=1)))
    stretch = int(a[best]), int(b[best])
    near = departures[best, max(0, stretch[0] - 2) : stretch[1] + 3]
    return stretch if float(near.mean()) <= CROOKED else None


def fade(recent: Recent, run: Run, low: int, high: int) -> Stretch | None:
    """The fade through the empty frames of a run, with the frames on which contrast falls and rises again."""
    low, high = max(low, run.first - LONGEST // 2), min(high, run.last + LONGEST // 2)
    if run.first - low < 2 or high - run.last < 2:
        return None
    falling = np.array([sign.contrast for sign in recent.stretch(low, run.first - 1)])
    rising = np.array([sign.contrast for sign in recent.stretch(run.last + 1, high)])
    stretch = Stretch(run.first - _slope(falling[::-1]), run.last + _slope(rising))
    return stretch if joins_scenes(recent, stretch, low, high) else None


def _slope(contrast: Series) -> int:
    """How many frames contrast needs to rise from nothing to its level, by the line that fits best."""
    best, least = 0, np.inf
    for length in range(len(contrast) - 1):
        level = float(np.median(contrast[length : length + AROUND]))
        seen = contrast[: length + AROUND] / level
        ramp = np.minimum(1.0, np.arange(1, len(seen) + 1) / (length + 1))
        error = float(np.minimum(np.abs(seen - ramp), STRAY).mean())
        if error < least:
            best, least = length, error
    return best


def joins_scenes(recent: Recent, stretch: Stretch, low: int, high: int) -> bool:
    """Whether what is seen before the stretch is not seen after it."""
    before = {max(low, stretch.first - back) for back in (1, 6)}
    after = {min(high, stretch.last + on) for on in (1, 6)}
    if min(before) >= stretch.first or max(after) <= stretch.last:
        return False
    return all(
        differ(recent[old].small, recent[new].small, FAR_REACH, OTHER_SCENE) for old in before for new in after
    )


def is_empty(contrast: float) -> bool:
    """A black, white or otherwise empty picture, by its standard deviation."""
    return contrast < FLAT
