"""Texture for what no picture shows: patches of the surround, put together so that they agree with one another.

Coarse to fine, every patch that touches the hole finds its likest patch of the surround (PatchMatch: Barnes et al.,
SIGGRAPH 2009), and all of them vote for the hole's pixels (Wexler, Shechtman and Irani, PAMI 2007), the likest most.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, grown
from tools.types import Bits

Places = NDArray[np.int64]

SIDE = 7
"""Pixels a side of a patch."""
HALF = SIDE // 2
COARSEST = 5
"""Pixels from the hole's edge to its middle on the coarsest level."""
ROUNDS = (6, 4, 3, 2)
"""Rounds of finding and voting on the coarsest level, the next finer one, and so on; the last number stands for all
that follow."""
SWEEPS = 2
"""Passes of propagation and random search in a round."""
NEIGHBOURS = ((0, 1), (1, 0), (0, -1), (-1, 0), (0, 5), (5, 0), (0, -5), (-5, 0))
"""Neighbours whose match is tried, (down, across) pixels away."""
MOST_PIXELS = 24_000
"""Pixels of a hole that are worked on; a larger one is filled at a smaller size."""


def exemplar_fill(codes: Field, hole: Bits, known: Bits, seed: int) -> Field | None:
    """Codes (h, w, 3), of which the hole holds a first guess, with the hole (h, w) filled by patches of `known`.

    None where the surround holds no whole patch.
    """
    by = max(1.0, float(np.sqrt(hole.sum() / MOST_PIXELS)))
    if by > 1.0:
        return _smaller(codes, hole, known, seed, by)
    depth = cv2.distanceTransform(np.pad(hole, 1).astype(np.uint8), cv2.DIST_L2, 3).max()
    levels = max(0, int(np.ceil(np.log2(max(depth, 1) / COARSEST))))
    scenes = [_Level(codes, hole, known)]
    for _ in range(levels):
        scenes.append(scenes[-1].halved())
    while len(scenes) > 1 and not len(scenes[-1].sources):
        scenes.pop()
    if not len(scenes[-1].sources):
        return None
    rng = np.random.default_rng(seed)
    matches: Places | None = None
    filled = scenes[-1].codes
    for number, scene in enumerate(reversed(scenes)):
        if matches is None:
            nearest = scene.sources[rng.integers(len(scene.sources), size=len(scene.targets))]
        else:
            nearest = scene.taken_over(scenes[len(scenes) - number], matches)
            filled = scene.voted(nearest, np.ones(len(nearest), np.float32))
        for _ in range(ROUNDS[min(number, len(ROUNDS) - 1)]):
            nearest, apart = scene.found(filled, nearest, rng)
            filled = scene.voted(nearest, apart)
        matches = nearest
    return filled


def _smaller(codes: Field, hole: Bits, known: Bits, seed: int, by: float) -> Field | None:
    size = (max(SIDE, round(hole.shape[1] / by)), max(SIDE, round(hole.shape[0] / by)))
    small = np.asarray(cv2.resize(codes, size, interpolation=cv2.INTER_AREA), np.float32)
    shares = [cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA) for part in (hole, known)]
    made = exemplar_fill(small, shares[0] > 0, (shares[1] > 0.999) & (shares[0] == 0), seed)
    if made is None:
        return None
    full = cv2.resize(made, (hole.shape[1], hole.shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.where(hole[..., None], full, codes), np.float32)


class _Level:
    """One level of the pyramid. `targets` (n, 2) are the middles, (row, column), of patches that touch the hole,
    `sources` (m, 2) those of patches that are known whole.
    """

    def __init__(self, codes: Field, hole: Bits, known: Bits) -> None:
        self.codes, self.hole, self.known = codes, hole, known
        inner = np.zeros_like(hole)
        inner[HALF:-HALF, HALF:-HALF] = True
        whole = cv2.erode(known.astype(np.uint8), np.ones((SIDE, SIDE), np.uint8), borderValue=0) > 0
        self.is_source = whole & inner
        self.targets: Places = np.argwhere(grown(hole, HALF) & inner)
        self.sources: Places = np.argwhere(self.is_source)

    def halved(self) -> _Level:
        size = (-(-self.hole.shape[1] // 2), -(-self.hole.shape[0] // 2))
        codes = np.asarray(cv2.resize(self.codes, size, interpolation=cv2.INTER_AREA), np.float32)
        hole, known = (
            cv2.resize(part.astype(np.float32), size, interpolation=cv2.INTER_AREA) for part in (self.hole, self.known)
        )
        return _Level(codes, hole > 0, (known > 0.999) & (hole == 0))

    def taken_over(self, coarser: _Level, matches: Places) -> Places:
        """The matches of the level above as matches of this one."""
        table = np.zeros((*coarser.hole.shape, 2), np.int64)
        table[tuple(coarser.targets.T)] = matches - coarser.targets
        middle = np.clip(self.targets // 2, HALF, np.array(coarser.hole.shape) - HALF - 1)
        return self._legal(self.targets + 2 * table[tuple(middle.T)])

    def _legal(self, wanted: Places) -> Places:
        """Places moved to sources, where they are none."""
        inside = np.clip(wanted, 0, np.array(self.hole.shape) - 1)
        wrong = ~self.is_source[tuple(inside.T)]
        if wrong.any():
            _, nearest = cv2.distanceTransformWithLabels(
                (~self.is_source).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
            )
            place = np.zeros((int(nearest.max()) + 1, 2), np.int64)
            place[nearest[self.is_source]] = self.sources
            inside[wrong] = place[nearest[tuple(inside[wrong].T)]]
        return inside

    def found(self, filled: Field, nearest: Places, rng: np.random.Generator) -> tuple[Places, Field]:
        """Better matches (n, 2) for the patches of a filled picture, and their squared distances (n,)."""
        patches = _patches(filled, self.targets)
        best, apart = nearest.copy(), self._apart(patches, nearest)
        for _ in range(SWEEPS):
            for step in NEIGHBOURS:
                self._tried(patches, best, apart, self._of_neighbour(best, step))
            reach = max(self.hole.shape)
            while reach >= 1:
                shift = rng.integers(-reach, reach + 1, size=best.shape)
                self._tried(patches, best, apart, best + shift)
                reach //= 3
        return best, apart

    def _of_neighbour(self, best: Places, step: tuple[int, int]) -> Places:
        """What every patch would match if it went with its neighbour."""
        table = np.full((*self.hole.shape, 2), -1, np.int64)
        table[tuple(self.targets.T)] = best
        there = np.clip(self.targets + step, 0, np.array(self.hole.shape) - 1)
        matched = table[tuple(there.T)]
        return np.where(matched[:, :1] >= 0, matched - step, -1)

    def _tried(self, patches: Field, best: Places, apart: Field, wanted: Places) -> None:
        """Takes the places that are nearer; those that are no sources are passed over."""
        inside = ((wanted >= 0) & (wanted < np.array(self.hole.shape))).all(axis=1)
        legal = np.flatnonzero(inside)
        legal = legal[self.is_source[tuple(wanted[legal].T)]]
        if not len(legal):
            return
        found = self._apart(patches[legal], wanted[legal])
        nearer = found < apart[legal]
        best[legal[nearer]], apart[legal[nearer]] = wanted[legal[nearer]], found[nearer]

    def _apart(self, patches: Field, places: Places) -> Field:
        difference = patches - _patches(self.codes, places)
        return np.asarray(np.einsum("nk,nk->n", difference, difference) / difference.shape[1], np.float32)

    def voted(self, nearest: Places, apart: Field) -> Field:
        """The hole filled by the weighted mean of what all patches that hold a pixel say of it."""
        spread = max(float(np.quantile(apart, 0.75)), 1.0)
        weight = np.exp(-0.5 * apart / spread).astype(np.float32) + np.float32(1e-6)
        sums = np.zeros((*self.hole.shape, self.codes.shape[2] + 1), np.float32)
        for down in range(-HALF, HALF + 1):
            for across in range(-HALF, HALF + 1):
                rows, columns = self.targets[:, 0] + down, self.targets[:, 1] + across
                said = self.codes[nearest[:, 0] + down, nearest[:, 1] + across]
                sums[rows, columns, :-1] += said * weight[:, None]
                sums[rows, columns, -1] += weight
        mean = sums[..., :-1] / np.maximum(sums[..., -1:], 1e-9)
        return np.where((self.hole & (sums[..., -1] > 0))[..., None], mean, self.codes)


def _patches(codes: Field, middles: Places) -> Field:
    """The patches around some pixels, (n, SIDE² · planes)."""
    windows = np.lib.stride_tricks.sliding_window_view(codes, (SIDE, SIDE), axis=(0, 1))
    return np.ascontiguousarray(windows[middles[:, 0] - HALF, middles[:, 1] - HALF].reshape(len(middles), -1))
