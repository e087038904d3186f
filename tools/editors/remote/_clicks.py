"""A mask told by clicks, for models that take no mask: where to click, and how well the model understood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits

Depth = NDArray[np.float32]

MOST = 10
"""Clicks on one frame."""
SHALLOW = 0.35
"""Share of the deepest place's depth below which a place is too near the edge to be clicked on."""


class Click(NamedTuple):
    """A place in the picture, in shares of its width and height."""

    x: float
    y: float


def clicks(mask: Bits, most: int = MOST) -> list[Click]:
    """The deepest places of a mask (H, W), the deepest first, no two inside each other's circle.

    Such places lie on the medial axis: they are farthest from where a model's idea of the edge may differ from ours.
    Every part of the mask that hangs apart from the others is clicked on before any is clicked on twice.
    """
    depth = _depth(mask)
    count, parts = cv2.connectedComponents(mask.astype(np.uint8))
    found: list[tuple[int, int]] = []
    for part in sorted(range(1, count), key=lambda one: -float(depth[parts == one].max()))[:most]:
        found.append(_deepest(np.where(parts == part, depth, 0)))
    enough = SHALLOW * float(depth.max())
    for x, y in found:
        cv2.circle(depth, (x, y), round(float(depth[y, x])), 0.0, -1)
    while len(found) < most and float(depth.max()) > max(1.0, enough):
        x, y = _deepest(depth)
        found.append((x, y))
        cv2.circle(depth, (x, y), round(float(depth[y, x])), 0.0, -1)
    height, width = mask.shape
    return [Click(round((x + 0.5) / width, 5), round((y + 0.5) / height, 5)) for x, y in found]


def _depth(mask: Bits) -> Depth:
    """How far each place of a mask is from its edge, in pixels; the picture's own edge counts as one."""
    bordered = np.pad(mask, 1).astype(np.uint8)
    return np.ascontiguousarray(cv2.distanceTransform(bordered, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1])


def _deepest(depth: Depth) -> tuple[int, int]:
    y, x = divmod(int(depth.argmax()), depth.shape[1])
    return x, y


def overlap(ours: Sequence[Bits], theirs: Sequence[Bits]) -> float:
    """Intersection over union of masks, all frames together; a mask of another size is scaled to ours."""
    both = either = 0
    for mine, other in zip(ours, theirs, strict=True):
        yours = scaled(other, (mine.shape[1], mine.shape[0]))
        both += int((mine & yours).sum())
        either += int((mine | yours).sum())
    return both / either if either else 0.0


def scaled(mask: Bits, size: tuple[int, int]) -> Bits:
    """A mask at another size (width, height)."""
    if (mask.shape[1], mask.shape[0]) == size:
        return mask
    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0, np.bool_)
