"""A retaken window joined to the frames that are kept on both sides of it.

What the picture jumps by at a join is measured against the kept frame, carried into the take along the motion, and
taken back in two parts: colours of the whole picture, matched at both ends and in between; and what is left in broad
strokes, carried along the motion and faded out over a few frames. Nothing is crossed over picture by picture, so
nothing is seen double; where motion does not explain the kept frame, nothing is carried.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.fitting._colour import SAME, Map, between, matching, recoloured
from tools.media.decode import frames
from tools.media.pixels import rgb8, small_size
from tools.types import Bits, Clip, Frame, Gray, Rgb
from tools.vision.motion import flow, warp

Floats = NDArray[np.float32]

WORKING = 480
"""Longer side in pixels at which joins are looked at."""
MOST_FADE = 8
"""Frames over which a difference is faded out; at most half of the window."""
EXPLAINED, WILD = 16.0, 48.0
"""Levels of difference up to which a place is the same thing in another light, and from which it is another thing."""
BROAD = 0.012
"""Blur of what is faded out, as a share of the working width."""
SEEN, USUAL = 0.7, 1.5
"""Levels (RMS) of difference, and times that of two kept frames, under which a join is left as it is."""


@dataclass(frozen=True)
class Joins:
    """What brings a window's frames to the frames beside it: colours at both ends, and differences by frame."""

    first: int
    last: int
    opens: Map | None
    closes: Map | None
    fades: dict[int, Floats] = field(default_factory=dict)

    def joined(self, picture: Rgb, index: int) -> Rgb:
        """A frame of the window (H, W, 3), `index` counting from the clip's first frame; itself when nothing jumps."""
        made = recoloured(picture, self._colours(index))
        if index not in self.fades:
            return made
        height, width = made.shape[:2]
        change = cv2.resize(self.fades[index], (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(np.rint(made + change), 0, 255), np.uint8)

    def changes(self, index: int) -> bool:
        """Whether `joined` does anything to a frame."""
        return index in self.fades or not np.array_equal(self._colours(index), SAME)

    def _colours(self, index: int) -> Map:
        if self.opens is None or self.closes is None:
            known = self.opens if self.opens is not None else self.closes
            return SAME if known is None else known
        return between(self.opens, self.closes, (index - self.first) / max(1, self.last - self.first))


def measure_joins(clip: Clip, take: Path, window: tuple[int, int]) -> Joins:
    """The joins of a take's window; memory holds a few small pictures. The take has the clip's length."""
    first, last = window
    fade = max(1, min(MOST_FADE, (last - first + 1) // 2))
    inner = list(range(first, first + fade)), list(range(last, last - fade, -1))
    kept = first - 1 if first > 0 else None, last + 1 if last < clip.frames - 1 else None
    outer = [at for at in (first - 2, last + 2) if 0 <= at < clip.frames]
    beside = _small(clip, [*outer, *(one for one in kept if one is not None)])
    taken = _small(Clip(media=take, first=0, last=clip.frames - 1), [*inner[0], *inner[1]])
    ways: list[Map | None] = []
    fades: dict[int, Floats] = {}
    for at, indices, away in zip(kept, inner, (-1, 1), strict=True):
        if at is None:
            ways.append(None)
            continue
        usual = _rms(_jump(beside[at + away], beside[at])) if at + away in beside else 0.0
        way, changes = _join(beside[at], [taken[index] for index in indices], max(SEEN, USUAL * usual))
        ways.append(way)
        for index, change in zip(indices, changes, strict=False):
            fades[index] = fades[index] + change if index in fades else change
    return Joins(first, last, ways[0], ways[1], fades)


def _small(clip: Clip, indices: Sequence[int]) -> dict[int, Rgb]:
    """Small pictures of some frames of a clip."""
    found: dict[int, Rgb] = {}
    for low, high in _stretches(sorted(set(indices))):
        stream = frames(Clip(media=clip.media, first=clip.first + low, last=clip.first + high))
        found |= {low + at: _shrunk(frame) for at, frame in enumerate(stream)}
    return found


def _stretches(indices: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Runs of neighbours."""
    start = 0
    for at in range(1, len(indices) + 1):
        if at == len(indices) or indices[at] != indices[at - 1] + 1:
            yield indices[start], indices[at - 1]
            start = at


def _shrunk(frame: Frame) -> Rgb:
    size = small_size(frame.width, frame.height, WORKING)
    return np.asarray(cv2.resize(rgb8(frame), size, interpolation=cv2.INTER_AREA), np.uint8)


def _join(kept: Rgb, taken: Sequence[Rgb], seen: float) -> tuple[Map, list[Floats]]:
    """Colours that bring the take to the kept frame, and per frame, from the join inwards, what is faded out.

    Nothing where the picture jumps by less than `seen` levels.
    """
    if _rms(_jump(taken[0], kept)) < seen:
        return SAME, []
    carried, known = _carried(taken[0], kept)
    way = matching([(taken[0], carried, known)])
    made = [recoloured(picture, way) for picture in taken]
    left = _jump(made[0], kept)
    if _rms(left) < seen:
        return way, []
    changes, steps = [], len(taken) + 1
    for place, picture in enumerate(made):
        if place:
            left = np.asarray(warp(left, flow(_luma(picture), _luma(made[place - 1]))), np.float32)
        changes.append(left * ((steps - 1 - place) / steps))
    return way, changes


def _jump(one: Rgb, kept: Rgb) -> Floats:
    """What a kept frame differs by from the one beside it, in broad strokes (h, w, 3), where motion explains it."""
    carried, known = _carried(one, kept)
    return _broad(carried.astype(np.float32) - one, known)


def _rms(change: Floats) -> float:
    return float(np.sqrt(np.square(change).mean()))


def _carried(taken: Rgb, kept: Rgb) -> tuple[Rgb, Bits]:
    """The kept frame as seen from the take's frame, and where the two show the same thing."""
    moved = np.asarray(warp(kept, flow(_luma(taken), _luma(kept))), np.uint8)
    apart = cv2.GaussianBlur(moved.astype(np.float32) - taken, (0, 0), 1.6)
    apart -= np.median(apart.reshape(-1, 3), axis=0)
    return moved, np.asarray(np.abs(apart).max(axis=2) < WILD, np.bool_)


def _broad(change: Floats, known: Bits) -> Floats:
    """A difference (h, w, 3) in broad strokes where it is explained, nothing elsewhere."""
    sigma = max(1.0, BROAD * change.shape[1])
    size = np.abs(cv2.GaussianBlur(change, (0, 0), 1.6)).max(axis=2)
    trust = np.clip((WILD - size) / (WILD - EXPLAINED), 0, 1).astype(np.float32) * known
    mass = cv2.GaussianBlur(trust, (0, 0), sigma)
    blurred = cv2.GaussianBlur(change * trust[..., None], (0, 0), sigma)
    return np.asarray(blurred / np.maximum(mass, 0.25)[..., None], np.float32)


def _luma(picture: Rgb) -> Gray:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
