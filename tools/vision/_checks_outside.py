"""What an edit changed beyond its mask: exact levels of a lossless take, luma PSNR of a coded one."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tools.media.masks import LOSSLESS
from tools.media.pixels import luma8, support_planes
from tools.types import Bits, Check, Frame, MediaInfo

LEAST_DB = 50.0
TILE = 16
MOST_SHIFT = 4.0
"""Levels by which an encoder at 50 dB never moves the mean of a tile, and a changed patch does."""
PERFECT_DB = 100.0
"""Stands for equal pictures, so that the figure stays finite in JSON."""


def lossless(info: MediaInfo) -> bool:
    """Whether decoding gives back the pixels that were written."""
    return info.codec in LOSSLESS


@dataclass
class OutsideRecord:
    """The worst that happened outside the support, frame by frame: levels where exact, else luma PSNR in dB."""

    exact: bool
    levels: list[float] = field(default_factory=list)
    decibels: list[float] = field(default_factory=list)

    def add(self, before: Frame, after: Frame, support: Bits) -> None:
        if self.exact and before.layout == after.layout:
            self.levels.append(largest_change(before, after, support))
        else:
            self.decibels.append(outside_psnr(before, after, support))

    def check(self) -> Check:
        """Levels (limit 0) for a lossless take in its source's own format, else dB (limit 50)."""
        if self.decibels:
            value = round(min(self.decibels), 3)
            return Check(name="outside", value=value, limit=LEAST_DB, unit="dB", holds=value >= LEAST_DB)
        value = max(self.levels, default=0.0)
        return Check(name="outside", value=value, limit=0.0, unit="levels", holds=value == 0)


def largest_change(before: Frame, after: Frame, support: Bits) -> float:
    """Largest difference of a code value outside the support, over all planes."""
    supports = support_planes(support, before.layout)
    worst = 0.0
    for old, new, inside in zip(before.planes, after.planes, supports, strict=True):
        change = cv2.absdiff(old, new)
        if change.any():
            worst = max(worst, float(np.where(inside, 0, change).max()))
    return worst


def outside_psnr(before: Frame, after: Frame, support: Bits) -> float:
    """Luma PSNR in dB outside the support, of the whole frame or of a tile whose mean moved, whichever is worse."""
    old, new = luma8(before), luma8(after)
    change = np.where(support, 0, old.astype(np.float32) - new.astype(np.float32))
    outside = np.count_nonzero(~support)
    if not outside:
        return PERFECT_DB
    worst: float = float(np.square(change).sum()) / outside
    size = (-(-change.shape[1] // TILE), -(-change.shape[0] // TILE))
    moved = np.abs(cv2.resize(change, size, interpolation=cv2.INTER_AREA))
    if float(moved.max()) > MOST_SHIFT:
        worst = max(float(worst), float(np.square(moved).max()))
    return PERFECT_DB if worst == 0 else min(PERFECT_DB, float(10 * np.log10(255**2 / worst)))
