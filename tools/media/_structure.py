"""Whether two small pictures show the same scene: blocks of one looked for in the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from tools.types import Gray

Places = NDArray[np.intp]

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
    search = _Search.of(before, after, reach)
    return (search.lost + sum(not search.finds(place) for place in search.open)) / max(1, search.voters)


def differ(before: Gray, after: Gray, reach: int, share: float) -> bool:
    """Whether `unmatched` is at least `share`; stops looking as soon as that is settled."""
    search = _Search.of(before, after, reach)
    needed, lost = share * max(1, search.voters), search.lost
    for number, place in enumerate(search.open):
        if lost >= needed or lost + len(search.open) - number < needed:
            break
        lost += not search.finds(place)
    return lost >= needed


@dataclass(frozen=True, slots=True)
class _Search:
    """Blocks of one picture to be looked for in another."""

    before: Gray
    after: Gray
    reach: int
    voters: int
    lost: int
    """Blocks that lost their structure: not found without a search."""
    open: list[tuple[int, int]]
    """Row and column of the blocks that are not where they were."""

    @classmethod
    def of(cls, before: Gray, after: Gray, reach: int) -> _Search:
        places = block_places(*after.shape)
        here, there = _blocks(after, places), _blocks(before, places)
        structure, old_structure = _deviation(here), _deviation(there)
        flat = structure < FLAT
        same = (here * there).mean(axis=(1, 2)) >= MATCH * structure * old_structure
        padded = cv2.copyMakeBorder(before, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
        return cls(
            np.asarray(padded, np.uint8),
            after,
            reach,
            voters=int((~flat | (old_structure >= FLAT)).sum()),
            lost=int((flat & (old_structure > 3 * FLAT)).sum()),
            open=[(int(y), int(x)) for y, x in places[~flat & ~same]],
        )

    def finds(self, place: tuple[int, int]) -> bool:
        """Whether the block is seen within reach of its place."""
        y, x = place
        span = BLOCK + 2 * self.reach
        area, block = self.before[y : y + span, x : x + span], self.after[y : y + BLOCK, x : x + BLOCK]
        match = cv2.matchTemplate(area, block, cv2.TM_CCOEFF_NORMED)
        # Areas without variance divide by zero; what is left there is no correlation.
        usable = match[np.isfinite(match) & (np.abs(match) <= 1.01)]
        return bool(usable.size and usable.max() >= MATCH)


def _blocks(picture: Gray, places: Places) -> NDArray[np.float32]:
    """(n, 16, 16), each less its mean."""
    cut = sliding_window_view(picture, (BLOCK, BLOCK))[places[:, 0], places[:, 1]].astype(np.float32)
    return np.asarray(cut - cut.mean(axis=(1, 2), keepdims=True), np.float32)


def _deviation(blocks: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sqrt((blocks * blocks).mean(axis=(1, 2))), np.float32)


@cache
def block_places(height: int, width: int) -> Places:
    """Rows and columns, (n, 2), where blocks begin so that they cover the picture evenly."""
    return np.array([(y, x) for y in _starts(height) for x in _starts(width)], np.intp)


def _starts(length: int) -> list[int]:
    return [int(v) for v in np.linspace(0, max(0, length - BLOCK), max(2, round(length / BLOCK)))]
