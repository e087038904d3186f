"""An evaluation from the command line: the run, its comparison with a baseline, its thresholds and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from evals.baseline import compared
from evals.page import write_page
from evals.runner import Plan, Progress, Row, Split, finished, run_suite, write_json
from evals.suites import suite_named
from evals.thresholds import missed
from tools.errors import BadInput


def evaluate(plan: Plan, out: Path, *, baseline: Path | None = None, progress: Progress | None = None) -> Row:
    """The suite's result with `missed` thresholds and, given a baseline, what changed; written to `out` with a page."""
    suite = suite_named(plan.suite)
    result = run_suite(suite, plan, out, progress=progress)
    order = {case: number for number, case in enumerate(suite.cases(plan))}
    lines = sorted({line.case: line for line in finished(out)}.values(), key=lambda line: order.get(line.case, 0))
    if baseline is not None:
        result["baseline"] = compared(lines, baseline)
    result["missed"] = missed(result, plan.suite)
    write_json(out / "result.json", result)
    write_page(plan, result, lines, out)
    return result


def plan_of(
    suite: str, split: Split, seed: int, inspector: Literal["pixels", "vlm", "auto"], cases: Path | None
) -> Plan:
    """The plan of a call. BadInput names what does not fit in `cases`.

    `cases` lists a labelled film's folder per line; for the suite requests it is the case file itself.
    """
    suite_named(suite)
    if cases is not None and suite not in ("continuity", "requests"):
        raise BadInput(f"--cases: your own are judged by the suites continuity and requests, not by {suite}")
    mine = () if cases is None else _asked(cases) if suite == "requests" else _listed(cases)
    return Plan(suite=suite, split=split, seed=seed, inspector=inspector, cases=mine)


def _asked(cases: Path) -> tuple[str, ...]:
    from evals.requests.cases import read_cases  # noqa: PLC0415 - another suite needs no requests

    read_cases(cases)
    return (str(cases.resolve()),)


def _listed(cases: Path) -> tuple[str, ...]:
    try:
        lines = cases.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(
            f"{cases}: cannot be read ({error.strerror}); give a file with a film's folder per line"
        ) from error
    films = [cases.parent / line.strip() for line in lines if line.strip() and not line.startswith("#")]
    for film in films:
        if not (film / "labels.json").is_file():
            raise BadInput(f"{cases}: {film} has no labels.json; `suture plant` makes labelled films")
    if not films:
        raise BadInput(f"{cases}: names no films; write one folder per line")
    return tuple(str(film.resolve()) for film in films)
