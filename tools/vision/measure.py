"""What the decision rule asks of a region: how much it covers, how it moves, whether other frames show what it hides.

All measured at working size on at most a few dozen frames, chosen evenly: memory does not grow with the shot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import luma8
from tools.types import Bits, Box, Clip, Frozen, Gray, MaskTrack, Motion
from tools.vision.align import Alignment, Features, align_features, features, project
from tools.vision.motion import region_motion, working, working_mask

TARGETS, DONORS = 6, 24
"""Frames of the region that are looked at, and frames of the shot that may show what it hides."""
RING = 0.75
"""The surround that must register, as a share of the region's longer side; at least MIN_RING pixels."""
MIN_RING = 24


class RegionMeasure(Frozen):
    """One region of one shot, measured. `revealed` is the share of its pixels that other frames show."""

    coverage_mean: float
    coverage_max: float
    motion: Motion
    revealed: float
    sharpness: float


class _Look(Frozen, arbitrary_types_allowed=True):
    """One frame at working size: its luma, the region in it, and its features outside the region."""

    picture: NDArray[np.uint8]
    region: NDArray[np.bool_]
    known: Features


def measure_region(clip: Clip, track: MaskTrack) -> RegionMeasure:
    """Measures a tracked region of a clip; the track must not be empty."""
    mean, largest = track.coverage
    looks = _looks(clip, track)
    return RegionMeasure(
        coverage_mean=mean,
        coverage_max=largest,
        motion=region_motion(clip, track),
        revealed=revealed(looks),
        sharpness=sharpness(looks),
    )


def _looks(clip: Clip, track: MaskTrack) -> dict[int, _Look]:
    chosen = set(_evenly(range(clip.frames), DONORS)) | set(_evenly(list(track), TARGETS))
    made = {}
    for index, frame in enumerate(frames(clip)):
        if index in chosen:
            picture = working(luma8(frame))
            region = working_mask(track.at(index), (picture.shape[0], picture.shape[1]))
            made[index] = _Look(picture=picture, region=region, known=features(picture, ~_grown(region, 3), 1500))
    return made


def _evenly(indices: Any, count: int) -> list[int]:
    picks = np.linspace(0, len(indices) - 1, min(count, len(indices)))
    return [int(indices[round(float(p))]) for p in picks]


def _grown(mask: Bits, by: int) -> Bits:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel), np.bool_)


def revealed(looks: Mapping[int, _Look]) -> float:
    """Share of the region's pixels that some other frame shows, the surround being registered to that frame.

    The surround decides what "the same place" is: for a thing on a coat it is the coat, wherever it went.
    """
    targets = [index for index in looks if looks[index].region.any()]
    shares = [_shown(index, looks) for index in _evenly(targets, TARGETS)] if targets else []
    return round(float(np.mean(shares)), 4) if shares else 0.0


def _shown(target: int, looks: Mapping[int, _Look]) -> float:
    look = looks[target]
    points = np.argwhere(look.region)[:, ::-1]
    around = _near(look)
    seen = np.zeros(len(points), np.bool_)
    for index, other in looks.items():
        if index == target or seen.all():
            continue
        height, width = look.picture.shape
        found = align_features(around, other.known, (width, height))
        if found is not None:
            seen |= _visible(points, found, other)
    return float(seen.mean())


def _near(look: _Look) -> Features:
    """The features of the region's surround."""
    box = Box.around(look.region)
    assert box is not None
    height, width = look.picture.shape
    wide = box.grown(max(MIN_RING, round(RING * max(box.w, box.h))), width, height)
    x, y = look.known.points[:, 0], look.known.points[:, 1]
    keep = (x >= wide.x) & (x < wide.x + wide.w) & (y >= wide.y) & (y < wide.y + wide.h)
    return Features(look.known.points[keep], look.known.descriptors[keep])


def _visible(points: NDArray[Any], found: Alignment, other: _Look) -> Bits:
    """Which points fall inside the other frame and outside its region."""
    moved = np.rint(project(found.matrix, points)).astype(int)
    height, width = other.picture.shape
    inside = (moved[:, 0] >= 0) & (moved[:, 0] < width) & (moved[:, 1] >= 0) & (moved[:, 1] < height)
    hidden = np.zeros(len(points), np.bool_)
    at = moved[inside]
    hidden[inside] = other.region[at[:, 1], at[:, 0]]
    return np.asarray(inside & ~hidden, np.bool_)


def sharpness(looks: Mapping[int, _Look]) -> float:
    """How sharp the region's frames are around it, against the sharper half of the shot; at most 1.

    Fine detail (mean absolute Laplacian over contrast) of whole frames: motion blur takes it from all of a frame.
    """
    detail = {index: _detail(look.picture) for index, look in looks.items()}
    with_region = [detail[index] for index, look in looks.items() if look.region.any()]
    if not with_region:
        return 1.0
    best = float(np.percentile(list(detail.values()), 75))
    ratio = float(np.median(with_region)) / best if best else 1.0
    return round(min(1.0, ratio, _smear(looks)), 4)


def _detail(picture: Gray) -> float:
    fine = cv2.Laplacian(picture, cv2.CV_32F)
    return float(np.abs(fine).mean()) / max(1.0, float(picture.std()))


def _smear(looks: Mapping[int, _Look]) -> float:
    """The weaker direction's gradient energy over the stronger's: motion blur empties one direction."""
    ratios = []
    for look in looks.values():
        if look.region.any():
            x, y = (float(np.abs(cv2.Sobel(look.picture, cv2.CV_32F, *d)).mean()) for d in ((1, 0), (0, 1)))
            ratios.append(min(x, y) / max(x, y, 1e-6))
    return min(1.0, 1.6 * float(np.median(ratios))) if ratios else 1.0
