"""The mind that stages ask: a door to a model with a memory, a purse and a record.

Every answer is kept by what was asked (server, model, prompt, schema, words, pictures), so that a resumed or repeated
run pays nothing twice. Every request goes into the ledger before it is sent and counts against the run's cap. Once the
server is found to be of no use (unreachable, wrong key, blind, over budget), nothing more is sent in this run, and
whoever asks goes on without a model.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, TypeVar

from pydantic import BaseModel
from sqlalchemy.orm import Session, sessionmaker

from agent.budget import NO_CAPS, Caps
from agent.db import AnswerRow, SkillRow
from agent.errors import ModelBlind, ModelDown, OverBudget
from agent.events import Event, Sink
from agent.ledger import Ledger, Question, Spent
from agent.llm import Server, Skill, Till, Usage, strict_schema
from agent.shown import Shown
from prompts import Prompt

Reply = TypeVar("Reply", bound=BaseModel)
NOTHING = Spent(tokens_in=0, tokens_out=0, usd=Decimal(0))


class Asker(Protocol):
    """What is behind a mind: a door to a server, or something that writes requests down."""

    async def probe(self, till: Till) -> Skill: ...

    async def ask(
        self, prompt: Prompt, answer: type[Reply], pictures: Sequence[Shown], skill: Skill, till: Till
    ) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Purse:
    """Where a run's questions are paid and recorded. `caps` are the most that may be spent."""

    run: str
    server: Server
    ledger: Ledger
    events: Sink
    caps: Caps = NO_CAPS

    def question(self, about: str, prompt: str) -> Question:
        return Question(run=self.run, about=about, model=self.server.model, prompt=prompt)

    def price(self, usage: Usage) -> Spent:
        """Tokens as money."""
        millionths = usage.tokens_in * self.server.usd_in + usage.tokens_out * self.server.usd_out
        usd = Decimal(f"{millionths / 1_000_000:.6f}")
        return Spent(tokens_in=usage.tokens_in, tokens_out=usage.tokens_out, usd=usd)


class Receipt:
    """Pays every single request of one question: the first try, a second one, a repair round."""

    def __init__(self, purse: Purse, prompt: str, about: str) -> None:
        self._purse, self._prompt, self._about = purse, prompt, about
        self.spent = NOTHING

    def open(self, estimate: Usage) -> int:
        purse = self._purse
        spent = purse.price(estimate)
        call = purse.ledger.ask(purse.question(self._about, self._prompt), spent, purse.caps)
        purse.events(Event(stage="model", moment="intent", message=f"{self._prompt}: {self._about}"))
        return call

    def close(self, call: int, usage: Usage, ending: str) -> None:
        spent = self._purse.price(usage)
        self._purse.ledger.answered(call, spent, ending)
        self.spent = Spent(
            tokens_in=self.spent.tokens_in + spent.tokens_in,
            tokens_out=self.spent.tokens_out + spent.tokens_out,
            usd=self.spent.usd + spent.usd,
        )


class Mind:
    """Questions of one run to one server and model; `jobs` of them at the same time."""

    def __init__(self, door: Asker, purse: Purse, sessions: sessionmaker[Session], *, jobs: int = 4) -> None:
        self._door = door
        self._purse = purse
        self._sessions = sessions
        self._turns = asyncio.Semaphore(jobs)
        self._probing = asyncio.Lock()
        self._skill: Skill | None = None
        self._down: ModelDown | None = None

    @property
    def server(self) -> Server:
        return self._purse.server

    def within(self, cap: Decimal | None) -> Mind:
        """The same mind, with one more limit to what its run may spend."""
        self._purse = replace(self._purse, caps=self._purse.caps.for_run(cap))
        return self

    @property
    def model(self) -> str:
        return self._purse.server.model

    async def ask(self, prompt: Prompt, answer: type[Reply], pictures: Sequence[Shown] = (), *, about: str) -> Reply:
        """The model's answer, from memory where the same was asked before.

        `about` names the finding, shot, sheet or request that the question is for. Raises ModelError.
        """
        key, name = question_key(self._purse.server, prompt, answer, pictures), f"{prompt.name}@{prompt.version}"
        known = self._remembered(key)
        if known is not None:
            self._purse.ledger.remembered(self._purse.question(about, name), key)
            return answer.model_validate_json(known)
        async with self._turns:
            receipt = Receipt(self._purse, name, about)
            try:
                said = await self._asked(prompt, answer, pictures, receipt)
            except ModelDown as error:
                self._down = error
                raise
            except OverBudget as error:
                self._down = ModelDown(str(error))
                raise self._down from None
        self._remember(key, said, receipt.spent)
        return said

    async def _asked(self, prompt: Prompt, answer: type[Reply], pictures: Sequence[Shown], receipt: Receipt) -> Reply:
        if self._down is not None:
            raise self._down
        skill = await self._known_skill()
        if pictures and not skill.sees:
            raise ModelBlind(f"{self.model} at {self._purse.server.base_url} does not see the pictures that it is sent")
        return await self._door.ask(prompt, answer, pictures, skill, receipt)

    async def _known_skill(self) -> Skill:
        """What server and model can do; probed once and remembered beyond the run."""
        async with self._probing:
            if self._down is not None:
                raise self._down
            if self._skill is None:
                self._skill = self._stored_skill() or await self._probed()
            return self._skill

    def _stored_skill(self) -> Skill | None:
        with self._sessions() as session:
            row = session.get(SkillRow, (self._purse.server.base_url, self.model))
        return Skill.model_validate({"rung": row.rung, "sees": row.sees}) if row else None

    async def _probed(self) -> Skill:
        try:
            skill = await self._door.probe(Receipt(self._purse, "probe@1", "the server"))
        except ModelDown as error:
            self._down = error
            raise
        with self._sessions.begin() as session:
            session.merge(SkillRow(server=self._purse.server.base_url, model=self.model, **skill.model_dump()))
        return skill

    def _remembered(self, key: str) -> str | None:
        with self._sessions() as session:
            row = session.get(AnswerRow, key)
            return row.body if row else None

    def _remember(self, key: str, said: BaseModel, spent: Spent) -> None:
        with self._sessions.begin() as session:
            session.merge(AnswerRow(key=key, body=said.model_dump_json(), **dict(spent)))


def question_key(server: Server, prompt: Prompt, answer: type[BaseModel], pictures: Sequence[Shown]) -> str:
    """What names a question: the same words and pictures to the same model have the same key in any run."""
    shown = [(p.name, p.words, p.pixels.shape, hashlib.sha256(p.pixels.tobytes()).hexdigest()) for p in pictures]
    body = [server.base_url, server.model, prompt.name, prompt.version, prompt.text, strict_schema(answer), shown]
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
