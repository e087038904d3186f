"""The crop that a model is shown: the region with what surrounds it, at a size that the model was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, sqrt
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Frozen, Rgb

LEAST_CONTEXT = 32
"""Fewest source pixels of surround on each side of the region, where the frame has them."""
WIDEST = 16 / 9
"""Width over height, or height over width, beyond which a crop is widened: models know nothing narrower."""
ASPECT_WEIGHT = 3.0
"""How much more a wrong aspect counts than a wrong area, when a size is chosen."""


class Sizes(Frozen):
    """Areas in pixels that a model paints well, and what its sides are multiples of.

    Smaller regions are enlarged to `least`, larger ones reduced to `most`; between the two nothing is resampled.
    """

    least: int
    most: int
    multiple: int = 16


class Crop(NamedTuple):
    """Where a crop lies in the source, and the size (width, height) that the model sees it at."""

    box: Box
    width: int
    height: int

    def shown(self, picture: Rgb) -> Rgb:
        """The crop of a source picture at the model's size, (height, width, 3)."""
        return _resized(picture[self.box.slices], self.width, self.height)

    def resized(self, size: tuple[int, int], width: int, height: int) -> Crop:
        """The crop at another size, its box grown to that aspect as far as a frame of `width` × `height` goes."""
        return Crop(_of_aspect(self.box, size, width, height), *size)

    def hole(self, region: Bits) -> Bits:
        """The region of a source picture at the model's size: every pixel that any of it falls on."""
        part = region[self.box.slices].astype(np.float32)
        share = cv2.resize(part, (self.width, self.height), interpolation=_way(part, self.width))
        return np.asarray(share > 1e-3, np.bool_)

    def region(self, hole: Bits) -> Bits:
        """A hole of the model's at the crop's size in the source: every pixel that any of it falls on."""
        share = cv2.resize(hole.astype(np.float32), (self.box.w, self.box.h), interpolation=_way(hole, self.box.w))
        return np.asarray(share > 1e-3, np.bool_)

    def back(self, made: Rgb) -> Rgb:
        """A picture of the model's at the crop's size in the source."""
        return _resized(made, self.box.w, self.box.h)


def crop_around(region: Box, width: int, height: int, sizes: Sizes) -> Crop:
    """The crop for a region of a frame of `width` × `height`.

    The surround is a quarter of the region's two sides on each side: about four times its area, which leaves a region
    of a tenth of the frame with less than half of it, and shows the model what the fill must join.
    """
    box = _widened(region.grown(max(LEAST_CONTEXT, (region.w + region.h) // 4), width, height), width, height)
    return Crop(box, 0, 0).resized(_size(box, sizes), width, height)


def _widened(box: Box, width: int, height: int) -> Box:
    """The box with its shorter side grown to a known aspect, as far as the frame goes."""
    w = min(width, max(box.w, round(box.h / WIDEST)))
    h = min(height, max(box.h, round(box.w / WIDEST)))
    return _around(box, w, h, width, height)


def _of_aspect(box: Box, size: tuple[int, int], width: int, height: int) -> Box:
    """The box grown to a size's own aspect, as far as the frame goes."""
    w = min(width, max(box.w, round(box.h * size[0] / size[1])))
    h = min(height, max(box.h, round(box.w * size[1] / size[0])))
    return _around(box, w, h, width, height)


def _around(box: Box, w: int, h: int, width: int, height: int) -> Box:
    """A box of `w` × `h` with another in its middle, moved into the frame."""
    x = min(max(0, box.x - (w - box.w) // 2), width - w)
    y = min(max(0, box.y - (h - box.h) // 2), height - h)
    return Box(x, y, w, h)


def _size(box: Box, sizes: Sizes) -> tuple[int, int]:
    """Width and height, multiples of the model's, nearest to the box in aspect and to the wanted area."""
    wanted = min(max(box.area, sizes.least), sizes.most)

    def worth(size: tuple[int, int]) -> float:
        w, h = size
        return ASPECT_WEIGHT * abs(log(w * box.h / (h * box.w))) + abs(log(w * h / wanted))

    return min(_candidates(box, wanted, sizes), key=worth)


def _candidates(box: Box, wanted: int, sizes: Sizes) -> Iterator[tuple[int, int]]:
    step = sizes.multiple
    near = sqrt(wanted * box.w / box.h) / step
    for w in {max(1, int(near) + by) * step for by in (-1, 0, 1, 2)}:
        for h in {max(1, int(wanted / w / step) + by) * step for by in (0, 1)}:
            if w * h <= max(sizes.most, step * step):
                yield w, h
    yield step, step


def _resized(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=_way(picture, width)), np.uint8)


def _way(picture: NDArray[np.generic], width: int) -> int:
    return cv2.INTER_AREA if picture.shape[1] > width else cv2.INTER_CUBIC
