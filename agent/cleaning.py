"""Freeing disk: everything under .suture that no run, report or version needs."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import select

from agent.db import FindingRow, RunRow
from agent.desk import Desk
from agent.schema import PassResult
from tools.types import Frozen


class Freed(Frozen):
    """What `clean` prints."""

    files: int
    bytes: int
    kept_for: tuple[str, ...] = ()
    """Runs that are not over and need everything."""


def clean(desk: Desk) -> Freed:
    """Removes half-written files always; store files and editors' jobs when no run is still open."""
    gone = _partials(desk.home)
    waiting = open_runs(desk)
    if not waiting:
        needed = _needed(desk)
        gone += [path for path in _stored(desk.home) if path.relative_to(desk.root).as_posix() not in needed]
        gone += [path for path in (desk.home / "editors").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in gone)
    for path in gone:
        path.unlink()
    if not waiting:
        shutil.rmtree(desk.home / "editors", ignore_errors=True)
    return Freed(files=len(gone), bytes=size, kept_for=tuple(waiting))


def open_runs(desk: Desk) -> list[str]:
    """Runs that a resume or an answer could still continue."""
    with desk.sessions() as session:
        rows = session.scalars(select(RunRow).order_by(RunRow.id)).all()
    return [row.id for row in rows if row.state != "finished" or _asks(row)]


def _asks(row: RunRow) -> bool:
    """Whether a shot of the run waits for a person's answer (a ready job needs nothing of the store)."""
    if row.result is None:
        return False
    outcomes = PassResult.model_validate_json(row.result).outcomes
    return any(outcome.status == "waiting" and outcome.job is None for outcome in outcomes)


def _partials(home: Path) -> list[Path]:
    return [path for path in home.rglob(".*.part") if path.is_file()]


def _stored(home: Path) -> list[Path]:
    return [path for path in (home / "store").rglob("*") if path.is_file() and not path.name.endswith(".part")]


def _needed(desk: Desk) -> set[str]:
    """Store names that results and findings mention."""
    with desk.sessions() as session:
        texts = [*session.scalars(select(RunRow.result)), *session.scalars(select(FindingRow.body))]
    words = " ".join(text for text in texts if text)
    return {word for word in words.split('"') if word.startswith(".suture/store/")}
