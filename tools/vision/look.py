"""The look of footage as a whole: lightness, tint and contrast, and how one scene's look is given to a take.

Pictures of one scene show different things, so a look is told by robust statistics alone (medians and the spread
between quartiles of CIE Lab) and is moved within bounds: a transfer of mean and spread as Reinhard et al. 2001 make it,
in Lab.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from tools.types import Rgb

Floats = NDArray[np.float32]
Triple = NDArray[np.float64]

SIDE = 96
"""Longer side in pixels of the pictures that a look is told from."""
MOST_SHIFT = np.array([15.0, 10.0, 10.0])
"""How far L*, a* and b* are moved at most."""
GAINS = (0.8, 1.25)
"""How far the spread is changed at most."""
LIKE = 2.0
"""CIEDE2000 between the medians under which nothing is moved."""
LEAST_SPREAD = 2.0


@dataclass(frozen=True)
class Look:
    """Medians and quartile spreads of L*, a*, b*, and how far the pictures' own medians lie apart (CIEDE2000)."""

    middle: Triple
    spread: Triple
    varies: float


@dataclass(frozen=True)
class Grade:
    """A change of look: Lab is scaled by `gain` around `around` and moved by `shift`."""

    around: Triple
    gain: Triple
    shift: Triple

    def graded(self, picture: Rgb) -> Rgb:
        """A picture (H, W, 3) in the other look."""
        lab = lab_of(picture)
        made = (lab - self.around) * self.gain + self.around + self.shift
        rgb = cv2.cvtColor(made.astype(np.float32), cv2.COLOR_Lab2RGB)
        return np.clip(np.rint(rgb * 255), 0, 255).astype(np.uint8)


def look_of(pictures: Iterable[Rgb]) -> Look:
    """The look of some pictures of one scene. ValueError when there are none."""
    small = [lab_of(_small(picture)).reshape(-1, 3) for picture in pictures]
    if not small:
        raise ValueError("a look needs a picture")
    middles = np.array([np.median(one, axis=0) for one in small])
    spreads = np.array([np.subtract(*np.percentile(one, [75, 25], axis=0)) for one in small])
    middle = np.median(middles, axis=0)
    varies = float(np.median([difference(one, middle) for one in middles]))
    return Look(middle, np.maximum(np.median(spreads, axis=0), LEAST_SPREAD), varies)


def apart(one: Look, other: Look) -> float:
    """CIEDE2000 between the medians of two looks."""
    return difference(one.middle, other.middle)


def grade(taken: Look, scene: Look) -> Grade | None:
    """What brings a take to a scene's look, within bounds; None where it is there already."""
    gain = np.clip(scene.spread / taken.spread, *GAINS)
    if apart(taken, scene) < max(LIKE, scene.varies):
        return None
    shift = np.clip(scene.middle - taken.middle, -MOST_SHIFT, MOST_SHIFT)
    return Grade(taken.middle, np.asarray(gain, np.float64), np.asarray(shift, np.float64))


def difference(one: Triple, other: Triple) -> float:
    """CIEDE2000 between two colours in Lab."""
    return float(deltaE_ciede2000(one, other))


def lab_of(picture: Rgb) -> Floats:
    """CIE Lab (H, W, 3) of a picture."""
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def _small(picture: Rgb) -> Rgb:
    scale = min(1.0, SIDE / max(picture.shape[:2]))
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def evenly(count: int, most: int) -> Sequence[int]:
    """At most `most` of `count` indices, evenly."""
    return sorted({round(place * (count - 1) / max(1, most - 1)) for place in range(min(count, most))})
