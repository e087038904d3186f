"""What the decision rule looks at, measured for one tracked region of one clip."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.media.decode import luma_frames
from tools.media.probe import probe
from tools.types import Bits, Clip, Frozen, Gray, MaskTrack, Motion
from tools.vision.align import Matrix, fit
from tools.vision.motion import global_and_flow, region_motion, textured_points, working_mask

SIGHT = 48
"""Frames to each side in which a region's content is looked for."""
WORKING = 320
MOST_TARGETS = 24


class RegionMeasure(Frozen):
    """One region: shares of the frame, speeds, the share of masked pixels other frames show, relative sharpness.

    `sharpness` compares the region's surround with the same frames elsewhere; 1 is as sharp.
    """

    coverage_mean: float
    coverage_max: float
    motion: Motion
    revealed: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class _View:
    """A small picture of one frame and the region's mask in it."""

    luma: Gray
    hole: Bits


def measure_region(clip: Clip, track: MaskTrack) -> RegionMeasure:
    """Coverage, motion, `revealed` and sharpness of a region; `track` counts from the clip's first frame."""
    mean, most = track.coverage
    views = _views(clip, track)
    sharp = [sharpness(view.luma, view.hole) for view in views if view.hole.any()]
    return RegionMeasure(
        coverage_mean=mean,
        coverage_max=most,
        motion=region_motion(clip, track),
        revealed=_revealed(views),
        sharpness=float(np.median(sharp)) if sharp else 1.0,
    )


def _views(clip: Clip, track: MaskTrack) -> list[_View]:
    """Small views of every frame near the region: 320 pixels wide, so a thousand frames take some 100 MB."""
    if not track:
        return []
    info = probe(clip.media)
    longest = max(WORKING, round(WORKING * info.height / info.width))
    first, last = track.frames
    made = []
    for index, luma in luma_frames(clip, longest=longest):
        if index > last + SIGHT:
            break
        if index >= first - SIGHT:
            made.append(_View(luma, working_mask(track.at(index), (luma.shape[0], luma.shape[1]))))
    return made


def _places(views: list[_View]) -> list[Matrix]:
    """Per view, the matrix from its pixels to those of the first masked view, following what surrounds the region.

    Following the surround, not the camera: what a worn thing hides moves with its wearer.
    """
    start = next(i for i, view in enumerate(views) if view.hole.any())
    places: dict[int, Matrix] = {start: np.eye(3)}
    for direction, stop in ((1, len(views)), (-1, -1)):
        spot = views[start].hole
        for index in range(start + direction, stop, direction):
            before = index - direction
            step = _surround_motion(views[before].luma, views[index].luma, spot)
            places[index] = places[before] @ np.linalg.inv(step)
            spot = views[index].hole if views[index].hole.any() else _moved(spot, step)
    return [places[i] for i in range(len(views))]


def _surround_motion(a: Gray, b: Gray, spot: Bits) -> Matrix:
    """The motion a → b that the ring around a spot shares; the camera's where the ring says nothing."""
    camera, dense = global_and_flow(a, b, _grown(spot, 3))
    ring = _grown(spot, 14) & ~_grown(spot, 2)
    points = textured_points(a, ~ring, 2)
    if len(points) < 16:
        return camera.matrix
    moved = points + dense[points[:, 1].astype(int), points[:, 0].astype(int)]
    fitted = fit(points, moved, "similarity", 0.8)
    if fitted is None or fitted[1].mean() < 0.4:
        return camera.matrix
    return fitted[0]


def _moved(spot: Bits, matrix: Matrix) -> Bits:
    size = (spot.shape[1], spot.shape[0])
    return np.asarray(cv2.warpPerspective(spot.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST), np.bool_)


def sharpness(luma: Gray, hole: Bits) -> float:
    """Sharpness of a region's surround against the rest of the frame.

    The ratio of upper quantiles of blurred gradient over local contrast: a smear flattens edges of any contrast.
    """
    around = cv2.dilate(hole.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    ring, rest = around & ~hole, ~around
    if ring.sum() < 32 or rest.sum() < 32:
        return 1.0
    here, there = _edge_acuity(luma, ring), _edge_acuity(luma, rest)
    return 1.0 if here is None or there is None else float(here / there)


def _edge_acuity(luma: Gray, where: Bits) -> float | None:
    """Mean share of an edge's contrast within 7 pixels that one pixel carries; None where there is no edge."""
    picture = luma.astype(np.float32)
    step = np.hypot(
        cv2.Sobel(picture, cv2.CV_32F, 1, 0, scale=0.125), cv2.Sobel(picture, cv2.CV_32F, 0, 1, scale=0.125)
    )
    box = np.ones((7, 7), np.uint8)
    span = cv2.dilate(picture, box) - cv2.erode(picture, box)
    edges = where & (span > 16)
    if edges.sum() < 16:
        return None
    acuity = (step / np.maximum(span, 1))[edges]
    return float(acuity[acuity >= np.quantile(acuity, 0.7)].mean()) + 1e-3


def _revealed(views: list[_View]) -> float:
    """Share of masked pixels whose place in the scene some other frame of the neighbourhood shows."""
    masked = [i for i, view in enumerate(views) if view.hole.any()]
    if not masked:
        return 0.0
    places = _places(views)
    shown, total = 0, 0
    for index in masked[:: max(1, -(-len(masked) // MOST_TARGETS))]:
        hole = views[index].hole
        shown += int((_shown(views, places, index) & hole).sum())
        total += int(hole.sum())
    return shown / total


def _shown(views: list[_View], places: list[Matrix], index: int) -> Bits:
    """Which masked pixels of one frame lie inside the picture and outside the mask in another."""
    hole = views[index].hole
    seen = np.zeros(hole.shape, np.bool_)
    back = np.linalg.inv(places[index])
    near = range(max(0, index - SIGHT), min(len(views), index + SIGHT + 1))
    for other in sorted(near, key=lambda i: abs(i - index))[1:]:
        free = ~_grown(views[other].hole, 1)
        seen |= _moved(free, back @ places[other])
        if (seen | ~hole).all():
            break
    return seen


def _grown(hole: Bits, radius: int) -> Bits:
    size = 2 * radius + 1
    return np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((size, size), np.uint8)), np.bool_)
