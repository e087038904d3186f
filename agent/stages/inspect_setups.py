"""Inspect set-ups: what a comparison of the shots of one set-up adds to the findings, and what it clears."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.deps import Deps
from agent.evidence import track_of
from agent.schema import Film, Finding, Shot
from agent.sightings import findings_of, traced_back, weighed
from tools.types import SAME_MARK, Anomaly, Evidence, MaskTrack
from tools.vision.setups import Setups, ShotDigest, digest_shot, followed

COVERED = 0.6
"""Share of a smaller region from which it is part of another one."""
BOXED = 0.8
"""Share of a smaller region's box that lies in a larger one's, from which it is part of it."""
SAME_PLACE = 0.3
"""Box IoU from which two sightings in one shot are the same thing."""
BESIDE = 0.3
"""Share of a place's box that lies within or around another's, from which both may be one change."""
CLEARED_COSTS = 0.4
"""Confidence in what only panels contradict is multiplied by this where the other shots of the set-up agree. On 14
rendered films of the tune split that met 8 of 20 false claims and no true one."""
PLACED = ("setup", "colours", "moment")
"""Claims about a place of a shot, of which one is enough; what is said of a whole shot hides none of them."""
LEAST_AGAINST = 2
"""Shots that must contradict a place without being wrong there themselves."""
WORTH_FOLLOWING = 0.25
"""Confidence from which a claim of one key frame is followed, to see whether it comes and goes at once."""


def inspect_setups(
    film: Film, findings: Sequence[Finding], deps: Deps, *, least: float | None = None, beside: Film | None = None
) -> tuple[Finding, ...]:
    """The findings that are sure enough to report, with what a comparison of shots of the same set-up adds.

    `least` is the confidence from which a finding is handed on, where others judge after this. The film's shots are
    compared with those of `beside`, the whole film where `film` is a part of it. A known thing is not named twice;
    where it is known but unsure, the comparison makes it surer.
    """
    with TemporaryDirectory(dir=deps.home) as folder:
        digests = _Digests(Path(folder))
        for shot in (beside or film).shots:
            digests.keep(shot.id, digest_shot(shot.clip))
        setups = Setups(digests, {shot.id: shot.characters for shot in (beside or film).shots})
        seen = [(shot, found) for shot, found in setups.differences() if any(one.id == shot for one in film.shots)]
        findings = [_cleared(film, finding, setups) for finding in findings]
        wrong = [(f.shot, track_of(film, f)) for f in findings if _is_reported(f, deps) and _by_panels(f)]
        seen = [(shot, claim) for shot, claim in seen if not is_owed(shot, claim, wrong, setups.lies_on)]
    kept = [_Placed.of(film, finding) for finding in findings]
    shots = {shot.id: shot for shot in film.shots}
    for shot_id, found in seen:
        _add(kept, shots[shot_id], found, film, deps)
    enough = deps.policy.report if least is None else least
    return tuple(one.finding for one in kept if one.finding.confidence >= enough)


def _add(kept: list[_Placed], shot: Shot, found: Anomaly, film: Film, deps: Deps) -> None:
    """Adds what a comparison claims of a shot, or makes the finding surer that tells of the same place."""
    claim, here = weighed(shot, found), [one for one in kept if one.finding.shot == shot.id]
    met = _met(claim, here, deps)
    if met is None:
        least = deps.policy.report if found.kind != "moment" else WORTH_FOLLOWING
        whole = followed(shot.clip, claim) if claim.confidence >= least else None
        if whole is None or whole.confidence < deps.policy.report:
            return
        claim = whole
        met = _met(claim, here, deps)
    if met is None:
        siblings = [one for one in here if one.comes_and_goes_with(claim, shot)]
        for one in siblings:
            claim = one.taken_into(claim)
        (made,) = findings_of(shot, [traced_back(film, shot, claim)], film, deps)
        answered = [one for one in here if one.is_part_of(claim) or is_other_side(claim, one.track, shot)]
        kept[:] = [one for one in kept if one not in answered and one not in siblings]
        kept.append(_Placed(made, claim.track if claim.kind in PLACED else None))
    elif not (_is_reported(met.finding, deps) or shot.intended) and claim.confidence >= WORTH_FOLLOWING:
        kept[kept.index(met)] = met.backed(claim)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """A finding with its place, where it is of a place."""

    finding: Finding
    track: MaskTrack | None

    @classmethod
    def of(cls, film: Film, finding: Finding) -> _Placed:
        return cls(finding, track_of(film, finding) if finding.mask else None)

    def backed(self, claim: Anomaly) -> _Placed:
        """Surer, by what a comparison says of the same place."""
        confidence = round(1 - (1 - self.finding.confidence) * (1 - claim.confidence), 4)
        evidence = tuple(dict.fromkeys((*self.finding.evidence, *claim.evidence)))
        return replace(self, finding=self.finding.model_copy(update={"confidence": confidence, "evidence": evidence}))

    def comes_and_goes_with(self, claim: Anomaly, shot: Shot) -> bool:
        """Whether it lies beside the place of a claim and is there in the very same stretch of the shot."""
        if self.track is None or claim.kind not in PLACED:
            return False
        box, whole = claim.track.box, (0, shot.clip.frames - 1)
        near = box.grown(min(box.w, box.h), claim.track.width, claim.track.height)
        return self.track.frames == claim.track.frames != whole and near.common(self.track.box) > 0

    def taken_into(self, claim: Anomaly) -> Anomaly:
        """One claim of both places."""
        assert self.track is not None
        confidence = max(claim.confidence, self.finding.confidence)
        evidence = tuple(dict.fromkeys((*claim.evidence, *self.finding.evidence)))
        return replace(claim, track=claim.track.joined(self.track), confidence=confidence, evidence=evidence)

    def is_part_of(self, seen: Anomaly) -> bool:
        """Whether a comparison alone made it, and what another one saw takes it in."""
        compared = all(evidence.kind in {"panel", "shot"} for evidence in self.finding.evidence)
        return compared and seen.kind in PLACED and self.track is not None and _takes_in(seen.track, self.track)


def _met(claim: Anomaly, here: Sequence[_Placed], deps: Deps) -> _Placed | None:
    """The surest finding of the shot that covers the place of a claim already; an unsure one tells of places only."""
    for one in sorted(here, key=lambda one: -one.finding.confidence):
        placed = claim.kind in PLACED
        if one.track and (_overlap(claim.track, one.track) or (placed and _takes_in(one.track, claim.track))):
            return one if placed or _is_reported(one.finding, deps) else None
    return None


def _takes_in(whole: MaskTrack, part: MaskTrack) -> bool:
    """Whether one region, or the box around it, covers most of a smaller one in a frame that both have."""
    common = sorted(set(whole.crops) & set(part.crops))
    if not common:
        return False
    index = common[len(common) // 2]
    large, small = whole.at(index), part.at(index)
    if large.sum() < small.sum():
        return False
    box = part.crops[index][0]
    return bool((large & small).sum() > COVERED * small.sum()) or whole.crops[index][0].common(box) > BOXED * box.area


def is_other_side(seen: Anomaly, other: MaskTrack | None, shot: Shot) -> bool:
    """Whether a claim about the frames before or after, of the same place, is the same change read the other way round:
    the set-up's other shots tell which side of it is wrong. What comes and goes within the shot has no other side."""
    if seen.kind != "moment" or not other:
        return False
    (a, b), (c, d) = seen.track.frames, other.frames
    box, last = seen.track.box, shot.clip.frames - 1
    near = box.grown(max(box.w, box.h) // 2, seen.track.width, seen.track.height)
    whole = {a, b} & {0, last} and {c, d} & {0, last}
    return bool(whole) and (b + 1 == c or d + 1 == a) and near.common(other.box) > BESIDE * other.box.area


Lies = Callable[[str, MaskTrack, str, MaskTrack], bool]


def is_owed(shot: str, claim: Anomaly, wrong: Sequence[tuple[str, MaskTrack]], lies: Lies) -> bool:
    """Whether a claim rests on shots that are wrong at that very place: with an earpiece in two shots of a set-up, the
    third, which has none, is the odd one. `wrong` are places of shots that panels contradict; `lies` tells whether such
    a place of one shot lies on a claim's seed in another."""
    against = {evidence.ref for evidence in claim.evidence if evidence.kind == "shot"}
    if claim.kind not in PLACED or not against:
        return False
    owing = {other for other, place in wrong if other in against and lies(other, place, shot, claim.track)}
    return bool(owing) and len(against - owing) < LEAST_AGAINST


def _by_panels(finding: Finding) -> bool:
    """Whether panels contradict what was found."""
    return any(evidence.kind == "panel" for evidence in finding.evidence)


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
