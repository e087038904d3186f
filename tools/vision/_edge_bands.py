"""The neighbourhood of a mask's edge, laid out by signed distance and cut into short stretches along the edge."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits

STRETCH = 12.0
"""Pixels of edge per stretch: long enough to average grain away, short enough to follow the content."""
MOST_STRETCHES = 64


@dataclass(frozen=True, slots=True)
class Edge:
    """A mask seen from its edge.

    `distance` (h, w) is positive outside and negative inside, in pixels, 0 between the two rows of pixels that the edge
    separates; `stretch` (h, w) numbers the stretch of edge that each pixel is nearest to by angle, from 0 to `count`.
    """

    distance: NDArray[np.float32]
    stretch: NDArray[np.int32]
    count: int

    def band(self, low: float, high: float) -> Bits:
        """Pixels whose signed distance lies in (low, high]."""
        return np.asarray((self.distance > low) & (self.distance <= high), np.bool_)

    def means(self, picture: NDArray[np.float32], band: Bits, least: int = 4) -> NDArray[np.float64]:
        """Mean of the picture (h, w, c) over each stretch of a band, (count, c); NaN where too few pixels lie."""
        index = self.stretch[band]
        sizes = np.bincount(index, minlength=self.count).astype(np.float64)
        values = picture[band].reshape(len(index), picture.shape[2])
        sums = [np.bincount(index, weights=values[:, i], minlength=self.count) for i in range(values.shape[1])]
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(sizes[:, None] >= least, np.column_stack(sums) / sizes[:, None], np.nan)


def edge_of(mask: Bits) -> Edge:
    """The edge of a mask; each connected part has its own stretches."""
    inside = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outside, nearest = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    distance = np.where(mask, 0.5 - inside, outside - 0.5).astype(np.float32)
    _, parts = cv2.connectedComponents(mask.astype(np.uint8))
    part = np.where(mask, parts - 1, nearest - 1).astype(np.int32)
    count = int(parts.max())
    stretch, total = _by_angle(part, parts, count)
    return Edge(distance, stretch, total)


def _by_angle(part: NDArray[np.int32], parts: NDArray[np.int32], count: int) -> tuple[NDArray[np.int32], int]:
    stretch = np.zeros(part.shape, np.int32)
    total = 0
    ys, xs = np.mgrid[0 : part.shape[0], 0 : part.shape[1]].astype(np.float32)
    for number in range(count):
        own = parts == number + 1
        radius = float(np.sqrt(own.sum() / np.pi))
        pieces = int(np.clip(round(2 * np.pi * radius / STRETCH), 4, MOST_STRETCHES))
        angle = np.arctan2(ys - ys[own].mean(), xs - xs[own].mean())
        slot = np.minimum(((angle + np.pi) / (2 * np.pi) * pieces).astype(np.int32), pieces - 1)
        mine = part == number
        stretch[mine] = total + slot[mine]
        total += pieces
    return stretch, max(1, total)
