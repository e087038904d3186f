"""Abrupt, compact changes between two frames: the stable–jump–stable signature of a thing that pops in or out.

A natural change (occlusion, fast motion, a blink, a flash) either moves on or takes several frames, so the place is
unsettled before or after; a thing pasted into a stretch of frames leaves the place settled on both sides of its edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box
from tools.vision._temporal_motion import Affine, Colours, Look, Plane, Step, carry_affine, scaled
from tools.vision._temporal_motion import step as measure

LEAST_JUMP = 12.0
"""Sum of Y', Cb, Cr beyond the neighbourhood that counts as a change; H.264 at crf 23 stays under it on settled
surfaces of the tuning half of the footage."""
LEAST_AREA = 0.0007
"""Smallest share of the picture a change must cover."""
LEAST_FLASH = 0.0012
"""Smallest share of the picture a one-frame event must cover."""
FLASH_JUMP = 16.0
"""As `LEAST_JUMP`, for one-frame events. Of 112 regions wrong in one frame, planted on twenty films of the tune split,
89 are seen so and 77 at 24; in 60 clean shots and 47 pieces of natural clips one more is, in a clip that is distorted
on purpose."""
LEAST_CLARITY = 0.25
_MARGIN = 10
"""Pixels of surround kept on each side of a change, at work size."""

_Window: TypeAlias = Sequence[Step | None]


@dataclass(frozen=True, slots=True)
class Edge:
    """One abrupt change between frames `index - 1` and `index`, at work size.

    `old` and `new` are what the two frames show in `box`; `gone` and `come` are the change's mask in either picture.
    `clarity` is 0 to 1: how far the jump stands above the unrest before, after and around it. `strength` is the jump
    itself (sum of channels, of 255), `share` its share of the frame.
    """

    index: int
    box: Box
    old: Colours
    new: Colours
    gone: Bits
    come: Bits
    strength: float
    clarity: float
    share: float
    touches: bool
    """It lies at the border of the picture, where things come and go unseen."""


def find_edges(looks: Sequence[Look], steps: _Window) -> list[Edge]:
    """Changes at the step in the middle: `steps` are the five steps t-2 … t+2 (None outside the shot).

    `looks` are frames t-1 and t.
    """
    centre = steps[2]
    assert centre is not None
    unrest = _unrest(steps, centre)
    over = (centre.jump - 1.5 * unrest > LEAST_JUMP) & ~centre.entered
    bits = cv2.morphologyEx(over.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bits)
    least = LEAST_AREA * bits.size
    edges = [
        _edge(looks, centre, unrest, np.asarray(labels == label))
        for label in range(1, count)
        if stats[label, 4] >= least
    ]
    return [edge for edge in edges if edge is not None]


def find_flashes(looks: Sequence[Look], steps: _Window) -> list[Edge]:
    """Regions that differ in the middle frame alone: `looks` are frames t-1, t, t+1, `steps` the steps t-2 … t+2.

    What moves fast also differs from both neighbours, but leaves its traces beside the place one frame earlier
    and later.
    """
    centre, after = steps[2], steps[3]
    if centre is None or after is None or len(looks) < 3:
        return []
    both = np.minimum(centre.jump, _from_next(after.jump, after))
    bits = cv2.morphologyEx((both > FLASH_JUMP).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if bits.mean() < LEAST_FLASH:
        return []
    bridge = _from_next(measure(looks[0], looks[2]).jump, after)
    bits = cv2.morphologyEx(bits, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bits)
    blobs = [np.asarray(labels == n) for n in range(1, count) if stats[n, 4] >= LEAST_FLASH * bits.size]
    beside = [s.jump for s in (steps[1], steps[4]) if s is not None]
    edges = [
        _edge(looks[:2], centre, bridge, blob)
        for blob in blobs
        if bridge[blob].mean() < 0.25 * both[blob].mean() and _stir(beside, blob) < 0.1
    ]
    return [edge for edge in edges if edge is not None]


def _stir(planes: Sequence[Plane], blob: Bits) -> float:
    """What changes within a blob's own width of it in other steps, as a share of its area."""
    side = 2 * max(15, round(float(np.sqrt(blob.sum())))) + 1
    reach = cv2.dilate(blob.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
    return max((float((plane[reach] > LEAST_JUMP).sum()) / float(blob.sum()) for plane in planes), default=0.0)


def _from_next(plane: Plane, following: Step) -> Plane:
    """A plane of the next frame's pixels brought into this frame's, by the camera's motion."""
    return np.asarray(
        carry_affine(plane, np.asarray(cv2.invertAffineTransform(following.around), np.float64)), np.float32
    )


def _unrest(steps: _Window, centre: Step) -> Plane:
    """What motion leaves unexplained just before and just after, in the pixels of the middle frame."""
    before = [s.settled for s in steps[:2] if s is not None]
    after = [s.left for s in steps[3:] if s is not None]
    worst = np.zeros_like(centre.jump)
    for plane in before:
        worst = np.maximum(worst, carry_affine(plane, centre.around))
    for plane in after:
        worst = np.maximum(worst, plane)
    return np.asarray(cv2.dilate(worst, np.ones((5, 5), np.uint8)), np.float32)


def _edge(looks: Sequence[Look], step: Step, unrest: Plane, blob: Bits) -> Edge | None:
    """Measures one blob and draws its mask at work size; None when it is not clear enough."""
    ring = surround(blob, 2, 6)
    jump, restless = float(step.jump[blob].mean()), float(unrest[blob].mean())
    beside = float(step.jump[ring].mean()) if ring.any() else 0.0
    clarity = jump / (jump + 3 * (restless + beside) + LEAST_JUMP)
    if clarity < LEAST_CLARITY:
        return None
    before, now = looks
    by = now.work.shape[1] / now.small.shape[1]
    around = scaled(step.around, by)
    come, box = _draw(before, now, around, blob, step.level)
    if box is None:
        return None
    height, width = come.shape
    gone = _there(come, around)
    wide = box.grown(_MARGIN, width, height)
    touches = box.x <= 2 or box.y <= 2 or box.x + box.w >= width - 2 or box.y + box.h >= height - 2
    return Edge(
        index=now.index,
        box=wide,
        old=before.work[wide.slices].copy(),
        new=now.work[wide.slices].copy(),
        gone=gone[wide.slices].copy(),
        come=come[wide.slices].copy(),
        strength=jump,
        clarity=clarity,
        share=float(come.mean()),
        touches=touches,
    )


def _there(mask: Bits, around: Affine) -> Bits:
    """A mask of this frame moved into the previous one as the camera moved."""
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), around, size, flags=cv2.INTER_NEAREST) > 0)


def _draw(before: Look, now: Look, around: Affine, blob: Bits, level: NDArray[np.float64]) -> tuple[Bits, Box | None]:
    """The change's mask at work size: the plain difference near the blob, cut between its surround and its core."""
    height, width = now.work.shape[:2]
    seed = np.asarray(cv2.resize(blob.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0)
    whole = np.zeros_like(seed)
    rough = Box.around(seed)
    if rough is None:
        return whole, None
    part = rough.grown(24, width, height).slices
    model = np.clip(carry_affine(before.work, around)[part] * level[:, 0] + level[:, 1], 0, 255)
    apart = np.abs(now.work[part].astype(np.float32) - model.astype(np.float32)).sum(axis=-1)
    whole[part] = _cut(np.asarray(cv2.GaussianBlur(apart, (0, 0), 1.0), np.float32), seed[part])
    return whole, Box.around(whole)


def _cut(apart: Plane, seed: Bits) -> Bits:
    """Where a difference near a seed is nearer to the seed's than to the surround's."""
    near = np.asarray(cv2.dilate(seed.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)
    outside = surround(near, 2, 8)
    core = float(np.median(apart[seed]))
    floor = float(np.percentile(apart[outside], 80)) if outside.any() else 0.0
    return filled((apart > max(floor + 3.0, floor + 0.35 * (core - floor))) & near)


def filled(mask: Bits) -> Bits:
    """Gaps of a few pixels closed, holes filled, crumbs dropped."""
    bits = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8))
    bits = cv2.morphologyEx(bits, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(bits, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return np.zeros_like(mask)
    largest = max(cv2.contourArea(o) for o in outlines)
    kept = [o for o in outlines if cv2.contourArea(o) >= 0.1 * largest]
    canvas = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(canvas, kept, -1, 1, thickness=cv2.FILLED)
    return np.asarray(canvas > 0)


def outlined(picture: Colours, mask: Bits) -> float:
    """How strongly a picture's own outlines follow a mask's: mean gradient of luma along the mask's border."""
    luma = cv2.GaussianBlur(picture[..., 0].astype(np.float32), (0, 0), 1.0)
    steep = np.hypot(cv2.Sobel(luma, cv2.CV_32F, 1, 0), cv2.Sobel(luma, cv2.CV_32F, 0, 1))
    border = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    return float(steep[border].mean()) if border.any() else 0.0


def outline_gained(edge: Edge) -> float:
    """Logarithm of how much more strongly outlines follow a change's mask after it than before it."""
    return float(np.log((outlined(edge.new, edge.come) + 1) / (outlined(edge.old, edge.gone) + 1)))


def surround(mask: Bits, gap: int, reach: int) -> Bits:
    """The ring from `gap` to `reach` pixels outside a mask."""
    bits = mask.astype(np.uint8)
    inner = cv2.dilate(bits, np.ones((2 * gap + 1, 2 * gap + 1), np.uint8))
    outer = cv2.dilate(bits, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return np.asarray((outer > 0) & (inner == 0))
