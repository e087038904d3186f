"""Fills against the truth: the plate beside the classical floors, in quality, time and memory, in one run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from evals.bench._rows import Measured


def measure(folder: Path, tell: Callable[[str], None]) -> Measured:
    """Completion under a still mask at 432x240; contact sheets are left in `folder`."""
    from evals.bench.fill import _completion  # noqa: PLC0415 - it can be run on its own as well

    found = _completion.measure_completion(folder, tell)
    return Measured(rows=tuple(_completion.completion_rows(found)), figures=_completion.completion_figures(found))
