"""What happens during a run, as typed events: appended to events.jsonl, shown as progress, and the tests' kill points.

Set SUTURE_CRASH_AT to an event's `name`, such as "submit.started:SH020", and the process kills itself with SIGKILL the
moment that event has been written: the crash tests stop a run at every edge of the graph this way.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, TypeAlias

from pydantic import Field

from tools.types import Frozen

Moment = Literal["started", "finished", "progress", "intent", "submitted", "settled", "stopped"]


class Event(Frozen):
    """One thing that happened: which stage, at which moment, for which shot (None: the whole film)."""

    stage: str
    moment: Moment
    shot: str | None = None
    message: str = ""
    data: dict[str, str | int | float | bool] = Field(default_factory=dict)
    at: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    @property
    def name(self) -> str:
        """ "stage.moment" or "stage.moment:SHOT", as SUTURE_CRASH_AT takes it."""
        return f"{self.stage}.{self.moment}" + (f":{self.shot}" if self.shot else "")


Sink: TypeAlias = Callable[[Event], None]


class EventLog:
    """Appends events to a JSON Lines file, one flushed line each, then hands them to the listeners."""

    def __init__(self, path: Path, *listeners: Sink) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("a", buffering=1, encoding="utf-8")
        self._listeners = (*listeners, _crash_point)

    def __call__(self, event: Event) -> None:
        self._file.write(event.model_dump_json(exclude_none=True) + "\n")
        for listener in self._listeners:
            listener(event)

    def close(self) -> None:
        self._file.close()


def _crash_point(event: Event) -> None:
    if os.environ.get("SUTURE_CRASH_AT") == event.name:
        os.kill(os.getpid(), signal.SIGKILL)
