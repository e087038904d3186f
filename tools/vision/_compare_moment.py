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
from tools.vision._compare_register import Floats, to_lab

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


def moment(clip: Clip, place: MaskTrack, seed: int) -> tuple[int, int] | None:
    """First and last frame of the stretch around `seed` in which a followed place stays as it is there.

    None where it nowhere changes at once, drifts to something else on either side, or changes at the picture's edge.
    """
    means = _means(clip, place)
    if seed not in means:
        return None
    first = _edge(means, seed, -1)
    last = _edge(means, seed, 1)
    if first is None or last is None or (first, last) == (min(means), max(means)):
        return None
    beside = {first - 1, first} if first > min(means) else set()
    beside |= {last, last + 1} if last < max(means) else set()
    return None if any(_touches_border(place, index) for index in beside) else (first, last)


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
