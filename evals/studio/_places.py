"""Where shots happen: photographs of scikit-image as locations, and a workshop with true depth."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from evals.studio._matte import Pixels, pixels

DEFOCUS = {"pad": 4.0, "workshop": 3.0, "wall": 2.2, "stars": 2.0, "garden": 2.5}
"""Blur behind a character, frame pixels (sigma)."""

_TONES = {"wall": (1.08, 0.98, 0.9), "garden": (0.8, 1.0, 0.55), "stars": (1.5, 1.45, 1.6)}


def _photograph(name: str) -> NDArray[np.uint8]:
    match name:
        case "pad":
            return np.asarray(data.rocket())
        case "workshop":
            return np.asarray(data.stereo_motorcycle()[0])
        case "wall":
            return np.dstack([data.brick()] * 3)
        case "stars":
            return np.asarray(data.hubble_deep_field())
        case "garden":
            return np.dstack([data.grass()] * 3)
        case "table":
            return np.asarray(data.coffee())
        case _:
            raise KeyError(name)


@cache
def place(name: str) -> Pixels:
    """A location's picture, (h, w, 3), 0–255."""
    tone = np.asarray(_TONES.get(name, (1, 1, 1)), np.float32)
    return pixels(_photograph(name)[..., :3] * tone)


def behind(name: str, zoom: float) -> Pixels:
    """A location out of focus, for a camera that shows it at `zoom` frame pixels per picture pixel."""
    return np.asarray(cv2.GaussianBlur(place(name), (0, 0), DEFOCUS[name] / zoom), np.float32)


@cache
def _workshop_pair() -> tuple[Pixels, Pixels, Pixels]:
    """Left and right view and the left view's disparity in pixels, holes filled from behind."""
    left, right, disparity = data.stereo_motorcycle()
    known = np.isfinite(disparity) & (disparity > 0)
    filled = np.where(known, disparity, 0).astype(np.float32)
    while not known.all():
        near = np.where(known, filled, np.float32(1e6))
        lowest = cv2.erode(near, np.ones((5, 5), np.uint8))
        reached = ~known & (lowest < 1e6)
        filled[reached], known = lowest[reached], known | reached
    return left.astype(np.float32), right.astype(np.float32), filled


def _splat(disparity: Pixels, share: float) -> tuple[Pixels, NDArray[np.bool_]]:
    """The disparity as the camera `share` of the way to the right view sees it, and where the left view knows it."""
    columns = disparity.shape[1]
    y, x = np.mgrid[: disparity.shape[0], : disparity.shape[1]]
    to = np.rint(x - share * disparity).astype(np.int64)
    inside = (to >= 0) & (to < columns)
    seen = np.zeros(disparity.shape, np.float32)
    np.maximum.at(seen, (y[inside], to[inside]), disparity[inside])
    closed = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    known = np.asarray(closed > 0)
    return _from_behind(np.where(known, closed, 0).astype(np.float32)), known


def _from_behind(disparity: Pixels) -> Pixels:
    """Unknown (zero) pixels take the smaller of the nearest known disparities on their row."""
    forward, backward = _held(disparity), _held(disparity[:, ::-1])[:, ::-1]
    behind_it = np.where((forward > 0) & (backward > 0), np.minimum(forward, backward), np.maximum(forward, backward))
    return np.asarray(cv2.medianBlur(np.where(disparity > 0, disparity, behind_it).astype(np.float32), 5), np.float32)


def _held(disparity: Pixels) -> Pixels:
    """Each unknown pixel takes the last known value to its left; 0 where there is none."""
    columns = np.where(disparity > 0, np.arange(disparity.shape[1]), 0)
    return np.asarray(np.take_along_axis(disparity, np.maximum.accumulate(columns, axis=1), axis=1), np.float32)


def workshop_view(share: float) -> Pixels:
    """The workshop from between its two cameras: 0 is the left view, 1 the right; true parallax.

    The left view is sampled where it sees the point, the right one where something nearer hides it.
    """
    left, right, disparity = _workshop_pair()
    seen, known = _splat(disparity, share)
    y, x = np.mgrid[: seen.shape[0], : seen.shape[1]].astype(np.float32)
    from_left = cv2.remap(
        left, pixels(x + share * seen, -1e4, 1e4), y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    from_right = cv2.remap(
        right, pixels(x - (1 - share) * seen, -1e4, 1e4), y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    trust = cv2.GaussianBlur(cv2.erode(known.astype(np.float32), np.ones((3, 3), np.uint8)), (0, 0), 1.0)
    return pixels(from_left * trust[..., None] + from_right * (1 - trust[..., None]))
