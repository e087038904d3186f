"""Look at shots: a vision-language model judges what measurement proposed, and looks where pixels cannot.

It is shown several moments of the shot beside the panels that it must follow, every proposed place close, and the shot
beside the one before it in its scene. What it claims is held against measurement (`agent.claims`); a claim that nothing
measured backs is asked again with the pictures in the other order, and counts for half where it is not made again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from agent import claims
from agent.answers import PairLook, ShotLook
from agent.claims import Claim
from agent.deps import Deps
from agent.errors import ModelError
from agent.evidence import track_of
from agent.mind import Mind
from agent.schema import Film, Finding, Looked, PanelFault, Shot, Verdicted
from agent.shown import Shown
from agent.views import MARKS, canon_lines, close_ups, moments_of, panels_shown, subjects_of, whole_frames
from prompts import Prompt, render

AGAIN = 0.5
"""What a claim counts for that is not made again when the pictures come in the other order."""
SAME_PLACE = 0.2
"""Box IoU from which two answers point at one place: a model's boxes are rough."""
INSIDE = 0.6
"""Share of the smaller box that lies in the larger one, from which both are about one thing."""


@dataclass(frozen=True, slots=True)
class Looking:
    """What one look works with: the film, every measured finding, faulty panels, and whom to ask."""

    film: Film
    findings: Sequence[Finding]
    faults: Sequence[PanelFault]
    mind: Mind
    deps: Deps

    def of(self, shot: Shot) -> list[Finding]:
        return [finding for finding in self.findings if finding.shot == shot.id]

    def said_by(self, prompt: Prompt) -> str:
        return f"{self.mind.model}, {prompt.name}@{prompt.version}"


class Question(NamedTuple):
    """What a model is asked: the words, the pictures, and the findings behind the marks in order."""

    prompt: Prompt
    pictures: list[Shown]
    marked: tuple[Finding, ...] = ()


async def look_at_shot(look: Looking, shot: Shot, before: Shot | None) -> Looked:
    """What the model says of one shot, held against measurement; notices where it could not be asked.

    `before` is the shot that it is compared with, the one before it in its scene.
    """
    looked = await _against_panels(look, shot)
    return looked if before is None else looked.plus(await _against_shot(look, before, shot))


async def _against_panels(look: Looking, shot: Shot) -> Looked:
    asked = await asyncio.to_thread(shot_question, look.film, shot, look.of(shot), look.faults)
    try:
        said = await look.mind.ask(asked.prompt, ShotLook, asked.pictures, about=shot.id)
    except ModelError as error:
        return Looked(notices=(str(error),))
    made = [claims.from_difference(one, shot, asked.pictures, look.film) for one in said.differences]
    new, known = await asyncio.to_thread(_apart, look.film, made, look.of(shot))
    repeated = await _said_again(look, shot, asked) if new else None
    judged = _verdicts(said, asked.marked)
    weighed = await asyncio.to_thread(_findings, look, new, repeated, look.said_by(asked.prompt), {shot.id: shot})
    return weighed.plus(Looked(verdicts=(*judged, *known), pointless=made.count(None)))


def _verdicts(said: ShotLook, marked: Sequence[Finding]) -> list[Verdicted]:
    """What was said of the marks that there are."""
    return [
        Verdicted(finding=marked[one.mark - 1].id, verdict=one.verdict, why=claims.quoted(one.why))
        for one in said.marks
        if 1 <= one.mark <= len(marked)
    ]


def shot_question(film: Film, shot: Shot, findings: Sequence[Finding], faults: Sequence[PanelFault]) -> Question:
    """inspect-shot, with the moments first, then the panels, then the marked places."""
    moments = whole_frames(shot, moments_of(shot))
    panels = panels_shown(film, shot, faults)
    marked = tuple(sorted((f for f in findings if f.mask), key=lambda f: -f.confidence)[:MARKS])
    close: list[Shown] = []
    lines = []
    for number, finding in enumerate(marked, start=1):
        views = close_ups(shot, finding)
        lines.append(_mark_line(number, finding, _numbers(len(moments) + len(panels) + len(close), views)))
        close += views
    numbers = _numbers(0, moments), _numbers(len(moments), panels)
    return Question(_shot_prompt(film, shot, *numbers, lines), [*moments, *panels, *close], marked)


def _numbers(after: int, pictures: Sequence[Shown]) -> list[int]:
    return list(range(after + 1, after + len(pictures) + 1))


def _shot_prompt(film: Film, shot: Shot, moments: list[int], panels: list[int], marks: list[str]) -> Prompt:
    return render(
        "inspect-shot",
        shot=shot.id,
        scene=shot.scene or "",
        subjects=canon_lines(film, subjects_of(film, shot)),
        bible=film.bible,
        prompt=shot.prompt,
        intended=list(shot.intended),
        moments=moments,
        panels=panels,
        marks=marks,
    )


def _mark_line(number: int, finding: Finding, pictures: Sequence[int]) -> str:
    x, y, w, h = finding.box
    first, last = finding.frames
    beside = f", and outside of these frames in picture {pictures[1]}" if len(pictures) > 1 else ""
    place = f"{finding.shot}@{(first + last) // 2} [{x}, {y}, {w}, {h}] in the source's pixels"
    close = f"frames {first} to {last}: the middle of picture {pictures[0]}{beside}"
    return f"Mark {number}: {place}, {close}; measured: {finding.observed}"


def _apart(
    film: Film, made: Sequence[Claim | None], findings: Sequence[Finding]
) -> tuple[list[Claim], list[Verdicted]]:
    """Claims about new places, and what is said of places that measurement proposed already."""
    new: list[Claim] = []
    known: list[Verdicted] = []
    for claim in (claim for claim in made if claim is not None):
        twin = next((f for f in findings if _meets(film, claim, f)), None)
        if twin is None:
            new.append(claim)
        else:
            known.append(_backs(claim, twin))
    return new, known


def _meets(film: Film, claim: Claim, finding: Finding) -> bool:
    """Whether a claim is about the place of a finding, where that is in the claim's own frame."""
    first, last = finding.frames
    if claim.shot != finding.shot or not first <= claim.frame <= last or finding.mask is None:
        return False
    place, _ = track_of(film, finding).crops.get(claim.frame, (finding.box, None))
    common, smaller = claim.box.common(place), min(claim.box.area, place.area)
    return claim.box.iou(place) >= SAME_PLACE or common >= INSIDE * smaller


def _backs(claim: Claim, finding: Finding) -> Verdicted:
    why = f"{claim.observed}, where it should be {claim.expected}"
    return Verdicted(
        finding=finding.id,
        verdict="intended" if claim.intended else "error",
        why=why,
        observed=claim.observed,
        expected=claim.expected,
    )


async def _said_again(look: Looking, shot: Shot, asked: Question) -> list[Claim] | None:
    """The claims of a second look with the panels before the moments; None where there is no other order to ask in."""
    moments = [p for p in asked.pictures if claims.frame_of(p, shot.id) is not None and "[" not in p.name]
    panels = [p for p in asked.pictures if "@" not in p.name]
    if not panels:
        return None
    prompt = _shot_prompt(look.film, shot, _numbers(len(panels), moments), _numbers(0, panels), [])
    pictures = [*panels, *moments]
    try:
        said = await look.mind.ask(prompt, ShotLook, pictures, about=shot.id)
    except ModelError:
        return None
    made = [claims.from_difference(one, shot, pictures, look.film) for one in said.differences]
    return [claim for claim in made if claim is not None]


async def _against_shot(look: Looking, first: Shot, second: Shot) -> Looked:
    asked = await asyncio.to_thread(pair_question, look.film, first, second)
    try:
        said = await look.mind.ask(asked.prompt, PairLook, asked.pictures, about=second.id)
    except ModelError as error:
        return Looked(notices=(str(error),))
    made = [claims.from_pair(one, (first, second), asked.pictures, look.film) for one in said.differences]
    new, known = await asyncio.to_thread(_apart, look.film, made, [*look.of(first), *look.of(second)])
    repeated = await _paired_again(look, first, second) if new else None
    shots = {first.id: first, second.id: second}
    weighed = await asyncio.to_thread(_findings, look, new, repeated, look.said_by(asked.prompt), shots)
    return weighed.plus(Looked(verdicts=tuple(known), pointless=made.count(None)))


def pair_question(film: Film, first: Shot, second: Shot) -> Question:
    """compare-shots, two moments of each, in the given order."""
    one, two = (whole_frames(shot, moments_of(shot, 2)) for shot in (first, second))
    subjects = dict.fromkeys((*subjects_of(film, first), *subjects_of(film, second)))
    prompt = render(
        "compare-shots",
        first=first.id,
        second=second.id,
        scene=second.scene or "",
        first_pictures=_numbers(0, one),
        second_pictures=_numbers(len(one), two),
        subjects=canon_lines(film, subjects),
        bible=film.bible,
        intended=[f"{shot.id}: {text}" for shot in (first, second) for text in shot.intended],
    )
    return Question(prompt, [*one, *two])


async def _paired_again(look: Looking, first: Shot, second: Shot) -> list[Claim] | None:
    """The claims when the second shot is shown first."""
    asked = await asyncio.to_thread(pair_question, look.film, second, first)
    try:
        said = await look.mind.ask(asked.prompt, PairLook, asked.pictures, about=second.id)
    except ModelError:
        return None
    made = [claims.from_pair(one, (second, first), asked.pictures, look.film) for one in said.differences]
    return [claim for claim in made if claim is not None]


def _findings(
    look: Looking, new: Sequence[Claim], repeated: Sequence[Claim] | None, by: str, shots: Mapping[str, Shot]
) -> Looked:
    """Claims that measurement does not contradict, as findings; the others are counted."""
    made: list[Finding] = []
    contradicted = 0
    for claim in new:
        confidence = claims.held(claim)
        if confidence is None:
            contradicted += 1
            continue
        steady = repeated is None or any(_same_claim(claim, other) for other in repeated)
        sure = confidence if steady else AGAIN * confidence
        if sure >= look.deps.policy.report:
            made.append(
                claims.made_finding(claim._replace(confidence=sure), look.film, shots[claim.shot], by, look.deps)
            )
    return Looked(findings=tuple(made), contradicted=contradicted)


def _same_claim(one: Claim, other: Claim) -> bool:
    return one.shot == other.shot and one.box.iou(other.box) >= SAME_PLACE


def shot_before(film: Film, shot: Shot) -> Shot | None:
    """The shot that one is compared with: the last one before it in its scene, one with the same people first.

    A film whose scenes are not named is one scene, as far as neighbours go.
    """
    place = film.shots.index(shot)
    earlier = [one for one in reversed(film.shots[:place]) if one.scene == shot.scene]
    if shot.scene is None:
        earlier = earlier[:1]
    alike = [one for one in earlier if set(one.characters) & set(shot.characters)]
    return next(iter(alike or earlier), None)
