"""Trace: findings of one film grouped into causes, so that one error is paid for once, where it was born.

A panel whose pixels show the fault while its siblings do not explains every finding that carries the same mark; a
reference that shows the mark without being at fault itself was the wrong one to attach; the rest is the shot's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from agent.schema import Cause, Film, Finding, PanelFault
from tools.types import SAME_MARK, Evidence


def trace(
    film: Film, findings: Sequence[Finding], faults: Sequence[PanelFault]
) -> tuple[tuple[Finding, ...], tuple[Cause, ...]]:
    """The findings with their cause named, and the causes, panels first.

    A faulty panel that reached no shot is a cause too.
    """
    open_findings = [finding for finding in findings if finding.status == "open"]
    causes = [_from_panel(film, fault, open_findings) for fault in faults]
    explained = {finding for cause in causes for finding in cause.findings}
    rest = [finding for finding in open_findings if finding.id not in explained]
    causes += [_from_shot(film, finding) for finding in rest]
    cause_of = {finding: cause.id for cause in causes for finding in cause.findings}
    named = tuple(f.model_copy(update={"cause": cause_of.get(f.id)}) for f in findings)
    return named, tuple(causes)


def _from_panel(film: Film, fault: PanelFault, findings: Iterable[Finding]) -> Cause:
    own = [f for f in findings if _carries(f, fault)]
    made_from = [shot.id for shot in film.shots if fault.panel in shot.references]
    marked = list(dict.fromkeys(f.shot for f in own))
    untouched = [shot for shot in made_from if shot not in marked]
    why = f"{fault.why}; the same mark is in {', '.join(marked) or 'no shot'}"
    if made_from:
        why += f"; film.toml says {', '.join(made_from)} were made from it"
    if untouched:
        why += f"; {', '.join(untouched)} look right and stay as they are"
    return _cause("sheet-panel", fault.panel, why, marked, own)


def _carries(finding: Finding, fault: PanelFault) -> bool:
    """Whether a finding shows the mark of a faulty panel."""
    return Evidence(kind="panel", ref=fault.panel + SAME_MARK) in finding.evidence


def _from_shot(film: Film, finding: Finding) -> Cause:
    shot = next(s for s in film.shots if s.id == finding.shot)
    marked = [e.ref.removesuffix(SAME_MARK) for e in finding.evidence if e.ref.endswith(SAME_MARK)]
    if marked:
        made = "was made from" if marked[0] in shot.references else "looks made from"
        why = f"{shot.id} {made} {marked[0]}, which shows the same mark; the panels it should follow do not"
        return _cause("reference", marked[0], why, [shot.id], [finding])
    why = f"only {shot.id} shows it; no panel or other shot carries the same mark"
    return _cause("shot", shot.id, why, [shot.id], [finding])


def _cause(kind: str, ref: str, why: str, shots: Sequence[str], findings: Sequence[Finding]) -> Cause:
    ids = tuple(f.id for f in findings)
    digest = hashlib.sha256("|".join((kind, ref, *sorted(ids))).encode()).hexdigest()[:10]
    return Cause.model_validate(
        {"id": f"C-{digest}", "kind": kind, "ref": ref, "why": why, "shots": tuple(shots), "findings": ids}
    )
