"""A thing that moves and bends on its own, carried from frame to frame where no surface holds it.

The last mask is carried over by dense flow (DIS) and drawn anew along the edges of the new frame by GrabCut (Rother et
al. 2004) in a narrow band; where the flow cannot explain what the mask should show, the thing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.types import Bits, Box, Rgb
from tools.vision._track_look import Lab, palette, root_mean_square
from tools.vision.motion import dense_flow, global_motion, matrix_flow, warp
from tools.vision.region import grab_cut

WIDE = 640
"""Working width."""
REACH = 0.5
"""How far around a thing it is looked for, in sides of the square of its area."""
BAND = 0.08
"""Half the width of the band in which the outline may move, in the same unit."""
SWING = 1.6
"""Most by which its area grows or shrinks between two frames."""


@dataclass(frozen=True, slots=True)
class Body:
    """The thing in one frame: the picture (h, w, 3) and its mask, at working size."""

    rgb: Rgb
    mask: Bits


@dataclass(frozen=True, slots=True)
class Carried:
    """Where the thing went: its mask, and how unlike it is: the change that motion does not explain, in Lab, and the
    share of its first colours that it keeps."""

    body: Body
    change: float
    palette: float


def body_of(rgb: Rgb, mask: Bits) -> Body:
    """A picture and mask of one size, brought to working size."""
    size = min(WIDE, rgb.shape[1]), max(16, round(rgb.shape[0] * min(1.0, WIDE / rgb.shape[1])))
    small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    return Body(small, cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5)


def carried(first: Body, last: Body, rgb: Rgb) -> Carried | None:
    """The thing in the next picture (working size); None where it cannot be made out."""
    around = Box.around(last.mask)
    if around is None:
        return None
    side = float(np.sqrt(last.mask.sum()))
    height, width = last.mask.shape
    camera = global_motion(_gray(last.rgb), _gray(rgb), last.mask)
    back = matrix_flow(np.asarray(np.linalg.inv(camera.matrix), np.float64), height, width)
    was, mask = warp(last.rgb, back), warp(last.mask.astype(np.float32), back)
    moved = Box.around(mask > 0.5)
    if moved is None:
        return None
    crop = moved.grown(max(16, round(REACH * side)), width, height)
    motion = dense_flow(_gray(rgb[crop.slices]), _gray(np.asarray(was[crop.slices], np.uint8)))
    prior = warp(mask[crop.slices], motion)
    cut = _drawn(rgb[crop.slices], prior, max(2, round(BAND * side)))
    if not last.mask.sum() / SWING <= cut.sum() <= last.mask.sum() * SWING:
        return None
    full = np.zeros((height, width), np.bool_)
    full[crop.slices] = cut
    expected = _lab(warp(was[crop.slices], motion))[cut]
    now = _lab(rgb[crop.slices])[cut]
    kept = palette(_lab(first.rgb)[first.mask], now)
    return Carried(Body(rgb, full), root_mean_square(now - expected), kept)


def _drawn(picture: Rgb, prior: Lab, band: int) -> Bits:
    """The mask along the picture's edges, within a band around the one (h, w, 0 to 1) that motion predicts."""
    inner, outer = (cv2.GaussianBlur(prior, (0, 0), band) > level for level in (0.9, 0.1))
    labels = np.full(prior.shape, cv2.GC_BGD, np.uint8)
    labels[outer] = np.where(prior[outer] > 0.5, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    labels[inner] = cv2.GC_FGD
    return grab_cut(picture, labels, 1)


def _gray(picture: Rgb) -> Rgb:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _lab(picture: Rgb) -> Lab:
    lab = cv2.cvtColor(np.asarray(picture, np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.2), np.float32)
