"""The film graph: ingest → inspect → trace → decide → repair sheets → shot repairs → conform → report.

Shots are inspected in parallel by `Send`, read-only; their repairs are threads of their own (agent.graph.shot), started
or continued by one node here that can run again at any time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from agent import findings as finding_table
from agent.briefing import references_for
from agent.checkpoint import check_version
from agent.deps import Deps
from agent.graph.common import film_of, heavy, keep_film, shot_of, staged
from agent.graph.shot import Answer, ShotGraph, shot_graph
from agent.placement import side_by_side
from agent.project import Version, open_project
from agent.result import result_of
from agent.schema import SCHEMA_VERSION, Decision, Film, Finding, Outcome
from agent.stages import conform as conforming
from agent.stages import ingest as ingesting
from agent.stages import inspect_setups as inspecting_setups
from agent.stages import inspect_sheets as inspecting_sheets
from agent.stages import inspect_shots as inspecting_shots
from agent.stages import report as reporting
from agent.stages import route as routing
from agent.stages.decide import decide_shot
from agent.stages.repair_sheets import repair_sheets as repair_faulty_panels
from agent.stages.trace import trace as trace_causes
from agent.state import GRAPH_VERSION, FilmState, InspectTask, Repair, ShotState
from agent.versions import ORIGIN, Versions
from tools.types import Quote

FilmGraph: TypeAlias = CompiledStateGraph[FilmState, Deps, FilmState, FilmState]


def film_graph(saver: BaseCheckpointSaver[str] | None = None) -> FilmGraph:
    """The whole way of one run; its goal (scan, plan or pass) decides where it turns to the report."""
    graph = StateGraph(FilmState, context_schema=Deps)
    graph.add_node("ingest", staged("ingest", ingest))
    graph.add_node("inspect_sheets", staged("sheets", inspect_sheets))
    graph.add_node("inspect_shot", staged("inspect", inspect_shot))
    graph.add_node("inspect_setups", staged("setups", inspect_setups))
    graph.add_node("trace", staged("trace", trace))
    graph.add_node("decide", staged("decide", decide))
    graph.add_node("repair_sheets", staged("repair-sheets", repair_sheets))
    graph.add_node("repair_shots", staged("repair-shots", ShotRepairs(shot_graph(saver))))
    graph.add_node("conform", staged("conform", conform))
    graph.add_node("report", staged("report", report))
    graph.add_edge(START, "ingest")
    graph.add_edge("ingest", "inspect_sheets")
    graph.add_conditional_edges("inspect_sheets", to_shots, ["inspect_shot", "inspect_setups"])
    graph.add_edge("inspect_shot", "inspect_setups")
    graph.add_edge("inspect_setups", "trace")
    graph.add_conditional_edges("trace", after_trace, ["decide", "report"])
    graph.add_conditional_edges("decide", after_decide, ["repair_sheets", "report"])
    graph.add_edge("repair_sheets", "repair_shots")
    graph.add_edge("repair_shots", "conform")
    graph.add_edge("conform", "report")
    graph.add_edge("report", END)
    return graph.compile(checkpointer=saver)


def to_shots(state: FilmState) -> list[Send] | Literal["inspect_setups"]:
    """One task per shot; an empty list of Sends would end the run without its join."""
    tasks = [
        Send("inspect_shot", InspectTask(film=state["film"], shot=shot, faults=state.get("faults", {})))
        for shot in state["shots"]
    ]
    return tasks or "inspect_setups"


def after_trace(state: FilmState) -> Literal["decide", "report"]:
    return "report" if state["goal"] == "scan" else "decide"


def after_decide(state: FilmState) -> Literal["repair_sheets", "report"]:
    return "report" if state["goal"] == "plan" else "repair_sheets"


async def ingest(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:  # noqa: ARG001 - it is the first
    """Reads the film with its current versions; the film goes into the store, its name into the state."""
    deps = runtime.context
    current = Versions(deps.db).current()
    versions = {
        shot: Version(number=one.number, media=deps.root / one.path) for shot, one in current.items() if one.path
    }
    project, only = open_project(deps.root), deps.options.shots
    whole = film = await heavy(deps, ingesting.ingest, project, versions)
    if only:
        film = await heavy(deps, ingesting.ingest, project, versions, only)
    return {
        "film": keep_film(film, deps),
        "whole": keep_film(whole, deps),
        "shots": [shot.id for shot in film.shots],
        "lineages": {shot: one.lineage for shot, one in current.items()},
    }


async def inspect_sheets(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Finds panels that disagree with their siblings."""
    deps = runtime.context
    faults = await heavy(deps, inspecting_sheets.inspect_sheets, film_of(state["film"], deps), deps)
    return {"faults": {f"{fault.panel}:{fault.box}": fault for fault in faults}}


async def inspect_shot(state: InspectTask, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Looks at one shot."""
    deps = runtime.context
    film = film_of(state["film"], deps)
    shot = shot_of(film, state["shot"])
    found = await heavy(deps, inspecting_shots.inspect_shot, film, shot, tuple(state["faults"].values()), deps)
    return {"seen": {finding.id: finding for finding in found}}


async def inspect_setups(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Joins the shots' findings, compares shots of a set-up, and marks what people acknowledged."""
    deps = runtime.context
    film = film_of(state["film"], deps)
    seen = in_film_order(film, state.get("seen", {}).values())
    found = await heavy(deps, inspecting_setups.inspect_setups, film, seen, deps)
    marked = finding_table.acknowledged(found, deps.db)
    return {"findings": {finding.id: finding for finding in in_film_order(film, marked)}}


def in_film_order(film: Film, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by shot, frame and id: the same order whatever finished first."""
    place = {shot.id: number for number, shot in enumerate(film.shots)}
    return tuple(sorted(findings, key=lambda f: (place[f.shot], f.frames, f.id)))


async def trace(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Groups findings into causes and writes the findings down."""
    deps = runtime.context
    film, faults = film_of(state["film"], deps), tuple(state.get("faults", {}).values())
    findings, causes = await heavy(deps, trace_causes, film, _findings(state), faults)
    finding_table.keep(findings, deps.run, deps.db)
    return {"findings": {f.id: f for f in findings}, "causes": {cause.id: cause for cause in causes}}


def _findings(state: FilmState) -> tuple[Finding, ...]:
    return tuple(state.get("findings", {}).values())


async def decide(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Decides per finding and quotes what the router would choose."""
    deps = runtime.context
    film = film_of(state["film"], deps)
    decisions: dict[str, Decision] = {}
    for shot in film.shots:
        mine = [finding for finding in _findings(state) if finding.shot == shot.id]
        for decision in await heavy(deps, decide_shot, film, shot, mine, deps):
            decisions[decision.finding or shot.id] = decision
    by_id = state.get("findings", {})
    return {"decisions": decisions, "quotes": quotes_of(film, decisions, by_id, deps)}


def quotes_of(film: Film, decisions: dict[str, Decision], findings: dict[str, Finding], deps: Deps) -> dict[str, Quote]:
    """What the router's first choice would ask, per finding that is to be edited and that somebody here can edit."""
    quotes = {}
    for key, decision in decisions.items():
        action = decision.action
        if decision.finding is None or action == "leave" or action == "ask":  # noqa: PLR1714 - narrows the type
            continue
        shot, finding = shot_of(film, decision.shot), findings[decision.finding]
        need = routing.need_of(film, shot, finding, decision, action)
        panels = references_for(film, finding, (), ())
        draft = routing.draft_of(film, shot, finding, action, window=decision.window, references=panels)
        found = routing.route(need, deps, draft=draft, allow=film.allow, barred={}, tried=(), failures=0)
        if found.choice is not None:
            quotes[key] = Quote(usd=found.choice.usd, seconds=found.choice.seconds, why=found.choice.why)
    return quotes


async def repair_sheets(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Repairs faulty panels as new versions of their sheets."""
    deps = runtime.context
    made = await heavy(
        deps,
        repair_faulty_panels,
        film_of(state["film"], deps),
        tuple(state.get("faults", {}).values()),
        tuple(state.get("causes", {}).values()),
        deps,
    )
    return {"sheet_versions": {f"{one.panel}@{one.version}": one for one in made}}


class ShotRepairs:
    """Starts or continues the thread of every shot that needs work; a finished thread answers without running."""

    def __init__(self, shots: ShotGraph) -> None:
        self._shots = shots

    async def __call__(self, state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
        deps = runtime.context
        repairs = repairs_of(state)
        outcomes = {shot: Outcome(shot=shot, status="clean") for shot in state["shots"] if shot not in repairs}
        outcomes |= await side_by_side(lambda shot: self._advance(repairs[shot], deps), repairs)
        return {"outcomes": {shot: outcomes[shot] for shot in state["shots"]}}

    async def _advance(self, repair: Repair, deps: Deps) -> Outcome:
        config = thread(deps.run, repair)
        now = await self._shots.aget_state(config)
        if now.created_at is None:
            begin: ShotState = {"schema_version": SCHEMA_VERSION, "repair": repair}
            await self._shots.ainvoke(begin, config, context=deps, durability="sync", control=deps.control)
        elif now.next and not now.interrupts:
            check_version(now.values, f"{deps.run}/{repair.shot}")
            await self._shots.ainvoke(None, config, context=deps, durability="sync", control=deps.control)
        return outcome_of((await self._shots.aget_state(config)).values, repair, deps.run)


def outcome_of(values: dict[str, Any], repair: Repair, run: str) -> Outcome:
    """The thread's outcome, or that it waits for an answer."""
    outcome = values.get("outcome")
    if isinstance(outcome, Outcome):
        return outcome
    asked = "; ".join(f"{d.action}: {d.why}" for d in repair.decisions if d.action != "leave")
    why = f"waits for an answer: `suture answer {run} {repair.shot} approve|reject` ({asked})"
    return Outcome(shot=repair.shot, status="waiting", why=why)


def repairs_of(state: FilmState) -> dict[str, Repair]:
    """What each shot's thread is told, for shots where something is to be done."""
    decisions = [d for d in state.get("decisions", {}).values() if d.finding and d.action != "leave"]
    findings, repairs = _findings(state), {}
    for shot in state["shots"]:
        mine = tuple(d for d in decisions if d.shot == shot)
        if mine:
            repairs[shot] = Repair(
                film=state["film"],
                shot=shot,
                findings=tuple(f for f in findings if f.shot == shot),
                decisions=mine,
                faults=tuple(state.get("faults", {}).values()),
                sheet_versions=tuple(state.get("sheet_versions", {}).values()),
                lineage=state.get("lineages", {}).get(shot, ORIGIN),
            )
    return repairs


def thread(run: str, repair: Repair | None = None) -> RunnableConfig:
    """The thread of a run's film, or of one shot's repair. The recursion limit is the last stop of a money loop."""
    name = f"{run}/v{GRAPH_VERSION}"
    if repair is None:
        return {"configurable": {"thread_id": name}}
    steps = 20 + 12 * len(repair.decisions) + 15
    return {"configurable": {"thread_id": f"{name}/{repair.shot}"}, "recursion_limit": steps}


async def answer_shot(shots: ShotGraph, repair: Repair, answer: Answer, deps: Deps) -> bool:
    """Gives a person's answer to the shot that asked; False when it asks nothing."""
    config = thread(deps.run, repair)
    pending = (await shots.aget_state(config)).interrupts
    if not pending:
        return False
    resume: Command[str] = Command(resume={pending[0].id: answer.model_dump()})
    await shots.ainvoke(resume, config, context=deps, durability="sync", control=deps.control)
    return True


async def conform(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Renders the next cut of the film from the current versions."""
    deps = runtime.context
    files = await heavy(deps, conforming.conform, film_of(state["whole"], deps), deps)
    return {"files": {name: path.relative_to(deps.root).as_posix() for name, path in files.items()}}


async def report(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Writes the report, last."""
    deps = runtime.context
    film = film_of(state["film"], deps)
    result = result_of(state, film, deps)
    finding_table.keep(result.findings, deps.run, deps.db)
    files = await heavy(deps, reporting.write_report, film, result, deps)
    return {"files": {name: path.relative_to(deps.root).as_posix() for name, path in files.items()}}
