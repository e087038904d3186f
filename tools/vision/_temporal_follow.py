"""A thing followed from its first frame to its last, between edges that show it for certain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box
from tools.vision._temporal_edges import Edge
from tools.vision._temporal_motion import Colours
from tools.vision._temporal_pairs import Drift, Pair, travel

Point = NDArray[np.float64]

UNSEEN = 255.0
"""Unlikeness of a thing that has left the picture."""
_SEARCH = 3
"""Pixels at work size tried on each side of a guess."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the thing looks like at one of its ends: tight picture, mask, and the middle of its box (x, y)."""

    index: int
    picture: Colours
    mask: Bits
    middle: Point

    @property
    def size(self) -> NDArray[np.float64]:
        """Width and height."""
        return np.array([self.mask.shape[1], self.mask.shape[0]], np.float64)


def sights(pair: Pair) -> tuple[Sight, Sight]:
    """The thing just after it came and just before it went."""
    return after(pair.came), before(pair.went)


def after(edge: Edge) -> Sight:
    """What a change's place shows just after it."""
    return _sight(edge, edge.new, edge.come, edge.index)


def before(edge: Edge) -> Sight:
    """What a change's place shows just before it."""
    return _sight(edge, edge.old, edge.gone, edge.index - 1)


def _sight(edge: Edge, picture: Colours, mask: Bits, index: int) -> Sight:
    """A tight crop of one side of an edge."""
    box = Box.around(mask)
    if box is None:
        box = Box(0, 0, edge.box.w, edge.box.h)
        mask = np.ones((edge.box.h, edge.box.w), np.bool_)
    middle = np.array([edge.box.x + box.x + box.w / 2, edge.box.y + box.y + box.h / 2])
    return Sight(index, picture[box.slices], mask[box.slices], middle)


def follow(
    pictures: Iterator[tuple[int, Colours]], first: Sight, last: Sight, drifts: Sequence[Drift], by: float
) -> Iterator[tuple[int, Box, Bits, float]]:
    """(frame, box, mask, unlikeness) for each picture between the sights, at work size.

    `drifts[i]` is the step to frame i + 1. Unlikeness is the root mean squared difference from the nearer sight,
    colours summed over the channels, and 0 at the sights themselves.
    """
    place = first.middle
    for index, picture in pictures:
        share = _share(index, first, last)
        size = np.maximum(3, first.size * (1 - share) + last.size * share)
        unlike = 0.0
        if index == first.index:
            place = first.middle
        elif index == last.index:
            place = last.middle
        else:
            moved = travel(place, drifts[index - 1 : index], by)
            straight = place + (last.middle - place) / (last.index - index + 1)
            unlike, place = settle(picture, _blend(first, last, share, size), (place, moved, straight))
        mask = _outline(first, last, share, size)
        placed = _placed(mask, place, picture.shape[1], picture.shape[0])
        if placed is not None:
            yield index, *placed, unlike


def follow_on(
    pictures: Iterable[tuple[int, Colours]], start: Sight, drifts: Sequence[Drift], by: float
) -> Iterator[tuple[int, Point, float]]:
    """(frame, middle, unlikeness) of `start` at its best place in each next picture, forward or backward in time.

    Unlikeness is the root mean squared difference, colours summed over the channels.
    """
    place, at = start.middle, start.index
    for index, picture in pictures:
        steps = drifts[min(at, index) : max(at, index)]
        moved = travel(place, steps, by, backward=index < at)
        unlike, place = settle(picture, (start.picture, start.mask), (place, moved))
        yield index, place, unlike
        at = index


def _share(index: int, first: Sight, last: Sight) -> float:
    return (index - first.index) / max(1, last.index - first.index)


def _blend(first: Sight, last: Sight, share: float, size: Point) -> tuple[Colours, Bits]:
    """The nearer sight's picture and mask at the size the thing has in between."""
    nearer = first if share < 0.5 else last
    width, height = round(float(size[0])), round(float(size[1]))
    return np.asarray(cv2.resize(nearer.picture, (width, height))), _resized(nearer.mask, width, height)


def _outline(first: Sight, last: Sight, share: float, size: Point) -> Bits:
    """Both sights' masks together at the size in between; what one background hid the other shows."""
    width, height = round(float(size[0])), round(float(size[1]))
    a, b = _resized(first.mask, width, height), _resized(last.mask, width, height)
    either = a | b
    alike = float((a & b).sum()) / max(1.0, float(either.sum()))
    if alike >= 0.6:
        return np.asarray(either)
    return a if share < 0.5 else b


def _resized(mask: Bits, width: int, height: int) -> Bits:
    return np.asarray(cv2.resize(mask.astype(np.float32), (width, height)) >= 0.5)


def settle(
    picture: Colours, thing: tuple[Colours, Bits], guesses: Sequence[Point], *, reach: int = _SEARCH
) -> tuple[float, Point]:
    """The place within `reach` pixels of one of the guesses where the picture looks most like the thing (its picture
    and mask), and how unlike it is there."""
    trials = [trial for guess in guesses for trial in _trials(picture, thing, guess, reach)]
    if not trials:
        return UNSEEN, guesses[-1]
    cost, place = min(trials, key=lambda t: t[0])
    return max(0.0, cost) ** 0.5, place


def _trials(picture: Colours, thing: tuple[Colours, Bits], guess: Point, search: int) -> Iterator[tuple[float, Point]]:
    """The best place around one guess, with its mean squared difference; a far move costs a little."""
    model, mask = thing
    height, width = mask.shape
    x, y = round(float(guess[0] - width / 2)) - search, round(float(guess[1] - height / 2)) - search
    reach = (width + 2 * search, height + 2 * search)
    if x < -width or y < -height or x > picture.shape[1] or y > picture.shape[0]:
        return
    part = window(picture, x, y, reach)
    weights = np.repeat(mask.astype(np.float32)[..., None], 3, axis=-1)
    cost = cv2.matchTemplate(part.astype(np.float32), model.astype(np.float32), cv2.TM_SQDIFF, mask=weights) / max(
        1.0, float(mask.sum())
    )
    offsets = np.abs(np.arange(2 * search + 1) - search)
    cost = cost + 0.5 * (offsets[:, None] + offsets[None, :])
    row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
    yield float(cost[row, column]), np.array([x + column + width / 2, y + row + height / 2])


def window(picture: Colours, x: int, y: int, size: tuple[int, int]) -> Colours:
    """A crop that may reach beyond the picture, whose border is repeated."""
    columns = np.clip(np.arange(x, x + size[0]), 0, picture.shape[1] - 1)
    rows = np.clip(np.arange(y, y + size[1]), 0, picture.shape[0] - 1)
    return picture[rows[:, None], columns[None, :]]


def _placed(mask: Bits, middle: Point, width: int, height: int) -> tuple[Box, Bits] | None:
    """A mask put with its middle at a place, cut at the picture's border; None when nothing is left."""
    x, y = round(float(middle[0] - mask.shape[1] / 2)), round(float(middle[1] - mask.shape[0] / 2))
    left, top = max(0, -x), max(0, -y)
    right, bottom = min(mask.shape[1], width - x), min(mask.shape[0], height - y)
    if right <= left or bottom <= top:
        return None
    bits = mask[top:bottom, left:right]
    return (Box(x + left, y + top, right - left, bottom - top), bits) if bits.any() else None
