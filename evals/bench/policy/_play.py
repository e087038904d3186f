"""Faults played through the real decision, router, shot graph and ledger; only the pictures' verdicts are drawn.

All strategies meet the same faults. Whether an editor's n-th try at a fault succeeds is drawn from its true chance, by
fault, editor and try, so that two strategies which ask for the same thing see the same thing happen.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from agent.briefing import references_for
from agent.db import Base
from agent.deps import Deps, RunOptions
from agent.economics import evidence_moves, moved
from agent.experience import Experience, learned
from agent.graph.common import keep_film
from agent.graph.shot import ShotGraph, shot_graph
from agent.hands import Judgement, Place
from agent.ledger import Ledger
from agent.policy import Policy, decide
from agent.schema import SCHEMA_VERSION, Decision, Film, Outcome, ReadyJob, Sheet, Shot
from agent.stages.route import Need, need_of
from agent.state import Gated, Repair, ShotState
from agent.store import Store
from evals.bench.policy._bidders import Bidder
from evals.bench.policy._figures import Played
from evals.bench.policy._world import SUBJECT, Fault, World
from tools.editors.base import Capabilities, PaidAction
from tools.media.sheets import write_picture
from tools.types import Box, Clip, Edit, Job, Panel, Reference, Verdict

Strategy = Literal["suture", "unlearned", "regenerate", "inpaint", "oracle"]
"""suture learns from its ledger, unlearned never does; the oracle is told every editor's true chance."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where faults are played: the world, everybody who may bid, a blank clip per length, and a folder."""

    world: World
    everybody: Mapping[str, Bidder]
    blanks: Mapping[int, Path]
    home: Path
    blocks: int


async def play(
    strategy: Strategy, faults: Sequence[Fault], stage: Stage, db: sessionmaker[Session] | None = None
) -> list[Played]:
    """Every fault in a shot of its own, in blocks that are runs: a run learns from those before it.

    `db` is the database that the runs are kept in; without one it is gone with the call.
    """
    asyncio.get_running_loop().set_default_executor(_AtOnce())
    kept, graph = db or memory(), shot_graph()
    made: list[Played] = []
    for number, block in enumerate(_blocks(faults, stage.blocks), start=1):
        deps = _deps(strategy, f"run-{number:03d}", stage, kept)
        deps = replace(deps, hands=_DrawnHands(stage.world, block))
        film = _film(block, stage)
        table = _Table(strategy, stage, film, keep_film(film, deps), deps, graph)
        made += await asyncio.gather(*map(table.play, block, table.film.shots))
    return made


class _AtOnce(ThreadPoolExecutor):
    """Runs what the graph hands to threads (its small routing functions) where it is, since nothing here waits."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def memory() -> sessionmaker[Session]:
    """A database like a project's, in memory: what is simulated need not survive anything."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    Base.metadata.create_all(engine)
    return sessionmaker(engine, expire_on_commit=False)


def _deps(strategy: Strategy, run: str, stage: Stage, db: sessionmaker[Session]) -> Deps:
    home = stage.home
    return Deps(
        run=run,
        root=home,
        home=home,
        run_folder=home / "runs" / run,
        store=Store(home, home),
        ledger=Ledger(db),
        db=db,
        events=lambda _: None,
        cpu=asyncio.Semaphore(1),
        policy=Policy(),
        editors=stage.everybody,
        options=RunOptions(),
        experience=Experience() if strategy == "unlearned" else learned(db, before=run),
    )


def _blocks(faults: Sequence[Fault], count: int) -> Iterator[Sequence[Fault]]:
    size = -(-len(faults) // count)
    return (faults[start : start + size] for start in range(0, len(faults), size))


def _film(block: Sequence[Fault], stage: Stage) -> Film:
    """A film of one fault a shot; its one character has a panel that every editor may look at."""
    panel = stage.home / "panel.png"
    write_picture(panel, np.full((64, 64, 3), 128, np.uint8))
    face = Panel(sheet=panel, subject=SUBJECT, view="face", box=Box(0, 0, 64, 64))
    mix = stage.world.mix
    return Film(
        title="policy",
        root=stage.home,
        shots=tuple(_shot(fault, stage.blanks[fault.seconds]) for fault in block),
        sheets=(Sheet(subject=SUBJECT, image=panel, panels=(face,), key=f"sheet:{SUBJECT}"),),
        fps=mix.rate,
        width=mix.width,
        height=mix.height,
        allow=tuple(sorted(stage.everybody)),
    )


def _shot(fault: Fault, blank: Path) -> Shot:
    clip = Clip(media=blank, first=0, last=fault.frames - 1)
    return Shot(id=fault.shot, clip=clip, source=clip, characters=(SUBJECT,), references=(f"{SUBJECT}/face",))


def _decided(strategy: Strategy, fault: Fault) -> Decision:
    """The rule's decision, or the one thing that a simple strategy always does."""
    decision = decide(fault.finding(), fault.evidence(), Policy())
    if strategy in ("regenerate", "inpaint"):
        return decision.model_copy(update={"action": strategy, "window": None})
    return decision


class _DrawnHands:
    """Hands that make no pictures: whether a take is good is drawn from its editor's true chance."""

    def __init__(self, world: World, faults: Sequence[Fault]) -> None:
        self._world = world
        self._faults = {fault.shot: fault for fault in faults}

    async def references(self, at: Place, deps: Deps) -> tuple[Reference, ...]:
        del deps
        return references_for(at.film, at.finding, (), (), at.action)

    async def prompt(self, at: Place, can: Capabilities, references: Sequence[Reference], deps: Deps) -> str:
        del at, can, references, deps
        return ""

    async def fetch(self, edit: Edit, job: Job, deps: Deps) -> Gated:
        del edit, deps
        return Gated(media="drawn", how={"editor": job.editor})

    async def judge(self, at: Place, edit: Edit, take: Gated, deps: Deps) -> Judgement:
        """The same try of the same editor at the same fault ends alike under every strategy."""
        del deps
        fault, editor = self._faults[at.shot.id], str(take.how["editor"])
        tries = sum(one.tool == editor and one.action == at.action for one in at.attempts)
        draw = Random(f"{fault.number}|{editor}|{edit.action}|{tries}").random()  # noqa: S311 - no secret
        good = draw < self._world.chance(editor, at.action, fault)
        return Judgement(Verdict(verdict="pass" if good else "fail", checks=()))

    async def commit(self, shot: Shot, working: str, lineage: str, deps: Deps) -> int:
        del working, lineage, deps
        return shot.version + 1

    async def ready_job(
        self, at: Place, references: Sequence[Reference], quote: Mapping[str, float], why: str, deps: Deps
    ) -> ReadyJob:
        del references, deps
        return ReadyJob(
            action=at.action, prompt="", references=(), clip="", mask=None, window=None, quote=dict(quote), why=why
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """One run of one strategy: its film, what its stages are handed, and the graph that every shot goes through."""

    strategy: Strategy
    stage: Stage
    film: Film
    named: str
    deps: Deps
    graph: ShotGraph

    async def play(self, fault: Fault, shot: Shot) -> Played:
        """One shot from its decision to its outcome."""
        decision = _decided(self.strategy, fault)
        repair = Repair(
            film=self.named,
            shot=shot.id,
            findings=(fault.finding(),),
            decisions=(decision,),
            faults=(),
            sheet_versions=(),
            lineage=shot.id,
        )
        deps = replace(self.deps, editors=self._bidding(fault, decision, shot))
        begin: ShotState = {"schema_version": SCHEMA_VERSION, "repair": repair}
        ended = await self.graph.ainvoke(begin, context=deps)
        return _ended(ended["outcome"], fault, deps)

    def _bidding(self, fault: Fault, decision: Decision, shot: Shot) -> Mapping[str, Bidder]:
        """Who may bid: for always inpainting nobody who makes shots again, for the oracle all with the truth known."""
        everybody = self.stage.everybody
        if self.strategy == "inpaint":
            return {n: one for n, one in everybody.items() if "regenerate" not in one.capabilities.actions}
        if self.strategy != "oracle":
            return everybody
        need = need_of(self.film, shot, fault.finding(), decision, "inpaint")
        return {name: one.knowing(self._chances(one, fault, need)) for name, one in everybody.items()}

    def _chances(self, one: Bidder, fault: Fault, need: Need) -> dict[PaidAction, float]:
        """The true chances, less what the router will add for the evidence that they count already."""
        revealed = need.revealed if one.capabilities.borrows else None
        by = {"inpaint": evidence_moves(size=need.size, speed=need.speed, revealed=revealed)}
        world = self.stage.world
        return {a: moved(world.chance(one.name, a, fault), -by.get(a, 0.0)) for a in one.capabilities.actions}


def _ended(outcome: Outcome, fault: Fault, deps: Deps) -> Played:
    usd = float(sum(attempt.usd for attempt in outcome.attempts))
    seconds = sum(attempt.ranked[0].seconds for attempt in outcome.attempts)
    fixed = outcome.status in ("fixed", "regenerated")
    first = outcome.attempts[0] if outcome.attempts else None
    expected: dict[str, float] = {}
    for candidate in first.ranked if first else ():
        expected[candidate.editor] = min(candidate.cost, expected.get(candidate.editor, candidate.cost))
    return Played(
        usd=usd,
        generations=len(outcome.attempts),
        seconds=seconds,
        fixed=fixed,
        region=fault.drawn.action == "inpaint",
        first=first.tool if first else "",
        expected=expected,
        whole=usd + seconds * deps.usd_per_hour / 3600 + (0.0 if fixed else deps.person_usd),
    )
