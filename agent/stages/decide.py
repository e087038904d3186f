"""Decide: measured evidence per finding, and the rule's answer for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.deps import Deps
from agent.evidence import keeper, region_evidence, track_of
from agent.policy import decide
from agent.schema import Decision, Film, Finding, Shot
from tools.editors.fitting import calm_window
from tools.types import Category

WRONG: Mapping[Category, dict[str, bool]] = {
    "lighting": {"lighting": False},
    "screen-direction": {"composition": False},
    "staging": {"blocking": False},
}
"""What a finding's category says is wrong by itself; of everything else pixels alone cannot tell."""


def decide_shot(film: Film, shot: Shot, findings: Sequence[Finding], deps: Deps) -> tuple[Decision, ...]:
    """One decision per open finding of the shot; a shot without findings is left alone."""
    open_findings = [finding for finding in findings if finding.status == "open"]
    if not open_findings:
        return (Decision(shot=shot.id, finding=None, action="leave", conditions=(), why="nothing was found"),)
    return tuple(_decide_finding(film, shot, finding, open_findings, deps) for finding in open_findings)


def _decide_finding(film: Film, shot: Shot, finding: Finding, open_findings: Sequence[Finding], deps: Deps) -> Decision:
    others = [other for other in open_findings if other.id != finding.id]
    evidence = region_evidence(shot.clip, track_of(film, finding), keeper(shot.clip.frames, others))
    decision = decide(finding, evidence.model_copy(update=WRONG.get(finding.category, {})), deps.policy)
    return _at_calm_joins(decision, shot)


def _at_calm_joins(decision: Decision, shot: Shot) -> Decision:
    """A retake's window grown to boundaries where little moves, which is where a join shows least."""
    if decision.action != "retake" or decision.window is None:
        return decision
    return decision.model_copy(update={"window": calm_window(shot.clip, decision.window)})
