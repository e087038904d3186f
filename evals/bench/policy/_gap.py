"""The gap to the oracle as the ledger grows, as a picture: with learning, and without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.bench.policy._figures import DRAWS, SEED, Account, Played
from evals.bench.policy._pictures import Axes, Axis, Line, chart
from evals.bench.policy._play import Strategy

SHOWN: Mapping[Strategy, str] = {"suture": "Suture, learning", "unlearned": "the same, not learning"}
WINDOW = 4
"""Blocks that one point of the curve is taken over."""


def gap(made: Sequence[Played], oracle: Sequence[Played], blocks: int) -> list[tuple[float, float, float, float]]:
    """(faults so far, ratio of dollars per fix to the oracle's over the last WINDOW blocks, its 95 % interval)."""
    size = -(-len(made) // blocks)
    ours, theirs = Account.of(made), Account.of(oracle)
    points = []
    for last in range(WINDOW * size, len(made) + 1, size):
        at = np.arange(last - WINDOW * size, last)
        rows = at[np.random.default_rng(SEED).integers(0, len(at), (DRAWS, len(at)))]
        low, high = np.percentile(_ratio(ours, theirs, rows), [2.5, 97.5])
        points.append((float(last), float(_ratio(ours, theirs, at)), float(low), float(high)))
    return points


def _ratio(ours: Account, theirs: Account, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(ours.per_fix("usd", rows) / theirs.per_fix("usd", rows), np.float64)


def draw_gap(path: Path, made: Mapping[Strategy, Sequence[Played]], blocks: int) -> None:
    """The curve of every strategy that the picture is about, against the oracle."""
    lines = []
    for name, words in SHOWN.items():
        points = gap(made[name], made["oracle"], blocks)
        lines.append(Line(words, [(x, y) for x, y, _, _ in points], [(low, high) for _, _, low, high in points]))
    top = max(high for line in lines for _, high in line.band)
    most = max(x for line in lines for x, _ in line.points)
    ticks = np.linspace(0, most, 6).tolist()
    x = Axis(f"faults so far (each point: the last {WINDOW} of {blocks} blocks)", 0, most, ticks)
    y = Axis("ratio", 0.8, max(1.5, top), [0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5])
    title = "Dollars per verified fix over the oracle's, as the ledger grows"
    chart(title, lines, Axes(x, y), {"the oracle": 1.0, "1.2, the target": 1.2}).save(path)
