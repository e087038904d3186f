"""Smoothing among kin: what is known on the ring is carried into the hole along pixels of like colour.

A hole on a silhouette has two things around it, and a reference may share only one of them. What the ring says about
hair holds for the hair inside the hole, what it says about the wall holds for the wall. A joint bilateral mean
(Petschnigg et al., SIGGRAPH 2004) over a handful of colours of the guiding picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.local.cleanplate.fields import Field, smoothed

COLOURS = 10
LIKENESS = 10.0
"""Distance in 8-bit steps at which two colours are kin by half."""
LEAST_WEIGHT = 24.0
"""Pixels of a kind that the ring must hold before it speaks for that kind."""


@dataclass(frozen=True, slots=True)
class Kin:
    """Which of a few colours each pixel of a guide belongs to: `shares` (n, h, w) sums to 1 over n."""

    shares: Field

    def spread(self, field: NDArray[Any], weight: NDArray[Any], sigma: float) -> Field:
        """`smoothed`, among kin; kinds that the ring does not hold take the mean of all."""
        everyone = smoothed(field, weight, sigma)
        total = np.zeros_like(everyone)
        for share in self.shares:
            held = weight * share
            own = smoothed(field, held, sigma) if held.sum() >= LEAST_WEIGHT else everyone
            total += own * (share if field.ndim == 2 else share[..., None])
        return total

    def known(self, weight: NDArray[Any]) -> Field:
        """Share of every pixel (h, w) whose kind the ring holds."""
        held = [float((weight * share).sum()) >= LEAST_WEIGHT for share in self.shares]
        return np.asarray(self.shares[held].sum(axis=0), np.float32)


def kin_of(guide: Field) -> Kin:
    """The kinds of a picture (h, w, 3)."""
    calm = cv2.GaussianBlur(guide, (0, 0), 1.0)
    flat = np.ascontiguousarray(calm.reshape(-1, calm.shape[2]))
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 12, 0.5)
    some = np.ascontiguousarray(flat[:: max(1, len(flat) // 4000)])
    _, _, centres = cv2.kmeans(
        some, min(COLOURS, len(some)), np.empty((0, 1), np.int32), stop, 1, cv2.KMEANS_PP_CENTERS
    )
    apart = np.stack([((calm - centre) ** 2).sum(axis=2) for centre in centres])
    near = np.exp(-(apart - apart.min(axis=0)) / (2 * LIKENESS**2 * 0.72))
    return Kin(np.asarray(near / near.sum(axis=0), np.float32))
