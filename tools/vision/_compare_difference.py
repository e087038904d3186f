"""Where two registered pictures disagree although everything around agrees.

Each pixel is held against the range of values within `SLACK` pixels in the other picture, both ways, so that two pixels
of misregistration explain themselves away and a foreign thing does not.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box
from tools.vision._compare_register import Floats, Pair, local_correlation

SLACK = 2
FAINT = 0.7
"""Score under which a place is the same whatever its structure: beside a foreign thing a window holds some of it."""
MOST_REACH = 24
FOUND_ANYWAY, FOUND_BETTER = 3.0, 0.45
"""ΔE (RMS) at which content counts as found close by; or this share of the ΔE at the very place."""
LEAST_RING = 0.6
"""Share of a blob's ring that must show the same thing in both pictures."""


@dataclass(frozen=True, slots=True)
class Difference:
    """`score` (H, W) in units of the pair's own residual; `same` where structure and colour agree; `seen` where the
    pair can be judged at all; `backdrop` where b shows what is behind its subject; `odd` the compact places of
    disagreement whose surround agrees as far as can be judged, and `closed` those of them that are ringed by agreement;
    `beyond` is all disagreement, also where the registration is not believed by itself."""

    score: Floats
    same: Bits
    seen: Bits
    backdrop: Bits
    odd: Bits
    closed: Bits
    beyond: Bits

    def placed(self, area: Box, size: tuple[int, int]) -> Difference:
        """The same on a grid of `size` (width, height) of which this one is `area`; outside nothing is said."""
        return Difference(*(placed(getattr(self, one.name), area, size) for one in fields(self)))


def difference(pair: Pair, backdrop: Bits, doubted: Bits | None = None) -> Difference:
    """The local disagreement of a pair outside of b's `backdrop` and of what is `doubted` in b (both (H, W))."""
    ignored = backdrop if doubted is None else backdrop | doubted
    seen = pair.valid & pair.registration.hull & ~ignored
    apart = _beyond_slack(pair.a, pair.b)
    structure, texture = local_correlation(pair.a[..., 0].copy(), pair.b[..., 0].copy(), 11)
    unit = _residual(apart, structure, seen)
    score = cast(Floats, cv2.blur(apart, (3, 3)) / unit)
    alike = (structure > 0.5) | (texture < 2.5) | (score < FAINT)
    same = seen & (score < 2.0) & alike
    settled = cv2.blur(same.astype(np.float32), (7, 7)) > 0.5
    odd, closed = _blobs(score, settled, seen)
    beyond = pair.valid & ~ignored & (score > 2.0)
    return Difference(
        score,
        settled & seen,
        seen,
        pair.valid & (backdrop if doubted is None else backdrop & ~doubted),
        odd,
        closed,
        beyond,
    )


def _beyond_slack(a: Floats, b: Floats) -> Floats:
    """Distance in Lab from each picture's pixel to the nearest value the other shows within the slack; the larger."""
    kernel = np.ones((2 * SLACK + 1, 2 * SLACK + 1), np.uint8)
    parts = []
    for one, other in ((a, b), (b, a)):
        low, high = cv2.erode(other, kernel), cv2.dilate(other, kernel)
        x, y, z = cv2.split(np.maximum(np.maximum(one - high, low - one), 0))
        parts.append(x * x + y * y + z * z)
    return cast(Floats, np.sqrt(np.maximum(parts[0], parts[1])))


def _residual(apart: Floats, structure: Floats, seen: Bits) -> float:
    """The disagreement that the pair's matching area itself shows: 95th percentile, at least 2 ΔE."""
    known = seen & (structure > 0.8)
    return max(2.0, float(np.percentile(apart[known], 95))) if known.sum() > 200 else 4.0


def _blobs(score: Floats, same: Bits, seen: Bits) -> tuple[Bits, Bits]:
    """Hysteresis on the score; a blob is kept when it is no sliver and ringed by agreement, as judged and wholly."""
    raw = ((score > 2.0) & seen).astype(np.uint8)
    weak = cv2.morphologyEx(raw, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3)))
    odd, closed = np.zeros(score.shape, np.bool_), np.zeros(score.shape, np.bool_)
    for box, part in labelled(weak > 0):
        if float(score[box.slices][part].max()) >= 4.0:
            for blob in compact(filled(part)):
                judged, whole = ring_agreement(box, blob, same, seen)
                odd[box.slices] |= blob & (judged >= LEAST_RING)
                closed[box.slices] |= blob & (whole >= LEAST_RING)
    return odd, closed


def labelled(mask: Bits) -> list[tuple[Box, Bits]]:
    """The connected parts of a mask as boxes and crops."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    boxes = [Box(*(int(v) for v in row[:4])) for row in stats]
    return [(boxes[i], cast(Bits, labels[boxes[i].slices] == i)) for i in range(1, count) if stats[i, 4] >= 12]


def compact(part: Bits, least: float = 2.5) -> list[Bits]:
    """The compact parts of a connected area, cut free of the slivers outlines leave; none when it is all sliver."""
    padded = np.pad(part.astype(np.uint8), 8)
    radius = float(cv2.distanceTransform(padded, cv2.DIST_L2, 3).max())
    if radius < least:
        return []
    reach = int(np.clip(0.45 * radius, 1, 4))
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, disc(reach))
    kept = (cv2.dilate(opened, disc(max(1, reach // 2))) > 0) & (padded > 0)
    return [blob for blob in components(kept[8:-8, 8:-8]) if blob.sum() > 4 * reach * reach]


def disc(radius: int) -> NDArray[np.uint8]:
    shape = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cast(NDArray[np.uint8], shape)


def ring_agreement(box: Box, blob: Bits, same: Bits, seen: Bits) -> tuple[float, float]:
    """Shares of the ring around a blob (a crop at `box`) that agree: of what can be judged, and of the whole ring.

    The ring is a tenth of the blob's size wide, at least 5 pixels. The first is 0 when under a quarter can be judged.
    """
    reach = max(5, int(0.1 * np.sqrt(blob.sum()))) + 2
    far = cv2.distanceTransform(1 - np.pad(blob.astype(np.uint8), reach), cv2.DIST_L2, 3)
    ring = (far > 2) & (far <= reach)
    area = slice(box.y, box.y + box.h + 2 * reach), slice(box.x, box.x + box.w + 2 * reach)
    judged = ring & np.pad(seen, reach)[area]
    agreeing = float((judged & np.pad(same, reach)[area]).sum())
    total = max(1, int(ring.sum()))
    return (agreeing / judged.sum() if judged.sum() > 0.25 * total else 0.0), agreeing / total


def show_alike(one: Pair, other: Pair, place: Bits) -> bool:
    """Whether two pictures laid on one grid show the same thing at a place where both contradict the grid's own."""
    between = np.linalg.norm(one.b[place] - other.b[place], axis=1).mean()
    contrast = min(np.linalg.norm(p.a[place] - p.b[place], axis=1).mean() for p in (one, other))
    return bool(between < 0.5 * contrast)


def moved_only(pair: Pair, blob: Bits) -> bool:
    """Whether a difference is only something that stands a little elsewhere: a sleeve, a strand, a lid.

    What the frame shows in the blob is then found close by in the panel, and what the panel shows there in the frame.
    A foreign thing, a missing one and a changed colour are not.
    """
    box = Box.around(blob)
    if box is None:
        return False
    reach = int(np.clip(0.6 * np.sqrt(blob.sum()), 8, MOST_REACH))
    near = cv2.dilate(blob[box.slices].astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    return all(_found_near(one, other, box, near, reach) for one, other in ((pair.a, pair.b), (pair.b, pair.a)))


def _found_near(one: Floats, other: Floats, box: Box, weights: NDArray[Any], reach: int) -> bool:
    """Whether `one`'s content of a box (weighted) lies in `other` within reach, far better than at the same place."""
    height, width = one.shape[:2]
    wide = box.grown(reach, width, height)
    mask = np.repeat(weights.astype(np.float32)[..., None], 3, axis=2)
    apart = cv2.matchTemplate(other[wide.slices], one[box.slices], cv2.TM_SQDIFF, mask=mask) / max(1.0, weights.sum())
    here = float(apart[box.y - wide.y, box.x - wide.x])
    best = max(0.0, float(apart.min()))
    return bool(best < max(FOUND_ANYWAY**2, FOUND_BETTER**2 * here))


def placed(part: NDArray[Any], area: Box, size: tuple[int, int]) -> NDArray[Any]:
    """A part (h, w, ...) at `area` of a grid of `size` (width, height) that is 0 elsewhere."""
    out = np.zeros((size[1], size[0], *part.shape[2:]), part.dtype)
    out[area.slices] = part
    return out


def filled(mask: Bits) -> Bits:
    """The mask with its holes closed."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    out = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(out, contours, -1, 1, -1)
    return out > 0


def components(mask: Bits) -> list[Bits]:
    """The connected parts of a mask, largest first."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    order = np.argsort(-stats[1:, cv2.CC_STAT_AREA]) + 1 if count > 1 else np.zeros(0, np.intp)
    return [cast(Bits, labels == label) for label in order]


def carried(mask: Bits, matrix: NDArray[np.float64], size: tuple[int, int]) -> Bits:
    """A mask through a homography onto a grid of `size` (width, height)."""
    moved = cv2.warpPerspective(mask.astype(np.uint8) * 255, matrix, size)
    return moved > 127


def steepness(lab: Floats, mask: Bits) -> float:
    """Mean gradient of L inside and on the rim of a mask: a painted-on thing has more of it than what it hides."""
    around = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    dx, dy = (cv2.Sobel(lab[..., 0], cv2.CV_32F, x, y, ksize=3) for x, y in ((1, 0), (0, 1)))
    return float(np.hypot(dx, dy)[around].mean()) + 1e-3
