"""Results that go wrong in a known way and strength, as real models' do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.sandbox.providers._faults import Fault
from tools.types import Bits, Rgb

Numbers = NDArray[np.float32]
FULL_STEP = 42.0
"""Code values by which a seam, a flicker or a colour cast of strength 1 is off."""
FULL_NOISE = 18.0
"""Standard deviation, in code values, of wrong grain of strength 1."""
FULL_SHIFT = 6
"""Pixels by which collateral change of strength 1 moves what it should have left alone."""


def spoilt(frames: Iterable[Rgb], masks: Iterable[Bits], fault: Fault, strength: float, seed: int) -> Iterator[Rgb]:
    """The frames with one fault inside the masks ("collateral": outside)."""
    return (
        _whole(SPOILS[fault](frame.astype(np.float32), mask, strength, np.random.default_rng([seed, index])))
        for index, (frame, mask) in enumerate(zip(frames, masks, strict=True))
    )


def _whole(frame: Numbers) -> Rgb:
    return np.asarray(np.clip(np.rint(frame), 0, 255), np.uint8)


def _seam(frame: Numbers, mask: Bits, strength: float, rng: np.random.Generator) -> Numbers:
    """One brightness step along the mask's edge."""
    del rng
    return frame + FULL_STEP * strength * mask[..., None].astype(np.float32)


def _flicker(frame: Numbers, mask: Bits, strength: float, rng: np.random.Generator) -> Numbers:
    """Brightness that jumps from frame to frame."""
    return frame + FULL_STEP * strength * float(rng.uniform(-1, 1)) * mask[..., None].astype(np.float32)


def _colour(frame: Numbers, mask: Bits, strength: float, rng: np.random.Generator) -> Numbers:
    """A warm cast that fades out towards the edge, so that it is no seam."""
    del rng
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 3)
    weight = np.clip(depth / max(1.0, float(depth.max()) / 3), 0, 1)[..., None]
    return np.asarray(frame + FULL_STEP * strength * np.array([1.0, 0.1, -1.0]) * weight, np.float32)


def _grain(frame: Numbers, mask: Bits, strength: float, rng: np.random.Generator) -> Numbers:
    """Grain that is coarser than the shot's."""
    noise = rng.normal(0, FULL_NOISE * strength, (*mask.shape, 1)).astype(np.float32)
    return frame + noise * mask[..., None]


def _collateral(frame: Numbers, mask: Bits, strength: float, rng: np.random.Generator) -> Numbers:
    """Everything outside the mask moved and a little darker."""
    del rng
    by = max(1, round(FULL_SHIFT * strength))
    moved = np.roll(frame, by, axis=1) * np.float32(1 - 0.1 * strength)
    return np.asarray(np.where(mask[..., None], frame, moved), np.float32)


SPOILS: Mapping[Fault, Callable[[Numbers, Bits, float, np.random.Generator], Numbers]] = {
    "seam": _seam,
    "flicker": _flicker,
    "colour": _colour,
    "grain": _grain,
    "collateral": _collateral,
}
