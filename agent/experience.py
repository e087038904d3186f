"""What the verdicts of earlier runs taught about editors, read from the ledger once when a run starts.

A run does not learn from itself: its shots go on side by side, and what one learned of another would depend on timing.
Only what a shot has seen itself counts within a run (`agent.ranking`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from agent.db import LedgerRow, RouteRow
from agent.economics import Verdicts


class Skill(NamedTuple):
    """What verdicts are about: an editor's action at a category of finding."""

    editor: str
    action: str
    category: str


class Experience(NamedTuple):
    """Verdicts by skill."""

    verdicts: Mapping[Skill, Verdicts] = {}

    def here(self, skill: Skill) -> Verdicts:
        """The verdicts of exactly this skill."""
        return self.verdicts.get(skill, Verdicts())

    def elsewhere(self, skill: Skill) -> Verdicts:
        """The verdicts of the same editor and action at all other categories."""
        total = Verdicts()
        for other, counted in self.verdicts.items():
            if other[:2] == skill[:2] and other.category != skill.category:
                total = total.plus(counted)
        return total


def learned(db: sessionmaker[Session], *, before: str) -> Experience:
    """The experience of all runs that began before a run; rehearsals teach nothing."""
    evidence = (
        select(*_edit_columns(RouteRow), func.avg(RouteRow.moved).label("moved"))
        .group_by(*_edit_columns(RouteRow))
        .subquery()
    )
    same = [mine == evidence.c[mine.key] for mine in _edit_columns(LedgerRow)]
    query = (
        select(LedgerRow.run, LedgerRow.editor, LedgerRow.action, LedgerRow.category, LedgerRow.verdict)
        .add_columns(func.count(), func.coalesce(func.sum(evidence.c.moved), 0.0))
        .outerjoin(evidence, same[0] & same[1] & same[2] & same[3] & same[4] & same[5])
        .where(LedgerRow.verdict.in_(("pass", "fail")), LedgerRow.rehearsed.is_(False))
        .group_by(LedgerRow.run, LedgerRow.editor, LedgerRow.action, LedgerRow.category, LedgerRow.verdict)
    )
    found: dict[Skill, Verdicts] = defaultdict(Verdicts)
    with db() as session:
        for run, editor, action, category, verdict, count, moved in session.execute(query):
            if _number(run) < _number(before):
                passed = count if verdict == "pass" else 0
                skill = Skill(editor, action, category)
                found[skill] = found[skill].plus(Verdicts(passed, count - passed, moved))
    return Experience(dict(found))


def _edit_columns(table: type[LedgerRow] | type[RouteRow]) -> tuple:  # type: ignore[type-arg]
    """What names one edit in both tables."""
    return table.run, table.shot, table.finding, table.action, table.editor, table.method


def _number(run: str) -> tuple[int, str]:
    """Runs in the order in which they began: run-999 before run-1000."""
    return len(run), run
