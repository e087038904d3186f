"""The panels of a character's sheet held against each other: a place where one contradicts siblings that agree.

Panels that show different poses do not register, and nothing is claimed from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from tools.types import Bits, Box, Rgb
from tools.vision._compare_difference import Difference, carried, components, difference, show_alike, steepness
from tools.vision._compare_register import Pair, View, laid_on, register, working_view

UNDECIDED = 0.4
"""Highest confidence when two panels contradict each other and no third one tells which is wrong."""


@dataclass(frozen=True)
class PanelDisagreement:
    """A place of `panel` that contradicts siblings.

    `agree` names the siblings that agree with each other against the panel; `disagree` names the siblings that show
    the place and are not part of that agreement. With two panels only, `agree` is empty and `disagree` names the other.
    `mask` is a full-size (H, W) mask of the panel, `box` its bounding box in the panel's pixels.
    """

    panel: str
    box: Box
    mask: Bits
    agree: tuple[str, ...]
    disagree: tuple[str, ...]
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class _Held:
    """One sibling laid on the panel's grid, and where the two disagree."""

    ref: str
    pair: Pair
    found: Difference


def compare_panels(pictures: Mapping[str, Rgb], longest: int = 640) -> list[PanelDisagreement]:
    """Places where a panel contradicts its siblings, surest first.

    `pictures` are panels (H, W, 3) of one sheet by reference; `longest` is the working size in pixels.
    """
    views = {ref: working_view(picture, longest) for ref, picture in pictures.items()}
    found: list[PanelDisagreement] = []
    for ref in views:
        held = _held(ref, views)
        places = components(np.logical_or.reduce([h.found.odd for h in held])) if held else []
        judged = [_judge(ref, place, held) for place in places]
        found += [_full_size(one, pictures[ref]) for one in judged if one is not None]
    return sorted(_one_per_pair(found), key=lambda d: -d.confidence)


def _held(ref: str, views: Mapping[str, View]) -> list[_Held]:
    held = []
    for other, view in views.items():
        registration = None if other == ref else register(views[ref], view)
        if registration is not None:
            pair = laid_on(views[ref], view, registration)
            backdrop = carried(view.backdrop, registration.matrix, views[ref].size)
            held.append(_Held(other, pair, difference(pair, backdrop)))
    return held


def _judge(ref: str, place: Bits, held: list[_Held]) -> PanelDisagreement | None:
    """What the siblings that show a place say about it; None when the panel is in the majority or nobody agrees."""
    showing = [h for h in held if float(h.found.seen[place].mean()) > 0.8]
    against = [h for h in showing if float(h.found.odd[place].mean()) > 0.4]
    alike = _agreeing(against, place)
    others = tuple(h.ref for h in showing if h not in alike)
    same = sum(float(h.found.odd[place].mean()) < 0.1 for h in showing)
    if len(alike) > 1 + same and len(alike) > 1:
        return _faulty(ref, place, alike, others)
    if len(showing) == len(against) == 1 and float(against[0].found.closed[place].mean()) > 0.4:
        return _undecided(ref, place, against[0])
    return None


def _agreeing(against: list[_Held], place: Bits) -> list[_Held]:
    """The largest group of siblings that show the same thing at a place."""
    groups = [[h for h in against if h is one or show_alike(one.pair, h.pair, place)] for one in against]
    return max(groups, key=len, default=[])


def _faulty(ref: str, place: Bits, alike: list[_Held], others: tuple[str, ...]) -> PanelDisagreement:
    mask = np.mean([h.found.odd for h in alike], axis=0) > 0.5
    mask = cast(Bits, mask & place) if (mask & place).any() else place
    contrast = float(np.median([np.median(h.found.score[mask]) for h in alike]))
    names = tuple(h.ref for h in alike)
    confidence = (0.95 - 0.5 ** (len(alike) + 0.5)) * min(1.0, contrast / 6 + 0.3)
    why = f"{', '.join(names)} agree with each other against {ref} here"
    return _claim(ref, mask, agree=names, disagree=others, confidence=confidence, why=why)


def _undecided(ref: str, place: Bits, other: _Held) -> PanelDisagreement:
    own, sibling = steepness(other.pair.a, place), steepness(other.pair.b, place)
    confidence = UNDECIDED * own / (own + sibling)
    why = f"{ref} and {other.ref} differ here and no third panel shows the place"
    return _claim(ref, place, agree=(), disagree=(other.ref,), confidence=confidence, why=why)


def _claim(
    ref: str, mask: Bits, *, agree: tuple[str, ...], disagree: tuple[str, ...], confidence: float, why: str
) -> PanelDisagreement:
    return PanelDisagreement(ref, Box.around(mask) or Box(0, 0, 0, 0), mask, agree, disagree, round(confidence, 3), why)


def _full_size(one: PanelDisagreement, picture: Rgb) -> PanelDisagreement:
    size = (picture.shape[1], picture.shape[0])
    mask = cv2.resize(one.mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_LINEAR) > 127
    box = Box.around(mask) or one.box
    return PanelDisagreement(one.panel, box, mask, one.agree, one.disagree, one.confidence, one.why)


def _one_per_pair(found: list[PanelDisagreement]) -> list[PanelDisagreement]:
    """Of two panels that only contradict each other, the claim against the one that shows more there."""
    kept = []
    for one in found:
        mirror = [o for o in found if o is not one and not o.agree and not one.agree and (o.panel,) == one.disagree]
        if all(
            one.confidence > o.confidence or (one.confidence == o.confidence and one.panel < o.panel) for o in mirror
        ):
            kept.append(one)
    return kept
