"""The sheets suite: what a boxed figure wears against a clean picture of it, and a turnaround's panels apart.

Drawn characters by seed, and the labelled pictures of ../shared/data where they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evals.footage import data_folder
from evals.runner import CaseLine, Plan, Row
from evals.statistics import auc, interval
from evals.suites._sheets_labelled import LABELLED, jittered, labelled_rows

CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Sheets:
    """`suture eval sheets`."""

    name: str = "sheets"

    def cases(self, plan: Plan) -> Sequence[str]:
        """Drawn characters, and the labelled pictures where there are any."""
        del plan
        return [*(f"character-{n:02d}" for n in range(CHARACTERS)), *(LABELLED if data_folder() else ())]

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Draws or reads one case and measures it; no file is written."""
        folder.rmdir()
        data = data_folder()
        if case in LABELLED and data is not None:
            return CaseLine(case=case, rows=tuple(labelled_rows(case, data)))
        return CaseLine(case=case, rows=tuple(_drawn(plan, case)))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        rows = [row for line in lines for row in line.rows]
        drawn = [row for row in rows if row["kind"] == "drawn"]
        sliders = [row for row in rows if row["kind"] == "slider"]
        turned = [row for row in rows if row["kind"] == "turnaround"]
        return {
            "suite": self.name,
            "split": plan.split,
            "seed": plan.seed,
            "labelled": any(line.case in LABELLED for line in lines) or "no ../shared/data beside this checkout",
            "drawn": {**_figures(drawn), "families": _families(drawn)},
            "sliders": _sliders(sliders) if sliders else None,
            "turnaround": {key: turned[0][key] for key in ("right", "covered", "iou", "top")} if turned else None,
        }


def _drawn(plan: Plan, case: str) -> list[Row]:
    """A character's right and wrong picture against its clean one, in boxes as a person would draw them."""
    from evals.studio.cast import draw_pair  # noqa: PLC0415 - the studio loads when a suite runs
    from tools.vision.appearance import figure_in, garment_disagreement  # noqa: PLC0415

    number = int(case.rpartition("-")[2])
    pair = draw_pair(1000 * plan.seed + number, plan.split)
    rng = np.random.default_rng([plan.seed, number])
    reference, clean, wrong = (
        figure_in(one.picture, jittered(one.box, rng, one.picture.shape[1], one.picture.shape[0]))
        for one in (pair.reference, pair.clean, pair.wrong)
    )
    return [
        {
            "kind": "drawn",
            "case": case,
            "family": pair.family,
            "strength": round(pair.strength, 3),
            "wrong": seen is wrong,
            "value": round(garment_disagreement(reference, seen), 4),
        }
        for seen in (clean, wrong)
    ]


def _split(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
    return [r["value"] for r in rows if r["wrong"]], [r["value"] for r in rows if not r["wrong"]]


def _figures(rows: Sequence[Row]) -> Row:
    """Area under the curve over all, and the share of characters whose wrong picture differs more than the right."""
    wrong, clean = _split(rows)
    pairs = list(zip(wrong, clean, strict=True))
    return {
        "n": len(pairs),
        "auc": auc(wrong, clean),
        "ci95": interval(pairs, lambda drawn: auc([w for w, _ in drawn], [c for _, c in drawn])),
        "ordered": round(float(np.mean([w > c for w, c in pairs])), 4) if pairs else None,
    }


def _families(rows: Sequence[Row]) -> Row:
    return {name: _figures([r for r in rows if r["family"] == name]) for name in sorted({r["family"] for r in rows})}


def _sliders(rows: Sequence[Row]) -> Row:
    """Boxes as drawn, and drawn anew; `above` is the share of wrong panels ranked above every clean figure of both
    sliders, a panel by its worse figure, and `figures_above` the same of single figures."""
    draws = [[r for r in rows if r["draw"] == draw] for draw in sorted({r["draw"] for r in rows})]
    wrong, clean = _split(draws[0])
    above = [_above(draw) for draw in draws]
    return {
        "wrong": len(_panels(draws[0])),
        "clean": len(clean),
        "above": above[0],
        "figures_above": _share_above(wrong, clean),
        "auc": auc(wrong, clean),
        "jittered": {
            "draws": len(draws) - 1,
            "above": round(float(np.mean(above[1:])), 4),
            "least": min(above[1:]),
            "auc": round(float(np.mean([_auc(rows, d) for d in range(1, len(draws))])), 4),
        },
    }


def _panels(rows: Sequence[Row]) -> list[float]:
    """The largest value of each wrong panel."""
    most: dict[tuple[str, int], float] = {}
    for row in (row for row in rows if row["wrong"]):
        place = row["case"], row["panel"]
        most[place] = max(row["value"], most.get(place, 0.0))
    return list(most.values())


def _auc(rows: Sequence[Row], draw: int) -> float:
    return auc(*_split([r for r in rows if r["draw"] == draw])) or 0.0


def _above(rows: Sequence[Row]) -> float:
    return _share_above(_panels(rows), _split(rows)[1])


def _share_above(wrong: Sequence[float], clean: Sequence[float]) -> float:
    return round(float(np.mean([value > max(clean) for value in wrong])), 4)
