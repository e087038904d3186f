"""Dissolves and fades: where they are suspected, over which frames they run, and whether they join two scenes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tools.media._cuts_blocks import AT, blended
from tools.media._cuts_fit import best_extent
from tools.media._cuts_hard import FAR_REACH
from tools.media._cuts_odds import BESIDE, CLEAR, LENGTHS, STRAY, Likely, Series, likely
from tools.media._cuts_signs import Recent
from tools.media._structure import FLAT, differ

AROUND = 34
"""Frames beyond a dissolve that say where it begins and ends."""
LOOK = AROUND + 2
"""Frames beyond a suspected stretch before it is judged."""
LONGEST = 96
"""Frames of the longest gradual joint."""
AT_ONCE = 24
"""Frames whose stretches are judged together."""
LEAST_ODDS = -1.5
"""Log odds, by whole pictures, from which the blocks of a stretch are looked at."""
MOST_ALIKE = 0.5
"""IoU from which two stretches are one; the likelier is looked at."""
NO_FADE = 4
"""Frames beside a dissolve that are not empty; beside a fade they are."""
OTHER_FADE = 0.28
"""Unmatched share between the two sides of a fade."""
LEVEL = 10
"""Frames that the contrast beyond a fade is read from."""


@dataclass(frozen=True, slots=True)
class Run:
    """Frames `first` to `last` that share a sign."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """A gradual joint over frames `first` to `last`, both mixed."""

    first: int
    last: int

    @property
    def opening(self) -> int:
        return (self.first + self.last) // 2

    def overlaps(self, other: Stretch) -> bool:
        return self.first <= other.last and other.first <= self.last


class EmptyRuns:
    """Stretches of empty frames; each is told once, when it has been looked past."""

    def __init__(self) -> None:
        self._open: deque[Run] = deque()

    def push(self, index: int) -> None:
        """Frame `index` is empty."""
        if self._open and index - self._open[-1].last <= 1:
            self._open.append(Run(self._open.pop().first, index))
        else:
            self._open.append(Run(index, index))

    def due(self, newest: int) -> Iterator[Run]:
        """The runs that ended `LOOK` before the newest frame."""
        while self._open and newest >= self._open[0].last + LOOK:
            yield self._open.popleft()

    def due_at_end(self) -> Iterator[Run]:
        while self._open:
            yield self._open.popleft()


class Dissolves:
    """Stretches that look like a mixture, judged `AT_ONCE` as frames come in; of those that overlap, the likeliest."""

    def __init__(self) -> None:
        self._judged = 0
        """Stretches that end before this frame have been looked at."""
        self._open: list[Likely] = []

    def are_due(self, count: int) -> bool:
        """Whether `count` frames are enough to look again."""
        return count - LOOK >= self._judged + AT_ONCE

    def due(self, recent: Recent, joints: Sequence[int]) -> Iterator[Stretch]:
        """The dissolves that no later frame can change; `joints` are the first frames behind all known joints."""
        self._judge(recent, joints, recent.count - LOOK)
        yield from self._settled(recent, joints, self._judged - LENGTHS[-1])

    def due_at_end(self, recent: Recent, joints: Sequence[int]) -> Iterator[Stretch]:
        while self._judged < recent.count:
            self._judge(recent, joints, min(recent.count, self._judged + AT_ONCE))
        yield from self._settled(recent, joints, recent.count)

    def _judge(self, recent: Recent, joints: Sequence[int], end: int) -> None:
        """Looks at the stretches whose last frame is before `end`."""
        low = max(recent.oldest, self._judged - LENGTHS[-1] - BESIDE)
        high = min(recent.count - 1, end + BESIDE + CLEAR)
        shots = [(a - low, b - low) for a, b in _shots(joints, low, high)]
        for one in likely(recent.stretch(low, high), shots, range(self._judged - low, end - low), LEAST_ODDS):
            first, last = low + one.first, low + one.last
            if not any(is_empty(sign.contrast) for sign in recent.stretch(first - NO_FADE, last + NO_FADE)):
                self._open.append(Likely(one.odds, first, last))
        self._judged = end

    def _settled(self, recent: Recent, joints: Sequence[int], before: int) -> Iterator[Stretch]:
        """The likeliest of every group of overlapping stretches that ends before a frame."""
        groups: list[list[Likely]] = []
        last = -1
        for one in sorted(self._open, key=lambda one: one.first):
            if one.first > last:
                groups.append([])
            groups[-1].append(one)
            last = max(last, one.last)
        self._open = []
        for group in groups:
            forgotten = 0 < recent.oldest > group[0].first - AROUND - AT_ONCE
            if forgotten or max(one.last for one in group) < before:
                yield from (_fitted(recent, joints, stretch) for stretch in _likeliest(recent, group))
            else:
                self._open.extend(group)


def _shots(joints: Sequence[int], low: int, high: int) -> list[tuple[int, int]]:
    """First and last frame of what lies between the joints, from frame `low` to `high`."""
    firsts = [low, *sorted({joint for joint in joints if low < joint <= high}), high + 1]
    return [(first, after - 1) for first, after in pairwise(firsts)]


def _likeliest(recent: Recent, group: Sequence[Likely]) -> list[Stretch]:
    """The dissolves among overlapping stretches, by whole pictures and by blocks."""
    peaks: list[Likely] = []
    for one in sorted(group, reverse=True):
        if all(_iou(one, other) < MOST_ALIKE for other in peaks):
            peaks.append(one)
    kept: list[Stretch] = []
    for odds, first, last in sorted(((_odds(recent, one), one.first, one.last) for one in peaks), reverse=True):
        stretch = Stretch(first, last)
        if odds >= 0 and not any(stretch.overlaps(other) for other in kept):
            kept.append(stretch)
    return sorted(kept, key=lambda stretch: stretch.first)


def _iou(one: Likely, other: Likely) -> float:
    both = min(one.last, other.last) - max(one.first, other.first) + 1
    return max(0, both) / (one.last - one.first + other.last - other.first + 2 - max(0, both))


def _odds(recent: Recent, one: Likely) -> float:
    """Log odds of a dissolve once its blocks are looked at."""
    old, new = one.first - 1, one.last + 1
    between = [recent[old + round(share * (new - old))].small for share in AT]
    return blended(one.odds, recent[old].small, between, recent[new].small)


def _fitted(recent: Recent, joints: Sequence[int], rough: Stretch) -> Stretch:
    """The stretch with its ends where the frames around it say."""
    around = range(max(recent.oldest, rough.first - AROUND), min(recent.count - 1, rough.last + AROUND) + 1)
    room = [(a, b) for a, b in _shots(joints, around.start, around.stop - 1) if a < rough.first and rough.last < b]
    if not room:
        return rough
    low, high = room[0]
    first, last = best_extent(recent.stretch(low, high), rough.first - low, rough.last - low)
    return Stretch(low + first, low + last)


def fade(recent: Recent, run: Run, low: int, high: int) -> Stretch | None:
    """The fade through the empty frames of a run, with the frames on which contrast falls and rises again."""
    low, high = max(low, run.first - LONGEST // 2), min(high, run.last + LONGEST // 2)
    if run.first - low < 2 or high - run.last < 2:
        return None
    falling = np.array([sign.contrast for sign in recent.stretch(low, run.first - 1)])
    rising = np.array([sign.contrast for sign in recent.stretch(run.last + 1, high)])
    stretch = Stretch(run.first - _slope(falling[::-1]), run.last + _slope(rising))
    return stretch if _joins_scenes(recent, stretch, low, high) else None


def _slope(contrast: Series) -> int:
    """How many frames contrast needs to rise from nothing to its level, by the line that fits best."""
    best, least = 0, np.inf
    for length in range(len(contrast) - 1):
        level = max(1.0, float(np.median(contrast[length : length + LEVEL])))
        seen = contrast[: length + LEVEL] / level
        ramp = np.minimum(1.0, np.arange(1, len(seen) + 1) / (length + 1))
        error = float(np.minimum(np.abs(seen - ramp), STRAY).mean())
        if error < least:
            best, least = length, error
    return best


def _joins_scenes(recent: Recent, stretch: Stretch, low: int, high: int) -> bool:
    """Whether what is seen after a fade is not seen before it, between frames `low` and `high`."""
    before = {max(low, stretch.first - back) for back in (1, 6)}
    after = {min(high, stretch.last + on) for on in (1, 6)}
    if min(before) >= stretch.first or max(after) <= stretch.last:
        return False
    return all(differ(recent[old].small, recent[new].small, FAR_REACH, OTHER_FADE) for old in before for new in after)


def is_empty(contrast: float) -> bool:
    """A black, white or otherwise empty picture, by its standard deviation."""
    return contrast < FLAT
