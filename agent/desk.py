"""An opened project: where it lives, its database, and the runs it knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from agent.db import RunRow, close, open_database
from agent.project import Project
from tools.errors import BadInput
from tools.types import Frozen


@dataclass(frozen=True, slots=True)
class Desk:
    """An opened project and its memory."""

    project: Project
    sessions: sessionmaker[Session]

    @property
    def root(self) -> Path:
        return self.project.root

    @property
    def home(self) -> Path:
        return home_of(self.project.root)


def home_of(root: Path) -> Path:
    """Where everything that Suture makes lies."""
    return root / ".suture"


@contextmanager
def opened(project: Project) -> Iterator[Desk]:
    """The project with its database."""
    try:
        sessions = open_database(home_of(project.root))
    except PermissionError as error:
        raise BadInput(f"{project.root}: cannot be written ({error.strerror})") from None
    try:
        yield Desk(project, sessions)
    finally:
        close(sessions)


def run_row(desk: Desk, run: str) -> RunRow:
    """The run's row. Raises BadInput for an id the project does not have."""
    with desk.sessions() as session:
        row = session.get(RunRow, run)
    if row is None:
        raise BadInput(f"{run}: no such run in {desk.root}; `suture runs {desk.root}` lists them")
    return row


def run_rows(desk: Desk) -> list[RunRow]:
    """All runs, oldest first."""
    with desk.sessions() as session:
        return list(session.scalars(select(RunRow).order_by(RunRow.id)))


class RunLine(Frozen):
    """A run in one line, as `runs` lists it."""

    id: str
    goal: str
    state: str
    started: str
    ended: str | None
    why: str

    @classmethod
    def of(cls, row: RunRow, *, written: bool) -> RunLine:
        """The line of a row; a run that no living process carries was killed and is not running."""
        state = "stopped" if row.state == "running" and not written else row.state
        return cls(id=row.id, goal=row.goal, state=state, started=row.started, ended=row.ended, why=row.why)


class RunLines(Frozen):
    """What `runs` prints."""

    runs: tuple[RunLine, ...]
