"""Things that move before a still scene, marked roughly and followed by what the scene does not explain.

Colour cannot part a white dog from a white floor; that the floor is there when the dog is not can. What moves in the
marked frame under the mark is the thing, the rest is others; from frame to frame both are carried by dense flow and
share out what moves there, each pixel to the nearer of the two. Dust and shadows join things that have nothing else to
do with each other, so only what is solid is shared out; of the rest a thing has what lies close to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from tools.types import Bits, Box, Clip, MaskTrack
from tools.vision._mover_scene import CHANGE, STRETCH, Lab, Look, Moving, Scene, distance_to, scene_for
from tools.vision._track_look import Steps, palette
from tools.vision._track_stream import backward, forward, frame_at
from tools.vision.motion import dense_flow, warp, working_mask
from tools.vision.track import Track

LEAST_UNDER, LEAST_MEANT = (0.12, 0.5), 0.25
"""Share of a box, and of anything that lies on the thing, that must move; and share of what moves there in one piece
that the mark must take: a small mark on a large thing that moves means a part of it, which motion does not part.
"""
LEAST_HELD, LEAST_LEAVING = 0.2, 0.003
"""Share of its usual area under which a thing is gone or hidden, and the same while it leaves the picture."""
LEAST_RIVAL = 0.1
"""Share that others have of what moves as one piece, under which all of it is the thing."""
MATCH, SURE = 0.9, 0.8
"""How much of what moves without it has in common with a part, a thing must have in common with it to have it; and how
much that is where it is surely no part of it, however close.
"""
SCOUTED = 24
"""Frames on either side of the marked one in which a thing may be lost for its company to be looked for."""
CARRIED = 20.0
"""Change in 8-bit Lab up to which what flow carries from frame to frame is the same."""
LEAST_CARRIED = 0.5
"""Share of a thing that flow must have carried to where it is for its bits to be told from the bits of others so."""
LEAST_STILL = 0.25
"""Share of the last of a thing that raced, at the border, that looks the same there from frame to frame, from which on
it is what the thing stirred up: up to 0.12 of the last bits of five cars did, and 0.39 or more of their dust.
"""
BEFORE = 16
"""Frames before a thing is known again in which its first bits are looked for."""
GAP = 0.12
"""Half the width of gaps in a thing that are closed, in sides of the square of its area; how close its veils are, and
how far it may go on beyond a box around it.
"""
NECK = 0.03
"""Share of the picture's width under which a link between two things does not make them one."""
COMPANY = 0.002
"""Share of the picture from which on what moves is remembered as company."""
FINE: Steps = (5.0, 5.0, 5.0)
"""Widths of the bins that colours are told apart by: browns are alike in wider ones."""
RECENT = 0.1
"""Share of its usual area that a thing must show for its colours to be known from there."""
STRANGE, SAME = 0.65, 0.72
"""Share of its first colours under which what is followed is another thing, and from which on it has come back."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What somebody marked in one frame, (H, W): pixels that lie on the thing, or about all that it may take
    (`within`).
    """

    on: Bits
    within: bool

    @classmethod
    def inside(cls, box: Box, width: int, height: int) -> Self:
        """A box around the thing, in a picture of that size; drawn by hand, it may cut off a little of it."""
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
    thing = None if moving is None else _meant(moving.solid, mark)
    if moving is None or thing is None:
        return None
    crops, sure, lost, company = _crops(seed, _clad(thing, moving), mark), {seed: 1.0}, set[int](), list[Lab]()
    start = look, thing, moving.solid & ~thing
    for looks in _ways(clip, seed, SCOUTED):
        company.extend(_Walk(scenes, *start, company).left_behind(looks))
    for looks in _ways(clip, seed, clip.frames):
        for index, bits, confidence in _Walk(scenes, *start, company).away(looks):
            sure[index] = confidence
            if bits is None:
                lost.add(index)
            else:
                crops |= _crops(index, bits, mark)
                lost.discard(index)
    height, width = mark.on.shape
    return Track(MaskTrack(width, height, crops), sure, frozenset(lost), MaskTrack(width, height, {}))


def _ways(clip: Clip, seed: int, most: int) -> Iterator[Iterator[tuple[int, Look]]]:
    """The frames after and before the marked one, at most so many of each, away from it."""
    yield forward(clip, seed + 1, min(clip.frames - 1, seed + most), Look.of)
    yield backward(clip, max(0, seed - most), seed - 1, Look.of)


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

    def moving(self, index: int, look: Look) -> Moving | None:
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
    return under | _cut_off(parts & ~small, under, small) if mark.within else parts


def _cut_off(beyond: Bits, under: Bits, box: Bits) -> Bits:
    """What a box that was drawn too tight cuts off a thing: pieces of which most lies close to the box.

    Of the pieces of cars and their shadows that boxes cut off, 0.6 or more did; of dust and what stood in it, at most
    0.33 did where these were not specks.
    """
    close = distance_to(box) <= GAP * float(np.sqrt(under.sum()))
    count, numbers = cv2.connectedComponents(beyond.astype(np.uint8))
    sizes, ending = (np.bincount(numbers[bits], minlength=count) for bits in (beyond, beyond & close))
    return np.asarray(beyond & (2 * ending > sizes)[numbers], np.bool_)


def _parts(moving: Bits, touching: Bits) -> Bits:
    """The connected parts of what moves that some pixels belong to."""
    _, numbers = cv2.connectedComponents(moving.astype(np.uint8))
    return np.asarray(np.isin(numbers, np.setdiff1d(np.unique(numbers[touching]), 0)), np.bool_)


class _Walk:
    """The way from the marked frame through a stream of frames.

    `company` are the colours of what moves where the thing is not there, and so of what it may hide.
    """

    def __init__(self, scenes: _Scenes, look: Look, thing: Bits, others: Bits, company: Sequence[Lab]) -> None:
        self._scenes, self._last, self._thing, self._others = scenes, look, thing, others
        self._company = company
        self._moving = thing | others
        self._colours = self._recent = look.lab[thing]
        self._area, self._gone, self._left = float(thing.sum()), False, False
        self._raced = 0
        self._before = deque[tuple[int, Bits]](maxlen=BEFORE)

    def away(self, looks: Iterator[tuple[int, Look]]) -> Iterator[tuple[int, Bits | None, float]]:
        """(index, mask or None where it is lost, confidence) of every frame; again, where a thing that comes back shows
        that its first bits were in frames in which it was not known yet.
        """
        for index, look in looks:
            seen = None if self._left else self._scenes.moving(index, look)
            if seen is None:
                self._gone = True
                yield index, None, 0.0
                continue
            moving = self._moving = seen.solid
            mine, theirs = self._carried(moving, look)
            others = _parts(moving, theirs)
            new = moving & ~others
            thing = self._come_back(new, look) if self._gone else self._own(mine, _share(moving, mine, theirs), look)
            size, alike = float(thing.sum()) / self._area, self._alike(look, thing)
            least = LEAST_LEAVING if _at_border(thing) else LEAST_HELD
            stays = self._stays_behind(look, thing)
            if not self._gone:
                self._raced += 1 if mine.sum() < LEAST_CARRIED * self._thing.sum() else -1
            was_gone, self._gone = self._gone, stays or size < least or alike < STRANGE
            self._last, self._others = look, others if self._gone else moving & ~thing
            if self._gone:
                self._left = not was_gone and self._has_left(stays)
                self._thing = np.zeros_like(thing)
                self._before.append((index, new))
                yield index, None, 0.5 * alike * min(1.0, size)
                continue
            self._thing = thing
            if size >= RECENT and _alike(self._colours, look.lab[thing]) >= STRANGE:
                self._recent = look.lab[thing]
            if was_gone:
                yield from self._coming(thing, alike)
            self._area = max(self._area, thing.sum()) if _at_border(thing) else 0.9 * self._area + 0.1 * thing.sum()
            yield index, _clad(thing, seen), alike

    def _stays_behind(self, look: Look, thing: Bits) -> bool:
        """Whether a little that lies still at the border is all that is left of a thing that raced: its dust."""
        small = _at_border(thing) and thing.sum() < LEAST_HELD * self._area
        still = thing & (np.abs(look.lab - self._last.lab).max(axis=2) < CHANGE)
        return self._raced > 0 and small and bool(still.sum() >= LEAST_STILL * thing.sum())

    def _has_left(self, stays: bool) -> bool:
        """Whether a thing of which nothing or but its dust is seen has raced out of the picture: what then comes in is
        another. Flow says nothing of such a thing, and its colours change with its place as much as from one to the
        other: five cars had 0.51 to 0.88 of them in common with themselves, and up to 0.89 with each other.

        Where it was, the scene is seen again; else something hides it.
        """
        free = (self._moving & self._thing).sum() < LEAST_CARRIED * self._thing.sum()
        return self._raced > 0 and _at_border(self._thing) and (stays or bool(free))

    def left_behind(self, looks: Iterator[tuple[int, Look]]) -> list[Lab]:
        """The colours of the things that still move in the first frame in which this one is lost; none where it is not.

        What moves at the border may be the last of the thing.
        """
        for _, bits, _ in self.away(looks):
            if bits is None:
                parts = _large(self._moving, COMPANY * self._moving.size)
                return [self._last.lab[part] for part in parts if not _at_border(part)]
        return []

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
        """How much of the thing's first colours a part of a frame has; at the border, or of the last that had these:
        what is left of it there need not have them all.
        """
        known = [self._colours, self._recent] if _at_border(part) else [self._colours]
        return max(_alike(colours, look.lab[part]) for colours in known)

    def _carried(self, moving: Bits, look: Look) -> tuple[Bits, Bits]:
        """Where of what moves the thing and the others have come to."""
        motion = dense_flow(look.gray, self._last.gray)
        same = moving & (np.abs(warp(self._last.lab, motion) - look.lab).max(axis=2) < CARRIED)
        mine, theirs = (same & (warp(b.astype(np.float32), motion) > 0.5) for b in (self._thing, self._others))
        unclaimed = moving & ~_parts(moving, mine | theirs)
        return mine | (unclaimed & self._thing), theirs

    def _own(self, mine: Bits, thing: Bits, look: Look) -> Bits:
        """Without the parts that have other colours: what the thing uncovers or runs into.

        Large ones must have the thing's own; all of some size are known by what moves without it. Where most was not
        carried here by flow, the thing moves too fast for it, and nothing but the colours tells what is left of it.
        """
        large = LEAST_HELD * min(self._area, float(thing.sum()))
        kept, strange, barred = (np.zeros_like(thing) for _ in range(3))
        for part in _large(_cores(thing), COMPANY * thing.size):
            alike = self._alike(look, part)
            company = max((_alike(colours, look.lab[part]) for colours in self._company), default=0.0)
            known = alike >= MATCH * company and (alike >= STRANGE or part.sum() < large)
            (kept if known else strange)[part] = True
            barred[part] = not known and (part.sum() >= large or company >= SURE)
        if strange.any():
            nearer = distance_to(strange) > distance_to(kept)
            thing = thing & (nearer | (_near(kept) & ~barred))
        if mine.sum() < LEAST_CARRIED * thing.sum():
            own = [part for part in _large(thing, COMPANY * thing.size) if self._alike(look, part) >= STRANGE]
            thing = thing & _near(np.logical_or.reduce(own)) if own else thing
        return thing

    def _come_back(self, new: Bits, look: Look) -> Bits:
        """What of all that newly moves looks like the thing again; nothing where nothing does."""
        count, numbers = cv2.connectedComponents(new.astype(np.uint8))
        parts = (numbers == number for number in range(1, count))
        rated = [(self._alike(look, part), part) for part in parts if part.sum() >= LEAST_HELD * self._area]
        alike, best = max(rated, key=lambda one: one[0], default=(0.0, new))
        return best if alike >= SAME else np.zeros_like(new)


def _alike(colours: Lab, others: Lab) -> float:
    """How much two sets of colours in 8-bit Lab, (n, 3), have in common; nothing where one is empty."""
    scale, shift = np.array([100 / 255, 1, 1], np.float32), np.array([0, 128, 128], np.float32)
    one, other = (part * scale - shift for part in (colours, others))
    return palette(one, other, FINE) if len(colours) and len(others) else 0.0


def _large(bits: Bits, least: float) -> list[Bits]:
    """The connected parts of so many pixels or more."""
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(bits.astype(np.uint8))
    return [np.asarray(numbers == part, np.bool_) for part in range(1, count) if stats[part, cv2.CC_STAT_AREA] >= least]


def _cores(bits: Bits) -> Bits:
    """Things without the links between them; those whole that are no wider than a link."""
    side = 2 * round(NECK * bits.shape[1] / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    opened = np.asarray(cv2.morphologyEx(bits.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0, np.bool_)
    return opened | (bits & ~_parts(bits, opened))


def _clad(thing: Bits, moving: Moving) -> Bits:
    """A thing with the veils close to it: its shadow, and what it stirs up; not those that are closer to others."""
    close = _near(thing) & (distance_to(thing) <= distance_to(_rivals(moving.solid & ~thing, moving.bits)))
    return np.asarray(thing | (moving.bits & ~moving.solid & close), np.bool_)


def _near(thing: Bits) -> Bits:
    """The pixels of a thing and those no further from it than its gaps are wide."""
    return np.asarray(distance_to(thing) <= GAP * float(np.sqrt(thing.sum())), np.bool_)


def _share(moving: Bits, mine: Bits, theirs: Bits) -> Bits:
    """The part of what moves that is nearer to the one than to the others; specks of these do not count."""
    nearer = distance_to(mine) <= distance_to(_rivals(theirs, moving))
    return _parts(moving, mine) & nearer


def _rivals(others: Bits, moving: Bits) -> Bits:
    """The others without the specks: little of what moves as one piece."""
    count, numbers = cv2.connectedComponents(moving.astype(np.uint8))
    sizes, all_ = (np.bincount(numbers[bits], minlength=count) for bits in (others, moving))
    return np.asarray(others & (sizes >= LEAST_RIVAL * all_)[numbers], np.bool_)


def _at_border(bits: Bits) -> bool:
    return bool(bits[[0, -1]].any() or bits[:, [0, -1]].any())


def _closed(bits: Bits) -> Bits:
    """A thing's mask with its gaps closed: where its colours are the scene's, it does not seem to move."""
    side = 2 * round(GAP * float(np.sqrt(bits.sum()))) + 1
    wide = cv2.copyMakeBorder(bits.astype(np.uint8), side, side, side, side, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(closed[side:-side, side:-side] > 0, np.bool_)
