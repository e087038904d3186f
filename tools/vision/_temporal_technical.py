"""Faults of whole frames: black, frozen and repeated ones, and jumps of exposure or colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.vision._temporal_motion import Look, Step, carry

BLACK, LIT = 24.0, 60.0
"""99th percentile of luma (of 255) under which a frame is black, and over which its neighbour is not."""
HELD = 0.1
"""A repeated frame differs from the one before by less than this share of its neighbours' differences…"""
HELD_MOST = 1.5
"""…and by less than this many codes of 255 in its busiest cells; x264 at crf 23 refines a repeat by up to that."""
ALIVE = 0.4
"""Codes of 255 under which a frame says nothing about the usual change."""
MOVING = 1.0
"""Codes of 255 by which the busiest cells change between frames of moving footage."""
CADENCE = 0.08
"""Share of single repeats over which they are the footage's cadence (12 on 24, pull-down) and no fault."""
LEVEL_JUMP = 4.0
"""Codes of 255 at mid-grey."""

Kind = Literal["black", "frozen", "duplicate", "level-jump", "flash"]


class Pulse(NamedTuple):
    """What is kept of every frame: 99th percentile of luma, and of the step to it: the raw change of its busiest cells,
    the level's shift at mid-grey (Y', Cb, Cr, codes of 255) and the share of pixels that the shift explains better."""

    top: float
    change: float
    shift: tuple[float, float, float]
    agreed: float


@dataclass(frozen=True, slots=True)
class Fault:
    """Whole frames `first`–`last` that are wrong."""

    kind: Kind
    first: int
    last: int
    confidence: float
    expected: str
    observed: str


def pulse(now: Look, before: Look | None, step: Step | None) -> Pulse:
    """Measures one frame against the one before it."""
    luma = now.small[..., 0]
    top = float(np.percentile(luma, 99))
    if before is None or step is None:
        return Pulse(top, float("inf"), (0.0, 0.0, 0.0), 0.0)
    apart = cv2.absdiff(luma, before.small[..., 0]).astype(np.float32)
    cells = cv2.resize(apart, (max(1, luma.shape[1] // 16), max(1, luma.shape[0] // 16)), interpolation=cv2.INTER_AREA)
    gain, offset = step.level[:, 0], step.level[:, 1]
    shift = (256 * (gain - 1) + 2 * offset) / (
        1 + np.maximum(gain, 0.1)
    )  # as large there as back, half way at mid-grey
    agreed = _agreed(now, before, step) if np.abs(shift).max() >= LEVEL_JUMP / 2 else 0.0
    return Pulse(top, float(np.percentile(cells, 95)), (float(shift[0]), float(shift[1]), float(shift[2])), agreed)


def _agreed(now: Look, before: Look, step: Step) -> float:
    """Share of pixels nearer to the previous frame once the level's shift is applied."""
    a = carry(before.small, step.back)[2::4, 2::4].astype(np.float64)
    b = now.small[2::4, 2::4].astype(np.float64)
    plain = np.abs(b - a).sum(axis=-1)
    fitted = np.abs(b - a * step.level[:, 0] - step.level[:, 1]).sum(axis=-1)
    return float((fitted < plain).mean())


def find_faults(pulses: Sequence[Pulse]) -> list[Fault]:
    """All technical faults of a shot."""
    return [*_black(pulses), *_held(pulses), *_levels(pulses)]


def _runs(flags: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    yield from ((int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True))


def _black(pulses: Sequence[Pulse]) -> Iterator[Fault]:
    """Black runs that start and end at once; a fade passes through dark frames and does not count."""
    tops = np.array([p.top for p in pulses])
    for first, last in _runs(tops < BLACK):
        beside = [tops[i] for i in (first - 1, last + 1) if 0 <= i < len(tops)]
        if beside and min(beside) > LIT:
            sure = 0.95 if len(beside) == 2 else 0.7
            seen = f"brightest luma {tops[first : last + 1].max():.0f}/255"
            yield Fault(
                "black", first, last, sure, f"a picture, as beside it ({min(beside):.0f}/255)", f"black: {seen}"
            )


def _held(pulses: Sequence[Pulse]) -> Iterator[Fault]:
    """Frames that repeat the one before amid motion.

    A leap after them (the time they stole) makes them sure; without one they may be a conversion of rates or a hold.
    """
    changes = np.array([p.change for p in pulses])
    usual = np.array([_beside(changes, i) for i in range(len(changes))])
    held = (changes <= HELD_MOST) & (changes <= HELD * usual) & (usual >= MOVING)
    runs = list(_runs(held))
    starts = [first for first, _ in runs]
    often = len(runs) > max(2, CADENCE * len(changes))
    for first, last in runs:
        cadence = often or (first == last and _regular(first, starts))
        moving = [changes[i] for i in (first - 1, last + 1) if 0 < i < len(changes)]
        sudden = bool(moving) and min(moving) >= 0.4 * usual[first]
        if cadence or not sudden:
            continue
        leap = _leaps(changes, first, last)
        kind: Kind = "duplicate" if first == last else "frozen"
        yield Fault(
            kind,
            first,
            last,
            min(0.95, 0.4 + 0.35 * float(leap) + 0.02 * (last - first)),
            f"motion as beside it: {usual[first]:.1f}/255 of change per frame in the busiest places",
            f"repeats frame {first - 1}: change of at most {changes[first : last + 1].max():.2f}/255",
        )


def _leaps(changes: NDArray[np.float64], first: int, last: int) -> bool:
    """The frame after a repeat changes more than either side's own motion explains."""
    sides = [changes[i] for i in (first - 2, first - 1, last + 2, last + 3) if 0 < i < len(changes)]
    return last + 1 < len(changes) and bool(changes[last + 1] > 1.4 * max(sides, default=np.inf))


def _regular(at: int, starts: Sequence[int]) -> bool:
    """Two more repeats stand at the same distance in a row, as a conversion of rates leaves them."""
    gaps = {abs(other - at) for other in starts if other != at}
    return any(
        sum(any(abs(at + k * gap - s) <= 1 for s in starts) for k in (-2, -1, 1, 2)) >= 2 for gap in gaps if gap >= 3
    )


def _beside(changes: NDArray[np.float64], at: int) -> float:
    """The usual change around a frame, held frames aside."""
    near = changes[max(1, at - 12) : at + 13]
    alive = near[np.isfinite(near) & (near > ALIVE)]
    return float(np.median(alive)) if len(alive) >= 4 else 0.0


def _levels(pulses: Sequence[Pulse]) -> Iterator[Fault]:
    """Jumps of the whole frame's level: to the jump back, else the shorter stretch."""
    lit = [p.top >= BLACK for p in pulses]
    jumps = [i for i in range(1, len(pulses)) if lit[i - 1] and lit[i] and _is_jump(pulses, i)]
    while jumps:
        start = jumps.pop(0)
        back = next((i for i in jumps if _cancels(pulses[start], pulses[i])), None)
        if back is not None:
            jumps.remove(back)
            yield _level_fault(pulses, start, start, back - 1, 0.9)
        elif start <= len(pulses) - start:
            yield _level_fault(pulses, start, 0, start - 1, 0.6)
        else:
            yield _level_fault(pulses, start, start, len(pulses) - 1, 0.6)


def _level_fault(pulses: Sequence[Pulse], at: int, first: int, last: int, sure: float) -> Fault:
    shift = ", ".join(
        f"{name} {value:+.1f}" for name, value in zip(("luma", "Cb", "Cr"), _shift(pulses[at]), strict=True)
    )
    kind: Kind = "flash" if first == last and sure > 0.8 else "level-jump"
    words = f"the whole frame jumps between frames {at - 1} and {at}: {shift} of 255 at mid-grey"
    return Fault(kind, first, last, sure, "the level of the rest of the shot", words)


def _shift(one: Pulse) -> tuple[float, float, float]:
    """The shift in the order luma, Cb, Cr."""
    return one.shift[0], one.shift[2], one.shift[1]


def _is_jump(pulses: Sequence[Pulse], at: int) -> bool:
    """A shift that the whole frame shares and that its neighbours do not lead up to."""
    size = _size(pulses[at])
    if size < LEVEL_JUMP or pulses[at].agreed < 0.8:
        return False
    near = [_size(pulses[i]) for i in (at - 2, at + 2) if 0 < i < len(pulses)]
    sides = [pulses[i] for i in (at - 1, at + 1) if 0 < i < len(pulses)]
    calm = [_size(s) < size / 3 or _cancels(pulses[at], s) for s in sides]
    return all(calm) and all(n < size / 2 for n in near)


def _size(one: Pulse) -> float:
    return float(np.abs(one.shift).max())


def _cancels(a: Pulse, b: Pulse) -> bool:
    """The second shift undoes the first to within a third."""
    left = float(np.abs(np.add(a.shift, b.shift)).max())
    return left < max(_size(a), _size(b)) / 3
