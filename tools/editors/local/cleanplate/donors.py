"""Donors: pictures of a hole's content found in other frames, brought into the target's place and light, and graded.

A donor is graded on the ring around the hole, where the truth is known: its error there, spread smoothly into the
hole, says how far it may be believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, extended, grown, sample, smoothed, square_mean
from tools.editors.local.cleanplate.kin import kin_of
from tools.editors.local.cleanplate.shot import MotionModel, Route, Walk, Window, full_size, grid_of
from tools.types import Bits, Box, Gray
from tools.vision.motion import dense_flow

Source = Literal["plane", "flow", "reference"]
WANTED = 4
"""Donors per pixel: more change the mean little."""
MOST_DONORS = 8
NEAR = 12.0
"""Frames of distance that make a view worth half: drift and change of light grow with time."""
LEAST_RING = 64
"""Known pixels a donor must share with the target to be graded."""
LEAST_NEWS = 0.02
"""Share of the hole that a further donor must add to."""
FLOOR = 2.0
"""Squared error (8-bit levels) below which a better grade means nothing: quantisation and grain."""
CEILING = 4000.0
AGREEMENT = 12.0
"""Difference in 8-bit steps at which a ring pixel of a reference counts half."""
FRINGE = 8.0
"""Change of light in 8-bit steps per pixel that no lamp makes: a border between two things."""
STRANGENESS = 3.0
"""How much worse a colour is expected to fit that the ring does not hold at all."""
REFINE_SIZE = 288


@dataclass(frozen=True, slots=True)
class Target:
    """A hole in one frame, cut out with its surround.

    `codes` is (h, w, 3) float32 in 8-bit steps of the source's code values; `hole` is what must be filled, `known`
    what may be believed.
    """

    index: int
    box: Box
    codes: Field
    hole: Bits
    known: Bits

    @property
    def reach(self) -> float:
        """A length to smooth over: a quarter of the hole's size in pixels, at least 6."""
        return max(6.0, 0.25 * float(np.sqrt(self.hole.sum())))


@dataclass(frozen=True, slots=True)
class Donor:
    """A picture of the target's content: `codes` (h, w, 3), where it is `valid`, and the squared `error` expected."""

    source: Source
    codes: Field
    valid: Bits
    error: Field


@dataclass(frozen=True, slots=True)
class Quarry:
    """A picture to borrow from: native code values, 0 / 1 where it is barred, 8-bit luma."""

    codes: NDArray[Any]
    barred: NDArray[np.uint8]
    scale: float
    """8-bit steps per code value."""


def routes(window: Window, target: Target, model: MotionModel, scale: float) -> list[Route]:
    """Where the hole's content is seen: the few views that together show all of it, near frames before far ones."""
    views = list(_views(window, target, model, scale))
    left = np.zeros(views[0].seen.shape, np.int32) if views else np.zeros((1, 1), np.int32)
    chosen: list[_View] = []
    while views and len(chosen) < MOST_DONORS:
        news = [float((view.seen & (left < WANTED)).sum()) / (1 + view.distance / NEAR) for view in views]
        best = int(np.argmax(news))
        if news[best] * (1 + views[best].distance / NEAR) < max(1.0, LEAST_NEWS * views[best].size):
            break
        chosen.append(views.pop(best))
        left += chosen[-1].seen
    return [Route(view.index, *full_size(view.x, view.y, target.box, scale)) for view in chosen]


@dataclass(frozen=True, slots=True)
class _View:
    """One frame's sight of a hole on the coarse grid: where its points lie, and which of the hole's it shows."""

    index: int
    distance: int
    x: Field
    y: Field
    seen: Bits
    size: int


def _views(window: Window, target: Target, model: MotionModel, scale: float) -> Iterator[_View]:
    grid = grid_of(target.box, scale)
    shape = (grid[0].shape[1], grid[0].shape[0])
    hole = cv2.resize(target.hole.astype(np.float32), shape, interpolation=cv2.INTER_AREA) > 0
    for direction in (1, -1):
        walk, count = Walk(window, target.index, direction, model, grid), np.zeros(hole.shape, np.int32)
        while count[hole].min() < WANTED:
            index = walk.advance()
            if index is None or not walk.inside()[hole].any():
                break
            seen = walk.visible() & hole
            if seen.any():
                count += seen
                yield _View(index, abs(index - target.index), walk.x, walk.y, seen, int(hole.sum()))


def donors(window: Window, target: Target, model: MotionModel) -> list[Donor]:
    """Everything other frames of the window show of the target's hole, under one motion model."""
    seen = window[target.index]
    scale = seen.small.shape[1] / seen.light.shape[1]
    found = []
    for route in routes(window, target, model, scale):
        other = window[route.index]
        quarry = Quarry(other.codes, other.barred, eight_bit(seen.frame.layout.depth))
        made = donor(quarry, target, route.x, route.y, model)
        if made is not None:
            found.append(made)
    return found


def eight_bit(depth: int) -> float:
    """What a code value of `depth` bits is worth in 8-bit steps."""
    return float(2.0 ** (8 - depth))


def donor(quarry: Quarry, target: Target, x: Field, y: Field, source: MotionModel) -> Donor | None:
    """The quarry's pixels at x, y: put exactly in place, in the target's light, and graded. None: cannot be graded."""
    first = _taken(quarry, x, y)
    if (first[1] & target.known).sum() < LEAST_RING:
        return None
    x, y = _refined(target, *first, x, y)
    codes, valid = _taken(quarry, x, y)
    ring = valid & target.known
    if ring.sum() < LEAST_RING:
        return None
    lit = codes + smoothed(target.codes - codes, ring, target.reach)
    return Donor(source, lit, valid, _grade(target, lit, ring))


def reference_donor(quarry: Quarry, target: Target, x: Field, y: Field) -> Donor | None:
    """`donor` for another picture of the same thing: only part of its surround need be the same.

    Light and error are carried from the ring into the hole among kin, with what disagrees counting less and less.
    """
    codes, valid = _taken(quarry, x, y)
    ring = valid & target.known
    if ring.sum() < LEAST_RING:
        return None
    kin = kin_of(codes)
    weight = ring.astype(np.float32)
    lit = codes
    for _ in range(3):
        lit = codes + kin.spread(target.codes - codes, weight, 2 * target.reach)
        weight = ring / (1.0 + square_mean(target.codes - lit) / AGREEMENT**2)
    light = kin.spread(target.codes - codes, weight, target.reach)
    lit = _without_fringe(codes + light, light)
    error = np.minimum(square_mean(target.codes - lit), CEILING)
    near, wide = kin.spread(error, ring, target.reach), kin.spread(error, ring, 3 * target.reach)
    strange = 1.0 + STRANGENESS * (1.0 - kin.known(ring))
    return Donor("reference", lit, valid, np.asarray((0.8 * near + 0.2 * wide + FLOOR) * strange, np.float32))


def _without_fringe(codes: Field, light: Field) -> Field:
    """The thin line between what is kept and what is recoloured holds mixtures of both: it is spanned anew."""
    steep = max_gradient(light) > FRINGE
    fringe = grown(steep, 1)
    return extended(np.where(fringe[..., None], 0, codes), ~fringe) if fringe.any() and not fringe.all() else codes


def max_gradient(field: Field) -> Field:
    """Steepest change of any plane, per pixel."""
    planes = [np.hypot(*np.gradient(field[..., i])) for i in range(field.shape[2])]
    return np.asarray(np.max(planes, axis=0), np.float32)


def _taken(quarry: Quarry, x: Field, y: Field) -> tuple[Field, Bits]:
    height, width = quarry.barred.shape
    codes = sample(quarry.codes, x, y, cv2.INTER_CUBIC) * quarry.scale
    inside = (x >= 1) & (y >= 1) & (x <= width - 3) & (y <= height - 3)
    free = sample(quarry.barred, x, y) < 1e-3
    return codes, np.asarray(inside & free, np.bool_)


def _refined(target: Target, codes: Field, valid: Bits, x: Field, y: Field) -> tuple[Field, Field]:
    """The maps moved by the flow that is left between target and donor, continued from the ring into the hole."""
    size = target.known.shape
    by = min(1.0, REFINE_SIZE / max(size))
    small = (max(16, round(size[1] * by)), max(16, round(size[0] * by)))
    luma = codes[..., 0] if codes.shape[2] == 3 else codes
    both = target.known & valid
    one = np.where(target.known, target.codes[..., 0], luma)
    two = np.where(valid, luma, one)
    pair = [_small(picture, small) for picture in (one, two)]
    ring = cv2.resize(both.astype(np.uint8), small, interpolation=cv2.INTER_NEAREST) > 0
    rest = dense_flow(pair[0], pair[1])
    calm = smoothed(rest, ring, 6.0)
    held = extended(np.where(ring[..., None], calm, 0), ring)
    shift = cv2.resize(held, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) / by
    own = cv2.resize(rest, (size[1], size[0]), interpolation=cv2.INTER_LINEAR) / by
    deep = grown(~both, 4)
    shift = np.where(deep[..., None], shift, own).astype(np.float32)
    ys, xs = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    there_x, there_y = xs + shift[..., 0], ys + shift[..., 1]
    return sample(x, there_x, there_y), sample(y, there_x, there_y)


def _small(picture: NDArray[Any], size: tuple[int, int]) -> Gray:
    return np.asarray(
        cv2.resize(np.clip(picture, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA), np.uint8
    )


def _grade(target: Target, codes: Field, ring: Bits) -> Field:
    """Squared error expected at every pixel, from the ring: mostly from near by, a little from everywhere."""
    error = np.minimum(square_mean(target.codes - codes), CEILING)
    near = smoothed(error, ring, target.reach * 0.5)
    wide = smoothed(error, ring, target.reach * 1.5)
    return np.asarray(near + 0.2 * wide + FLOOR, np.float32)
