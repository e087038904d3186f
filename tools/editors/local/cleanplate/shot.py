"""A moving window of a shot: its frames, its holes, and how each frame moves to its neighbours.

Motion is measured at working size (at most 640 pixels wide) with the hole taken as unknown: a homography that the
picture outside the hole agrees on, and dense flow on top of it, completed smoothly across the hole. Both are computed
when they are first asked for, so stretches without a hole cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, extended, grown, sample, smoothed
from tools.media.pixels import luma8, to_444
from tools.types import Bits, Box, Frame, Gray
from tools.vision.align import Features, Matrix, align_features, features, fit, plausible
from tools.vision.motion import (
    Flow,
    dense_flow,
    global_motion,
    matrix_flow,
    textured_points,
    warp,
    working,
    working_mask,
)

MotionModel = Literal["plane", "flow"]
WINDOW_BYTES = 640 << 20
MOST_REACH = 120
GUARD = 2
"""Pixels around a hole that are not borrowed either: interpolation and chroma subsampling reach that far."""


@dataclass(slots=True)
class Seen:
    """One frame of the window. `codes` is (H, W, 3) at native depth, `barred` the hole with its guard as 0 / 1."""

    frame: Frame
    codes: NDArray[Any]
    hole: Bits
    barred: NDArray[np.uint8]
    small: Gray
    small_hole: Bits
    small_barred: Field
    points: Features | None = None
    light: Gray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))


@dataclass(slots=True)
class Step:
    """Motion from one frame to the next or the one before, in working pixels.

    `plane` is the homography, `rest` the flow beyond it (h, w, 2), `unknown` where the flow was not seen; `full` is
    the completed displacement field, filled in when first needed.
    """

    plane: Matrix
    rest: Flow
    unknown: Bits
    full: Flow | None = None

    def field(self) -> Flow:
        if self.full is None:
            known = ~grown(self.unknown, 2)
            calm = smoothed(self.rest, known, 3.0)
            rest = extended(np.where(known[..., None], calm, 0), known)
            self.full = matrix_flow(self.plane, *self.unknown.shape) + rest
        return self.full


def reach_for(width: int, height: int, depth: int) -> int:
    """How many frames to each side fit into the window's memory."""
    small = min(640, width)
    per_frame = width * height * (3 * (1 if depth <= 8 else 2) + 2) + small * small * height // width * 44
    return int(np.clip(WINDOW_BYTES // per_frame // 2, 6, MOST_REACH))


class Window:
    """Frames around the one being filled, with motion between neighbours measured on demand."""

    def __init__(self) -> None:
        self._seen: dict[int, Seen] = {}
        self._steps: dict[tuple[int, int], Step] = {}

    def add(self, frame: Frame, hole: Bits) -> None:
        """Takes the next frame; `hole` is (H, W), true where the frame must not be believed."""
        light = bland(luma8(frame), hole)
        small = working(light)
        guard = GUARD + max(frame.layout.chroma_x, frame.layout.chroma_y)
        small_hole = working_mask(hole, small.shape) if hole.any() else np.zeros(small.shape, np.bool_)
        self._seen[frame.index] = Seen(
            frame=frame,
            codes=np.where(hole[..., None], frame.planes[0].dtype.type(0), to_444(frame)),
            hole=hole,
            barred=grown(hole, guard).astype(np.uint8),
            small=small,
            small_hole=small_hole,
            small_barred=grown(small_hole, GUARD).astype(np.float32),
            light=light,
        )

    def forget(self, before: int) -> None:
        """Lets go of frames that no later target can reach."""
        for index in [i for i in self._seen if i < before]:
            del self._seen[index]
        for key in [k for k in self._steps if k[0] < before or k[0] + k[1] < before]:
            del self._steps[key]

    def __getitem__(self, index: int) -> Seen:
        return self._seen[index]

    def __contains__(self, index: int) -> bool:
        return index in self._seen

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._seen))

    def hiding(self, shift: tuple[int, int]) -> Window:
        """The same window with every hole hidden a second time, moved by `shift` (x, y): a hole whose truth is known.

        Motion is completed anew across the second hole; frames are shared.
        """
        other = Window()
        for index, seen in self._seen.items():
            hole = seen.hole | moved(seen.hole, shift)
            small_hole = working_mask(hole, seen.small.shape) if hole.any() else seen.small_hole
            guard = GUARD + max(seen.frame.layout.chroma_x, seen.frame.layout.chroma_y)
            other._seen[index] = Seen(
                frame=seen.frame,
                codes=seen.codes,
                hole=hole,
                barred=grown(hole, guard).astype(np.uint8),
                small=seen.small,
                small_hole=small_hole,
                small_barred=grown(small_hole, GUARD).astype(np.float32),
                points=seen.points,
                light=seen.light,
            )
        other._parent = self
        return other

    _parent: Window | None = None

    def step(self, index: int, direction: int) -> Step:
        """Motion from frame `index` to `index + direction`, direction being 1 or -1."""
        key = (index, direction)
        if key not in self._steps:
            self._steps[key] = self._measured(index, direction)
        return self._steps[key]

    def _measured(self, index: int, direction: int) -> Step:
        a, b = self._seen[index], self._seen[index + direction]
        if self._parent is not None:
            known = self._parent.step(index, direction)
            unknown = known.unknown | a.small_hole | _seen_from(b.small_hole, known.plane)
            return Step(known.plane, known.rest, unknown)
        back = self._steps.get((index + direction, -direction))
        begin = self._roughly(a, b) if back is None else np.asarray(np.linalg.inv(back.plane), np.float64)
        return _finely(a, b, begin)

    def _roughly(self, a: Seen, b: Seen) -> Matrix:
        """Where the picture went, by features; by its global motion when it has too few."""
        for seen in (a, b):
            if seen.points is None:
                seen.points = features(seen.small, ~grown(seen.small_hole, 4), 800)
        assert a.points is not None
        assert b.points is not None
        found = align_features(a.points, b.points, (a.small.shape[1], a.small.shape[0]), "auto")
        if found is not None:
            return found.matrix
        return global_motion(a.small, b.small, grown(a.small_hole | b.small_hole, 5)).matrix


def bland(light: Gray, hole: Bits) -> Gray:
    """The luma with its hole replaced by the smooth course of its surround: nothing of what lies there is left."""
    around = Box.around(hole)
    if around is None:
        return light
    place = around.grown(16, light.shape[1], light.shape[0]).slices
    made = light.copy()
    known = ~hole[place]
    made[place] = np.rint(extended(np.where(known, light[place], 0).astype(np.float32), known)).astype(np.uint8)
    return made


def moved(mask: Bits, shift: tuple[int, int]) -> Bits:
    """The mask translated by (x, y) pixels; what leaves the frame is lost."""
    matrix = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST), np.bool_)


def _seen_from(hole: Bits, matrix: Matrix) -> Bits:
    """Picture b's hole in the pixels of picture a, a little larger."""
    size = (hole.shape[1], hole.shape[0])
    inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST
    return np.asarray(cv2.warpPerspective(grown(hole, 2).astype(np.uint8), matrix, size, flags=inverse), np.bool_)


def _finely(a: Seen, b: Seen, begin: Matrix) -> Step:
    """Flow with the holes of both frames neutralised, and the homography that most of it agrees with."""
    hole_a, hole_b = grown(a.small_hole, 1), _seen_from(b.small_hole, begin)
    base = matrix_flow(begin, *a.small.shape)
    there = np.asarray(warp(b.small, base), np.uint8)
    rest = dense_flow(*_alike(a.small, there, hole_a, hole_b))
    total = rest + np.dstack([sample_field(base[..., i], rest) for i in (0, 1)])
    unknown = hole_a | hole_b
    plane = _plane(a.small, total, unknown)
    plane = begin if plane is None else plane
    return Step(plane, total - matrix_flow(plane, *a.small.shape), unknown)


def sample_field(component: Field, at: Flow) -> Field:
    return np.asarray(warp(component, at), np.float32)


def _alike(a: Gray, b: Gray, hole_a: Bits, hole_b: Bits) -> tuple[Gray, Gray]:
    """Both pictures with each other's pixels in their holes, so that a hole pulls the flow nowhere."""
    if not (hole_a.any() or hole_b.any()):
        return a, b
    both = hole_a & hole_b
    one, two = np.where(hole_a, b, a), np.where(hole_b, a, b)
    if both.any():
        bland = extended(a.astype(np.float32), ~(hole_a | hole_b)).astype(np.uint8)
        one, two = np.where(both, bland, one), np.where(both, bland, two)
    return one.astype(np.uint8), two.astype(np.uint8)


def _plane(a: Gray, total: Flow, unknown: Bits) -> Matrix | None:
    points = textured_points(a, grown(unknown, 4))
    if len(points) < 24:
        return None
    there = points + total[points[:, 1].astype(int), points[:, 0].astype(int)]
    fitted = fit(points, there, "homography", 0.7)
    if fitted is None or fitted[1].mean() < 0.25 or not plausible(fitted[0], a.shape[1], a.shape[0]):
        return None
    return fitted[0]


@dataclass(frozen=True, slots=True)
class Route:
    """Where the pixels of a crop lie in a donor frame: maps x, y (h, w) in full-size pixels."""

    index: int
    x: Field
    y: Field


def grid_of(box: Box, scale: float, most: int = 48) -> tuple[Field, Field]:
    """Working coordinates of a coarse grid over a full-size box, at most `most` cells a side."""
    cells_x = max(4, min(most, round(box.w * scale)))
    cells_y = max(4, min(most, round(box.h * scale)))
    x = box.x + (np.arange(cells_x) + 0.5) * box.w / cells_x
    y = box.y + (np.arange(cells_y) + 0.5) * box.h / cells_y
    xs, ys = np.meshgrid(x * scale - 0.5, y * scale - 0.5)
    return xs.astype(np.float32), ys.astype(np.float32)


def full_size(x: Field, y: Field, box: Box, scale: float) -> tuple[Field, Field]:
    """Coarse working positions as per-pixel full-size positions over the box.

    The displacement is interpolated and the identity added, so that the border of the grid bends nothing.
    """
    home_x, home_y = grid_of(box, scale, max(x.shape))
    shift = np.dstack([x - home_x, y - home_y]) / scale
    fine = cv2.resize(shift, (box.w, box.h), interpolation=cv2.INTER_LINEAR)
    ys, xs = np.mgrid[box.y : box.y + box.h, box.x : box.x + box.w].astype(np.float32)
    return xs + fine[..., 0], ys + fine[..., 1]


class Walk:
    """Follows a crop's pixels from frame to frame in one direction under one motion model."""

    def __init__(
        self, window: Window, target: int, direction: int, model: MotionModel, grid: tuple[Field, Field]
    ) -> None:
        self._window, self._at, self._direction, self._model = window, target, direction, model
        self._home = grid
        self.x, self.y = grid
        self._matrix: Matrix = np.eye(3)

    def advance(self) -> int | None:
        """Moves on by one frame and returns its index, or None at the window's end."""
        there = self._at + self._direction
        if there not in self._window:
            return None
        step = self._window.step(self._at, self._direction)
        if self._model == "plane":
            self._matrix = step.plane @ self._matrix
            self._matrix /= self._matrix[2, 2]
            self.x, self.y = _through(self._matrix, *self._home)
        else:
            shift = sample(step.field(), self.x, self.y)
            self.x, self.y = self.x + shift[..., 0], self.y + shift[..., 1]
        self._at = there
        return there

    def inside(self) -> Bits:
        """Which grid points still lie in the picture."""
        height, width = self._window[self._at].small.shape
        return np.asarray((self.x >= 1) & (self.y >= 1) & (self.x < width - 2) & (self.y < height - 2), np.bool_)

    def visible(self) -> Bits:
        """Which grid points the current frame shows."""
        barred = sample(self._window[self._at].small_barred, self.x, self.y)
        return np.asarray(self.inside() & (barred < 1e-3), np.bool_)


def _through(matrix: Matrix, x: Field, y: Field) -> tuple[Field, Field]:
    m = matrix.astype(np.float64)
    depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
    depth = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
    there_x = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth
    there_y = (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth
    return np.clip(there_x, -1e5, 1e5).astype(np.float32), np.clip(there_y, -1e5, 1e5).astype(np.float32)
