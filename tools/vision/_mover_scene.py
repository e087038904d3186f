"""The still scene behind what moves: at every pixel, what nearby frames brought to one view show most densely.

A place that a thing covers now and then is seen free most of the other time, and then it always looks the same; what
moves or bends looks different every time. So the scene is where looks lie densest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import luma8, rgb8, shrunk
from tools.types import Bits, Box, Clip, Frame, Gray
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
STAYS, MOST_STAYS = 2.0, 0.75
"""Pixels within which a camera stays, and share of the frames in which it does, from which on it does so in those that
do not tell.
"""
CHANGE, SPREADS = 5.0, 2.0
"""Least change in 8-bit Lab that is motion, beside so many of the scene's own spreads (grain, leaves)."""
SPECK = 0.0002
"""Share of the picture under which what moves is a speck."""
MARGIN = 0.02
"""Share of the picture's width by which what moves goes on where the scene is not known: a thing that reaches the end
of what is known, at the picture's border, does not end there.
"""
PORE = 0.002
"""Share of the picture up to which a hole in what moves belongs to it."""
MOST_MOVING = 0.3
"""Share of a frame that moves, in half of the frames, from which on there is no still scene, or it was not found."""
ROWS = 24
"""Rows of the picture whose samples are compared at a time."""
VEIL, SHINES, LEFT = 21, 0.5, 0.5
"""Side of the patches in which the scene is looked for through what moves; correlation from which on it shines through,
and share of the change that then may be left unexplained.
"""
GAINS, PLAIN = (0.2, 1.7), 1.0
"""Contrast with which it does so, and deviation of Lab under which a patch of it has nothing to be known by."""
VOTE = 9
"""Side of the patches in which most of what moves says whether it is a veil."""


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
class Moving:
    """What of a frame moves, (h, w), and what of that is solid: no veil that the scene shines through, such as dust,
    smoke or a shadow.
    """

    bits: Bits
    solid: Bits


@dataclass(frozen=True, slots=True)
class Scene:
    """The still scene in the view of one frame: Lab (h, w, 3), the spread of what it is made of, where it is known, and
    whether the camera stands still throughout.
    """

    view: Look
    lab: Lab
    spread: NDArray[np.float32]
    known: Bits
    still: bool

    def moving(self, seen: Look) -> Moving | None:
        """What of a frame the scene does not explain; None where the two cannot be brought together.

        A frame that one large thing fills shows too little of the scene to tell: a camera that stands still may do so
        in it too.
        """
        matrix, size = _between(self.view, seen), (seen.gray.shape[1], seen.gray.shape[0])
        matrices = [] if matrix is None else [matrix]
        if self.still and (matrix is None or _drift(matrix, size) > STAYS):
            matrices.append(np.eye(3))
        found = [self._through(one, seen) for one in matrices]
        return max(found, key=lambda one: one[1])[0] if found else None

    def _through(self, matrix: Matrix, seen: Look) -> tuple[Moving, int]:
        """What moves in a frame that a matrix leads to, and how many of its pixels are explained."""
        size = (seen.gray.shape[1], seen.gray.shape[0])
        lab, spread = (
            np.asarray(cv2.warpPerspective(plane, matrix, size), np.float32) for plane in (self.lab, self.spread)
        )
        known = cv2.warpPerspective(self.known.astype(np.uint8) * 255, matrix, size) > 254
        bits = _moving(seen.lab, lab, spread, known)
        explained = int((known & ~bits).sum())
        bits |= (distance_to(bits) <= MARGIN * size[0]) & ~known
        return Moving(bits, bits & ~_veil(seen.lab, lab, bits)), explained


def _moving(seen: Lab, scene: Lab, spread: NDArray[np.float32], known: Bits) -> Bits:
    """Where the colours leave what the scene shows within a pixel, weakly but joined to where they do so clearly."""
    kernel = np.ones((3, 3), np.uint8)
    above, below = seen - cv2.dilate(scene, kernel), cv2.erode(scene, kernel) - seen
    change = np.maximum(np.maximum(above, below), 0).max(axis=2)
    least = CHANGE + SPREADS * spread
    found = anchored((change > least) & known, (change > 2 * least) & known, max(12, round(SPECK * change.size)))
    return _without_pores(found, round(PORE * change.size))


def _veil(seen: Lab, scene: Lab, moving: Bits) -> Bits:
    """Where what moves is the scene itself, brightened, darkened or paled."""
    around = Box.around(moving)
    found = np.zeros_like(moving)
    if around is None:
        return found
    part = around.grown(VEIL, moving.shape[1], moving.shape[0]).slices
    one, other, bits = seen[part], scene[part], moving[part]
    ours, theirs, both = _spread(one, one), _spread(other, other), _spread(one, other)
    gain = both / np.maximum(theirs, 1e-3)
    left = np.abs(one - _patch(one) - gain[..., None] * (other - _patch(other))).max(axis=2)
    alike = both > SHINES * np.sqrt(np.maximum(ours * theirs, 1e-3))
    shines = alike & (theirs > PLAIN**2) & (gain > GAINS[0]) & (gain < GAINS[1])
    shines &= bits & (left < LEFT * np.abs(one - other).max(axis=2))
    votes, voters = (cv2.boxFilter(b.astype(np.float32), -1, (VOTE, VOTE)) for b in (shines, bits))
    found[part] = bits & (votes > voters / 2)
    return found


def _spread(one: Lab, other: Lab) -> NDArray[np.float32]:
    """How two pictures (h, w, 3) vary together around every pixel."""
    return np.asarray((_patch(one * other) - _patch(one) * _patch(other)).sum(axis=2), np.float32)


def _patch(planes: Lab) -> Lab:
    """The mean around every pixel."""
    return np.asarray(cv2.boxFilter(planes, -1, (VEIL, VEIL)), np.float32)


def distance_to(bits: Bits) -> NDArray[np.float32]:
    """Distance of every pixel to the nearest of some; far where there is none."""
    if not bits.any():
        return np.full(bits.shape, 1e6, np.float32)
    return np.asarray(cv2.distanceTransform((~bits).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32)


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
    view = _commonest(looks[len(looks) // 3 : -(-2 * len(looks) // 3)])
    found = [(look, _between(look, view)) for look in looks]
    joined = [(look, matrix) for look, matrix in found if matrix is not None]
    if len(joined) < max(LEAST_SAMPLES, len(looks) // 2):
        return None
    size = (view.gray.shape[1], view.gray.shape[0])
    all_ = np.full(view.gray.shape, 255, np.uint8)
    stack = np.stack([cv2.warpPerspective(look.lab, matrix, size) for look, matrix in joined]).astype(np.float32)
    valid = np.stack([cv2.warpPerspective(all_, matrix, size) > 254 for _, matrix in joined])
    lab, spread = _densest(stack, valid)
    still = np.mean([_drift(matrix, size) <= STAYS for _, matrix in joined]) >= MOST_STAYS
    scene = Scene(view, lab, spread, valid.sum(axis=0) >= LEAST_SAMPLES, bool(still))
    some = map(scene.moving, looks[:: max(1, len(looks) // 8)])
    moving = [found.bits.mean() for found in some if found is not None]
    return scene if moving and float(np.median(moving)) <= MOST_MOVING else None


def _sampled(clip: Clip, first: int, last: int, step: int) -> Iterator[Look]:
    part = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
    return (Look.of(frame) for number, frame in enumerate(frames(part)) if number % step == 0)


def _commonest(looks: Sequence[Look]) -> Look:
    """The look that is most like the others: one that a large thing fills shows little to bring these to."""
    small = np.stack([cv2.resize(look.lab, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA) for look in looks])
    apart = [np.median(np.abs(small - one).max(axis=3), axis=(1, 2)).sum() for one in small]
    return looks[int(np.argmin(apart))]


def _between(one: Look, other: Look) -> Matrix | None:
    """The matrix from one view to the other; exactly none for a camera that stands still."""
    steep = one.slope >= np.quantile(one.slope, 1 - EDGES)
    apart = np.abs(one.lab[..., 0] - other.lab[..., 0])[steep] / np.maximum(one.slope[steep], 1e-3)
    if np.median(apart) < STILL:
        return np.eye(3)
    size = (one.gray.shape[1], one.gray.shape[0])
    found = align_features(one.features, other.features, size, "homography")
    return None if found is None else found.matrix


def _drift(matrix: Matrix, size: tuple[int, int]) -> float:
    """Pixels by which a matrix moves the corners of a picture (width, height), in the median: where nothing holds it,
    a corner is off by more in frames that little is seen in.
    """
    corners = np.array([[[x, y]] for x in (0, size[0]) for y in (0, size[1])], np.float64)
    return float(np.median(np.linalg.norm(cv2.perspectiveTransform(corners, matrix) - corners, axis=2)))


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
