"""Regions whose shapes jump from one frame to the next: patches that warp, or melt and snap back.

Where the surface is carried further by flow, a warp leaves no residual; what it leaves is motion that no frame around
has. A thing that is pushed, a limb that turns move as one and are no such jump: the motion within a warp is incoherent
and ends in stillness all around it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import cv2
import numpy as np

from tools.types import Bits
from tools.vision._temporal_glitch import solidity
from tools.vision._temporal_motion import SPOT, Plane, Step
from tools.vision._temporal_pairs import grade

NEAR = 3
"""Steps on both sides of a jolt that tell how a place moves usually."""
RUNS = 24
"""Steps over which a warp may run on before it snaps back."""
LEAST, OVER_USUAL = 0.5, 2.0
"""Pixels at small size of motion out of line, and times what the place shows usually, from which a cell jolts."""
LEAST_CELLS, ENOUGH_CELLS = 5, 40
QUIET = 0.1
"""Pixels at small size below which jolts of the surround, and of the place at other times, do not count."""
RARE, APART, LOOSE, LARGE, CONSTANT = 1.9, 3.1, 1.1, 0.9, -10.9
"""Weights of a jolt's odds, by the logarithms of: its size in what surround and place usually show; the same in the
second largest of the steps around, as the largest may be its own undoing; the share of its motion that is not one with
its mean; its cells. A logistic fit of jolts of 126 melts planted on 20 films of the tune split against those of their
clean shots and of eleven natural clips. On ten films kept aside 34 of 65 melts and none of 90 clean shots have even
odds or better; the constant is 0.2 lower than the fit's."""
MOST_APART = 8.0
RIGID, BENT = 0.02, 0.06
"""Share of the motion that is not one with its mean: under the first a thing moved as one, over the second not."""
RAGGED, SOLID = 0.65, 0.82
FETCHED, FOREIGN = 9.0, 20.0
"""What flow cannot fetch (codes summed over channels): a warp shows what was there, something new does not."""
SAME_REGION, OPPOSITE = 0.3, 0.75
STIRRED, LEAST_STIR = 2.0, 0.1
"""Times the motion within the region after a jolt, and pixels at small size, from which it was melting before."""
LEAST_MERIT = 0.1
ONE_SIDED = 0.65
"""What a jolt is worth of which only one side is known: at the shot's very start or end."""
MOST_JOLTS = 32
RECURS = 0.5
"""What a jolt is worth for each other one at its place that it does not undo."""
LIKE = 0.4
"""Share of a jolt's merit from which another one counts as such."""
WORTH = 0.3
PAIRED, SNAPPED, ALONE = 0.95, 0.9, 0.72


@dataclass(frozen=True, slots=True)
class Jolt:
    """The step to frame `index` in which `cells` (rows, columns) move out of line by `motion` (rows, columns, 2).

    `began` is the first frame of a warp that this step undoes, where the motion before it tells; `ends` says whether
    the region stirs more before the step than after it, so that the step rather ends a warp than begins one.
    """

    index: int
    cells: Bits
    motion: Plane
    merit: float
    size: float
    began: int | None
    ends: bool


@dataclass(frozen=True, slots=True)
class Warp:
    """Frames `first`–`last` in which `cells` are warped; `seen_at` is the frame beside the jolt."""

    first: int
    last: int
    cells: Bits
    size: float
    confidence: float
    seen_at: int
    certain: bool


@dataclass(slots=True)
class Jolts:
    """Online: takes in steps, and keeps what jolted."""

    held: deque[tuple[int, Plane, Plane]] = field(default_factory=lambda: deque(maxlen=RUNS + NEAR + 1))
    found: list[Jolt] = field(default_factory=list)

    def see(self, step: Step) -> None:
        """Takes in the next step and judges the one `NEAR` back."""
        self.held.append((step.index, _cells(step.own), _cells(np.maximum(step.settled, step.left))))
        if len(self.held) > NEAR:
            self._judge(len(self.held) - 1 - NEAR)

    def end(self) -> None:
        """Judges the last steps, of which less is known."""
        for at in range(max(0, len(self.held) - NEAR), len(self.held)):
            self._judge(at)

    def _judge(self, at: int) -> None:
        index, _, rest = self.held[at]
        indices = [held[0] for held in self.held]
        motions = np.stack([own for _, own, _ in self.held])
        out = _out_of_line(motions, at)
        around = [n for n in range(max(0, at - NEAR), min(len(motions), at + NEAR + 1)) if n != at]
        if len(around) < 2:
            return
        seen = 1.0 if 2 <= at < len(motions) - 2 else ONE_SIDED
        others = np.stack([np.linalg.norm(_out_of_line(motions, n), axis=-1) for n in around])
        for cells in _regions(cast(Plane, np.linalg.norm(out, axis=-1)), cast(Plane, np.median(others, axis=0))):
            merit = _merit(cells, out, others, rest)
            if merit > LEAST_MERIT:
                size = float(np.median(np.linalg.norm(out, axis=-1)[cells]))
                began, ends = _began(cells, motions, indices, at), _ends(cells, motions, at)
                self.found.append(Jolt(index, cells, out, merit * seen, size, began, ends))
        self.found = sorted(self.found, key=lambda j: -j.merit)[:MOST_JOLTS]


def warps(jolts: Sequence[Jolt], count: int) -> list[Warp]:
    """Stretches that a jolt opens and another closes, or one of the two alone, the surest first.

    `count` is the shot's length. Those under `WORTH` are left out.
    """
    used: set[int] = set()
    out = []
    for one, other in _undone(jolts):
        if used & {id(one), id(other)}:
            continue
        used |= {id(one), id(other)}
        cells = one.cells | other.cells
        merit = 1 - (1 - one.merit) * (1 - other.merit)
        merit *= RECURS ** _again(jolts, cells, {one.index, other.index}, merit)
        size = max(one.size, other.size)
        out.append(Warp(one.index, other.index - 1, cells, size, PAIRED * merit, one.index, certain=True))
    for jolt in jolts:
        if id(jolt) in used:
            continue
        merit = jolt.merit * RECURS ** _again(jolts, jolt.cells, {jolt.index}, jolt.merit)
        if jolt.began is not None:
            first, last, confidence, certain = jolt.began, jolt.index - 1, SNAPPED * merit, True
        else:
            first, last = (0, jolt.index - 1) if jolt.ends else (jolt.index, count - 1)
            confidence, certain = ALONE * merit, False
        beside = jolt.index - 1 if last == jolt.index - 1 else jolt.index
        out.append(Warp(first, last, jolt.cells, jolt.size, confidence, beside, certain))
    return sorted((warp for warp in out if warp.confidence >= WORTH), key=lambda w: -w.confidence)


def _cells(plane: Plane) -> Plane:
    """A plane's mean over SPOT×SPOT cells."""
    size = (max(1, plane.shape[1] // SPOT), max(1, plane.shape[0] // SPOT))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _out_of_line(motions: Plane, at: int) -> Plane:
    """How far a step's motion lies from the median of the four steps nearest to it."""
    near = sorted((n for n in range(len(motions)) if n != at), key=lambda n: abs(n - at))[:4]
    return cast(Plane, motions[at] - np.median(motions[near], axis=0))


def _regions(much: Plane, usual: Plane) -> Iterator[Bits]:
    on = (much > np.maximum(LEAST, OVER_USUAL * usual)).astype(np.uint8)
    on = cv2.morphologyEx(on, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(on, connectivity=4)
    for label in range(1, count):
        if stats[label, 4] >= LEAST_CELLS:
            yield np.asarray(labels == label)


def _merit(cells: Bits, out: Plane, others: Plane, rest: Plane) -> float:
    """How likely a region's motion `out` of line is a warp, 0 to 1; `others` (n, rows, columns) is that of the steps
    around, `rest` what flow cannot fetch."""
    near, far = (cv2.dilate(cells.astype(np.uint8), np.ones((size, size), np.uint8)) > 0 for size in (3, 5))
    ring = far & ~near
    if not ring.any():
        return 0.0
    moved, much = out[cells], np.linalg.norm(out, axis=-1)
    size, usual = float(np.median(much[cells])), np.median(others, axis=0)
    rare = size / max(float(np.median(usual[cells])), float(np.median(much[ring])), QUIET)
    apart = size / max(QUIET, sorted(float(np.median(other[cells])) for other in others)[-2])
    loose = 1 - float(np.linalg.norm(moved.mean(axis=0)) / np.linalg.norm(moved, axis=1).mean())
    odds = (
        RARE * np.log(rare)
        + APART * np.log(np.clip(apart, 1e-3, MOST_APART))
        + LOOSE * np.log(max(loose, RIGID))
        + LARGE * np.log(min(int(cells.sum()), ENOUGH_CELLS))
        + CONSTANT
    )
    foreign = grade(-float(np.median(rest[cells])), -FOREIGN, -FETCHED)
    return float(1 / (1 + np.exp(-odds))) * grade(solidity(cells), RAGGED, SOLID) * grade(loose, RIGID, BENT) * foreign


def _began(cells: Bits, motions: Plane, indices: Sequence[int], at: int) -> int | None:
    """The first frame of a warp that ran on until this step snapped it back: its region stirs within until then, and is
    calm after."""
    after = [_stir(motion, cells) for motion in motions[at + 1 : at + 1 + NEAR]]
    if len(after) < 2:
        return None
    limit = max(STIRRED * float(np.median(after)), LEAST_STIR)
    stirs = [_stir(motion, cells) > limit for motion in motions[:at]]
    late = stirs[-2 * NEAR :]
    if len(late) < NEAR or sum(late) < 0.6 * len(late):
        return None
    first = at - 1
    while first > 0 and any(stirs[max(0, first - 2) : first]):
        first -= 1
    return indices[first + (not stirs[first])]


def _ends(cells: Bits, motions: Plane, at: int) -> bool:
    """Whether a region stirs more in the steps before a jolt than after it: what melts stirs until it snaps back."""
    before, after = motions[max(0, at - 2 * NEAR) : at], motions[at + 1 : at + 1 + 2 * NEAR]
    if not len(before) or not len(after):
        return bool(len(before))
    return bool(np.median([_stir(m, cells) for m in before]) >= np.median([_stir(m, cells) for m in after]))


def _stir(motion: Plane, cells: Bits) -> float:
    """Median change of motion from cell to cell within a region, in pixels at small size."""
    across, down = (np.abs(np.diff(motion, axis=axis, prepend=0)).sum(axis=-1) for axis in (1, 0))
    return float(np.median((across + down)[cells]))


def _undone(jolts: Sequence[Jolt]) -> list[tuple[Jolt, Jolt]]:
    """Pairs of jolts of one region of which the second moves back what the first moved, the surest first."""
    pairs = [(a, b) for a in jolts for b in jolts if a.index < b.index and _undoes(a, b)]
    return sorted(pairs, key=lambda p: -p[0].merit * p[1].merit)


def _undoes(one: Jolt, other: Jolt) -> bool:
    both = one.cells & other.cells
    if both.sum() < SAME_REGION * (one.cells | other.cells).sum():
        return False
    a, b = one.motion[both], other.motion[both]
    left = np.linalg.norm(a + b, axis=1).mean()
    return bool(left < OPPOSITE * max(np.linalg.norm(a, axis=1).mean(), np.linalg.norm(b, axis=1).mean()))


def _again(jolts: Sequence[Jolt], cells: Bits, own: set[int], merit: float) -> int:
    """Jolts of the place at other times, about as clear."""
    others = [j for j in jolts if j.merit > LIKE * merit and all(abs(j.index - index) > 1 for index in own)]
    return sum(bool((j.cells & cells).sum() > SAME_REGION * min(j.cells.sum(), cells.sum())) for j in others)
