"""Whether two small pictures show the same scene: blocks of one looked for in the other."""

from __future__ import annotations

import cv2
import numpy as np

from tools.types import Gray

BLOCK = 16
MATCH = 0.7
"""Normalised correlation from which a block counts as found again."""
FLAT = 2.5
"""Standard deviation, in 8-bit levels, under which a block has no structure to look for."""


def unmatched(before: Gray, after: Gray, reach: int) -> float:
    """Share of `after`'s structured 16×16 blocks that `before` does not show within `reach` pixels of their place.

    Normalised correlation, so light that changes does not count; blocks flat in both pictures do not vote. A block
    that lost all its structure counts as not found.
    """
    height, width = after.shape
    padded = np.pad(before, reach, mode="edge")
    voters, lost = 0, 0
    for y in _starts(height):
        for x in _starts(width):
            here, there = after[y : y + BLOCK, x : x + BLOCK], before[y : y + BLOCK, x : x + BLOCK]
            structure, old_structure = float(here.std()), float(there.std())
            if structure < FLAT and old_structure < FLAT:
                continue
            voters += 1
            if structure < FLAT:
                lost += old_structure > 3 * FLAT
            else:
                lost += not _found(padded[y : y + BLOCK + 2 * reach, x : x + BLOCK + 2 * reach], here)
    return lost / voters if voters else 0.0


def is_flat(picture: Gray) -> bool:
    """A black, white or otherwise empty picture."""
    return float(picture.std()) < FLAT


def _starts(length: int) -> list[int]:
    """Where blocks begin so that they cover `length` evenly."""
    return [int(v) for v in np.linspace(0, max(0, length - BLOCK), max(2, round(length / BLOCK)))]


def _found(area: Gray, block: Gray) -> bool:
    match = cv2.matchTemplate(area, block, cv2.TM_CCOEFF_NORMED)
    # Areas without variance divide by zero; what is left there is no correlation.
    usable = match[np.isfinite(match) & (np.abs(match) <= 1.01)]
    return bool(usable.size and usable.max() >= MATCH)
