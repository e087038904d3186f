"""A thing's mask in one frame, from little: a box, points, a scribble, or a clean picture to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tools.types import Bits, Box, Rgb

SPECK = 0.00005
"""Share of the picture under which a difference is a speck."""


MOST_REACH = 0.012
"""Share of the picture's width that an edge is taken to be soft over, at most."""


def mask_from_box(frame: Rgb, box: Box) -> Bits:
    """The thing inside a box, snapped to its edges (GrabCut, Rother et al. 2004); the box itself where nothing parts.

    `frame` is (H, W, 3); the mask is (H, W) and lies inside the box.
    """
    height, width = frame.shape[:2]
    around = box.grown(max(8, box.w // 2, box.h // 2), width, height)
    labels = np.full((around.h, around.w), cv2.GC_BGD, np.uint8)
    inner = Box(box.x - around.x, box.y - around.y, box.w, box.h)
    labels[inner.slices] = cv2.GC_PR_FGD
    cut = grab_cut(frame[around.slices], labels)
    full = np.zeros((height, width), np.bool_)
    share = float(cut[inner.slices].mean())
    full[around.slices] = cut if 0.1 < share < 0.98 else labels == cv2.GC_PR_FGD
    return full


def mask_from_point(frame: Rgb, point: tuple[int, int]) -> Bits:
    """The thing at a point (x, y); see `mask_from_points`."""
    return mask_from_points(frame, [point])


def mask_from_points(frame: Rgb, points: Sequence[tuple[int, int]]) -> Bits:
    """The thing that points (x, y) lie on: what GrabCut parts from its surround, the parts that hold a point.

    `frame` is (H, W, 3). Around each point, things of up to about a quarter of the picture's height are found.
    """
    height, width = frame.shape[:2]
    reach, core = round(0.12 * height), max(2, round(0.008 * height))
    around = _around(points, 2 * reach, width, height)
    crop = frame[around.slices]
    labels = np.full(crop.shape[:2], cv2.GC_BGD, np.uint8)
    centres = [(x - around.x, y - around.y) for x, y in points]
    for centre in centres:
        cv2.circle(labels, centre, reach, cv2.GC_PR_BGD, -1)
    for centre in centres:
        labels[_alike(crop, centre, core) & (labels == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    for centre in centres:
        cv2.circle(labels, centre, core, cv2.GC_FGD, -1)
    return _placed(_held(grab_cut(crop, labels), centres), around, frame)


def mask_from_scribble(frame: Rgb, on: Bits, off: Bits) -> Bits:
    """The thing under the strokes `on`, without what is under the strokes `off`; all (H, W), `on` not empty.

    A thing may reach beyond its strokes by as much as they span, or an eighth of the picture's height if that is more.
    """
    height, width = on.shape
    marked = Box.around(on)
    assert marked is not None
    reach = max(round(0.12 * height), marked.w, marked.h)
    around = marked.grown(2 * reach, width, height)
    near = cv2.distanceTransform((~on[around.slices]).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    labels = np.where(near < reach, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    labels[near < max(2, round(0.02 * height))] = cv2.GC_PR_FGD
    labels[on[around.slices]], labels[off[around.slices]] = cv2.GC_FGD, cv2.GC_BGD
    rows, columns = np.nonzero(on[around.slices])
    cut = grab_cut(frame[around.slices], labels) & (labels != cv2.GC_BGD)
    return _placed(_held(cut, list(zip(columns.tolist(), rows.tolist(), strict=True))), around, frame)


def mask_from_difference(frame: Rgb, clean: Rgb) -> Bits:
    """Where a frame differs from a clean picture of the same view and size (H, W, 3); empty where it does not.

    The clean picture's exposure is matched, grain and coding (three deviations of what most pixels differ by, at least
    4 levels) are no difference, and neither is a speck; what lies inside a difference belongs to it.
    """
    change = np.abs(_lab(frame) - _lab(clean) - np.median(_lab(frame) - _lab(clean), axis=(0, 1))).max(axis=2)
    least = max(4.0, 3 * 1.4826 * float(np.median(change)))
    found = anchored(change > least, change > 2 * least, max(12, round(SPECK * change.size)))
    whole = np.asarray(ndimage.binary_fill_holes(found), np.bool_)
    return _to_half_height(whole, change)


def anchored(weak: Bits, strong: Bits, speck: int) -> Bits:
    """The parts of `weak`, gaps of a few pixels closed, that hold a strong pixel and have at least `speck` pixels."""
    closed = cv2.morphologyEx(weak.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(closed)
    kept = (np.bincount(parts[strong], minlength=count) > 0) & (stats[:, cv2.CC_STAT_AREA] >= speck)
    kept[0] = False
    return np.asarray(kept[parts], np.bool_)


def _to_half_height(part: Bits, change: NDArray[np.float32]) -> Bits:
    """A part whose outline lies where the change is half of what it is near by: smoothing spread it further."""
    kernel = np.ones((7, 7), np.uint8)
    near = cv2.dilate(np.where(part, change, 0).astype(np.float32), kernel)
    deep = cv2.erode(part.astype(np.uint8), kernel) > 0
    return np.asarray(part & (deep | (change >= near / 2)), np.bool_)


def soft_reach(frame: Rgb, mask: Bits) -> int:
    """Pixels beyond a mask's outline that the thing's soft edge still reaches: the blurrier the further, and less far
    where grain drowns its end. `frame` is (H, W, 3), `mask` (H, W).

    Read from the mean slope of lightness across the outline, by distance from it: the edge ends where what is left of
    its slope above the surround's own is a fifth of its steepest, or a tenth of what grain and texture have there.
    """
    most = max(4, round(MOST_REACH * frame.shape[1]))
    around = Box.around(mask)
    if around is None:
        return 0
    part = around.grown(2 * most + 2, mask.shape[1], mask.shape[0]).slices
    light = cv2.cvtColor(frame[part], cv2.COLOR_RGB2GRAY).astype(np.float32)
    outer, inner = (
        cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        for side in (~mask[part], mask[part])
    )
    away = np.where(outer > 0, outer - 0.5, 0.5 - inner).astype(np.float32)
    normal = cv2.GaussianBlur(away, (0, 0), 1.0)
    (light_x, light_y), (x, y) = (_slopes(plane) for plane in (light, normal))
    slope = np.abs(light_x * x + light_y * y) / np.maximum(np.hypot(x, y), 1e-3)
    bands = [slope[np.abs(away - d) <= 0.5] for d in range(-2, 2 * most)]
    by_distance = [float(band.mean()) if band.size else 0.0 for band in bands]
    surround = float(np.median(by_distance[-most:]))
    left = np.array(by_distance) - surround
    ended = np.flatnonzero(left[2:] < max(0.2 * float(left[:6].max()), 0.1 * surround))
    return int(min([most, *ended.tolist()]))


def _slopes(plane: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    across, down = (cv2.Sobel(plane, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _lab(picture: Rgb) -> NDArray[np.float32]:
    """Smoothed 8-bit Lab."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2Lab).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), np.float32)


def _around(points: Sequence[tuple[int, int]], by: int, width: int, height: int) -> Box:
    boxes = [Box(x, y, 1, 1).grown(by, width, height) for x, y in points]
    return reduce(Box.union, boxes)


def _held(cut: Bits, places: Sequence[tuple[int, int]]) -> Bits:
    """The connected parts of a cut that hold one of the places (x, y)."""
    _, parts = cv2.connectedComponents(cut.astype(np.uint8))
    held = {int(parts[y, x]) for x, y in places} - {0}
    return np.asarray(np.isin(parts, sorted(held)), np.bool_)


def _placed(part: Bits, around: Box, frame: Rgb) -> Bits:
    full = np.zeros(frame.shape[:2], np.bool_)
    full[around.slices] = part
    return full


def _alike(crop: Rgb, centre: tuple[int, int], core: int) -> Bits:
    """Pixels connected to the centre whose colour is within the spread of the disc around it."""
    lab = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2Lab), (0, 0), 1.0)
    disc = np.zeros(crop.shape[:2], np.uint8)
    cv2.circle(disc, centre, core, 1, -1)
    mean = lab[disc > 0].mean(axis=0)
    limit = max(12.0, 3 * float(lab[disc > 0].std(axis=0).max()))
    near = (np.linalg.norm(lab - mean, axis=2) < limit).astype(np.uint8)
    near |= disc
    _, parts = cv2.connectedComponents(near)
    return cast(Bits, parts == parts[centre[1], centre[0]])


def grab_cut(picture: Rgb, labels: NDArray[np.uint8], rounds: int = 3) -> Bits:
    """GrabCut from a map of cv2.GC_* labels (H, W); the sure labels alone where one side is empty."""
    known = labels.copy()
    foreground = (known == cv2.GC_FGD) | (known == cv2.GC_PR_FGD)
    if foreground.all() or not foreground.any():
        return cast(Bits, foreground)
    models = np.zeros((1, 65), np.float64), np.zeros((1, 65), np.float64)
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(picture[..., ::-1])
    cv2.grabCut(bgr, known, None, models[0], models[1], rounds, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return cast(Bits, (known == cv2.GC_FGD) | (known == cv2.GC_PR_FGD))
