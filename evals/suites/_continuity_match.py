"""Findings of a labelled film held against its labels.

A finding meets a label when it is in the same shot, shares a frame with it, and its box has an IoU of at least `MEETS`
with the label's; each finding and each label serves once, the best overlaps first. What meets no label is a false
alarm. The decision is judged on the label's own region, so that an eye's miss is not the rule's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from agent.evidence import keeper, region_evidence
from agent.policy import Policy, conditions_of, decide
from agent.project import load_film, open_project
from agent.schema import Cause, Finding, PassResult, Shot
from agent.stages.decide import WRONG
from evals.labels import ErrorLabel, Labels
from evals.runner import Row
from tools.media.masks import read_track
from tools.types import Box

MEETS = 0.1
NEAR = 0.1
"""Cases with a deciding value within this share of its limit are reported apart."""


def judged(
    film: Path, labels: Labels, result: PassResult, families: Mapping[str, str], *, kind: str, case: str
) -> list[Row]:
    """One row per shot of the film: its errors with what became of them, and its false alarms."""
    shots = load_film(open_project(film)).shots
    causes = {cause.id: cause for cause in result.causes}
    rows = []
    for shot in shots:
        label = labels.shots.get(shot.id)
        errors = label.errors if label else ()
        found = [finding for finding in result.findings if finding.shot == shot.id]
        pairs = matched(errors, found)
        used = {finding.id for finding in pairs.values()}
        rows.append(
            {
                "case": case,
                "kind": kind,
                "shot": shot.id,
                "clean": not errors,
                "errors": [
                    _error_row(film, shot, error)
                    | ({"family": families[shot.id]} if shot.id in families else {})
                    | (_hit(error, pairs[number], causes) if number in pairs else {})
                    for number, error in enumerate(errors)
                ],
                "false": [_finding_row(finding) for finding in found if finding.id not in used],
            }
        )
    return rows


def matched(errors: Sequence[ErrorLabel], found: Sequence[Finding]) -> dict[int, Finding]:
    """Label number → finding."""
    overlaps = [
        (error.box.iou(finding.box), number, finding)
        for number, error in enumerate(errors)
        for finding in found
        if _together(error.frames, finding.frames)
    ]
    pairs: dict[int, Finding] = {}
    for overlap, number, finding in sorted(overlaps, key=lambda o: -o[0]):
        if overlap >= MEETS and number not in pairs and finding.id not in {f.id for f in pairs.values()}:
            pairs[number] = finding
    return pairs


def _together(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return a[0] <= b[1] and b[0] <= a[1]


def _error_row(film: Path, shot: Shot, error: ErrorLabel) -> Row:
    action, near = _decided(film, shot, error)
    return {
        "family": error.category,
        "category": error.category,
        "subject": error.subject,
        "box": list(error.box),
        "frames": list(error.frames),
        "size": _share(error.box, shot),
        "origin": error.origin.model_dump(),
        "action": error.action,
        "decided": action,
        "near": near,
        "hit": False,
    }


def _hit(error: ErrorLabel, found: Finding, causes: Mapping[str, Cause]) -> Row:
    """What an error's row gains when it was found."""
    cause = causes.get(found.cause or "")
    return {
        "hit": True,
        "iou": round(error.box.iou(found.box), 4),
        "confidence": found.confidence,
        "found": _finding_row(found),
        "cause": None if cause is None else {"kind": cause.kind, "ref": cause.ref},
    }


def _share(box: Box, shot: Shot) -> float:
    from tools.media.probe import probe  # noqa: PLC0415 - kept beside its only use

    info = probe(shot.clip.media)
    return round(box.area / (info.width * info.height), 5)


def _decided(film: Path, shot: Shot, error: ErrorLabel) -> tuple[str, bool]:
    """What measurement and the rule say of the labelled region, and whether a deciding value is near its limit."""
    track = read_track(film / error.mask)
    evidence = region_evidence(shot.clip, track, keeper(shot.clip.frames, ()))
    evidence = evidence.model_copy(update=WRONG.get(error.category, {}))
    decision = decide(_certain(shot, error), evidence, Policy())
    measured = [c for c in conditions_of(evidence, Policy()) if c.value is not None and c.limit]
    near = any(abs(float(c.value or 0) - float(c.limit or 1)) <= NEAR * float(c.limit or 1) for c in measured)
    return decision.action, near


def _certain(shot: Shot, error: ErrorLabel) -> Finding:
    """The label as a finding beyond doubt."""
    return Finding(
        id="F-label",
        shot=shot.id,
        frames=error.frames,
        box=error.box,
        mask=error.mask,
        category=error.category,
        subject=error.subject,
        expected="the clean take",
        observed="the label",
        severity="major",
        confidence=1.0,
        evidence=(),
    )


def _finding_row(finding: Finding) -> Row:
    return {
        "id": finding.id,
        "category": finding.category,
        "box": list(finding.box),
        "frames": list(finding.frames),
        "confidence": finding.confidence,
        "observed": finding.observed,
    }
