"""Which finding a person means: the words of a fix held against what was found in a shot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from agent.request.plan import Fix
from agent.schema import Finding
from tools.types import Box, Category, Evidence

Group = Literal["whole", "temporal", "thing"]

GROUPS: Mapping[Category, Group] = {
    "lighting": "whole",
    "screen-direction": "whole",
    "eyeline": "whole",
    "staging": "whole",
    "time-weather": "whole",
    "temporal": "temporal",
    "technical": "temporal",
}
"""Which findings answer which words; every other category is of a thing, `colour` also of the whole shot."""
WHOLE = (
    r"light|lighting|exposure|grade|grading|colou?rs?|look|brightness|contrast|axis|direction|eyeline|weather|shadows?"
)
TEMPORAL = (
    r"flicker\w*|glitch\w*|melt\w*|warp\w*|morph\w*|jitter\w*|stutter\w*|jump\w*|pop\w*|freeze|frozen|artefacts?|"
    r"artifacts?"
)
CATEGORIES: tuple[tuple[str, Category], ...] = (
    (r"light\w*|exposure|brightness|shadows?", "lighting"),
    (r"colou?rs?|grade|grading|look|contrast", "colour"),
    (TEMPORAL, "temporal"),
    (r"hair|beard|moustache|make-?up|lipstick|wig|ponytail|braid", "hair-makeup"),
    (r"hands?|fingers?|arms?|legs?|foot|feet|teeth|limbs?|thumbs?|ears?|nose", "anatomy"),
    (r"face|eyes?|identity|age", "identity"),
    (r"text|letters?|lettering|caption|subtitles?|sign|watermark|logo|writing|label|words?", "text"),
    (
        r"jackets?|coats?|shirts?|dress|trousers|pants|skirt|shoes?|boots?|hat|cap|scarf|gloves?|suit|collar|uniform|"
        r"apron|vest|waistcoat|sweater|hoodie|tie|belt|sleeves?|cloak|cape|shawl|costume|outfit",
        "wardrobe",
    ),
    (
        r"walls?|windows?|doors?|floor|ceiling|lamps?|tables?|chairs?|pictures?|curtains?|furniture|plants?|trees?|"
        r"background|sky|building|car|posters?",
        "set-dressing",
    ),
)
"""Beginnings of what a noun is about, in order; anything else is a prop."""
PLACES: Mapping[str, tuple[int | None, int | None]] = {
    "left": (0, None),
    "right": (1, None),
    "top": (None, 0),
    "upper": (None, 0),
    "bottom": (None, 1),
    "lower": (None, 1),
}
LEAST_SURE = 0.95
"""A person who names a fault is believed."""


class Meant(NamedTuple):
    """The findings of one shot that a fix may mean: one is certain, several must be asked about, none is missing."""

    fix: Fix
    shot: str
    findings: tuple[Finding, ...]


def meant_by(fix: Fix, shot: str, findings: Iterable[Finding], first: int, size: tuple[int, int]) -> Meant:
    """Which findings of a shot a fix means. `first` is the shot's first frame in the film, `size` (width, height)."""
    open_here = [f for f in findings if f.shot == shot and f.status == "open" and _in_span(f, fix, first)]
    mine = [f for f in open_here if fix.subject is None or f.subject in (None, fix.subject)]
    named = [f for f in mine if _named(fix, f)]
    fitting = named or [f for f in mine if _group(f) in _groups(fix)] or [f for f in mine if f.category == "colour"]
    placed = [f for f in fitting if _at_place(f.box, fix.place, size)]
    return Meant(fix, shot, tuple(placed if fix.place and placed else fitting))


def _in_span(finding: Finding, fix: Fix, first: int) -> bool:
    if fix.span is None:
        return True
    return finding.frames[0] + first <= fix.span[1] and fix.span[0] <= finding.frames[1] + first


def _named(fix: Fix, finding: Finding) -> bool:
    """Whether what was found carries the thing's own name, as a model's words do."""
    head = fix.thing.casefold().split()[-1:] if fix.thing else []
    said = f"{finding.observed} {finding.expected}".casefold()
    return bool(head) and re.search(rf"\b{re.escape(head[0])}", said) is not None


def _group(finding: Finding) -> Group:
    return GROUPS.get(finding.category, "thing")


def _groups(fix: Fix) -> set[Group]:
    words = f"{fix.thing} {fix.quote}"
    if re.search(rf"\b({TEMPORAL})\b", words, re.IGNORECASE) or fix.operation == "repair":
        return {"temporal"} if re.search(rf"\b({TEMPORAL})\b", words, re.IGNORECASE) else {"temporal", "thing"}
    return {"whole"} if re.fullmatch(rf"({WHOLE})", fix.thing, re.IGNORECASE) else {"thing"}


def _at_place(box: Box, place: str, size: tuple[int, int]) -> bool:
    """Whether a box lies on the side of the picture that words name; words that name none fit everything.

    "her left ear" names no side of the picture, "top left" and "on the left of the frame" do.
    """
    if re.search(r"\b(her|his|their|its)\b", place):
        return True
    across, down = (box.x + box.w / 2) / size[0], (box.y + box.h / 2) / size[1]
    for word in re.findall(r"\w+", place.casefold()):
        x, y = PLACES.get(word, (None, None))
        if (x is not None and abs(across - x) > 0.6) or (y is not None and abs(down - y) > 0.6):
            return False
    return True


def category_of(thing: str) -> Category:
    """The category of a noun; a thing of which nothing is known is a prop."""
    head = thing.casefold().split()[-1] if thing.split() else ""
    return next((category for words, category in CATEGORIES if re.fullmatch(words, head)), "prop")


def asked_for(finding: Finding, fix: Fix) -> Finding:
    """The finding, with the person's word for it: certain, and saying what was asked."""
    words = Evidence(kind="text", ref=f"asked for: “{' '.join(fix.quote.split())}”")
    changes = {"confidence": max(LEAST_SURE, finding.confidence), "evidence": (*finding.evidence, words)}
    if fix.wanted:
        changes |= {"expected": fix.wanted}
    return finding.model_copy(update=changes)


def missing_words(fix: Fix, shot: str, *, model: bool) -> str:
    """What a person is told where the thing could not be found."""
    thing = fix.thing or "what you mean"
    looked = "neither measurement nor the model sees" if model else "measurement sees nothing wrong that could be"
    return (
        f"{looked} “{thing}” in {shot}; say where it is, such as “… in {shot} at 640,360” "
        "(pixels from the top left), or mark it with `suture mask` and use `suture inpaint`"
    )


def several_words(meant: Meant) -> str:
    """What a person is asked where several findings fit."""
    listed = "; ".join(
        f"{f.id}: {f.observed}, frames {f.frames[0]}-{f.frames[1]}, at {list(f.box)}" for f in meant.findings
    )
    return f"several places in {meant.shot} can be “{meant.fix.thing}”: {listed}; say where, such as “at 640,360”"


ASKED_AGAIN = "the shot as it is"


def is_whole(finding: Finding) -> bool:
    """Whether a finding stands for a shot that a person wants made again."""
    return finding.observed == ASKED_AGAIN
