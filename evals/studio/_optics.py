"""Cameras and layers: where a picture lies in the frame, how it is sampled there, and what a shutter does to it.

Matrices are 3 × 3 and map a picture's own pixels to the frame's, (x, y, 1) columns, pixel centres at whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.studio._matte import OVERSAMPLE, Pixels, pixels

WIDTH, HEIGHT = 1280, 720
DIAGONAL = float(np.hypot(WIDTH, HEIGHT))

Matrix = NDArray[np.float64]

FROM_ENLARGED: Matrix = np.array(
    [[1 / OVERSAMPLE, 0, 0.5 / OVERSAMPLE - 0.5], [0, 1 / OVERSAMPLE, 0.5 / OVERSAMPLE - 0.5], [0, 0, 1]]
)
"""Pixels of an `enlarged` picture to pixels of the photograph."""


def pose(scale: float, point: tuple[float, float], at: tuple[float, float], degrees: float = 0.0) -> Matrix:
    """A similarity that puts a picture's `point` at frame position `at`, `scale` frame pixels per picture pixel."""
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    linear = np.array([[cos, -sin], [sin, cos]])
    shift = np.asarray(at) - linear @ np.asarray(point)
    return np.vstack([np.column_stack([linear, shift]), [0, 0, 1]])


def keystone(across: float, down: float, centre: tuple[float, float]) -> Matrix:
    """A mild turn of a flat picture about `centre`: perspective terms per pixel in x and y."""
    x, y = centre
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = (-x, -y), (x, y)
    turn = np.eye(3)
    turn[2, :2] = across, down
    return back @ turn @ there


def carried(matrix: Matrix, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) picture points in the frame."""
    homogeneous = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:], np.float64)


def sampled(
    picture: Pixels, matrix: Matrix, size: tuple[int, int] = (WIDTH, HEIGHT), *, mirror: bool = False
) -> Pixels:
    """The picture seen through a camera, bicubic; outside it is nothing, or its mirror image."""
    border = cv2.BORDER_REFLECT_101 if mirror else cv2.BORDER_CONSTANT
    return np.asarray(cv2.warpPerspective(picture, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border), np.float32)


def over(below: Pixels, layer: Pixels) -> Pixels:
    """A premultiplied layer (h, w, 4), alpha last, laid over a picture (h, w, 3) of the same size."""
    through = cv2.merge([1 - np.clip(layer[..., 3], 0, 1)] * 3)
    return pixels(cv2.add(cv2.multiply(below, through), cv2.cvtColor(layer, cv2.COLOR_RGBA2RGB)))


def dimmed(picture: Pixels, lens: Pixels) -> Pixels:
    """A picture (h, w, 3) times a fall-off (h, w)."""
    return np.asarray(cv2.multiply(picture, cv2.merge([lens] * 3)), np.float32)


def smeared(picture: Pixels, travel: float) -> Pixels:
    """Motion blur: the average over a shutter in which the picture moves `travel` pixels along x."""
    reach = abs(travel) / 2
    if reach < 0.5:
        return picture
    taps = int(np.ceil(reach - 0.5))
    kernel = np.ones(2 * taps + 1, np.float32)
    kernel[[0, -1]] = reach + 0.5 - taps
    kernel /= kernel.sum()
    return np.asarray(
        cv2.sepFilter2D(picture, -1, kernel, np.ones(1, np.float32), borderType=cv2.BORDER_REPLICATE), np.float32
    )


@dataclass(frozen=True, slots=True)
class Move:
    """A camera move: per frame where background and character lie, and how far along x the shutter sees them go."""

    background: tuple[Matrix, ...]
    character: tuple[Matrix, ...]
    shutter: tuple[float, ...]

    @property
    def frames(self) -> int:
        return len(self.background)


def speeds(matrices: tuple[Matrix, ...], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Speed of picture points between consecutive frames, (frames − 1, n), as shares of the frame diagonal."""
    tracks = np.array([carried(matrix, points) for matrix in matrices])
    return np.asarray(np.linalg.norm(np.diff(tracks, axis=0), axis=2) / DIAGONAL, np.float64)
