"""Colours of one panel that its siblings do not show at that height: what turns with a figure keeps its height.

Made for turnarounds, whose panels show one figure at one size from several sides and never register.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Rgb
from tools.vision._compare_register import Floats, weighted_lab
from tools.vision.backdrop import plain_backdrop

Array = NDArray[np.float64]

COLOURS, BANDS = 32, 80
"""Colours that a sheet is told in, and bands of a figure's height."""
LIGHTNESS, SAME = 0.5, 12.0
"""What lightness counts, and distance up to which colours are the same: elara/ of ../shared/data, cel-shaded cloth."""
SPARE = 1.4
"""Times that a panel must show more of a colour than any sibling. On elara/ every value from 1.4 to 3 ranks alike."""
REACH = 2
"""Bands within which a colour is at its height."""
SEED, RUNS_ON = 0.3, 0.25
"""Share unexplained from which a place is odd, and from which all of its cloth is."""
LEAST = 30
"""Pixels of a place."""
OUTLINE = 0.012
"""Share of the panel's longer side by which a place is grown over the ink around it."""


@dataclass(frozen=True)
class UnexplainedColour:
    """How much of a panel's figure has colours that no sibling shows there, and the largest such place.

    `share` is of the figure's pixels; `box` and `mask` (H, W) are in the panel's pixels, None and empty without one.
    """

    panel: str
    share: float
    box: Box | None
    mask: Bits


@dataclass(frozen=True, slots=True)
class _Cut:
    """A panel's figure: its pixels, their weighted colours, each pixel's colour by number, and the band of each row."""

    figure: Bits
    lab: Floats
    names: NDArray[np.int64]
    bands: NDArray[np.int64]
    amounts: Array
    """How wide each colour, or one like it, is in each band (COLOURS, BANDS), as a share of the figure's height."""


def unexplained_colours(pictures: Mapping[str, Rgb]) -> list[UnexplainedColour]:
    """Each panel (H, W, 3) held against the others, most unexplained first; nothing of fewer than two.

    The panels must show the whole figure in one pose before a plain backdrop; whoever calls this knows that.
    """
    cuts = _cuts(pictures)
    if len(cuts) < 2:
        return []
    found = [_unexplained(ref, cut, [cuts[other] for other in cuts if other != ref]) for ref, cut in cuts.items()]
    return sorted(found, key=lambda one: -one.share)


def _cuts(pictures: Mapping[str, Rgb]) -> dict[str, _Cut]:
    """The panels that show a figure, in the colours of them all."""
    figures = {ref: _figure(picture) for ref, picture in pictures.items()}
    labs = {ref: weighted_lab(pictures[ref], LIGHTNESS) for ref, figure in figures.items() if figure.any()}
    if not labs:
        return {}
    points = np.concatenate([lab[figures[ref]] for ref, lab in labs.items()])
    middles = _palette(points[:: max(1, len(points) // 20000)])
    return {ref: _cut(figures[ref], lab, middles) for ref, lab in labs.items()}


def _figure(picture: Rgb) -> Bits:
    """What stands out of the backdrop, without guide lines and specks."""
    out = (~plain_backdrop(picture)).astype(np.uint8)
    thin = max(3, round(0.006 * max(picture.shape[:2])))
    body = cv2.morphologyEx(out, cv2.MORPH_OPEN, np.ones((thin, thin), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(body)
    kept = stats[:, 4] > 0.002 * body.size
    kept[0] = False
    return cast(Bits, kept[labels])


def _palette(points: Floats) -> Array:
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    first = np.zeros((len(points), 1), np.int32)
    count = min(COLOURS, len(points))
    _, _, middles = cv2.kmeans(np.ascontiguousarray(points), count, first, stop, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(middles, np.float64)


def _cut(figure: Bits, lab: Floats, middles: Array) -> _Cut:
    apart = (middles**2).sum(axis=1) - 2 * lab.reshape(-1, 3) @ middles.T
    names = np.asarray(apart.argmin(axis=1).reshape(figure.shape), np.int64)
    box = Box.around(figure)
    assert box is not None, "a panel without a figure is left out"
    bands = np.clip((np.arange(figure.shape[0]) - box.y) * BANDS // box.h, 0, BANDS - 1)
    amounts = np.zeros((len(middles), BANDS))
    np.add.at(amounts, (names[figure], np.broadcast_to(bands[:, None], figure.shape)[figure]), BANDS / box.h**2)
    alike = np.linalg.norm(middles[:, None] - middles[None], axis=2) < SAME
    return _Cut(figure, lab, names, bands, alike @ amounts)


def _unexplained(ref: str, cut: _Cut, others: Sequence[_Cut]) -> UnexplainedColour:
    near = np.ones((1, 2 * REACH + 1), np.uint8)
    shown = np.max([cv2.dilate(other.amounts, near) for other in others], axis=0)
    odd = np.clip(1 - SPARE * shown / np.maximum(cut.amounts, 1e-9), 0, 1)
    places = np.where(cut.figure, odd[cut.names, cut.bands[:, None]], 0).astype(np.float32)
    mask = _largest(cut, places)
    return UnexplainedColour(ref, float(places[cut.figure].mean()), Box.around(mask), mask)


def _largest(cut: _Cut, places: Floats) -> Bits:
    """The cloth that holds most of what is unexplained, with the ink around it; empty where nothing is odd."""
    seeds = cv2.GaussianBlur(places, (0, 0), 2) > SEED
    _, labels, stats, _ = cv2.connectedComponentsWithStats(seeds.astype(np.uint8))
    grown = [_cloth(cut, places, labels == n) for n in np.argsort(-stats[1:, 4])[:6] + 1 if stats[n, 4] >= LEAST]
    if not grown:
        return np.zeros(places.shape, np.bool_)
    best = max(grown, key=lambda mask: float(places[mask].sum()))
    reach = round(OUTLINE * max(places.shape))
    return np.asarray(cv2.dilate(best.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0)


def _cloth(cut: _Cut, places: Floats, seed: Bits) -> Bits:
    """The place, and the pieces of its colour that it is part of as far as they are unexplained themselves."""
    colour = np.median(cut.lab[seed], axis=0)
    like = cut.figure & (np.linalg.norm(cut.lab - colour, axis=2) < SAME)
    whole = cv2.morphologyEx(like.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels = cv2.connectedComponents(whole)
    pieces = [labels == n for n in np.unique(labels[seed]) if n]
    return cast(Bits, np.logical_or.reduce([seed, *(p for p in pieces if places[p].mean() > RUNS_ON)]))
