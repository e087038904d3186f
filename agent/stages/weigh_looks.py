"""Weigh looks: what measurement found and what a model says of it, as one list of findings that are sure enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.policy import Policy
from agent.schema import Finding, Looked, Verdicted
from tools.types import Evidence

ODDS = {"error": 4.0, "intended": 0.25, "not-there": 0.25, "cannot-tell": 1.0}
"""What a model's verdict multiplies the odds of a measured finding by: its word counts, and measurement outweighs it.
A certain finding (0.9) survives a single "not-there" (0.69); an unsure one (0.6) does not (0.27)."""
SAME_PLACE = 0.3
"""Box IoU from which two findings of one shot are the same thing."""


def weigh_looks(
    findings: Sequence[Finding],
    looks: Mapping[str, Looked],
    said_by: str,
    policy: Policy,
    *,
    least: float | None = None,
) -> tuple[Finding, ...]:
    """The findings of all shots, judged by the model's verdicts, with what it alone saw.

    `least` is the confidence from which a finding stays; by default the policy's limit for reporting.
    """
    verdicts: dict[str, list[Verdicted]] = {}
    for look in looks.values():
        for verdict in look.verdicts:
            verdicts.setdefault(verdict.finding, []).append(verdict)
    judged = [_judged(finding, verdicts.get(finding.id, ()), said_by) for finding in findings]
    seen = sorted((f for look in looks.values() for f in look.findings), key=lambda f: (-f.confidence, f.id))
    for finding in seen:
        _add(judged, finding)
    enough = policy.report if least is None else least
    return tuple(finding for finding in judged if finding.confidence >= enough)


def _judged(finding: Finding, verdicts: Iterable[Verdicted], said_by: str) -> Finding:
    """The finding with its odds moved by one verdict: of several, the one that says most."""
    told = sorted(verdicts, key=lambda v: (v.verdict == "cannot-tell", not v.observed))
    if not told:
        return finding
    verdict = told[0]
    odds = ODDS[verdict.verdict] * finding.confidence / max(1e-6, 1 - finding.confidence)
    words = Evidence(kind="text", ref=f"{said_by} says {verdict.verdict}: {verdict.why}")
    changes = {"confidence": round(odds / (1 + odds), 4), "evidence": (*finding.evidence, words)}
    if verdict.verdict == "error" and verdict.observed:
        measured = Evidence(kind="text", ref=f"measured: {finding.observed}, where it should be {finding.expected}")
        changes |= {"observed": verdict.observed, "expected": verdict.expected}
        changes |= {"evidence": (*finding.evidence, words, measured)}
    return finding.model_copy(update=changes)


def _add(judged: list[Finding], seen: Finding) -> None:
    """Adds what the model saw, or makes the finding of the same place surer."""
    twin = next((n for n, other in enumerate(judged) if _same(other, seen)), None)
    if twin is None:
        judged.append(seen)
        return
    other = judged[twin]
    both = round(1 - (1 - other.confidence) * (1 - seen.confidence), 4)
    evidence = tuple(dict.fromkeys((*other.evidence, *seen.evidence)))
    judged[twin] = other.model_copy(update={"confidence": both, "evidence": evidence})


def _same(one: Finding, other: Finding) -> bool:
    together = one.frames[0] <= other.frames[1] and other.frames[0] <= one.frames[1]
    return one.shot == other.shot and together and one.box.iou(other.box) >= SAME_PLACE
