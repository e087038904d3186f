"""Inspect shots: what the eyes see in one shot, over time and against its panels. Reads only, edits nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agent.deps import Deps
from agent.evidence import track_of
from agent.panels import panel_pictures, untrusted_places
from agent.schema import Film, Finding, PanelFault, Sheet, SheetVersion, Shot
from agent.sightings import findings_of, traced_back, weighed
from tools.types import Anomaly, Clip, MaskTrack
from tools.vision.compare import compare_shot_to_panels
from tools.vision.temporal import inspect_time

SAME_PLACE = 0.3
"""Box IoU from which two sightings in one shot are the same thing."""
SUSPECTED = 0.3
"""Confidence from which a sighting is handed on: other shots of the set-up may make it sure."""


def inspect_shot(film: Film, shot: Shot, faults: Sequence[PanelFault], deps: Deps) -> tuple[Finding, ...]:
    """Findings of one shot, also unsure ones: against itself over time, and against the panels of its characters."""
    seen = _sightings(film, shot, faults)
    handed_on = [traced_back(film, shot, a) for a in seen if a.confidence >= min(SUSPECTED, deps.policy.report)]
    return findings_of(shot, handed_on, film, deps)


def still_there(
    film: Film, shot: Shot, finding: Finding, take: Path, deps: Deps, *, faults: Sequence[PanelFault]
) -> bool:
    """Whether the finding, or anything new in its place, is seen when the shot is looked at again in `take`."""
    again = shot.model_copy(update={"clip": Clip(media=take, first=0, last=shot.clip.frames - 1)})
    place = track_of(film, finding)
    return any(a.confidence >= deps.policy.report and _touches(a.track, place) for a in _sightings(film, again, faults))


def wrong_again(
    film: Film,
    shot: Shot,
    findings: Sequence[Finding],
    take: Path,
    deps: Deps,
    *,
    faults: Sequence[PanelFault],
    repaired: Sequence[SheetVersion],
) -> bool:
    """Whether a shot made again shows one of the findings anywhere, or contradicts the panels as it did not before.

    Nothing lies where it lay, so places tell nothing; what is compared are kinds of fault on a subject. Repaired panels
    stand for the faulty ones.
    """
    sheets = tuple(_repaired(film, sheet, repaired) for sheet in film.sheets)
    believed = {version.panel for version in repaired}
    now, left = film.model_copy(update={"sheets": sheets}), [f for f in faults if f.panel not in believed]
    again = shot.model_copy(update={"clip": Clip(media=take, first=0, last=shot.clip.frames - 1)})
    seen = {(a.category, a.subject) for a in _sightings(now, again, left) if a.confidence >= deps.policy.report}
    if not seen:
        return False
    wanted_gone = {(finding.category, finding.subject) for finding in findings}
    before = {(a.category, a.subject) for a in _sightings(now, shot, left) if a.confidence >= SUSPECTED}
    return bool(seen & wanted_gone) or any(one[1] is not None for one in seen - before)


def _repaired(film: Film, sheet: Sheet, versions: Sequence[SheetVersion]) -> Sheet:
    """The sheet with its latest repair, if there is one."""
    own = [version for version in versions if version.subject == sheet.subject]
    if not own:
        return sheet
    return sheet.model_copy(update={"image": film.root / max(own, key=lambda version: version.version).path})


def _touches(seen: MaskTrack, place: MaskTrack) -> bool:
    """Whether a sighting covers part of a region, in any frame both have."""
    common = sorted(set(seen.crops) & set(place.crops))
    return any(bool((seen.at(index) & place.at(index)).any()) for index in common[:: max(1, len(common) // 8)])


def _sightings(film: Film, shot: Shot, faults: Sequence[PanelFault]) -> list[Anomaly]:
    over_time = inspect_time(shot.clip)
    subjects = shot.characters or tuple(dict.fromkeys(sheet.subject for sheet in film.sheets))
    against = [a for subject in subjects for a in _against_panels(film, shot, subject, faults)]
    return [weighed(shot, one) for one in merge(over_time, against)]


def _against_panels(film: Film, shot: Shot, subject: str, faults: Sequence[PanelFault]) -> Iterator[Anomaly]:
    sheets = [sheet for sheet in film.sheets if sheet.subject == subject]
    pictures = panel_pictures(sheets)
    if pictures:
        for seen in compare_shot_to_panels(shot.clip, pictures, untrusted_places(film.root, sheets, faults)):
            yield replace(seen, subject=subject)


def merge(over_time: Sequence[Anomaly], against: Sequence[Anomaly]) -> list[Anomaly]:
    """One sighting per thing: what time shows names the frames best, what panels show names the subject best."""
    kept = list(over_time)
    for seen in sorted(against, key=lambda a: -a.confidence):
        twin = next((n for n, other in enumerate(kept) if _same(other, seen)), None)
        if twin is None:
            kept.append(seen)
        else:
            kept[twin] = _joined(kept[twin], seen)
    return kept


def _same(a: Anomaly, b: Anomaly) -> bool:
    common = sorted(set(a.track.crops) & set(b.track.crops))
    if not common:
        return False
    middle = common[len(common) // 2]
    return a.track.crops[middle][0].iou(b.track.crops[middle][0]) >= SAME_PLACE


def _joined(a: Anomaly, b: Anomaly) -> Anomaly:
    evidence = tuple(dict.fromkeys((*a.evidence, *b.evidence)))
    confidence = 1 - (1 - a.confidence) * (1 - b.confidence)
    return replace(
        a,
        evidence=evidence,
        confidence=confidence,
        subject=a.subject or b.subject,
        reference=a.reference or b.reference,
    )
