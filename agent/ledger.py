"""The write-ahead ledger: nothing is sent to an editor or a model before its row is on the disk, and no edit twice.

A row moves intent → submitted → settled or failed, by way of unknown where nobody knows whether the edit came, and
counts at the most that it can cost until the bill is known; a job that failed counts so unless its provider says that
it does not bill it. Its key is a hash of the edit (film, shot, plan, attempt), never of the
run: a second life of the same run, or another run with the same wish, finds the row instead of paying again. Questions
to models have rows of their own, count against the same caps, and are paid once because their answers are kept
(`agent.mind`). A rehearsal keeps to its own rows: they count against no cap of real runs and are never found by them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, sessionmaker

from agent.budget import NO_CAPS, Caps, Sums, broken_cap, over_words
from agent.db import AnswerRow, LedgerRow, ModelCallRow, RememberedRow
from agent.errors import OverBudget
from agent.schema import ModelUse
from tools.types import Frozen, Job


class Entry(Frozen):
    """What is written down about an edit before it is sent."""

    key: str
    run: str
    shot: str
    finding: str
    category: str
    action: str
    editor: str
    method: str
    usd: Decimal
    """The quoted price."""
    most: Decimal | None = None
    """The most that the bill can come to, where that is more."""

    @property
    def reserve(self) -> Decimal:
        """What counts until the bill is known."""
        return self.usd if self.most is None else max(self.usd, self.most)


class Question(Frozen):
    """What is asked of a model in a run: about what, and with which prompt ("inspect-shot@1")."""

    run: str
    about: str
    model: str
    prompt: str


class Spent(Frozen):
    """Tokens and US dollars of a question, or what they are estimated at."""

    tokens_in: int
    tokens_out: int
    usd: Decimal


class Claim(Frozen):
    """`fresh` is true for the one caller that may send; `handle` is set once an editor accepted the edit.

    `since` (UTC) is when the edit was first about to be sent.
    """

    fresh: bool
    handle: str | None
    since: datetime


def edit_key(film: str, shot: str, plan: Mapping[str, object], attempt: int) -> str:
    """The name of an edit: a hash of what is asked for, stable over processes, runs and copies of the project."""
    body = json.dumps([film, shot, plan, attempt], sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows in the project's database; every method is one transaction, on the disk when it returns."""

    sessions: sessionmaker[Session]
    rehearsed: bool = False
    """True in a rehearsal."""

    def claim(self, entry: Entry, caps: Caps = NO_CAPS, *, again: bool = False) -> Claim:
        """Writes the intent, or finds the row that is there.

        `again` is said of an edit that the editor is sure never to have got: its row is written anew, under this run.
        So is the row of a job that came to nothing and cost nothing, in a later run.
        Raises OverBudget before a row is written; of all processes that ask at once none takes the sum over a cap.
        """
        key, since = self._key(entry.key), _now()
        with self._alone() as session:
            row = session.get(LedgerRow, key)
            never_came = row is not None and again and row.handle is None
            if row is not None and (never_came or _cost_nothing(row, entry)):
                since = row.at if never_came else since
                session.delete(row)
                session.flush()
                row = None
            if row is not None:
                return Claim(fresh=False, handle=row.handle, since=datetime.fromisoformat(row.at))
            spent = self._sums(session, entry.run, entry.shot)
            _check(caps, spent, f"{entry.shot}: {entry.editor}", entry.reserve)
            told = entry.model_dump(exclude={"most"})
            row = LedgerRow(**{**told, "key": key, "usd": entry.reserve, "at": since, "rehearsed": self.rehearsed})
            row.quoted, row.reserved = entry.usd, entry.reserve
            session.add(row)
        return Claim(fresh=True, handle=None, since=datetime.fromisoformat(since))

    def submitted(self, key: str, handle: str, uploaded: str | None = None) -> None:
        """Stores the handle of the accepted job; a handle once stored never changes."""
        with self._alone() as session:
            row = session.get_one(LedgerRow, self._key(key))
            if row.handle is None:
                row.handle, row.uploaded, row.state = handle, uploaded, "submitted"

    def unknown(self, key: str) -> None:
        """Writes down that nobody can tell whether the edit came; it counts at its reserve."""
        with self._alone() as session:
            row = session.get_one(LedgerRow, self._key(key))
            if row.handle is None:
                row.state = "unknown"

    def billed(self, key: str, usd: Decimal | None) -> None:
        """Counts the edit at its bill, or at the quoted price where nobody told one."""
        with self._alone() as session:
            row = session.get_one(LedgerRow, self._key(key))
            row.usd = usd if usd is not None else row.usd if row.quoted is None else row.quoted

    def failed(self, job: Job, *, billed: bool) -> None:
        """Writes down that an accepted job came to nothing; it goes on counting where it is or may be `billed`."""
        mine = select(LedgerRow).where(LedgerRow.editor == job.editor, LedgerRow.handle == job.handle)
        with self._alone() as session:
            for row in session.scalars(mine.where(LedgerRow.rehearsed == self.rehearsed, LedgerRow.state != "settled")):
                row.state, row.usd = "failed", row.usd if billed else Decimal(0)

    def settled(self, key: str, verdict: str) -> None:
        """Closes the row with the verdict of the first verification."""
        with self._alone() as session:
            row = session.get_one(LedgerRow, self._key(key))
            if row.state != "settled":
                row.state, row.verdict = "settled", verdict

    def withdraw(self, key: str) -> None:
        """Forgets an intent of which the editor said that nothing happened."""
        with self._alone() as session:
            session.execute(delete(LedgerRow).where(LedgerRow.key == self._key(key), LedgerRow.handle.is_(None)))

    def handles(self, editor: str, *, but: str) -> tuple[str, ...]:
        """The handles of all other edits that an editor accepted."""
        mine = select(LedgerRow.handle).where(LedgerRow.editor == editor, LedgerRow.key != self._key(but))
        query = mine.where(LedgerRow.handle.is_not(None), LedgerRow.rehearsed == self.rehearsed)
        with self.sessions() as session:
            return tuple(str(handle) for handle in session.scalars(query.order_by(LedgerRow.key)))

    def ask(self, question: Question, estimate: Spent, caps: Caps = NO_CAPS) -> int:
        """Writes down a question before it is sent. Raises OverBudget where its estimate would break a cap."""
        kept = Caps(run=caps.run, day=caps.day)
        with self._alone() as session:
            spent = self._sums(session, question.run, "")
            _check(kept, spent, f"{question.about}: asking {question.model}", estimate.usd)
            row = ModelCallRow(**dict(question), **dict(estimate))
            session.add(row)
            session.flush()
            return row.seq

    def answered(self, call: int, spent: Spent, ending: str) -> None:
        """Closes a question with what it took."""
        with self._alone() as session:
            row = session.get_one(ModelCallRow, call)
            row.state, row.tokens_in, row.tokens_out, row.usd = ending, spent.tokens_in, spent.tokens_out, spent.usd

    def remembered(self, question: Question, key: str) -> None:
        """Writes down that a question was answered from memory."""
        with self._alone() as session:
            session.merge(RememberedRow(**dict(question), key=key))

    def questions(self, run: str) -> tuple[ModelUse, ...]:
        """What a run asked models, by what it was about, model and prompt; answers from memory with what they took."""
        call = ModelCallRow
        sums = (func.sum(call.tokens_in), func.sum(call.tokens_out), func.sum(call.usd))
        sent = select(call.about, call.model, call.prompt, func.count(), *sums).where(call.run == run)
        kept = (
            select(RememberedRow, AnswerRow)
            .join(AnswerRow, AnswerRow.key == RememberedRow.key)
            .where(RememberedRow.run == run)
        )
        uses: dict[tuple[str, str, str], ModelUse] = {}
        with self.sessions() as session:
            for row in session.execute(sent.group_by(call.about, call.model, call.prompt)):
                about, model, prompt, calls, read, written, usd = row
                use = ModelUse(about=about, model=model, prompt=prompt, calls=calls, tokens_in=read)
                uses[about, model, prompt] = use.model_copy(update={"tokens_out": written, "usd": Decimal(usd)})
            for one, answer in session.execute(kept):
                at = (one.about, one.model, one.prompt)
                use = uses.get(at) or ModelUse(about=one.about, model=one.model, prompt=one.prompt)
                uses[at] = use.with_memory(answer.tokens_in, answer.tokens_out)
        return tuple(uses[at] for at in sorted(uses))

    def spent(self, run: str) -> Decimal:
        """What the run's edits and questions cost."""
        with self.sessions() as session:
            return self._sums(session, run, "").run

    def sums(self, run: str, shot: str) -> Sums:
        """What counts so far against the caps of a shot, its run, and today."""
        with self.sessions() as session:
            return self._sums(session, run, shot)

    def uploads(self, run: str) -> tuple[dict[str, str], ...]:
        """What left the machine in a run, and to whom; in a rehearsal nothing does."""
        left = select(LedgerRow).where(LedgerRow.uploaded.is_not(None), LedgerRow.rehearsed.is_(False))
        query = left.where(LedgerRow.run == run).order_by(LedgerRow.key)
        with self.sessions() as session:
            return tuple({"what": str(row.uploaded), "to": row.editor} for row in session.scalars(query))

    def _key(self, key: str) -> str:
        return f"rehearsal/{key}" if self.rehearsed else key

    @contextmanager
    def _alone(self) -> Iterator[Session]:
        """A transaction that nobody else writes beside: what it reads still holds when it writes."""
        with self.sessions.begin() as session:
            session.connection().exec_driver_sql("begin immediate")
            yield session

    def _sums(self, session: Session, run: str, shot: str) -> Sums:
        edits = select(func.sum(LedgerRow.usd)).where(LedgerRow.rehearsed == self.rehearsed)
        questions = select(func.sum(ModelCallRow.usd))
        today = _now()[: len("2026-01-31")]
        of_run = edits.where(LedgerRow.run == run), questions.where(ModelCallRow.run == run)
        of_day = edits.where(LedgerRow.at.startswith(today)), questions.where(ModelCallRow.at.startswith(today))
        return Sums(
            shot=Decimal(session.scalar(of_run[0].where(LedgerRow.shot == shot)) or 0),
            run=sum((Decimal(session.scalar(one) or 0) for one in of_run), Decimal(0)),
            day=sum((Decimal(session.scalar(one) or 0) for one in of_day), Decimal(0)),
        )


def _cost_nothing(row: LedgerRow, entry: Entry) -> bool:
    """A failed job of an earlier run for which nothing is billed: it may be tried once more."""
    return row.state == "failed" and not row.usd and row.run != entry.run


def _check(caps: Caps, spent: Sums, what: str, asked: Decimal) -> None:
    broken = broken_cap(caps, spent, asked)
    if broken is not None:
        raise OverBudget(over_words(broken, caps, spent, what, asked))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
