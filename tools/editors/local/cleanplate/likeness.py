"""What a reference picture shows of a hole: only part of its surround need be the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, extended, grown, sample, square_mean
from tools.editors.local.cleanplate.kin import kin_of
from tools.editors.local.cleanplate.target import Target
from tools.types import Bits

LEAST_RING = 64
"""Known pixels that a reference must share with the target to be graded."""
FLOOR, CEILING = 2.0, 4000.0
"""Squared error (8-bit levels) below which a better grade means nothing, and that counts at most."""
AGREEMENT = 12.0
"""Difference in 8-bit steps at which a ring pixel of a reference counts half."""
FRINGE = 8.0
"""Change of light in 8-bit steps per pixel that no lamp makes: a border between two things."""
STRANGENESS = 3.0
"""How much worse a colour is expected to fit that the ring does not hold at all."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """A reference in the target's place and light: `codes` (h, w, 3), where it is `valid`, squared `error` expected."""

    codes: Field
    valid: Bits
    error: Field


@dataclass(frozen=True, slots=True)
class Quarry:
    """A picture to borrow from: native code values, 0 / 1 where it is barred, and 8-bit steps per code value."""

    codes: NDArray[Any]
    barred: NDArray[np.uint8]
    scale: float


def likeness(quarry: Quarry, target: Target, x: Field, y: Field) -> Likeness | None:
    """The quarry's pixels at x, y. Light and error are carried from the ring into the hole among kin (see kin.py),
    with what disagrees counting less and less. None: it cannot be graded.
    """
    codes, valid = _taken(quarry, x, y)
    ring = valid & target.known
    if ring.sum() < LEAST_RING:
        return None
    kin = kin_of(codes)
    weight = ring.astype(np.float32)
    lit = codes
    for _ in range(3):
        lit = codes + kin.spread(target.codes - codes, weight, 2 * target.reach)
        weight = ring / (1.0 + square_mean(target.codes - lit) / AGREEMENT**2)
    light = kin.spread(target.codes - codes, weight, target.reach)
    lit = _without_fringe(codes + light, light)
    error = np.minimum(square_mean(target.codes - lit), CEILING)
    near, wide = kin.spread(error, ring, target.reach), kin.spread(error, ring, 3 * target.reach)
    strange = 1.0 + STRANGENESS * (1.0 - kin.known(ring))
    return Likeness(lit, valid, np.asarray((0.8 * near + 0.2 * wide + FLOOR) * strange, np.float32))


def _without_fringe(codes: Field, light: Field) -> Field:
    """The thin line between what is kept and what is recoloured holds mixtures of both: it is spanned anew."""
    fringe = grown(_steepest(light) > FRINGE, 1)
    return extended(np.where(fringe[..., None], 0, codes), ~fringe) if fringe.any() and not fringe.all() else codes


def _steepest(field: Field) -> Field:
    """Steepest change of any plane, per pixel."""
    planes = [np.hypot(*np.gradient(field[..., i])) for i in range(field.shape[2])]
    return np.asarray(np.max(planes, axis=0), np.float32)


def _taken(quarry: Quarry, x: Field, y: Field) -> tuple[Field, Bits]:
    height, width = quarry.barred.shape
    codes = sample(quarry.codes, x, y, cv2.INTER_CUBIC) * quarry.scale
    inside = (x >= 1) & (y >= 1) & (x <= width - 3) & (y <= height - 3)
    free = sample(quarry.barred, x, y) < 1e-3
    return codes, np.asarray(inside & free, np.bool_)
