"""The requests suite: fixes asked for in plain words, read against films and held against their typed truth.

A case is one request. The form of a case file is told in `evals.requests`; `--cases FILE` asks the requests of a file
of one's own. Split tune leaves out the requests that are kept aside, test has all of them and tells both apart.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agent.request.loop import MOST_STEPS
from agent.request.plan import Outline
from evals.requests.cases import SHIPPED, Case, CaseFile, read_cases
from evals.requests.scoring import score
from evals.runner import CaseLine, Plan, Row
from evals.statistics import mean

EXACT = ("plain", "relative", "constrained", "several", "misspelt", "multilingual")
"""Classes that are told by the share of exact plans."""


@cache
def _file(path: str) -> CaseFile:
    return read_cases(Path(path))


def _cases(plan: Plan) -> CaseFile:
    return _file(plan.cases[0] if plan.cases else str(SHIPPED))


@dataclass(frozen=True, slots=True)
class Requests:
    """`suture eval requests`."""

    name: str = "requests"

    def cases(self, plan: Plan) -> Sequence[str]:
        return [case.id for case in _cases(plan).cases.values() if plan.split == "test" or not case.aside]

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Reads one request; nothing of it stays in `folder`."""
        file = _cases(plan)
        one = file.cases[case]
        row = _read(plan, one, file.films[one.film], folder)
        shutil.rmtree(folder)
        return CaseLine(case=case, rows=(row,))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        rows = [row for line in lines for row in line.rows]
        aside = [row for row in rows if row["aside"]]
        return {
            "suite": self.name,
            "split": plan.split,
            "seed": plan.seed,
            "reader": rows[0]["reader"] if rows else "grammar",
            "model": _model_figures(rows) if plan.inspector == "vlm" else None,
            "cases": len(lines),
            **figures_of(rows),
            "aside": {"cases": len(aside), **figures_of(aside)} if aside else None,
        }


def _read(plan: Plan, case: Case, outline: Outline, folder: Path) -> Row:
    """The row of one request; by a model's loop where the plan's inspector is vlm, else by the grammar."""
    if plan.inspector == "vlm":
        from evals.requests.model import read_by_model  # noqa: PLC0415 - starts a server

        told = read_by_model(case, outline, folder)
        row = score(case, told.reading)
        return {**row, "reader": told.reading.reader, "requests": told.requests, "usd": told.usd}
    from agent.request.grammar import read  # noqa: PLC0415 - its tables load when a case is read

    return {**score(case, read(case.request, outline)), "reader": "grammar"}


def _model_figures(rows: Sequence[Row]) -> dict[str, Any]:
    """What a model's loop reached, and what it took; a request in itself is one step."""
    return {
        "exact": mean([float(row["exact"]) for row in rows]),
        "wrong_actions": _wrong(rows),
        "most_requests": max((row["requests"] for row in rows), default=0),
        "step_cap": MOST_STEPS,
        "usd_per_request": mean([row["usd"] for row in rows]),
    }


def figures_of(rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of every class: shares of exact plans, and counts of what must not happen."""
    figures: dict[str, Any] = {}
    for name in EXACT:
        mine = _of(rows, name)
        exact = mean([float(row["exact"]) for row in mine])
        figures[name] = {"n": len(mine), "exact": exact, "wrong_actions": _wrong(mine)}
    unclear = _of(rows, "ambiguous")
    asked = sum(row["asked"] for row in unclear)
    figures["ambiguous"] = {"n": len(unclear), "asked": asked, "wrong_actions": _wrong(unclear)}
    for name in ("out_of_scope", "hostile"):
        mine = _of(rows, name)
        figures[name] = {"n": len(mine), "wrong_actions": _wrong(mine)}
    return figures


def _of(rows: Sequence[Row], name: str) -> list[Row]:
    return [row for row in rows if row["class"] == name]


def _wrong(rows: Sequence[Row]) -> int:
    return sum(row["wrong_action"] for row in rows)
