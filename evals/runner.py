"""Evaluation runs: cases in parallel, one line per finished case, resumable after a kill at any moment.

A run's folder holds plan.json (what was asked), cases.jsonl (one line per finished case, appended whole) and
result.json (the summary). Running the same plan into the same folder repeats no finished case.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import Field, ValidationError

from tools.errors import BadInput
from tools.types import Frozen

Split = Literal["tune", "test"]
Row = dict[str, Any]


class Plan(Frozen):
    """What was asked of a run; a folder holds the cases of one plan only."""

    suite: str
    split: Split = "test"
    seed: int = 7
    inspector: Literal["pixels", "vlm", "auto"] = "pixels"
    cases: tuple[str, ...] = ()
    """Labelled films of one's own instead of rendered ones."""


class CaseLine(Frozen):
    """One finished case: its rows (one per judged shot, cut film or repair), and the seconds its parts took."""

    case: str
    rows: tuple[Row, ...] = ()
    seconds: Mapping[str, float] = Field(default_factory=dict)
    error: str | None = None


class Suite(Protocol):
    """A set of cases and how they are judged."""

    @property
    def name(self) -> str:
        """As on the command line."""

    def cases(self, plan: Plan) -> Sequence[str]:
        """Ids of the plan's cases, always the same for the same plan."""

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Makes one case in an empty folder of its own and judges it; called in a process of its own."""

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        """The suite's result as the contract words it."""


Progress = Callable[[CaseLine, int, int], None]


def run_suite(suite: Suite, plan: Plan, out: Path, *, jobs: int | None = None, progress: Progress | None = None) -> Row:
    """The suite's result, written to `out`/result.json as well; finished cases in `out` are not repeated.

    Raises BadInput when `out` holds another plan's cases or the plan has none.
    """
    cases = list(suite.cases(plan))
    if not cases:
        raise BadInput(f"suite {suite.name} has no cases for split {plan.split}; see `suture eval --help`")
    _claim(out, plan)
    done = {line.case: line for line in finished(out) if line.error is None}
    left = [case for case in cases if case not in done]
    for line in _computed(suite, plan, left, out, jobs or os.cpu_count() or 1):
        done[line.case] = line
        if progress:
            progress(line, sum(case in done for case in cases), len(cases))
    lines = [done[case] for case in cases]
    result = suite.summary(plan, lines)
    result["failed_cases"] = [{"case": line.case, "error": line.error} for line in lines if line.error]
    write_json(out / "result.json", result)
    return result


def finished(out: Path) -> Iterator[CaseLine]:
    """The lines of a run's folder; a last line that a kill cut short is dropped."""
    file = out / "cases.jsonl"
    for line in file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else ():
        try:
            yield CaseLine.model_validate_json(line)
        except ValidationError:
            continue


def write_json(path: Path, value: Any) -> None:
    """Written beside and renamed into place."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def _claim(out: Path, plan: Plan) -> None:
    """Makes the folder, or finds that it belongs to the same plan."""
    file = out / "plan.json"
    if file.exists():
        if Plan.model_validate_json(file.read_bytes()) != plan:
            raise BadInput(f"{out}: holds the cases of another plan; choose another folder with -o")
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: exists and is no evaluation run; choose another folder with -o")
    out.mkdir(parents=True, exist_ok=True)
    write_json(file, plan.model_dump())


def _computed(suite: Suite, plan: Plan, cases: Sequence[str], out: Path, jobs: int) -> Iterator[CaseLine]:
    """The cases' lines as they finish, each on disk before it is handed on."""
    if not cases:
        return
    work = out / "work"
    work.mkdir(exist_ok=True)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # workers inherit it before they load numpy
    context = multiprocessing.get_context("forkserver")
    _close_cut_line(out / "cases.jsonl")
    with (
        (out / "cases.jsonl").open("ab") as lines,
        ProcessPoolExecutor(jobs, mp_context=context, initializer=_alone) as pool,
    ):
        futures: list[Future[CaseLine]] = [pool.submit(_case, suite, plan, case, work) for case in cases]
        for future in as_completed(futures):
            line = future.result()
            lines.write(line.model_dump_json().encode() + b"\n")
            lines.flush()
            yield line


def _close_cut_line(file: Path) -> None:
    """Ends a line that a kill cut short, so that the next one starts on its own."""
    if file.exists() and file.read_bytes()[-1:] not in (b"", b"\n"):
        with file.open("ab") as lines:
            lines.write(b"\n")


def _alone() -> None:
    """A worker uses one core, as there are as many workers as cores, and ends with the run even when that is killed."""
    import cv2  # noqa: PLC0415 - loads in the worker

    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_the_run, daemon=True).start()


def _end_with_the_run() -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        wait([run.sentinel])
        os._exit(1)


def _case(suite: Suite, plan: Plan, case: str, work: Path) -> CaseLine:
    folder = work / folder_name(case)
    _emptied(folder)
    start = time.perf_counter()
    try:
        line = suite.run(plan, case, folder)
    except Exception as error:  # noqa: BLE001 - one case that breaks must not end a run of hundreds; it is reported
        return CaseLine(case=case, error=f"{type(error).__name__}: {error}")
    seconds = {**line.seconds, "all": round(time.perf_counter() - start, 3)}
    return line.model_copy(update={"seconds": seconds})


def folder_name(case: str) -> str:
    """Where a case works below the run's folder; a path of the user's becomes a name of its own."""
    name = Path(case).name
    return case if case == name != ".." else f"{name}-{hashlib.sha256(case.encode()).hexdigest()[:8]}"


def _emptied(folder: Path) -> None:
    import shutil  # noqa: PLC0415 - loads in the worker

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
