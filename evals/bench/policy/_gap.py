"""The gap to the oracle as the ledger grows, as a picture: with learning, and without.

What counts is the choice and not the luck of the draw: what the editor that was asked first is truly expected to cost
until a verified fix (the oracle knows), over what the best one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from evals.bench.policy._figures import DRAWS, SEED, Played
from evals.bench.policy._pictures import Axes, Axis, Line, chart
from evals.bench.policy._play import Strategy

SHOWN: Mapping[Strategy, str] = {"suture": "Suture, learning", "unlearned": "the same, not learning"}


def gap(made: Sequence[Played], oracle: Sequence[Played], size: int) -> list[tuple[float, float, float, float]]:
    """(faults so far, true cost of the first choices over that of the best, its 95 % interval) per block of `size`."""
    pairs = [_costs(ours, theirs) for ours, theirs in zip(made, oracle, strict=False)]
    costs = np.array(pairs, np.float64)
    points = []
    for last in range(size, len(costs) + 1, size):
        at = costs[last - size : last]
        rows = np.random.default_rng(SEED).integers(0, size, (DRAWS, size))
        low, high = np.percentile(at[rows, 0].sum(axis=1) / at[rows, 1].sum(axis=1), [2.5, 97.5])
        points.append((float(last), float(at[:, 0].sum() / at[:, 1].sum()), float(low), float(high)))
    return points


def _costs(ours: Played, oracle: Played) -> tuple[float, float]:
    """The true expected cost of our first choice, and of the best; nothing where nobody could be asked."""
    if ours.first not in oracle.expected:
        return 0.0, 0.0
    return oracle.expected[ours.first], min(oracle.expected.values())


def draw_gap(path: Path, made: Mapping[Strategy, Sequence[Played]], size: int) -> None:
    """The curve of every strategy that the picture is about, against the oracle, per block of `size` faults."""
    lines = []
    for name, words in SHOWN.items():
        points = gap(made[name], made["oracle"], size)
        lines.append(Line(words, [(x, y) for x, y, _, _ in points], [(low, high) for _, _, low, high in points]))
    top = max(high for line in lines for _, high in line.band)
    most = max(x for line in lines for x, _ in line.points)
    ticks = np.linspace(0, most, 6).tolist()
    x = Axis(f"faults so far (each point: a run of {size} faults)", 0, most, ticks)
    y = Axis(
        "true expected cost of the first choice over the best's", 1.0, max(1.1, top), [1.0, 1.05, 1.1, 1.15, 1.2, 1.3]
    )
    title = "The gap to an oracle as the ledger grows"
    chart(title, lines, Axes(x, y), {}).save(path)
