"""How likely a dissolve runs over each stretch of frames: signs of a linear mixture, weighed by a logistic fit.

While a picture P dissolves into Q, every frame is close to a mixture of both whose share of Q rises linearly. Its
likeness to Q rises along a line and that to P falls along one, whatever moves in either; its contrast follows that of a
mixture, lower half way, because two pictures average each other out. A pan, a lens that is covered or a light that
changes shows some of this, but not all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.media._cuts_signs import Sign

Series = NDArray[np.float64]
Frames = NDArray[np.intp]

LENGTHS = (4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 23, 26, 29, 32, 36, 40, 44, 48, 52, 56, 60)
"""Mixed frames that are tried, up to two and a half seconds of a film at 24 per second."""
BESIDE = 10
"""Frames beside a stretch that its scenes are known by."""
NEAR = 5
"""The same for their contrast."""
CLEAR = 3
"""Frames of either shot, at least, that stand alone beside a stretch; one more behind it."""
STRAY = 0.3
"""Largest departure that counts, as a share of the way: what happens beyond the joint does not matter."""
LARGEST = 8.0
"""Largest value of a feature."""
WEIGHTS = {
    "odds where nothing is seen": -2.11,
    "likeness of both ends": -2.19,
    "likeness over a half": -1.79,
    "log of the energy beside the mixture": -1.50,
    "departure from the lines of likeness, within": -0.61,
    "departure from them, beside": -0.95,
    "contrast half way": -0.73,
    "contrast too low for two pictures": -1.19,
    "departure from a mixture's contrast": -2.11,
    "log of the length": 1.42,
    "log of the steps within, in those beside": -0.29,
}
"""A logistic fit to the 419 dissolves of seventeen tune sets, among them films of long shots, of moving footage alone
and of pans along panoramas, and to the stretches most like one that were none. Fitted to two thirds of the sets and
tried on the rest in turn: 384 found, 19 false at odds of one to one."""
_WEIGHTS = np.array(list(WEIGHTS.values()))


class Likely(NamedTuple):
    """Mixed frames `first` to `last`, and the log odds that they are those of a dissolve."""

    odds: float
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Window:
    """Some frames: the `products` (n, n) of their coarse pictures, their `energy` (n,) and `contrast` (n,).

    `steps` (n,) is the energy of the change from the frame before.
    """

    products: Series
    energy: Series
    contrast: Series
    steps: Series

    @classmethod
    def of(cls, signs: Sequence[Sign]) -> Window:
        coarse = np.stack([sign.coarse.ravel() for sign in signs]).astype(np.float64)
        products = coarse @ coarse.T
        energy = np.diag(products).copy()
        steps = np.zeros(len(energy))
        steps[1:] = energy[1:] + energy[:-1] - 2 * np.diag(products, 1)
        return cls(products, energy, np.array([sign.contrast for sign in signs]), steps)


def likely(signs: Sequence[Sign], shots: Sequence[tuple[int, int]], lasts: range, least: float) -> Iterator[Likely]:
    """The stretches that end in `lasts` and whose odds are at least `least`; indices into `signs`.

    `shots` are first and last frame of what no known joint divides: a stretch keeps to one of them.
    """
    window = Window.of(signs)
    for shot in shots:
        for length in LENGTHS:
            first, features = mixture_features(window, shot, lasts, length)
            odds = features @ _WEIGHTS
            for index in np.flatnonzero(odds >= least):
                yield Likely(float(odds[index]), int(first[index]), int(first[index]) + length - 1)


def mixture_features(window: Window, shot: tuple[int, int], lasts: range, length: int) -> tuple[Frames, Series]:
    """First frames, (n,), and features, (n, 11) in the order of `WEIGHTS`, of a shot's stretches of one length."""
    low, high = shot
    first = np.arange(
        max(low + CLEAR, lasts.start - length + 1), min(high - CLEAR - length, lasts.stop - length) + 1, dtype=np.intp
    )
    if not len(first):
        return first, np.zeros((0, len(WEIGHTS)))
    products, energy = window.products, window.energy
    old, new = first - 1, first + length
    way = energy[old] + energy[new] - 2 * products[old, new] + 1
    alike = products[old, new] / np.sqrt(energy[old] * energy[new] + 1)
    before, after = _Beside(old, -1, low, high), _Beside(new, 1, low, high)
    mixed = first[:, None] + np.arange(length)
    shares = np.arange(1, length + 1) / (length + 1)
    inside, outside = _departures(window, (old, new), (before, after), mixed, shares)
    seen, uneven = _contrasts(window.contrast, (before, after), mixed, shares, alike)
    steps = window.steps[np.column_stack([mixed, new])]
    quiet = before.mean(window.steps[np.maximum(before.frames, low + 1)]) + after.mean(
        window.steps[np.minimum(after.frames + 1, high)]
    )
    residual = _residual(window, (old, new), mixed, shares) / way
    columns = (
        np.ones(len(first)),
        alike,
        4 * np.maximum(0, alike - 0.5),
        np.log(np.maximum(residual, 0) + 0.01),
        8 * inside,
        8 * outside,
        10 * (seen - 0.9),
        10 * np.maximum(0, 0.65 - seen),
        10 * uneven,
        np.full(len(first), np.log(length / 16)),
        np.log(steps.mean(axis=1) / (quiet / 2 + 1) + 0.1),
    )
    return first, np.clip(np.stack(columns, axis=1), -LARGEST, LARGEST)


class _Beside:
    """The frames before or after each stretch, (n, `BESIDE`), as far as its shot goes."""

    def __init__(self, end: Frames, direction: int, low: int, high: int) -> None:
        places = end[:, None] + direction * np.arange(BESIDE)
        self.known = (places >= low) & (places <= high)
        self.frames = np.clip(places, low, high)

    def mean(self, values: Series) -> Series:
        """(n,): mean over the known frames of `values`, (n, m) for the m nearest."""
        known = self.known[:, : values.shape[1]]
        return np.asarray((values * known).sum(axis=1) / known.sum(axis=1))


def _departures(
    window: Window, ends: tuple[Frames, Frames], beside: tuple[_Beside, _Beside], mixed: Frames, shares: Series
) -> tuple[Series, Series]:
    """(n,) each: mean departure of the likenesses from their lines, within the stretch and beside it."""
    products, energy = window.products, window.energy
    old, new = ends
    before, after = beside
    of_new, of_old = products[before.frames, new[:, None]], products[after.frames, old[:, None]]
    floor_new, floor_old = before.mean(of_new), after.mean(of_old)
    rising = departure(products[mixed, new[:, None]], floor_new, energy[new], shares)
    falling = departure(products[mixed, old[:, None]], floor_old, energy[old], 1 - shares)
    none = np.zeros(BESIDE)
    earlier = before.mean(departure(of_new, floor_new, energy[new], none))
    later = after.mean(departure(of_old, floor_old, energy[old], none))
    return np.asarray((rising + falling).mean(axis=1) / 2), np.asarray((earlier + later) / 2)


def departure(likeness: Series, floor: Series, full: Series, shares: Series) -> Series:
    """(n, m): how far likenesses, (n, m), are from the line `shares` of the way from `floor` to `full`, both (n,)."""
    way = (full - floor)[:, None]
    risen = (likeness - floor[:, None]) / np.maximum(way, 1e-6)
    return np.where(way > 0, np.minimum(np.abs(risen - shares), STRAY), STRAY)


def _contrasts(
    contrast: Series, beside: tuple[_Beside, _Beside], mixed: Frames, shares: Series, alike: Series
) -> tuple[Series, Series]:
    """(n,) each: contrast of the middle half in what lies straight between both ends, and departure from a mixture."""
    power = contrast**2
    before, after = (np.sqrt(side.mean(power[side.frames[:, :NEAR]]))[:, None] for side in beside)
    left, come = (1 - shares) * before, shares * after
    seen = contrast[mixed]
    length = mixed.shape[1]
    middle = slice(length // 4, length - length // 4)
    share = (seen / np.maximum(left + come, 1e-6))[:, middle].mean(axis=1)
    expected = mixed_contrast(left, come, alike)
    apart = np.abs(seen - expected) / np.maximum(np.maximum(before, after), 1e-6)
    return np.asarray(share), np.asarray(np.minimum(apart, STRAY).mean(axis=1))


def mixed_contrast(left: Series, come: Series, alike: Series) -> Series:
    """Contrast (n, m) of what is left of one picture and has come of another, (n, m) each, that are `alike`, (n,)."""
    return np.asarray(np.sqrt(np.maximum(left**2 + come**2 + 2 * alike[:, None] * left * come, 0)))


def _residual(window: Window, ends: tuple[Frames, Frames], mixed: Frames, shares: Series) -> Series:
    """(n,): mean energy of what the frames show beside the mixture of both ends."""
    products, energy = window.products, window.energy
    old, new = ends[0][:, None], ends[1][:, None]
    left = 1 - shares
    both = left**2 * energy[old] + shares**2 * energy[new] + 2 * left * shares * products[old, new]
    common = left * products[mixed, old] + shares * products[mixed, new]
    return np.asarray((energy[mixed] + both - 2 * common).mean(axis=1))
