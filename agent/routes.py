"""Routes kept and made again: every choice of an editor, with all that was known, can be repeated from the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from agent.db import RouteRow
from agent.experience import Experience, Skill, learned
from agent.ranking import Case, Offer, rank
from agent.schema import Candidate
from tools.types import Frozen

RANKING = TypeAdapter(tuple[Candidate, ...])


class Replayed(Frozen):
    """A choice made again from the database. `why` says what is different, in one line; "" where nothing is."""

    shot: str
    finding: str
    action: str
    was: tuple[Candidate, ...]
    now: tuple[Candidate, ...]
    why: str = ""

    @property
    def same(self) -> bool:
        return self.was == self.now


class Replays(Frozen):
    """What `show --routes` prints."""

    run: str
    routes: tuple[Replayed, ...]


def keep(case: Case, ranked: Sequence[Candidate], run: str, db: sessionmaker[Session]) -> None:
    """Writes a choice down; the same choice of the same run is one row."""
    body = case.model_dump_json()
    first = ranked[0] if ranked else None
    offer = next((o for o in case.offers if first and (o.editor, o.method) == (first.editor, first.method)), None)
    row = RouteRow(
        key=hashlib.sha256(f"{run}|{body}".encode()).hexdigest()[:32],
        run=run,
        shot=case.shot,
        finding=case.finding,
        action=case.action,
        editor=first.editor if first else "",
        method=first.method if first else "",
        moved=offer.moved if offer else 0.0,
        case=body,
        ranked=RANKING.dump_json(tuple(ranked)).decode(),
    )
    with db.begin() as session:
        if session.get(RouteRow, row.key) is None:
            session.add(row)


def replay(run: str, db: sessionmaker[Session]) -> tuple[Replayed, ...]:
    """Every choice of a run made again: verdicts are counted anew in the ledger, all else is as it was known then."""
    experience = learned(db, before=run)
    with db() as session:
        rows = session.scalars(select(RouteRow).where(RouteRow.run == run).order_by(RouteRow.at, RouteRow.key)).all()
    return tuple(_replayed(row, experience) for row in rows)


def _replayed(row: RouteRow, experience: Experience) -> Replayed:
    case = Case.model_validate_json(row.case)
    again = case.model_copy(
        update={
            "offers": tuple(_recounted(one, case.action, case.category, experience) for one in case.offers),
            "remaking": tuple(_recounted(one, "regenerate", case.category, experience) for one in case.remaking),
        }
    )
    was, now = RANKING.validate_json(row.ranked), rank(again)
    return Replayed(
        shot=row.shot, finding=row.finding, action=row.action, was=was, now=now, why=_difference(case, again, was, now)
    )


def _recounted(offer: Offer, action: str, category: str, experience: Experience) -> Offer:
    skill = Skill(offer.editor, action, category)
    return offer.model_copy(update={"here": experience.here(skill), "elsewhere": experience.elsewhere(skill)})


def _difference(case: Case, again: Case, was: Sequence[Candidate], now: Sequence[Candidate]) -> str:
    if tuple(was) == tuple(now):
        return ""
    pairs = zip((*case.offers, *case.remaking), (*again.offers, *again.remaking), strict=True)
    recounted = [
        _verdicts_words(old, new) for old, new in pairs if (old.here, old.elsewhere) != (new.here, new.elsewhere)
    ]
    return (
        "; ".join(dict.fromkeys(recounted)) or "the same facts are ranked differently: another version of Suture did it"
    )


def _verdicts_words(old: Offer, new: Offer) -> str:
    then, now = old.here.plus(old.elsewhere), new.here.plus(new.elsewhere)
    return (
        f"the ledger has {now.passed} of {now.total} verdicts for {old.editor} from earlier runs, "
        f"{then.passed} of {then.total} were known then"
    )
