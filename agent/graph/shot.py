"""The shot graph: one shot's repair, from its decisions to a committed version, a ready job, or a person.

Each shot runs in a thread of its own, so shots never wait for each other and one answer touches one shot. Nothing in
here raises for what a tool does: faults become values in the state, and the outcome is a value too.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.briefing import after, plan_edit
from agent.deps import Deps
from agent.economics import ESCALATE_AT, REGENERATE_TRIES
from agent.errors import OverBudget
from agent.graph.common import film_of, shot_of, staged
from agent.hands import Hands, Place
from agent.purpose import purpose_of
from agent.schema import Attempt, Decision, Outcome, OutcomeStatus
from agent.stages import edit as editing
from agent.stages import escalate as escalating
from agent.stages import route as routing
from agent.state import Repair, ShotState
from tools.editors.base import PaidAction
from tools.errors import BadInput, EditorError, Refused, Unknown
from tools.types import Clip, Frozen, Verdict

ShotGraph: TypeAlias = CompiledStateGraph[ShotState, Deps, ShotState, ShotState]

ORDER = {"inpaint": 0, "ask": 0, "retake": 1, "regenerate": 2}


class Answer(Frozen):
    """What a person says about the decisions of a shot."""

    verdict: Literal["approve", "reject"]
    note: str = ""


def shot_graph(saver: BaseCheckpointSaver[str] | None = None) -> ShotGraph:
    """decide → (approve) → route → submit → poll → fetch → verify → commit | retry | escalate."""
    graph = StateGraph(ShotState, context_schema=Deps)
    graph.add_node("decide", staged("plan", decide))
    graph.add_node("approve", approve)
    graph.add_node("route", staged("route", route))
    graph.add_node("submit", staged("submit", submit))
    graph.add_node("poll", staged("poll", poll))
    graph.add_node("fetch", staged("fetch", fetch))
    graph.add_node("verify", staged("verify", verify))
    graph.add_node("escalate", staged("escalate", escalate))
    graph.add_node("commit", staged("commit", commit))
    graph.add_edge(START, "decide")
    graph.add_conditional_edges("decide", after_decide, ["approve", "route"])
    graph.add_conditional_edges("approve", after_approve, ["route", "commit"])
    graph.add_conditional_edges("route", after_route, ["submit", "escalate"])
    graph.add_conditional_edges("submit", after_submit, ["poll", "route", "commit"])
    graph.add_conditional_edges("poll", after_poll, ["fetch", "route", "commit"])
    graph.add_conditional_edges("fetch", after_fetch, ["verify", "route", "commit"])
    graph.add_conditional_edges("verify", after_verify, ["route", "escalate", "commit"])
    graph.add_conditional_edges("escalate", after_escalate, ["route", "commit"])
    graph.add_edge("commit", END)
    return graph.compile(checkpointer=saver)


def after_decide(state: ShotState) -> Literal["approve", "route"]:
    return "route" if state["approved"] else "approve"


def after_approve(state: ShotState) -> Literal["route", "commit"]:
    return "commit" if state.get("ending") else "route"


def after_route(state: ShotState) -> Literal["submit", "escalate"]:
    found = state.get("route")
    return "submit" if found is not None and found.choice is not None else "escalate"


def after_submit(state: ShotState) -> Literal["poll", "route", "commit"]:
    return "poll" if state.get("job") else _without_take(state)


def after_poll(state: ShotState) -> Literal["fetch", "route", "commit"]:
    return "fetch" if state.get("job") else _without_take(state)


def after_fetch(state: ShotState) -> Literal["verify", "route", "commit"]:
    return "verify" if state.get("take") else _without_take(state)


def _without_take(state: ShotState) -> Literal["route", "commit"]:
    return "commit" if state.get("ending") else "route"


def after_verify(state: ShotState) -> Literal["route", "escalate", "commit"]:
    if not state["todo"]:
        return "commit"
    spent = state["regenerate_failures"] >= REGENERATE_TRIES
    if state["action"] == "regenerate":
        return "escalate" if spent else "route"
    return "escalate" if state["consecutive_failures"] >= ESCALATE_AT else "route"


def after_escalate(state: ShotState) -> Literal["route", "commit"]:
    return "commit" if state.get("ending") else "route"


async def decide(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Orders the shot's findings: region edits first, stretches next; a shot to be made again is that one job."""
    repair, asking = state["repair"], runtime.context.options.approve == "ask"
    wanted, left = to_repair(repair.decisions, asking=asking)
    whole = any(d.action == "regenerate" for d in wanted)
    return {
        "todo": [d.finding for d in wanted if d.finding],
        "action": "regenerate" if whole else _action(wanted[0]),
        "approved": not asking and all(d.action != "ask" for d in wanted),
        "consecutive_failures": 0,
        "regenerate_failures": 0,
        "transport_faults": 0,
        "refusals": 0,
        "working": None,
        "lineage": repair.lineage,
        "ending": None,
        "ready": None,
        "why": "; ".join(f"{d.finding} is left for a person to look at: {d.why}" for d in left),
    }


def to_repair(decisions: Sequence[Decision], *, asking: bool) -> tuple[list[Decision], list[Decision]]:
    """What is repaired now, in order, and what is left open.

    A doubtful finding does not hold up repairs that are certain; a shot that has only doubtful ones asks about them,
    and when a person is asked anyway (`asking`) they are all put to them.
    """
    wanted = sorted((d for d in decisions if d.action != "leave"), key=lambda d: ORDER[d.action])
    certain = [d for d in wanted if d.action != "ask"]
    if asking or not certain:
        return wanted, []
    return certain, [d for d in wanted if d.action == "ask"]


def _action(decision: Decision) -> PaidAction:
    """What an approved decision does; one that asks does what its conditions allow."""
    if decision.action in ("inpaint", "retake", "regenerate"):
        return decision.action
    return "regenerate" if any(c.holds is False for c in decision.conditions) else "inpaint"


async def approve(state: ShotState) -> dict[str, Any]:
    """Waits for a person; `suture answer RUN SHOT approve|reject` continues."""
    answer = Answer.model_validate(interrupt(_question(state), response_schema=Answer))
    if answer.verdict == "approve":
        return {"approved": True}
    note = f": {answer.note}" if answer.note else ""
    return {"ending": "pivot", "why": f"a person rejected the decision{note}"}


def _question(state: ShotState) -> dict[str, Any]:
    decisions = [f"{d.action}: {d.why}" for d in state["repair"].decisions]
    return {"shot": state["repair"].shot, "decisions": decisions}


def _place(state: ShotState, deps: Deps) -> Place:
    """What the shot's repair works on now."""
    repair, working = state["repair"], state.get("working")
    film = film_of(repair.film, deps)
    shot = shot_of(film, repair.shot)
    by_id = {finding.id: finding for finding in repair.findings}
    kept = Clip(media=deps.store.path(working), first=0, last=shot.clip.frames - 1) if working else None
    return Place(
        repair=repair,
        film=film,
        shot=shot,
        todo=tuple(by_id[one] for one in state["todo"]),
        decision=next(d for d in repair.decisions if d.finding == state["todo"][0]),
        action=_paid(state),
        clip=kept or shot.clip,
        attempts=tuple(sorted(state.get("attempts", {}).values(), key=lambda a: a.n)),
    )


def _hands(deps: Deps) -> Hands:
    assert deps.hands is not None, "a run that repairs shots has hands"
    return deps.hands


def _paid(state: ShotState) -> PaidAction:
    action = state["action"]
    assert action in ("inpaint", "retake", "regenerate"), action
    return action


async def route(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Chooses the editor and its way of working for the current finding."""
    deps, at = runtime.context, _place(state, runtime.context)
    need = routing.need_of(at.film, at.shot, at.finding, at.decision, at.action)
    references = await _hands(deps).references(at, deps)
    found = routing.route(
        need,
        deps,
        draft=routing.draft_of(at.film, at.shot, at.finding, at.action, window=at.window, references=references),
        allow=at.film.allow,
        barred=state.get("barred", {}),
        tried=_tried(at),
        failures=state["consecutive_failures"],
        remade=state["regenerate_failures"],
        attempts=at.attempts,
        keep=True,
    )
    prompt = ""
    if found.choice:
        can = deps.editors[found.choice.editor].capabilities
        prompt = await _hands(deps).prompt(at, can, references[: can.references], deps)
    return {"route": found, "prompt": prompt, "edit": None, "job": None, "take": None}


def _tried(at: Place) -> set[tuple[str, str]]:
    """Ways that failed on these inputs. After any try the editor's own choice would be that way again."""
    if at.action == "regenerate":
        return set()
    failed = [a for a in at.attempts if a.finding == at.finding.id and a.action == at.action and a.verdict == "fail"]
    return {(a.tool, method) for a in failed for method in (a.method, "auto")}


async def submit(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Sends the edit, once."""
    deps, at = runtime.context, _place(state, runtime.context)
    found = state["route"]
    assert found is not None
    assert found.choice is not None
    references = await _hands(deps).references(at, deps)
    limit = deps.editors[found.choice.editor].capabilities.references
    edit = plan_edit(
        at.film,
        at.shot,
        at.finding,
        action=at.action,
        editor=found.choice.editor,
        method=found.choice.method,
        attempt=len(at.attempts) + 1,
        clip=at.clip,
        lineage=state["lineage"],
        references=references[:limit],
        prompt=state.get("prompt", ""),
        window=at.window,
        purpose=purpose_of(at.finding) if at.action == "inpaint" else "repair",
    )
    try:
        job = await editing.submit(edit, found.choice, at.finding, at.shot.id, deps)
    except (EditorError, OverBudget, BadInput) as error:
        return _faulted(state, found.choice.editor, error)
    return {"edit": edit, "job": job}


async def poll(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Waits for the job; safe to repeat."""
    job = state["job"]
    assert job is not None
    try:
        await editing.poll(job, runtime.context)
    except (EditorError, BadInput) as error:
        return _faulted(state, job.editor, error)
    return {}


async def fetch(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Brings the take through the gate into the store; safe to repeat."""
    job, edit = state["job"], state["edit"]
    assert job is not None
    assert edit is not None
    try:
        take = await _hands(runtime.context).fetch(edit, job, runtime.context)
    except (EditorError, BadInput) as error:
        return _faulted(state, job.editor, error)
    return {"take": take}


def _faulted(state: ShotState, editor: str, error: Exception) -> dict[str, Any]:
    """A tool's fault as a value: the editor is out for this shot; what may have been billed goes to a person."""
    update: dict[str, Any] = {"job": None, "take": None, "barred": {editor: str(error)}}
    if isinstance(error, Unknown):
        return {**update, "ending": "waiting", "why": str(error)}
    if isinstance(error, Refused):
        return {**update, "refusals": state["refusals"] + 1}
    return {**update, "transport_faults": state["transport_faults"] + 1}


async def verify(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Judges the take, writes the verdict into the ledger, and moves on to what is left."""
    deps, at = runtime.context, _place(state, runtime.context)
    edit, take = state["edit"], state["take"]
    assert edit is not None
    assert take is not None
    judged = await _hands(deps).judge(at, edit, take, deps)
    deps.ledger.settled(edit.key, judged.verdict.verdict)
    attempt = _attempt(state, at, judged.verdict).model_copy(update={"judged": judged.words})
    return {"attempts": {edit.key: attempt}, **_judged(state, at, judged.verdict)}


def _attempt(state: ShotState, at: Place, verdict: Verdict) -> Attempt:
    edit, take, found = state["edit"], state["take"], state["route"]
    assert edit is not None
    assert take is not None
    assert found is not None
    assert found.choice is not None
    used = take.how.get("method", edit.method)
    return Attempt(
        n=len(at.attempts) + 1,
        finding=at.finding.id,
        action=at.action,
        tool=found.choice.editor,
        method=str(used),
        verdict=verdict.verdict,
        checks=verdict.checks,
        usd=Decimal(found.choice.usd),
        take=take.media,
        why=found.why,
        prompt=edit.prompt,
        ranked=found.ranked,
        dropped=found.dropped,
    )


def _judged(state: ShotState, at: Place, verdict: Verdict) -> dict[str, Any]:
    """What a verdict changes: a pass resets the count and moves on; a failure counts."""
    edit, take = state["edit"], state["take"]
    assert edit is not None
    assert take is not None
    if verdict.verdict == "pass":
        left = [] if at.action == "regenerate" else state["todo"][1:]
        onward = {"action": _next_action(at.repair, left)} if left else {}
        kept = {"working": take.media, "lineage": after(state["lineage"], edit.key)}
        return {"todo": left, "consecutive_failures": 0, **kept, **onward}
    counted: dict[str, Any] = {"consecutive_failures": state["consecutive_failures"] + 1}
    if at.action == "regenerate":
        counted["regenerate_failures"] = state["regenerate_failures"] + 1
    return counted


def _next_action(repair: Repair, todo: Sequence[str]) -> PaidAction:
    return _action(next(d for d in repair.decisions if d.finding == todo[0]))


async def escalate(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Region edits that failed or ran out of ways become a regeneration; what no editor can do becomes a ready job."""
    at = _place(state, runtime.context)
    if at.action != "regenerate" and _was_tried(at):
        if at.repair.stays:
            return {
                "ending": "pivot",
                "why": f"{_why_regenerate(at)}; it is not made again, since you said {at.repair.stays}",
            }
        return {"action": "regenerate", "why": _why_regenerate(at)}
    if state["regenerate_failures"] >= REGENERATE_TRIES:
        return {"ending": "pivot", "why": escalating.pivot_words(at.attempts)}
    return await _hand_over(state, at, runtime.context)


def _was_tried(at: Place) -> bool:
    return any(a.finding == at.finding.id and a.action == at.action for a in at.attempts)


def _why_regenerate(at: Place) -> str:
    tried = [a for a in at.attempts if a.verdict == "fail"]
    measured = "; ".join(f"{a.tool} ({a.method}) failed {escalating.failed(a)}" for a in tried)
    return f"repairing stopped after {len(tried)} failed tries: {measured}"


async def _hand_over(state: ShotState, at: Place, deps: Deps) -> dict[str, Any]:
    found = state["route"]
    dropped = "; ".join(f"{d.editor} {d.why}" for d in found.dropped) if found else ""
    why = f"no editor here can {at.action} {at.shot.id} ({dropped}); the job is ready to send"
    need = routing.need_of(at.film, at.shot, at.finding, at.decision, at.action)
    quote, why = routing.roster_quotes(need, deps.editors), "; ".join(filter(None, [state["why"], why]))
    ready = await _hands(deps).ready_job(at, await _hands(deps).references(at, deps), quote, why, deps)
    return {"ending": "waiting", "ready": ready, "why": ready.why}


async def commit(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Writes what was verified as the shot's next version, and the outcome."""
    deps, repair = runtime.context, state["repair"]
    shot = shot_of(film_of(repair.film, deps), repair.shot)
    working, version = state.get("working"), shot.version
    if working is not None:
        version = await _hands(deps).commit(shot, working, state["lineage"], deps)
    attempts = tuple(sorted(state.get("attempts", {}).values(), key=lambda a: a.n))
    outcome = Outcome(
        shot=shot.id,
        status=state.get("ending") or _status(attempts),
        attempts=attempts,
        version=version,
        job=state.get("ready"),
        why=state.get("why", ""),
    )
    return {"outcome": outcome}


def _status(attempts: Sequence[Attempt]) -> OutcomeStatus:
    again = any(a.action == "regenerate" and a.verdict == "pass" for a in attempts)
    return "regenerated" if again else "fixed"
