"""Whether frames show two scenes at once, block by block: each block fitted with what either end shows near its place.

Motion moves a block of one scene, and a passing thing shows a third one; both are explained by one end alone or by
neither. In a dissolve both ends are needed, and the share of the later one rises with time.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media._structure import BLOCK, FLAT, block_places
from tools.types import Gray

REACH = 12
"""Motion between an end and a frame of the dissolve, in pixels of the small picture."""
AT = (0.25, 0.5, 0.75)
"""Shares of the way from end to end at which a frame is looked at."""
NOISE = 128.0
"""Energy added to a block's, so that noise decides nothing: half a level in each of its pixels."""
MOST_WEIGHT = 1.3
WEIGHTS = {
    "where nothing is seen": 2.40,
    "log odds by whole pictures": 1.02,
    "log of what the better end leaves": 1.64,
    "share of it that both together explain": 3.61,
    "departure of the later end's share from time": -1.07,
    "how much of either end is there at a quarter of the way": -1.56,
}
"""A logistic fit to the stretches that `_cuts_odds` calls likely in the seventeen tune sets it was fitted to. Fitted to
three quarters of the sets and tried on the rest in turn: 396 of 419 dissolves found, 20 false; by whole pictures alone
383 and 19 to 390 and 34."""
_WEIGHTS = np.array(list(WEIGHTS.values()))


def blended(odds: float, before: Gray, between: Sequence[Gray], after: Gray) -> float:
    """Log odds of a dissolve from `before` to `after`, given those by whole pictures and the frames at `AT`."""
    blends = [_blend(before, picture, after) for picture in between]
    left = float(np.mean([blend[0] for blend in blends]))
    gain = float(np.mean([blend[1] for blend in blends]))
    shares = np.array([blend[2] for blend in blends])
    early = 5 * float(min(shares[0], 1 - shares[-1]))
    seen = (1.0, odds, np.log(left + 0.01), 5 * gain, 10 * float(np.abs(shares - AT).mean()), early)
    return float(_WEIGHTS @ np.array(seen))


def _blend(before: Gray, picture: Gray, after: Gray) -> tuple[float, float, float]:
    """Share of energy that the better end leaves, how much of that both explain, and the later end's median share."""
    rows = [row for place in block_places(*picture.shape).tolist() if (row := _fitted(before, picture, after, *place))]
    if not rows:
        return 1.0, 0.0, 0.0
    energy, alone, together, share = np.array(rows).T
    gain = (alone.sum() - together.sum()) / (alone.sum() + 1e-6)
    return float(alone.sum() / energy.sum()), float(gain), float(np.median(share))


def _fitted(before: Gray, picture: Gray, after: Gray, y: int, x: int) -> tuple[float, float, float, float] | None:
    """Energy of a block, what the better end leaves of it, what both leave, and the later end's share of the fit."""
    block = picture[y : y + BLOCK, x : x + BLOCK]
    if max(float(p[y : y + BLOCK, x : x + BLOCK].std()) for p in (before, picture, after)) < FLAT:
        return None
    wanted = _centred(block)
    ends = np.stack([_nearest(before, block, y, x), _nearest(after, block, y, x)])
    like, own = ends @ wanted, np.square(ends).sum(axis=1)
    alone = [_left(wanted, weight * end) for weight, end in zip(_clipped(like / (own + NOISE)), ends, strict=True)]
    weights = _clipped(np.asarray(np.linalg.solve(ends @ ends.T + NOISE * np.eye(2), like), np.float64))
    share = weights[1] / (weights.sum() + 1e-6)
    return float(wanted @ wanted) + NOISE, min(alone), _left(wanted, weights @ ends), float(share)


def _nearest(end: Gray, block: Gray, y: int, x: int) -> NDArray[np.float64]:
    """What an end of the stretch shows near a block's place that is most like it, (256,) less its mean."""
    top, left = max(0, y - REACH), max(0, x - REACH)
    area = end[top : y + BLOCK + REACH, left : x + BLOCK + REACH]
    match = cv2.matchTemplate(area, block, cv2.TM_CCOEFF_NORMED)
    # Areas without variance divide by zero; what is left there is no correlation.
    match[~np.isfinite(match) | (np.abs(match) > 1.01)] = -1
    _, _, _, (column, row) = cv2.minMaxLoc(match)
    return _centred(area[row : row + BLOCK, column : column + BLOCK])


def _centred(block: Gray) -> NDArray[np.float64]:
    flat = block.astype(np.float64).ravel()
    return np.asarray(flat - flat.mean())


def _left(wanted: NDArray[np.float64], fitted: NDArray[np.float64]) -> float:
    return float(np.square(wanted - fitted).sum())


def _clipped(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(weights, 0, MOST_WEIGHT)
