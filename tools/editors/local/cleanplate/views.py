"""Views of a hole: where its content lies in other frames, and which of them to borrow from.

A view follows the camera (chained homographies) or the flow. Coarse to fine, every view is put in place by what the
ring around the hole says is left, and is judged there; the few that together promise the least error go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field
from tools.editors.local.cleanplate.lattice import Grid, Lattice, Scene, Sight, looked
from tools.editors.local.cleanplate.placing import left_over
from tools.editors.local.cleanplate.target import Target
from tools.editors.local.cleanplate.tensors import Stack, blurred, normalised
from tools.editors.local.cleanplate.window import HIDDEN, MotionModel, Window, through
from tools.types import Bits

FAR = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 33, 39, 46, 54, 64, 75, 88, 103, 120)
"""Distances in frames at which views are looked for."""
FLOW_REACH = 40
"""Frames over which chained flow is followed."""
NEAR = 12.0
"""Distance in frames at which a view is worth half, before anything of it was looked at."""
AGES = 4.0
"""Distance in frames at which the error expected of a view counts double against others': what no ring can tell (what
moves in the hole, light, what a codec repeats) grows with time. On twelve removals 2 to 4 did best; without it up to
1.4 dB less.
"""
JUDGED = 4
"""Points a side of every cell at which views are held against each other: coarser, and all look alike."""
COARSE, MIDDLE, FINE = 5.0, 2.5, 4.0
"""Sigma in points of the windows that displacement is measured in, from the first round to the last."""
LEAST_GAIN, LEAST_EACH = 0.04, 0.12
"""Octaves of expected error that a further view must take off: averaged over the hole, and over what of it it shows."""
FLOOR, CEILING = 2.0, 4000.0
"""Squared error (8-bit steps) below which a better grade means nothing (grain), and that counts at most."""
UNSEEN = 0.05
"""Share of the ring near by of which a view must show as much for half of what is expected of it to come from there."""
LEAST_RING = 64
"""Known pixels that the target must have around it before anything can be judged."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How many frames' views are looked at, how many views are put in place on more than the coarsest grid, and how
    many every piece of a hole borrows from, at most.
    """

    frames: int
    placed: int
    slots: int


FULL, LESS = Effort(16, 16, 12), Effort(10, 10, 8)
"""Where a hole moves, other frames nearby show what it hides and the mean of many is better: with LESS, removals lose
up to 1.0 dB. Where it stays, LESS does as well.
"""


@dataclass(frozen=True, slots=True)
class Slots:
    """Views in place. `x`, `y` (n, rows, columns) are the working positions of a lattice's middles, `which` (n, rows,
    columns) is the frame that they lie in, by its place in `frames`; -1 where there is none.
    """

    lattice: Lattice
    frames: tuple[int, ...]
    x: Field
    y: Field
    which: NDArray[np.int64]

    def kept(self, picks: list[int]) -> Slots:
        """Some of them."""
        return replace(self, x=self.x[picks], y=self.y[picks], which=self.which[picks])

    def ages(self, index: int) -> Field:
        """How much the error expected of each view counts against others' in frame `index`, (n, rows, columns)."""
        return ages(np.array([*self.frames, index])[self.which] - index)

    def used(self, n: int, cells: NDArray[np.int64]) -> Iterator[tuple[int, Bits]]:
        """The frames that a slot lies in, and which of the cells lie in each."""
        which = self.which[n].ravel()[cells]
        for number in np.flatnonzero(np.bincount(which + 1)[1:]):
            yield self.frames[number], which == number


def ages(distance: NDArray[Any]) -> Field:
    """How much the error expected of a view counts against others', by its distance in frames."""
    return np.asarray(1 + np.abs(distance) / AGES, np.float32)


def found_views(window: Window, target: Target, beside: Sequence[int], effort: Effort) -> Slots | None:
    """The views for every piece of the hole, and as the last ones a view of every frame in `beside`."""
    scene = Scene(window[target.index], target)
    found = candidates(window, scene, effort)
    if found is not None:
        found = _chosen(window, scene, found, effort)
    return _settled(window, scene, _with(window, scene, found, beside), (1, 0))


def beside_views(window: Window, target: Target, beside: Sequence[int]) -> Slots | None:
    """A view of every frame in `beside`, which are near."""
    scene = Scene(window[target.index], target)
    return _settled(window, scene, _with(window, scene, None, beside), (1,))


def _settled(window: Window, scene: Scene, found: Slots | None, levels: Sequence[int]) -> Slots | None:
    """Slots put in place on points that are as fine as levels of the pyramid, one after the other."""
    if found is None:
        return None
    for level in levels:
        per = min(8, 1 << max(0, scene.lattice.level - level))
        found = placed(window, found, scene.sight(per, scene.ground.ring), FINE)
    return found


def _chosen(window: Window, scene: Scene, found: Slots, effort: Effort) -> Slots | None:
    """For every piece of the hole the views that suit it best."""
    coarse = scene.sight(1, scene.ground.everywhere, 1)
    found = placed(window, found, coarse, COARSE)
    best = _best(_picks(window, scene, found, coarse, effort.slots), effort)
    if not best:
        return None
    found = found.kept(best)
    found = placed(window, found, scene.sight(1, scene.ground.everywhere), MIDDLE)
    picks = _picks(window, scene, found, scene.sight(JUDGED, scene.ground.ring), effort.slots)
    return _by_piece(found, picks, scene.ground.pieces)


def _by_piece(found: Slots, picks: Sequence[Sequence[int]], pieces: NDArray[np.int64]) -> Slots | None:
    """Every piece's picks as slots; None where no piece has any."""
    count = max((len(pick) for pick in picks), default=0)
    if not count:
        return None
    table = np.full((count, len(picks)), -1, np.int64)
    for piece, pick in enumerate(picks):
        table[: len(pick), piece] = pick
    mine = table[:, pieces]
    first = np.maximum(mine, 0)
    x, y = (np.take_along_axis(plane, first, 0) for plane in (found.x, found.y))
    which = np.take_along_axis(found.which, first, 0)
    return replace(found, x=x, y=y, which=np.where(mine < 0, -1, which))


def _with(window: Window, scene: Scene, found: Slots | None, beside: Sequence[int]) -> Slots | None:
    """The slots and, as the last of them, the views that the flow has of frames nearby."""
    if not beside:
        return found
    lattice = scene.lattice
    ways = [_followed(window, scene, frame) for frame in beside]
    x, y = (np.stack([way[axis] for way in ways]) for axis in (0, 1))
    which = np.arange(len(ways))[:, None, None].repeat(lattice.rows, 1).repeat(lattice.columns, 2)
    if found is None:
        return Slots(lattice, tuple(beside), x, y, which)
    x, y = np.concatenate([found.x, x]), np.concatenate([found.y, y])
    which = np.concatenate([found.which, which + len(found.frames)])
    return Slots(lattice, (*found.frames, *beside), x, y, which)


def _followed(window: Window, scene: Scene, frame: int) -> Grid:
    """Where the lattice's middles lie in a frame nearby, by chained flow."""
    x, y = scene.lattice.middles
    at = scene.target.index
    direction = 1 if frame > at else -1
    for index in range(at, frame, direction):
        x, y = window.step(index, direction).at(x, y)
    return x, y


def candidates(window: Window, scene: Scene, effort: Effort) -> Slots | None:
    """The views that promise most before they are looked at closely; None: no other frame shows the hole's content."""
    index, lattice = scene.target.index, scene.lattice
    models: tuple[MotionModel, ...] = ("plane", "flow")
    found: list[View] = []
    for direction in (1, -1):
        for model in models:
            found += _walk(window, _Way(index, direction, model), lattice.middles, scene.ground.hole)
    found = _worthwhile(found, index, effort.frames)
    if not found:
        return None
    x, y = (np.stack([_everywhere(view, lattice)[axis] for view in found]) for axis in (0, 1))
    which = np.arange(len(found))[:, None, None].repeat(x.shape[1], 1).repeat(x.shape[2], 2)
    return Slots(lattice, tuple(view.index for view in found), x, y, which)


@dataclass(frozen=True, slots=True)
class View:
    """One frame's sight of a region: a homography, or the working positions (rows, columns) of the lattice's middles;
    and which of the hole's cells it shows.
    """

    index: int
    way: NDArray[np.float64] | Grid
    shown: Bits


def _everywhere(view: View, lattice: Lattice) -> Grid:
    return view.way if isinstance(view.way, tuple) else through(view.way, *lattice.middles)


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
    inner = (x[hole], y[hole])
    for distance in way.stops(window):
        while at != way.start + way.direction * distance:
            step = window.step(at, way.direction)
            at += way.direction
            if way.model == "flow":
                x, y = step.at(x, y)
            else:
                matrix = step.plane @ matrix
        there = (x[hole], y[hole]) if way.model == "flow" else through(matrix / matrix[2, 2], *inner)
        height, width = window[at].small.shape
        if not ((there[0] >= 1) & (there[1] >= 1) & (there[0] < width - 2) & (there[1] < height - 2)).any():
            return
        shown = looked(window[at], 0, *(one[None] for one in there))[0] < HIDDEN
        if shown.any():
            yield View(at, (x, y) if way.model == "flow" else matrix / matrix[2, 2], shown)


def _worthwhile(found: list[View], index: int, count: int) -> list[View]:
    """All views of the `count` frames that show most of what nothing else does, near ones first; a cell seen again
    counts less and less.
    """
    frames = sorted({view.index for view in found})
    if len(frames) <= count:
        return found
    shown = np.stack([np.any([v.shown for v in found if v.index == frame], axis=0) for frame in frames])
    shown = shown.astype(np.float32)
    near = np.array([1.0 / (1.0 + abs(frame - index) / NEAR) for frame in frames], np.float32)
    want = np.ones(shown.shape[1], np.float32)
    picks: list[int] = []
    while len(picks) < count:
        news = (shown @ want) * near
        news[picks] = 0
        best = int(news.argmax())
        if news[best] <= 0:
            break
        picks.append(best)
        want = want / (1.0 + shown[best])
    chosen = {frames[pick] for pick in picks}
    return [view for view in found if view.index in chosen]


def placed(window: Window, found: Slots, sight: Sight, sigma: float) -> Slots:
    """The views moved by what the ring says is left."""
    shift = left_over(sight, *_seen(window, found, sight), sigma).numpy()
    x, y = (_read(plane, shift) for plane in (found.x, found.y))
    return replace(found, x=x, y=y)


def _seen(window: Window, found: Slots, sight: Sight) -> tuple[Stack, Stack]:
    """Luma of the slots at the points of a sight and where it may be believed, (n, cells, per²)."""
    x, y = (sight.lattice.spread(planes, sight.per, sight.cells) for planes in (found.x, found.y))
    value = np.full(x.shape, HIDDEN, np.float32)
    for n in range(len(x)):
        for frame, mine in found.used(n, sight.cells):
            if mine.all():
                value[n] = looked(window[frame], sight.level, x[n], y[n])
            else:
                value[n, mine] = looked(window[frame], sight.level, x[n, mine], y[n, mine])
    free = value < HIDDEN
    value[~free] = 0
    return torch.from_numpy(value), torch.from_numpy(free).float()


def _read(planes: Field, shift: Field) -> Field:
    """Planes (n, rows, columns) read at the cells' middles moved by shift (n, 2, rows, columns), to first order."""
    wide = np.pad(planes, ((0, 0), (1, 1), (1, 1)), "reflect", reflect_type="odd")
    across = (wide[:, 1:-1, 2:] - wide[:, 1:-1, :-2]) / 2
    down = (wide[:, 2:, 1:-1] - wide[:, :-2, 1:-1]) / 2
    return np.asarray(planes + across * shift[:, 0] + down * shift[:, 1], np.float32)


def _best(picks: list[list[int]], effort: Effort) -> list[int]:
    """The views that every piece of the hole would have, as many as are placed, those that most pieces want first."""
    wanted = [pick for rank in range(effort.slots) for pick in sorted({one[rank] for one in picks if rank < len(one)})]
    return list(dict.fromkeys(wanted))[: effort.placed]


def _picks(window: Window, scene: Scene, found: Slots, sight: Sight, most: int) -> list[list[int]]:
    """For every piece of the hole the views that suit it best, `most` at most."""
    luma, free = _seen(window, found, sight)
    error = _judged(sight, luma, free * sight.known, scene.ground.reach)
    surety = sight.means(free) / (error * torch.from_numpy(found.ages(scene.target.index))[:, None])
    have = 1 / roughness(sight, scene.ground.reach)
    frames = [found.frames[int(which[0, 0])] for which in found.which]
    pieces = np.where(scene.ground.hole, scene.ground.pieces, -1)
    masks = [pieces == n for n in range(int(scene.ground.pieces.max()) + 1)]
    sure, smooth = surety[:, 0].numpy(), have[0, 0].numpy()
    return [_greedy(sure[:, mask], smooth[mask], frames, most) for mask in masks]


def _greedy(surety: Field, have: Field, frames: Sequence[int], most: int) -> list[int]:
    """Greedy: each pick takes the most off the logarithm of the expected error of the fused whole, where inverse
    variances (n, cells) of different frames add up; over cells that a smooth fill would do with `have`. Two views of
    one frame show the same noise: the better of them counts.
    """
    picks: list[int] = []
    if not have.size:
        return picks
    from_frame = np.array(frames)
    while len(picks) < min(most, len(surety)):
        gain = np.log2(1 + surety / have).mean(axis=1)
        gain[gain < LEAST_EACH * (surety > 0).mean(axis=1)] = 0
        gain[picks] = 0
        best = int(gain.argmax())
        if not float(gain[best]) >= LEAST_GAIN:
            break
        picks.append(best)
        have = have + surety[best]
        same = from_frame == frames[best]
        surety[same] = np.maximum(surety[same] - surety[best], 0)
    return picks


def _judged(sight: Sight, luma: Stack, ring: Stack, reach: float) -> Stack:
    """Squared error expected of every view in every cell (n, 1, rows, columns), in the target's light."""
    gap = (sight.truth - luma) * ring
    weight = sight.means(ring)
    light = sight.at_cells(normalised(sight.means(gap), weight, reach))
    error = (gap - light * ring).square().clamp_max(CEILING)
    return graded(sight.means(error), weight, reach)


def graded(error: Stack, ring: Stack, reach: float) -> Stack:
    """Errors (n, 1, h, w) seen on the ring (and weighed by it) as expected everywhere: mostly from near by, a little
    from all. Where a view shows none of the ring near by, it is as far off as the others are there, times as much as it
    is better or worse than they where it shows the ring; the less of the ring it shows, the less that says.
    """
    sigma = max(1.0, 0.5 * reach)
    usual = normalised(error.sum(0, keepdim=True), ring.sum(0, keepdim=True), sigma)
    share = (_total(error) + 1e-6) / (_total(usual * ring) + 1e-6)
    share = share ** (_total(ring) / _total(ring.amax(0)).clamp_min(1e-6))
    near = blurred(torch.cat([error, ring], 1), sigma)
    least = UNSEEN * near[:, 1:].amax(0) + 1e-6
    held = (near[:, :1] + least * usual * share) / (near[:, 1:] + least)
    return held + 0.2 * normalised(error, ring, 1.5 * reach) + FLOOR


def _total(fields: Stack) -> Stack:
    return fields.sum((-2, -1), keepdim=True)


def roughness(sight: Sight, reach: float) -> Stack:
    """Squared departure of the surround from its own smooth course: what a smooth fill is bound to miss."""
    weight = sight.means(sight.known)
    smooth = sight.at_cells(normalised(sight.means(sight.truth), weight, reach))
    error = ((sight.truth - smooth) * sight.known).square()
    return normalised(sight.means(error), weight, reach) + 1.0
