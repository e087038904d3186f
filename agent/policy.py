"""The inpaint-or-regenerate rule: pure functions from measured evidence to a decision with its reasons.

Inpaint when the region is small, slow, and the rest of the shot is a keeper. When any of them breaks and only a stretch
of time is wrong, retake that stretch between frames that are kept; else regenerate. Composition, lighting, blocking and
contact always regenerate. What nothing on this machine can tell stays unknown: it lowers confidence and never blocks.
"""

from __future__ import annotations

from collections.abc import Iterable

from agent.schema import Condition, ConditionName, Decision, Finding, RegionEvidence
from tools.types import Action, Frozen

ALWAYS_REGENERATE: tuple[ConditionName, ...] = ("composition", "lighting", "blocking", "contact")
UNKNOWN_COSTS = 0.95
"""Confidence is multiplied by this for each condition that nothing on this machine can tell."""


class Policy(Frozen):
    """Every limit of the rule. Speeds are shares of the frame diagonal per 1/24 s; a film may override each."""

    small: float = 0.20
    """Largest share of the frame that a fill may cover."""
    static: float = 0.0005
    slow: float = 0.006
    revealed: float = 0.9
    """Share of the region that other frames must show for a borrowed fill under a fast but clean move."""
    sharp: float = 0.8
    """Sharpness around the region against the rest of the shot, for the same exception."""
    keeper: float = 0.8
    stretch: float = 0.5
    """Largest share of a shot's frames that still counts as only a stretch of time."""
    handle: int = 4
    """Frames that must be kept beside a retaken stretch, to blend into."""
    act: float = 0.6
    """Findings below this confidence are put to a person instead of edited."""
    report: float = 0.5
    """Findings below this confidence are not reported."""


def decide(finding: Finding, evidence: RegionEvidence, policy: Policy) -> Decision:
    """The decision for one finding, with every condition's value, limit and outcome."""
    conditions = conditions_of(evidence, policy)
    action, window, why = _action(finding, evidence, conditions, policy)
    return Decision(
        shot=finding.shot,
        finding=finding.id,
        action=action,
        conditions=conditions,
        why=why,
        confidence=round(finding.confidence * UNKNOWN_COSTS ** sum(c.holds is None for c in conditions), 4),
        window=window,
        revealed=evidence.revealed,
    )


def conditions_of(evidence: RegionEvidence, policy: Policy) -> tuple[Condition, ...]:
    """The conditions of the rule, measured; in the order people read them."""
    return (_small(evidence, policy), _slow(evidence, policy), _keeper(evidence, policy), *_judged(evidence))


def _small(evidence: RegionEvidence, policy: Policy) -> Condition:
    share = evidence.coverage_max
    holds = share <= policy.small
    words = f"the region covers at most {share:.1%} of the frame, {'within' if holds else 'over'} {policy.small:.0%}"
    return Condition(name="small", value=round(share, 5), limit=policy.small, holds=holds, why=words)


def _slow(evidence: RegionEvidence, policy: Policy) -> Condition:
    speed = evidence.motion.image
    if speed < policy.slow:
        manner = "static" if speed < policy.static else "slow"
        why, holds = f"the region is {manner} in the picture ({speed:.4f} of the diagonal per 1/24 s)", True
    elif evidence.revealed >= policy.revealed and evidence.sharpness >= policy.sharp:
        why = f"fast, but other frames show {evidence.revealed:.0%} of it and it is as sharp as the rest"
        holds = True
    else:
        why = (
            f"the region moves {speed:.4f} of the diagonal per 1/24 s (camera {evidence.motion.camera:.4f}, "
            f"subject {evidence.motion.subject:.4f}) and other frames show only {evidence.revealed:.0%} of it"
        )
        holds = False
    return Condition(name="slow", value=round(speed, 6), limit=policy.slow, holds=holds, why=why)


def _keeper(evidence: RegionEvidence, policy: Policy) -> Condition:
    score = evidence.keeper.score
    holds = score >= policy.keeper
    others = "; ".join(evidence.keeper.faults)
    why = f"{score:.0%} of the frames are free of other faults" + (f" ({others})" if others else "")
    return Condition(name="keeper", value=round(score, 4), limit=policy.keeper, holds=holds, why=why)


def _judged(evidence: RegionEvidence) -> Iterable[Condition]:
    known: dict[ConditionName, bool | None] = {
        "composition": evidence.composition,
        "lighting": evidence.lighting,
        "blocking": evidence.blocking,
        "contact": evidence.contact,
    }
    words = {None: "nothing on this machine can tell", True: "not what is wrong here", False: "what is wrong here"}
    for name in ALWAYS_REGENERATE:
        holds = known[name]
        yield Condition(name=name, value=None, limit=None, holds=holds, why=words[holds])


def _action(
    finding: Finding, evidence: RegionEvidence, conditions: tuple[Condition, ...], policy: Policy
) -> tuple[Action, tuple[int, int] | None, str]:
    if finding.confidence < policy.act:
        return "ask", None, f"confidence {finding.confidence:.2f} is under {policy.act:.2f}: a person should look"
    broken = [c for c in conditions if c.holds is False]
    if not broken:
        return "inpaint", None, "small, slow and a keeper: a region edit saves the take"
    reasons = "; ".join(c.why for c in broken)
    if any(c.name in ALWAYS_REGENERATE for c in broken):
        return "regenerate", None, f"no fill repairs {', '.join(c.name for c in broken)}: {reasons}"
    if is_stretch(evidence, policy):
        first, last = evidence.frames
        return "retake", evidence.frames, f"only frames {first}-{last} are wrong; no fill there: {reasons}"
    return "regenerate", None, f"no fill holds here: {reasons}"


def is_stretch(evidence: RegionEvidence, policy: Policy) -> bool:
    """Whether only a stretch of time is wrong: short enough, beside kept frames that show the place right."""
    first, last = evidence.frames
    kept = max(first, evidence.shot_frames - 1 - last)
    return (
        evidence.in_view
        and last - first + 1 <= policy.stretch * evidence.shot_frames
        and kept >= min(policy.handle, evidence.shot_frames // 2)
    )
