"""Progress on standard error: a bar on a terminal, a line per stage elsewhere, nothing when asked to be quiet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from agent.events import Event

WORDS = {
    "ingest": "reading the film",
    "sheets": "looking at the sheets",
    "inspect": "looking at the shots",
    "setups": "comparing set-ups",
    "look": "a model looks at the shots",
    "settle": "weighing what was seen",
    "trace": "tracing causes",
    "decide": "deciding",
    "repair-sheets": "repairing sheets",
    "repair-shots": "repairing shots",
    "submit": "editing",
    "verify": "verifying",
    "commit": "committing",
    "conform": "rendering the new cut",
    "report": "writing the report",
}


class RunProgress:
    """Listens to a run's events; use as a context manager around the run."""

    def __init__(self, *, quiet: bool) -> None:
        self._console = Console(stderr=True, quiet=quiet)
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f} steps"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=quiet or not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def __call__(self, event: Event) -> None:
        if event.stage == "inspector":
            self._console.print(f"inspector: {event.message}", highlight=False)
        words = WORDS.get(event.stage)
        if words is None:
            return
        line = f"{words}: {event.shot}" if event.shot else words
        if event.moment == "started" and not self._console.is_terminal:
            self._console.print(line, highlight=False)
        if self._task is not None and event.moment == "started":
            self._bar.update(self._task, description=line)
        elif self._task is not None:
            self._bar.advance(self._task)


@contextmanager
def counting(words: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar of cases on a terminal, a line per case elsewhere; call it with what finished, how many, of how many."""
    console = Console(stderr=True, quiet=quiet)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task(words, total=None)

        def count(what: str, done: int, of: int) -> None:
            bar.update(task, completed=done, total=of)
            if not console.is_terminal:
                console.print(f"{words}: {what} ({done} of {of})", highlight=False)

        yield count
