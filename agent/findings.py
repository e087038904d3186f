"""What is known of findings beyond one run: the newest word on each, and which of them people called intended."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session, sessionmaker

from agent.db import AcknowledgedRow, FindingRow
from agent.schema import Finding
from tools.errors import BadInput


def acknowledged(findings: Iterable[Finding], sessions: sessionmaker[Session]) -> tuple[Finding, ...]:
    """The findings, those marked that somebody acknowledged. Ids change with the shot's pixels, so marks expire."""
    with sessions() as session:
        known = set(session.scalars(select(AcknowledgedRow.finding)))
    return tuple(f.model_copy(update={"status": "acknowledged"}) if f.id in known else f for f in findings)


def keep(findings: Iterable[Finding], run: str, sessions: sessionmaker[Session]) -> None:
    """Writes down the newest word on each finding."""
    with sessions.begin() as session:
        for f in findings:
            row = {"shot": f.shot, "run": run, "status": f.status, "body": f.model_dump_json()}
            wish = insert(FindingRow).values(id=f.id, **row)
            session.execute(wish.on_conflict_do_update(index_elements=["id"], set_=row))


def latest(sessions: sessionmaker[Session]) -> tuple[Finding, ...]:
    """The newest word on every finding of the project."""
    with sessions() as session:
        return tuple(Finding.model_validate_json(body) for body in session.scalars(select(FindingRow.body)))


def acknowledge(finding: str, why: str, sessions: sessionmaker[Session]) -> Finding:
    """Marks a finding as intended. Raises BadInput for an id that no run has reported."""
    with sessions.begin() as session:
        row = session.get(FindingRow, finding)
        if row is None:
            raise BadInput(f"{finding}: no run has reported this finding; `suture scan` lists them")
        session.merge(AcknowledgedRow(finding=finding, why=why))
        row.status = "acknowledged"
        known = Finding.model_validate_json(row.body).model_copy(update={"status": "acknowledged"})
        row.body = known.model_dump_json()
        return known
