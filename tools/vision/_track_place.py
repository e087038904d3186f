"""Where the seed frame's surface lies in every other frame: one matrix per frame, errors do not add up.

Each step predicts the region's place from the camera's motion and then registers the seed frame itself, warped to the
prediction, against the new frame around the region. A blurred frame that cannot be registered keeps the prediction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Gray
from tools.vision.align import Matrix, align, fit, plausible
from tools.vision.motion import global_motion, working_mask

LEAST_POINTS = 8
SURE = 0.85
"""Correlation at which the last frame's place, registered anew, needs no help from the camera's motion."""
STRONG = 0.6
"""Correlation of the warped seed with the frame at which a place counts as found."""
FAINT = 0.3
"""Correlation under which a registered place says less than the camera's motion."""


@dataclass(frozen=True, slots=True)
class Surface:
    """The seed frame and mask at working size, and the area around the region that is registered."""

    gray: Gray
    mask: Bits
    around: Bits
    points: NDArray[np.float32]

    @classmethod
    def of(cls, gray: Gray, mask: Bits) -> Self:
        """`gray` is at working size, `mask` at the source's."""
        small = working_mask(mask, (gray.shape[0], gray.shape[1]))
        reach = int(np.clip(np.sqrt(small.sum()), 24, 80))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        around = cv2.dilate(small.astype(np.uint8), kernel) > 0
        corners = cv2.goodFeaturesToTrack(gray, 300, 0.005, 4, mask=around.astype(np.uint8) * 255)
        points = np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2).astype(np.float32)
        return cls(gray, small, around, points)


@dataclass(slots=True)
class Places:
    """Walks away from the seed frame by frame; `step` gives the matrix from the seed frame to the next one."""

    seed: Surface
    matrix: Matrix = field(default_factory=lambda: np.eye(3))
    previous: Gray | None = None
    likeness: float = 1.0
    """Of the last step: correlation of the seed's surroundings, brought to their place, with the frame."""

    def step(self, gray: Gray) -> Matrix:
        """The next frame's matrix, at working size."""
        self.matrix = self._found(self.seed.gray if self.previous is None else self.previous, gray)
        self.previous = gray
        self.likeness = max(0.0, likeness(self.seed, gray, self.matrix))
        return self.matrix

    def _found(self, previous: Gray, gray: Gray) -> Matrix:
        ahead = _refined(self.seed, gray, self.matrix)
        if likeness(self.seed, gray, ahead) > SURE:
            return ahead
        camera = global_motion(previous, gray)
        candidates = [m for m in (self.matrix, camera.matrix @ self.matrix) if plausible(m, *gray.shape[::-1])]
        if not candidates:
            return self.matrix
        refined = [ahead, *(_refined(self.seed, gray, m) for m in candidates[1:])]
        scored = [(likeness(self.seed, gray, m), m) for m in refined + candidates[::-1]]
        best = max(scored, key=lambda s: s[0])
        if best[0] < STRONG:
            best = max([best, *_detected(self.seed, gray)], key=lambda s: s[0])
        return best[1] if best[0] > FAINT else candidates[-1]


def _refined(seed: Surface, gray: Gray, matrix: Matrix, rounds: int = 2) -> Matrix:
    """The matrix corrected by the motion that is left between the warped seed and the frame."""
    for _ in range(rounds):
        moved = _leftover(seed, gray, matrix)
        if moved is None:
            return matrix
        matrix = moved @ matrix
    return matrix


def _leftover(seed: Surface, gray: Gray, matrix: Matrix) -> Matrix | None:
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
    """A similarity that most points agree on."""
    if len(from_) < LEAST_POINTS:
        return None
    fitted = fit(from_, to, "similarity", 1.0)
    return None if fitted is None or fitted[1].sum() < max(LEAST_POINTS, 0.3 * len(from_)) else fitted[0]


def _detected(seed: Surface, gray: Gray) -> list[tuple[float, Matrix]]:
    """The region's surround found anew by its features."""
    found = align(seed.gray, gray, mask_a=seed.around, model="similarity")
    if found is None or found.inliers < 10:
        return []
    return [(likeness(seed, gray, found.matrix), found.matrix)]


def likeness(seed: Surface, gray: Gray, matrix: Matrix) -> float:
    """Correlation of the warped seed's surroundings with the frame, inside the picture; 0 if little of it is."""
    size = (gray.shape[1], gray.shape[0])
    where = cv2.warpPerspective(seed.around.astype(np.uint8), matrix, size) > 0
    if where.sum() < max(64, 0.1 * seed.around.sum()):
        return 0.0
    warped = cv2.warpPerspective(seed.gray, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    a, b = warped[where].astype(np.float32), gray[where].astype(np.float32)
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / (np.sqrt((a * a).sum() * (b * b).sum()) + 1e-3))
