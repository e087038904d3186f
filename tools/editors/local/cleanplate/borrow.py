"""Borrowing: the chosen views' pixels brought into the target's light, graded on the ring around the hole, and fused.

Pixels live on blocks, (n, c, blocks, SIDE²); what is smooth lives on the grid of cells (see blocks.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.blocks import CELL
from tools.editors.local.cleanplate.fields import Field
from tools.editors.local.cleanplate.grain import changing
from tools.editors.local.cleanplate.lattice import Grid, Lattice, bordered
from tools.editors.local.cleanplate.likeness import Likeness
from tools.editors.local.cleanplate.sides import Sights, of_one_sight, told_by
from tools.editors.local.cleanplate.target import Target, eight_bit
from tools.editors.local.cleanplate.tensors import Stack, blurred, extended, mean_square, normalised, planar
from tools.editors.local.cleanplate.views import (
    CEILING,
    FLOOR,
    FULL,
    LEAST_RING,
    Effort,
    Slots,
    beside_views,
    found_views,
    graded,
)
from tools.editors.local.cleanplate.window import Seen, Window
from tools.types import Bits, Box

Source = Literal["frames", "carried", "reference"]
Find = Callable[[Window, Target, Sequence[int]], Slots | None]
SEEN_AGES, GROWN_AGES = 0.25, 1.1
"""How much of the error expected of the last frame counts when it is carried on, where it was seen and where it was
grown. What was seen is the mean of many views, and most of its own error is already in how the ring does; on the clips
of data/ a quarter gives 0.2 to 0.9 dB more than all of it. What was grown must not be believed for being repeated.
"""
CARRIED_AGE = 1.5
"""How much the error expected of the last frame's fill counts against that of views (see `views.AGES`)."""
LONG_AGO = 100.0
"""How many frames off the sight counts as that a carried fill was made from."""
UNLIT = 0.02
"""Share of a window at which the ring near by and all of it tell as much about light: a far corner of a large hole must
not take the light of whatever bit of the ring is nearest.
"""
BESIDE = 4
"""Pixels beyond a frame's edge that it is still believed at: a view of what the edge cuts is that far out of place."""
MOST_ROWS = 1 << 14
"""Rows of positions that one call of OpenCV's remap is given: it takes less than 2¹⁵."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was made of a frame's `box`: code values (h, w, 3); squared error expected, and how much was borrowed
    (h, w). All that was made lies in it.
    """

    box: Box
    codes: NDArray[Any]
    error: Field
    real: Field

    def of(self, target: Target) -> tuple[NDArray[Any], Field, Field]:
        """Views of all three where a target lies, as much of it as the frame has."""
        x, y = target.box.x - self.box.x, target.box.y - self.box.y
        place = slice(y, y + target.box.h), slice(x, x + target.box.w)
        return self.codes[place], self.error[place], self.real[place]

    def over(self, seen: Seen, part: Box) -> tuple[NDArray[Any], Field, Field]:
        """All three for any part of the frame: beyond the box it is as it was seen."""
        codes = seen.codes(part)
        error, real = np.zeros((part.h, part.w), np.float32), np.ones((part.h, part.w), np.float32)
        x, y = max(part.x, self.box.x), max(part.y, self.box.y)
        w, h = (min(part.x + part.w, self.box.x + self.box.w) - x, min(part.y + part.h, self.box.y + self.box.h) - y)
        if w > 0 and h > 0:
            there, here = (Box(x - box.x, y - box.y, w, h).slices for box in (part, self.box))
            codes[there], error[there], real[there] = self.codes[here], self.error[here], self.real[here]
        return codes, error, real


@dataclass(frozen=True, slots=True)
class Donors:
    """Pictures of the target's content on its blocks, in its light.

    `codes` is (n, 3, blocks, SIDE²) in 8-bit steps, `valid` (n, 1, …) 0 or 1, `real` (n, 1, …) how much of it was seen
    rather than grown; `error` is the squared error expected and `age` how much it counts against the others', on the
    grid of cells (n, 1, h, w); `when` (n, 1, blocks, 1) is how many frames later than the target they were taken.
    """

    codes: Stack
    valid: Stack
    error: Stack
    age: Stack
    real: Stack
    when: Stack
    sources: tuple[Source, ...]

    def first(self, count: int) -> Donors | None:
        """As many of them."""
        if not count:
            return None
        codes, valid, error, age, real, when = (part[:count] for part in self.planes)
        return Donors(codes, valid, error, age, real, when, self.sources[:count])

    @property
    def planes(self) -> tuple[Stack, ...]:
        return self.codes, self.valid, self.error, self.age, self.real, self.when


@dataclass(frozen=True, slots=True)
class Carrier:
    """How a frame beside lies on the target's blocks: full-size positions x, y (blocks, SIDE²) in it, the light
    (1, 3, blocks, SIDE²) that brings it into the target's, and the squared error expected of its picture.
    """

    index: int
    x: Field
    y: Field
    light: Stack
    error: Stack


@dataclass(frozen=True, slots=True)
class Borrowed:
    """What other frames show of a hole, the ways in which the frames beside it lie, nearest first, and the sigma per
    plane of the shot's grain, by what changes from the nearest of them; None where it was not asked for or not found.
    """

    donors: Donors | None = None
    carriers: tuple[Carrier, ...] = ()
    grain: NDArray[np.float64] | None = None


def borrowed(window: Window, target: Target, beside: Sequence[int], *, grain: bool, effort: Effort = FULL) -> Borrowed:
    """What other frames of the window show of the target's hole, and the ways in which the frames `beside` lie."""
    return _borrowed(partial(found_views, effort=effort), window, target, beside, grain=grain)


def lying(window: Window, target: Target, beside: Sequence[int], *, grain: bool) -> Borrowed:
    """The ways in which the frames `beside` lie, for a fill that borrows from nothing else."""
    return _borrowed(beside_views, window, target, beside, grain=grain)


def _borrowed(find: Find, window: Window, target: Target, beside: Sequence[int], *, grain: bool) -> Borrowed:
    """What the slots that are found show; the last of them are the ways in which the frames beside lie."""
    slots = find(window, target, beside) if target.known.sum() >= LEAST_RING else None
    if slots is None:
        return Borrowed()
    places = [_fine(slots, n, target) for n in range(len(slots.x))]
    cells = _cells_of_blocks(slots.lattice, target)
    taken = [_slot(window, slots, n, cells, place) for n, place in enumerate(places)]
    scale = eight_bit(window[target.index].frame.layout.depth)
    codes = torch.stack([planar(one[0]) for one in taken]).mul_(scale)
    valid = torch.from_numpy(np.stack([one[1] for one in taken])).float()[:, None]
    light, error = _graded(codes, valid, target)
    codes += light
    real = torch.ones_like(valid)
    ages, when = _ages(slots, target, error), _when(slots, cells, target.index)
    found = Donors(codes, valid, error, ages, real, when, _all("frames", len(taken)))
    count = len(taken) - len(beside)
    carriers = tuple(
        Carrier(frame, *places[n], light[n : n + 1], error[n : n + 1]) for n, frame in enumerate(beside, start=count)
    )
    changes = _grain(codes, valid, range(count, len(taken)), target) if grain else None
    return Borrowed(found.first(count), carriers, changes)


def _ages(slots: Slots, target: Target, like: Stack) -> Stack:
    """Slots' ages on the grid of cells of `like`."""
    size = (like.shape[3], like.shape[2])
    return torch.from_numpy(
        np.stack([cv2.resize(one, size, interpolation=cv2.INTER_NEAREST) for one in slots.ages(target.index)])
    )[:, None]


def _when(slots: Slots, cells: NDArray[np.int64], index: int) -> Stack:
    """How many frames later than frame `index` the slots of every block were taken, (n, 1, blocks, 1); `cells` are
    those that the blocks' middles lie in.
    """
    which = slots.which.reshape(len(slots.which), -1)[:, cells]
    later = np.array([*slots.frames, index])[which] - index
    return torch.from_numpy(later.astype(np.float32))[:, None, :, None]


def _grain(codes: Stack, valid: Stack, beside: Sequence[int], target: Target) -> NDArray[np.float64] | None:
    """The grain of the surround, by how another frame differs from it: the first of those beside that shows enough of
    it, else the view that shows most.
    """
    most = int((valid * torch.from_numpy(target.blocks.cut(target.known))).sum((1, 2, 3)).argmax())
    for one in (*beside, most):
        then = target.codes.copy()
        where = np.zeros(target.known.shape, np.bool_)
        target.blocks.put(codes[one].permute(1, 2, 0).numpy(), then)
        target.blocks.put(valid[one, 0].numpy() > 0, where)
        found = changing(target.codes, then, where & target.known)
        if found is not None:
            return found
    return None


def _all(source: Source, count: int) -> tuple[Source, ...]:
    return (source,) * count


def _slot(window: Window, slots: Slots, n: int, cells: NDArray[np.int64], at: Grid) -> tuple[Field, Bits]:
    """One slot's native codes (blocks, SIDE², 3) at the positions of blocks whose middles lie in `cells`, and where
    they may be believed.
    """
    x, y = at
    codes, valid = np.zeros((*x.shape, 3), np.float32), np.zeros(x.shape, np.bool_)
    for frame, mine in slots.used(n, cells):
        if mine.all():
            return _taken(window[frame], x, y)
        codes[mine], valid[mine] = _taken(window[frame], x[mine], y[mine])
    return codes, valid


def _cells_of_blocks(lattice: Lattice, target: Target) -> NDArray[np.int64]:
    """The cell that the middle of every block lies in."""
    blocks = target.blocks
    row, column = np.divmod(blocks.chosen, blocks.columns)
    at_row = (2 * row + 1) * lattice.rows // (2 * blocks.rows)
    at_column = (2 * column + 1) * lattice.columns // (2 * blocks.columns)
    return np.asarray(at_row * lattice.columns + at_column, np.int64)


def carried(window: Window, target: Target, last: Result, carrier: Carrier) -> Donors:
    """A result of a frame beside as a donor; how good its own fill was, which no ring can tell, adds to it."""
    seen = window[carrier.index]
    part, at = _reached(carrier.x, carrier.y, seen)
    made, *planes = last.over(seen, part)
    old = _steady(made, *at)
    error, real = (_read(plane, *at, cv2.INTER_NEAREST) for plane in planes)
    codes = planar(old)[None].mul_(eight_bit(seen.frame.layout.depth))
    before, borrowed = (torch.from_numpy(plane)[None, None] for plane in (error, real))
    ages = SEEN_AGES * borrowed + GROWN_AGES * (1 - borrowed)
    expected = carrier.error + target.blocks.cells(ages * before)
    inside = _flags(_within(carrier.x, carrier.y, seen))
    age = torch.full_like(expected, CARRIED_AGE)
    when = torch.full((1, 1, codes.shape[2], 1), LONG_AGO)
    return Donors(codes + carrier.light, inside, expected, age, borrowed, when, ("carried",))


def _steady(codes: NDArray[Any], x: Field, y: Field) -> NDArray[Any]:
    """Codes (h, w, 3) at real positions, none beyond what lies beside its place: cubic interpolation overshoots at
    edges, and what is carried from frame to frame would do so again and again.
    """
    near = np.ones((3, 3), np.uint8)
    low, high = (_read(way(codes, near), x, y, cv2.INTER_NEAREST) for way in (cv2.erode, cv2.dilate))
    return np.asarray(np.clip(_read(codes, x, y, cv2.INTER_CUBIC), low, high))


def _flags(where: Bits) -> Stack:
    return torch.from_numpy(where).float()[None, None]


def _within(x: Field, y: Field, seen: Seen) -> Bits:
    """Full-size positions inside the frame, or as little beyond it that its edge may be repeated."""
    height, width = seen.hole.shape
    return np.asarray((x >= -BESIDE) & (y >= -BESIDE) & (x < width + BESIDE) & (y < height + BESIDE), np.bool_)


def _reached(x: Field, y: Field, seen: Seen) -> tuple[Box, tuple[Field, Field]]:
    """The part of a frame that full-size positions lie in, and the positions in it."""
    height, width = seen.hole.shape
    part = _spanning(x, y, width, height)
    return part, (x - np.float32(part.x), y - np.float32(part.y))


def _taken(seen: Seen, x: Field, y: Field) -> tuple[Field, Bits]:
    """A frame's native codes (blocks, SIDE², 3) at full-size positions, and where they may be believed."""
    height, width = seen.hole.shape
    part, codes = seen.region(_spanning(x, y, width, height))
    at = (x - np.float32(part.x), y - np.float32(part.y))
    barred = _read(seen.barred[part.slices], *at, cv2.INTER_LINEAR)
    return _read(codes, *at, cv2.INTER_CUBIC).astype(np.float32), _within(x, y, seen) & (barred == 0)


def _read(plane: NDArray[Any], x: Field, y: Field, way: int) -> NDArray[Any]:
    """A plane at real positions (blocks, SIDE²); beyond its edge the edge repeats."""
    parts = [
        cv2.remap(plane, x[n : n + MOST_ROWS], y[n : n + MOST_ROWS], way, borderMode=cv2.BORDER_REPLICATE)
        for n in range(0, len(x), MOST_ROWS)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _fine(slots: Slots, n: int, target: Target) -> tuple[Field, Field]:
    """A slot's working positions as full-size positions of the blocks' pixels."""
    lattice = slots.lattice
    wide = bordered(np.stack([slots.x[n], slots.y[n]])).transpose(1, 2, 0)
    across, down = target.outline.places
    at = (
        across * np.float32(lattice.columns / target.box.w) + 0.5,
        down * np.float32(lattice.rows / target.box.h) + 0.5,
    )
    both = cv2.remap(np.ascontiguousarray(wide), *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    both = (both + np.float32(0.5)) / np.float32(lattice.scale) - np.float32(0.5)
    return np.ascontiguousarray(both[..., 0]), np.ascontiguousarray(both[..., 1])


def _spanning(x: Field, y: Field, width: int, height: int, margin: int = 4) -> Box:
    """The part of a frame that positions lie in, with a margin; never empty."""
    left, right = (int(np.clip(v, 0, width - 1)) for v in (x.min() - margin, x.max() + margin))
    top, low = (int(np.clip(v, 0, height - 1)) for v in (y.min() - margin, y.max() + margin))
    return Box(left, top, right - left + 1, low - top + 1)


def _graded(codes: Stack, valid: Stack, target: Target) -> tuple[Stack, Stack]:
    """The light that codes lack (n, 3, blocks, SIDE²), and the squared error expected of them with it (on cells), by
    how they do on the ring. Light is constant within a cell of the ring, so sums over cells are all that is needed.
    """
    blocks, reach = target.blocks, target.reach / CELL
    ring = valid * target.outline.believed
    gap = (target.truth - codes).mul_(ring)
    weight = blocks.cells(ring)
    light = blocks.lifted(normalised(blocks.cells(gap), weight, max(1.0, reach), UNLIT))
    error = blocks.cells(mean_square(gap - light * ring).clamp_max_(CEILING))
    return light, graded(error, weight, reach)


def of_likenesses(shown: Sequence[Likeness], target: Target) -> Donors | None:
    """What references show, as donors."""
    if not shown:
        return None
    blocks = target.blocks
    codes = torch.from_numpy(np.stack([blocks.cut(one.codes) for one in shown])).permute(0, 3, 1, 2)
    valid = torch.from_numpy(np.stack([blocks.cut(one.valid) for one in shown])).float()[:, None]
    error = torch.from_numpy(np.stack([blocks.cut(one.error) for one in shown])).float()[:, None]
    error = blocks.cells(error).clamp_min(FLOOR)
    when = torch.zeros(len(shown), 1, codes.shape[2], 1)
    age, real = torch.ones_like(error), torch.ones_like(valid)
    return Donors(codes, valid, error, age, real, when, _all("reference", len(shown)))


def together(groups: Sequence[Donors | None]) -> Donors | None:
    """All donors as one."""
    held = [one for one in groups if one is not None]
    if len(held) < 2:
        return held[0] if held else None
    codes, valid, error, age, real, when = (torch.cat(part) for part in zip(*(one.planes for one in held), strict=True))
    return Donors(codes, valid, error, age, real, when, tuple(source for one in held for source in one.sources))


@dataclass(frozen=True, slots=True)
class Trust:
    """How each way's true squared error compares with what it promises, found on holes whose truth is known."""

    frames: float = 1.0
    reference: float = 1.0
    spatial: float = 1.0

    def of(self, source: Source) -> float:
        return {"reference": self.reference, "carried": 1.0}.get(source, self.frames)


@dataclass(frozen=True, slots=True)
class Fused:
    """A fill on the target's blocks (3, blocks, SIDE²); per pixel (blocks, SIDE²) whether donors reach it, the squared
    error expected, and how much of it was seen rather than grown.
    """

    codes: Stack
    reached: Stack
    error: Stack
    real: Stack


def fused(found: Donors, target: Target, trust: Trust) -> Fused:
    """The donors' mean, weighed by the inverse square of their aged expected error: a clear winner takes all. What is
    unlike all the others counts less, and what changed while it was hidden is of one donor.
    """
    blocks = target.blocks
    error = _held_against_reference(found, target, trust)
    weight = blocks.lifted((error * found.age).square().reciprocal()) * found.valid
    surety = (blocks.lifted(error.reciprocal()) * found.valid).sum(0)
    promised = found.valid.sum(0) / surety.clamp_min(1e-9)
    if "frames" not in found.sources:
        mean, apart, real = _mixed(found, weight)
        return Fused(mean, found.valid.amax(0)[0], promised[0] + apart, real)
    sights = Sights(found.codes, found.when, found.valid, weight)
    told = told_by(sights, promised, blocks)
    mean, apart, real = _mixed(found, weight * blocks.lifted(told.agreement(error)))
    one = of_one_sight(mean, told, sights, blocks)
    if one is not None:
        mean, apart = one[0], apart * (1 - one[1])
    return Fused(mean, found.valid.amax(0)[0], promised[0] + apart, real)


def _mixed(found: Donors, weight: Stack) -> tuple[Stack, Stack, Stack]:
    """The weighed mean of codes (3, blocks, SIDE²), and of squared differences from it and of what was seen."""
    total = weight.sum(0).clamp_min(1e-12)
    mean = (found.codes * weight).sum(0) / total
    apart = (mean_square(found.codes - mean) * weight).sum(0) / total
    return mean, apart[0], ((found.real * weight).sum(0) / total)[0]


def _held_against_reference(found: Donors, target: Target, trust: Trust) -> Stack:
    """Every donor's expected squared error, with frames held against the reference where there is one.

    What a frame shows in the place of a worn thing may fit the ring and still be the wall behind; a reference was given
    because it shows the thing. A frame that differs from it by d is off by at least d² less the reference's own error.
    """
    scale = torch.tensor([trust.of(source) for source in found.sources])
    error = found.error * scale.view(-1, 1, 1, 1)
    if "reference" not in found.sources:
        return error
    first = found.sources.index("reference")
    both = found.valid * found.valid[first]
    apart = mean_square(found.codes - found.codes[first]) * both
    weight = target.blocks.cells(both)
    seen = blurred(target.blocks.cells(apart), 0.6) / blurred(weight, 0.6).clamp_min(1e-3)
    least = torch.where(weight > 0, seen - error[first], torch.zeros_like(seen))
    frames = torch.tensor([source != "reference" for source in found.sources]).view(-1, 1, 1, 1)
    return torch.where(frames, torch.maximum(error, least), error)


def levelled(fill: Stack, target: Target, edge: Stack) -> Stack:
    """The fill (3, blocks, SIDE²) moved onto the surround's level at the hole's edge, fading smoothly across the hole.

    The membrane of Poisson image editing (Pérez et al., SIGGRAPH 2003) with its boundary averaged along the edge, so
    that a detail out of place at the edge draws no streak into the hole. `edge` is 1 where the two are compared.
    """
    blocks = target.blocks
    weight = blocks.cells(edge)
    gap = blocks.cells((target.truth - fill) * edge)
    held = blurred(torch.cat([gap, weight], 1), 0.75)
    firm = (held[:, 3:] / 0.1).clamp_max(1.0)
    return fill + blocks.lifted(extended(held[:, :3] / held[:, 3:].clamp_min(1e-4), firm))[0]
