"""The shot graph: one shot's repair, from its decisions to a committed version, a ready job, or a person.

Each shot runs in a thread of its own, so shots never wait for each other and one answer touches one shot. Nothing in
here raises for what a tool does: faults become values in the state, and the outcome is a value too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypeAlias

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import interrupt

from agent.briefing import after, plan_edit, sent_again
from agent.deps import Deps
from agent.economics import ESCALATE_AT, REGENERATE_TRIES
from agent.errors import OverBudget
from agent.graph.common import film_of, shot_of, staged
from agent.hands import Hands, Judgement, Place
from agent.purpose import purpose_of
from agent.reach import in_short, out_of_reach
from agent.schema import Attempt, Candidate, Decision, Outcome, OutcomeStatus
from agent.stages import edit as editing
from agent.stages import escalate as escalating
from agent.stages import route as routing
from agent.state import Doubt, Repair, Route, ShotState
from tools.editors.base import PaidAction
from tools.errors import BadInput, EditorError, Refused, StillRunning, TryAgain, Unknown
from tools.types import Clip, Edit, Frozen, Job, Reference, Verdict

ShotGraph: TypeAlias = CompiledStateGraph[ShotState, Deps, ShotState, ShotState]

ORDER = {"inpaint": 0, "ask": 0, "retake": 1, "regenerate": 2}


class Answer(Frozen):
    """What a person says about a shot's decisions, or about a job that nobody can tell of."""

    verdict: Literal["approve", "reject"]
    note: str = ""

    @property
    def noted(self) -> str:
        """The note as the end of a sentence."""
        return f": {self.note}" if self.note else ""


def shot_graph(saver: BaseCheckpointSaver[str] | None = None) -> ShotGraph:
    """decide → (approve) → route → submit → poll → fetch → verify → commit | retry | escalate.

    Where only a person can tell what became of a job, `ask` puts it to one.
    """
    graph = StateGraph(ShotState, context_schema=Deps)
    graph.add_node("decide", staged("plan", decide))
    graph.add_node("approve", approve)
    graph.add_node("route", staged("route", route))
    graph.add_node("submit", staged("submit", submit))
    graph.add_node("ask", ask)
    graph.add_node("poll", staged("poll", poll))
    graph.add_node("fetch", staged("fetch", fetch))
    graph.add_node("verify", staged("verify", verify))
    graph.add_node("escalate", staged("escalate", escalate))
    graph.add_node("commit", staged("commit", commit))
    graph.add_edge(START, "decide")
    graph.add_conditional_edges("decide", after_decide, ["approve", "route"])
    graph.add_conditional_edges("approve", after_approve, ["route", "commit"])
    graph.add_conditional_edges("route", after_route, ["submit", "escalate"])
    graph.add_conditional_edges("submit", after_submit, ["poll", "ask", "route", "commit"])
    graph.add_conditional_edges("ask", after_ask, ["submit", "poll", "commit"])
    graph.add_conditional_edges("poll", after_poll, ["fetch", "ask", "route"])
    graph.add_conditional_edges("fetch", after_fetch, ["verify", "ask", "route"])
    graph.add_conditional_edges("verify", after_verify, ["route", "escalate", "commit"])
    graph.add_conditional_edges("escalate", after_escalate, ["route", "commit"])
    graph.add_edge("commit", END)
    return graph.compile(checkpointer=saver)


def after_decide(state: ShotState) -> Literal["approve", "route"]:
    return "route" if state["approved"] else "approve"


def after_approve(state: ShotState) -> Literal["route", "commit"]:
    return "commit" if state.get("ending") else "route"


def after_route(state: ShotState) -> Literal["submit", "escalate"]:
    return "submit" if state.get("edit") else "escalate"


def after_submit(state: ShotState) -> Literal["poll", "ask", "route", "commit"]:
    if state.get("job"):
        return "poll"
    return "commit" if state.get("ending") else _without_take(state)


def after_ask(state: ShotState) -> Literal["submit", "poll", "commit"]:
    if state.get("ending"):
        return "commit"
    return "poll" if state.get("job") else "submit"


def after_poll(state: ShotState) -> Literal["fetch", "ask", "route"]:
    return "fetch" if state.get("job") and not state.get("doubt") else _without_take(state)


def after_fetch(state: ShotState) -> Literal["verify", "ask", "route"]:
    return "verify" if state.get("take") else _without_take(state)


def _without_take(state: ShotState) -> Literal["ask", "route"]:
    return "ask" if state.get("doubt") else "route"


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
    left = [] if whole else left
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
        "doubt": None,
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
    return {"ending": "pivot", "why": f"a person rejected the decision{answer.noted}"}


def _question(state: ShotState) -> dict[str, Any]:
    decisions = [f"{d.action}: {d.why}" for d in state["repair"].decisions]
    return {"shot": state["repair"].shot, "decisions": decisions}


async def ask(state: ShotState) -> dict[str, Any]:
    """Waits for a person's word on a job: a lost one is sent again, a running one asked for again, or it is over."""
    doubt, edit = state["doubt"], state["edit"]
    assert doubt is not None
    assert edit is not None
    question = {"shot": state["repair"].shot, "doubt": doubt.about, "why": doubt.why}
    answer = Answer.model_validate(interrupt(question, response_schema=Answer))
    if answer.verdict == "reject":
        return {"doubt": None, "ending": "pivot", "why": f"a person gave the shot up{answer.noted} ({doubt.why})"}
    return {"doubt": None, "edit": sent_again(edit) if doubt.about == "lost" else edit}


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
    """Chooses the editor and its way of working for the current finding, and plans the edit."""
    deps, at = runtime.context, _place(state, runtime.context)
    references, tried = await _hands(deps).references(at, deps), _tried(at)
    while True:
        found = _routed(state, at, references, tried, deps)
        if found.choice is None:
            return {"route": found, "edit": None, "job": None, "take": None}
        asked, edit = await _planned(state, at, found.choice, references, deps)
        if asked not in state.get("asked", {}):
            return {"route": found, "edit": edit, "asked": {asked: len(at.attempts) + 1}, "job": None, "take": None}
        tried.add((found.choice.editor, found.choice.method))


def _routed(
    state: ShotState, at: Place, references: Sequence[Reference], tried: set[tuple[str, str]], deps: Deps
) -> Route:
    return routing.route(
        routing.need_of(at.film, at.shot, at.finding, at.decision, at.action),
        deps,
        draft=routing.draft_of(at.film, at.shot, at.finding, at.action, window=at.window, references=references),
        allow=at.film.allow,
        barred=state.get("barred", {}),
        tried=tried,
        failures=state["consecutive_failures"],
        remade=state["regenerate_failures"],
        attempts=at.attempts,
        keep=True,
    )


async def _planned(
    state: ShotState, at: Place, choice: Candidate, references: Sequence[Reference], deps: Deps
) -> tuple[str, Edit]:
    """What is asked for as one name, whichever try it is, and the edit itself."""
    can = deps.editors[choice.editor].capabilities
    shown = references[: can.references]
    plan = partial(
        plan_edit,
        at.film,
        at.shot,
        at.finding,
        action=at.action,
        editor=choice.editor,
        method=choice.method,
        clip=at.clip,
        lineage=state["lineage"],
        references=shown,
        prompt=await _hands(deps).prompt(at, can, shown, deps),
        window=at.window,
        purpose=purpose_of(at.finding) if at.action == "inpaint" else "repair",
    )
    return plan(attempt=0).key, plan(attempt=_tries(at) + 1)


def _tries(at: Place) -> int:
    """Tries at the current finding. What other findings took does not count: a later run may not have them."""
    return sum(one.finding == at.finding.id for one in at.attempts)


def _tried(at: Place) -> set[tuple[str, str]]:
    """Ways that failed on these inputs. After any try the editor's own choice would be that way again.

    A shot may be made again by the same editor: it is told what was wrong with the last take.
    """
    if at.action == "regenerate":
        return set()
    failed = [a for a in at.attempts if a.finding == at.finding.id and a.action == at.action and a.verdict == "fail"]
    return {(a.tool, method) for a in failed for method in (a.method, "auto")}


async def submit(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Sends the edit, once."""
    deps, at = runtime.context, _place(state, runtime.context)
    choice, edit = _chosen(state), state["edit"]
    assert edit is not None
    try:
        job = await editing.submit(edit, choice, at.finding, at.shot.id, deps)
    except OverBudget as over:
        return {"ending": "waiting", "why": str(over)}
    except Unknown as lost:
        doubt = Doubt(about="lost", why=str(lost))
        return {"doubt": doubt, "transport_faults": state["transport_faults"] + 1}
    except (EditorError, BadInput) as error:
        return _faulted(state, choice.editor, error)
    return {"job": job}


def _chosen(state: ShotState) -> Candidate:
    found = state["route"]
    assert found is not None
    assert found.choice is not None
    return found.choice


async def poll(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Waits for the job; safe to repeat."""
    job = state["job"]
    assert job is not None
    try:
        await editing.poll(job, runtime.context)
    except (EditorError, BadInput) as error:
        return _unfinished(state, job, error, runtime.context)
    return {}


async def fetch(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Brings the take through the gate into the store; safe to repeat."""
    job, edit = state["job"], state["edit"]
    assert job is not None
    assert edit is not None
    try:
        take = await _hands(runtime.context).fetch(edit, job, runtime.context)
    except (EditorError, BadInput) as error:
        return _unfinished(state, job, error, runtime.context)
    return {"take": take}


def _unfinished(state: ShotState, job: Job, error: Exception, deps: Deps) -> dict[str, Any]:
    """A job that was accepted and may still be had is waited for: another editor would be paid for the same thing."""
    if isinstance(error, StillRunning):
        return {"doubt": Doubt(about="running", why=str(error))}
    away = isinstance(error, TryAgain) and not deps.editors[job.editor].capabilities.local
    if away or isinstance(error, Unknown):
        why = f"{job.editor} took the job and cannot be asked for it now: {error}; a later pass asks again, unpaid"
        return {"doubt": Doubt(about="running", why=why), "transport_faults": state["transport_faults"] + 1}
    return _faulted(state, job.editor, error)


def _faulted(state: ShotState, editor: str, error: Exception) -> dict[str, Any]:
    """A tool's fault as a value: the editor is out for this shot."""
    out = {"job": None, "barred": {editor: str(error)}}
    if isinstance(error, Refused):
        return {**out, "refusals": state["refusals"] + 1}
    return {**out, "transport_faults": state["transport_faults"] + 1}


async def verify(state: ShotState, runtime: Runtime[Deps]) -> dict[str, Any]:
    """Judges the take, writes the verdict into the ledger, and moves on to what is left."""
    deps, at = runtime.context, _place(state, runtime.context)
    edit, take = state["edit"], state["take"]
    assert edit is not None
    assert take is not None
    judged = await _hands(deps).judge(at, edit, take, deps)
    deps.ledger.settled(edit.key, judged.verdict.verdict)
    return {"attempts": {edit.key: _attempt(state, at, judged)}, **_judged(state, at, judged.verdict)}


def _attempt(state: ShotState, at: Place, judged: Judgement) -> Attempt:
    edit, take, found, choice = state["edit"], state["take"], state["route"], _chosen(state)
    assert edit is not None
    assert take is not None
    assert found is not None
    return Attempt(
        n=len(at.attempts) + 1,
        finding=at.finding.id,
        action=at.action,
        tool=choice.editor,
        method=str(take.how.get("method", edit.method)),
        verdict=judged.verdict.verdict,
        checks=judged.verdict.checks,
        usd=choice.usd,
        take=take.media,
        why=found.why,
        judged=judged.words,
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
    failed = [a for a in at.attempts if a.verdict == "fail"]
    return f"repairing stopped after {len(failed)} failed tries: {_measured(failed)}"


def _measured(failed: Sequence[Attempt]) -> str:
    return "; ".join(f"{a.tool} ({a.method}) failed {escalating.failed(a)}" for a in failed)


async def _hand_over(state: ShotState, at: Place, deps: Deps) -> dict[str, Any]:
    """A job for which no editor is left, ready to be sent by somebody else."""
    hands, need = _hands(deps), routing.need_of(at.film, at.shot, at.finding, at.decision, at.action)
    tried = _measured([a for a in at.attempts if a.action == at.action == "regenerate" and a.verdict == "fail"])
    why = f"no editor here can {at.action} {at.shot.id} ({_nobody(state, at, need, deps)}); the job is ready to send"
    why = "; ".join(filter(None, [state["why"], tried, why]))
    quote = routing.roster_quotes(need, deps.editors)
    ready = await hands.ready_job(at, await hands.references(at, deps), quote, why, deps)
    return {"ending": "waiting", "ready": ready, "why": ready.why}


def _nobody(state: ShotState, at: Place, need: routing.Need, deps: Deps) -> str:
    """What keeps everybody from the job: one thing where it is the same for all, else each one's own."""
    found, region = state["route"], None if deps.options.rehearse else deps.region
    draft = routing.draft_of(at.film, at.shot, at.finding, at.action, window=at.window, references=())
    alike = out_of_reach(routing.able(need), draft, at.film, region)
    return alike or in_short(found.dropped if found else ())


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
