"""Dissolves and fades: where they are suspected, over which frames they run, and whether they join two scenes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tools.media._cuts_fit import BESIDE, STRAY, Series, best_span
from tools.media._cuts_signs import SPAN, Recent
from tools.media._structure import FLAT, differ

AROUND = 24
"""Frames beyond a run of signs that the dissolve may reach."""
LOOK = AROUND + BESIDE + 2
"""Frames beyond a suspected stretch before it is judged: as many as its end may lie on, and what lies beside that."""
LONGEST = 96
"""Frames of the longest gradual joint."""
LONGEST_DISSOLVE = 60
"""Frames of the longest dissolve: two and a half seconds of a film at 24 per second."""
GAPS = (8, 4, 2)
"""Frames without a sign of mixture that a suspected stretch bridges: what lies between wider gaps is tried as well."""
NO_FADE = 4
"""Frames beside a dissolve that are not empty; beside a fade they are."""
LEAST = 2
"""Frames with a sign of mixture of the shortest dissolve. In eight tune sets 3 finds two dissolves less and one false
one less; 1 finds more false ones than true."""
FAR_REACH = 12
"""Motion from one side of a joint to the other that still is the same scene, in pixels of the small picture."""
OTHER_SCENE = 0.2
"""Unmatched share between the two sides of a dissolve. This and the next four were set on the candidates of eight tune
sets, 353 that cover a dissolve and 511 that cover none: one in a hundred of the first has less than 0.33, half of the
others less than 0.17."""
MUCH_THINNER = 0.9
"""Mean contrast of a dissolve's frames, in what lies straight between both ends, from which more must differ: two
pictures mixed average each other out. It would be 0.71 where both scenes have the same contrast and nothing in common;
three in four dissolves have less than 0.89."""
DOUBT = 4.0
"""By how much more must differ, for each step of contrast: half of what is seen at `THINNER`."""
THINNER = 0.975
"""Largest mean contrast of a dissolve's frames: one in a hundred has more than 0.96, three in four of the others more
than this."""
ALIKE = 0.7
"""Largest correlation of a dissolve's ends: none has more than 0.58, almost half of the others more than this."""
RESIDUAL = 0.4
"""Largest mean energy beside the mixture, in that of the way from end to end: one dissolve in a hundred has more than
0.32, one in eight of the others more than this."""
OTHER_FADE = 0.28
"""Unmatched share between the two sides of a fade."""
LEVEL = 10
"""Frames that the contrast beyond a fade is read from."""


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

    def overlaps(self, other: Stretch) -> bool:
        return self.first <= other.last and other.first <= self.last


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
    """The dissolves behind a run of mixtures between frames `low` and `high`: of the whole run and of its parts.

    Where they overlap, the one that departs least from a linear mixture stays.
    """
    found: list[tuple[float, Stretch]] = []
    for part in dict.fromkeys(part for gap in GAPS for part in run.parts(gap)):
        one = _dissolve(recent, part, low, high)
        found.extend([one] if one else [])
    kept: list[Stretch] = []
    for _, stretch in sorted(found, key=lambda pair: pair[0]):
        if not any(stretch.overlaps(other) for other in kept):
            kept.append(stretch)
    return kept


def _dissolve(recent: Recent, run: Run, low: int, high: int) -> tuple[float, Stretch] | None:
    """The dissolve behind a run of mixtures, and its departure from a linear mixture; None when it is none."""
    if len(run.hits) < LEAST or run.last - run.first > LONGEST:
        return None
    start, end = max(low, run.first - AROUND - BESIDE), min(high, run.last + AROUND + BESIDE)
    firsts = range(max(0, run.first - AROUND - start), run.last + 1 - start)
    lasts = range(run.first - start, run.last + AROUND + 1 - start)
    span = best_span(recent.stretch(start, end), firsts, lasts, range(SPAN, LONGEST_DISSOLVE + 1))
    if span is None:
        return None
    stretch = Stretch(start + span.first, start + span.last)
    if any(is_empty(sign.contrast) for sign in recent.stretch(stretch.first - NO_FADE, stretch.last + NO_FADE)):
        return None
    contrast = _contrast(recent, stretch)
    if span.likeness > ALIKE or span.residual > RESIDUAL or contrast > THINNER:
        return None
    share = OTHER_SCENE + DOUBT * max(0.0, contrast - MUCH_THINNER)
    return (span.departure, stretch) if joins_scenes(recent, stretch, share, low, high) else None


def _contrast(recent: Recent, stretch: Stretch) -> float:
    """Mean contrast of a stretch's frames, in what lies straight between both ends."""
    contrast = np.array([sign.contrast for sign in recent.stretch(stretch.first - 1, stretch.last + 1)])
    return float((contrast / np.linspace(contrast[0], contrast[-1], len(contrast))).mean())


def fade(recent: Recent, run: Run, low: int, high: int) -> Stretch | None:
    """The fade through the empty frames of a run, with the frames on which contrast falls and rises again."""
    low, high = max(low, run.first - LONGEST // 2), min(high, run.last + LONGEST // 2)
    if run.first - low < 2 or high - run.last < 2:
        return None
    falling = np.array([sign.contrast for sign in recent.stretch(low, run.first - 1)])
    rising = np.array([sign.contrast for sign in recent.stretch(run.last + 1, high)])
    stretch = Stretch(run.first - _slope(falling[::-1]), run.last + _slope(rising))
    return stretch if joins_scenes(recent, stretch, OTHER_FADE, low, high) else None


def _slope(contrast: Series) -> int:
    """How many frames contrast needs to rise from nothing to its level, by the line that fits best."""
    best, least = 0, np.inf
    for length in range(len(contrast) - 1):
        level = float(np.median(contrast[length : length + LEVEL]))
        seen = contrast[: length + LEVEL] / level
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
