"""A moving window of a shot: its frames, its holes, and how each frame moves to its neighbours.

Motion is measured at working size (at most 640 pixels wide) with the hole taken as unknown: a homography that the
picture outside the hole agrees on, and dense flow on top of it, completed smoothly across the hole. Everything is
computed when it is first asked for, so stretches without a hole cost nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, extended, grown
from tools.media.pixels import luma8, part_of, to_444, whole_samples
from tools.types import Bits, Box, Frame, Gray
from tools.vision.align import Features, Matrix, align_features, features, fit, plausible
from tools.vision.motion import Flow, global_motion, textured_points, working

MotionModel = Literal["plane", "flow"]
WINDOW_BYTES = 640 << 20
MOST_REACH = 120
GUARD = 2
"""Pixels around a hole that are not borrowed either: interpolation and chroma subsampling reach that far."""
NEAR_BY = 32
"""Pixels around a part of a frame that are turned into code values with it."""
LEVELS = 6
STEP = 4
"""Working pixels between the points of a displacement field."""
HIDING_REACH = 20
"""Frames to each side that are looked at where a hole is hidden a second time."""
SIMPLER, PLAIN = 1.1, 0.02
"""How much more a simpler motion may leave than a homography: as a share, and in working pixels."""
WIDE, KEPT, MOSTLY = 0.7, 0.7, 0.9
"""Share of the picture's width and height that points must span to tell more than a shift, working pixels within which
they keep to it, and the share of them that must.
"""
DOMINATES = 0.4
"""Share of the textured points that must agree on the camera's motion before it is believed without features."""


HIDDEN, BEYOND = 300.0, 1e9
"""Luma from which on a pixel may not be believed, and what is added to such: whatever is interpolated with it shows."""


class Seen:
    """One frame of the window. `hole` is (H, W); what lies there is never looked at."""

    def __init__(self, frame: Frame, hole: Bits) -> None:
        self.frame, self.hole = frame, hole
        raw = working(luma8(frame))
        self.small_hole = _touched(hole, raw.shape)
        self.small: Gray = bland(raw, self.small_hole)

    @property
    def scale(self) -> float:
        """Working pixels per pixel."""
        return float(self.small.shape[1] / self.hole.shape[1])

    @cached_property
    def barred(self) -> NDArray[np.uint8]:
        """The hole with its guard, 0 or 255."""
        layout = self.frame.layout
        return grown(self.hole, GUARD + max(layout.chroma_x, layout.chroma_y)) * np.uint8(255)

    @cached_property
    def light(self) -> Gray:
        """Full-size luma with nothing of the hole in it."""
        return bland(luma8(self.frame), self.hole)

    @cached_property
    def wide_hole(self) -> Bits:
        return grown(self.small_hole, 3)

    @cached_property
    def textured(self) -> NDArray[np.float64]:
        """Working points (n, 2) at which flow means something."""
        return textured_points(self.small, grown(self.small_hole, 4), 8)

    @cached_property
    def points(self) -> Features:
        return features(self.small, ~grown(self.small_hole, 4), 800)

    @cached_property
    def pyramid(self) -> tuple[Field, ...]:
        """Level n is the working luma halved n times, beyond HIDDEN where any of it is barred."""
        barred = _halvings(grown(self.small_hole, GUARD).astype(np.float32))
        pairs = zip(self.lumas, barred, strict=True)
        return tuple(np.asarray(luma + (hidden > 1e-3) * np.float32(BEYOND), np.float32) for luma, hidden in pairs)

    @cached_property
    def lumas(self) -> list[Field]:
        return _halvings(self.small.astype(np.float32))

    def hiding(self, shift: tuple[int, int]) -> Seen:
        """The same frame with its hole hidden a second time, moved by `shift` (x, y)."""
        other = Seen.__new__(Seen)
        other.frame, other.hole, other.small = self.frame, self.hole | moved(self.hole, shift), self.small
        other.small_hole = _touched(other.hole, self.small.shape)
        other.__dict__["lumas"] = self.lumas
        return other

    def region(self, box: Box) -> tuple[Box, NDArray[Any]]:
        """Code values (h, w, 3) of a part of the frame that holds the box; what was asked for is kept at hand, and some
        of what lies around it: the next target asks for a place near by.
        """
        held = self.__dict__.get("_held")
        if held is None or held[0].union(box) != held[0]:
            height, width = self.hole.shape
            whole = (box if held is None else held[0].union(box)).grown(NEAR_BY, width, height)
            held = self.__dict__["_held"] = (whole, _part(self.frame, whole))
        return held

    def codes(self, box: Box) -> NDArray[Any]:
        """(h, w, 3) code values of a part of the frame; beyond the frame its edge repeats."""
        height, width = self.hole.shape
        inside = Box(box.x, box.y, min(box.w, width - box.x), min(box.h, height - box.y))
        whole, held = self.region(inside)
        made = held[inside.y - whole.y :, inside.x - whole.x :][: inside.h, : inside.w].copy()
        low, right = box.h - inside.h, box.w - inside.w
        return np.pad(made, ((0, low), (0, right), (0, 0)), "edge") if low or right else made


def _part(frame: Frame, box: Box) -> NDArray[Any]:
    """`to_444` of a part: only the samples that it needs are touched."""
    whole = whole_samples(box, frame)
    x, y = box.x - whole.x, box.y - whole.y
    return to_444(part_of(frame, whole))[y : y + box.h, x : x + box.w]


def _touched(hole: Bits, size: tuple[int, ...]) -> Bits:
    """The hole at working size; a pixel that any of it touches belongs to it."""
    if hole.shape == size:
        return hole
    share = cv2.resize(hole.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0, np.bool_)


def _halvings(plane: Field) -> list[Field]:
    """A plane, and itself halved LEVELS - 1 times."""
    planes = [plane]
    for _ in range(LEVELS - 1):
        size = (max(1, (planes[-1].shape[1] + 1) // 2), max(1, (planes[-1].shape[0] + 1) // 2))
        planes.append(np.asarray(cv2.resize(planes[-1], size, interpolation=cv2.INTER_AREA), np.float32))
    return planes


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


@dataclass(frozen=True, slots=True)
class Step:
    """Motion from one frame to the next or the one before, in working pixels.

    `plane` is the homography that the share `support` of the picture agrees on, `field` the whole displacement
    (h, w, 2), one point every STEP pixels, continued smoothly over what is `unknown`.
    """

    plane: Matrix
    support: float
    field: Flow
    unknown: Bits

    def at(self, x: Field, y: Field) -> tuple[Field, Field]:
        """Where working positions move to."""
        by = (STEP - 1) / 2
        shift = cv2.remap(
            self.field, (x - by) / STEP, (y - by) / STEP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return x + shift[..., 0], y + shift[..., 1]

    def reversed(self, hole: Bits) -> Step:
        """The same motion the other way; `hole` is that of the frame it starts from."""
        plane = np.asarray(np.linalg.inv(self.plane), np.float64)
        home = places(self.unknown.shape[1], self.unknown.shape[0])
        x, y = through(plane, *home)
        for _ in range(2):
            there_x, there_y = self.at(x, y)
            x, y = x + home[0] - there_x, y + home[1] - there_y
        field = np.asarray(cv2.merge([x - home[0], y - home[1]]), np.float32)
        return Step(plane, self.support, field, _seen_from(self.unknown, _coarse(plane)) | hole)

    def hiding(self, hole: Bits) -> Step:
        """The same step with more of it unknown."""
        unknown = self.unknown | hole
        return Step(self.plane, self.support, completed(self.field, self.plane, unknown), unknown)


def reach_for(width: int, height: int, depth: int) -> int:
    """How many frames to each side fit into the window's memory."""
    small = min(640, width)
    per_frame = width * height * (3 * (1 if depth <= 8 else 2) + 2) + small * small * height // width * 14
    return int(np.clip(WINDOW_BYTES // per_frame // 2, 6, MOST_REACH))


class Window:
    """Frames around the one being filled, with motion between neighbours measured on demand."""

    def __init__(self, reach: int = MOST_REACH) -> None:
        self.reach = reach
        """Frames to each side of a target that may be looked at, however many there are at the moment."""
        self._seen: dict[int, Seen] = {}
        self._steps: dict[tuple[int, int], Step] = {}
        self._gates: dict[tuple[int, int], threading.Lock] = {}
        """Who measures a step holds its gate; others measure other steps meanwhile."""
        self._lock = threading.RLock()

    def add(self, frame: Frame, hole: Bits) -> None:
        """Takes the next frame; `hole` is (H, W), true where the frame must not be believed."""
        self._seen[frame.index] = Seen(frame, hole)

    def forget(self, before: int) -> None:
        """Lets go of frames that no later target can reach."""
        with self._lock:
            for index in [i for i in self._seen if i < before]:
                del self._seen[index]
            for key in [k for k in self._gates if k[0] < before or k[0] + k[1] < before]:
                del self._gates[key]
                self._steps.pop(key, None)

    def __getitem__(self, index: int) -> Seen:
        return self._seen[index]

    def __contains__(self, index: int) -> bool:
        return index in self._seen

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._seen))

    def __len__(self) -> int:
        return len(self._seen)

    def step(self, index: int, direction: int) -> Step:
        """Motion from frame `index` to `index + direction`, direction being 1 or -1."""
        key = (index, direction)
        with self._lock:
            gate = self._gates.setdefault(key, threading.Lock())
        with gate:
            made = self._steps.get(key)
            if made is None:
                made = self._measured(index, direction)
                with self._lock:
                    self._steps[key] = made
            return made

    def _measured(self, index: int, direction: int) -> Step:
        """Always measured forward and alike, so that it does not matter who asks first."""
        if direction < 0:
            forward = self.step(index - 1, 1)
            return forward.reversed(_thinned(self._seen[index].wide_hole, forward.unknown.shape))
        a, b = self._seen[index], self._seen[index + 1]
        found = measured(a, b, _guessed(a, b))
        if found.support >= DOMINATES:
            return found
        return max(found, measured(a, b, _roughly(a, b)), key=lambda step: step.support)

    def hiding(self, shift: tuple[int, int]) -> Window:
        """The same window with every hole hidden a second time, moved by `shift` (x, y): there the truth is known."""
        return _Hiding(self, shift)


class _Hiding(Window):
    """A window whose frames have a second hole; motion is completed anew across it."""

    def __init__(self, parent: Window, shift: tuple[int, int]) -> None:
        super().__init__(min(parent.reach, HIDING_REACH))
        self._parent, self._shift = parent, shift

    def __getitem__(self, index: int) -> Seen:
        with self._lock:
            if index not in self._seen:
                self._seen[index] = self._parent[index].hiding(self._shift)
            return self._seen[index]

    def __contains__(self, index: int) -> bool:
        return index in self._parent

    def __iter__(self) -> Iterator[int]:
        return iter(self._parent)

    def _measured(self, index: int, direction: int) -> Step:
        known = self._parent.step(index, direction)
        hole = self[index].wide_hole | _seen_from(self[index + direction].wide_hole, known.plane)
        return known.hiding(_thinned(hole, known.unknown.shape))


def moved(mask: Bits, shift: tuple[int, int]) -> Bits:
    """The mask translated by (x, y) pixels; what leaves the frame is lost."""
    made = np.zeros(mask.shape, np.bool_)
    pairs = [_shifted(length, by) for length, by in zip(mask.shape, shift[::-1], strict=True)]
    made[pairs[0][1], pairs[1][1]] = mask[pairs[0][0], pairs[1][0]]
    return made


def _shifted(length: int, by: int) -> tuple[slice, slice]:
    """Which of `length` places are moved by `by`, and where to."""
    stay = max(0, length - abs(by))
    first, there = max(0, -by), max(0, by)
    return slice(first, first + stay), slice(there, there + stay)


def _roughly(a: Seen, b: Seen) -> Matrix:
    """Where the picture went, by features; by its global motion when it has too few."""
    found = align_features(a.points, b.points, (a.small.shape[1], a.small.shape[0]), "auto")
    if found is not None:
        return found.matrix
    return global_motion(a.small, b.small, grown(a.small_hole | b.small_hole, 5)).matrix


class _Engine(threading.local):
    """One flow engine per thread: it keeps state between calls. A field has one point every STEP pixels: patches as
    sparse and a short descent do for it.
    """

    def __init__(self) -> None:
        self.fine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.fine.setPatchStride(5)
        self.fine.setGradientDescentIterations(8)
        self.fine.setVariationalRefinementIterations(1)
        self.quick = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self.quick.setFinestScale(1)


_engine = _Engine()
LEAST_SIDE = 48


def _guessed(a: Seen, b: Seen) -> Matrix:
    """The camera's motion from a quick look at half the size."""
    return _moved(a, b, np.eye(3), _engine.quick, 2)[1]


def measured(a: Seen, b: Seen, begin: Matrix) -> Step:
    """Flow with the holes of both frames neutralised, and the homography that most of it agrees with."""
    total, plane, support, unknown = _moved(a, b, begin, _engine.fine)
    return Step(plane, support, completed(total, plane, unknown), unknown)


def _moved(
    a: Seen, b: Seen, begin: Matrix, engine: cv2.DISOpticalFlow, by: int = 1
) -> tuple[Flow, Matrix, float, Bits]:
    """Displacement on the points of a field, its homography with the share that agrees, and where it is unknown;
    flow is measured at working size divided by `by`.
    """
    height, width = a.small.shape
    hole_a, hole_b = a.wide_hole, _seen_from(b.wide_hole, begin)
    pair = _alike(a.small, _brought(b.small, begin), hole_a, hole_b)
    one, two = (_smaller(picture, by) for picture in pair)
    rest = _flow(one, two, engine) * np.float32(by)
    size = (-(-width // STEP), -(-height // STEP))
    rest = np.asarray(cv2.resize(rest, size, interpolation=cv2.INTER_AREA), np.float32)
    home = places(*size)
    x, y = through(begin, home[0] + rest[..., 0], home[1] + rest[..., 1])
    total = np.stack([x - home[0], y - home[1]], axis=2)
    unknown = _thinned(hole_a | hole_b, (size[1], size[0]))
    return total, *_plane(a, total, unknown, begin), unknown


def _smaller(picture: Gray, by: int) -> Gray:
    if by == 1:
        return picture
    size = (max(1, picture.shape[1] // by), max(1, picture.shape[0] // by))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _flow(a: Gray, b: Gray, engine: cv2.DISOpticalFlow) -> Flow:
    height, width = a.shape
    low, right = max(0, LEAST_SIDE - height), max(0, LEAST_SIDE - width)
    if low or right:
        a, b = (np.pad(picture, ((0, low), (0, right)), "edge") for picture in (a, b))
    start = np.zeros((*a.shape, 2), np.float32)
    return np.asarray(engine.calc(a, b, start), np.float32)[:height, :width]


def _thinned(hole: Bits, size: tuple[int, ...]) -> Bits:
    return np.asarray(cv2.resize(hole.astype(np.uint8), (size[1], size[0]), interpolation=cv2.INTER_NEAREST), np.bool_)


def _brought(picture: Gray, matrix: Matrix) -> Gray:
    """Picture b in the place of picture a."""
    if np.abs(matrix - np.eye(3)).max() < 1e-6:
        return picture
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpPerspective(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def completed(total: Flow, plane: Matrix, unknown: Bits) -> Flow:
    """The displacement (h, w, 2) calmed where it is known; elsewhere the plane's, with the rest continued smoothly."""
    home = places(unknown.shape[1], unknown.shape[0])
    x, y = through(plane, *home)
    camera = cv2.merge([x - home[0], y - home[1]])
    known = (~unknown).astype(np.float32)
    beyond = (total - camera) * known[..., None]
    held = cv2.GaussianBlur(cv2.merge([*cv2.split(beyond), known]), (0, 0), 0.8)
    calm = held[..., :2] / np.maximum(held[..., 2:], 1e-3)
    return np.asarray(camera + extended(calm * known[..., None], ~unknown), np.float32)


@lru_cache(maxsize=4)
def places(columns: int, rows: int) -> tuple[Field, Field]:
    """Working positions of the points of a displacement field."""
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return STEP * xs + (STEP - 1) / 2, STEP * ys + (STEP - 1) / 2


def through(matrix: Matrix, x: Field, y: Field) -> tuple[Field, Field]:
    """Positions through a homography; far behind the camera they are far away."""
    m = np.asarray(matrix, np.float32)
    depth = np.maximum(m[2, 0] * x + m[2, 1] * y + m[2, 2], np.float32(1e-4))
    there = (m[row, 0] * x + m[row, 1] * y + m[row, 2] for row in (0, 1))
    there_x, there_y = (np.clip(place / depth, -1e5, 1e5) for place in there)
    return there_x, there_y


def _seen_from(hole: Bits, matrix: Matrix) -> Bits:
    """Picture b's hole in the pixels of picture a."""
    size = (hole.shape[1], hole.shape[0])
    inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_NEAREST
    return np.asarray(cv2.warpPerspective(hole.astype(np.uint8), matrix, size, flags=inverse), np.bool_)


def _coarse(matrix: Matrix) -> Matrix:
    """A matrix between working pictures as one between displacement fields."""
    down = np.array([[1 / STEP, 0, 0.5 / STEP - 0.5], [0, 1 / STEP, 0.5 / STEP - 0.5], [0, 0, 1.0]])
    return np.asarray(down @ matrix @ np.linalg.inv(down), np.float64)


def _alike(a: Gray, b: Gray, hole_a: Bits, hole_b: Bits) -> tuple[Gray, Gray]:
    """Both pictures with each other's pixels in their holes, so that a hole pulls the flow nowhere."""
    one, two = a.copy(), b.copy()
    both = hole_a & hole_b
    only_a, only_b = hole_a & ~both, hole_b & ~both
    one[only_a] = b[only_a]
    two[only_b] = a[only_b]
    two[both] = a[both]
    return one, two


def _plane(a: Seen, total: Flow, unknown: Bits, begin: Matrix) -> tuple[Matrix, float]:
    """The homography of the textured points, and the share of them that agrees; `begin` where nothing can be said."""
    at = np.minimum((a.textured / STEP).astype(int), np.array(unknown.shape)[::-1] - 1)
    known = ~unknown[at[:, 1], at[:, 0]]
    points, at = a.textured[known], at[known]
    if len(points) < 24:
        return begin, 0.0
    shift = total[at[:, 1], at[:, 0]]
    fitted = fit(points, points + shift, "homography", 0.7)
    if fitted is None or fitted[1].mean() < 0.25 or not plausible(fitted[0], a.small.shape[1], a.small.shape[0]):
        return begin, 0.0
    held = fitted[1]
    size = np.array([a.small.shape[1], a.small.shape[0]])
    return _simplest(fitted[0], points[held], shift[held], size), float(held.mean())


def _simplest(matrix: Matrix, points: NDArray[np.float64], shift: NDArray[Any], size: NDArray[Any]) -> Matrix:
    """The matrix, or no motion, or a shift, where that tells the points' shifts (n, 2) as well: a homography of points
    that lie on one side of a picture of `size` is many pixels off on the other. There a shift is enough that most of
    them keep to.
    """
    usual = np.median(shift, axis=0)
    if (np.ptp(points, axis=0) < WIDE * size).any() and (_lengths(shift - usual) <= KEPT).mean() >= MOSTLY:
        return _shift(usual)
    x, y = through(matrix, *points.astype(np.float32).T)
    most = SIMPLER * _spread(shift - (np.stack([x, y], axis=1) - points)) + PLAIN
    ways = [way for way in (np.zeros(2), shift.mean(axis=0)) if _spread(shift - way) <= most]
    return _shift(ways[0]) if ways else matrix


def _shift(way: NDArray[Any]) -> Matrix:
    return np.array([[1, 0, way[0]], [0, 1, way[1]], [0, 0, 1]], np.float64)


def _lengths(shifts: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.sqrt(np.square(shifts).sum(axis=1)))


def _spread(left: NDArray[Any]) -> float:
    """Root mean square length of what is left of shifts (n, 2)."""
    return float(np.sqrt(np.square(_lengths(left)).mean()))
