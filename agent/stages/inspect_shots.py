"""Inspect: what the eyes see in sheets, shots and set-ups, written down as findings. Reads only, edits nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from agent.deps import Deps
from agent.evidence import track_of
from agent.panels import panel_pictures, untrusted_places
from agent.schema import Film, Finding, PanelFault, Severity, Sheet, Shot
from tools.media.masks import write_mask
from tools.media.sheets import read_picture, write_picture
from tools.types import SAME_MARK, Anomaly, Clip, Evidence, MaskTrack
from tools.vision.compare import AS_MUCH, compare_shot_to_panels, marked_by, picture_at
from tools.vision.panels import PanelDisagreement, compare_panels
from tools.vision.setups import Setups, ShotDigest, digest_shot, followed
from tools.vision.temporal import inspect_time

COVERED = 0.6
"""Share of a smaller region from which it is part of another one."""
SAME_PLACE = 0.3
"""Box IoU from which two sightings in one shot are the same thing."""
INTENDED_COSTS = 0.5
"""Confidence in a difference from panels or other shots is multiplied by this in a shot whose film.toml declares
intended changes: pixels cannot read which they are."""
CLEARED_COSTS = 0.4
"""Confidence in what only panels contradict is multiplied by this where the other shots of the set-up agree. On 14
rendered films of the tune split that met 8 of 20 false claims and no true one."""
COMPARED = ("panel", "setup", "colours", "moment", "look", "mirrored")
PLACED = ("setup", "colours", "moment")
"""Claims about a place of a shot, of which one is enough; what is said of a whole shot hides none of them."""
TRACED = ("panel", "setup", "colours", "moment", "pop")
WORTH_FOLLOWING = 0.25
"""Confidence from which a claim of one key frame is followed, to see whether it comes and goes at once."""
MIN_SIBLINGS = 2
"""Panels that must agree against one before it is called faulty; one against one is a draw."""


def inspect_sheets(film: Film, deps: Deps) -> tuple[PanelFault, ...]:
    """Panels whose pixels disagree with siblings that agree among themselves."""
    faults: list[PanelFault] = []
    for subject in dict.fromkeys(sheet.subject for sheet in film.sheets):
        sheets = [sheet for sheet in film.sheets if sheet.subject == subject]
        seen = compare_panels(panel_pictures(sheets))
        decided = [d for d in seen if len(d.agree) >= MIN_SIBLINGS and d.confidence >= deps.policy.report]
        faults += [_fault(sheets, disagreement, deps) for disagreement in decided]
    return tuple(faults)


def _fault(sheets: Sequence[Sheet], seen: PanelDisagreement, deps: Deps) -> PanelFault:
    sheet, panel = next((s, p) for s in sheets for p in s.panels if p.ref == seen.panel)
    height, width = read_picture(sheet.image).shape[:2]
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[panel.box.slices] = np.where(seen.mask, 255, 0)
    box = seen.box._replace(x=seen.box.x + panel.box.x, y=seen.box.y + panel.box.y)
    with TemporaryDirectory(dir=deps.home) as folder:
        file = Path(folder) / "mask.png"
        write_picture(file, np.repeat(mask[..., None], 3, axis=2))
        kept = deps.store.put(file, ".png")
    return PanelFault(
        panel=seen.panel, box=box, mask=kept, agree=seen.agree, confidence=round(seen.confidence, 4), why=seen.why
    )


def inspect_shot(film: Film, shot: Shot, faults: Sequence[PanelFault], deps: Deps) -> tuple[Finding, ...]:
    """Findings of one shot: against itself over time, and against the panels of its characters."""
    seen = _sightings(film, shot, faults)
    reported = [_traced_back(film, shot, a) for a in seen if a.confidence >= deps.policy.report]
    return _findings(shot, reported, film, deps)


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
    return [_weighed(shot, one) for one in merge(over_time, against)]


def _traced_back(film: Film, shot: Shot, seen: Anomaly) -> Anomaly:
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


def _weighed(shot: Shot, seen: Anomaly) -> Anomaly:
    """Less sure where it may be one of the changes that the shot declares."""
    costs = INTENDED_COSTS if shot.intended and seen.kind in COMPARED else 1.0
    return replace(seen, confidence=seen.confidence * costs)


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


def inspect_setups(film: Film, findings: Sequence[Finding], deps: Deps) -> tuple[Finding, ...]:
    """All findings, with what a comparison of shots of the same set-up adds; a known thing is not named twice."""
    with TemporaryDirectory(dir=deps.home) as folder:
        digests = _Digests(Path(folder))
        for shot in film.shots:
            digests.keep(shot.id, digest_shot(shot.clip))
        setups = Setups(digests, {shot.id: shot.characters for shot in film.shots})
        seen = setups.differences()
        findings = [f for f in (_cleared(film, finding, setups) for finding in findings) if _is_reported(f, deps)]
    shots = {shot.id: shot for shot in film.shots}
    kept = [_Placed.of(film, finding) for finding in findings]
    for shot_id, found in seen:
        shot, here = shots[shot_id], [one for one in kept if one.finding.shot == shot_id]
        least = deps.policy.report if found.kind != "moment" else WORTH_FOLLOWING
        if _weighed(shot, found).confidence < least or _is_known(found, here):
            continue
        whole = followed(shot.clip, found)
        weighed = None if whole is None else _weighed(shot, whole)
        if weighed is None or weighed.confidence < deps.policy.report or _is_known(weighed, here):
            continue
        (made,) = _findings(shot, [_traced_back(film, shot, weighed)], film, deps)
        answered = [one for one in here if one.is_part_of(weighed) or _is_other_side(weighed, one.track)]
        kept = [one for one in kept if one not in answered]
        kept.append(_Placed(made, weighed.track if weighed.kind in PLACED else None))
    return tuple(one.finding for one in kept)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A finding with its place, where it is of a place."""

    finding: Finding
    track: MaskTrack | None

    @classmethod
    def of(cls, film: Film, finding: Finding) -> _Placed:
        return cls(finding, track_of(film, finding) if finding.mask else None)

    def is_part_of(self, seen: Anomaly) -> bool:
        """Whether a comparison alone made it, and what another one saw takes it in."""
        compared = all(evidence.kind in {"panel", "shot"} for evidence in self.finding.evidence)
        return compared and seen.kind in PLACED and self.track is not None and _takes_in(seen.track, self.track)


def _is_known(seen: Anomaly, here: Sequence[_Placed]) -> bool:
    """Whether a finding of the shot covers the place already, or takes it in."""
    tracks = [one.track for one in here if one.track]
    return any(
        _overlap(seen.track, track) or (seen.kind in PLACED and _takes_in(track, seen.track)) for track in tracks
    )


def _takes_in(whole: MaskTrack, part: MaskTrack) -> bool:
    """Whether one region covers most of a smaller one, in a frame that both have."""
    common = sorted(set(whole.crops) & set(part.crops))
    if not common:
        return False
    large, small = (track.at(common[len(common) // 2]) for track in (whole, part))
    return bool(large.sum() >= small.sum() and (large & small).sum() > COVERED * small.sum())


def _is_other_side(seen: Anomaly, other: MaskTrack | None) -> bool:
    """Whether a claim about the frames before or after, beside the place, is the same change read the other way round:
    the set-up's other shots tell which side of it is wrong."""
    if seen.kind != "moment" or not other:
        return False
    (a, b), (c, d) = seen.track.frames, other.frames
    box = seen.track.box
    near = box.grown(max(box.w, box.h) // 2, seen.track.width, seen.track.height)
    return (b + 1 == c or d + 1 == a) and near.common(other.box) > 0


def _cleared(film: Film, finding: Finding, setups: Setups) -> Finding:
    """Less sure, where only panels speak against a place that the other shots of the set-up show just so: a limb or a
    garment's edge that no panel shows in that pose. Shots made from the panel that carries a mark do not count."""
    if any(evidence.kind != "panel" for evidence in finding.evidence):
        return finding
    marked = {e.ref.removesuffix(SAME_MARK) for e in finding.evidence if e.ref.endswith(SAME_MARK)}
    if marked and not any(shot.references for shot in film.shots):
        return finding
    suspects = [shot.id for shot in film.shots if marked.intersection(shot.references)]
    alike = setups.clears(finding.shot, track_of(film, finding), suspects)
    if not alike:
        return finding
    shown = tuple(Evidence(kind="shot", ref=shot) for shot in alike)
    confidence = round(CLEARED_COSTS * finding.confidence, 4)
    return finding.model_copy(update={"confidence": confidence, "evidence": (*finding.evidence, *shown)})


def _is_reported(finding: Finding, deps: Deps) -> bool:
    return finding.confidence >= deps.policy.report


def _overlap(a: MaskTrack, b: MaskTrack) -> bool:
    """Whether two tracks cover one place in some frame that both have."""
    together = bool(a) and bool(b) and a.frames[0] <= b.frames[1] and b.frames[0] <= a.frames[1]
    return together and a.box.iou(b.box) >= SAME_PLACE


class _Digests(Mapping[str, ShotDigest]):
    """Digests of all shots on disk, one in memory at a time: a film's length costs no memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shots: list[str] = []

    def keep(self, shot: str, digest: ShotDigest) -> None:
        (self._folder / f"{shot}.npz").write_bytes(digest.to_bytes())
        self._shots.append(shot)

    def __getitem__(self, shot: str) -> ShotDigest:
        return ShotDigest.from_bytes((self._folder / f"{shot}.npz").read_bytes())

    def __iter__(self) -> Iterator[str]:
        return iter(self._shots)

    def __len__(self) -> int:
        return len(self._shots)


def _findings(shot: Shot, seen: Sequence[Anomaly], film: Film, deps: Deps) -> tuple[Finding, ...]:
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
