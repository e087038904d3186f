"""The support of an edit: which pixels it may change, and how strongly (alpha).

A mask given by a person is the exact limit: hard edge, alpha 1 inside. A mask that Suture made is grown by the width of
its feather; alpha is 1 over the inner half of it, where soft edges and shadows of the removed thing lie, and falls to 0
over the outer half. "The mask" of every check is alpha > 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.masks import read_mask
from tools.types import Bits, MediaInfo


def feather_width(width: int) -> int:
    """Pixels by which an edit of Suture's own mask reaches beyond it: 0.8 % of the frame's width, at least 2."""
    return max(2, round(0.008 * width))


def alpha_of(mask: Bits, feather: int) -> NDArray[np.float32]:
    """(H, W) alpha: 1 inside the mask and over half the feather around it, falling to 0 over the other half."""
    if feather == 0 or not mask.any():
        return mask.astype(np.float32)
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(np.clip((feather + 1 - away) / (feather / 2 + 1), 0, 1), np.float32)


class Support:
    """The masks of an edit, frame by frame; memory holds one."""

    def __init__(self, mask: Path, info: MediaInfo, frames: int, *, hard_edge: bool) -> None:
        self._source = read_mask(mask, info, frames)
        self._feather = 0 if hard_edge else feather_width(info.width)
        self._frames = frames

    def alphas(self) -> Iterator[NDArray[np.float32]]:
        """Alpha per frame, (H, W) in 0 to 1."""
        return (alpha_of(self._source[index], self._feather) for index in range(self._frames))

    def at(self, index: int) -> Bits:
        """The support of one frame, (H, W)."""
        mask = self._source[index]
        return alpha_of(mask, self._feather) > 0 if self._feather else mask

    def masks(self) -> Iterator[Bits]:
        """The support per frame: alpha > 0."""
        return (self.at(index) for index in range(self._frames))
