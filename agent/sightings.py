"""From what the eyes saw of a shot to findings: weighed, traced to a panel, written down with their masks."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.deps import Deps
from agent.panels import panel_pictures
from agent.schema import Film, Finding, Severity, Shot
from tools.media.masks import write_mask
from tools.types import SAME_MARK, Anomaly, Clip, Evidence, MaskTrack
from tools.vision.compare import AS_MUCH, marked_by, picture_at

INTENDED_COSTS = 0.5
"""Confidence in a difference from panels or other shots is multiplied by this in a shot whose film.toml declares
intended changes: pixels cannot read which they are."""
DECLARED = {
    "look": ("light", "lamp", "dark", "bright", "night", "day", "dusk", "dawn", "sun", "shad", "colo", "grade", "fade"),
    "mirrored": ("mirror", "flip", "revers", "turn", "side", "axis"),
}
"""Beginnings of words that declare a change of a whole shot; a declared scarf does not turn the light."""
COMPARED = ("panel", "setup", "colours", "moment", "look", "mirrored")
TRACED = ("panel", "setup", "colours", "moment", "meaning", "pop")


def weighed(shot: Shot, seen: Anomaly) -> Anomaly:
    """Less sure where it may be one of the changes that the shot declares."""
    declared = [text for text in shot.intended if _may_mean(text, seen)]
    costs = INTENDED_COSTS if declared and seen.kind in COMPARED else 1.0
    return replace(seen, confidence=seen.confidence * costs)


def _may_mean(intended: str, seen: Anomaly) -> bool:
    """Whether words that declare a change may be about what was seen."""
    beginnings = DECLARED.get(seen.kind, ())
    return not beginnings or any(word.startswith(beginnings) for word in re.findall(r"\w+", intended.lower()))


def traced_back(film: Film, shot: Shot, seen: Anomaly) -> Anomaly:
    """With the panel named that carries the same mark, where film.toml says what the shot was made from.

    A panel that registers and shows the mark has been named already; one that contradicts it is no suspect. It must
    stand out from the panels of the shot's characters, but for a panel of a sheet that is none of theirs: all panels of
    a superseded sheet show its older design, maybe in the same colours.
    """
    contradicts = {evidence.ref for evidence in seen.evidence if evidence.kind == "panel"}
    named = {ref for ref in shot.references if "/" in ref} - contradicts
    if seen.reference or not named or seen.kind not in TRACED or not seen.track:
        return seen
    subjects = {*shot.characters, *(ref.split("/")[0] for ref in named)}
    pictures = {
        ref: picture
        for ref, picture in panel_pictures([s for s in film.sheets if s.subject in subjects]).items()
        if ref in named or ref.split("/")[0] in shot.characters
    }
    index = max(seen.track.crops, key=lambda i: int(seen.track.crops[i][1].sum()))
    picture, mask = picture_at(shot.clip, index), seen.track.at(index)
    foreign = sorted(ref for ref in named if shot.characters and ref.split("/")[0] not in shot.characters)
    panel = marked_by(picture, mask, pictures, sorted(named))
    if panel is None and seen.kind in COMPARED:
        panel = marked_by(picture, mask, pictures, foreign, AS_MUCH)
    return replace(seen, reference=panel) if panel else seen


def findings_of(shot: Shot, seen: Sequence[Anomaly], film: Film, deps: Deps) -> tuple[Finding, ...]:
    made: dict[str, Finding] = {}
    for anomaly in sorted(seen, key=lambda a: (a.track.frames, a.track.box)):
        finding = _finding(shot, anomaly, film, deps)
        made.setdefault(finding.id, finding)
    return tuple(made.values())


def _finding(shot: Shot, seen: Anomaly, film: Film, deps: Deps) -> Finding:
    return Finding(
        id=_finding_id(shot, seen),
        shot=shot.id,
        frames=seen.track.frames,
        box=seen.track.box,
        mask=_keep_mask(shot, seen.track, film, deps),
        category=seen.category,
        subject=seen.subject,
        expected=seen.expected,
        observed=seen.observed,
        severity=_severity(seen.track),
        confidence=round(seen.confidence, 4),
        evidence=_evidence(shot, seen),
    )


def _finding_id(shot: Shot, seen: Anomaly) -> str:
    """From shot content, category, subject and place (in 1/16 of the frame), so that a rescan finds the same id."""
    box = seen.track.box
    column, row = (
        16 * (2 * box.x + box.w) // (2 * seen.track.width),
        16 * (2 * box.y + box.h) // (2 * seen.track.height),
    )
    parts = (content_hash(shot.clip), seen.category, seen.subject or "", str(column), str(row))
    return f"F-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:10]}"


def content_hash(clip: Clip) -> str:
    """SHA-256 of a clip's file (or of every picture of its folder) and its range."""
    files = sorted(clip.media.iterdir()) if clip.media.is_dir() else [clip.media]
    whole = "".join(_file_hash(file, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file())
    return hashlib.sha256(f"{whole}:{clip.first}-{clip.last}".encode()).hexdigest()


@lru_cache(maxsize=4096)
def _file_hash(file: Path, _changed: int, _size: int) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _keep_mask(shot: Shot, track: MaskTrack, film: Film, deps: Deps) -> str:
    with TemporaryDirectory(dir=deps.home) as folder:
        file = Path(folder) / "mask.mkv"
        write_mask(file, track, shot.clip.frames, film.fps)
        return deps.store.put(file, ".mkv")


def _severity(track: MaskTrack) -> Severity:
    largest = track.coverage[1]
    if largest > 0.2:
        return "blocking"
    return "minor" if largest < 0.001 else "major"


def _evidence(shot: Shot, seen: Anomaly) -> tuple[Evidence, ...]:
    """The eyes' evidence with the shot named, and the panel that carries the same mark first."""
    marked = (Evidence(kind="panel", ref=seen.reference + SAME_MARK),) if seen.reference else ()
    named = (
        e.model_copy(update={"ref": f"{shot.id}{e.ref}"}) if e.kind == "frame" and e.ref.startswith("@") else e
        for e in seen.evidence
    )
    return tuple(dict.fromkeys((*marked, *named)))
