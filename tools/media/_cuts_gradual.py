"""Dissolves and fades: where they are suspected, over which frames they run, and whether they join two scenes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tools.media._cuts_signs import SPAN, Recent
from tools.media._structure import FLAT, differ

LOOK = 28
"""Frames beyond a suspected stretch before it is judged."""
LONGEST = 96
"""Frames of the longest gradual joint."""
GAPS = (8, 4, 2)
"""Frames without a sign of mixture that a suspected stretch bridges; the wider gap is tried first."""
BESIDE = 4
"""Frames beside a dissolve that are not empty; beside a fade they are."""
LEAST = 3
"""Frames with a sign of mixture of the shortest dissolve."""
FAR_REACH = 12
"""Motion from one side of a joint to the other that still is the same scene, in pixels of the small picture."""
OTHER_SCENE = 0.28
"""Unmatched share between the two sides of a gradual joint."""
QUITE_OTHER_SCENE = 0.6
"""The same from which a dissolve needs no thinner frames: within the shots of seven clips and fifty films it stays
under 0.45."""
THINNER = 0.975
"""Mean contrast of a dissolve's frames, in what lies straight between both ends: 0.71 where both scenes have the same
contrast and nothing in common, 0.98 and more where the camera or a person moves."""
AROUND = 10
"""Frames beyond a run of signs that the joint may reach, and that its ends are read from."""
STRAY = 0.3
"""Largest departure from a ramp that counts, as a share of the way."""
CROOKED = 0.1
"""Mean departure from the ramp that a dissolve stays under."""
Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Run:
    """Frames that share a sign, in order."""

    hits: tuple[int, ...]

    @property
    def first(self) -> int:
        return self.hits[0]

    @property
    def last(self) -> int:
        return self.hits[-1]

    def parts(self, gap: int) -> list[Run]:
        """The run in pieces whose gaps are at most `gap` frames."""
        breaks = [n for n, (a, b) in enumerate(pairwise(self.hits), start=1) if b - a > gap]
        return [Run(self.hits[a:b]) for a, b in pairwise([0, *breaks, len(self.hits)])]


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
            self._open.append(Run((*self._open.pop().hits, index)))
        else:
            self._open.append(Run((index,)))

    def due(self, newest: int) -> Iterator[Run]:
        """The runs that ended `LOOK` before the newest frame."""
        while self._open and newest >= self._open[0].last + LOOK:
            yield self._open.popleft()

    def due_at_end(self) -> Iterator[Run]:
        while self._open:
            yield self._open.popleft()


def dissolves(recent: Recent, run: Run, low: int, high: int) -> list[Stretch]:
    """The dissolves behind a run of mixtures between frames `low` and `high`: of the whole run, else of its parts."""
    for gap in GAPS:
        found = [dissolve(recent, part, low, high) for part in run.parts(gap)]
        if any(found):
            return [stretch for stretch in found if stretch]
    return []


def dissolve(recent: Recent, run: Run, low: int, high: int) -> Stretch | None:
    """The dissolve behind a run of mixtures, looked for between frames `low` and `high`; None when it is none."""
    if len(run.hits) < LEAST or run.last - run.first > LONGEST:
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
    if any(is_empty(sign.contrast) for sign in recent.stretch(stretch.first - BESIDE, stretch.last + BESIDE)):
        return None
    share = OTHER_SCENE if _is_thinner(recent, stretch) else QUITE_OTHER_SCENE
    return stretch if joins_scenes(recent, stretch, share, low, high) else None


def _is_thinner(recent: Recent, stretch: Stretch) -> bool:
    """Whether the frames of a stretch have less contrast than its ends: two pictures mixed average each other out."""
    contrast = np.array([sign.contrast for sign in recent.stretch(stretch.first - 1, stretch.last + 1)])
    straight = np.linspace(contrast[0], contrast[-1], len(contrast))
    return float((contrast / straight).mean()) <= THINNER


def _ramp(shares: Series, first: int, last: int) -> tuple[int, int] | None:
    """First and last mixed index of the straight way from 0 to 1 that fits best around the core `first` to `last`.

    Departures are counted up to `STRAY`, so that what happens beyond the joint does not matter.
    """
    starts = np.arange(max(1, first - AROUND), last)
    ends = np.arange(first + 1, min(len(shares) - 1, last + AROUND))
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
    return stretch if joins_scenes(recent, stretch, OTHER_SCENE, low, high) else None


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


def joins_scenes(recent: Recent, stretch: Stretch, share: float, low: int, high: int) -> bool:
    """Whether `share` of what is seen after the stretch is not seen before it, between frames `low` and `high`."""
    before = {max(low, stretch.first - back) for back in (1, 6)}
    after = {min(high, stretch.last + on) for on in (1, 6)}
    if min(before) >= stretch.first or max(after) <= stretch.last:
        return False
    return all(differ(recent[old].small, recent[new].small, FAR_REACH, share) for old in before for new in after)


def is_empty(contrast: float) -> bool:
    """A black, white or otherwise empty picture, by its standard deviation."""
    return contrast < FLAT
