"""What an edit changed beyond its mask: exact levels of a lossless take, luma PSNR of a coded one.

Suture's own gate holds 50 dB. A take that somebody else coded does not, and is judged by whether a codec alone explains
the difference: then the limit is lowered to what the codec did, and a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from tools.media.masks import LOSSLESS
from tools.media.pixels import is_full_range, luma8, support_planes
from tools.types import Bits, Check, Frame, MediaInfo
from tools.vision._checks_codec import CodecRecord
from tools.vision._checks_window import Floats

LEAST_DB = 50.0
TILE = 16
MOST_SHIFT = 4.0
"""Levels by which an encoder at 50 dB never moves the mean of a tile, and a changed patch does."""
NOTE = "re-encoded as a whole; nothing differs outside but what a codec does"
WORST_DB = 29.0
"""No codec may be excused for less: its own artefacts are seen then."""
REACH = 9
"""Pixels around a region that a codec changes because the region did."""
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
    codec: CodecRecord = field(default_factory=CodecRecord)

    def add(self, before: Frame, after: Frame, support: Bits) -> None:
        if self.exact and before.layout == after.layout:
            self.levels.append(largest_change(before, after, support))
            return
        self.decibels.append(outside_psnr(before, after, support))
        if self.decibels[-1] < LEAST_DB:
            near = np.asarray(cv2.dilate(support.astype(np.uint8), np.ones((REACH, REACH), np.uint8)), np.bool_)
            self.codec.add(luma8(before), luma8(after), ~near)

    def check(self) -> Check:
        """Levels (limit 0) for a lossless take in its source's own format, else dB (limit 50, or what a codec did)."""
        if not self.decibels:
            value = max(self.levels, default=0.0)
            return Check(name="outside", value=value, limit=0.0, unit="levels", holds=value == 0)
        value = round(min(self.decibels), 3)
        if value >= LEAST_DB:
            return Check(name="outside", value=value, limit=LEAST_DB, unit="dB", holds=True)
        allowed = value + 20 * float(np.log10(max(self.codec.excess(), 0.01)))
        limit = round(float(np.clip(allowed, WORST_DB, LEAST_DB)), 3)
        note = NOTE if value >= limit else ""
        return Check(name="outside", value=value, limit=limit, unit="dB", holds=value >= limit, note=note)


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
    change = np.where(support, 0, _luma_change(before, after))
    outside = np.count_nonzero(~support)
    if not outside:
        return PERFECT_DB
    worst: float = float(np.square(change).sum()) / outside
    size = (-(-change.shape[1] // TILE), -(-change.shape[0] // TILE))
    moved = np.abs(cv2.resize(change, size, interpolation=cv2.INTER_AREA))
    if float(moved.max()) > MOST_SHIFT:
        worst = max(float(worst), float(np.square(moved).max()))
    return PERFECT_DB if worst == 0 else min(PERFECT_DB, float(10 * np.log10(255**2 / worst)))


def _luma_change(before: Frame, after: Frame) -> Floats:
    """(H, W) difference of luma in 8-bit code values where both films have one range, else in full-range levels."""
    if before.layout.family != "yuv" or after.layout.family != "yuv" or is_full_range(before) != is_full_range(after):
        return np.asarray(luma8(before).astype(np.float32) - luma8(after), np.float32)
    one, two = (frame.planes[0].astype(np.float32) / (1 << (frame.layout.depth - 8)) for frame in (before, after))
    return np.asarray(one - two, np.float32)
