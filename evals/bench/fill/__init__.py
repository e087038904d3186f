"""Fills against the truth: the plate beside the classical floors, in quality, time and memory, in one run."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from evals.bench._rows import Measured
from evals.footage import data_folder


def measure(folder: Path, tell: Callable[[str], None]) -> Measured:
    """Completion under a still mask, removal of things that move, and what a region edit costs.

    Contact sheets are left in `folder`. What is timed runs alone; removal and memory, which are not, run side by side.
    """
    from evals.bench.fill import _completion, _cost, _removal  # noqa: PLC0415 - they can be run on their own as well

    if data_folder() is None:
        tell("no footage in ../shared/data: photographs of scikit-image under a moving camera stand for it")
    completed = _completion.measure_completion(folder, tell)
    large = _cost.large_row(folder, tell)
    with ThreadPoolExecutor(1) as aside:
        memory = aside.submit(_cost.memory_row, folder, tell)
        removed = _removal.measure_removal(folder, tell)
    rows = (*_completion.completion_rows(completed), *_removal.removal_rows(removed), large, memory.result())
    return Measured(rows=rows, figures=_completion.completion_figures(completed) | _removal.removal_figures(removed))
