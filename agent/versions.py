"""The append-only table of shot versions: v001 is what came in, commits append, `revert` makes an older one current."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from agent.db import CurrentRow, VersionRow
from tools.errors import BadInput
from tools.types import Frozen

ORIGIN = "v001"
"""Lineage of what came in: the finding's id already stands for its pixels."""


class ShotVersion(Frozen):
    """A version of a shot: its number, its file (None for v001) relative to the project, and the edits behind it."""

    shot: str
    number: int = 1
    path: str | None = None
    lineage: str = ORIGIN


class Versions:
    """Versions of a project's shots."""

    def __init__(self, sessions: sessionmaker[Session]) -> None:
        self._sessions = sessions

    def current(self, rehearsal: str | None = None) -> dict[str, ShotVersion]:
        """The current version of every shot that is not at v001; for a `rehearsal`, with what that run made."""
        newest = select(func.max(CurrentRow.seq)).group_by(CurrentRow.shot)
        query = (
            select(VersionRow)
            .join(CurrentRow, (CurrentRow.shot == VersionRow.shot) & (CurrentRow.number == VersionRow.number))
            .where(CurrentRow.seq.in_(newest))
            .order_by(VersionRow.shot)
        )
        with self._sessions() as session:
            found = {row.shot: _version(row) for row in session.scalars(query)}
            mine = select(VersionRow).where(VersionRow.run == rehearsal)
            return found | {row.shot: _version(row) for row in session.scalars(mine)}

    def next_number(self, shot: str, run: str) -> int:
        """The number a commit of this run gets; the same again when the run has committed already."""
        with self._sessions() as session:
            mine = session.scalar(select(VersionRow.number).where(VersionRow.shot == shot, VersionRow.run == run))
            newest = session.scalar(select(func.max(VersionRow.number)).where(VersionRow.shot == shot))
        return mine or (newest or 1) + 1

    def commit(self, version: ShotVersion, run: str, *, rehearsed: bool = False) -> None:
        """Appends a version and makes it current, once: a second life of the run finds it done.

        What a rehearsal made is kept to be looked at, and never becomes current by itself.
        """
        with self._sessions.begin() as session:
            if session.get(VersionRow, (version.shot, version.number)) is None:
                session.add(VersionRow(**dict(version), run=run))
                if not rehearsed:
                    session.add(CurrentRow(shot=version.shot, number=version.number, why=f"made by {run}"))

    def revert(self, shot: str, number: int | None = None) -> int:
        """Makes an older version current: `number`, or the one before the current. Raises BadInput."""
        now = self.current().get(shot, ShotVersion(shot=shot)).number
        wanted = number if number is not None else now - 1
        if wanted < 1:
            raise BadInput(f"{shot} is at v001, which is what came in; there is nothing older")
        with self._sessions.begin() as session:
            if wanted > 1 and session.get(VersionRow, (shot, wanted)) is None:
                raise BadInput(f"{shot} has no version v{wanted:03d}")
            session.add(CurrentRow(shot=shot, number=wanted, why="revert"))
        return wanted

    def files(self) -> tuple[Path, ...]:
        """Files of the current versions, relative to the project."""
        return tuple(Path(version.path) for version in self.current().values() if version.path)


def _version(row: VersionRow) -> ShotVersion:
    return ShotVersion(shot=row.shot, number=row.number, path=row.path, lineage=row.lineage)
