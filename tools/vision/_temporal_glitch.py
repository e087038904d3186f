"""Regions that stop moving coherently: melted or wobbling pictures and flicker, abruptly on, in a fixed place.

Coherent surfaces stretch little from frame to frame and their pixels can be fetched by flow. What melts stretches
everywhere at once; what flickers cannot be fetched. Both are kept per cell for the whole shot, and a stretch counts
when a compact region turns from calm to agitated between two frames, stays so, and its surround does not take part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits
from tools.vision._temporal_motion import CELL, Plane, Step

CALM_STRETCH, CALM_REST = 0.08, 8.0
"""Stretch per pixel and unexplained difference that coherent footage seldom exceeds over whole cells: the 90th
percentile of moving people and animals in the tuning half of the footage."""
BEFORE, AFTER = 6, 6
"""Frames that must be calm before, and agitated after, the onset."""
SHORTEST = 5
"""Frames."""
LEAST_REGION = 0.06
"""Smallest share of the frame."""

Cells = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Frames `first`–`last` in which `cells` (rows, columns) are agitated.

    `agitation` is their median (1 is as incoherent as coherent footage gets), `start` that of the first step,
    `stop` that of the last one (infinite where the shot ends first) and `earlier` that of the frames before; `outside`
    is the share of the surround that turns agitated with them.
    """

    first: int
    last: int
    cells: Bits
    agitation: float
    outside: float
    start: float
    earlier: float
    stop: float
    sudden: float
    """Share of the cells that turn on in one step: what comes in from beside the picture takes several."""

    @property
    def confidence(self) -> float:
        """High for a large solid region that turns on at once amid calm."""
        jolt = 1.0 if self.agitation > 3.5 else float(np.clip((self.start - 0.8) / 1.7, 0, 1))
        was_calm = float(np.clip(1.5 - 2 * self.earlier / max(self.agitation, 1e-3), 0, 1))
        alone = float(np.clip(1.5 - 6 * self.outside, 0, 1))
        size = float(np.clip(self.cells.mean() / 0.12, 0, 1))
        stop = float(np.clip(self.stop / max(self.agitation, 1e-3), 0.3, 1))
        sudden = float(np.clip((self.sudden - 0.45) / 0.35, 0, 1))
        return 0.95 * size * min(1.0, solidity(self.cells) / 0.6) * alone * was_calm * jolt * stop * sudden


def solidity(cells: Bits) -> float:
    """A region's share of its convex hull."""
    outlines, _ = cv2.findContours(cells.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = np.zeros(cells.shape, np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(np.concatenate(outlines)), 1)
    return float(cells.sum()) / float(hull.sum())


def agitation(step: Step) -> Plane:
    """1 where a step is as incoherent as coherent footage ever is, at small size; more is worse."""
    own = cv2.blur(step.own, (5, 5))
    across, down = cv2.Sobel(own, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(own, cv2.CV_32F, 0, 1, scale=1 / 8)
    stretch = np.sqrt(np.square(across).sum(axis=-1) + np.square(down).sum(axis=-1))
    rest = np.maximum(step.settled, step.left)
    return np.asarray(np.maximum(stretch / CALM_STRETCH, rest / CALM_REST), np.float32)


def in_cells(plane: Plane) -> Cells:
    """A plane's mean over CELL×CELL cells."""
    size = (max(1, plane.shape[1] // CELL), max(1, plane.shape[0] // CELL))
    return np.asarray(cv2.resize(np.minimum(plane, 8.0), size, interpolation=cv2.INTER_AREA), np.float16)


def find_stretches(history: Sequence[Cells]) -> list[Stretch]:
    """At most one stretch: the largest region that turns on. `history[i]` is the step to frame i + 1."""
    if len(history) < SHORTEST + 3:
        return []
    agitated = np.stack(history).astype(np.float32)
    onsets = [(_onset(agitated, at), at) for at in range(3, len(agitated) - SHORTEST + 2)]
    cells, at = max(onsets, key=lambda o: float(np.minimum(agitated[o[1]][o[0]], 3.0).sum()))
    if cells.mean() < LEAST_REGION:
        return []
    return [_stretch(agitated, cells, at)]


def _onset(agitated: Plane, at: int) -> Bits:
    """The largest connected region that is calm before step `at` and agitated from it on, weakly after a jolt."""
    after = agitated[at : at + AFTER]
    calm = (agitated[max(0, at - BEFORE) : at] > 1.0).mean(axis=0) <= 0.2
    strongly = (after > 1.0).mean(axis=0) >= 0.8
    weakly = ((after > 0.5).mean(axis=0) >= 0.8) & (after[0] > 2.0)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((calm & (strongly | weakly)).astype(np.uint8))
    if count < 2:
        return np.zeros(agitated.shape[1:], np.bool_)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, 4])))


def _stretch(agitated: Plane, cells: Bits, at: int) -> Stretch:
    share = (agitated[:, cells] > 0.5).mean(axis=1)
    while at > 1 and np.median(agitated[at - 1][cells]) > 1.0:
        at -= 1
    end = at
    while end + 1 < len(share) and share[end + 1 : end + 3].max() >= 0.5:
        end += 1
    open_ended = end + 1 >= len(share)
    around = cv2.dilate(cells.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    beside = agitated[:, ~around] > 1.0
    return Stretch(
        first=at + 1,
        last=end + 1 if open_ended else end,
        cells=cells,
        agitation=float(np.median(agitated[at : end + 1][:, cells])),
        outside=_rise(beside, at, end),
        start=float(np.median(agitated[at][cells])),
        stop=float("inf") if open_ended else float(np.median(agitated[end][cells])),
        earlier=float(np.median(agitated[max(0, at - BEFORE) : at][:, cells])),
        sudden=_sudden(agitated[max(0, at - 2) : at + 2, cells]),
    )


def _sudden(around: Plane) -> float:
    """The largest rise, from one step to the next, of the share of cells (steps, cells) that are agitated."""
    share = (around > 1.0).mean(axis=1)
    return float(np.diff(share).max(initial=0.0))


def _rise(beside: NDArray[np.bool_], at: int, end: int) -> float:
    """How much more of the surround is agitated during the stretch than before it, as a share of the surround."""
    if not beside.size:
        return 0.0
    return max(0.0, float(beside[at : end + 1].mean()) - float(beside[max(0, at - BEFORE) : at].mean()))


def draw(planes: Iterable[Plane], cells: Bits) -> Bits:
    """The region at small size: where the mean agitation stands out, near its cells, made solid."""
    total: Plane | None = None
    for plane in planes:
        capped = np.minimum(plane, 4.0)
        total = capped if total is None else total + capped
    assert total is not None
    size = (total.shape[1], total.shape[0])
    core = cv2.resize(cells.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    near = cv2.dilate(core.astype(np.uint8), np.ones((3 * CELL + 1, 3 * CELL + 1), np.uint8)) > 0
    smooth = cv2.GaussianBlur(total, (0, 0), 4)
    calm = float(np.median(smooth[~near])) if (~near).any() else 0.0
    limit = calm + 0.4 * (float(np.median(smooth[core])) - calm)
    return _solid((smooth > limit) & near)


def _solid(mask: Bits) -> Bits:
    """The largest piece, gaps of two cells closed, holes filled."""
    gap = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * CELL + 1, 2 * CELL + 1))
    padded = cv2.copyMakeBorder(mask.astype(np.uint8), *(2 * CELL,) * 4, borderType=cv2.BORDER_REPLICATE)
    bits = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, gap)[2 * CELL : -2 * CELL, 2 * CELL : -2 * CELL]
    outlines, _ = cv2.findContours(bits, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    canvas = np.zeros(mask.shape, np.uint8)
    if outlines:
        cv2.drawContours(canvas, [max(outlines, key=cv2.contourArea)], -1, 1, thickness=cv2.FILLED)
    return np.asarray(canvas > 0)
