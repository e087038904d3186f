"""From what a model says to findings: pointed places snapped and followed, claims that measurement contradicts dropped.

A model's word alone is never enough to act: a claim that nothing measured supports stays under the policy's limit for
acting, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from agent.answers import Difference, PairDifference
from agent.deps import Deps
from agent.schema import Film, Finding, Shot
from agent.shown import Shown
from agent.sightings import INTENDED_COSTS, findings_of, traced_back, weighed
from tools.media.stills import still
from tools.types import Anomaly, Box, Category, Evidence, MaskTrack
from tools.vision.claims import agreement, thing_in
from tools.vision.track import track

ALONE, MOST_ALONE = 0.65, 0.58
"""A claim that nothing measured supports is worth this share of the model's confidence, and never enough to act on."""
MEASURED = 0.95
"""Share of the model's confidence where the two pictures measurably differ at the place."""
UNDECIDED = 0.9
"""And where two shots differ but the model cannot tell which is wrong."""
WHOLE = 0.5
"""Share of the frame from which a claim is about the shot as a whole."""
LONGEST_QUOTE = 160


class Claim(NamedTuple):
    """One difference that a model names, in the source's own pixels of a frame of a shot."""

    shot: str
    frame: int
    box: Box
    category: Category
    subject: str | None
    observed: str
    expected: str
    confidence: float
    intended: bool
    seen: Shown
    """The picture that it points into."""
    pointed: Box
    """The place in pixels of that picture."""
    against: Shown | None
    shown_in: tuple[int, ...]
    """Frames of the shot that show it, as far as the model was shown any."""
    not_in: tuple[int, ...] = ()
    """Frames that were shown and do not show it."""


def from_difference(said: Difference, shot: Shot, pictures: Sequence[Shown], film: Film) -> Claim | None:
    """A claim about a shot against its references; None where it points at nothing of the shot."""
    seen, against = _picture(pictures, said.picture), _picture(pictures, said.against)
    frame = frame_of(seen, shot.id)
    if seen is None or frame is None:
        return None
    moments = {f for p in pictures if (f := frame_of(p, shot.id)) is not None and "[" not in p.name}
    named = {f for n in said.moments if (f := frame_of(_picture(pictures, n), shot.id)) is not None} | {frame}
    return Claim(
        shot=shot.id,
        frame=frame,
        box=seen.to_source(said.box.box),
        category=said.category,
        subject=said.subject if _is_subject(film, said.subject) else None,
        observed=quoted(said.observed),
        expected=quoted(said.expected),
        confidence=said.confidence,
        intended=said.intended,
        seen=seen,
        pointed=said.box.box,
        against=against,
        shown_in=tuple(sorted(named)),
        not_in=tuple(sorted(moments - named)),
    )


def from_pair(said: PairDifference, shots: tuple[Shot, Shot], pictures: Sequence[Shown], film: Film) -> Claim | None:
    """A claim about one of two shots of a scene: the one that is said to be wrong, else the second."""
    wrong_first = said.odd == "first"
    shot = shots[0] if wrong_first else shots[1]
    here = _picture(pictures, said.first_picture if wrong_first else said.second_picture)
    there = _picture(pictures, said.second_picture if wrong_first else said.first_picture)
    frame, box = frame_of(here, shot.id), (said.first_box if wrong_first else said.second_box).box
    if here is None or frame is None:
        return None
    observed, expected = (said.first, said.second) if wrong_first else (said.second, said.first)
    return Claim(
        shot=shot.id,
        frame=frame,
        box=here.to_source(box),
        category=said.category,
        subject=said.subject if _is_subject(film, said.subject) else None,
        observed=quoted(observed),
        expected=quoted(expected),
        confidence=said.confidence * (UNDECIDED if said.odd == "cannot-tell" else 1.0),
        intended=said.intended,
        seen=here,
        pointed=box,
        against=there,
        shown_in=(frame,),
    )


def _picture(pictures: Sequence[Shown], number: int) -> Shown | None:
    return pictures[number - 1] if 1 <= number <= len(pictures) else None


def frame_of(picture: Shown | None, shot: str) -> int | None:
    """The frame of a shot that a picture shows, counted from the shot's first; None for another picture."""
    if picture is None or not picture.name.startswith(f"{shot}@"):
        return None
    return int(picture.name.removeprefix(f"{shot}@").partition("[")[0])


def _is_subject(film: Film, subject: str | None) -> bool:
    return any(sheet.subject == subject for sheet in film.sheets)


def quoted(words: str) -> str:
    """A model's words as a finding shows them: one line, not longer than a line."""
    line = " ".join(words.split())
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


def held(claim: Claim) -> float | None:
    """The confidence that a claim earns against measurement; None where measurement contradicts it.

    Only what two pictures can show of one and the same place is held against pixels.
    """
    said = claim.confidence * (INTENDED_COSTS if claim.intended else 1.0)
    found = "unknown"
    if claim.against is not None and claim.against is not claim.seen:
        found = agreement(claim.seen.pixels, claim.pointed, claim.against.pixels)
    if found == "same":
        return None
    return MEASURED * said if found == "different" else min(MOST_ALONE, ALONE * said)


def made_finding(claim: Claim, film: Film, shot: Shot, said_by: str, deps: Deps) -> Finding:
    """The claim as a finding of its confidence, with its mask snapped to the picture and followed through the shot."""
    seen = Anomaly(
        kind="meaning",
        track=_followed(claim, shot),
        category=claim.category,
        expected=claim.expected,
        observed=claim.observed,
        confidence=claim.confidence,
        evidence=_evidence(claim, said_by),
        subject=claim.subject,
    )
    (finding,) = findings_of(shot, [traced_back(film, shot, weighed(shot, seen))], film, deps)
    return finding


def _evidence(claim: Claim, said_by: str) -> tuple[Evidence, ...]:
    frame = Evidence(kind="frame", ref=f"{claim.shot}@{claim.frame}")
    words = Evidence(kind="text", ref=f"{said_by}: “{claim.observed}”, where it should be “{claim.expected}”")
    return (*_reference(claim.against), frame, words)


def _reference(picture: Shown | None) -> tuple[Evidence, ...]:
    """What a claim was held against, as evidence: a panel, or another shot's frame."""
    if picture is None:
        return ()
    name = picture.name.partition("[")[0]
    if "@" in name:
        return (Evidence(kind="frame", ref=name),)
    return (Evidence(kind="panel", ref=name),) if "/" in name else ()


def _followed(claim: Claim, shot: Shot) -> MaskTrack:
    picture = still(shot.clip, claim.frame)
    height, width = picture.shape[:2]
    first, last = _stretch(claim, shot.clip.frames)
    if claim.box.area > WHOLE * width * height:
        everything = np.ones((height, width), np.bool_)
        return MaskTrack.of(dict.fromkeys(range(first, last + 1), everything), width, height)
    other = claim.against if claim.against is not claim.seen else None
    mask = thing_in(picture, claim.box, other.pixels if other else None)
    return track(shot.clip, claim.frame, mask, (first, last))


def _stretch(claim: Claim, frames: int) -> tuple[int, int]:
    """From half way after the last moment before that does not show it, to half way before the next one."""
    first, last = min(claim.shown_in), max(claim.shown_in)
    before = [frame for frame in claim.not_in if frame < first]
    after = [frame for frame in claim.not_in if frame > last]
    start = (max(before) + first + 1) // 2 if before else 0
    end = (last + min(after)) // 2 if after else frames - 1
    return start, end
