"""Runs: started, continued, answered and stopped. One process writes a film; every state is safe against SIGKILL."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from langgraph.errors import GraphDrained
from langgraph.runtime import RunControl
from sqlalchemy import select

from agent import permission
from agent.checkpoint import check_version, open_saver
from agent.config import DEADLINE_SECONDS, POLL_SECONDS, Settings, caps_of, editors_environment, load_settings
from agent.db import RunRow
from agent.deps import Deps, RunOptions, Woken
from agent.desk import Desk, home_of, opened, run_row
from agent.errors import OtherVersion, Stopped
from agent.events import Event, EventLog, Sink
from agent.experience import learned
from agent.graph import Answer, FilmGraph, PixelHands, answer_shot, film_graph, repairs_of, shot_graph, thread
from agent.graph.common import film_of
from agent.ledger import Ledger
from agent.lock import one_writer
from agent.minds import Minded, may_look, may_see, open_mind
from agent.permission import Stranger
from agent.project import Project, load_film, open_project
from agent.request.plan import Reading
from agent.result import answered, result_of
from agent.schema import SCHEMA_VERSION, PassResult
from agent.state import GRAPH_VERSION, FilmState
from agent.store import Store
from agent.understanding import heeding, understand
from tools.editors.base import Editor
from tools.editors.registry import House, build, roster
from tools.editors.webhooks import inbox_of
from tools.errors import BadInput

WRITTEN_BY = 1000 * GRAPH_VERSION + SCHEMA_VERSION
NOBODY = Minded(None, "nobody looks")
DRAIN_SECONDS = 3.0
"""How long a stopping run may finish the steps in flight; what is not done by then is done again on resume."""


def start(target: Path, options: RunOptions, *listeners: Sink) -> PassResult:
    """Runs the film graph to its goal. Raises BadInput before anything starts, Stopped on a signal."""
    project = open_project(target)
    settings = load_settings(project.root)
    _possible(options, settings)
    may_look(options, settings, project)
    with one_writer(home_of(project.root), "a new run") as lock, opened(project) as desk:
        run = _new_run(desk, options)
        lock.rename(run)
        return _carried(desk, run, options, listeners, _advance)


def strangers(target: Path, options: RunOptions) -> tuple[Stranger, ...]:
    """Who could be sent footage in such a run although the film does not allow it. Raises BadInput as `start` does."""
    project = open_project(target)
    settings = load_settings(project.root)
    _possible(options, settings)
    return permission.strangers(project, settings, options)


def resume(project: Project, run: str, *listeners: Sink) -> PassResult:
    """Continues a run where it stopped; a finished run answers with its result."""
    with one_writer(home_of(project.root), run), opened(project) as desk:
        options = _options(desk, run)
        return _carried(desk, run, options, listeners, _advance)


def answer(project: Project, run: str, shot: str, given: Answer, *listeners: Sink) -> PassResult:
    """Gives a person's answer to a shot that asked for one, and brings the run to its end again."""

    async def advance(graph: FilmGraph, saver: Any, deps: Deps) -> FilmState:
        values = await _values(graph, deps)
        repair = repairs_of(values, deps.options.reading).get(shot)
        if repair is None or not await answer_shot(shot_graph(saver), repair, given, deps):
            raise BadInput(f"{run}: {shot} asks nothing; `suture show {run}` lists what waits")
        now = await graph.aget_state(thread(run))
        if not now.next:
            await graph.aupdate_state(thread(run), {}, as_node="repair_sheets")
        return await _advance(graph, saver, deps)

    with one_writer(home_of(project.root), run), opened(project) as desk:
        return _carried(desk, run, _options(desk, run), listeners, advance)


Advance = Callable[[FilmGraph, Any, Deps], Awaitable[FilmState]]


async def _advance(graph: FilmGraph, _saver: Any, deps: Deps) -> FilmState:
    """Starts the film's thread, or continues it at its own step; a finished one only gives its values."""
    config = thread(deps.run)
    now = await graph.aget_state(config)
    if now.created_at is None:
        begin: FilmState = {"schema_version": SCHEMA_VERSION, "goal": deps.options.goal}
        await graph.ainvoke(begin, config, context=deps, durability="sync", control=deps.control)
    elif now.next:
        check_version(now.values, deps.run)
        await graph.ainvoke(None, config, context=deps, durability="sync", control=deps.control)
    return await _values(graph, deps)


async def _values(graph: FilmGraph, deps: Deps) -> FilmState:
    values: FilmState = (await graph.aget_state(thread(deps.run))).values  # type: ignore[assignment]
    check_version(values, deps.run)
    return values


def _carried(desk: Desk, run: str, options: RunOptions, listeners: tuple[Sink, ...], advance: Advance) -> PassResult:
    """One life of a run: the row says how it stands before and after, whatever happens in between."""
    folder = desk.home / "runs" / run
    log = EventLog(folder / "events.jsonl", *listeners)
    _note(desk, run, state="running", ended=None, why="")
    try:
        result = asyncio.run(_drive(desk, run, options, log, advance))
    except Stopped:
        _note(desk, run, state="stopped", ended=_now())
        raise
    except BaseException as error:  # the row must say that this life is over, whatever ended it
        _note(desk, run, state="failed", ended=_now(), why=str(error))
        raise
    finally:
        log.close()
    _note(desk, run, state="finished", ended=_now(), result=result.model_dump_json())
    return result


async def _drive(desk: Desk, run: str, options: RunOptions, log: EventLog, advance: Advance) -> PassResult:
    control = RunControl()
    async with open_mind(desk, run, options, Ledger(desk.sessions, rehearsed=options.rehearse), log) as minded:
        log(Event(stage="inspector", moment="started", message=minded.words))
        deps = make_deps(desk, run, options, log, control=control, minded=minded)
        if options.request and options.reading is None:
            film = await asyncio.to_thread(load_film, desk.project)
            reading, notice = await understand(film, deps)
            if reading.kind != "plan":
                return answered(film.title, run, reading, notice, deps)
            deps = _heeding(desk, deps, reading)
        with _listening(desk, minded) as woken:
            return await _driven(desk, replace(deps, woken=woken), log, advance)


def _heeding(desk: Desk, deps: Deps, reading: Reading) -> Deps:
    """Everything as the request wants it, written down with the run so that a resume does the same."""
    options = heeding(deps.options, reading)
    with desk.sessions.begin() as session:
        session.get_one(RunRow, deps.run).options = options.model_dump(mode="json")
    mind = deps.mind.within(options.budget) if deps.mind and may_see(deps.mind.server, options) else None
    return replace(deps, options=options, mind=mind)


async def _driven(desk: Desk, deps: Deps, log: EventLog, advance: Advance) -> PassResult:
    control, run = deps.control, deps.run
    assert control is not None
    stopping = f"stopped; nothing is lost: `suture resume {_named(desk, run)}` continues"
    _on_signal(control, lambda: _note(desk, run, state="stopped", ended=_now()), log, stopping)
    async with open_saver(desk.home) as saver:
        try:
            values = await advance(film_graph(saver), saver, deps)
        except GraphDrained:
            raise Stopped(stopping) from None
    return result_of(values, film_of(values["film"], deps), deps)


def make_deps(
    desk: Desk,
    run: str,
    options: RunOptions,
    events: Sink,
    *,
    control: RunControl | None = None,
    minded: Minded = NOBODY,
) -> Deps:
    """Everything the stages of a run are handed."""
    settings = load_settings(desk.root)
    environment = _environment(desk, minded)
    return Deps(
        run=run,
        root=desk.root,
        home=desk.home,
        run_folder=desk.home / "runs" / run,
        store=Store(desk.root, desk.home),
        ledger=Ledger(desk.sessions, rehearsed=options.rehearse),
        db=desk.sessions,
        events=events,
        cpu=asyncio.Semaphore(settings.heavy_jobs),
        policy=desk.project.toml.policy,
        editors=configured_editors(desk.home, environment),
        options=options,
        usd_per_hour=settings.usd_per_hour,
        person_usd=settings.person_usd,
        limits=caps_of(desk.project, settings),
        poll_seconds=_seconds(environment, POLL_SECONDS),
        deadline_seconds=_seconds(environment, DEADLINE_SECONDS),
        region=settings.region,
        experience=learned(desk.sessions, before=run),
        hands=PixelHands(),
        mind=minded.mind,
        control=control,
    )


def _environment(desk: Desk, minded: Minded) -> Mapping[str, str]:
    """What editors work in: this house's settings, or a rehearsal's."""
    return editors_environment(load_settings(desk.root)) if minded.environment is None else minded.environment


@contextmanager
def _listening(desk: Desk, minded: Minded) -> Iterator[Woken | None]:
    """What webhooks cut short while it lasts; None where nobody listens for them. BadInput where nobody can."""
    inbox = inbox_of(_environment(desk, minded))
    if inbox is None:
        yield None
        return
    with inbox:
        yield inbox.woken


def _seconds(environment: Mapping[str, str], name: str) -> float | None:
    said = environment.get(name, "")
    return float(said) if said else None


def configured_editors(home: Path, environment: Mapping[str, str]) -> dict[str, Editor]:
    """The roster's editors that can be used in an environment."""
    house = House(home / "editors", dict(environment))
    return {name: build(name, house) for name, entry in roster().items() if entry.missing(environment) is None}


def _possible(options: RunOptions, settings: Settings) -> None:
    """Refuses editors that this house does not have or cannot use, before anything starts."""
    environment = editors_environment(settings)
    asked = [*(("--only", name) for name in options.only), *([("--prefer", options.prefer)] if options.prefer else [])]
    for option, name in asked:
        entry = roster().get(name)
        if entry is None:
            raise BadInput(f"{option}: no editor is called {name}; the roster has {', '.join(sorted(roster()))}")
        staged = entry.model_copy(update={"provider": None}) if options.rehearse else entry  # a rehearsal needs no key
        missing = staged.missing(environment)
        if missing:
            raise BadInput(f"{option} {name}: {missing}")


def _on_signal(control: RunControl, note: Callable[[], None], log: EventLog, words: str) -> None:
    """SIGINT and SIGTERM: finish the steps in flight for a few seconds, then leave; resume does the rest again."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        log(Event(stage="run", moment="stopped"))
        note()
        control.request_drain("signal")
        loop.call_later(DRAIN_SECONDS, _leave, words)

    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stop)


def _leave(words: str) -> NoReturn:
    """Leaves without waiting for threads that compute; nothing they do is half written."""
    print(words, file=sys.stderr, flush=True)
    os._exit(Stopped.exit_code)


def _named(desk: Desk, run: str) -> str:
    """RUN as the command line takes it from here."""
    inside = Path.cwd().resolve().is_relative_to(desk.root.resolve())
    return run if inside else f"{desk.root}:{run}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _new_run(desk: Desk, options: RunOptions) -> str:
    with desk.sessions.begin() as session:
        number = len(session.scalars(select(RunRow.id)).all()) + 1
        run = f"run-{number:03d}"
        row = RunRow(id=run, goal=options.goal, options=options.model_dump(mode="json"), target=str(desk.root))
        row.graph = WRITTEN_BY
        session.add(row)
    return run


def _options(desk: Desk, run: str) -> RunOptions:
    row = run_row(desk, run)
    if row.graph != WRITTEN_BY:
        raise OtherVersion(f"{run}: another version of Suture began it ({row.graph}, this is {WRITTEN_BY}); start anew")
    return RunOptions.model_validate(row.options)


def _note(desk: Desk, run: str, **changes: str | None) -> None:
    with desk.sessions.begin() as session:
        row = session.get_one(RunRow, run)
        for name, value in changes.items():
            setattr(row, name, value)
