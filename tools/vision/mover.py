"""Things that move before a still scene, marked roughly and followed by what the scene does not explain.

Colour cannot part a white dog from a white floor; that the floor is there when the dog is not can. What moves in the
marked frame under the mark is the thing, the rest is others; from frame to frame both are carried by dense flow and
share out what moves there, each pixel to the nearer of the two.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Clip, MaskTrack
from tools.vision._mover_scene import STRETCH, Look, Scene, scene_for
from tools.vision._track_look import palette
from tools.vision._track_stream import backward, forward, frame_at
from tools.vision.motion import dense_flow, warp, working_mask
from tools.vision.track import Track

LEAST_UNDER, LEAST_MEANT = (0.12, 0.5), 0.25
"""Share of a box, and of anything that lies on the thing, that must move; and share of what moves there in one piece
that the mark must take: a small mark on a large thing that moves means a part of it, which motion does not part.
"""
LEAST_HELD, LEAST_LEAVING = 0.2, 0.01
"""Share of its usual area under which a thing is gone or hidden, and the same while it leaves the picture."""
LEAST_RIVAL = 0.1
"""Size of others beside the thing's, in what moves as one piece, under which all of it is the thing."""
BEFORE = 16
"""Frames before a thing is known again in which its first bits are looked for."""
GAP = 0.12
"""Half the width of gaps in a thing that are closed, in sides of the square of its area."""
STRANGE, SAME = 0.75, 0.8
"""Share of its first colours under which what is followed is another thing, and from which on it has come back."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody marked in one frame, (H, W): pixels that lie on the thing, or all that it may take (`within`)."""

    on: Bits
    within: bool

    @classmethod
    def inside(cls, box: Box, width: int, height: int) -> Self:
        """A box around the thing, in a picture of that size."""
        on = np.zeros((height, width), np.bool_)
        on[box.slices] = True
        return cls(on, within=True)


def follow_mover(clip: Clip, seed: int, mark: Mark) -> Track | None:
    """The moving thing that is marked in frame `seed`, in all frames of the clip; None where no motion sets it apart.

    Frames are streamed; going backward holds at most `CHUNK` pictures of `WIDE` pixels, besides one scene.
    """
    scenes = _Scenes(clip)
    look = Look.of(frame_at(clip, seed))
    moving = scenes.moving(seed, look)
    thing = None if moving is None else _meant(moving, mark)
    if moving is None or thing is None:
        return None
    crops, sure, lost = _crops(seed, thing, mark), {seed: 1.0}, set[int]()
    for looks in (forward(clip, seed + 1, clip.frames - 1, Look.of), backward(clip, 0, seed - 1, Look.of)):
        for index, bits, confidence in _Walk(scenes, look, thing, moving & ~thing).away(looks):
            sure[index] = confidence
            if bits is None:
                lost.add(index)
            else:
                crops |= _crops(index, bits, mark)
                lost.discard(index)
    height, width = mark.on.shape
    return Track(MaskTrack(width, height, crops), sure, frozenset(lost), MaskTrack(width, height, {}))


def _crops(index: int, bits: Bits, mark: Mark) -> dict[int, tuple[Box, Bits]]:
    """A frame's mask with its gaps closed, at the size of the mark."""
    height, width = mark.on.shape
    full = cv2.resize(_closed(bits).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    return dict(MaskTrack.of({index: np.asarray(full, np.bool_)}, width, height).crops)


class _Scenes:
    """The scene of every stretch, one held at a time."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._held: tuple[int, Scene | None] = (-1, None)

    def moving(self, index: int, look: Look) -> Bits | None:
        """What moves in a frame; None where nothing can be said."""
        if self._held[0] != index // STRETCH:
            self._held = (index // STRETCH, scene_for(self._clip, index))
        scene = self._held[1]
        return None if scene is None else scene.moving(look)


def _meant(moving: Bits, mark: Mark) -> Bits | None:
    """What of all that moves the mark means; None where it means nothing that moves."""
    small = working_mask(mark.on, moving.shape)
    under = moving & small
    parts = _parts(moving, under)
    if under.sum() < LEAST_UNDER[not mark.within] * small.sum() or under.sum() < LEAST_MEANT * parts.sum():
        return None
    return under if mark.within else parts


def _parts(moving: Bits, touching: Bits) -> Bits:
    """The connected parts of what moves that some pixels belong to."""
    _, numbers = cv2.connectedComponents(moving.astype(np.uint8))
    return np.asarray(np.isin(numbers, np.setdiff1d(np.unique(numbers[touching]), 0)), np.bool_)


class _Walk:
    """The way from the marked frame through a stream of frames."""

    def __init__(self, scenes: _Scenes, look: Look, thing: Bits, others: Bits) -> None:
        self._scenes, self._last, self._thing, self._others = scenes, look, thing, others
        self._colours = look.lab[thing]
        self._area, self._gone = float(thing.sum()), False
        self._before = deque[tuple[int, Bits]](maxlen=BEFORE)

    def away(self, looks: Iterator[tuple[int, Look]]) -> Iterator[tuple[int, Bits | None, float]]:
        """(index, mask or None where it is lost, confidence) of every frame; again, where a thing that comes back shows
        that its first bits were in frames in which it was not known yet.
        """
        for index, look in looks:
            moving = self._scenes.moving(index, look)
            if moving is None:
                self._gone = True
                yield index, None, 0.0
                continue
            mine, theirs = self._carried(moving, look)
            others = _parts(moving, theirs)
            new = moving & ~others
            thing = self._come_back(new, look) if self._gone else self._own(_share(moving, mine, theirs), look)
            size, alike = float(thing.sum()) / self._area, self._alike(look, thing)
            least = LEAST_LEAVING if _at_border(thing) else LEAST_HELD
            was_gone, self._gone = self._gone, size < least or alike < STRANGE
            self._last, self._others = look, others if self._gone else moving & ~thing
            if self._gone:
                self._thing = np.zeros_like(thing)
                self._before.append((index, new))
                yield index, None, 0.5 * alike * min(1.0, size)
                continue
            self._thing = thing
            if was_gone:
                yield from self._coming(thing, alike)
            if not _at_border(thing):
                self._area += 0.1 * (float(thing.sum()) - self._area)
            yield index, thing, alike

    def _coming(self, thing: Bits, alike: float) -> Iterator[tuple[int, Bits, float]]:
        """What of the thing was in the frames just before the one in which it was known again."""
        while self._before:
            index, new = self._before.pop()
            thing = _parts(new, new & thing)
            if not LEAST_LEAVING * self._area <= thing.sum() <= self._area:
                break
            yield index, thing, alike
        self._before.clear()

    def _alike(self, look: Look, part: Bits) -> float:
        """How much of the thing's first colours a part of a frame has."""
        scale, shift = np.array([100 / 255, 1, 1], np.float32), np.array([0, 128, 128], np.float32)
        return palette(self._colours * scale - shift, look.lab[part] * scale - shift) if part.any() else 0.0

    def _carried(self, moving: Bits, look: Look) -> tuple[Bits, Bits]:
        """Where of what moves the thing and the others have come to."""
        motion = dense_flow(look.gray, self._last.gray)
        mine, theirs = (moving & (warp(b.astype(np.float32), motion) > 0.5) for b in (self._thing, self._others))
        return mine if mine.any() else moving & self._thing & ~theirs, theirs

    def _own(self, thing: Bits, look: Look) -> Bits:
        """Without the large parts that have other colours: what the thing uncovers or runs into."""
        count, numbers, stats, _ = cv2.connectedComponentsWithStats(thing.astype(np.uint8))
        for part in range(1, count):
            large = stats[part, cv2.CC_STAT_AREA] >= LEAST_HELD * min(self._area, float(thing.sum()))
            if large and self._alike(look, numbers == part) < STRANGE:
                thing = thing & (numbers != part)
        return thing

    def _come_back(self, new: Bits, look: Look) -> Bits:
        """What of all that newly moves looks like the thing again; nothing where nothing does."""
        count, numbers = cv2.connectedComponents(new.astype(np.uint8))
        parts = (numbers == number for number in range(1, count))
        rated = [(self._alike(look, part), part) for part in parts if part.sum() >= LEAST_HELD * self._area]
        alike, best = max(rated, key=lambda one: one[0], default=(0.0, new))
        return best if alike >= SAME else np.zeros_like(new)


def _share(moving: Bits, mine: Bits, theirs: Bits) -> Bits:
    """The part of what moves that is nearer to the one than to the others; specks of these do not count."""
    count, numbers = cv2.connectedComponents(moving.astype(np.uint8))
    sizes = [np.bincount(numbers[bits], minlength=count) for bits in (mine, theirs)]
    theirs = theirs & (sizes[1] >= LEAST_RIVAL * sizes[0])[numbers]
    return np.asarray((sizes[0] > 0)[numbers] & moving & (_distance(mine) <= _distance(theirs)), np.bool_)


def _at_border(bits: Bits) -> bool:
    return bool(bits[[0, -1]].any() or bits[:, [0, -1]].any())


def _distance(bits: Bits) -> NDArray[np.float32]:
    """Distance of every pixel to the nearest of some; far where there is none."""
    if not bits.any():
        return np.full(bits.shape, 1e6, np.float32)
    return np.asarray(cv2.distanceTransform((~bits).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


def _closed(bits: Bits) -> Bits:
    """A thing's mask with its gaps closed: where its colours are the scene's, it does not seem to move."""
    side = 2 * round(GAP * float(np.sqrt(bits.sum()))) + 1
    wide = cv2.copyMakeBorder(bits.astype(np.uint8), side, side, side, side, cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(closed[side:-side, side:-side] > 0, np.bool_)
