"""The clean plate, frame by frame: borrow, weigh, grow, seam, grain.

Works on (H, W, 3) code values at the source's own bit depth and never goes through 8-bit RGB. Memory is bounded by the
window, not by the shot.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.donors import Donor, Target, donors, eight_bit
from tools.editors.local.cleanplate.fields import Field, grown, sample, square_mean
from tools.editors.local.cleanplate.fuse import Tally, Trust, borrowed, score, weighed
from tools.editors.local.cleanplate.grain import grained
from tools.editors.local.cleanplate.reference import Tracked
from tools.editors.local.cleanplate.shot import Walk, Window, full_size, grid_of, moved, reach_for
from tools.editors.local.cleanplate.spatial import blended_seam, roughness, spatial_fill
from tools.media.pixels import composite, from_444
from tools.types import Bits, Box, Frame

Method = Literal["auto", "temporal", "reference", "spatial"]
MARGIN = 24
CALIBRATE_EVERY = 40
HIDDEN_HOLES = 3
NEIGHBOURLY = 8
"""Parts of a mask closer than this many pixels are one hole."""
CARRY = 0.85
"""Share of the last frame's fill that a grown fill keeps where the ring says that it still fits."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a plate works: its way, whether grain is added, and the seed of the grain."""

    method: Method = "auto"
    grain: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Filled:
    """One frame of the result, the share of its hole that is borrowed, and the squared error expected (8-bit steps)."""

    frame: Frame
    borrowed: float
    error: float


def inpaint(
    frames: Iterable[Frame],
    masks: Iterable[Bits],
    references: Sequence[Tracked] = (),
    settings: Settings = Settings(),
) -> Iterator[Filled]:
    """The frames with their masked pixels filled; all others are the source's, bit for bit.

    `masks` gives one (H, W) bool array per frame, true inside the hole; what lies there is never looked at.
    """
    return _Plate(frames, masks, references, settings).run()


class _Plate:
    def __init__(
        self, frames: Iterable[Frame], masks: Iterable[Bits], references: Sequence[Tracked], settings: Settings
    ) -> None:
        self._source = zip(frames, masks, strict=False)
        self._references, self._settings = references, settings
        self._window = Window()
        self._trust: list[tuple[Box, Trust]] = []
        self._calibrated = -CALIBRATE_EVERY
        self._last: tuple[int, NDArray[Any]] | None = None

    def run(self) -> Iterator[Filled]:
        waiting: deque[int] = deque()
        reach = 0
        for frame, mask in self._source:
            reach = reach or reach_for(frame.width, frame.height, frame.layout.depth)
            self._window.add(frame, np.array(mask))
            waiting.append(frame.index)
            if len(waiting) > reach:
                yield self._next(waiting.popleft(), reach)
        while waiting:
            yield self._next(waiting.popleft(), reach)

    def _next(self, index: int, reach: int) -> Filled:
        self._window.forget(index - reach)
        seen = self._window[index]
        if not seen.hole.any():
            self._last = None
            return Filled(seen.frame, 0.0, 0.0)
        codes = seen.codes.copy()
        parts = holes(seen.hole)
        self._calibrate(index, parts)
        made = [self._fill(index, part, codes) for part in parts]
        self._last = (index, codes)
        edited = from_444(codes, seen.frame)
        areas = np.array([int(part.sum()) for part in parts], np.float64)
        shares, errors = (np.array([pair[i] for pair in made]) for i in (0, 1))
        weight = areas / areas.sum()
        return Filled(composite(seen.frame, edited, seen.hole), float(shares @ weight), float(errors @ weight))

    def _fill(self, index: int, part: Bits, codes: NDArray[Any]) -> tuple[float, float]:
        """Fills one part of the hole in `codes`; returns the borrowed share and the expected error."""
        target = target_of(self._window, index, part)
        rough = roughness(target)
        found = self._donors(self._window, target)
        trust = self._trust_near(target.box)
        fused = weighed(borrowed(found, trust), self._grown(target, rough), rough, trust)
        fill = np.where(target.hole[..., None], blended_seam(fused.codes, target), target.codes)
        if self._settings.grain:
            place = target.box.y * 65536 + target.box.x
            fill = grained(fill, target.hole, target.known, hash((self._settings.seed, index, place)) & 0xFFFFFFFF)
        _put(codes, target, fill, self._window[index].frame.layout.depth)
        return float(fused.share[target.hole].mean()), float(fused.error[target.hole].mean())

    def _donors(self, window: Window, target: Target) -> list[Donor]:
        found: list[Donor] = []
        if self._settings.method in ("auto", "temporal"):
            found += donors(window, target, "plane") + donors(window, target, "flow")
        if self._settings.method in ("auto", "reference"):
            scale = eight_bit(window[target.index].frame.layout.depth)
            made = (reference.donor(window, target, scale) for reference in self._references)
            found += [one for one in made if one is not None]
        return found

    def _grown(self, target: Target, rough: float) -> Field:
        """The spatial fill, steadied by the last frame's fill where the surround says that it still fits."""
        fresh = spatial_fill(target)
        if self._last is None or self._last[0] != target.index - 1:
            return fresh
        seen = self._window[target.index]
        scale = seen.small.shape[1] / seen.light.shape[1]
        walk = Walk(self._window, target.index, -1, "flow", grid_of(target.box, scale))
        if walk.advance() is None:
            return fresh
        x, y = full_size(walk.x, walk.y, target.box, scale)
        carried = sample(self._last[1], x, y, cv2.INTER_CUBIC) * eight_bit(seen.frame.layout.depth)
        ring = target.known & grown(~target.known, 6)
        miss = float(square_mean(carried - target.codes)[ring].mean()) if ring.any() else np.inf
        keep = CARRY * float(np.clip(1.5 - miss / rough, 0, 1))
        return keep * carried + (1 - keep) * fresh

    def _trust_near(self, box: Box) -> Trust:
        if not self._trust:
            return Trust()
        centre = np.array([box.x + box.w / 2, box.y + box.h / 2])
        apart = [np.hypot(*(np.array([b.x + b.w / 2, b.y + b.h / 2]) - centre)) for b, _ in self._trust]
        return self._trust[int(np.argmin(apart))][1]

    def _calibrate(self, index: int, parts: Sequence[Bits]) -> None:
        """Every so often, hides the holes again beside themselves and learns what each way is worth there."""
        if self._settings.method == "spatial" or index - self._calibrated < CALIBRATE_EVERY:
            return
        self._calibrated = index
        tallies = [Tally.empty() for _ in parts]
        for shift in hidden_places(self._window[index].hole, parts):
            hidden = self._window.hiding(shift)
            for part, tally in zip(parts, tallies, strict=True):
                self._score(hidden, index, moved(part, shift), tally)
        boxes = [Box.around(part) for part in parts]
        self._trust = [(box, tally.trust()) for box, tally in zip(boxes, tallies, strict=True) if box is not None]

    def _score(self, hidden: Window, index: int, part: Bits, tally: Tally) -> None:
        truth_seen = self._window[index]
        where = part & (truth_seen.barred == 0)
        if where.sum() < 0.4 * max(1, part.sum()) or where.sum() < 32:
            return
        target = target_of(hidden, index, where)
        if target.known.sum() < 64:
            return
        found = self._donors(hidden, target)
        score(tally, target, found, spatial_fill(target), roughness(target))


def holes(mask: Bits) -> list[Bits]:
    """The parts of a mask that are filled on their own; parts that nearly touch stay together."""
    count, labels = cv2.connectedComponents(grown(mask, NEIGHBOURLY // 2).astype(np.uint8))
    return [mask & (labels == label) for label in range(1, count) if (mask & (labels == label)).any()]


def hidden_places(mask: Bits, parts: Sequence[Bits]) -> list[tuple[int, int]]:
    """Shifts (x, y) that move the holes onto known picture, best first, at most HIDDEN_HOLES."""
    boxes = [box for box in map(Box.around, parts) if box is not None]
    across = max(min(box.w for box in boxes), 8) + 6
    down = max(min(box.h for box in boxes), 8) + 6
    across, down = min(across, mask.shape[1] // 4), min(down, mask.shape[0] // 4)
    tries = [(across, 0), (-across, 0), (0, down), (0, -down), (across, down), (-across, -down)]
    ranked = sorted(tries, key=lambda shift: -int((moved(mask, shift) & ~mask).sum()))
    return ranked[:HIDDEN_HOLES]


def target_of(window: Window, index: int, part: Bits) -> Target:
    """One part of a frame's hole, cut out with a margin."""
    seen = window[index]
    height, width = part.shape
    around = Box.around(part)
    assert around is not None
    box = around.grown(MARGIN + max(around.w, around.h) // 8, width, height)
    guard = max(seen.frame.layout.chroma_x, seen.frame.layout.chroma_y)
    unknown = grown(seen.hole | part, guard)[box.slices]
    return Target(
        index=index,
        box=box,
        codes=seen.codes[box.slices].astype(np.float32) * eight_bit(seen.frame.layout.depth),
        hole=part[box.slices],
        known=~unknown,
    )


def _put(codes: NDArray[Any], target: Target, fill: Field, depth: int) -> None:
    top = (1 << depth) - 1
    native = np.clip(np.rint(fill / eight_bit(depth)), 0, top).astype(codes.dtype)
    place = codes[target.box.slices]
    place[target.hole] = native[target.hole]
