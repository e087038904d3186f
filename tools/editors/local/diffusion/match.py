"""A model's colours matched to the surround: what it got wrong where the truth is shown, taken back where it is not."""

from __future__ import annotations

import cv2
import numpy as np

from tools.editors.local.cleanplate.fields import Field, extended, grown, smoothed
from tools.types import Bits, Rgb

RIM = 8
"""Pixels at the model's size by which its hole is wider than the edit's region: one latent cell."""
REACH = 0.06
"""Width of the ring around the region that is compared, as a share of the crop's mean side."""
LEAST_REACH = 8
MOST = 48.0
"""Levels of 255 beyond which a difference is a drawing and not a colour: it counts as this much."""
LEAST_RING = 64


def matched(made: Field, right: Field, hole: Bits) -> Field:
    """The made picture (h, w, 3) in 0-255 with its broad colours moved to those of the surround.

    The difference to `right` is taken in a ring around `hole`, where the model was shown the truth and repeats it,
    smoothed so that only tint and light are left of it, and continued into the hole as a membrane (Pérez et al. 2003
    without the gradients' detail). Without a ring (all of the picture is new) nothing is moved.
    """
    reach = max(LEAST_REACH, round(REACH * sum(hole.shape) / 2))
    ring = grown(hole, reach) & ~hole
    if int(ring.sum()) < LEAST_RING:
        return made
    gap = np.clip(right - made, -MOST, MOST)
    broad = smoothed(gap, ring, reach / 2)
    return np.asarray(np.clip(made + extended(broad, ring), 0, 255), np.float32)


def wide(hole: Bits, by: int = RIM) -> Bits:
    """The hole that a model is given: grown by `by` pixels and its pinholes closed. A tight one leaves a rim."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    closed = cv2.morphologyEx(grown(hole, by).astype(np.uint8), cv2.MORPH_CLOSE, disc)
    return np.asarray(closed, np.bool_)


def blanked(picture: Rgb, hole: Bits) -> Rgb:
    """A picture (h, w, 3) with a smooth continuation of the surround in its hole: nothing of that is left to see."""
    if hole.all():
        return np.full_like(picture, 128)
    smooth = extended(picture.astype(np.float32), ~hole)
    return np.asarray(np.where(hole[..., None], np.clip(np.rint(smooth), 0, 255), picture), np.uint8)
