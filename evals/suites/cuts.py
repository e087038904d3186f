"""The cuts suite: joints of generated films and of labelled footage, held against PySceneDetect on the same files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.cuts import case_names, judged, make_case, summary
from evals.footage import data_folder
from evals.runner import CaseLine, Plan


@dataclass(frozen=True, slots=True)
class Cuts:
    """`suture eval cuts`."""

    name: str = "cuts"

    def cases(self, plan: Plan) -> Sequence[str]:
        """Generated films, and the labelled clips where there are any; `plan` moves what the films show."""
        del plan
        return case_names(data_folder())

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Makes and judges one film; a rendered one is deleted afterwards."""
        start = time.perf_counter()
        made = make_case(case, plan.seed, plan.split, folder, data_folder())
        ready = time.perf_counter()
        row = judged(made)
        shutil.rmtree(folder, ignore_errors=True)
        seconds = {"make": round(ready - start, 3), "judge": round(time.perf_counter() - ready, 3)}
        return CaseLine(case=case, rows=(row,), seconds=seconds)

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        return summary([row for line in lines for row in line.rows], plan.seed, plan.split)
