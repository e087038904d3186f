"""Inspect shots: what the eyes see in one shot, over time and against its panels. Reads only, edits nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agent.deps import Deps
from agent.evidence import track_of
from agent.panels import panel_pictures, untrusted_places
from agent.schema import Film, Finding, PanelFault, Shot
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
