"""Over which frames a dissolve runs: the stretch whose energies and likenesses follow a linear mixture best.

While a picture P dissolves into Q, the share of Q rises linearly. Then the energy of the frames follows a parabola
between those of P and Q, whatever moves in either; their likeness to Q rises linearly from that of the frames before,
and their likeness to P falls linearly to that of the frames after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.media._cuts_signs import Sign

BESIDE = 10
"""Frames beside a stretch that its scenes are known by."""
NEAR = 5
"""The same for their energy."""
STRAY = 0.3
"""Largest departure that counts, as a share of the way: what happens beyond the joint does not matter."""
JOLT = 0.15
"""Largest energy of a step from one frame to the next, in that of the way from end to end: a cut, a covered lens or a
shaken camera is no part of a mixture. Of the dissolves of eight tune sets one in a hundred has more than 0.13; where
nothing dissolves, one stretch in three has more than this."""
GRID = 3
"""Frames between the ends that are tried first."""
Series = NDArray[np.float64]
Ends = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Span:
    """Mixed frames `first` to `last`, as indices into a window, and how far they are from a mixture of their ends.

    `departure` is that of energies and likenesses from their lines. `residual` is the mean energy of what the frames
    show beside the mixture, in that of the way from end to end. `likeness` is the correlation of both ends.
    """

    first: int
    last: int
    departure: float
    residual: float
    likeness: float


def best_span(signs: Sequence[Sign], firsts: range, lasts: range, lengths: range) -> Span | None:
    """The stretch of mixed frames that fits best; None when the window has room for none.

    Its first frame is looked for among `firsts`, its last among `lasts`, both indices into `signs`, its length among
    `lengths`.
    """
    window = _Window.of(signs)
    rough = window.best(firsts[::GRID], lasts[::GRID], lengths)
    if rough is None:
        return None
    near = range(1 - GRID, GRID)
    fine = window.best(
        [rough[0] + step for step in near if rough[0] + step in firsts],
        [rough[1] + step for step in near if rough[1] + step in lasts],
        lengths,
    )
    return window.span(*(fine or rough))


@dataclass(frozen=True, slots=True)
class _Window:
    """The frames that a stretch is looked for in.

    `coarse` (n, pixels), the pictures' `products` with each other (n, n), their `contrast` (n,), and at `steps` [a, b]
    (n - 1, n - 1) the largest energy of a step from one frame to the next among steps a to b.
    """

    coarse: NDArray[np.float32]
    products: Series
    contrast: Series
    steps: Series

    @classmethod
    def of(cls, signs: Sequence[Sign]) -> _Window:
        coarse = np.stack([sign.coarse.ravel() for sign in signs])
        energies = np.square(np.diff(coarse, axis=0)).sum(axis=1, dtype=np.float64)
        steps = np.maximum.accumulate(np.triu(np.broadcast_to(energies, (len(energies), len(energies)))), axis=1)
        contrast = np.array([sign.contrast for sign in signs])
        return cls(coarse, np.asarray(coarse @ coarse.T, np.float64), contrast, steps)

    def best(self, firsts: Sequence[int], lasts: Sequence[int], lengths: range) -> tuple[int, int, float] | None:
        """First and last frame of the best smooth stretch, and its departure."""
        inner = range(2, len(self.contrast) - 2)
        found = [(a, b) for a in firsts for b in lasts if b - a + 1 in lengths and a in inner and b in inner]
        pairs = self._smooth(np.array(found, np.intp).reshape(-1, 2))
        if not len(pairs):
            return None
        departures = _unlikeness(self.products, pairs) + _unevenness(self.products, self.contrast, pairs)
        best = int(np.argmin(departures))
        return int(pairs[best, 0]), int(pairs[best, 1]), float(departures[best])

    def _smooth(self, pairs: Ends) -> Ends:
        """Those of the stretches `pairs`, (n, 2), that go from end to end without a jolt."""
        old, new = pairs[:, 0] - 1, pairs[:, 1] + 1
        way = self.products[old, old] + self.products[new, new] - 2 * self.products[old, new]
        return pairs[self.steps[old, new - 1] <= JOLT * (way + 1)]

    def span(self, first: int, last: int, departure: float) -> Span:
        """The stretch with what its pictures and both ends show of it."""
        seen = self.coarse[first - 1 : last + 2]
        old, new = seen[0], seen[-1]
        shares = np.linspace(0, 1, len(seen), dtype=np.float32)[:, None]
        way = float(np.square(new - old).sum()) + 1
        beside = np.square(seen - (1 - shares) * old - shares * new).sum(axis=1)[1:-1]
        likeness = float(old @ new) / (float(np.linalg.norm(old) * np.linalg.norm(new)) + 1)
        return Span(first, last, departure, float(beside.mean()) / way, likeness)


def _shares(pairs: Ends, count: int) -> Series:
    """(n, count): the share of the new scene in every frame of the window."""
    first, last = pairs[:, :1], pairs[:, 1:]
    return np.clip((np.arange(count) - first + 1) / (last - first + 2), 0, 1)


def _unlikeness(products: Series, pairs: Ends) -> Series:
    """(n,): mean departure of the likenesses to both ends from a line."""
    count = len(products)
    old, new = pairs[:, 0] - 1, pairs[:, 1] + 1
    shares = _shares(pairs, count)
    to_new = _departure(products[new], _mean(products, old - BESIDE + 1, old, new), products[new, new], shares)
    to_old = _departure(products[old], _mean(products, new, new + BESIDE - 1, old), products[old, old], 1 - shares)
    frames = np.arange(count)
    before, after = frames <= old[:, None], frames >= new[:, None]
    return np.asarray(np.where(before, to_new, np.where(after, to_old, (to_new + to_old) / 2)).mean(axis=1))


def _departure(likeness: Series, floor: Series, full: Series, shares: Series) -> Series:
    way = (full - floor)[:, None]
    risen = (likeness - floor[:, None]) / np.maximum(way, 1e-6)
    return np.where(way > 0, np.minimum(np.abs(risen - shares), STRAY), STRAY)


def _mean(products: Series, first: Ends, last: Ends, column: Ends) -> Series:
    """(n,): mean of the rows `first` to `last`, as far as the window goes, each in its column."""
    sums = np.vstack([np.zeros_like(products[:1]), np.cumsum(products, axis=0)])
    first, last = np.maximum(first, 0), np.minimum(last, len(products) - 1)
    return np.asarray((sums[last + 1, column] - sums[first, column]) / (last + 1 - first))


def _unevenness(products: Series, contrast: Series, pairs: Ends) -> Series:
    """(n,): mean departure of the contrasts from those of a mixture, as a share of half the larger end's."""
    old, new = pairs[:, 0] - 1, pairs[:, 1] + 1
    shares = _shares(pairs, len(contrast))
    energy = contrast[:, None] ** 2
    only = np.zeros(len(pairs), np.intp)
    before = np.sqrt(_mean(energy, old - NEAR + 1, old, only))[:, None]
    after = np.sqrt(_mean(energy, new, new + NEAR - 1, only))[:, None]
    alike = (products[old, new] / np.sqrt(products[old, old] * products[new, new] + 1))[:, None]
    left, come = (1 - shares) * before, shares * after
    mixed = np.sqrt(np.maximum(left**2 + come**2 + 2 * alike * left * come, 0))
    departure = 2 * np.abs(contrast - mixed) / np.maximum(np.maximum(before, after), 1e-6)
    return np.asarray(np.minimum(departure, STRAY).mean(axis=1))
