"""Pixels from a reference picture: the repaired panel of a sheet, or a frame of another shot of the set-up.

The reference is found in the surround of the hole by features, then carried from frame to frame by the motion of the
surround and pulled gently onto each frame, so that what is borrowed neither drifts nor jitters.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, grown
from tools.editors.local.cleanplate.likeness import Likeness, Quarry, likeness
from tools.editors.local.cleanplate.target import Target
from tools.editors.local.cleanplate.window import Seen, Window
from tools.media.pixels import rgb8_to_444
from tools.types import Bits, Box, Rgb
from tools.vision.align import Alignment, Features, Matrix, align_features, features, fit, plausible, project
from tools.vision.motion import dense_flow, textured_points

PULL = 0.5
"""Share of the measured correction that one frame applies."""
SETTLE = 4
"""Corrections taken in full after the reference was found, until it sits."""
SIZE = 384
"""Longer side of the picture that corrections are measured on."""


class Tracked:
    """One reference picture, followed through a shot. `trusted` is (H, W), false where it must not be believed."""

    def __init__(self, picture: Rgb, trusted: Bits) -> None:
        self._picture, self._trusted = picture, trusted
        self._luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        self._points: Features | None = None
        self._quarry: Quarry | None = None
        self._matrix: Matrix | None = None
        """From the frame's pixels to the reference's."""
        self._at = -1
        self._settled = 0
        self._anchors: NDArray[np.float64] = np.zeros((0, 2))
        """Points of the frame that the reference agreed with last."""

    def donor(self, window: Window, target: Target, scale: float) -> Likeness | None:
        """What the reference shows of the target's hole, or None where it cannot be placed."""
        seen = window[target.index]
        matrix = self._placed(window, seen, target)
        if matrix is None:
            return None
        if self._quarry is None:
            barred = grown(~self._trusted, 2).astype(np.uint8)
            self._quarry = Quarry(rgb8_to_444(self._picture, seen.frame), barred, scale)
        x, y = _maps(matrix, target.box)
        return likeness(self._quarry, target, x, y)

    def _placed(self, window: Window, seen: Seen, target: Target) -> Matrix | None:
        index = seen.frame.index
        if index == self._at:
            return self._matrix
        carried = self._carried(window, index, target.box)
        measured = None if carried is None else self._pulled(seen, target.box, carried)
        if measured is None:
            found = self._found(seen, target.box)
            measured, self._settled = (found, 0) if found is not None else (carried, self._settled)
        self._matrix, self._at = measured, index
        return measured

    def _carried(self, window: Window, index: int, box: Box) -> Matrix | None:
        """Last frame's place, moved with the surround of the hole."""
        if self._matrix is None or self._at != index - 1 or self._at not in window:
            return None
        return self._matrix @ shared_motion(window, index, self._anchors, box)

    def _pulled(self, seen: Seen, box: Box, carried: Matrix) -> Matrix | None:
        """The carried place corrected by the flow left between frame and reference; None when they disagree."""
        region = surround(box, seen.light.shape[1], seen.light.shape[0], 1.0)
        by = min(1.0, SIZE / max(region.w, region.h))
        size = (max(16, round(region.w * by)), max(16, round(region.h * by)))
        down = np.array([[1 / by, 0, region.x], [0, 1 / by, region.y], [0, 0, 1.0]])
        frame = np.asarray(cv2.resize(seen.light[region.slices], size, interpolation=cv2.INTER_AREA), np.uint8)
        hole = cv2.resize(seen.barred[region.slices], size, interpolation=cv2.INTER_NEAREST) > 0
        there = _warped(self._luma, carried @ down, size)
        outside = _warped((~self._trusted).astype(np.uint8) * 255, carried @ down, size, border=255) > 0
        matched = _levelled(there, frame, ~(hole | outside))
        blind = grown(hole | outside, 3)
        matched = np.where(blind, frame, matched).astype(np.uint8)
        points = textured_points(frame, blind, 4)
        if len(points) < 24:
            return None
        shift = dense_flow(frame, matched)
        to = points + shift[points[:, 1].astype(int), points[:, 0].astype(int)]
        fitted = fit(points, to, "similarity", 1.0)
        if fitted is None or fitted[1].mean() < 0.35 or np.abs(to - points)[fitted[1]].max() > 0.25 * max(size):
            return None
        exact = carried @ down @ fitted[0] @ np.linalg.inv(down)
        self._anchors = project(down, points[fitted[1]])
        return self._eased(carried, exact, region)

    def _eased(self, carried: Matrix, exact: Matrix, region: Box) -> Matrix:
        pull = 1.0 if self._settled < SETTLE else PULL
        self._settled += 1
        corners = _corners(region)
        goal = (1 - pull) * project(carried, corners) + pull * project(exact, corners)
        eased = cv2.getPerspectiveTransform(corners.astype(np.float32), goal.astype(np.float32))
        return np.asarray(eased, np.float64)

    def _found(self, seen: Seen, box: Box) -> Matrix | None:
        """The reference located by features: near the hole first, then in the whole frame."""
        if self._points is None:
            self._points = features(self._luma, self._trusted, 3000)
        for width in (1.5, 4.0, None):
            found = self._match(seen, box, width)
            if found is not None:
                self._shrunk(found)
                return self._matrix
        return None

    def _match(self, seen: Seen, box: Box, width: float | None) -> Matrix | None:
        height, across = seen.light.shape
        region = Box(0, 0, across, height) if width is None else surround(box, across, height, width)
        known = ~(grown(seen.barred[region.slices] > 0, 3))
        by = min(2.0, 640 / max(region.w, region.h))
        size = (round(region.w * by), round(region.h * by))
        picture = cv2.resize(
            seen.light[region.slices], size, interpolation=cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
        )
        where = cv2.resize(known.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
        assert self._points is not None
        there = align_features(features(np.asarray(picture, np.uint8), where), self._points, size, "similarity", 2.5)
        if there is None or not _believed(there):
            return None
        up = np.array([[by, 0, -by * region.x], [0, by, -by * region.y], [0, 0, 1.0]])
        return np.asarray(there.matrix @ up, np.float64)

    def _shrunk(self, matrix: Matrix) -> None:
        """A reference much larger than the frame is reduced once, so that sampling it does not alias."""
        factor = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
        if factor > 1.5:
            size = (max(16, round(self._luma.shape[1] / factor)), max(16, round(self._luma.shape[0] / factor)))
            change = np.diag([size[0] / self._luma.shape[1], size[1] / self._luma.shape[0], 1.0])
            self._picture = np.asarray(cv2.resize(self._picture, size, interpolation=cv2.INTER_AREA), np.uint8)
            self._trusted = cv2.resize(self._trusted.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
            self._luma = np.asarray(cv2.cvtColor(self._picture, cv2.COLOR_RGB2GRAY), np.uint8)
            self._points, self._quarry = None, None
            matrix = change @ matrix
        self._matrix = matrix


def surround(box: Box, width: int, height: int, by: float) -> Box:
    """The box grown by `by` times its larger side, at least a tenth of the frame's width, on each side."""
    return box.grown(round(max(by * max(box.w, box.h), 0.1 * width)), width, height)


def shared_motion(window: Window, index: int, anchors: NDArray[np.float64], box: Box) -> Matrix:
    """How the anchors moved from frame `index` to the one before: a similarity in full-size pixels.

    `anchors` (n, 2) lie in the frame before. With too few of them the whole surround of the box is asked.
    """
    seen = window[index]
    scale = seen.small.shape[1] / seen.light.shape[1]
    size = np.diag([scale, scale, 1.0])
    forward = window.step(index - 1, 1)
    before = project(size, anchors) if len(anchors) >= 12 else _around(window[index - 1], box, scale)
    now = np.column_stack(forward.at(*np.asarray(before, np.float32).T[:, :, None])).astype(np.float64)
    fitted = fit(now, before, "similarity", 0.8) if len(before) >= 12 else None
    back = np.linalg.inv(forward.plane) if fitted is None or fitted[1].sum() < 8 else fitted[0]
    return np.asarray(np.linalg.inv(size) @ back @ size, np.float64)


def _around(seen: Seen, box: Box, scale: float) -> NDArray[np.float64]:
    """Textured points (n, 2) of the surround of a box, in working pixels."""
    region = surround(box, seen.light.shape[1], seen.light.shape[0], 0.25)
    blind = np.ones(seen.small.shape, np.bool_)
    rows, columns = (
        slice(int(s.start * scale), max(int(s.stop * scale), int(s.start * scale) + 1)) for s in region.slices
    )
    blind[rows, columns] = False
    return textured_points(seen.small, blind | grown(seen.small_hole, 5), 3)


def _believed(found: Alignment) -> bool:
    """Enough matches agree, and the scale is one a sheet and a shot can have."""
    scale = float(np.sqrt(abs(np.linalg.det(found.matrix[:2, :2]))))
    return found.inliers >= 8 and found.ratio >= 0.2 and 0.1 < scale < 10 and plausible(found.matrix, 64, 64)


def _corners(box: Box) -> NDArray[np.float64]:
    x, y = box.x + box.w, box.y + box.h
    return np.array([[box.x, box.y], [x, box.y], [x, y], [box.x, y]], np.float64)


def _maps(matrix: Matrix, box: Box) -> tuple[Field, Field]:
    ys, xs = np.mgrid[box.y : box.y + box.h, box.x : box.x + box.w]
    there = project(matrix, np.column_stack([xs.ravel(), ys.ravel()])).astype(np.float32)
    return there[:, 0].reshape(box.h, box.w), there[:, 1].reshape(box.h, box.w)


def _warped(picture: NDArray[np.uint8], matrix: Matrix, size: tuple[int, int], border: int = 0) -> NDArray[np.uint8]:
    flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(
        cv2.warpPerspective(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(border,)),
        np.uint8,
    )


def _levelled(picture: NDArray[np.uint8], like: NDArray[np.uint8], where: Bits) -> NDArray[np.uint8]:
    """The picture with the mean and contrast of `like`, both measured over `where`."""
    if where.sum() < 64:
        return picture
    one, other = picture[where].astype(np.float64), like[where].astype(np.float64)
    gain = float(np.clip(other.std() / max(one.std(), 1.0), 0.4, 2.5))
    level = (picture.astype(np.float32) - one.mean()) * gain + other.mean()
    return np.asarray(np.clip(level, 0, 255), np.uint8)
