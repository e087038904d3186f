"""Measured borders of the pictures on a page: what a rough box, given by a person or a model, is snapped to.

A rough box is off by a tenth of its sides, cuts a hand off or takes the caption in. It is matched to the panels that
pixels show (`find_panels`), else to straight borders near its sides, else to the outline of what stands on the paper
there. A box that shows no picture at all (paper, lettering, chips) is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.media import _page, _panels
from tools.media._frames import unframed
from tools.types import Bits, Box, Rgb

Lab = NDArray[np.float32]
MATCH = 0.5  # IoU of a rough box with a panel that it means: sides off by a tenth leave 0.6 at worst
WHOLE = 0.75  # IoU of a rough box with the whole page, where that is one picture
BETTER = 0.1  # IoU by which straight borders must fit better than a panel that was found
REACH = 0.13  # how far from a rough side its border is looked for, share of the box
STEP = 5.0  # CIE76 across a border
BORDER = 0.7  # share of a side that shows the step
DISTINCT = 0.25  # share by which a border is seen better than the lines about it
STRONG = 0.85  # and of sides that overrule a found panel
OUTLINE = 0.4  # IoU of a rough box with the outline of a figure that it means
PAPER = 0.6  # share of the rim round a figure that is paper
SAME = 0.6  # share of the smaller box that two boxes of one picture have in common


class Snapped(NamedTuple):
    """What became of a rough box."""

    box: Box | None
    """In the picture's pixels; None where it shows no picture, or one that another box shows already."""
    moved: float
    """The largest way, pixels, that a side moved; 0 for a box that was dropped."""
    measured: bool
    """Whether a border was found; a box without one stays as it was, but for what lies on another picture."""


class _Fit(NamedTuple):
    box: Box
    support: float
    """How well its border is seen, from 0 to 1."""


def snap_boxes(picture: Rgb, rough: Sequence[Box]) -> list[Snapped]:
    """One answer for every rough box (pixels of the (H, W, 3) picture), in their order."""
    height, width = picture.shape[:2]
    lab = _panels.working(picture)
    across, down = lab.shape[1] / width, lab.shape[0] / height
    inside = [_clipped(_panels.scaled(b, across, down, lab.shape[1], lab.shape[0]), lab) for b in rough]
    panels = _panels.found(lab)
    fits = _one_each([_fit(lab, box, panels) if box else None for box in inside], inside)
    places = _apart(fits)
    return [_answer(place, fit, box, picture) for place, fit, box in zip(places, fits, rough, strict=True)]


def _clipped(box: Box, lab: Lab) -> Box | None:
    """The part of a box that lies on the page; None where that is next to nothing."""
    x, y = max(0, box.x), max(0, box.y)
    right, bottom = min(lab.shape[1], box.x + box.w), min(lab.shape[0], box.y + box.h)
    return Box(x, y, right - x, bottom - y) if right - x >= 8 and bottom - y >= 8 else None


def _answer(place: Box | None, fit: _Fit | None, rough: Box, picture: Rgb) -> Snapped:
    """In the picture's own pixels; a box without a border stays as it was given, inside the page."""
    if place is None or fit is None:
        return Snapped(None, 0.0, measured=False)
    height, width = picture.shape[:2]
    scale = max(1.0, max(height, width) / _panels.WORK)
    kept = fit.support == 0 and place == fit.box
    box = _within(rough, width, height) if kept else _panels.scaled(place, scale, scale, width, height)
    return Snapped(box, 0.0 if kept else _way(box, rough), measured=fit.support > 0)


def _within(box: Box, width: int, height: int) -> Box:
    x, y = max(0, box.x), max(0, box.y)
    return Box(x, y, min(width, box.x + box.w) - x, min(height, box.y + box.h) - y)


def _way(box: Box, other: Box) -> float:
    sides = (box.x, other.x), (box.y, other.y), (box.x + box.w, other.x + other.w), (box.y + box.h, other.y + other.h)
    return float(max(abs(a - b) for a, b in sides))


def _fit(lab: Lab, box: Box, panels: Sequence[Box]) -> _Fit | None:
    """The measured picture that a rough box means; without support where there is none, None where nothing is seen."""
    panel = _panel(box, panels)
    if panel and panel.box.area == lab.shape[0] * lab.shape[1] and panel.box.iou(box) < WHOLE:
        panel = None
    straight = _straight(lab, box)
    if panel and not (straight and straight.support > STRONG and straight.box.iou(box) > panel.box.iou(box) + BETTER):
        return panel
    if straight and not _blank(lab, straight.box):
        return straight
    outline = _outline(lab, box)
    if outline and not _blank(lab, outline.box):
        return outline
    return None if _blank(lab, box) else _Fit(box, 0.0)


def _panel(box: Box, panels: Sequence[Box]) -> _Fit | None:
    """The panel that a box means, or several that it holds together: a picture in parts."""
    best = max(panels, key=box.iou, default=None)
    if best is None:
        return None
    parts = [panel for panel in panels if panel.common(box) > 0.8 * panel.area]
    together = parts[0] if parts else best
    for part in parts:
        together = together.union(part)
    chosen = together if len(parts) > 1 and together.iou(box) > best.iou(box) + BETTER else best
    return _Fit(chosen, 1.0) if chosen.iou(box) >= MATCH else None


def _blank(lab: Lab, box: Box) -> bool:
    """Whether a place shows paper, lettering or chips."""
    if max(box.w, box.h) > _panels.SLENDER * min(box.w, box.h):
        return True
    part, size = lab[box.slices], max(lab.shape[:2])
    thin = max(3, round(_panels.THIN * size))
    if _page.is_flat(part) or _page.is_coded_disc(part, thin):
        return True
    if _page.is_lettered(part, thin) or _page.is_strip(part, thin):
        return True
    return box.h < _panels.LETTER_HIGH * size and _page.is_line_of_text(part)


def _straight(lab: Lab, box: Box) -> _Fit | None:
    """The rectangle of straight borders nearest to a box's sides, all four of them seen."""
    fit = box
    for _ in range(2):
        left, right, a = _sides(lab, fit, box)
        top, bottom, b = _sides(lab.transpose(1, 0, 2), _turned(fit), _turned(box))
        if min(right - left, bottom - top) < 8:
            return None
        fit = Box(left, top, right - left, bottom - top)
    support = min(a, b)
    return _Fit(unframed(lab, fit), support) if support >= BORDER else None


def _turned(box: Box) -> Box:
    return Box(box.y, box.x, box.h, box.w)


def _sides(lab: Lab, fit: Box, rough: Box) -> tuple[int, int, float]:
    """The left and right border near a box, and how well the worse of the two is seen."""
    inset = fit.h // 10
    rows = lab[fit.y + inset : fit.y + fit.h - inset]
    reach = max(4, round(REACH * rough.w))
    left, a = _side(rows, rough.x, reach)
    right, b = _side(rows, rough.x + rough.w, reach)
    return left, right, min(a, b)


def _side(rows: Lab, at: int, reach: int) -> tuple[int, float]:
    """The line within reach where most rows step; the page's own border is one."""
    width = rows.shape[1]
    if at <= 2 or at >= width - 2:
        return (0 if at <= 2 else width), 1.0
    lines = np.arange(max(2, at - reach), min(width - 2, at + reach) + 1)
    support = (np.linalg.norm(rows[:, lines - 2] - rows[:, lines + 1], axis=2) > STEP).mean(axis=0)
    best = support.max()
    if best < np.median(support) + DISTINCT:
        return at, 0.0
    middle = np.flatnonzero(support >= best - 0.02)
    return int(lines[middle[len(middle) // 2]]), float(best)


def _outline(lab: Lab, box: Box) -> _Fit | None:
    """What stands on the paper within a box and a little beyond it."""
    area = box.grown(round(REACH * max(box.w, box.h)), lab.shape[1], lab.shape[0])
    off = _page.off_ground(lab[area.slices])
    if _rim_share(~off) < PAPER:
        return None
    drawn = _panels.separate(_panels.bodies(off))
    here = [_panels.moved(body, area) for body in drawn]
    whole = [body for body in here if body.common(box) > 0.5 * body.area and body.area > 0.02 * box.area]
    if not whole:
        return None
    around = whole[0]
    for body in whole[1:]:
        around = around.union(body)
    return _Fit(around, 0.5) if around.iou(box) >= OUTLINE else None


def _rim_share(paper: Bits) -> float:
    rim = np.ones(paper.shape, np.bool_)
    rim[3:-3, 3:-3] = False
    return float(paper[rim].mean())


def _one_each(fits: Sequence[_Fit | None], rough: Sequence[Box | None]) -> list[_Fit | None]:
    """Without boxes of a picture that another box shows already and fits better."""

    def rank(place: int) -> tuple[bool, float]:
        fit, box = fits[place], rough[place]
        return (fit is not None and fit.support > 0), fit.box.iou(box) if fit and box else 0.0

    kept: list[_Fit | None] = [None] * len(fits)
    for place in sorted(range(len(fits)), key=rank, reverse=True):
        fit = fits[place]
        if fit and not any(other and _same(fit, other) for other in kept):
            kept[place] = fit
    return kept


def _same(fit: _Fit, other: _Fit) -> bool:
    """Whether two fits show one picture; an inset with borders of its own is another."""
    common = fit.box.common(other.box)
    if fit.support > 0 and other.support > 0:
        return fit.box.iou(other.box) > SAME
    return common > SAME * min(fit.box.area, other.box.area)


def _apart(fits: Sequence[_Fit | None]) -> list[Box | None]:
    """Boxes without a border of their own drawn back from all others."""
    places = [fit.box if fit else None for fit in fits]
    for at, fit in enumerate(fits):
        if fit is None or fit.support > 0:
            continue
        for other, place in enumerate(places):
            mine = places[at]
            if other != at and place and mine and mine.common(place):
                places[at] = _drawn_back(mine, place)
    return places


def _drawn_back(box: Box, other: Box) -> Box:
    """The largest part of a box that lies at one side of another."""
    right, bottom = box.x + box.w, box.y + box.h
    sides = (
        Box(box.x, box.y, max(0, other.x - box.x), box.h),
        Box(box.x, box.y, box.w, max(0, other.y - box.y)),
        Box(other.x + other.w, box.y, max(0, right - other.x - other.w), box.h),
        Box(box.x, other.y + other.h, box.w, max(0, bottom - other.y - other.h)),
    )
    return max(sides, key=lambda side: side.area)
