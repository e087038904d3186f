"""The still scene behind what moves: at every pixel, what nearby frames brought to one view show most densely.

A place that a thing covers now and then is seen free most of the other time, and then it always looks the same; what
moves or bends looks different every time. So the scene is where looks lie densest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import luma8, rgb8, shrunk
from tools.types import Bits, Clip, Frame, Gray
from tools.vision.align import Features, Matrix, align_features, features
from tools.vision.region import anchored

Lab: TypeAlias = NDArray[np.float32]

WIDE = 640
"""Working width."""
STRETCH, REACH = 96, 96
"""Frames that one scene serves, and how far beside them it looks."""
SAMPLES, LEAST_SAMPLES = 32, 6
"""Frames that a scene is made of, at most and at least, and that must show a pixel for it to be known."""
SHARES, FINE = (0.15, 0.25, 0.4, 0.6), 1.0
"""Shares of the frames that may look alike, and the radius in 8-bit Lab within which they do so as well as can be."""
FAR = 1e4
STILL, EDGES = 0.15, 0.1
"""Pixels by which edges move in the median under which a camera stands still; share of the picture that is edges."""
CHANGE, SPREADS = 5.0, 2.0
"""Least change in 8-bit Lab that is motion, beside so many of the scene's own spreads (grain, leaves)."""
SPECK = 0.0002
"""Share of the picture under which what moves is a speck."""
PORE = 0.002
"""Share of the picture up to which a hole in what moves belongs to it."""
MOST_MOVING = 0.3
"""Share of a frame that moves, in half of the frames, from which on there is no still scene, or it was not found."""
ROWS = 24
"""Rows of the picture whose samples are compared at a time."""


@dataclass(frozen=True)
class Look:
    """A frame at working size: smoothed 8-bit Lab (h, w, 3) and luma."""

    lab: Lab
    gray: Gray

    @classmethod
    def of(cls, frame: Frame) -> Look:
        rgb = rgb8(shrunk(frame, WIDE))
        gray = np.asarray(cv2.resize(luma8(frame), rgb.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)
        lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2Lab).astype(np.float32)
        return cls(np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), np.float32), gray)

    @cached_property
    def features(self) -> Features:
        return features(self.gray, limit=1000)

    @cached_property
    def slope(self) -> NDArray[np.float32]:
        """Steepness of lightness in levels per pixel."""
        across, down = (cv2.Sobel(self.lab[..., 0], cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
        return np.asarray(np.hypot(across, down), np.float32)


@dataclass(frozen=True, slots=True)
class Scene:
    """The still scene in the view of one frame: Lab (h, w, 3), the spread of what it is made of, and where it is
    known."""

    view: Look
    lab: Lab
    spread: NDArray[np.float32]
    known: Bits

    def moving(self, seen: Look) -> Bits | None:
        """What of a frame the scene does not explain, (h, w); None where the two cannot be brought together."""
        matrix = _between(self.view, seen)
        if matrix is None:
            return None
        size = (seen.gray.shape[1], seen.gray.shape[0])
        lab, spread = (cv2.warpPerspective(plane, matrix, size) for plane in (self.lab, self.spread))
        known = cv2.warpPerspective(self.known.astype(np.uint8) * 255, matrix, size) > 254
        return _moving(seen.lab, np.asarray(lab, np.float32), np.asarray(spread, np.float32), known)


def _moving(seen: Lab, scene: Lab, spread: NDArray[np.float32], known: Bits) -> Bits:
    """Where the colours leave what the scene shows within a pixel, weakly but joined to where they do so clearly."""
    kernel = np.ones((3, 3), np.uint8)
    above, below = seen - cv2.dilate(scene, kernel), cv2.erode(scene, kernel) - seen
    change = np.maximum(np.maximum(above, below), 0).max(axis=2)
    least = CHANGE + SPREADS * spread
    found = anchored((change > least) & known, (change > 2 * least) & known, max(12, round(SPECK * change.size)))
    return _without_pores(found, round(PORE * change.size))


def _without_pores(bits: Bits, most: int) -> Bits:
    """The mask with its holes of up to so many pixels filled."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((~bits).astype(np.uint8), connectivity=4)
    small = np.zeros(count, np.bool_)
    small[1:] = stats[1:, cv2.CC_STAT_AREA] <= most
    return np.asarray(bits | small[parts], np.bool_)


def scene_for(clip: Clip, index: int) -> Scene | None:
    """The scene that serves frame `index` of a clip and its stretch; None where too few frames can be joined."""
    start = index // STRETCH * STRETCH
    first, last = max(0, start - REACH), min(clip.frames - 1, start + STRETCH - 1 + REACH)
    step = max(1, -(-(last - first + 1) // SAMPLES))
    looks = list(_sampled(clip, first, last, step))
    view = looks[len(looks) // 2]
    found = [(look, _between(look, view)) for look in looks]
    joined = [(look, matrix) for look, matrix in found if matrix is not None]
    if len(joined) < max(LEAST_SAMPLES, len(looks) // 2):
        return None
    size = (view.gray.shape[1], view.gray.shape[0])
    all_ = np.full(view.gray.shape, 255, np.uint8)
    stack = np.stack([cv2.warpPerspective(look.lab, matrix, size) for look, matrix in joined]).astype(np.float32)
    valid = np.stack([cv2.warpPerspective(all_, matrix, size) > 254 for _, matrix in joined])
    lab, spread = _densest(stack, valid)
    scene = Scene(view, lab, spread, valid.sum(axis=0) >= LEAST_SAMPLES)
    moving = [found.mean() for found in map(scene.moving, looks[:: max(1, len(looks) // 8)]) if found is not None]
    return scene if moving and float(np.median(moving)) <= MOST_MOVING else None


def _sampled(clip: Clip, first: int, last: int, step: int) -> Iterator[Look]:
    part = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
    return (Look.of(frame) for number, frame in enumerate(frames(part)) if number % step == 0)


def _between(one: Look, other: Look) -> Matrix | None:
    """The matrix from one view to the other; exactly none for a camera that stands still."""
    steep = one.slope >= np.quantile(one.slope, 1 - EDGES)
    apart = np.abs(one.lab[..., 0] - other.lab[..., 0])[steep] / np.maximum(one.slope[steep], 1e-3)
    if np.median(apart) < STILL:
        return np.eye(3)
    size = (one.gray.shape[1], one.gray.shape[0])
    found = align_features(one.features, other.features, size, "homography")
    return None if found is None else found.matrix


def _densest(stack: Lab, valid: Bits) -> tuple[Lab, NDArray[np.float32]]:
    """Per pixel, the middle of the densest cluster of its samples (n, h, w, 3), and the cluster's radius.

    A cluster is a sample with its nearest others; it is the denser, the more of the frames it holds within the less of
    colour.
    """
    lab, spread = np.empty(stack.shape[1:], np.float32), np.empty(stack.shape[1:3], np.float32)
    for top in range(0, stack.shape[1], ROWS):
        rows = slice(top, top + ROWS)
        some = np.ascontiguousarray(stack[:, rows].reshape(len(stack), -1, 3).swapaxes(0, 1))
        held = np.ascontiguousarray(valid[:, rows].reshape(len(stack), -1).T)
        middle, radius = _cluster(some, held)
        lab[rows], spread[rows] = middle.reshape(lab[rows].shape), radius.reshape(spread[rows].shape)
    return lab, spread


def _cluster(some: Lab, held: Bits) -> tuple[Lab, NDArray[np.float32]]:
    """The middles (p, 3) and radii (p) of the densest clusters of samples (p, n, 3), of which `held` (p, n) count."""
    square = np.square(some).sum(2)
    apart = np.sqrt(np.maximum(square[:, :, None] + square[:, None] - 2 * some @ some.swapaxes(1, 2), 0))
    apart[~held] = FAR
    apart.swapaxes(1, 2)[~held] = FAR
    ranked = np.sort(apart, axis=2)
    density, radius = np.zeros(held.shape, np.float32), np.full(held.shape, FAR, np.float32)
    for share in SHARES:
        rank = np.clip(np.ceil(share * held.sum(1)).astype(int), 1, held.shape[1]) - 1
        reach = np.take_along_axis(ranked, rank[:, None, None], 2)[..., 0]
        dense = share / (reach + FINE)
        radius = np.where(dense > density, reach, radius)
        density = np.maximum(dense, density)
    best = density.argmax(axis=1)[:, None]
    most = np.take_along_axis(radius, best, 1)
    near = (np.take_along_axis(apart, best[..., None], 1)[:, 0] <= most).astype(np.float32)
    middle = (some * near[..., None]).sum(1) / np.maximum(near.sum(1, keepdims=True), 1)
    return np.asarray(middle, np.float32), np.asarray(most[:, 0], np.float32)
