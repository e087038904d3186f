"""Over which frames a dissolve runs, once it is known about where: the best fit of energies and likenesses.

While a picture P dissolves into Q, the share of Q rises linearly. Then the energy of the frames follows a parabola
between those of P and Q, whatever moves in either; their likeness to Q rises linearly from that of the frames before,
and their likeness to P falls linearly to that of the frames after.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.media._cuts_odds import BESIDE, LENGTHS, NEAR, STRAY, Frames, Series, Window, departure, mixed_contrast
from tools.media._cuts_signs import Sign

AWAY = 3
"""Either end is looked for within a third of the stretch."""


def best_extent(signs: Sequence[Sign], first: int, last: int) -> tuple[int, int]:
    """First and last mixed frame, indices into `signs`, of the stretch that fits best near `first` to `last`.

    The whole of `signs` is fitted, whatever the stretch, so that stretches of different length compare.
    """
    window = Window.of(signs)
    reach = max(LENGTHS[0], (last - first + 1) // AWAY)
    inner = range(2, len(signs) - 2)
    found = [
        (a, b)
        for a in range(first - reach, first + reach + 1)
        for b in range(last - reach, last + reach + 1)
        if b - a + 1 >= LENGTHS[0] and a in inner and b in inner
    ]
    if not found:
        return first, last
    ends = np.array(found, np.intp)
    best = int(np.argmin(_unlikeness(window.products, ends) + _unevenness(window, ends)))
    return found[best]


def _shares(ends: Frames, count: int) -> Series:
    """(n, count): the share of the new scene in every frame of the window."""
    first, last = ends[:, :1], ends[:, 1:]
    return np.clip((np.arange(count) - first + 1) / (last - first + 2), 0, 1)


def _unlikeness(products: Series, ends: Frames) -> Series:
    """(n,): mean departure of the likenesses to both ends from a line."""
    count = len(products)
    old, new = ends[:, 0] - 1, ends[:, 1] + 1
    shares = _shares(ends, count)
    to_new = departure(products[new], _mean(products, old - BESIDE + 1, old, new), products[new, new], shares)
    to_old = departure(products[old], _mean(products, new, new + BESIDE - 1, old), products[old, old], 1 - shares)
    frames = np.arange(count)
    before, after = frames <= old[:, None], frames >= new[:, None]
    return np.asarray(np.where(before, to_new, np.where(after, to_old, (to_new + to_old) / 2)).mean(axis=1))


def _mean(products: Series, first: Frames, last: Frames, column: Frames) -> Series:
    """(n,): mean of the rows `first` to `last`, as far as the window goes, each in its column."""
    sums = np.vstack([np.zeros_like(products[:1]), np.cumsum(products, axis=0)])
    first, last = np.maximum(first, 0), np.minimum(last, len(products) - 1)
    return np.asarray((sums[last + 1, column] - sums[first, column]) / (last + 1 - first))


def _unevenness(window: Window, ends: Frames) -> Series:
    """(n,): mean departure of the contrasts from those of a mixture, as a share of half the larger end's."""
    products, contrast = window.products, window.contrast
    old, new = ends[:, 0] - 1, ends[:, 1] + 1
    shares = _shares(ends, len(contrast))
    power = contrast[:, None] ** 2
    only = np.zeros(len(ends), np.intp)
    before = np.sqrt(_mean(power, old - NEAR + 1, old, only))[:, None]
    after = np.sqrt(_mean(power, new, new + NEAR - 1, only))[:, None]
    alike = products[old, new] / np.sqrt(products[old, old] * products[new, new] + 1)
    mixed = mixed_contrast((1 - shares) * before, shares * after, alike)
    apart = 2 * np.abs(contrast - mixed) / np.maximum(np.maximum(before, after), 1e-6)
    return np.asarray(np.minimum(apart, STRAY).mean(axis=1))
