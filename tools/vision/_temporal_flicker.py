"""Regions whose brightness jumps up and down from frame to frame while everything around them keeps its light.

Surfaces are followed by flow first, so that moving edges and texture average out over a cell; what is left of a cell's
brightness changes one way as light falls on it, and back and forth only where it flickers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits
from tools.vision._temporal_motion import Plane
from tools.vision._temporal_pairs import grade

LEAST = 2.0
"""Codes of 255 by which a cell must jump."""
WINDOW = 4
"""Steps over which a cell must jump back and forth."""
LEAST_CELLS, SURE_CELLS, LARGE_CELLS = 5, 12, 40
"""Fewest cells of a region, cells from which it counts in full (planted flicker covers 13 and more, a juggler's ball
and feet 6 or 7), and cells from which it may touch the picture's border, where unsteady cameras flicker."""
PAUSE = 2
"""Steps without a jump that a flicker may have."""
CALM, STIRRED = 0.05, 0.12
"""Jumps of the surround (half as much again), and of the region itself before and after, as a share of the region's
own: planted flicker on 27 rendered films stays under 0.05; hands, overlaid light and spray start at 0.11."""
APART, TOGETHER = 0.45, 0.65
"""How far a region's cells jump as one (mean of the median's share of the cells' own jumps)."""
LASTS = (3.0, 5.0)
"""Steps over which a flicker must go on, and from which it counts in full: what only flutters past is shorter."""
SURE = 2.5
"""Times LEAST from which the size of the jumps is beyond doubt."""
MOST = 0.92


@dataclass(frozen=True, slots=True)
class Flicker:
    """Frames `first`–`last` in which `cells` (rows, columns) flicker by `size` codes of 255."""

    first: int
    last: int
    cells: Bits
    size: float
    confidence: float


def find_flicker(history: Sequence[NDArray[np.floating]]) -> Flicker | None:
    """The strongest flicker of a shot; `history[i]` is the pulse of the step to frame i + 1."""
    if len(history) < WINDOW + 1:
        return None
    best: tuple[float, Bits, int] | None = None
    for at in range(len(history) - WINDOW):
        back = _back_and_forth(np.stack(history[at : at + WINDOW + 1]).astype(np.float32))
        cells = _largest(back)
        strength = float(back[:, cells].sum())
        if cells.sum() >= LEAST_CELLS and (best is None or strength > best[0]):
            best = strength, cells, at
    return None if best is None else _measured(history, best[1], best[2])


def _back_and_forth(pulses: Plane) -> Plane:
    """Per step but the first, how far a cell jumps back from the jump before; 0 where it goes on the same way."""
    before, now = pulses[:-1], pulses[1:]
    return cast(Plane, np.where(before * now < 0, np.minimum(np.abs(before), np.abs(now)), 0))


def _largest(back: Plane) -> Bits:
    """The largest connected region whose cells jump back and forth in most steps of a window."""
    often = (back > LEAST).mean(axis=0) >= 0.5
    strong = cast(Bits, often & (back.mean(axis=0) > LEAST))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(strong.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros(strong.shape, np.bool_)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, 4])))


def _measured(history: Sequence[NDArray[np.floating]], cells: Bits, at: int) -> Flicker:
    own = np.array([abs(float(np.median(pulse[cells]))) for pulse in history])
    first, last = at, at + WINDOW
    size = float(np.median(own[first : last + 1]))
    while first > 0 and own[max(0, first - PAUSE) : first].max() > 0.5 * LEAST:
        first -= 1
    while last + 1 < len(own) and own[last + 1 : last + 1 + PAUSE].max() > 0.5 * LEAST:
        last += 1
    around = cv2.dilate(cells.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    ring = around & ~(cv2.dilate(cells.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)
    pulses = np.stack(history[first : last + 1]).astype(np.float32)
    beside = float(np.median(np.abs(pulses[:, ring]))) if ring.any() else size
    outside = np.concatenate([own[max(0, first - 8) : first], own[last + 1 : last + 9]])
    usual = float(np.median(outside)) if len(outside) else 0.0
    each = np.abs(pulses[:, cells]).mean(axis=1)
    together = float(np.mean(own[first : last + 1] / np.maximum(each, 1e-3)))
    agreed = 0.4 + 0.6 * grade(together, APART, TOGETHER)
    calm = grade(-max(1.5 * beside, usual) / max(size, 1e-3), -STIRRED, -CALM)
    solid = grade(float(cells.sum()) / float(cv2.contourArea(_hull(cells)) + 1), 0.35, 0.7)
    many = grade(float(cells.sum()), LEAST_CELLS - 1, SURE_CELLS)
    lasts = grade(float(last - first), *LASTS)
    border = 0.5 if cells[[0, -1]].any() or cells[:, [0, -1]].any() else 1.0
    confidence = (
        MOST
        * calm
        * agreed
        * solid
        * many
        * lasts
        * max(border, float(cells.sum() >= LARGE_CELLS))
        * (0.5 + 0.5 * grade(size / LEAST, 1.0, SURE))
    )
    begins, ends = (first + 1 if first else 0), (last if last + 1 < len(own) else last + 1)
    return Flicker(begins, ends, cells, size, confidence)


def _hull(cells: Bits) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Convex hull of the cells' corners."""
    ys, xs = np.nonzero(cells)
    corners = np.concatenate([np.column_stack([xs + dx, ys + dy]) for dx in (0, 1) for dy in (0, 1)])
    return np.asarray(cv2.convexHull(corners.astype(np.int32)), np.int32)
