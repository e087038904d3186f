"""Things of which one end alone shows as a clear change: followed from there to where they stop being seen at once.

Beside flickering light or a moving body the other end drowns in changes around it, so that no outline of its own is
found; the thing itself is known well enough from one end to tell when it came, or when it was gone. A natural thing
turns away, is covered little by little or leaves; it does not stop between two frames. All of it is done while the
shot streams by, at small size, on the pictures of the last `MOST_FRAMES` frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits
from tools.vision._temporal_edges import Edge, outline_gained
from tools.vision._temporal_follow import UNSEEN, Point, Sight, after, before, settle, window
from tools.vision._temporal_motion import Colours, unexplained
from tools.vision._temporal_pairs import Drift, grade, travel
from tools.vision._temporal_steady import jump_of

Side = Literal["came", "went"]

PER_STEP = 4
"""Changes between two frames that are followed; the clearest."""
LEAST_FRAMES = 3
"""What is seen for fewer frames is left to flashes and blinks."""
LIKE, UNLIKE = 0.4, 0.6
"""Unlikeness (share of the jump) up to which the thing is there, and from which it is not. Things painted into
handheld footage stay under 0.15 for thirty frames and leap to between 0.65 and 1.2."""
GONE_FOR = 4
"""Frames for which it must stay unseen."""
LEAST_STEP, SURE_STEP = 0.35, 0.6
"""How far unlikeness must leap between two frames, and from which the end is beyond doubt."""
STEADY, RESTLESS = 0.2, 0.4
"""Mean unlikeness while it is seen under which the thing is as steady as a pasted one, and from which it is not."""
CALM, STIRRED = 0.25, 0.5
"""Change of the surround at the end that was found, as a share of the thing's own, up to which the thing alone stopped,
and from which something passed over it: hands over wooden blocks stir 0.49 and more, things painted in 0.24 at most."""
FAINT, CLEAR = 0.15, 0.5
"""Clarity of the known end at which nothing counts and from which all of it does."""
PLAIN, OUTLINED = -0.1, 0.4
"""How much stronger the picture's own outlines are along the mask with the thing than without it (logarithm): what is
seen between two passes of an occluder has the occluder's outline, not its own. Things painted in reach 0.43 to 1.43."""
LONG = 12
"""Frames from which what is seen is no glimpse between two passes of something."""
OPEN_FAINT, OPEN_CLEAR, OPEN_RESTLESS = 0.5, 0.75, 0.3
"""Clarity and unrest asked of a thing that is there from the shot's start or to its end; of natural changes with an
outline (eighteen clips) the clearest that lie off the border reach 0.66 with an unrest of 0.27, and 0.53 with 0.13."""
ONE_END = 0.8
"""What a thing is worth that only one of its ends tells of."""
MOST_FRAMES = 96
"""Frames over which a thing is followed."""
MOST_HALVES = 16
MOST = 0.92


@dataclass(frozen=True, slots=True)
class Half:
    """A thing between its clear end, at `edge`, and the end that following it found, both at work size."""

    edge: Edge
    side: Side
    first: Sight
    last: Sight
    confidence: float
    whole: bool = False
    """It reaches the shot's start or end, so that no second end can tell of it."""


@dataclass(slots=True)
class _Trail:
    """One thing on its way through the frames, forward (`came`) or backward in time (`went`), at small size."""

    edge: Edge
    side: Side
    start: Sight
    jump: float
    place: Point
    at: int
    picture: Colours | None = None
    """The frame it was last looked for in."""
    seen: list[tuple[int, Point, float]] = field(default_factory=list)
    missed: int = 0
    left: bool = False
    """It left the picture, as things do."""
    around: float = 1.0
    """How much its surround changed at the step after which it was not seen any more; a share of its own change."""

    @property
    def over(self) -> bool:
        return self.left or self.missed >= GONE_FOR or len(self.seen) >= MOST_FRAMES

    @property
    def unrest(self) -> float:
        """Mean unlikeness while it is seen."""
        there = self.seen[: len(self.seen) - self.missed]
        return float(np.mean([unlike for _, _, unlike in there])) if there else 0.0

    def step(self, index: int, picture: Colours, drifts: Sequence[Drift]) -> None:
        """Looks for the thing in the next frame on its way."""
        backward = index < self.at
        moved = travel(self.place, drifts[min(self.at, index) : max(self.at, index)], 1.0, backward=backward)
        guesses = (self.place,) if np.abs(moved - self.place).max() < 1 else (self.place, moved)
        was = self.place
        cost, self.place = settle(picture, (self.start.picture, self.start.mask), guesses, reach=2)
        self.left = cost == UNSEEN
        unlike = cost / self.jump
        self.seen.append((index, self.place, unlike))
        self.missed = self.missed + 1 if unlike > LIKE else 0
        if self.missed == 1 and self.picture is not None:
            self.around = min(_around(self.start.mask, self.picture, was, picture, guess) for guess in guesses)
        self.at, self.picture = index, picture


@dataclass(slots=True)
class Trails:
    """Everything that is being followed in one shot; `by` is work size over small size."""

    by: float
    recent: deque[tuple[int, Colours]] = field(default_factory=lambda: deque(maxlen=MOST_FRAMES + 4))
    running: list[_Trail] = field(default_factory=list)
    halves: list[Half] = field(default_factory=list)

    def see(self, index: int, small: Colours, drifts: Sequence[Drift]) -> None:
        """Takes in a frame's Y'CbCr picture (h, w, 3) at small size; `drifts` end with the step to it."""
        self.recent.append((index, small))
        for trail in self.running:
            trail.step(index, small, drifts)
        self._close([trail for trail in self.running if trail.over])
        self.running = [trail for trail in self.running if not trail.over]

    def start(self, edges: Sequence[Edge], drifts: Sequence[Drift]) -> None:
        """Follows what came and what went at one step's changes."""
        for edge in sorted(edges, key=lambda e: -e.clarity)[:PER_STEP]:
            self._follow_back(edge, drifts)
            came = self._trail(edge, "came")
            for index, small in self._since(edge.index):
                came.step(index, small, drifts)
            self.running.append(came)

    def end(self) -> None:
        """The shot is over; what is still seen stays to its end."""
        self._keep([_open(trail, self.by) for trail in self.running])
        self.running = []

    def _since(self, index: int) -> Iterator[tuple[int, Colours]]:
        behind = self.recent[-1][0] - index
        yield from list(self.recent)[len(self.recent) - behind :] if behind > 0 else ()

    def _follow_back(self, edge: Edge, drifts: Sequence[Drift]) -> None:
        trail = self._trail(edge, "went")
        for index, small in reversed(self.recent):
            if index < edge.index - 1:
                trail.step(index, small, drifts)
            if trail.over:
                break
        if trail.at == 0:
            self._keep([_open(trail, self.by)])
        self._close([trail])

    def _trail(self, edge: Edge, side: Side) -> _Trail:
        start = _shrunk(_end_of(edge, side), self.by)
        return _Trail(edge, side, start, jump_of(edge), start.middle, start.index)

    def _close(self, trails: Sequence[_Trail]) -> None:
        """Keeps what ended at once."""
        self._keep([_half(trail, self.by) for trail in trails])

    def _keep(self, found: Sequence[Half | None]) -> None:
        """The surest of all."""
        sure = [half for half in found if half is not None and half.confidence > 0]
        if sure:
            self.halves = sorted(self.halves + sure, key=lambda h: -h.confidence)[:MOST_HALVES]


def joined(halves: Sequence[Half]) -> list[Half]:
    """The halves, those that tell of one thing from both its ends made one; the rest are less sure."""
    kept: list[Half] = []
    both: set[int] = set()
    for half in halves:
        twin = next((n for n, other in enumerate(kept) if _one_thing(half, other)), None)
        if twin is None:
            kept.append(half)
        elif half.side != kept[twin].side and twin not in both:
            kept[twin] = _from_both_ends(kept[twin], half)
            both.add(twin)
    return [h if n in both or h.whole else replace(h, confidence=ONE_END * h.confidence) for n, h in enumerate(kept)]


def _one_thing(a: Half, b: Half) -> bool:
    """They come and go together, at one place."""
    together = abs(a.first.index - b.first.index) <= 1 and abs(a.last.index - b.last.index) <= 1
    apart = min(np.abs(a.first.middle - b.first.middle).max(), np.abs(a.last.middle - b.last.middle).max())
    return together and bool(apart < 0.75 * max(a.first.size.max(), b.first.size.max()))


def _from_both_ends(surer: Half, other: Half) -> Half:
    """One thing, as its two ends show it; as the smaller one does where something beside it changed at the other."""
    came, went = (surer, other) if surer.side == "came" else (other, surer)
    confidence = min(0.95, 1 - (1 - surer.confidence) * (1 - other.confidence))
    sizes = float(came.first.mask.sum()) / float(went.last.mask.sum())
    if 0.6 < sizes < 1.7:
        return replace(surer, first=came.first, last=went.last, confidence=confidence)
    return replace(went if sizes > 1 else came, confidence=confidence)


def _around(mask: Bits, old: Colours, was: Point, new: Colours, now: Point) -> float:
    """How much the ring around a thing changes from one picture to the next, as a share of what its own place does."""
    reach = 5
    shape = np.pad(mask, reach).astype(np.uint8)
    near, far = (cv2.dilate(shape, np.ones((2 * r + 1, 2 * r + 1), np.uint8)) > 0 for r in (1, reach))
    size = (shape.shape[1], shape.shape[0])
    apart = unexplained(_cropped(new, now, size), _cropped(old, was, size))
    inside = float(apart[shape > 0].mean())
    return float(np.median(apart[far & ~near])) / max(inside, 1.0)


def _cropped(picture: Colours, middle: Point, size: tuple[int, int]) -> Colours:
    """A crop (width, height) around a point; beyond the picture its border is repeated."""
    return window(picture, round(float(middle[0] - size[0] / 2)), round(float(middle[1] - size[1] / 2)), size)


def _outline(edge: Edge, side: Side) -> float:
    """How much stronger outlines along the change's mask are with the thing than without it (logarithm)."""
    return outline_gained(edge) if side == "came" else -outline_gained(edge)


def _end_of(edge: Edge, side: Side) -> Sight:
    """What a thing that came or went at an edge looks like there, at work size."""
    return after(edge) if side == "came" else before(edge)


def _shrunk(one: Sight, by: float) -> Sight:
    """A sight at small size."""
    size = (max(3, round(one.mask.shape[1] / by)), max(3, round(one.mask.shape[0] / by)))
    picture = np.asarray(cv2.resize(one.picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    mask = _halved(one.mask, size)
    return Sight(one.index, picture, mask, np.asarray(one.middle / by))


def _halved(mask: Bits, size: tuple[int, int]) -> Bits:
    soft: NDArray[np.float32] = np.asarray(cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA))
    bits = soft >= 0.75
    return np.asarray(bits if bits.any() else soft >= soft.max())


def _half(trail: _Trail, by: float) -> Half | None:
    """The thing with both its ends, or None where it did not stop at once."""
    count = len(trail.seen) - trail.missed
    there, beyond = trail.seen[:count], trail.seen[count:]
    if trail.left or trail.missed < GONE_FOR or count + 1 < LEAST_FRAMES:
        return None
    gone = float(np.median([unlike for _, _, unlike in beyond]))
    step = beyond[0][2] - float(np.mean([unlike for _, _, unlike in there[-3:]]))
    if gone < UNLIKE or step < LEAST_STEP:
        return None
    confidence = (
        MOST
        * grade(trail.edge.clarity, FAINT, CLEAR)
        * (0.5 + 0.5 * grade(step, LEAST_STEP, SURE_STEP))
        * (0.4 + 0.6 * grade(-trail.unrest, -RESTLESS, -STEADY))
        * grade(-trail.around, -STIRRED, -CALM)
        * max(grade(_outline(trail.edge, trail.side), PLAIN, OUTLINED), _beyond_doubt(trail, step))
    )
    return _told(trail, by, confidence)


def _beyond_doubt(trail: _Trail, step: float) -> float:
    """What a thing is worth that has no outline to show, as it looks like what it lies beside: it must be seen for
    long, stop completely, and its known end must be clearer than natural changes are."""
    if len(trail.seen) - trail.missed < LONG:
        return 0.0
    return 0.8 * grade(trail.edge.clarity, 0.5, 0.7) * grade(step, SURE_STEP, 1.0)


def _open(trail: _Trail, by: float) -> Half | None:
    """The thing that is seen up to the shot's end or from its start: one end only, so that all must be clear."""
    if trail.left or trail.missed or len(trail.seen) + 1 < LEAST_FRAMES:
        return None
    confidence = (
        MOST
        * grade(trail.edge.clarity, OPEN_FAINT, OPEN_CLEAR)
        * grade(-trail.unrest, -OPEN_RESTLESS, -STEADY)
        * grade(_outline(trail.edge, trail.side), 0.0, OUTLINED)
    )
    return _told(trail, by, confidence, whole=True)


def _told(trail: _Trail, by: float, confidence: float, *, whole: bool = False) -> Half:
    """A followed thing; `whole` when nothing can be learnt from a second end."""
    known = _end_of(trail.edge, trail.side)
    there = trail.seen[: len(trail.seen) - trail.missed]
    border = 0.6 if trail.edge.touches else 1.0
    far = replace(known, index=there[-1][0], middle=there[-1][1] * by) if there else known
    first, last = (known, far) if trail.side == "came" else (far, known)
    return Half(trail.edge, trail.side, first, last, confidence * border, whole)
