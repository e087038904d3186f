"""The clean plate, frame by frame: borrow, weigh, grow, seam, grain.

Works on (H, W, 3) code values at the source's own bit depth and never goes through 8-bit RGB. Memory is bounded by the
window, not by the shot. Borrowing for the next frames runs ahead on other cores.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial, reduce
from itertools import islice
from typing import Any, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.borrow import (
    Borrowed,
    Carrier,
    Donors,
    Fused,
    Result,
    Trust,
    borrowed,
    carried,
    fused,
    levelled,
    lying,
    of_likenesses,
    together,
)
from tools.editors.local.cleanplate.fields import Field, grown, square_mean
from tools.editors.local.cleanplate.grain import Lived, grained
from tools.editors.local.cleanplate.order import STRIDE, Turn, turns
from tools.editors.local.cleanplate.reference import Tracked
from tools.editors.local.cleanplate.spatial import roughness, spatial_fill
from tools.editors.local.cleanplate.target import Outline, Target, around_of, eight_bit, outline_of, put, target_of
from tools.editors.local.cleanplate.tensors import Stack, mean_square, normalised, planar
from tools.editors.local.cleanplate.texture import textured
from tools.editors.local.cleanplate.views import FULL, LESS
from tools.editors.local.cleanplate.window import Window, moved, reach_for
from tools.media.pixels import composite, from_444, part_of, to_444, whole_samples, with_part
from tools.types import Bits, Box, Frame

Method = Literal["auto", "temporal", "reference", "spatial", "texture"]
KEYS_AHEAD, AHEAD = 2, STRIDE + 1
"""Key frames, and frames of any kind, whose borrowing runs ahead: a key frame holds many views."""
CALIBRATE_EVERY = 80
HIDDEN_HOLES = 1
LEAST_RATIO, MOST_RATIO = 0.3, 12.0
LEAN = 0.5
"""How much of the error expected of donors counts against a grown fill: what grew is wrong in ways that no ring tells.
Against 1, on six removals and four completions: up to 1.0 dB more where frames show what is hidden, 0.4 dB less on
bigbuckbunny, where they do not.
"""
LEAST_LEAN, MOST_LEAN = 0.15, 0.85
"""Where donors are not believed at all and where wholly, as they are held against a fill that is grown."""
DOUBT = 0.02
"""Share of a hole in which donors may fall short of that for nothing to be grown at all."""
WORSE = 2.0
"""How many times the error that key frames promise a frame between them may promise before it looks for views itself.
On the completions of data/ it promises at most 1.6 times of it and gains nothing by its own; where every picture is
sharp and clean it is 3 to 8 times, and its own views have 6 dB more.
"""
MISSED = 2.0
"""Sigma in cells over which what a grown fill misses is averaged."""
JOIN = 1.2
"""How much larger than two boxes the one around both may be for them to be worked on as one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a plate works: its way, whether grain is added, and the seed of the grain.

    "auto" borrows from frames and references and grows the rest smoothly, "temporal" and "reference" borrow from one of
    them; "texture" is "auto" with the rest made of the surround's patches, "spatial" makes all of such patches.
    """

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
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from _Plate(frames, masks, references, settings, pool).run()
    finally:
        torch.set_num_threads(threads)


@dataclass(slots=True)
class _Part:
    """One part of a frame's hole under work."""

    target: Target
    turn: Turn
    found: Future[Borrowed]


@dataclass(slots=True)
class _Begun:
    """A frame whose borrowing has begun."""

    turn: Turn
    parts: list[_Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Mixed:
    """Donors and the fill that is grown, how they are mixed, the frames carried on, and the squared error expected."""

    got: Fused | None
    mix: Mix
    alone: Field
    before: list[Donors]
    expected: float


class _Plate:
    def __init__(
        self,
        frames: Iterable[Frame],
        masks: Iterable[Bits],
        references: Sequence[Tracked],
        settings: Settings,
        pool: ThreadPoolExecutor,
    ) -> None:
        self._source = zip(frames, masks, strict=False)
        self._references, self._settings, self._pool = references, settings, pool
        self._window = Window()
        self._trust = Trust()
        self._calibrated = -CALIBRATE_EVERY
        self._outlined: tuple[Bits, list[Outline]] = np.zeros((0, 0), np.bool_), []
        self._done: dict[int, Result] = {}
        """Finished frames that are yet carried on."""
        self._promised: dict[int, float] = {}
        """Squared error that the key frames near them promised, by frame."""
        self._due: deque[int] = deque()
        """Frames in the order in which they came, and leave."""

    def run(self) -> Iterator[Filled]:
        begun: deque[_Begun] = deque()
        ready: dict[int, Filled] = {}
        for turn in self._turns():
            begun.append(self._begin(turn))
            if len(begun) > AHEAD or sum(one.turn.key for one in begun) > KEYS_AHEAD:
                one = begun.popleft()
                ready[one.turn.index] = self._finish(one)
            yield from self._in_order(ready)
        for one in begun:
            ready[one.turn.index] = self._finish(one)
            yield from self._in_order(ready)

    def _in_order(self, ready: dict[int, Filled]) -> Iterator[Filled]:
        """What of the finished frames is next, and on."""
        while self._due and self._due[0] in ready:
            index = self._due.popleft()
            yield ready.pop(index)
            self._window.forget(index + 1 - self._window.reach)

    def _turns(self) -> Iterator[Turn]:
        """Frames in the order in which they are filled, each once the window holds all that it may look at."""
        waiting: deque[int] = deque()
        last, reach = None, 0
        for frame, mask in self._source:
            reach = reach or reach_for(frame.width, frame.height, frame.layout.depth)
            self._window.reach = reach
            self._window.add(frame, np.array(mask))
            if self._borrows and frame.index - 1 in self._window and mask.any():
                self._pool.submit(self._window.step, frame.index - 1, 1)
            waiting.append(frame.index)
            self._due.append(frame.index)
            while len(waiting) >= reach + self._stride:
                last = yield from self._group(last, waiting)
        while waiting:
            last = yield from self._group(last, waiting)

    def _group(self, last: int | None, waiting: deque[int]) -> Generator[Turn, None, int]:
        """The frames up to the next key frame; returns that."""
        some = turns(last, list(islice(waiting, self._stride)), lambda n: self._window[n].small_hole, self._stride)
        for _ in some:
            waiting.popleft()
        yield from some
        return some[0].index

    @property
    def _stride(self) -> int:
        """Frames from one key frame to the next at most; references and drawn texture go from frame to frame."""
        return STRIDE if self._borrows and not self._draws and not self._references else 1

    def _begin(self, turn: Turn) -> _Begun:
        """Starts borrowing for a frame on another thread."""
        hole = self._window[turn.index].hole
        if not hole.any():
            return _Begun(turn)
        if turn.key:
            self._calibrate(turn.index)
        looks = partial(borrowed, effort=LESS if turn.leaps else FULL)
        way = partial(looks if self._borrows and turn.key else lying, grain=self._settings.grain)
        targets = [target_of(self._window, turn.index, outline) for outline in self._outlines(turn.index)]
        return _Begun(turn, [_Part(t, turn, self._pool.submit(way, self._window, t, turn.beside)) for t in targets])

    def _outlines(self, index: int) -> list[Outline]:
        """The outlines of a frame's parts: those of the last frame that was asked for, where its hole is the same."""
        seen = self._window[index]
        if not np.array_equal(seen.hole, self._outlined[0]):
            self._outlined = seen.hole, [outline_of(seen, part) for part in regions(seen.hole)]
        return self._outlined[1]

    def _finish(self, begun: _Begun) -> Filled:
        turn = begun.turn
        seen = self._window[turn.index]
        if turn.key:
            self._done = {index: done for index, done in self._done.items() if index in turn.beside}
            self._promised = {index: error for index, error in self._promised.items() if index in turn.beside}
        if not begun.parts:
            return Filled(seen.frame, 0.0, 0.0)
        box = whole_samples(_around(begun.parts, seen.hole), seen.frame)
        before = part_of(seen.frame, box)
        result = Result(box, to_444(before), np.zeros((box.h, box.w), np.float32), np.ones((box.h, box.w), np.float32))
        made = np.array([self._fill(part, result) for part in begun.parts])
        if turn.carried:
            self._done[turn.index] = result
        after = composite(before, from_444(result.codes, before), seen.hole[box.slices])
        areas = np.array([int(part.target.hole.sum()) for part in begun.parts], np.float64)
        share, error = (float(v) for v in areas @ made / areas.sum())
        self._promised[turn.index] = error if turn.key else self._usual(turn)
        return Filled(with_part(seen.frame, after, box), share, error)

    def _fill(self, part: _Part, result: Result) -> tuple[float, float]:
        """Fills one part of the hole; returns the borrowed share and the expected error."""
        target, found = part.target, part.found.result()
        mixed = self._mixed(target, found)
        if not part.turn.key and mixed.expected > WORSE * self._usual(part.turn):
            found = borrowed(self._window, target, part.turn.beside, grain=self._settings.grain)
            mixed = self._mixed(target, found)
        got, mix, alone, before = mixed.got, mixed.mix, mixed.alone, mixed.before
        if self._draws:
            guess = filled(got, mix, target, alone)
            alone = textured(target, guess, mix.real, before[0] if before else None, self._seed(target))
        fill = filled(got, mix, target, alone)
        if self._settings.grain:
            lived = Lived(mix.real, found.grain)
            fill = grained(fill, target.hole, target.known, lived, self._seed(target))
        codes, error, real = result.of(target)
        put(codes, target, fill, self._window[target.index].frame.layout.depth)
        set_part(error, target, mix.error)
        set_part(real, target, mix.real)
        return float(mix.real[target.hole].mean()), float(mix.error[target.hole].mean())

    def _mixed(self, target: Target, found: Borrowed) -> _Mixed:
        """What was found, with references, weighed against what may be grown."""
        before = [one for one in (self._carried(target, carrier) for carrier in found.carriers) if one is not None]
        shown = of_likenesses(self._likenesses(target), target)
        held = together((found.donors, *(before if self._borrows else ()), shown))
        got = None if held is None else fused(held, target, self._trust)
        rough = roughness(target) * self._trust.spatial
        sure = not self._draws and got is not None and suffices(got, target, rough)
        alone = target.codes if sure else spatial_fill(target)
        mix = weighed(got, target, alone, rough, grows=not sure)
        return _Mixed(got, mix, alone, before, float(mix.error[target.hole].mean()))

    def _usual(self, turn: Turn) -> float:
        """The squared error that the key frames on both sides promised."""
        return float(np.mean([self._promised.get(index, np.inf) for index in turn.beside]))

    @property
    def _borrows(self) -> bool:
        return self._settings.method in ("auto", "temporal", "texture")

    @property
    def _draws(self) -> bool:
        """Whether what nothing shows is made of patches: when it is asked, and where no other frame could ever help."""
        return self._settings.method in ("spatial", "texture") or (len(self._window) == 1 and self._settings.grain)

    def _seed(self, target: Target) -> int:
        place = target.box.y * 65536 + target.box.x
        return hash((self._settings.seed, target.index, place)) & 0xFFFFFFFF

    def _carried(self, target: Target, carrier: Carrier) -> Donors | None:
        done = self._done.get(carrier.index)
        return None if done is None else carried(self._window, target, done, carrier)

    def _likenesses(self, target: Target) -> list[Any]:
        if self._settings.method not in ("auto", "reference", "texture"):
            return []
        scale = eight_bit(self._window[target.index].frame.layout.depth)
        made = (reference.donor(self._window, target, scale) for reference in self._references)
        return [one for one in made if one is not None]

    def _calibrate(self, index: int) -> None:
        """Every so often, hides the holes again beside themselves and learns what each way is worth there."""
        if self._settings.method == "spatial" or index - self._calibrated < CALIBRATE_EVERY:
            return
        self._calibrated = index
        hole = self._window[index].hole
        seen = [self._scored(index, hole, shift) for shift in hidden_places(hole)]
        sums = np.sum([one for one in seen if one is not None] or [np.zeros((2, 2))], axis=0)
        frames, spatial = (_ratio(*pair) for pair in sums)
        self._trust = Trust(frames=frames, spatial=spatial)

    def _scored(self, index: int, hole: Bits, shift: tuple[int, int]) -> NDArray[np.float64] | None:
        """((true, promised) of borrowing, the same of growing): sums of squared error over one hidden hole."""
        where = moved(hole, shift) & (self._window[index].barred == 0)
        if where.sum() < 0.4 * hole.sum() or where.sum() < 32:
            return None
        hidden = self._window.hiding(shift)
        target = target_of(hidden, index, outline_of(hidden[index], where))
        found = borrowed(hidden, target, (), grain=False).donors
        inside = target.hole
        grown_error = square_mean(spatial_fill(target) - target.codes)[inside]
        sums = np.array([[0.0, 0.0], [float(grown_error.sum()), roughness(target) * float(inside.sum())]])
        if found is not None:
            got = fused(found, target, Trust())
            spot = target.blocks.cut(inside) & (got.reached.numpy() > 0)
            true = np.square(got.codes.permute(1, 2, 0).numpy() - target.blocks.cut(target.codes)).mean(axis=2)
            sums[0] = float(true[spot].sum()), float(got.error.numpy()[spot].sum())
        return sums


def _ratio(true: float, promised: float) -> float:
    return float(np.clip(true / promised, LEAST_RATIO, MOST_RATIO)) if promised > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Mix:
    """Per pixel (h, w): how much is what donors show, how much of it was seen in the shot rather than grown, and the
    squared error expected.
    """

    share: Field
    real: Field
    error: Field


def weighed(got: Fused | None, target: Target, alone: Field, rough: float, *, grows: bool) -> Mix:
    """Donors against `alone` (h, w, 3), grown from the surround: at least the squared error `rough` is expected of it.

    A surround tells nothing of what begins in the hole and ends there; donors do. Where a fill that is grown differs
    from them by d, it is off by d² less their own error. Where nothing `grows`, donors are all there is.
    """
    shape, blocks = target.hole.shape, target.blocks
    share, real, error = (np.full(shape, value, np.float32) for value in (0.0, 0.0, rough))
    if got is not None:
        grown_error = _grown_error(got, target, alone).clamp_min(rough) if grows else torch.full_like(got.error, rough)
        lean = 1.0 / (1.0 + (LEAN * got.error / grown_error) ** 2)
        part = ((lean - LEAST_LEAN) / (MOST_LEAN - LEAST_LEAN)).clamp(0, 1) * got.reached if grows else got.reached
        blocks.put(part.numpy(), share)
        blocks.put((part * got.real).numpy(), real)
        blocks.put((got.error * part + grown_error * (1 - part)).numpy(), error)
    return Mix(share, real, error)


def _grown_error(got: Fused, target: Target, alone: Field) -> Stack:
    """Squared error expected of `alone` by how it differs from what donors show, (blocks, SIDE²)."""
    blocks = target.blocks
    apart = mean_square((got.codes - planar(blocks.cut(alone)))[None])
    inside = target.outline.inside.float()[None, None] * got.reached
    return blocks.lifted(normalised(blocks.cells((apart - got.error) * inside), blocks.cells(inside), MISSED))[0, 0]


def suffices(got: Fused, target: Target, rough: float) -> bool:
    """Whether donors reach all of the hole and are believed in nearly all of it, whatever may be grown."""
    hole = target.outline.inside
    if bool((hole & (got.reached <= 0)).any()):
        return False
    most = (1 / MOST_LEAN - 1) ** 0.5 * rough / LEAN
    return int((hole & (got.error > most)).sum()) <= DOUBT * int(hole.sum())


def filled(got: Fused | None, mix: Mix, target: Target, alone: Field) -> Field:
    """The target's codes (h, w, 3) with the hole filled: what donors show on the surround's level, the rest `alone`."""
    made = np.where(target.hole[..., None], alone, target.codes) if alone is not target.codes else alone.copy()
    if got is None:
        return made
    blocks, hole = target.blocks, target.outline.inside
    have = planar(blocks.cut(made))
    share = torch.from_numpy(blocks.cut(mix.share))
    edge = got.reached * torch.from_numpy(blocks.cut(target.outline.edge))
    level = levelled(got.codes, target, edge[None, None])
    mixed = torch.where(hole, level * share + have * (1 - share), have)
    blocks.put(mixed.permute(1, 2, 0).numpy(), made)
    return made


def set_part(plane: Field, target: Target, values: Field) -> None:
    """Writes the values (h, w) of a target's hole into the plane of its box, as much of it as the frame has."""
    h, w = plane.shape
    hole = target.hole[:h, :w]
    plane[hole] = values[:h, :w][hole]


def _around(parts: Sequence[_Part], frame: Bits) -> Box:
    """The box around the targets of a frame's parts, inside the frame."""
    whole = reduce(Box.union, (part.target.box for part in parts))
    return Box(whole.x, whole.y, min(whole.w, frame.shape[1] - whole.x), min(whole.h, frame.shape[0] - whole.y))


def regions(mask: Bits) -> list[Bits]:
    """The parts of a mask that are filled on their own: parts whose surrounds overlap much are worked on together."""
    height, width = mask.shape
    around = Box.around(mask)
    if around is None:
        return []
    place = around.grown(4, width, height).slices
    count, labels = cv2.connectedComponents(grown(mask[place], 4).astype(np.uint8))
    groups = [_only(mask[place] & (labels == label), place, mask) for label in range(1, count)]
    held = [(around_of(part, width, height), part) for part in groups if part.any()]
    return [part for _, part in _joined(held)]


def _only(part: Bits, place: tuple[slice, slice], mask: Bits) -> Bits:
    """A part of a mask that lies at `place`, as a mask of its own."""
    made = np.zeros(mask.shape, np.bool_)
    made[place] = part
    return made


def _joined(groups: list[tuple[Box, Bits]]) -> list[tuple[Box, Bits]]:
    """Groups joined as long as the box around two of them is hardly larger than both."""
    for i, (one, part) in enumerate(groups):
        for j, (other, more) in enumerate(groups[:i]):
            both = one.union(other)
            if both.area <= JOIN * (one.area + other.area):
                rest = [group for n, group in enumerate(groups) if n not in (i, j)]
                return _joined([*rest, (both, part | more)])
    return groups


def hidden_places(mask: Bits) -> list[tuple[int, int]]:
    """Shifts (x, y) that move the holes onto known picture, best first, at most HIDDEN_HOLES."""
    boxes = [box for box in map(Box.around, pieces(mask)) if box is not None]
    across = max(min(box.w for box in boxes), 8) + 6
    down = max(min(box.h for box in boxes), 8) + 6
    across, down = min(across, mask.shape[1] // 4), min(down, mask.shape[0] // 4)
    tries = [(across, 0), (-across, 0), (0, down), (0, -down), (across, down), (-across, -down)]
    return sorted(tries, key=lambda shift: -int((moved(mask, shift) & ~mask).sum()))[:HIDDEN_HOLES]


def pieces(mask: Bits) -> list[Bits]:
    """The connected parts of a mask."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return [labels == label for label in range(1, count)]
