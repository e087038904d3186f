"""What changes from one frame of a shot to the next once motion and level are taken out.

Everything here works at two sizes: `work` (at most 640 pixels wide, where masks are drawn) and `small` (at most 320,
where flow and residuals are measured). Colours are Y'CbCr, so that a stray thing of equal brightness still shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Rgb

Plane: TypeAlias = NDArray[np.float32]
Colours: TypeAlias = NDArray[np.uint8]
Affine: TypeAlias = NDArray[np.float64]

WORK, SMALL = 640, 320
"""Largest sides, in pixels."""
CELL = 16
"""Side of the cells of the coarse motion kept for every frame, in pixels at small size."""
SPOT = 8
"""Side of the cells in which brightness is followed, in pixels at small size."""
FLASH = 10.0
"""Codes of 255 between two frames' mean luma from which they are brought to one light before motion is measured."""
_THREE = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class Look:
    """One frame at both sizes."""

    index: int
    work: Colours
    small: Colours


@dataclass(frozen=True)
class Step:
    """From frame `index - 1` to frame `index`, at small size.

    `back` and `ahead` are flows (h, w, 2): from this frame's pixels to the previous frame, and the other way.
    `settled` is what this frame has that flow cannot fetch from the previous one; `left` is what the previous frame
    has that flow cannot find in this one, in the previous frame's pixels. `jump` is the larger of the two where the
    camera's motion does not explain it either (flow can shrink a thing away or blow it up, but not both). All three
    are sums of absolute Y', Cb, Cr differences (of 255) beyond the 3×3 neighbourhood. `pulse` is how much lighter the
    surfaces of this frame are than in the previous one, the frame's level aside: means of Y' over SPOT×SPOT cells.
    `around` maps this frame's pixels to the previous frame as the camera moves; `entered` marks pixels that it brings
    in from outside. `level` is (3, 2): gain and offset per channel that carried the previous frame to this one.
    """

    index: int
    back: Plane
    ahead: Plane
    jump: Plane
    settled: Plane
    left: Plane
    pulse: Plane
    around: Affine
    entered: NDArray[np.bool_]
    level: NDArray[np.float64]

    @cached_property
    def own(self) -> Plane:
        """`back` (h, w, 2) beyond the camera's motion."""
        places = pixel_grid(*self.jump.shape)
        camera = places @ self.around[:, :2].T.astype(np.float32) + self.around[:, 2].astype(np.float32) - places
        return np.asarray(self.back - camera, np.float32)


def look(index: int, picture: Rgb) -> Look:
    """A full-range RGB picture (h, w, 3) brought to both sizes."""
    work = cv2.cvtColor(within(picture, WORK), cv2.COLOR_RGB2YCrCb)
    return Look(index, np.asarray(work, np.uint8), within(np.asarray(work, np.uint8), SMALL))


def within(picture: Colours, side: int) -> Colours:
    """The picture scaled down to at most `side` pixels on its longer side."""
    height, width = picture.shape[:2]
    scale = min(1.0, side / max(height, width))
    if scale == 1.0:
        return picture
    size = (max(16, round(width * scale)), max(16, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def step(before: Look, now: Look) -> Step:
    """Measures the step between two neighbouring frames."""
    a, b = before.small, now.small
    lit = _as_light(a[..., 0], b[..., 0])
    back, ahead = _flow(b[..., 0], lit), _flow(lit, b[..., 0])
    around = _camera(back)
    previous = carry(a, back)
    level = _level(previous, b)
    expected = _relevel(previous, level)
    settled = unexplained(b, expected)
    left = unexplained(a, _relevel(carry(b, ahead), _inverse(level)))
    still = _relevel(carry_affine(a, around), level)
    camera = np.maximum(unexplained(b, still), unexplained(still, b))
    return Step(
        index=now.index,
        back=back,
        ahead=ahead,
        jump=np.minimum(np.maximum(settled, carry_affine(left, around)), camera),
        settled=settled,
        left=left,
        pulse=_pulse(b, expected),
        around=around,
        entered=_entered(around, (a.shape[0], a.shape[1])),
        level=level,
    )


def _pulse(now: Colours, expected: Colours) -> Plane:
    """Mean signed difference of luma per cell."""
    lighter = now[..., 0].astype(np.float32) - expected[..., 0]
    size = (max(1, now.shape[1] // SPOT), max(1, now.shape[0] // SPOT))
    return np.asarray(cv2.resize(lighter, size, interpolation=cv2.INTER_AREA), np.float32)


def unexplained(picture: Colours, model: Colours) -> Plane:
    """How far each pixel lies outside the range of the model's 3×3 neighbourhood; summed over channels, smoothed 3×3.

    The neighbourhood forgives half a pixel of misplacement on outlines and texture.
    """
    above = cv2.subtract(picture, cv2.dilate(model, _THREE))
    below = cv2.subtract(cv2.erode(model, _THREE), picture)
    first, second, third = cv2.split(cv2.max(above, below))
    beyond = cv2.add(cv2.add(first, second, dtype=cv2.CV_32F), third, dtype=cv2.CV_32F)
    return np.asarray(cv2.blur(beyond, (3, 3)), np.float32)


def carry(picture: NDArray[Any], flow: Plane) -> NDArray[Any]:
    """The picture fetched through a flow: `result[p] = picture[p + flow[p]]`."""
    places = pixel_grid(flow.shape[0], flow.shape[1]) + flow
    across, down = places[..., 0], places[..., 1]
    return np.asarray(cv2.remap(picture, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def carry_affine(picture: NDArray[Any], matrix: Affine) -> NDArray[Any]:
    """The picture fetched through an affine map: `result[p] = picture[matrix @ p]`."""
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE))


@lru_cache(maxsize=4)
def pixel_grid(height: int, width: int) -> Plane:
    """(h, w, 2) array of every pixel's x, y."""
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return np.stack((x, y), axis=-1)


def coarse(flow: Plane) -> NDArray[np.float16]:
    """A flow's mean over CELL×CELL cells, small enough to keep for every frame."""
    size = (max(1, flow.shape[1] // CELL), max(1, flow.shape[0] // CELL))
    return np.asarray(cv2.resize(flow, size, interpolation=cv2.INTER_AREA), np.float16)


def scaled(matrix: Affine, by: float) -> Affine:
    """The same affine map for pictures `by` times as large."""
    larger = matrix.copy()
    larger[:, 2] *= by
    return larger


def _flow(a: Colours, b: Colours) -> Plane:
    """DIS flow (Kroeger et al., ECCV 2016) from `a` to `b`."""
    empty = np.zeros((*a.shape, 2), np.float32)
    return np.asarray(_dis().calc(np.ascontiguousarray(a), np.ascontiguousarray(b), empty), np.float32)


def _as_light(a: Colours, b: Colours) -> Colours:
    """Luma of `a`, with the mean and the spread of `b` where they differ by far: flow takes a flash for motion."""
    (mean_a, spread_a), (mean_b, spread_b) = ((float(x.mean()), float(x.std()) + 1) for x in (a, b))
    if abs(mean_a - mean_b) < FLASH:
        return a
    gain = float(np.clip(spread_b / spread_a, 0.3, 3.0))
    table = np.clip(np.rint(gain * (np.arange(256) - mean_a) + mean_b), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(np.ascontiguousarray(a), table), np.uint8)


def _dis() -> cv2.DISOpticalFlow:
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def _camera(flow: Plane) -> Affine:
    """The affine map that most of a flow agrees with (RANSAC, 1 pixel); the identity when nothing does."""
    places = pixel_grid(flow.shape[0], flow.shape[1])[4::8, 4::8].reshape(-1, 2)
    moved = places + flow[4::8, 4::8].reshape(-1, 2)
    cv2.setRNGSeed(7)
    matrix, _ = cv2.estimateAffine2D(places, moved, ransacReprojThreshold=1.0)
    return np.eye(2, 3) if matrix is None else np.asarray(matrix, np.float64)


def _entered(around: Affine, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels that lay outside the previous picture, or within two pixels of its border."""
    height, width = size
    inside = np.zeros(size, np.uint8)
    inside[2 : height - 2, 2 : width - 2] = 255
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(inside, around, (width, height), flags=flags)
    moved = np.abs(around - np.eye(2, 3))[:, 2].max() > 0.25
    return np.asarray(seen == 0) if moved else np.zeros(size, np.bool_)


def _level(a: Colours, b: Colours) -> NDArray[np.float64]:
    """Gain and offset per channel (3, 2) that carry `a` to `b`; least squares over a sparse grid, trimmed thrice."""
    x, y = a[2::5, 2::5].reshape(-1, 3).astype(np.float64), b[2::5, 2::5].reshape(-1, 3).astype(np.float64)
    fits = np.tile([1.0, 0.0], (3, 1))
    for _ in range(3):
        miss = np.abs(x * fits[:, 0] + fits[:, 1] - y).sum(axis=1)
        keep = miss <= np.median(miss) * 2 + 1
        fits = np.array([_line(x[keep, c], y[keep, c]) for c in range(3)])
    return fits


def _line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    """Least-squares gain and offset, the gain held near 1 where the channel is nearly flat."""
    spread = float(x.var())
    stiff = 25.0
    gain = (float(np.mean((x - x.mean()) * (y - y.mean()))) + stiff) / (spread + stiff)
    return gain, float(y.mean() - gain * x.mean())


def _relevel(picture: Colours, level: NDArray[np.float64]) -> Colours:
    """The picture after gain and offset; untouched when they move no pixel by half a code."""
    ends = np.abs(level[:, 0] * np.array([[0.0], [255.0]]) + level[:, 1] - np.array([[0.0], [255.0]]))
    if ends.max() < 1.5:
        return picture
    codes = np.arange(256)[None, :, None]
    table = np.clip(np.rint(codes * level[:, 0] + level[:, 1]), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _inverse(level: NDArray[np.float64]) -> NDArray[np.float64]:
    gain = np.maximum(level[:, 0], 0.1)
    return np.stack((1 / gain, -level[:, 1] / gain), axis=1)
