"""From a place that is odd on one key frame to the frames in which it is: between changes from one frame to the next.

An error that lives in a stretch of a shot comes and goes at once. A limb, a lid, a thing that is put down takes several
frames, and is nobody's error.
"""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np

from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.types import Clip, MaskTrack
from tools.vision._compare_register import Floats
from tools.vision.backdrop import to_lab

AT_ONCE = 0.6
"""Share of all change between the place as it is odd and as it is otherwise that must fall into one step."""
LEAST = 4.0
"""ΔE of the place's mean by which it must change."""
MARGIN = 2
"""Pixels from the picture's edge within which a place counts as touching it."""
DEEP = 0.25
"""Share of the picture's width or height that a place reaches in from the edge, to count as within."""
BEYOND = 3
"""Frames past a change that tell what the place is like otherwise."""
TILE, REACH = 1 / 54, 1 / 46
"""Side of the pieces of a place that are looked for in the next frame, and how far: shares of the picture's width."""
COVERED = 0.5
"""Share of a piece that must lie in the place."""
MOVED = 0.5
"""Share of a change that must be left where it is looked for nearby: what moved is found there."""
SUDDEN = 0.3
"""Share of a place's pieces that must not be found. On 16 films of the tune split (seed 606) true moments have 0.46 and
more, save one that flickers (0.24); limbs, hair and shadows that moved have 0.2 at most, blinking eyes more."""


def moment(clip: Clip, place: MaskTrack, seed: int) -> tuple[int, int] | None:
    """First and last frame of the stretch around `seed` in which a followed place stays as it is there.

    None where it nowhere changes at once, drifts to something else on either side, changes at the picture's edge, or
    only moves a little.
    """
    means = _means(clip, place)
    if seed not in means:
        return None
    first = _edge(means, seed, -1)
    last = _edge(means, seed, 1)
    if first is None or last is None or (first, last) == (min(means), max(means)):
        return None
    steps = [(first, first - 1)] if first > min(means) else []
    steps += [(last, last + 1)] if last < max(means) else []
    if any(_touches_border(place, index) for step in steps for index in step):
        return None
    return (first, last) if all(_is_sudden(clip, place, *step) for step in steps) else None


def _is_sudden(clip: Clip, place: MaskTrack, odd: int, other: int) -> bool:
    """Whether most of a place changes between two neighbouring frames, and what either shows is not found nearby in the
    other. A place with no room for a piece is taken at its word."""
    here, there = _lab_at(clip, odd), _lab_at(clip, other)
    box, bits = place.crops[odd]
    side = max(4, round(TILE * place.width))
    pieces = [
        np.s_[y : y + side, x : x + side]
        for y in range(box.y, box.y + box.h - side // 2, side)
        for x in range(box.x, box.x + box.w - side // 2, side)
        if bits[y - box.y : y - box.y + side, x - box.x : x - box.x + side].mean() >= COVERED
    ]
    if not pieces:
        return True
    changed = float(np.median([_rms(here[piece] - there[piece]) for piece in pieces]))
    least = max(LEAST, MOVED * changed)
    return changed >= LEAST and any(
        np.mean([_nearest(a, b, piece, place.width) >= least for piece in pieces]) >= SUDDEN
        for a, b in ((here, there), (there, here))
    )


def _lab_at(clip: Clip, index: int) -> Floats:
    at = clip.first + index
    return to_lab(rgb8(next(frames(Clip(media=clip.media, first=at, last=at)))))


def _rms(difference: Floats) -> float:
    """Root mean square of ΔE."""
    return float(np.sqrt(np.square(difference).sum(axis=-1).mean()))


def _nearest(one: Floats, other: Floats, piece: tuple[slice, slice], width: int) -> float:
    """ΔE (root mean square) between a piece of one picture and the most similar place near it in another."""
    reach = round(REACH * width)
    rows, columns = piece
    near = other[max(0, rows.start - reach) : rows.stop + reach, max(0, columns.start - reach) : columns.stop + reach]
    wanted = one[piece]
    match = cv2.matchTemplate(near, np.ascontiguousarray(wanted), cv2.TM_SQDIFF)
    return float(np.sqrt(max(0.0, float(match.min())) / (wanted.shape[0] * wanted.shape[1])))


def _touches_border(place: MaskTrack, index: int) -> bool:
    """Whether the place lies along the picture's edge, where things come and go by themselves; what only reaches the
    edge from far within does not."""
    box = place.crops[index][0].grown(MARGIN, place.width, place.height)
    across = box.w < DEEP * place.width and (box.x == 0 or box.x + box.w == place.width)
    down = box.h < DEEP * place.height and (box.y == 0 or box.y + box.h == place.height)
    return across or down


def _means(clip: Clip, place: MaskTrack) -> dict[int, Floats]:
    """Mean Lab of the place in every frame that shows it."""
    out = {}
    for index, frame in enumerate(frames(clip)):
        if index in place.crops:
            box, bits = place.crops[index]
            lab = to_lab(np.ascontiguousarray(rgb8(frame)[box.slices]))
            core = cv2.erode(np.pad(bits.astype(np.uint8), 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1] > 0
            out[index] = cast(Floats, lab[core if core.any() else bits].mean(axis=0))
    return out


def _edge(means: dict[int, Floats], seed: int, way: int) -> int | None:
    """The last frame in one direction that is still like the seed; None where the place changes little by little."""
    end = max(means) if way > 0 else min(means)
    at = seed
    while at != end:
        if at + way not in means:
            return None
        step = float(np.linalg.norm(means[at + way] - means[at]))
        if step >= LEAST and step >= AT_ONCE * _apart(means, seed, at + way, way):
            return at
        at += way
    return end if float(np.linalg.norm(means[end] - means[seed])) < LEAST else None


def _apart(means: dict[int, Floats], seed: int, start: int, way: int) -> float:
    """How far the place as it is past a change lies from the seed; infinite where that is no change."""
    beyond = [means[at] for at in range(start, start + BEYOND * way, way) if at in means]
    far = float(np.median([np.linalg.norm(mean - means[seed]) for mean in beyond]))
    return far if far >= LEAST else float("inf")
