"""The continuity suite's figures, from the rows of its shots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from evals.runner import Row
from evals.statistics import interval, mean, reliability

SHEET_BORN = ("sheet-panel", "reference")


def summary_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Everything the contract's eval format names for detection, place, trace and decision."""
    errors = [error for row in rows for error in row["errors"]]
    return {
        "shots": len(rows),
        "clean": sum(row["clean"] for row in rows),
        "families": _families(rows, "family"),
        "kinds": _kinds(rows),
        "detect": _detect(rows),
        "localize": {"median_iou": _median([e["iou"] for e in errors if e["hit"]])},
        "trace": _trace(errors),
        "decide": _decide(errors),
        "reliability": reliability(_confidences(rows)),
    }


def recall(errors: Sequence[Row]) -> float | None:
    """Share of the errors that were found."""
    return mean([float(e["hit"]) for e in errors])


def _families(rows: Sequence[Row], key: str) -> dict[str, Any]:
    """Recall per family, its interval drawn by shot, and what it was taken for."""
    named = [(error[key], row, error) for row in rows for error in row["errors"]]
    table = {}
    for family, group in groupby(sorted(named, key=lambda n: str(n[0])), key=lambda n: n[0]):
        errors = [error for _, _, error in group]
        table[family] = {
            "n": len(errors),
            "recall": recall(errors),
            "ci95": interval(errors, recall),
            "median_iou": _median([e["iou"] for e in errors if e["hit"]]),
        }
    return table


def _kinds(rows: Sequence[Row]) -> dict[str, Any]:
    """Recall and false alarms for rendered and photographic films apart."""
    return {
        kind: {
            "n": sum(len(r["errors"]) for r in rows if r["kind"] == kind),
            "recall": recall([e for r in rows if r["kind"] == kind for e in r["errors"]]),
            "false_alarms_per_10_clean": false_alarms([r for r in rows if r["kind"] == kind]),
        }
        for kind in sorted({row["kind"] for row in rows})
    }


def false_alarms(rows: Sequence[Row]) -> float | None:
    """Findings per ten clean shots."""
    clean = [len(row["false"]) for row in rows if row["clean"]]
    return round(10 * float(np.mean(clean)), 4) if clean else None


def _detect(rows: Sequence[Row]) -> dict[str, Any]:
    figures = {
        "precision": precision,
        "recall": lambda some: recall([e for r in some for e in r["errors"]]),
        "f1": f1,
        "false_alarms_per_10_clean": false_alarms,
    }
    return {
        **{name: figure(rows) for name, figure in figures.items()},
        "by_category": _families(rows, "category"),
        "ci95": {name: interval(rows, figure) for name, figure in figures.items()},
    }


def precision(rows: Sequence[Row]) -> float | None:
    """Share of the findings that meet a label."""
    hits = sum(e["hit"] for r in rows for e in r["errors"])
    return mean([1.0] * hits + [0.0] * sum(len(r["false"]) for r in rows))


def f1(rows: Sequence[Row]) -> float | None:
    """Harmonic mean of precision and recall."""
    p, r = precision(rows), recall([e for row in rows for e in row["errors"]])
    return None if not p or not r else round(2 * p * r / (p + r), 4)


def _median(values: Sequence[float]) -> float | None:
    return round(float(np.median(values)), 4) if values else None


def _trace(errors: Sequence[Row]) -> dict[str, Any]:
    """Of the found errors born in a sheet, how many were traced to the right place."""
    born = [e for e in errors if e["hit"] and e["origin"]["kind"] in SHEET_BORN]
    right = [float(e["cause"] is not None and e["cause"]["ref"] == e["origin"]["ref"]) for e in born]
    return {"accuracy": mean(right), "n": len(born)}


def _decide(errors: Sequence[Row]) -> dict[str, Any]:
    """The rule on the labelled regions against the rule on the truth; near the limits apart."""
    clear, near = [e for e in errors if not e["near"]], [e for e in errors if e["near"]]
    pairs = Counter(f"{e['action']} → {e['decided']}" for e in clear)
    return {
        "accuracy": mean([float(e["action"] == e["decided"]) for e in clear]),
        "n": len(clear),
        "near_limit": {"n": len(near), "accuracy": mean([float(e["action"] == e["decided"]) for e in near])},
        "confusion": dict(sorted(pairs.items())),
    }


def _confidences(rows: Sequence[Row]) -> list[tuple[float, bool]]:
    hits = [(e["confidence"], True) for r in rows for e in r["errors"] if e["hit"]]
    return hits + [(f["confidence"], False) for r in rows for f in r["false"]]
