"""Evaluation runs: resumable after SIGKILL, the same figures, clear refusals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evals.baseline import compared
from evals.runner import CaseLine, Plan, finished, folder_name, run_suite
from evals.statistics import auc, interval, mean, reliability
from evals.thresholds import missed
from tools.errors import BadInput


class Squares:
    """A suite without pictures: case n gives n², and leaves a mark each time it is computed."""

    name = "squares"

    def cases(self, plan: Plan) -> Sequence[str]:
        return [str(n) for n in range(plan.seed)]

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        with (folder.parent.parent / "computed").open("a") as marks:
            marks.write(f"{case}\n")
        if case == "6" and plan.split == "tune":
            raise ValueError("six is not served")
        return CaseLine(case=case, rows=({"square": int(case) ** 2},))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        return {"seed": plan.seed, "sum": sum(row["square"] for line in lines for row in line.rows)}


def kill_after(count: int, out: Path) -> None:
    """Runs the suite and ends the whole process with SIGKILL once `count` cases are on disk."""

    def progress(_: CaseLine, done: int, __: int) -> None:
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)

    run_suite(Squares(), Plan(suite="squares", seed=10), out, jobs=1, progress=progress)


def test_a_killed_run_repeats_no_finished_case(tmp_path: Path) -> None:
    out, whole = tmp_path / "killed", tmp_path / "whole"
    call = (
        f"from pathlib import Path; from tests.evals.test_runner import kill_after; kill_after(4, Path({str(out)!r}))"
    )
    killed = subprocess.run([sys.executable, "-c", call], check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    before = [line.case for line in finished(out)]
    assert len(before) >= 4
    plan = Plan(suite="squares", seed=10)
    again = run_suite(Squares(), plan, out, jobs=1)
    assert again == run_suite(Squares(), plan, whole, jobs=2)
    computed = (out / "computed").read_text().split()
    assert all(computed.count(case) == 1 for case in before)


def test_a_line_that_a_kill_cut_short_is_made_again(tmp_path: Path) -> None:
    plan = Plan(suite="squares", seed=5)
    first = run_suite(Squares(), plan, tmp_path / "run", jobs=1)
    lines = tmp_path / "run" / "cases.jsonl"
    lines.write_bytes(lines.read_bytes()[:-9])
    assert run_suite(Squares(), plan, tmp_path / "run", jobs=1) == first
    assert sorted(line.case for line in finished(tmp_path / "run")) == ["0", "1", "2", "3", "4"]


def test_a_case_that_breaks_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    result = run_suite(Squares(), Plan(suite="squares", split="tune", seed=8), tmp_path / "run", jobs=1)
    assert result["failed_cases"] == [{"case": "6", "error": "ValueError: six is not served"}]
    assert result["sum"] == sum(n * n for n in range(8) if n != 6)


def test_a_folder_holds_one_plan(tmp_path: Path) -> None:
    run_suite(Squares(), Plan(suite="squares", seed=2), tmp_path / "run", jobs=1)
    with pytest.raises(BadInput, match="another plan"):
        run_suite(Squares(), Plan(suite="squares", seed=3), tmp_path / "run", jobs=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(BadInput, match="no evaluation run"):
        run_suite(Squares(), Plan(suite="squares", seed=2), tmp_path / "mine", jobs=1)


def test_figures_with_their_spread() -> None:
    assert auc([3, 4, 5], [1, 2, 3]) == pytest.approx(8.5 / 9, abs=1e-4)
    assert auc([], [1.0]) is None
    spread = interval([0.0, 1.0] * 50, mean)
    assert spread is not None
    assert spread == pytest.approx((0.4, 0.6), abs=0.03)
    (bin_,) = reliability([(0.9, True), (0.95, True), (0.85, False), (0.99, True)])
    assert (bin_["n"], bin_["right"]) == (4, 0.75)


def test_thresholds_name_what_was_missed(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text('[squares]\n"sum" = { least = 10 }\n"detect.recall" = { least = 0.8, most = 1 }\n')
    lines = missed({"sum": 12, "detect": {"recall": 0.5}}, "squares", file)
    assert lines == ["detect.recall is 0.5, not at least 0.8 and at most 1"]
    assert missed({"sum": 12}, "squares", file) == ["detect.recall is None, not at least 0.8 and at most 1"]


def test_a_baseline_is_compared_case_by_case(tmp_path: Path) -> None:
    def line(case: str, hit: bool, false: int) -> CaseLine:
        error = {"family": "melt", "hit": hit}
        return CaseLine(case=case, rows=({"case": case, "shot": "SH010", "errors": [error], "false": [{}] * false},))

    file = tmp_path / "then.jsonl"
    file.write_text("\n".join(one.model_dump_json() for one in (line("a", True, 0), line("b", False, 1))))
    found = compared([line("a", False, 0), line("b", True, 0)], file)
    assert (found["found_now"], found["lost"]) == (["b SH010 melt"], ["a SH010 melt"])
    assert (found["alarms_gained"], found["alarms_lost"]) == ([], ["b SH010"])
    with pytest.raises(BadInput, match="no case in common"):
        compared([line("c", True, 0)], file)


@pytest.mark.parametrize("case", ["/films/launch-day", "..", "../launch-day", "a/..", "/"])
def test_a_case_never_works_outside_of_the_run(case: str, tmp_path: Path) -> None:
    assert (tmp_path / folder_name(case)).resolve().parent == tmp_path.resolve()
    assert folder_name(case) != folder_name(f"/elsewhere/{case}")
