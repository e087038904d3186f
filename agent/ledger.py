"""The write-ahead ledger: nothing is sent to an editor or a model before its row is on the disk, and no edit twice.

A row moves intent → submitted → settled. Its key is a hash of the edit (film, shot, plan, attempt), never of the run:
a second life of the same run, or another run with the same wish, finds the row instead of paying again. Questions to
models have rows of their own, count against the same cap, and are paid once because their answers are kept
(`agent.mind`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session, sessionmaker

from agent.db import AnswerRow, LedgerRow, ModelCallRow, RememberedRow
from agent.errors import OverBudget
from agent.schema import ModelUse
from tools.types import Frozen


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
    """`fresh` is true for exactly one caller ever; `handle` is set once an editor accepted the edit."""

    fresh: bool
    handle: str | None


class Tally(Frozen):
    """Verdicts of an editor at an action and category."""

    passed: int = 0
    failed: int = 0


def edit_key(film: str, shot: str, plan: Mapping[str, object], attempt: int) -> str:
    """The name of an edit: a hash of what is asked for, stable over processes, runs and copies of the project."""
    body = json.dumps([film, shot, plan, attempt], sort_keys=True, default=str)
    return hashlib.sha256(body.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows in the project's database; every method is one transaction, on the disk when it returns."""

    sessions: sessionmaker[Session]

    def claim(self, entry: Entry, cap: Decimal | None = None) -> Claim:
        """Writes the intent, or finds the row that is there. Raises OverBudget before writing a new one."""
        with self.sessions.begin() as session:
            row = session.get(LedgerRow, entry.key)
            if row is None and cap is not None and self._committed(session, entry.run) + entry.usd > cap:
                raise OverBudget(f"{entry.shot}: {entry.editor} asks {entry.usd} USD, over the budget of {cap} USD")
            made = session.connection().execute(insert(LedgerRow).values(**dict(entry)).on_conflict_do_nothing())
            return Claim(fresh=made.rowcount == 1, handle=row.handle if row else None)

    def submitted(self, key: str, handle: str, uploaded: str | None = None) -> None:
        """Stores the handle of the accepted job; a handle once stored never changes."""
        with self.sessions.begin() as session:
            row = session.get_one(LedgerRow, key)
            if row.handle is None:
                row.handle, row.uploaded, row.state = handle, uploaded, "submitted"

    def settled(self, key: str, verdict: str, usd: Decimal | None = None) -> None:
        """Closes the row with the verdict of the first verification."""
        with self.sessions.begin() as session:
            row = session.get_one(LedgerRow, key)
            if row.state != "settled":
                row.state, row.verdict = "settled", verdict
                row.usd = row.usd if usd is None else usd

    def withdraw(self, key: str) -> None:
        """Forgets an intent of which the editor said that nothing happened."""
        with self.sessions.begin() as session:
            session.execute(delete(LedgerRow).where(LedgerRow.key == key, LedgerRow.state == "intent"))

    def ask(self, question: Question, estimate: Spent, cap: Decimal | None = None) -> int:
        """Writes down a question before it is sent. Raises OverBudget where its estimate would break the cap."""
        with self.sessions.begin() as session:
            if cap is not None and self._committed(session, question.run) + estimate.usd > cap:
                asks = f"asking {question.model} may cost {estimate.usd:.4f} USD"
                raise OverBudget(f"{question.about}: {asks}, over the budget of {cap} USD")
            row = ModelCallRow(**dict(question), **dict(estimate))
            session.add(row)
            session.flush()
            return row.seq

    def answered(self, call: int, spent: Spent, ending: str) -> None:
        """Closes a question with what it took."""
        with self.sessions.begin() as session:
            row = session.get_one(ModelCallRow, call)
            row.state, row.tokens_in, row.tokens_out, row.usd = ending, spent.tokens_in, spent.tokens_out, spent.usd

    def remembered(self, question: Question, key: str) -> None:
        """Writes down that a question was answered from memory."""
        with self.sessions.begin() as session:
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
            return self._committed(session, run)

    def uploads(self, run: str) -> tuple[dict[str, str], ...]:
        """What left the machine in a run, and to whom."""
        query = select(LedgerRow).where(LedgerRow.run == run, LedgerRow.uploaded.is_not(None)).order_by(LedgerRow.key)
        with self.sessions() as session:
            return tuple({"what": str(row.uploaded), "to": row.editor} for row in session.scalars(query))

    def tally(self, editor: str, action: str, category: str, *, before: str) -> Tally:
        """Verdicts of all runs but `before`: a run's own verdicts would make its routing depend on timing."""
        query = (
            select(LedgerRow.verdict, func.count())
            .where(LedgerRow.editor == editor, LedgerRow.action == action, LedgerRow.category == category)
            .where(LedgerRow.run != before)
            .group_by(LedgerRow.verdict)
        )
        with self.sessions() as session:
            found = {row[0]: row[1] for row in session.execute(query)}
        return Tally(passed=found.get("pass", 0), failed=found.get("fail", 0))

    def _committed(self, session: Session, run: str) -> Decimal:
        edits = session.scalar(select(func.sum(LedgerRow.usd)).where(LedgerRow.run == run))
        questions = session.scalar(select(func.sum(ModelCallRow.usd)).where(ModelCallRow.run == run))
        return Decimal(edits or 0) + Decimal(questions or 0)
