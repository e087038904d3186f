"""Benchmarks: ratios measured within one run on one machine. A benchmark is one module here with a `measure`."""

from __future__ import annotations

import os
import pkgutil
import platform
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from evals.bench._rows import BenchRow, Measured
from tools.errors import BadInput
from tools.types import Frozen

Tell = Callable[[str], None]


class Bench(Frozen):
    """What `suture bench NAME --json` prints; a benchmark's own figures stand beside its rows."""

    name: str
    machine: str
    rows: tuple[BenchRow, ...]
    figures: dict[str, Any]

    @model_serializer(mode="wrap")
    def _flat(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        told: dict[str, Any] = inner(self)
        told.update(told.pop("figures"))
        return told


def bench_names() -> list[str]:
    """The benchmarks there are."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))


def run_bench(name: str, tell: Tell, out: Path | None = None) -> Bench:
    """Measures; `tell` hears what is going on, and what is made on the way stays in the folder `out` if there is one.

    BadInput when there is no such benchmark.
    """
    if name not in bench_names():
        raise BadInput(f"no benchmark named {name!r}; choose one of: {', '.join(bench_names())}")
    measured = _kept(name, tell, out) if out else _measured(name, tell)
    return Bench(name=name, machine=machine(), rows=measured.rows, figures=measured.figures)


def _kept(name: str, tell: Tell, out: Path) -> Measured:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: exists and is not an empty folder; choose a new one")
    out.mkdir(parents=True, exist_ok=True)
    measured: Measured = import_module(f"{__name__}.{name}").measure(out, tell)
    return measured


def _measured(name: str, tell: Tell) -> Measured:
    with tempfile.TemporaryDirectory(prefix="suture-bench-") as folder:
        return _kept(name, tell, Path(folder))


def machine() -> str:
    """Kind of processor, cores and Python, enough to read a figure by."""
    return f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
