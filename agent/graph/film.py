"""The film graph: ingest → inspect → look → trace → decide → repair sheets → shot repairs → conform → report.

Shots are inspected in parallel by `Send`, read-only, and looked at by a model in the same way where there is one. Their
repairs are threads of their own (agent.graph.shot), started or continued by one node that can run again at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Send

from agent import findings as finding_table
from agent.asked import heeded, offers, stays_words
from agent.briefing import references_for
from agent.budget import NO_CAPS, Estimate, broken_cap, estimate, most_of, over_words
from agent.checkpoint import check_version
from agent.deps import Deps
from agent.economics import REGENERATE_TRIES
from agent.graph.common import film_of, heavy, keep_film, shot_of, staged
from agent.graph.sheets import repair_sheets as repair_faulty_panels
from agent.graph.shot import Answer, ShotGraph, shot_graph
from agent.placement import side_by_side
from agent.project import Version, open_project
from agent.request.plan import Reading
from agent.result import result_of
from agent.schema import SCHEMA_VERSION, Candidate, Decision, Film, Finding, Looked, Outcome
from agent.stages import conform as conforming
from agent.stages import ingest as ingesting
from agent.stages import inspect_setups as inspecting_setups
from agent.stages import inspect_sheets as inspecting_sheets
from agent.stages import inspect_shots as inspecting_shots
from agent.stages import look_at_shots as looking
from agent.stages import report as reporting
from agent.stages import route as routing
from agent.stages.decide import decide_shot
from agent.stages.look_at_sheets import look_at_sheets
from agent.stages.mark_origins import mark_origins
from agent.stages.meet_request import meet_request
from agent.stages.read_sheets import read_sheets
from agent.stages.trace import trace as trace_causes
from agent.stages.weigh_looks import weigh_looks as weigh
from agent.state import GRAPH_VERSION, Doubt, FilmState, InspectTask, LookTask, Repair, ShotState
from agent.versions import ORIGIN, Versions
from tools.errors import BadInput

DOUBTS = {
    "lost": "{} sends it again, although it may then be billed twice, or gives the shot up",
    "running": "{} asks for it now, or gives the shot up",
}
"""What an answer does about a job that nobody can tell of."""

FilmGraph: TypeAlias = CompiledStateGraph[FilmState, Deps, FilmState, FilmState]


def film_graph(saver: BaseCheckpointSaver[str] | None = None) -> FilmGraph:
    """The whole way of one run; its goal (scan, plan or pass) decides where it turns to the report."""
    graph = StateGraph(FilmState, context_schema=Deps)
    graph.add_node("ingest", staged("ingest", ingest))
    graph.add_node("inspect_sheets", staged("sheets", inspect_sheets))
    graph.add_node("inspect_shot", staged("inspect", inspect_shot))
    graph.add_node("inspect_setups", staged("setups", inspect_setups))
    graph.add_node("look_at_shot", staged("look", look_at_shot))
    graph.add_node("settle", staged("settle", settle))
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
    graph.add_conditional_edges("inspect_setups", to_looks, ["look_at_shot", "settle"])
    graph.add_edge("look_at_shot", "settle")
    graph.add_edge("settle", "trace")
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


def to_looks(state: FilmState, runtime: Runtime[Deps]) -> list[Send] | Literal["settle"]:
    """One look per shot where a model looks."""
    if runtime.context.mind is None:
        return "settle"
    tasks = [
        Send(
            "look_at_shot",
            LookTask(
                film=state["film"],
                shot=shot,
                measured=state.get("measured", {}),
                faults=state.get("faults", {}),
            ),
        )
        for shot in state["shots"]
    ]
    return tasks or "settle"


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
    """Reads sheets that film.toml says little of, and finds panels that disagree with their siblings."""
    deps = runtime.context
    whole, read = await read_sheets(film_of(state["whole"], deps), deps)
    film = film_of(state["film"], deps).model_copy(update={"sheets": whole.sheets})
    faults, notices = await heavy(deps, inspecting_sheets.inspect_sheets, film, deps), noticed("sheets", read)
    if deps.mind is not None:
        looked = await look_at_sheets(film, faults, deps.mind, deps)
        faults, notices = looked.faults, notices | noticed("sheets", looked.notices)
    return {
        "film": keep_film(film, deps),
        "whole": keep_film(whole, deps),
        "faults": {f"{fault.panel}:{fault.box}": fault for fault in faults},
        "notices": notices,
    }


def noticed(about: str, words: Iterable[str]) -> dict[str, str]:
    """Notices as the state keeps them."""
    return {f"{about}: {one}": one for one in words}


async def inspect_shot(state: InspectTask, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Looks at one shot."""
    deps = runtime.context
    film = film_of(state["film"], deps)
    shot = shot_of(film, state["shot"])
    found = await heavy(deps, inspecting_shots.inspect_shot, film, shot, tuple(state["faults"].values()), deps)
    return {"seen": {finding.id: finding for finding in found}}


async def inspect_setups(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Joins the shots' findings, compares shots of a set-up, and marks what people acknowledged.

    What is not sure enough to report is handed on where a model, or a person's request, judges after this.
    """
    deps = runtime.context
    film = film_of(state["film"], deps)
    seen = in_film_order(film, state.get("seen", {}).values())
    judged_after = deps.mind is not None or deps.options.reading is not None
    least = inspecting_shots.SUSPECTED if judged_after else deps.policy.report
    beside = film_of(state["whole"], deps)
    found = await heavy(deps, inspecting_setups.inspect_setups, film, seen, deps, least=least, beside=beside)
    marked = finding_table.acknowledged(found, deps.db)
    return {"measured": {finding.id: finding for finding in in_film_order(film, marked)}}


async def look_at_shot(state: LookTask, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Lets the model look at one shot."""
    deps = runtime.context
    film = film_of(state["film"], deps)
    shot = shot_of(film, state["shot"])
    assert deps.mind is not None, "without a mind nobody looks"
    look = looking.Looking(film, tuple(state["measured"].values()), tuple(state["faults"].values()), deps.mind, deps)
    looked = await looking.look_at_shot(look, shot, looking.shot_before(film, shot))
    return {"looks": {shot.id: looked}, "notices": noticed(shot.id, looked.notices)}


async def settle(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """What was measured and what the model says of it become the findings; of a request, those that it means."""
    deps = runtime.context
    film, looks = film_of(state["film"], deps), state.get("looks", {})
    measured = in_film_order(film, state.get("measured", {}).values())
    reading, notices = deps.options.reading, dropped_words(looks.values())
    said_by = deps.mind.model if deps.mind else "the model"
    found: Iterable[Finding] = weigh(measured, looks, said_by, deps.policy, least=0.0 if reading else None)
    missing: dict[str, str] = {}
    if reading is not None:
        met = await meet_request(film, reading, tuple(found), starts_of(film_of(state["whole"], deps)), deps)
        notices += unasked_words(found, met.findings, deps)
        found, missing = met.findings.values(), met.missing
    marked = finding_table.acknowledged(in_film_order(film, found), deps.db)
    return {"findings": {f.id: f for f in marked}, "missing": missing, "notices": noticed("look", notices)}


def starts_of(film: Film) -> dict[str, int]:
    """Each shot's first frame in the film."""
    starts, first = {}, 0
    for shot in film.shots:
        starts[shot.id] = first
        first += shot.clip.frames
    return starts


def unasked_words(found: Iterable[Finding], asked: Mapping[str, Finding], deps: Deps) -> list[str]:
    """What was found beside what was asked for, and left alone."""
    others = [f for f in found if f.id not in asked and f.confidence >= deps.policy.report]
    return [f"also seen in {f.shot}, not asked for and left alone: {f.observed} ({f.id})" for f in others]


def dropped_words(looks: Iterable[Looked]) -> list[str]:
    """How many claims were dropped, and why."""
    contradicted = sum(look.contradicted for look in looks)
    if not contradicted:
        return []
    return [f"{contradicted} claims of the model were dropped: the pixels of both pictures are the same there"]


def in_film_order(film: Film, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by shot, frame and id: the same order whatever finished first."""
    place = {shot.id: number for number, shot in enumerate(film.shots)}
    return tuple(sorted(findings, key=lambda f: (place[f.shot], f.frames, f.id)))


async def trace(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Groups findings into causes and writes the findings down."""
    deps = runtime.context
    film, faults = film_of(state["film"], deps), tuple(state.get("faults", {}).values())
    findings, notices = _findings(state), {}
    if deps.mind is not None:
        marked = await mark_origins(film, findings, faults, deps.mind)
        findings, notices = marked.findings, noticed("trace", marked.notices)
    findings, causes = await heavy(deps, trace_causes, film, findings, faults)
    if deps.options.reading is not None:
        causes = tuple(cause for cause in causes if cause.findings)
        whole = film_of(state["whole"], deps)
        notices |= noticed("request", offers(deps.options.reading, causes, whole, deps.root))
    finding_table.keep(findings, deps.run, deps.db)
    named = {f.id: f for f in findings}
    return {"findings": named, "causes": {cause.id: cause for cause in causes}, "notices": notices}


def _findings(state: FilmState) -> tuple[Finding, ...]:
    return tuple(state.get("findings", {}).values())


async def decide(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Decides per finding and quotes what the router would choose, per shot.

    Raises BadInput, before any edit is sent, where the budget of a pass allows none.
    """
    deps = runtime.context
    film = film_of(state["film"], deps)
    decisions: dict[str, Decision] = {}
    for shot in film.shots:
        mine = [finding for finding in _findings(state) if finding.shot == shot.id]
        for decision in await heavy(deps, decide_shot, film, shot, mine, deps):
            decisions[decision.finding or shot.id] = decision
    by_id = state.get("findings", {})
    if deps.options.reading is not None:
        decisions = {key: heeded(one, by_id.get(key), deps.options.reading) for key, one in decisions.items()}
    quotes = await heavy(deps, quotes_of, film, decisions, by_id, deps)
    dear = await heavy(deps, too_dear, film, decisions, by_id, deps)
    if dear and state["goal"] == "pass":
        raise BadInput(dear)
    return {"decisions": decisions, "quotes": quotes, "notices": noticed("budget", [dear] if dear else [])}


def quotes_of(
    film: Film, decisions: Mapping[str, Decision], findings: Mapping[str, Finding], deps: Deps
) -> dict[str, Estimate]:
    """What each shot's edits are expected to cost, for shots where something is to be edited."""
    quotes = {}
    for shot in film.shots:
        mine = [d for d in decisions.values() if d.shot == shot.id and d.finding and d.action not in ("leave", "ask")]
        if mine:
            repairs = [_ways(film, decision, findings, deps) for decision in mine if decision.action != "regenerate"]
            again = _ways(film, mine[0].model_copy(update={"action": "regenerate"}), findings, deps)
            whole = any(decision.action == "regenerate" for decision in mine)
            quotes[shot.id] = estimate([] if whole else repairs, again)
    return quotes


def too_dear(film: Film, decisions: Mapping[str, Decision], findings: Mapping[str, Finding], deps: Deps) -> str | None:
    """What the cheapest first edit costs, where the budget allows none at all; None where it allows some."""
    wanted = [d for d in decisions.values() if d.finding and d.action not in ("leave", "ask")]
    if deps.caps == NO_CAPS or any(_ways(film, one, findings, deps) for one in wanted):
        return None
    free = replace(deps, limits=NO_CAPS, options=deps.options.model_copy(update={"budget": None}))
    ways = [(one.shot, way) for one in wanted for way in _ways(film, one, findings, free)]
    if not ways:
        return None
    shot, cheapest = min(ways, key=lambda way: most_of(way[1]))
    asked, spent = most_of(cheapest), deps.ledger.sums(deps.run, shot)
    broken = broken_cap(deps.caps, spent, asked)
    what = f"no edit can be paid: the cheapest first one ({cheapest.editor} in {shot})"
    return over_words(broken, deps.caps, spent, what, asked) if broken else None


def _ways(film: Film, decision: Decision, findings: Mapping[str, Finding], deps: Deps) -> tuple[Candidate, ...]:
    """What the router would choose for a decision, best first."""
    action = decision.action
    assert decision.finding is not None
    assert action != "leave"
    assert action != "ask"
    shot, finding = shot_of(film, decision.shot), findings[decision.finding]
    window = decision.window if action == "retake" else None
    need = routing.need_of(film, shot, finding, decision, action)
    panels = references_for(film, finding, (), (), action)
    draft = routing.draft_of(film, shot, finding, action, window=window, references=panels)
    return routing.route(need, deps, draft=draft, allow=film.allow, barred={}, tried=(), failures=0).ranked


async def repair_sheets(state: FilmState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Repairs faulty panels as new versions of their sheets; a request about shots leaves the sheets alone."""
    deps = runtime.context
    made = await repair_faulty_panels(
        film_of(state["film"], deps),
        () if deps.options.reading else tuple(state.get("faults", {}).values()),
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
        repairs = repairs_of(state, deps.options.reading)
        outcomes = {shot: unrepaired(shot, state) for shot in state["shots"] if shot not in repairs}
        outcomes |= await side_by_side(lambda shot: self._advance(repairs[shot], deps), repairs)
        return {"outcomes": {shot: outcomes[shot] for shot in state["shots"]}}

    async def _advance(self, repair: Repair, deps: Deps) -> Outcome:
        config = thread(deps.run, repair, len(deps.editors))
        now = await self._shots.aget_state(config)
        if now.created_at is None:
            begin: ShotState = {"schema_version": SCHEMA_VERSION, "repair": repair}
            await self._shots.ainvoke(begin, config, context=deps, durability="sync", control=deps.control)
        elif now.next and not now.interrupts:
            check_version(now.values, f"{deps.run}/{repair.shot}")
            await self._shots.ainvoke(None, config, context=deps, durability="sync", control=deps.control)
        return outcome_of((await self._shots.aget_state(config)).values, repair, deps.run)


def unrepaired(shot: str, state: FilmState) -> Outcome:
    """The outcome of a shot that nothing is done about: clean, or waiting for a person to say what they mean."""
    why = state.get("missing", {}).get(shot)
    return Outcome(shot=shot, status="waiting", why=why) if why else Outcome(shot=shot, status="clean")


def outcome_of(values: dict[str, Any], repair: Repair, run: str) -> Outcome:
    """The thread's outcome, or that it waits for an answer."""
    outcome, doubt = values.get("outcome"), values.get("doubt")
    if isinstance(outcome, Outcome):
        return outcome
    command = f"`suture answer {run} {repair.shot} approve` (or reject)"
    if isinstance(doubt, Doubt):
        return Outcome(shot=repair.shot, status="waiting", why=f"{doubt.why}; {DOUBTS[doubt.about].format(command)}")
    asked = "; ".join(
        d.why if d.action == "ask" else f"{d.action}: {d.why}" for d in repair.decisions if d.action != "leave"
    )
    return Outcome(shot=repair.shot, status="waiting", why=f"{asked}; {command} goes on")


def repairs_of(state: FilmState, reading: Reading | None = None) -> dict[str, Repair]:
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
                stays=stays_words(reading.constraints) if reading else "",
            )
    return repairs


def thread(run: str, repair: Repair | None = None, editors: int = 0) -> RunnableConfig:
    """The thread of a run's film, or of one shot's repair with so many editors.

    The recursion limit is the last stop of a money loop. A try takes five steps; a finding takes two tries, making the
    shot again three; a fault takes up to four steps and bars an editor. Deciding, asking (of the plan and of a job),
    escalating twice, one last route and the commit are the other seven.
    """
    name = f"{run}/v{GRAPH_VERSION}"
    if repair is None:
        return {"configurable": {"thread_id": name}}
    tries = 2 * len(repair.decisions) + REGENERATE_TRIES
    steps = 7 + 5 * tries + 4 * editors
    return {"configurable": {"thread_id": f"{name}/{repair.shot}"}, "recursion_limit": steps}


async def answer_shot(shots: ShotGraph, repair: Repair, answer: Answer, deps: Deps) -> bool:
    """Gives a person's answer to the shot that asked; False when it asks nothing."""
    config = thread(deps.run, repair, len(deps.editors))
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
