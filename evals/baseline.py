"""A run held against an earlier one, case by case: what was won, what was lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from evals.runner import CaseLine, Row
from tools.errors import BadInput


def compared(lines: Sequence[CaseLine], baseline: Path) -> Row:
    """Errors found now and not then, found then and not now, and false alarms gained and lost, by case and shot.

    `baseline` is the cases.jsonl of another run. Raises BadInput when it cannot be read or has no case in common.
    """
    try:
        text = baseline.read_text(encoding="utf-8")
        then = [CaseLine.model_validate_json(line) for line in text.splitlines() if line]
    except (OSError, ValidationError, json.JSONDecodeError) as error:
        raise BadInput(f"{baseline}: no cases.jsonl of an evaluation run ({str(error).splitlines()[0]})") from error
    common = {line.case for line in lines} & {line.case for line in then}
    if not common:
        raise BadInput(f"{baseline}: has no case in common with this run; was it of another suite, split or seed?")
    now_hits, now_false = _outcomes(lines, common)
    then_hits, then_false = _outcomes(then, common)
    return {
        "cases": len(common),
        "found_now": sorted(now_hits - then_hits),
        "lost": sorted(then_hits - now_hits),
        "alarms_gained": sorted(now_false - then_false),
        "alarms_lost": sorted(then_false - now_false),
    }


def _outcomes(lines: Sequence[CaseLine], cases: set[str]) -> tuple[set[str], set[str]]:
    rows = [row for line in lines if line.case in cases for row in line.rows]
    hits = {
        f"{row['case']} {row['shot']} {error['family']}"
        for row in rows
        for error in row.get("errors", ())
        if error["hit"]
    }
    alarms = {f"{row['case']} {row['shot']}" for row in rows if row.get("false")}
    return hits, alarms
