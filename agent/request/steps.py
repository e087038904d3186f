"""The steps of a model that reads a request: what each tool shows, and the check of what it proposes.

Tools only look. Nothing that they show can put a fix into a plan: every fix must quote the request, outside its own
quotation marks, and name shots that the request can mean.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from agent.answers import (
    AskBack,
    FindThing,
    FixSaid,
    ListShots,
    LookAt,
    MeasurePlace,
    Propose,
    ShowPanel,
    Step,
    TellInstead,
    ThingFound,
    TraceShot,
)
from agent.evidence import region_evidence
from agent.mind import Mind
from agent.request.constraints import WORTH
from agent.request.plan import Constraints, Fix, Outline, Reading, ShotNote
from agent.request.resolve import mentioned
from agent.schema import Film, Finding, Keeper, Shot
from agent.shown import Shown, shown
from agent.views import panel_views
from prompts import render
from tools.media.stills import still
from tools.types import Box
from tools.vision.region import mask_from_box
from tools.vision.track import track

MOST_AGAIN = 3
"""Shots that may be made again on a few words alone; more is asked about first."""
QUOTED = re.compile(r"[\"“”«»]([^\"“”«»]*)[\"“”«»]")


class Wrong(Exception):
    """The step cannot be taken; the words are told to the model."""


class Seen(NamedTuple):
    """What a tool shows: words for the transcript, and pictures."""

    words: str
    pictures: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools look into."""

    film: Film
    outline: Outline
    request: str
    mind: Mind
    known: Sequence[Finding] = ()
    """Findings of earlier runs."""


async def taken(step: Step, desk: Desk) -> Seen | Reading:
    """Takes a step: what a looking tool shows, or the reading that an ending one makes. Raises Wrong."""
    match step.act:
        case Propose() as proposal:
            return plan_of(proposal, desk.request, desk.outline)
        case AskBack(question=question):
            return Reading(kind="question", words=_one_line(question))
        case TellInstead(words=words):
            return Reading(kind="answer", words=_one_line(words))
        case act:
            look: Callable[..., Awaitable[Seen]] = LOOKS[type(act)]
            return await look(act, desk)


def _one_line(words: str) -> str:
    return " ".join(words.split())


async def _list(_: ListShots, desk: Desk) -> Seen:
    return Seen("; ".join(shot_line(one) for one in desk.outline.shots))


def shot_line(shot: ShotNote) -> str:
    """One shot in words; what it was made from is film text, and fenced."""
    who = f", with {', '.join(shot.characters)}" if shot.characters else ""
    scene = f", scene {shot.scene}" if shot.scene else ""
    made = f", made from «{_fenced(shot.prompt)}»" if shot.prompt else ""
    return f"{shot.id}: film frames {shot.first} to {shot.last}{scene}{who}{made}"


def _fenced(text: str) -> str:
    return _one_line(text).replace("«", "‹").replace("»", "›")


async def _look(act: LookAt, desk: Desk) -> Seen:
    shot = _shot(act.shot, desk.film)
    index = _frame(act.frame, shot)
    picture = await asyncio.to_thread(still, shot.clip, index)
    return Seen(f"{shot.id} frame {index} is shown", (shown(f"{shot.id}@{index}", "whole frame", picture),))


async def _find(act: FindThing, desk: Desk) -> Seen:
    shot = _shot(act.shot, desk.film)
    index = _frame(act.frame, shot)
    box = await find_thing(desk.mind, shot, index, act.thing)
    if box is None:
        return Seen(f"“{_one_line(act.thing)}” is not seen in {shot.id} frame {index}")
    return Seen(f"“{_one_line(act.thing)}” is at {list(box)} in {shot.id} frame {index} (source pixels)")


async def find_thing(mind: Mind, shot: Shot, index: int, thing: str, place: str = "", *, whose: str = "") -> Box | None:
    """Where the model sees a thing in a frame, in source pixels; None where it does not. Raises ModelError."""
    picture = await asyncio.to_thread(still, shot.clip, index)
    view = shown(f"{shot.id}@{index}", "whole frame", picture)
    prompt = render("find-thing", thing=_one_line(thing), place=place, whose=whose)
    said = await mind.ask(prompt, ThingFound, [view], about=shot.id)
    return None if said.box is None or said.confidence < LEAST_SURE else view.to_source(said.box.box)


LEAST_SURE = 0.5


async def _measure(act: MeasurePlace, desk: Desk) -> Seen:
    shot = _shot(act.shot, desk.film)
    index = _frame(act.frame, shot)
    return Seen(await asyncio.to_thread(_measured, shot, index, act.box.box))


def _measured(shot: Shot, index: int, box: Box) -> str:
    picture = still(shot.clip, index)
    height, width = picture.shape[:2]
    if box.x < 0 or box.y < 0 or box.x + box.w > width or box.y + box.h > height or min(box.w, box.h) < 1:
        raise Wrong(f"{list(box)} does not lie inside the {width} x {height} pixels of {shot.id}")
    region = track(shot.clip, index, mask_from_box(picture, box))
    found = region_evidence(shot.clip, region, Keeper(score=1.0))
    return (
        f"{shot.id} at {list(box)}: at most {found.coverage_max:.1%} of the frame, {found.motion.speed}, other frames "
        f"show {found.revealed:.0%} of it"
    )


async def _show(act: ShowPanel, desk: Desk) -> Seen:
    views = await asyncio.to_thread(panel_views, desk.film.sheets)
    if act.panel not in views:
        raise Wrong(f"there is no panel {act.panel!r}; there are {', '.join(views) or 'none'}")
    return Seen(f"{act.panel} is shown", (views[act.panel],))


async def _trace(act: TraceShot, desk: Desk) -> Seen:
    shot = _shot(act.shot, desk.film)
    found = [f for f in desk.known if f.shot == shot.id]
    lines = [f"{f.id} {f.category} frames {f.frames[0]}-{f.frames[1]}: «{_fenced(f.observed)}»" for f in found]
    return Seen("; ".join(lines) or f"no scan has found anything in {shot.id} so far")


LOOKS: dict[type, Callable[..., Awaitable[Seen]]] = {
    ListShots: _list,
    LookAt: _look,
    FindThing: _find,
    MeasurePlace: _measure,
    ShowPanel: _show,
    TraceShot: _trace,
}


def _shot(shot: str, film: Film) -> Shot:
    found = next((one for one in film.shots if one.id == shot), None)
    if found is None:
        raise Wrong(f"there is no shot {shot!r}; list-shots names them")
    return found


def _frame(frame: int, shot: Shot) -> int:
    if not 0 <= frame < shot.clip.frames:
        raise Wrong(f"{shot.id} has frames 0 to {shot.clip.frames - 1}")
    return frame


def plan_of(said: Propose, request: str, outline: Outline) -> Reading:
    """The proposal as a reading, held against the request. Raises Wrong with what does not hold."""
    if not said.fixes:
        raise Wrong("a plan has at least one fix; ask or answer where there is none")
    spare = _known(said.spare_shots, outline)
    fixes = tuple(_fix(one, request, outline, spare) for one in said.fixes)
    again = {shot for fix in fixes if fix.operation == "regenerate" for shot in fix.shots}
    if len(again) > MOST_AGAIN:
        raise Wrong(f"{len(again)} shots would be made again; ask first")
    constraints = Constraints(
        keep=tuple(sorted(set(said.keep))),
        budget_usd=_budget(said.budget_usd, request),
        spare=spare,
        forbid=tuple(sorted(set(said.forbid))),
        only=_editors(said.only_editors, outline),
        ask_first=said.ask_first,
    )
    return Reading(kind="plan", fixes=fixes, constraints=constraints)


def _fix(said: FixSaid, request: str, outline: Outline, spare: Sequence[str]) -> Fix:
    _quotes(said.quote, request)
    shots = _meant(_known(said.shots, outline), request, outline, said.subject)
    touched = [shot for shot in shots if shot in spare]
    if touched:
        raise Wrong(f"{', '.join(touched)} must not be touched, as the plan says itself")
    subjects = {*outline.characters, *outline.props}
    if said.subject is not None and said.subject not in subjects:
        raise Wrong(f"{said.subject!r} is no character or prop; there are {', '.join(sorted(subjects)) or 'none'}")
    if said.like is not None and said.like not in {*outline.panels, *(one.id for one in outline.shots)}:
        raise Wrong(f"{said.like!r} is no shot or panel of the film")
    span = None if said.first_frame is None else (said.first_frame, said.last_frame or said.first_frame)
    return Fix(
        operation=said.operation,
        shots=shots,
        span=span,
        subject=said.subject,
        thing=_one_line(said.thing),
        place=_one_line(said.place),
        wanted=_one_line(said.wanted),
        like=said.like,
        quote=said.quote,
    )


def _quotes(quote: str, request: str) -> None:
    """Raises Wrong unless the request says these very words outside quotation marks."""
    said, whole = _plain(quote), _plain(request)
    if not said or said not in whole:
        raise Wrong(f"the request does not say “{_one_line(quote)[:80]}”; quote it letter by letter")
    if any(said in _plain(inner) for inner in QUOTED.findall(request)):
        raise Wrong("words in quotation marks ask for nothing")


def _plain(words: str) -> str:
    return _one_line(words).casefold()


def _known(shots: Sequence[str], outline: Outline) -> tuple[str, ...]:
    order = [one.id for one in outline.shots]
    unknown = sorted(set(shots) - set(order))
    if unknown:
        raise Wrong(f"there is no shot {', '.join(unknown)}; list-shots names them")
    return tuple(shot for shot in order if shot in set(shots))


def _meant(shots: tuple[str, ...], request: str, outline: Outline, subject: str | None) -> tuple[str, ...]:
    """Raises Wrong where a fix names shots that nothing in the request can mean."""
    if not shots:
        raise Wrong("a fix names at least one shot; ask where the request does not say which")
    told = mentioned(request, outline)
    if told is None:
        told = {one.id for one in outline.shots if subject is None or subject in (*one.characters, *one.props)}
    beyond = [shot for shot in shots if shot not in told]
    if beyond:
        raise Wrong(
            f"the request does not mean {', '.join(beyond)}; by its words it can mean {', '.join(sorted(told))}"
        )
    return shots


def _budget(said: float | None, request: str) -> Decimal | None:
    """Raises Wrong for a sum that the request does not name, in digits, in English words, or in cents."""
    if said is None:
        return None
    named = {float(number.replace(",", ".")) for number in re.findall(r"\d+(?:[.,]\d+)?", request)}
    named |= {float(WORTH[word]) for word in re.findall(r"[a-z]+", request.lower()) if word in WORTH}
    if any(character.isdigit() for character in request) and not {said, 100 * said} & named:
        raise Wrong(f"the request does not name {said} US dollars")
    return Decimal(str(said))


def _editors(said: Sequence[str], outline: Outline) -> tuple[str, ...]:
    unknown = sorted(set(said) - set(outline.editors))
    if unknown:
        raise Wrong(f"no editor is called {', '.join(unknown)}; there are {', '.join(outline.editors) or 'none'}")
    return tuple(sorted(set(said)))
