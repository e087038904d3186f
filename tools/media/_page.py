"""What on a designed page is no picture: colour chips, and lettering on its own ground (cards, bands, lists).

Both are told from their pixels alone, in CIELAB: chips are flat along rows or columns; lettering is many small or thin
things on one even ground.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits

Lab = NDArray[np.float32]
FLAT = 2.5  # standard deviation in Lab of one colour, JPEG noise and all
INK = 8.0  # CIE76 of lettering from its ground
GROUND = 0.5  # share of a card that is its ground
SOLID = 0.03  # share of a card that the largest thing on it may fill
INKED = 0.6  # share of a line's box that words fill at most
STROKE = 0.3  # half of a letter's stroke against the line's height
ROUND = 0.08  # radius of the largest disc in anything on it, against the card's shorter side


def is_flat(lab: Lab) -> bool:
    """Whether a region is one colour, apart from what lies round it."""
    return _spread(middle(lab)) < FLAT


def is_strip(lab: Lab, thin: int) -> bool:
    """Whether a region is chips side by side, with or without their codes; strokes up to `thin` pixels are a pen's."""
    inset = max(2, round(0.04 * min(lab.shape[:2])))
    inner = lab[inset:-inset, inset:-inset]
    return any(_striped(part, thin) for part in (inner, inner.transpose(1, 0, 2)))


def is_disc(inside: Bits) -> bool:
    """Whether a body that fills its box from side to side is round."""
    height, width = inside.shape
    return abs(height - width) <= 0.08 * max(height, width) and abs(float(inside.mean()) - np.pi / 4) < 0.05


def is_coded_disc(lab: Lab, thin: int) -> bool:
    """Whether a region is one round chip with a code written on it."""
    ink = off_ground(lab)
    return is_disc(_filled(ink != ink[0, 0])) and is_lettered(middle(lab), thin)


def is_lettered(lab: Lab, thin: int) -> bool:
    """Whether a region is lettering on an even ground of its own; strokes up to `thin` pixels are pens' strokes."""
    inset = max(2, round(0.02 * min(lab.shape[:2])))
    inner = lab[inset:-inset, inset:-inset]
    if min(inner.shape[:2]) < 8:
        return False
    ink = off_ground(inner)
    if ink.mean() > 1 - GROUND:
        return False
    return _small_things(ink, thin)


def is_line_of_text(lab: Lab) -> bool:
    """Whether a low region is one line of words: strokes, thin against their height, and paper between them."""
    height, width = lab.shape[:2]
    ink = off_ground(lab)
    if width < 1.5 * height or ink.mean() > INKED:
        return False
    return bool(cv2.distanceTransform(ink.astype(np.uint8), cv2.DIST_L2, 3).max() < STROKE * height)


def off_ground(lab: Lab) -> Bits:
    """What differs from the region's commonest colour, which may change slowly across it."""
    step = max(1, round(max(lab.shape[:2]) / 200))
    few = lab[::step, ::step].reshape(-1, 3)
    ground = _mode(few)
    near = np.linalg.norm(few - ground, axis=1) < 3 * INK
    ground = np.median(few[near], axis=0) if near.any() else ground
    return np.asarray(np.linalg.norm(lab - ground, axis=2) > INK, np.bool_)


def _mode(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """The middle of the fullest cell of a coarse grid of colours."""
    cells = np.floor(colours / 6).astype(np.int64)
    _, at, counts = np.unique(cells @ np.array([1 << 20, 1 << 10, 1]), return_inverse=True, return_counts=True)
    return np.asarray(np.median(colours[at == counts.argmax()], axis=0), np.float32)


def _small_things(ink: Bits, thin: int) -> bool:
    """Whether everything that stands on the ground is small, thin, or in lines much wider than high."""
    filled = _filled(ink).astype(np.uint8)
    radius = float(cv2.distanceTransform(np.pad(filled, 1), cv2.DIST_L2, 3).max())
    if radius < max(thin, ROUND * min(ink.shape)):
        return True
    _, _, stats, _ = cv2.connectedComponentsWithStats(filled)
    if stats.shape[0] < 2:
        return True
    return int(stats[1:, cv2.CC_STAT_AREA].max()) < SOLID * ink.size


def _filled(ink: Bits) -> Bits:
    """With everything that an outline encloses."""
    edges, _ = cv2.findContours(ink.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return np.asarray(cv2.drawContours(np.zeros(ink.shape, np.uint8), edges, -1, 1, cv2.FILLED), np.bool_)


def _striped(lab: Lab, thin: int) -> bool:
    """Whether a region falls into upright parts that are each one colour but for a code written on it."""
    along = np.median(lab, axis=0)
    steps = np.linalg.norm(np.diff(along, axis=0), axis=1) > FLAT
    edges = np.flatnonzero(np.diff(np.r_[True, steps, True].astype(np.int8)))
    parts = [(a, b) for a, b in zip(edges[::2], edges[1::2] + 1, strict=True) if b - a >= max(6, thin)]
    covered = sum(b - a for a, b in parts)
    return covered > 0.75 * lab.shape[1] and len(parts) > 1 and all(_coded(lab[:, a:b], thin) for a, b in parts)


def _coded(lab: Lab, thin: int) -> bool:
    """Whether a region is one colour but for what is written on it."""
    ink = np.linalg.norm(lab - np.median(lab.reshape(-1, 3), axis=0), axis=2) > INK
    return bool(ink.mean() < 0.35) and (bool(ink.mean() < 0.02) or _small_things(ink, thin))


def _spread(lab: Lab) -> float:
    return float(np.std(lab.reshape(-1, 3), axis=0).max())


def middle(lab: Lab) -> Lab:
    """Without the outer fifth, where a disc shows the paper and a frame its line."""
    y, x = lab.shape[0] // 5, lab.shape[1] // 5
    return lab[y : lab.shape[0] - y, x : lab.shape[1] - x]
