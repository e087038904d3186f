"""What the strategies cost: dollars and generations per verified fix, ratios between them, and intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.bench._rows import BenchRow

DRAWS = 1000
SEED = 11


class Played(NamedTuple):
    """How one fault ended under one strategy: US dollars to providers, jobs they accepted, seconds waited."""

    usd: float
    generations: int
    seconds: float
    fixed: bool
    region: bool
    first: str = ""
    """The editor that was asked first; "" for none."""
    expected: Mapping[str, float] = {}
    """What the router expected a verified fix to cost when it chose the first, by editor."""
    whole: float = 0.0
    """US dollars to providers, for the waiting, and for the person who takes over what stays unfixed."""


class Account(NamedTuple):
    """One strategy's faults, in the order of their numbers."""

    usd: NDArray[np.float64]
    generations: NDArray[np.float64]
    seconds: NDArray[np.float64]
    fixed: NDArray[np.float64]
    whole: NDArray[np.float64]

    @classmethod
    def of(cls, played: Sequence[Played]) -> Account:
        columns = [[one.usd, one.generations, one.seconds, one.fixed, one.whole] for one in played]
        return cls(*np.asarray(columns, np.float64).reshape(-1, 5).T)

    def per_fix(self, what: str, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        """Sum over sum of fixes; along the last axis of `rows`, so that many draws are summed at once."""
        values, fixed = getattr(self, what)[rows], self.fixed[rows]
        return np.asarray(values.sum(axis=-1) / np.maximum(fixed.sum(axis=-1), 1), np.float64)

    def taken(self, what: str, rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        """Per fix; the whole cost, which counts what was not fixed too, per fault."""
        if what == "whole":
            return np.asarray(self.whole[rows].mean(axis=-1), np.float64)
        return self.per_fix(what, rows)

    @property
    def share_fixed(self) -> float:
        return float(self.fixed.mean())


class Figure(NamedTuple):
    """A figure, its bootstrap interval of 95 %, and the quartile range of its draws."""

    value: float
    low: float
    high: float
    quartiles: float

    @property
    def ci95(self) -> tuple[float, float]:
        return round(self.low, 4), round(self.high, 4)


def figure(what: str, ours: Account, against: Account | None = None) -> Figure:
    """Ours per fix (or fault), or its ratio to another's; faults are drawn with replacement, the same ones for both."""
    rows = _draws(len(ours.usd))

    def taken(at: NDArray[np.int64] | slice) -> NDArray[np.float64]:
        mine = ours.taken(what, at)
        return mine if against is None else mine / against.taken(what, at)

    low, first, third, high = np.percentile(taken(rows), [2.5, 25, 75, 97.5])
    return Figure(float(taken(slice(None))), float(low), float(high), float(third - first))


def _draws(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(SEED).integers(0, count, (DRAWS, count))


def ratio_row(what: str, unit: str, value: Figure, baseline: float, ratio: Figure) -> BenchRow:
    """A figure beside its baseline; the spread is the ratio's."""
    return BenchRow(
        what=what,
        value=round(value.value, 4),
        unit=unit,
        baseline=round(baseline, 4),
        ratio=round(ratio.value, 4),
        spread=round(ratio.quartiles, 4),
    )
