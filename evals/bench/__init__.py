"""Benchmarks: ratios measured within one run on one machine. A benchmark is one module here with a `measure`."""

from __future__ import annotations

import os
import pkgutil
import platform
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from evals.bench._rows import BenchRow
from tools.errors import BadInput
from tools.types import Frozen

Tell = Callable[[str], None]


class Bench(Frozen):
    """What `suture bench NAME --json` prints."""

    name: str
    machine: str
    rows: tuple[BenchRow, ...]


def bench_names() -> list[str]:
    """The benchmarks there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def run_bench(name: str, tell: Tell) -> Bench:
    """Measures; `tell` hears what is going on. BadInput when there is no such benchmark."""
    if name not in bench_names():
        raise BadInput(f"no benchmark named {name!r}; choose one of: {', '.join(bench_names())}")
    with tempfile.TemporaryDirectory(prefix="suture-bench-") as folder:
        rows = import_module(f"{__name__}.{name}").measure(Path(folder), tell)
    return Bench(name=name, machine=machine(), rows=tuple(rows))


def machine() -> str:
    """Kind of processor, cores and Python, enough to read a figure by."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
