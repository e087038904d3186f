"""One shot's repair played through the real graph, router, ledger and edit stage, with drawn faults and verdicts.

Editors and hands are players: they make no pictures and write down everything that happens, in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, NamedTuple

from langgraph.checkpoint.memory import InMemorySaver
from sqlalchemy import event, select

from agent.budget import NO_CAPS, Caps
from agent.checkpoint import serializer
from agent.db import LedgerRow, open_database
from agent.deps import Deps, RunOptions
from agent.graph import Answer, answer_shot, shot_graph, thread
from agent.graph.common import keep_film
from agent.hands import Judgement, Place
from agent.ledger import Entry, Ledger
from agent.policy import Policy
from agent.schema import SCHEMA_VERSION, Condition, Decision, Film, Finding, Outcome, ReadyJob, Shot
from agent.stages.escalate import failed_takes
from agent.state import Gated, Repair, ShotState
from agent.store import Store
from tools.editors.base import Capabilities, PaidAction, Words
from tools.errors import Broken, Refused, TryAgain, Unknown
from tools.types import Action, Box, Check, Clip, Edit, Job, Progress, Quote, Reference, Take, Verdict

Sending = Literal["accepted", "later", "lost", "found", "absent", "refused", "unreadable"]
"""lost: accepted and nobody can tell; found: the same, and the editor finds it; absent: it surely never came."""
Running = Literal["done", "failed", "refused", "away", "slow"]
Fetching = Literal["taken", "broken", "away"]
SHOT = "SH010"


@dataclass(frozen=True)
class Player:
    """An editor's part. `fixed` is told the same words whatever failed before."""

    name: str
    actions: frozenset[PaidAction]
    methods: tuple[str, ...] = ("auto",)
    fixed: bool = False
    local: bool = False
    usd: Decimal = Decimal(1)
    most: Decimal = Decimal(2)


@dataclass(frozen=True)
class Case:
    """What is drawn. Every list is used up in order; then all goes well, every verdict fails, and people give up."""

    players: tuple[Player, ...]
    decisions: tuple[tuple[Action, bool], ...] = (("inpaint", True),)
    """What is decided per finding, and whether its conditions hold."""
    sendings: tuple[Sending, ...] = ()
    runnings: tuple[Running, ...] = ()
    fetchings: tuple[Fetching, ...] = ()
    verdicts: tuple[bool, ...] = ()
    answers: tuple[Literal["approve", "reject"], ...] = ()
    asking: bool = False
    stays: str = ""
    caps: Caps = NO_CAPS
    rival: tuple[int, Decimal] | None = None
    """Before which edit is sent another shot takes how many dollars of the run's budget."""


class Happened(NamedTuple):
    """One thing that happened, and how many dollars were left just then (None: no limit)."""

    what: Literal["sent", "accepted", "barred", "pass", "fail", "question", "approve", "reject", "handed", "rival"]
    action: str = ""
    finding: str = ""
    editor: str = ""
    method: str = ""
    edit: tuple[object, ...] = ()
    left: Decimal | None = None


@dataclass
class Played:
    """What came of a case."""

    case: Case
    log: list[Happened]
    outcome: Outcome
    state: ShotState
    accepted: list[str]
    bills: dict[str, Decimal]
    rows: dict[str, LedgerRow]
    highest: Decimal
    rivals: Decimal

    def all(self, *what: str) -> list[Happened]:
        return [one for one in self.log if one.what in what]


@dataclass
class Script:
    """A case as it goes on: what is still to come, and what happened."""

    case: Case
    ledger: Ledger
    run: str
    log: list[Happened] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    bills: dict[str, Decimal] = field(default_factory=dict)
    fates: dict[str, Sending] = field(default_factory=dict)
    at: Place | None = None
    planned: int = 0
    highest: Decimal = Decimal(0)
    rivals: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self.sendings, self.runnings = deque(self.case.sendings), deque(self.case.runnings)
        self.fetchings, self.verdicts = deque(self.case.fetchings), deque(self.case.verdicts)
        self.answers = deque(self.case.answers)

    def note(self, what: Any, **more: Any) -> None:
        finding = self.at.finding.id if self.at else ""
        self.log.append(Happened(what, finding=finding, left=self.left(), **more))

    def left(self) -> Decimal | None:
        if self.case.caps == NO_CAPS:
            return None
        sums = self.ledger.sums(self.run, SHOT)
        self.highest = max(self.highest, sums.run)
        caps = self.case.caps
        limits = (caps.action, caps.shot and caps.shot - sums.shot, caps.run and caps.run - sums.run)
        return min((limit for limit in limits if limit is not None), default=None)


class Actor:
    """A player as an editor."""

    def __init__(self, player: Player, script: Script) -> None:
        self.name, self.player, self.script = player.name, player, script
        self.capabilities = Capabilities(
            actions=player.actions,
            local=player.local,
            methods=player.methods,
            words=Words(style="none" if player.fixed else "instruction", negative=True),
            poll_seconds=0,
        )

    def quote(self, edit: Edit) -> Quote:
        return Quote(usd=self.player.usd, seconds=1, high=self.player.most)

    async def submit(self, edit: Edit) -> Job:
        asked = (edit.action, edit.mask, edit.window, edit.prompt, edit.references, edit.clip)
        known = {"action": edit.action, "editor": self.name, "method": edit.method}
        self.script.note("sent", edit=asked, **known)
        fate: Sending = self.script.sendings.popleft() if self.script.sendings else "accepted"
        self.script.fates[edit.key] = fate
        if fate in ("accepted", "lost", "found"):
            self.script.accepted.append(edit.key)
            self.script.note("accepted", **known)
        if fate in ("later", "absent", "refused", "unreadable"):
            self.script.note("barred", editor=self.name)
        if fate in ("lost", "found", "absent"):
            raise Unknown("the line broke")
        wrong = {"later": TryAgain, "refused": Refused, "unreadable": Broken}.get(fate)
        if wrong is not None:
            raise wrong(fate)
        return Job(editor=self.name, handle=edit.key)

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        fate = self.script.fates[edit.key]
        if fate == "lost":
            raise Unknown("it keeps no list")
        return Job(editor=self.name, handle=edit.key) if fate == "found" else None

    async def poll(self, job: Job) -> Progress:
        fate: Running = self.script.runnings[0] if self.script.runnings else "done"
        if fate == "slow":
            return Progress(state="running")
        if self.script.runnings:
            self.script.runnings.popleft()
        if fate in ("failed", "refused") or (fate == "away" and self.player.local):
            self.script.note("barred", editor=self.name)
        if fate == "refused":
            raise Refused(fate)
        if fate == "away":
            raise TryAgain(fate)
        return Progress(state="failed" if fate == "failed" else "done", why=fate)

    async def fetch(self, job: Job, folder: Path) -> Take:
        raise NotImplementedError

    async def cancel(self, job: Job) -> None:
        raise NotImplementedError


class Hands:
    """Hands without pixels."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def references(self, at: Place, deps: Deps) -> tuple[Reference, ...]:
        return ()

    async def prompt(self, at: Place, can: Capabilities, references: Sequence[Reference], deps: Deps) -> str:
        self.script.at = at
        self.script.planned += 1
        rival = self.script.case.rival
        if rival is not None and self.script.planned == rival[0]:
            self._rival(rival[1], deps)
        failed = failed_takes(at.attempts) if at.action == "regenerate" else ()
        return "" if can.words.style == "none" else f"{at.action} {at.finding.id} {failed}"

    def _rival(self, usd: Decimal, deps: Deps) -> None:
        sums = deps.ledger.sums(deps.run, "SH020")
        if deps.caps.run is None or sums.run + usd <= deps.caps.run:
            words = dict.fromkeys(("finding", "category", "action", "editor", "method"), "rival")
            deps.ledger.claim(
                Entry.model_validate({**words, "key": deps.run, "run": deps.run, "shot": "SH020", "usd": usd})
            )
            self.script.rivals = usd
            self.script.note("rival")

    async def fetch(self, edit: Edit, job: Job, deps: Deps) -> Gated:
        fate: Fetching = self.script.fetchings.popleft() if self.script.fetchings else "taken"
        local = deps.editors[job.editor].capabilities.local
        if fate == "broken" or (fate == "away" and local):
            self.script.note("barred", editor=job.editor)
        if fate == "broken":
            raise Broken(fate)
        if fate == "away":
            raise TryAgain(fate)
        player = next(one for one in self.script.case.players if one.name == job.editor)
        self.script.bills[edit.key] = player.most if len(self.script.bills) % 2 else player.usd
        deps.ledger.billed(edit.key, self.script.bills[edit.key])
        return Gated(media=f"take-{len(self.script.log)}.mkv", how={})

    async def judge(self, at: Place, edit: Edit, take: Gated, deps: Deps) -> Judgement:
        passed = self.script.verdicts.popleft() if self.script.verdicts else False
        job = next(one for one in reversed(self.script.log) if one.what == "accepted")
        self.script.note("pass" if passed else "fail", action=edit.action, editor=job.editor, method=job.method)
        check = Check(name="landed", value=0 if passed else 1, limit=0, unit="", holds=passed)
        return Judgement(Verdict(verdict="pass" if passed else "fail", checks=(check,)))

    async def commit(self, shot: Shot, working: str, lineage: str, deps: Deps) -> int:
        return shot.version + 1

    async def ready_job(
        self, at: Place, references: Sequence[Reference], quote: Mapping[str, float], why: str, deps: Deps
    ) -> ReadyJob:
        self.script.at = at
        self.script.note("handed", action=at.action)
        known: dict[str, Any] = {"prompt": "p", "references": (), "clip": "c", "mask": None, "window": at.window}
        return ReadyJob(action=at.action, quote=dict(quote), why=why, **known)


class Theatre:
    """Where cases are played: one graph and one database, every case a run and a base of its own.

    The database need not survive a power cut, so nothing waits for the disk.
    """

    def __init__(self, home: Path) -> None:
        self.home, self.db = home, open_database(home)
        engine = self.db.kw["bind"]
        event.listen(engine, "connect", lambda connection, _: connection.execute("pragma synchronous=off"))
        engine.dispose()
        self.graph = shot_graph(InMemorySaver(serde=serializer()))
        self.store, self.played = Store(home, home), 0

    def play(self, case: Case) -> Played:
        self.played += 1
        run = f"run-{self.played:05d}"
        script = Script(case, Ledger(self.db), run)
        return asyncio.run(self._played(script, self._deps(script, run), self._repair(case)))

    def _deps(self, script: Script, run: str) -> Deps:
        return Deps(
            run=run,
            root=self.home,
            home=self.home,
            run_folder=self.home / run,
            store=self.store,
            ledger=script.ledger,
            db=self.db,
            events=lambda _: None,
            cpu=asyncio.Semaphore(1),
            policy=Policy(),
            editors={one.name: Actor(one, script) for one in script.case.players},
            options=RunOptions(approve="ask" if script.case.asking else "auto"),
            limits=script.case.caps,
            hands=Hands(script),
        )

    def _repair(self, case: Case) -> Repair:
        clip = Clip(media=Path("shot.mkv"), first=0, last=47)
        film = Film(
            title="t",
            root=self.home,
            shots=(Shot(id=SHOT, clip=clip, source=clip),),
            fps=Fraction(24),
            width=64,
            height=48,
            allow=tuple(f"p{n}" for n in range(9)),
        )
        numbered = list(enumerate(case.decisions))
        return Repair(
            film=keep_film(film, self._deps(Script(case, Ledger(self.db), ""), "")),
            shot=SHOT,
            findings=tuple(finding(n) for n, _ in numbered),
            decisions=tuple(decision(n, action, holds) for n, (action, holds) in numbered),
            faults=(),
            sheet_versions=(),
            lineage=f"base-{self.played}",
            stays=case.stays,
        )

    async def _played(self, script: Script, deps: Deps, repair: Repair) -> Played:
        config = thread(deps.run, repair, len(deps.editors))
        await self.graph.ainvoke({"schema_version": SCHEMA_VERSION, "repair": repair}, config, context=deps)
        while (await self.graph.aget_state(config)).interrupts:
            said = script.answers.popleft() if script.answers else "reject"
            script.note("question")
            script.note(said)
            if script.runnings and script.runnings[0] == "slow":
                script.runnings.popleft()
            await answer_shot(self.graph, repair, Answer(verdict=said), deps)
        state: ShotState = (await self.graph.aget_state(config)).values  # type: ignore[assignment]
        outcome = state["outcome"]
        assert outcome is not None
        script.left()
        given = (script.accepted, script.bills, self._rows(deps.run), script.highest, script.rivals)
        return Played(script.case, script.log, outcome, state, *given)

    def _rows(self, run: str) -> dict[str, LedgerRow]:
        with self.db() as session:
            found = session.scalars(select(LedgerRow).where(LedgerRow.run == run, LedgerRow.shot == SHOT))
            return {row.key: row for row in found}


def finding(number: int) -> Finding:
    return Finding(
        id=f"F-{number}",
        shot=SHOT,
        frames=(0, 7),
        box=Box(0, 0, 8, 8),
        mask=f"{number}.mkv",
        category="prop",
        subject=None,
        expected="a bare wall",
        observed="a cup",
        severity="major",
        confidence=0.9,
        evidence=(),
    )


def decision(number: int, action: Action, holds: bool) -> Decision:
    small = Condition(name="small", value=0.1, limit=0.2, holds=holds, why="")
    window = (8 * number, 8 * number + 7) if action == "retake" else None
    return Decision(shot=SHOT, finding=f"F-{number}", action=action, conditions=(small,), why="so it is", window=window)
