"""Figures with their spread: bootstrap intervals, area under the ROC curve, calibration."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")
DRAWS = 1000


def interval(
    items: Sequence[T], figure: Callable[[Sequence[T]], float | None], *, seed: int = 0
) -> tuple[float, float] | None:
    """95 % bootstrap interval (percentiles) of a figure over items drawn with replacement; None for no items."""
    rng = np.random.default_rng(seed)
    drawn = (figure([items[i] for i in rng.integers(0, len(items), len(items))]) for _ in range(DRAWS if items else 0))
    values = [value for value in drawn if value is not None]
    if not values:
        return None
    low, high = np.percentile(values, [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def mean(values: Sequence[float]) -> float | None:
    """Rounded mean, None of nothing."""
    return round(float(np.mean(values)), 4) if len(values) else None


def auc(bad: Sequence[float], good: Sequence[float]) -> float | None:
    """Probability that a bad one's value exceeds a good one's, ties half (Mann and Whitney 1947)."""
    if not bad or not good:
        return None
    b, g = np.asarray(bad, np.float64)[:, None], np.asarray(good, np.float64)[None, :]
    return round(float((b > g).mean() + 0.5 * (b == g).mean()), 4)


def reliability(pairs: Sequence[tuple[float, bool]], bins: int = 5) -> list[dict[str, float]]:
    """Per bin of confidence: how many, their mean confidence, and the share that was right."""
    edges = np.linspace(0, 1, bins + 1)
    table = []
    for low, high in itertools.pairwise(edges):
        inside = [(c, right) for c, right in pairs if low <= c < high or (high == 1 and c == 1)]
        if inside:
            confidences, rights = zip(*inside, strict=True)
            table.append(
                {
                    "from": round(float(low), 2),
                    "to": round(float(high), 2),
                    "n": len(inside),
                    "confidence": round(float(np.mean(confidences)), 4),
                    "right": round(float(np.mean(rights)), 4),
                }
            )
    return table
