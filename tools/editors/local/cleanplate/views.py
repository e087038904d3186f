"""Views of a hole: where its content lies in other frames, and which of them to borrow from.

A view follows the camera (chained homographies) or the flow. Coarse to fine, every view is put in place by what the
ring around the hole, whose truth is known, says is left, and is judged there; the few that together promise the least
error go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, grown
from tools.editors.local.cleanplate.target import Target
from tools.editors.local.cleanplate.tensors import (
    Stack,
    blurred,
    extended,
    lifted,
    normalised,
    pooled,
    smoothed,
    stack,
)
from tools.editors.local.cleanplate.window import LEVELS, MotionModel, Seen, Window, through
from tools.types import Bits, Box

FAR = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 46, 54, 64, 75, 88, 103, 120)
"""Distances in frames at which views are looked for."""
FLOW_REACH = 40
"""Frames over which chained flow is followed."""
NEAR = 12.0
"""Distance in frames at which a view is worth half, before anything of it was looked at."""
GRID = 80
"""Points along the longer side of the coarsest grid, at most."""
FUNNEL = ((10, 2), (8, 1))
"""Views that are placed, and rounds of placing, from the coarsest grid on."""
SLOTS = 4
"""Views that every piece of a hole borrows from."""
WINDOW = (2.5, 2.5, 4.0)
"""Sigma in grid points of the windows that displacement is measured in."""
LEAST_GAIN = 0.05
"""Octaves of expected error that a further view must take off, averaged over the hole."""
FLOOR, CEILING = 2.0, 4000.0
"""Squared error (8-bit steps) below which a better grade means nothing (grain), and that counts at most."""
RIDGE, TEXTURE = 2.0, 30.0
"""Added to the structure tensor, and its smaller eigenvalue at which a displacement is believed by half."""
LEAST_RING = 64
"""Known pixels that the target must have around it before anything can be judged."""
LONGEST = 2.0
"""Grid points by which one round moves a view at most."""

Grid = tuple[Field, Field]


@dataclass(frozen=True, slots=True)
class View:
    """One frame's sight of a region: working positions x, y (h, w) of the grid's points, and which of them it shows."""

    index: int
    model: MotionModel
    x: Field
    y: Field
    seen: Bits


@dataclass(frozen=True, slots=True)
class _Sight:
    """What is known of the target on one grid: working positions, luma, where it is known, its hole (1, 1, h, w)."""

    level: int
    grid: Grid
    truth: Stack
    known: Stack
    hole: Stack
    reach: float


def last_view(window: Window, target: Target) -> View | None:
    """The frame before, in place on the finest grid."""
    if target.index - 1 not in window or target.known.sum() < LEAST_RING:
        return None
    sight = _sight(window[target.index], target, max(1, _level_for(target.box, window[target.index].scale) - 2))
    x, y = window.step(target.index, -1).at(*sight.grid)
    view = View(target.index - 1, "flow", x, y, inside(window[target.index - 1], x, y))
    return placed(window, [view], sight, 1, WINDOW[-1])[0]


@dataclass(frozen=True, slots=True)
class Slots:
    """The views to borrow from, in place: every piece of a hole has views of its own.

    `x`, `y` (n, h, w) are working positions on a grid over the full-size `box`, `which` (n, h, w) the view that they
    lie in, by its place in `views`; -1 where there is none.
    """

    views: tuple[View, ...]
    box: Box
    x: Field
    y: Field
    which: NDArray[np.int64]


def found_views(window: Window, target: Target) -> Slots | None:
    """Up to SLOTS views for every piece of the hole, on a grid of half the working size or coarser."""
    seen = window[target.index]
    sight = _sight(seen, target, _level_for(target.box, seen.scale))
    found = candidates(window, target.index, sight.grid, sight.hole[0, 0].numpy() > 0, FUNNEL[0][0])
    for step, (_, rounds) in enumerate(FUNNEL):
        if not found:
            return None
        found = placed(window, found, sight, rounds, WINDOW[step])
        if step + 1 < len(FUNNEL):
            found = _best(window, target, found, sight, FUNNEL[step + 1][0])
            sight = _sight(seen, target, sight.level - 1)
            found = [_finer(view, sight.grid) for view in found]
    return _slotted(window, target, found, sight)


def _slotted(window: Window, target: Target, found: list[View], sight: _Sight) -> Slots | None:
    """For every piece of the hole the views that suit it best; put in place once more on a finer grid."""
    fine = _sight(window[target.index], target, max(0, sight.level - 1))
    found = [_finer(view, fine.grid) for view in found]
    picks = _picks(window, target, found, fine)
    count = max(len(pick) for pick in picks)
    if not count:
        return None
    table = np.full((count, len(picks)), -1, np.int64)
    for piece, pick in enumerate(picks):
        table[: len(pick), piece] = pick
    which = table[:, _pieces(target, fine)]
    x, y = (
        np.take_along_axis(np.stack(planes), np.maximum(which, 0), 0)
        for planes in zip(*((view.x, view.y) for view in found), strict=True)
    )
    return _put_in_place(window, target, Slots(tuple(found), target.box, x, y, which))


def _put_in_place(window: Window, target: Target, slots: Slots) -> Slots:
    """Slots moved by two more rounds, down to the finest grid."""
    level = max(1, _level_for(target.box, window[target.index].scale) - 2)
    for finer in (level, level - 1):
        slots = _settled(window, target, slots, finer)
    return slots


def followed_views(window: Window, target: Target, before: int, slots: Slots) -> Slots:
    """The views of a neighbouring frame, `before`, followed to this one: the same pictures from a step further on."""
    seen = window[target.index]
    level = max(1, _level_for(target.box, seen.scale) - 2)
    x, y = window.step(target.index, before - target.index).at(*grid_of(target.box, seen.scale, level))
    rows, columns = slots.x.shape[1:]
    box = slots.box
    across = ((x + 0.5) / seen.scale - box.x) * np.float32(columns / box.w) - np.float32(0.5)
    down = ((y + 0.5) / seen.scale - box.y) * np.float32(rows / box.h) - np.float32(0.5)
    there_x, there_y = (np.stack([read(plane, across, down) for plane in planes]) for planes in (slots.x, slots.y))
    near = (np.rint(down).astype(np.int64), np.rint(across).astype(np.int64))
    inside_ = (near[0] >= 0) & (near[1] >= 0) & (near[0] < rows) & (near[1] < columns)
    which = slots.which[:, near[0].clip(0, rows - 1), near[1].clip(0, columns - 1)]
    moved = Slots(slots.views, target.box, there_x, there_y, np.where(inside_, which, -1))
    return _put_in_place(window, target, moved)


def _settled(window: Window, target: Target, slots: Slots, level: int) -> Slots:
    """The slots on a finer grid, moved by one more round."""
    sight = _sight(window[target.index], target, level)
    rows, columns = sight.grid[0].shape
    x, y = (np.stack([enlarged(plane, columns, rows) for plane in planes]) for planes in (slots.x, slots.y))
    near = [cv2.resize(one.astype(np.int16), (columns, rows), interpolation=cv2.INTER_NEAREST) for one in slots.which]
    finer = Slots(slots.views, slots.box, x, y, np.stack(near).astype(np.int64))
    luma, free = _seen_in_slots(window, finer, level)
    shift = left_over(luma, free * sight.known, sight.truth, WINDOW[-1]).numpy()
    moved = [_shifted(*one) for one in zip(x, y, shift[:, 0], shift[:, 1], strict=True)]
    return replace(finer, x=np.stack([one for one, _ in moved]), y=np.stack([two for _, two in moved]))


def _seen_in_slots(window: Window, slots: Slots, level: int) -> tuple[Stack, Stack]:
    """Luma of the slots and where it may be believed, (n, 1, h, w): every piece from its own view."""
    luma, free = np.zeros(slots.x.shape, np.float32), np.zeros(slots.x.shape, np.float32)
    for n, which in enumerate(slots.which):
        for number in used(which):
            mine = which == number
            part = (n, *_around(mine))
            x, y, seen = slots.x[part], slots.y[part], window[slots.views[number].index]
            light, barred = _looked(seen, level, x, y)
            np.copyto(luma[part], light, where=mine[part[1:]])
            np.copyto(free[part], (barred < 1e-3) & inside(seen, x, y), where=mine[part[1:]])
    return stack(luma), stack(free)


def used(which: NDArray[np.int64]) -> list[int]:
    """The views that a map names."""
    return [int(number) for number in np.flatnonzero(np.bincount(which.ravel() + 1)[1:])]


def _around(mask: Bits) -> tuple[slice, slice]:
    box = Box.around(mask)
    assert box is not None, "a view is used somewhere"
    return box.slices


def _pieces(target: Target, sight: _Sight) -> NDArray[np.int64]:
    """Which piece of the hole every grid point is nearest to."""
    rows, columns = sight.grid[0].shape
    _, numbers = cv2.connectedComponents(grown(target.hole, 4).astype(np.uint8))
    small = cv2.resize(numbers.astype(np.uint16), (columns, rows), interpolation=cv2.INTER_NEAREST)
    small = np.where(sight.hole[0, 0].numpy() > 0, small, 0)
    _, nearest = cv2.distanceTransformWithLabels(
        (small == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbered = np.zeros(int(nearest.max()) + 1, np.int64)
    numbered[nearest[small > 0]] = small[small > 0]
    return np.asarray(np.maximum(numbered[nearest] - 1, 0), np.int64)


def _level_for(box: Box, scale: float) -> int:
    level = 2
    while max(box.w, box.h) * scale / (1 << level) > GRID and level < LEVELS - 1:
        level += 1
    return level


def grid_of(box: Box, scale: float, level: int) -> Grid:
    """Working coordinates of a grid over a full-size box, about as fine as a level of the pyramid."""
    columns, rows = (max(4, round(side * scale / (1 << level))) for side in (box.w, box.h))
    x = box.x + (np.arange(columns) + 0.5) * box.w / columns
    y = box.y + (np.arange(rows) + 0.5) * box.h / rows
    xs, ys = np.meshgrid(x * scale - 0.5, y * scale - 0.5)
    return xs.astype(np.float32), ys.astype(np.float32)


def _sight(seen: Seen, target: Target, level: int) -> _Sight:
    grid = grid_of(target.box, seen.scale, level)
    rows, columns = grid[0].shape
    shares = [
        cv2.resize(part.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
        for part in (target.known, target.hole)
    ]
    luma, barred = _looked(seen, level, *grid)
    known = (shares[0] > 0.999) & (barred < 1e-3)
    reach = max(1.0, target.reach * seen.scale / (1 << level))
    return _Sight(level, grid, stack(luma), stack(known), stack(shares[1] > 0), reach)


def _looked(seen: Seen, level: int, x: Field, y: Field) -> tuple[Field, Field]:
    """Luma and barred share at working positions, from a level of the frame's pyramid."""
    by = np.float32(1 << level)
    at = (x + 0.5) / by - 0.5, (y + 0.5) / by - 0.5
    plane = seen.pyramid[level]
    luma, barred = (
        cv2.remap(p, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for p in (plane.luma, plane.barred)
    )
    return np.asarray(luma, np.float32), np.asarray(barred, np.float32)


def inside(seen: Seen, x: Field, y: Field) -> Bits:
    """Which working positions lie in the picture."""
    height, width = seen.small.shape
    return np.asarray((x >= 1) & (y >= 1) & (x < width - 2) & (y < height - 2), np.bool_)


def candidates(window: Window, index: int, grid: Grid, hole: Bits, most: int) -> list[View]:
    """The `most` views that promise most before they are looked at closely."""
    models: tuple[MotionModel, ...] = ("plane", "flow")
    found: list[View] = []
    for direction in (1, -1):
        for model in models:
            found += _walk(window, _Way(index, direction, model), grid, hole)
    return _worthwhile(found, index, hole, most)


@dataclass(frozen=True, slots=True)
class _Way:
    """Where a walk starts, and which way and by which model of motion it goes."""

    start: int
    direction: int
    model: MotionModel

    def stops(self, window: Window) -> list[int]:
        """Distances: FAR as far as the window and the model reach, and the last frame that the window holds."""
        last = 0
        while last < window.reach and self.start + self.direction * (last + 1) in window:
            last += 1
        last = min(last, FLOW_REACH) if self.model == "flow" else last
        return [*(distance for distance in FAR if distance < last), *([last] if last else [])]


def _walk(window: Window, way: _Way, grid: Grid, hole: Bits) -> Iterator[View]:
    """Views along one model of motion, until the hole's content has left the picture."""
    at, (x, y), matrix = way.start, grid, np.eye(3)
    for distance in way.stops(window):
        while at != way.start + way.direction * distance:
            step = window.step(at, way.direction)
            at += way.direction
            if way.model == "flow":
                x, y = step.at(x, y)
            else:
                matrix = step.plane @ matrix
        if way.model == "plane":
            x, y = through(matrix / matrix[2, 2], *grid)
        within = inside(window[at], x, y)
        seen = within & (_looked(window[at], 0, x, y)[1] < 1e-3)
        if (seen & hole).any():
            yield View(at, way.model, x, y, seen)
        if not within[hole].any():
            return


def _worthwhile(found: list[View], index: int, hole: Bits, most: int) -> list[View]:
    """All views of the frames that show most of what nothing else does, near ones first; a pixel seen again counts
    less and less."""
    frames = sorted({view.index for view in found})
    if len(frames) <= most:
        return found
    shown = np.stack([_shown(found, frame, hole) for frame in frames])
    near = np.array([1.0 / (1.0 + abs(frame - index) / NEAR) for frame in frames], np.float32)
    want = np.ones(shown.shape[1], np.float32)
    picks: list[int] = []
    while len(picks) < most:
        news = (shown @ want) * near
        news[picks] = 0
        best = int(news.argmax())
        if news[best] <= 0:
            break
        picks.append(best)
        want = want / (1.0 + shown[best])
    chosen = {frames[pick] for pick in picks}
    return [view for view in found if view.index in chosen]


def _shown(found: list[View], frame: int, hole: Bits) -> Field:
    """Which pixels of the hole any view of a frame shows, as 0 or 1."""
    views = [view.seen[hole] for view in found if view.index == frame]
    return np.asarray(np.any(views, axis=0), np.float32)


def placed(window: Window, found: Sequence[View], sight: _Sight, rounds: int, sigma: float) -> list[View]:
    """The views moved by what the ring says is left (Lucas and Kanade 1981), continued smoothly into the hole."""
    views = list(found)
    for _ in range(rounds):
        luma, free = _seen_by(window, views, sight.level)
        shift = left_over(luma, free * sight.known, sight.truth, sigma).numpy()
        views = [_moved(view, *by) for view, by in zip(views, shift, strict=True)]
    return views


def _seen_by(window: Window, found: Sequence[View], level: int) -> tuple[Stack, Stack]:
    """Luma of the views and where it may be believed, (n, 1, h, w)."""
    lumas, free = [], []
    for view in found:
        luma, barred = _looked(window[view.index], level, view.x, view.y)
        lumas.append(luma)
        free.append((barred < 1e-3) & inside(window[view.index], view.x, view.y))
    return stack(np.stack(lumas)), stack(np.stack(free))


def _moved(view: View, dx: Field, dy: Field) -> View:
    x, y = _shifted(view.x, view.y, dx, dy)
    return replace(view, x=x, y=y)


def _shifted(x: Field, y: Field, dx: Field, dy: Field) -> tuple[Field, Field]:
    """Positions read at grid points moved by dx, dy, to first order."""
    wide = [_bordered(plane) for plane in (x, y)]
    across = [(plane[1:-1, 2:] - plane[1:-1, :-2]) / 2 for plane in wide]
    down = [(plane[2:, 1:-1] - plane[:-2, 1:-1]) / 2 for plane in wide]
    there = (plane + a * dx + d * dy for plane, a, d in zip((x, y), across, down, strict=True))
    there_x, there_y = (np.asarray(plane, np.float32) for plane in there)
    return there_x, there_y


def left_over(luma: Stack, ring: Stack, truth: Stack, sigma: float) -> Stack:
    """(n, 2, h, w): displacements d in grid points that bring luma(p + d) nearest to truth(p), by ring pixels alone.

    Least squares over Gaussian windows, far-off pixels counting less (they are other things), and what is sure of
    itself continued into what is not.
    """
    core = _inner(ring)
    gap = truth - luma
    gap = (gap - smoothed(gap, ring, 4 * sigma)) * core
    across, down = _gradients(torch.where(ring > 0, luma, truth), core)
    spread = gap.square().sum((-2, -1), keepdim=True) / core.sum((-2, -1), keepdim=True).clamp_min(1)
    weight = 1 / (1 + gap.square() / (4 * spread + 4))
    one, two = weight * across, weight * down
    by = max(1, int(sigma))
    products = torch.cat([one * across, one * down, two * down, one * gap, two * gap, ring], 1)
    moved, sure = _solved(blurred(pooled(products, by), sigma / by))
    held = blurred(torch.cat([moved * sure, sure], 1), sigma / by)
    calm, firm = held[:, :2] / held[:, 2:].clamp_min(1e-3), (held[:, 2:] / 0.3).clamp_max(1.0)
    return lifted(extended(calm, firm), (luma.shape[-2], luma.shape[-1]))


def _inner(ring: Stack) -> Stack:
    """The ring less what its own edge has touched."""
    core = ring.clone()
    for axis in (-1, -2):
        length = ring.shape[axis] - 1
        low, high = core.narrow(axis, 0, length), core.narrow(axis, 1, length)
        one, two = low * high, low.clone()
        low.copy_(one)
        high.copy_(torch.minimum(high, two))
    return core


def _gradients(luma: Stack, core: Stack) -> tuple[Stack, Stack]:
    across, down = torch.zeros_like(luma), torch.zeros_like(luma)
    across[..., 1:-1] = (luma[..., 2:] - luma[..., :-2]) / 2
    down[..., 1:-1, :] = (luma[..., 2:, :] - luma[..., :-2, :]) / 2
    return across * core, down * core


def _solved(sums: Stack) -> tuple[Stack, Stack]:
    """Displacement (n, 2, h, w) and how sure it is, from the windows' sums of products."""
    a, b, c, p, q, ring = (sums[:, n : n + 1] for n in range(6))
    a, c = a + RIDGE, c + RIDGE
    area = (a * c - b * b).clamp_min(1e-6)
    moved = torch.cat([(c * p - b * q) / area, (a * q - b * p) / area], 1)
    length = moved.square().sum(1, keepdim=True).sqrt()
    least = area / (a + c)
    return moved * (LONGEST / length.clamp_min(LONGEST)), least / (least + TEXTURE) * ring


def _best(window: Window, target: Target, found: list[View], sight: _Sight, most: int) -> list[View]:
    """The views that every piece of the hole would have, at most `most`, those that most pieces want first."""
    picks = _picks(window, target, found, sight)
    wanted = [pick for rank in range(SLOTS) for pick in sorted({one[rank] for one in picks if rank < len(one)})]
    return [found[pick] for pick in list(dict.fromkeys(wanted))[:most]]


def _picks(window: Window, target: Target, found: list[View], sight: _Sight) -> list[list[int]]:
    """For every piece of the hole the views that suit it best."""
    pieces = _pieces(target, sight)
    luma, free = _seen_by(window, found, sight.level)
    error = _judged(luma, free * sight.known, sight.truth, sight.reach)
    surety, rough = (free / error)[:, 0], roughness(sight.truth, sight.known, sight.reach)[0, 0]
    holes = [sight.hole[0, 0] * torch.from_numpy(pieces == n) for n in range(int(pieces.max()) + 1)]
    return [_greedy(surety, 1 / rough, hole, SLOTS) for hole in holes]


def _greedy(surety: Stack, have: Stack, hole: Stack, most: int) -> list[int]:
    """Greedy: each pick takes the most off the logarithm of the expected error of the fused whole, where inverse
    variances (n, h, w) add up; over a hole (h, w) that a smooth fill would do with `have`."""
    inside = hole > 0
    if not inside.any():
        return []
    surety, have = surety[:, inside], have[inside]
    picks: list[int] = []
    while len(picks) < min(most, len(surety)):
        gain = torch.log2(1 + surety / have).mean(1)
        gain[picks] = 0
        best = int(gain.argmax())
        if not float(gain[best]) >= LEAST_GAIN:
            break
        picks.append(best)
        have = have + surety[best]
    return picks


def _judged(luma: Stack, ring: Stack, truth: Stack, reach: float) -> Stack:
    """Squared error expected of every view at every grid point, in the target's light."""
    gap = truth - luma
    error = (gap - smoothed(gap, ring, reach)).square().clamp_max(CEILING)
    return graded(error * ring, ring, reach)


def graded(error: Stack, ring: Stack, reach: float) -> Stack:
    """Errors seen on the ring (and weighed by it) as expected everywhere: mostly from near by, a little from all."""
    return normalised(error, ring, max(1.0, 0.5 * reach)) + 0.2 * normalised(error, ring, 1.5 * reach) + FLOOR


def roughness(truth: Stack, known: Stack, reach: float) -> Stack:
    """Squared departure of the surround from its own smooth course: what a smooth fill is bound to miss."""
    smooth = smoothed(truth, known, reach)
    return smoothed((truth - smooth).square(), known, reach) + 1.0


def _finer(view: View, grid: Grid) -> View:
    rows, columns = grid[0].shape
    x, y = (enlarged(plane, columns, rows) for plane in (view.x, view.y))
    return replace(view, x=x, y=y)


def enlarged(plane: Field, columns: int, rows: int) -> Field:
    """Positions (h, w) on a finer grid over the same box: linear, beyond the outer points too."""
    at = tuple(
        ((np.arange(count, dtype=np.float32) + 0.5) * have / count - 0.5)
        for count, have in ((columns, plane.shape[1]), (rows, plane.shape[0]))
    )
    return read(plane, *np.meshgrid(*at))


def read(plane: Field, x: NDArray[np.float32], y: NDArray[np.float32]) -> Field:
    """A plane (h, w) or (h, w, 2) of positions at real points of it: linear, beyond the outer points too."""
    made = cv2.remap(_bordered(plane), x + 1, y + 1, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.float32)


def _bordered(plane: Field) -> Field:
    """The plane with one more row and column on each side, continued linearly."""
    wide = np.empty((plane.shape[0] + 2, plane.shape[1] + 2, *plane.shape[2:]), np.float32)
    wide[1:-1, 1:-1] = plane
    wide[0, 1:-1], wide[-1, 1:-1] = 2 * plane[0] - plane[1], 2 * plane[-1] - plane[-2]
    wide[:, 0], wide[:, -1] = 2 * wide[:, 1] - wide[:, 2], 2 * wide[:, -2] - wide[:, -3]
    return wide
