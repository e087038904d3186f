"""The part of a picture that the checks look at: the region and a surround, as 8-bit pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.pixels import LUMA_WEIGHTS, SD_HEIGHT, luma8, rgb8
from tools.types import Bits, Box, Frame, Gray, Rgb

Floats = NDArray[np.float32]

LEAST_MARGIN, MOST_MARGIN = 28, 72
"""Pixels of surround on each side of a region."""


@dataclass(frozen=True)
class Window:
    """One frame's region and surround before and after: pictures (h, w, 3) and the mask's bits (h, w)."""

    index: int
    before: Rgb
    after: Rgb
    inside: Bits

    @cached_property
    def distance(self) -> Floats:
        """Signed distance to the mask's edge in pixels (h, w): negative inside, ±0.5 on the pixels beside the edge."""
        return signed_distance(self.inside)

    @cached_property
    def luma(self) -> tuple[Gray, Gray]:
        """8-bit luma before and after."""
        gray = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (self.before, self.after)]
        return np.asarray(gray[0], np.uint8), np.asarray(gray[1], np.uint8)

    @cached_property
    def lab(self) -> Floats:
        """CIE Lab of the picture after (h, w, 3)."""
        return np.asarray(cv2.cvtColor(self.after.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def signed_distance(inside: Bits) -> Floats:
    """Distance to the edge of a mask, negative inside; far away (1000) where there is no edge."""
    bits = inside.astype(np.uint8)
    parts = [cv2.distanceTransform(part, cv2.DIST_L2, 5) for part in (1 - bits, bits)]
    outer, inner = (np.minimum(np.asarray(part, np.float32), 1000) for part in parts)
    return np.where(inside, 0.5 - inner, outer - 0.5).astype(np.float32)


def margin_of(area: float) -> int:
    """Pixels of surround for a region of `area` pixels: half its size, within limits."""
    return int(np.clip(0.5 * np.sqrt(area), LEAST_MARGIN, MOST_MARGIN))


def surround_box(mask: Bits, step_x: int, step_y: int) -> Box:
    """The mask's bounding box grown by its margin, its corner on the chroma grid."""
    tight = Box.around(mask)
    assert tight is not None
    height, width = mask.shape
    box = tight.grown(margin_of(float(mask.sum())), width, height)
    x, y = box.x // step_x * step_x, box.y // step_y * step_y
    return Box(x, y, box.x + box.w - x, box.y + box.h - y)


def cropped(frame: Frame, box: Box) -> Frame:
    """A part of a frame; its matrix is the whole frame's. The box's corner lies on the chroma grid."""
    step_x, step_y = frame.layout.chroma_x, frame.layout.chroma_y
    rows, columns = box.slices
    chroma = (
        slice(box.y >> step_y, -(-(box.y + box.h) >> step_y)),
        slice(box.x >> step_x, -(-(box.x + box.w) >> step_x)),
    )
    planes = [frame.planes[0][rows, columns], *(plane[chroma] for plane in frame.planes[1:])]
    if frame.layout.family == "rgb":
        planes = [plane[rows, columns] for plane in frame.planes]
    matrix = frame.colour.matrix if frame.colour.matrix in LUMA_WEIGHTS else 6 if frame.height <= SD_HEIGHT else 1
    tags = frame.colour.model_copy(update={"matrix": matrix})
    cut: tuple[Any, ...] = tuple(np.ascontiguousarray(plane) for plane in planes)
    return replace(frame, planes=cut, colour=tags)


def window_of(before: Frame, after: Frame, mask: Bits, box: Box) -> Window:
    """The window of one frame at a box whose corner lies on the chroma grid."""
    old, new = rgb8(cropped(before, box)), rgb8(cropped(after, box))
    return Window(before.index, old, new, np.ascontiguousarray(mask[box.slices]))


def luma_of(frame: Frame, box: Box) -> Gray:
    """8-bit luma (h, w) of a part of a frame."""
    return luma8(cropped(frame, box))


def cell_means(values: NDArray[Any], cells: NDArray[np.intp], count: int) -> tuple[Floats, NDArray[np.intp]]:
    """Mean of `values` (n,) per cell number (n,), and how many there are; 0 where there are none."""
    number = np.bincount(cells, minlength=count)
    total = np.bincount(cells, weights=values, minlength=count)
    return (total / np.maximum(number, 1)).astype(np.float32), number


def grid_cells(shape: tuple[int, ...], size: int) -> tuple[NDArray[np.intp], int]:
    """Number of the square cell each pixel lies in (h, w), and the count of cells."""
    rows, columns = np.arange(shape[0]) // size, np.arange(shape[1]) // size
    wide = int(columns[-1]) + 1
    return (rows[:, None] * wide + columns[None, :]).astype(np.intp), (int(rows[-1]) + 1) * wide
