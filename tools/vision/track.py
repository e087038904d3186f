"""Following a region through a clip from one frame in which it is known.

Each step predicts the region's place from the camera's motion and then registers the seed frame itself, warped to the
prediction, against the new frame around the region, so that errors do not add up. A blurred frame that cannot be
registered keeps the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames as decoded
from tools.media.pixels import luma8
from tools.types import Bits, Box, Clip, Gray, MaskTrack, Rgb
from tools.vision.align import Matrix, align, fit, plausible
from tools.vision.motion import global_motion, working, working_mask

CHUNK = 32
"""Frames held at once while going backward."""
LEAST_POINTS = 8
SURE = 0.85
"""Correlation at which the last frame's place, registered anew, needs no help from the camera's motion."""
STRONG = 0.6
"""Correlation of the warped seed with the frame at which a place counts as found."""


@dataclass(frozen=True, slots=True)
class _Seed:
    """The seed frame and mask at working size, and the area around the region that is registered."""

    gray: Gray
    mask: Bits
    around: Bits
    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Track:
    """A followed region: its masks, how sure each frame is (0 to 1), and the frames in which it is lost.

    A lost frame has no mask; `guesses` says where the region would be there, where anything tells.
    """

    masks: MaskTrack
    confidence: Mapping[int, float]
    lost: frozenset[int]
    guesses: MaskTrack


def follow(clip: Clip, seed: int, mask: Bits, frames: tuple[int, int] | None = None) -> Track:
    """The region in every frame of `frames` (default: the whole clip), with what is known of each."""
    first, last = frames or (0, clip.frames - 1)
    masks = track(clip, seed, mask, frames)
    lost = frozenset(range(first, last + 1)) - set(masks.crops)
    confidence = {index: float(index not in lost) for index in range(first, last + 1)}
    return Track(masks, confidence, lost, MaskTrack(masks.width, masks.height))


def track(clip: Clip, seed: int, mask: Bits, frames: tuple[int, int] | None = None) -> MaskTrack:
    """The region's mask in every frame of `frames` (default: the whole clip) in which it lies inside the picture.

    `seed` counts from the clip's first frame; `mask` is (H, W) at the clip's size. Frames are streamed; going backward
    holds at most `CHUNK` working-size frames.
    """
    first, last = frames or (0, clip.frames - 1)
    height, width = mask.shape
    grays = _forward(clip, seed, last)
    seed_gray = next(grays)
    known = _seed(seed_gray, mask)
    masks = MaskTrack.of({seed: mask}, width, height)
    crops = dict(masks.crops)
    for pass_ in (_followed(known, grays, seed, 1), _followed(known, _backward(clip, first, seed), seed, -1)):
        for index, matrix in pass_:
            moved = _full_mask(mask, matrix, width / seed_gray.shape[1])
            crops.update(MaskTrack.of({index: moved}, width, height).crops)
    return MaskTrack(width, height, crops)


def _forward(clip: Clip, first: int, last: int) -> Iterator[Gray]:
    part = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
    for frame in decoded(part):
        yield working(luma8(frame))


def _backward(clip: Clip, first: int, seed: int) -> Iterator[Gray]:
    end = seed - 1
    while end >= first:
        start = max(first, end - CHUNK + 1)
        yield from reversed(list(_forward(clip, start, end)))
        end = start - 1


def _seed(gray: Gray, mask: Bits) -> _Seed:
    small = working_mask(mask, (gray.shape[0], gray.shape[1]))
    reach = int(np.clip(np.sqrt(small.sum()), 24, 80))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    around = cv2.dilate(small.astype(np.uint8), kernel) > 0
    corners = cv2.goodFeaturesToTrack(gray, 300, 0.005, 4, mask=around.astype(np.uint8) * 255)
    points = np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2).astype(np.float32)
    return _Seed(gray, small, around, points)


def _followed(seed: _Seed, grays: Iterator[Gray], start: int, step: int) -> Iterator[tuple[int, Matrix]]:
    """Per frame the matrix from the seed frame to it, at working size."""
    matrix: Matrix = np.eye(3)
    previous, index = seed.gray, start
    for gray in grays:
        index += step
        matrix = _step(seed, previous, gray, matrix)
        previous = gray
        yield index, matrix


def _step(seed: _Seed, previous: Gray, gray: Gray, matrix: Matrix) -> Matrix:
    ahead = _refined(seed, gray, matrix)
    if _likeness(seed, gray, ahead) > SURE:
        return ahead
    camera = global_motion(previous, gray)
    candidates = [m for m in (matrix, camera.matrix @ matrix) if plausible(m, gray.shape[1], gray.shape[0])]
    if not candidates:
        return matrix
    refined = [ahead, *(_refined(seed, gray, m) for m in candidates[1:])]
    scored = [(_likeness(seed, gray, m), m) for m in refined + candidates[::-1]]
    best = max(scored, key=lambda s: s[0])
    if best[0] < STRONG:
        best = max([best, *_detected(seed, gray)], key=lambda s: s[0])
    return best[1] if best[0] > 0.3 else candidates[-1]


def _refined(seed: _Seed, gray: Gray, matrix: Matrix, rounds: int = 2) -> Matrix:
    """The matrix corrected by the motion that is left between the warped seed and the frame."""
    for _ in range(rounds):
        moved = _leftover(seed, gray, matrix)
        if moved is None:
            return matrix
        matrix = moved @ matrix
    return matrix


def _leftover(seed: _Seed, gray: Gray, matrix: Matrix) -> Matrix | None:
    size = (gray.shape[1], gray.shape[0])
    there = cv2.perspectiveTransform(seed.points[:, None], matrix)[:, 0] if len(seed.points) else seed.points
    inside = ((there > 2) & (there < np.array(size, np.float32) - 3)).all(axis=1)
    points = np.ascontiguousarray(there[inside], np.float32)
    if len(points) < LEAST_POINTS:
        return None
    warped = cv2.warpPerspective(seed.gray, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    options = {"winSize": (15, 15), "maxLevel": 2}
    ahead, found, _ = cv2.calcOpticalFlowPyrLK(warped, gray, points, None, **options)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(gray, warped, ahead, None, **options)  # type: ignore[call-overload]
    good = (found.ravel() > 0) & (again.ravel() > 0) & (np.abs(back - points).max(axis=1) < 1.0)
    return _local(points[good], ahead[good])


def _local(from_: NDArray[np.float32], to: NDArray[np.float32]) -> Matrix | None:
    """A similarity most points agree on; an affinity where there are many."""
    if len(from_) < LEAST_POINTS:
        return None
    fitted = fit(from_, to, "similarity", 1.0)
    return None if fitted is None or fitted[1].sum() < max(LEAST_POINTS, 0.3 * len(from_)) else fitted[0]


def _detected(seed: _Seed, gray: Gray) -> list[tuple[float, Matrix]]:
    """The region's surround found anew by its features."""
    found = align(seed.gray, gray, mask_a=seed.around, model="similarity")
    if found is None or found.inliers < 10:
        return []
    return [(_likeness(seed, gray, found.matrix), found.matrix)]


def _likeness(seed: _Seed, gray: Gray, matrix: Matrix) -> float:
    """Correlation of the warped seed's surroundings with the frame, inside the picture; 0 if little of it is."""
    size = (gray.shape[1], gray.shape[0])
    where = cv2.warpPerspective(seed.around.astype(np.uint8), matrix, size) > 0
    if where.sum() < max(64, 0.1 * seed.around.sum()):
        return 0.0
    warped = cv2.warpPerspective(seed.gray, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    a, b = warped[where].astype(np.float32), gray[where].astype(np.float32)
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-3))


def _full_mask(mask: Bits, matrix: Matrix, scale: float) -> Bits:
    """The seed's full-size mask through a working-size matrix."""
    grow = np.diag([scale, scale, 1.0])
    full = grow @ matrix @ np.linalg.inv(grow)
    moved = cv2.warpPerspective(mask.astype(np.uint8) * 255, full, (mask.shape[1], mask.shape[0]))
    return moved > 127


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
    """The thing at a point (x, y): what GrabCut parts from its surround, the part that holds the point.

    `frame` is (H, W, 3). Things of up to about a quarter of the picture's height are found.
    """
    height, width = frame.shape[:2]
    reach, core = round(0.12 * height), max(2, round(0.008 * height))
    around = Box(point[0], point[1], 1, 1).grown(2 * reach, width, height)
    labels = np.full((around.h, around.w), cv2.GC_BGD, np.uint8)
    centre = (point[0] - around.x, point[1] - around.y)
    cv2.circle(labels, centre, reach, cv2.GC_PR_BGD, -1)
    labels[_alike(frame[around.slices], centre, core) & (labels == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    cv2.circle(labels, centre, core, cv2.GC_FGD, -1)
    cut = grab_cut(frame[around.slices], labels).astype(np.uint8)
    _, parts = cv2.connectedComponents(cut)
    full = np.zeros((height, width), np.bool_)
    full[around.slices] = parts == parts[centre[1], centre[0]]
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
