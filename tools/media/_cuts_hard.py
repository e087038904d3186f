"""Hard cuts: how likely a shot begins at a frame, from how the pictures on both sides change and what they share."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from tools.media._cuts_signs import Recent
from tools.media._structure import differ, unmatched
from tools.types import Gray

WINDOW = 8
"""Frames on each side that must not show each other's scene."""
NEIGHBOURS = 3
"""Frames on each side whose own changes a cut must stand out from."""
PROPOSE, PROPOSE_ALONE = 0.1, 1.1
"""Decorrelation of coarse pictures from which a pair of frames is looked at closely, and its ratio to the second
largest among the neighbours: six of 1299 cuts in tune sets have less."""
LEAST_CHANGED = 0.25
"""Share of unmatched blocks, nothing having moved, under which a step is no cut."""
CALM_REACH, REACH, FAR_REACH = 3, 6, 12
"""Motion that explains a block, in pixels of the small picture: where nothing else moves, between neighbours, and
between frames up to a window apart."""
STILL = 0.02
"""Decorrelation of frames between which nothing changes."""
LARGEST = 4.0
"""Largest logarithm of a ratio."""
LASTS = 0.3
"""Unmatched share up to which more is more."""
WEIGHTS = {
    "where nothing is seen": -8.78,
    "log of the step, in the second largest near it": 2.12,
    "log of the step, in the largest within a window": 1.93,
    "blocks unmatched, beyond those of other steps": 3.48,
    "blocks unmatched where they were, beyond those of other steps": 3.32,
    "least share unmatched where it was in any pair of frames of both sides": 6.24,
    "the first of it": 12.72,
    "median of that share over the pairs": -9.40,
    "least share unmatched within the far reach in any pair": 5.88,
}
"""A logistic fit to the 1299 cuts of twenty-one tune sets and to what else changes at once in them. Fitted to three
quarters of the sets and tried on the rest in turn: 1287 found, 8 false; by limits on each sign 1276 and 10."""
_WEIGHTS = np.array(list(WEIGHTS.values()))


def is_cut(recent: Recent, index: int) -> bool:
    """Whether a shot begins at frame `index`, `WINDOW` frames of either side being known where there are so many.

    What was seen before must not be seen again after: flashes, jolts and things that pass the lens change pictures for
    a while. Pans and light change several in a row.
    """
    if not _is_proposed(recent, index):
        return False
    before = [sign.small for sign in recent.stretch(index - WINDOW, index - 1)]
    after = [sign.small for sign in recent.stretch(index, index + WINDOW - 1)]
    jumped = unmatched(before[-1], after[0], CALM_REACH)
    if jumped < LEAST_CHANGED:
        return False
    ends = [(old, new) for old in _ends(before) for new in _ends(after)]
    fixed = [unmatched(old, new, CALM_REACH) for old, new in ends]
    step = recent[index].step
    seen = (
        1.0,
        _log_ratio(step, _second(_steps(recent, index, NEIGHBOURS, NEIGHBOURS))),
        _log_ratio(step, max(_steps(recent, index, WINDOW, WINDOW - 1), default=0.0)),
        unmatched(before[-1], after[0], REACH) - _within(before, after, REACH),
        jumped - _within(before, after, CALM_REACH),
        min(fixed),
        min(LASTS, *fixed),
        float(np.median(fixed)),
    )
    # What is left to know has the last weight, which is positive, and is a long search: only whether it is enough.
    needed = -float(_WEIGHTS[:-1] @ np.array(seen)) / _WEIGHTS[-1]
    return needed <= 0 or (needed <= min(fixed) and all(differ(old, new, FAR_REACH, needed) for old, new in ends))


def _is_proposed(recent: Recent, index: int) -> bool:
    step = recent[index].step
    return step >= PROPOSE and step >= PROPOSE_ALONE * _second(_steps(recent, index, NEIGHBOURS, NEIGHBOURS))


def _steps(recent: Recent, index: int, back: int, on: int) -> list[float]:
    """The steps into the frames around one, without its own."""
    return [sign.step for sign in recent.stretch(index - back, index + on) if sign is not recent[index]]


def _second(values: list[float]) -> float:
    """The second largest; a cut may have one neighbour that is one too."""
    return sorted(values)[-2] if len(values) > 1 else 0.0


def _log_ratio(step: float, other: float) -> float:
    return min(LARGEST, float(np.log(step / (other + STILL) + 0.01)))


def _within(before: list[Gray], after: list[Gray], reach: int) -> float:
    """The second largest unmatched share between neighbouring frames of either side."""
    sides = before[-NEIGHBOURS - 1 :], after[: NEIGHBOURS + 1]
    return _second([unmatched(a, b, reach) for side in sides for a, b in pairwise(side)])


def _ends(pictures: list[Gray]) -> list[Gray]:
    """The outer ones and the middle one: a flash of up to seven frames shows its scene again in one of them."""
    return [pictures[index] for index in sorted({0, len(pictures) // 2, len(pictures) - 1})]
