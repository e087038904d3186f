"""How pictures move: dense flow, the camera's share of it, and the speed of a region.

Dense flow is DIS (Kroeger et al., ECCV 2016). It loses itself over motions of more than a few dozen pixels, so a pan is
first taken out with a global matrix (from phase correlation or features) and the flow measures what is left.
Everything runs at a working size of at most 640 pixels wide.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import luma8
from tools.media.probe import probe
from tools.types import Bits, Clip, Frame, Gray, MaskTrack, MediaInfo, Motion
from tools.vision.align import Matrix, align, fit, plausible, project

Flow: TypeAlias = NDArray[np.float32]

WORKING_WIDTH = 640
STATIC, SLOW = 0.0005, 0.006
"""Upper ends of the classes, in frame diagonals per 1/24 s."""
MOST_PAIRS = 16
"""A region's speed is a median; more pairs than this do not move it."""
LEAST_SIDE = 32
"""Pixels a side that the flow's pyramid needs."""
BIG_SHIFT = 6.0
"""Pixels at working size beyond which flow is started from a global shift."""


@dataclass(frozen=True, slots=True)
class GlobalMotion:
    """The camera's motion from picture `a` to picture `b`: `b ~ matrix @ a`, in pixels of the given pictures.

    `support` is the share of the looked-at texture that moves with it; under about 0.3 nothing dominates.
    """

    matrix: Matrix
    support: float

    def at(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Displacement (n, 2) of points (n, 2) of `a`."""
        return project(self.matrix, points) - np.asarray(points, np.float64).reshape(-1, 2)


def working(picture: Gray, width: int = WORKING_WIDTH) -> Gray:
    """The picture scaled down to at most `width` pixels wide."""
    if picture.shape[1] <= width:
        return picture
    height = max(16, round(picture.shape[0] * width / picture.shape[1]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def working_mask(mask: Bits, size: tuple[int, int]) -> Bits:
    """A mask scaled to (height, width); a region too small to own half a pixel keeps what it touches."""
    if mask.shape == size:
        return mask
    share = cv2.resize(mask.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.5 if (share > 0.5).any() else share > 0, np.bool_)


def flow(a: Gray, b: Gray, start: Matrix | None = None) -> Flow:
    """Dense motion (h, w, 2) in x, y pixels from each pixel of `a` to its place in `b`.

    Measured at working size and scaled back. `start` is a global matrix a → b to begin from, in pixels of `a`;
    None finds one when the picture moves by more than flow follows.
    """
    small_a, small_b = working(a), working(b)
    scale = _scaling(a, small_a)
    begin = _start(small_a, small_b, None) if start is None else scale @ start @ np.linalg.inv(scale)
    measured = _flow_from(small_a, small_b, begin)
    if small_a is a:
        return measured
    full = cv2.resize(measured, (a.shape[1], a.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(full / np.array([scale[0, 0], scale[1, 1]], np.float32), np.float32)


def global_motion(a: Gray, b: Gray, mask: Bits | None = None) -> GlobalMotion:
    """The motion most of the picture shares from `a` to `b`; `mask` is true where it must not look."""
    small_a, small_b = working(a), working(b)
    ignored = None if mask is None else working_mask(mask, small_a.shape)
    found, _ = global_and_flow(small_a, small_b, ignored)
    scale = _scaling(a, small_a)
    return GlobalMotion(np.linalg.inv(scale) @ found.matrix @ scale, found.support)


def warp(picture: NDArray[Any], motion: Flow, interpolation: int = cv2.INTER_LINEAR) -> NDArray[Any]:
    """Picture `b` as seen from `a`: samples `b` where the flow a → b points; outside of `b` the edge repeats."""
    ys, xs = _grid(*motion.shape[:2])
    return np.asarray(
        cv2.remap(picture, xs + motion[..., 0], ys + motion[..., 1], interpolation, borderMode=cv2.BORDER_REPLICATE)
    )


def matrix_flow(matrix: Matrix, height: int, width: int) -> Flow:
    """The displacement field (h, w, 2) of a 3×3 matrix."""
    ys, xs = _grid(height, width)
    m = matrix.astype(np.float32)
    depth = m[2, 0] * xs + m[2, 1] * ys + m[2, 2]
    x = (m[0, 0] * xs + m[0, 1] * ys + m[0, 2]) / depth - xs
    y = (m[1, 0] * xs + m[1, 1] * ys + m[1, 2]) / depth - ys
    return np.dstack([x, y])


@lru_cache(maxsize=8)
def _grid(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    return ys, xs


def _scaling(full: Gray, small: Gray) -> Matrix:
    return np.diag([small.shape[1] / full.shape[1], small.shape[0] / full.shape[0], 1.0])


class _Engine(threading.local):
    """One flow engine per thread: it keeps state between calls."""

    def __init__(self) -> None:
        self.dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.dis.setFinestScale(1)


_engine = _Engine()


def dense_flow(a: Gray, b: Gray) -> Flow:
    """DIS flow a → b at the pictures' own size, started from rest."""
    height, width = a.shape
    low, right = max(0, LEAST_SIDE - height), max(0, LEAST_SIDE - width)
    if low or right:
        a, b = (np.pad(picture, ((0, low), (0, right)), "edge") for picture in (a, b))
    start = np.zeros((*a.shape, 2), np.float32)
    found = _engine.dis.calc(np.ascontiguousarray(a), np.ascontiguousarray(b), start)
    return np.asarray(found, np.float32)[:height, :width]


def _flow_from(a: Gray, b: Gray, begin: Matrix) -> Flow:
    if np.array_equal(begin, np.eye(3)):
        return dense_flow(a, b)
    moved = matrix_flow(begin, *a.shape)
    rest = dense_flow(a, np.asarray(warp(b, moved), np.uint8))
    return np.asarray(rest + np.dstack([warp(moved[..., i], rest) for i in (0, 1)]), np.float32)


def _start(a: Gray, b: Gray, ignored: Bits | None) -> Matrix:
    """Identity, or the global shift or feature matrix under which the pictures agree much better."""
    shifted = _phase_shift(a, b)
    if max(abs(shifted[0, 2]), abs(shifted[1, 2])) < BIG_SHIFT and _disagreement(a, b, np.eye(3), ignored) < 16:
        return np.eye(3)
    costs = [(_disagreement(a, b, m, ignored), m) for m in (np.eye(3), shifted)]
    best = min(costs, key=lambda c: c[0])
    if best[0] > 12:
        found = align(a, b, None if ignored is None else ~ignored, model="homography")
        if found is not None:
            best = min([best, (_disagreement(a, b, found.matrix, ignored), found.matrix)], key=lambda c: c[0])
    return best[1] if best[0] < 0.8 * costs[0][0] else np.eye(3)


def _phase_shift(a: Gray, b: Gray) -> Matrix:
    half = (max(16, a.shape[1] // 2), max(16, a.shape[0] // 2))
    pair = [cv2.resize(p, half, interpolation=cv2.INTER_AREA).astype(np.float32) for p in (a, b)]
    edges = [p - cv2.GaussianBlur(p, (0, 0), 8) for p in pair]
    (x, y), _ = cv2.phaseCorrelate(edges[0], edges[1], _window(half))
    return np.array([[1, 0, x * a.shape[1] / half[0]], [0, 1, y * a.shape[0] / half[1]], [0, 0, 1.0]])


@lru_cache(maxsize=4)
def _window(size: tuple[int, int]) -> NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow(size, cv2.CV_32F), np.float32)


def _disagreement(a: Gray, b: Gray, matrix: Matrix, ignored: Bits | None) -> float:
    """Mean absolute difference in 8-bit levels where `b` warped by the matrix covers `a`; infinite under a quarter."""
    inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    size = (a.shape[1], a.shape[0])
    moved = cv2.warpPerspective(b, matrix, size, flags=inverse)
    covered = cv2.warpPerspective(np.full_like(b, 255), matrix, size, flags=inverse) == 255
    if ignored is not None:
        covered &= ~ignored
    share = float(covered.mean())
    if share == 0 or share < 0.25 * (1.0 if ignored is None else float((~ignored).mean())):
        return float("inf")
    return float(cv2.absdiff(a, moved)[covered].mean())


def textured_points(picture: Gray, ignored: Bits | None, step: int = 6) -> NDArray[np.float64]:
    """Grid points (n, 2) whose neighbourhood has texture in both directions, so that flow there means something."""
    strength = cv2.cornerMinEigenVal(cv2.GaussianBlur(picture, (0, 0), 1.0), 7)[step // 2 :: step, step // 2 :: step]
    ys, xs = np.mgrid[step // 2 : picture.shape[0] : step, step // 2 : picture.shape[1] : step]
    allowed = np.ones(strength.shape, np.bool_) if ignored is None else ~ignored[ys, xs]
    if not allowed.any():
        return np.zeros((0, 2))
    keep = allowed & (strength >= np.quantile(strength[allowed], 0.5)) & (strength > 1e-6)
    return np.column_stack([xs[keep], ys[keep]]).astype(np.float64)


def global_and_flow(a: Gray, b: Gray, ignored: Bits | None) -> tuple[GlobalMotion, Flow]:
    """Global motion and dense flow (h, w, 2) of two pictures that are already at working size."""
    begin = _start(a, b, ignored)
    dense = _flow_from(a, b, begin)
    points = textured_points(a, ignored)
    if len(points) < 16:
        return GlobalMotion(begin, 0.0), dense
    moved = points + dense[points[:, 1].astype(int), points[:, 0].astype(int)]
    return _consensus(points, moved, a.shape[1], a.shape[0]), dense


def _consensus(points: NDArray[np.float64], moved: NDArray[np.float64], width: int, height: int) -> GlobalMotion:
    """The simplest camera model that the flow supports: homography if it wins, similarity, or the median shift."""
    found: list[tuple[float, Matrix]] = []
    for model, handicap in (("similarity", 1.0), ("homography", 0.95)):
        fitted = fit(points, moved, model, 0.8)  # type: ignore[arg-type]
        if fitted is not None and plausible(fitted[0], width, height):
            found.append((float(fitted[1].mean()) * handicap, fitted[0]))
    best = max(found, key=lambda f: f[0], default=(0.0, np.eye(3)))
    if best[0] >= 0.2:
        return GlobalMotion(best[1], best[0])
    shift = np.median(moved - points, axis=0)
    return GlobalMotion(np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1.0]]), best[0])


def speed_class(image: float) -> Literal["static", "slow", "fast"]:
    """The class of a speed in frame diagonals per 1/24 s."""
    if image < STATIC:
        return "static"
    return "slow" if image < SLOW else "fast"


def region_motion(clip: Clip, track: MaskTrack) -> Motion:
    """Median speeds inside a tracked region, as shares of the frame diagonal per 1/24 s whatever the frame rate.

    Pairs of frames about 1/24 s apart are measured, so that high frame rates do not drown in noise. Frames count from
    the clip's first. A region seen in a single frame of a one-frame clip is static.
    """
    info = probe(clip.media)
    speeds = np.array(list(_speeds(clip, track, info)))
    if not len(speeds):
        return _motion(0.0, 0.0, 0.0)
    image, subject, camera = (float(v) for v in np.median(speeds, axis=0))
    return _motion(image, subject, camera)


def _motion(image: float, subject: float, camera: float) -> Motion:
    return Motion.model_validate({"image": image, "subject": subject, "camera": camera, "class": speed_class(image)})


def _speeds(clip: Clip, track: MaskTrack, info: MediaInfo) -> Iterator[tuple[float, float, float]]:
    """(image, subject, camera) speed per measured pair."""
    step = min(max(1, round(float(info.fps) / 24)), max(1, clip.frames - 1))
    starts = [i for i in track if i + step < clip.frames] or [clip.frames - 1 - step]
    chosen = set(starts[:: max(1, -(-len(starts) // MOST_PAIRS))])
    recent: deque[tuple[Frame, Gray]] = deque(maxlen=step + 1)
    for index, frame in enumerate(frames(clip, info=info)):
        recent.append((frame, working(luma8(frame))))
        first = index - step
        if first in chosen and len(recent) == step + 1:
            ticks = _elapsed(recent[0][0], frame, step, info.fps)
            near = first if first in track.crops else min(track, key=lambda i: abs(i - first))
            yield _pair_speeds(recent[0][1], recent[-1][1], track.at(near), ticks)


def _elapsed(a: Frame, b: Frame, step: int, fps: Fraction) -> float:
    """Time from frame a to frame b in units of 1/24 s, from the time stamps where they are there."""
    if a.pts is not None and b.pts is not None and a.time_base is not None and b.pts > a.pts:
        return float((b.pts - a.pts) * a.time_base * 24)
    return float(step * 24 / fps)


def _pair_speeds(a: Gray, b: Gray, mask: Bits, ticks: float) -> tuple[float, float, float]:
    region = working_mask(mask, (a.shape[0], a.shape[1]))
    around = np.asarray(cv2.dilate(region.astype(np.uint8), np.ones((9, 9), np.uint8)), np.bool_)
    camera, dense = global_and_flow(a, b, around if not around.all() else None)
    points = np.argwhere(region)[:, ::-1]
    inside = dense[region].astype(np.float64)
    shared = camera.at(points)
    unit = float(np.hypot(*a.shape)) * ticks
    image, subject, global_ = (
        float(np.median(np.hypot(v[:, 0], v[:, 1]))) / unit for v in (inside, inside - shared, shared)
    )
    return image, subject, global_
