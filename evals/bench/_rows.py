"""Rows of a benchmark: two ways of doing one thing, run in turn so that a busy machine slows both."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from tools.types import Frozen

Work = Callable[[], object]


class BenchRow(Frozen):
    """One figure beside its baseline; `ratio` is value over baseline, `spread` the ratio's interquartile range."""

    what: str
    value: float
    unit: str
    baseline: float
    ratio: float
    spread: float


class Measured(Frozen):
    """What a benchmark measured: rows, and figures of its own by name."""

    rows: tuple[BenchRow, ...]
    figures: dict[str, Any] = Field(default_factory=dict)


def in_turn(ours: Work, theirs: Work, runs: int) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(processor seconds, wall seconds) of every run of both, alternating after one unmeasured run of each."""
    spent: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for run in range(runs + 1):
        for work, kept in zip((ours, theirs), spent, strict=True):
            took = _timed(work)
            if run:
                kept.append(took)
    return spent


def _timed(work: Work) -> tuple[float, float]:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


def row(what: str, unit: str, ours: Sequence[float], theirs: Sequence[float], scale: float = 1.0) -> BenchRow:
    """Medians, and the median of the ratios of runs that were neighbours in time."""
    ratios = np.asarray(ours) / np.asarray(theirs)
    low, high = np.percentile(ratios, [25, 75])
    return BenchRow(
        what=what,
        value=round(float(np.median(ours)) * scale, 4),
        unit=unit,
        baseline=round(float(np.median(theirs)) * scale, 4),
        ratio=round(float(np.median(ratios)), 4),
        spread=round(float(high - low), 4),
    )
