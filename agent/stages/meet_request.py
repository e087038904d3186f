"""Meet a request: the findings that a person means, out of what was found, and places made where nothing was.

Where one finding fits, it is the one; where several do or none does, the place is taken from coordinates in the request
or found by a model; else the person is asked, for that shot alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.deps import Deps
from agent.errors import ModelError
from agent.meant import ASKED_AGAIN, Meant, asked_for, category_of, meant_by, missing_words, several_words
from agent.request.plan import Fix, Reading
from agent.request.steps import find_thing
from agent.schema import Film, Finding, Shot
from agent.sightings import findings_of
from tools.media.stills import still
from tools.types import Anomaly, Box, MaskTrack
from tools.vision.mover import Mark, follow_mover
from tools.vision.region import mask_from_box, mask_from_point
from tools.vision.track import track

COORDINATES = re.compile(r"(\d+)\s*,\s*(\d+)(?:\s*,\s*(\d+)\s*,\s*(\d+))?")
"""A point X,Y or a box X,Y,W,H in source pixels, anywhere in the words of a place."""
MOMENTS = (0.5, 0.15, 0.85)
"""Where in a shot a model is asked for a thing, one after the other until it sees it."""


@dataclass(frozen=True, slots=True)
class Met:
    """The findings to act on, and per shot what to say where one is missing."""

    findings: dict[str, Finding] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


async def meet_request(
    film: Film, reading: Reading, found: Sequence[Finding], starts: Mapping[str, int], deps: Deps
) -> Met:
    """Every fix in every shot that it names. `starts` is each shot's first frame in the whole film."""
    met = Met()
    for fix in reading.fixes:
        for shot in (one for one in film.shots if one.id in fix.shots):
            finding = await _found(_Wish(film, shot, fix, starts[shot.id], deps), found)
            if isinstance(finding, str):
                met.missing[shot.id] = finding
            else:
                met.findings[finding.id] = asked_for(finding, fix)
    return met


@dataclass(frozen=True, slots=True)
class _Wish:
    """One fix in one shot; `first` is the shot's first frame in the film."""

    film: Film
    shot: Shot
    fix: Fix
    first: int
    deps: Deps

    @property
    def index(self) -> int | None:
        """The frame of the shot that the person named; None where none was."""
        if self.fix.span is None:
            return None
        return min(max(0, sum(self.fix.span) // 2 - self.first), self.shot.clip.frames - 1)


async def _found(wish: _Wish, found: Sequence[Finding]) -> Finding | str:
    """The finding that a fix means in a shot, or what to tell the person."""
    if wish.fix.operation == "regenerate":
        return await asyncio.to_thread(_whole, wish)
    meant = meant_by(wish.fix, wish.shot.id, found, wish.first, (wish.film.width, wish.film.height))
    if len(meant.findings) == 1:
        return meant.findings[0]
    given = COORDINATES.search(wish.fix.place)
    if given:
        return await asyncio.to_thread(_made, wish, wish.index, _seed(given))
    place = await _seen_place(wish)
    if place is None:
        model = wish.deps.mind is not None
        return several_words(meant) if meant.findings else missing_words(wish.fix, wish.shot.id, model=model)
    near = _nearest(meant, place[1])
    return near if near is not None else await asyncio.to_thread(_made, wish, *place)


def _seed(given: re.Match[str]) -> Box | tuple[int, int]:
    x, y, w, h = (int(part) if part else 0 for part in given.groups())
    return Box(x, y, w, h) if w and h else (x, y)


async def _seen_place(wish: _Wish) -> tuple[int, Box] | None:
    """A frame, and where the model sees the thing in it; None without a model, or where it sees none."""
    fix, shot, mind = wish.fix, wish.shot, wish.deps.mind
    if mind is None or not fix.thing or fix.operation == "add":
        return None
    last = shot.clip.frames - 1
    named = wish.index
    for at in (named,) if named is not None else dict.fromkeys(round(share * last) for share in MOMENTS):
        try:
            box = await find_thing(mind, shot, at, fix.thing, fix.place, whose=fix.subject or "")
        except ModelError:
            return None
        if box is not None:
            return at, box
    return None


def _nearest(meant: Meant, box: Box) -> Finding | None:
    """The one of several fitting findings that lies where the model points."""
    best = max(meant.findings, key=lambda f: f.box.common(box) / min(f.box.area, box.area), default=None)
    return best if best is not None and best.box.common(box) > 0 else None


def _made(wish: _Wish, index: int | None, seed: Box | tuple[int, int]) -> Finding | str:
    """A finding at a place that somebody pointed at, snapped to the picture and followed through the shot; a thing that
    moves and shall go is followed itself.
    """
    shot = wish.shot
    at = shot.clip.frames // 2 if index is None else index
    picture = still(shot.clip, at)
    height, width = picture.shape[:2]
    if seed[0] >= width or seed[1] >= height:
        return f"{tuple(seed)} does not lie inside the {width}×{height} pixels of {shot.id}; say another place"
    if isinstance(seed, Box):
        box = seed.grown(0, width, height)
        leaving = wish.fix.operation == "remove"
        moving = follow_mover(shot.clip, at, Mark.inside(box, width, height)) if leaving else None
        if moving is not None:
            return _finding(wish, moving.masks)
        mask = mask_from_box(picture, box)
    else:
        mask = mask_from_point(picture, seed)
    return _finding(wish, track(shot.clip, at, mask))


def _whole(wish: _Wish) -> Finding:
    """The whole shot, for a person who wants it made again."""
    width, height = wish.film.width, wish.film.height
    everything = np.ones((height, width), np.bool_)
    return _finding(wish, MaskTrack.of(dict.fromkeys(range(wish.shot.clip.frames), everything), width, height))


def _finding(wish: _Wish, region: MaskTrack) -> Finding:
    fix, again = wish.fix, wish.fix.operation == "regenerate"
    said = Anomaly(
        kind="meaning",
        track=region,
        category="technical" if again else category_of(fix.thing),
        expected=fix.wanted or EXPECTED[fix.operation],
        observed=ASKED_AGAIN if again else fix.thing or "what the person pointed at",
        confidence=1.0,
        subject=fix.subject,
    )
    (finding,) = findings_of(wish.shot, [said], wish.film, wish.deps)
    return finding


EXPECTED = {
    "remove": "what lies behind it, as around it",
    "add": "the thing that is missing",
    "change": "what was asked for",
    "repair": "the same, whole and steady",
    "match": "as the other shot shows it",
    "regenerate": "a better take of it",
}
"""What should be there where the person does not say."""
