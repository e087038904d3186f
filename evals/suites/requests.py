"""The requests suite: fixes asked for in plain words, read against films and held against their typed truth.

A case is one request. The form of a case file is told in `evals.requests`; `--cases FILE` asks the requests of a file
of one's own. Split tune leaves out the requests that are kept aside, test has all of them and tells both apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agent.request.plan import Outline, Reading
from evals.requests.cases import SHIPPED, CaseFile, read_cases
from evals.requests.scoring import score
from evals.runner import CaseLine, Plan, Row
from evals.statistics import mean

EXACT = ("plain", "relative", "constrained", "several", "misspelt", "multilingual")
"""Classes that are told by the share of exact plans."""

Reader = Callable[[str, Outline], Reading]


def reader_of(plan: Plan) -> Reader:
    """Who reads the plan's requests: the grammar, whatever the inspector."""
    from agent.request.grammar import read  # noqa: PLC0415 - its tables load when a case is read

    del plan
    return read


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
        """Reads one request; no file is written."""
        folder.rmdir()
        file = _cases(plan)
        one = file.cases[case]
        row = score(one, reader_of(plan)(one.request, file.films[one.film]))
        return CaseLine(case=case, rows=(row,))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        rows = [row for line in lines for row in line.rows]
        aside = [row for row in rows if row["aside"]]
        return {
            "suite": self.name,
            "split": plan.split,
            "seed": plan.seed,
            "reader": "grammar",
            "cases": len(lines),
            **figures_of(rows),
            "aside": {"cases": len(aside), **figures_of(aside)} if aside else None,
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
