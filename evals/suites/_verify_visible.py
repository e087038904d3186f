"""How visible a fault is, told from the clean pixels alone and never from a check's own value.

A fault is seen against what the shot has of the same kind (contrast masking; Legge and Foley 1980), and not under an
absolute floor of a few levels:

    kind      is measured as                                        just visible from        clearly visible from
    seam      step in luma levels along the edge                    6 and 1.2 times e        12 and 2.5 times e
    colour    shift in Lab units                                    6 and 1.2 times c        10 and 2 times c
    grain     octaves of fine detail, and levels RMS added or lost  0.6 and 1.5 levels       1 and 2.5 levels
    flicker   levels RMS from frame to frame, grain blurred away    1.5 and 1.5 times m      4 and 3 times m
    outside   levels RMS where something changed                    patch 5, else 1.5        patch 10, else 3

e: what the clean picture does along the same edge: its median luma difference over four pixels. c: its median
difference in the direction of the shift in Lab, over the pixels in which the shift fades in. A shift without an edge of
its own is seen against what lies on both sides of the fade: in gravel, tissue and cloth of the tune split, shifts of
twice the contrast right at the edge could not be told from the clean picture by looking. And contrast of lightness
hides no cast. m: the clean region's own change along its motion. Fine detail is what a Gaussian of 1.5 pixels takes
away.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.suites._verify_shots import Floats, Shot
from tools.types import Bits, Box, Rgb

Visible = Literal["clearly", "just"]

RING = 4
"""Width in pixels of the rings on both sides of an edge."""
ARC = 14
"""Side in pixels of the squares that cut an edge into arcs."""
LEAST = 8
FINE = 1.5
STILL = 1.6
"""Sigma in pixels of the blur under which grain does not flicker."""


def edge_contrast(shot: Shot) -> float:
    """Median luma difference in levels across the region's edge, over arcs of the middle frame."""
    middle = len(shot.masks) // 2
    return float(np.median(np.abs(_across(luma(shot.pictures[middle])[..., None], shot.masks[middle]))))


def colour_contrast(shot: Shot, fade: float, direction: NDArray[np.float64]) -> float:
    """Median difference along a direction (3,) of Lab across `fade` pixels inside the edge, in the middle frame."""
    middle = len(shot.masks) // 2
    across = _across(lab_of(shot.pictures[middle]), shot.masks[middle], fade)
    return float(np.median(_along(across, direction / np.linalg.norm(direction))))


def _along(differences: Floats, direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of Lab differences (n, 3) is of a shift's own kind: its share of lightness, its share of chroma."""
    lightness = differences[:, 0] * direction[0]
    chroma = np.linalg.norm(differences[:, 1:], axis=1) * np.linalg.norm(direction[1:])
    return np.asarray(np.hypot(lightness, chroma), np.float64)


def _across(values: Floats, mask: Bits, fade: float = 0.0) -> Floats:
    """Mean of a ring that starts `fade` pixels inside less that of the ring outside, per arc (arcs, channels)."""
    away = [cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (mask, ~mask)]
    rings = [(part > start) & (part <= start + RING) for part, start in zip(away, (fade, 0.0), strict=True)]
    arcs = _arcs(mask, np.asarray(away[0], np.float32))
    found = []
    for arc in np.unique(arcs[rings[0]]):
        inner, outer = (ring & (arcs == arc) for ring in rings)
        if inner.sum() >= LEAST and outer.sum() >= LEAST:
            found.append(values[inner].mean(axis=0) - values[outer].mean(axis=0))
    return np.asarray(found, np.float32) if found else np.zeros((1, values.shape[2]), np.float32)


def _arcs(mask: Bits, depth: Floats) -> NDArray[np.intp]:
    """Number of the arc (h, w) that every pixel is nearest to: squares of `ARC` pixels cut the edge into arcs."""
    places = np.indices(mask.shape) // ARC
    squares = places[0] * 1000 + places[1]
    edge = (depth > 0) & (depth < 2)
    _, nearest = cv2.distanceTransformWithLabels(
        (~edge).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    arc_of = np.zeros(int(nearest.max()) + 1, np.intp)
    arc_of[nearest[edge]] = squares[edge]
    return np.asarray(arc_of[nearest], np.intp)


def luma(picture: Rgb) -> Floats:
    """(h, w) luma of a picture (h, w, 3) in levels."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def lab_of(picture: Rgb) -> Floats:
    """CIE Lab (h, w, 3) of a picture."""
    return np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def detail_change(shot: Shot, pictures: list[Rgb]) -> tuple[float, float]:
    """Octaves of fine detail that a repair gained (or lost, negative) in the region, and levels RMS that changed."""
    clean, made, changed = [], [], []
    for old, new, mask in zip(shot.pictures, pictures, shot.masks, strict=True):
        one, two = (luma(picture) - cv2.GaussianBlur(luma(picture), (0, 0), FINE) for picture in (old, new))
        clean.append(np.square(one[mask]).mean())
        made.append(np.square(two[mask]).mean())
        changed.append(np.square((two - one)[mask]).mean())
    octaves = 0.5 * np.log2((np.mean(made) + 0.1) / (np.mean(clean) + 0.1))
    return float(octaves), float(np.sqrt(np.mean(changed)))


def change_over_time(shot: Shot, pictures: list[Rgb]) -> float:
    """Levels RMS by which a repair's departure from the clean pixels changes from frame to frame, followed."""
    errors = [
        np.asarray(cv2.GaussianBlur(luma(new) - luma(old), (0, 0), STILL), np.float32)
        for old, new in zip(shot.pictures, pictures, strict=True)
    ]
    return _over_time(errors, shot.masks)


def own_change(shot: Shot) -> float:
    """Levels RMS by which the clean region itself changes along its motion, grain blurred away."""
    smooth = [cv2.GaussianBlur(luma(picture), (0, 0), STILL) for picture in shot.pictures]
    return _over_time([np.asarray(picture, np.float32) for picture in smooth], shot.masks)


def _over_time(values: list[Floats], masks: tuple[Bits, ...]) -> float:
    """RMS change of values (h, w) from frame to frame at the same place of the region."""
    crops = []
    for value, mask in zip(values, masks, strict=True):
        box = Box.around(mask)
        assert box is not None
        crops.append(np.where(mask, value, np.nan)[box.slices])
    turns = [np.nanmean(np.square(b - a)) for a, b in pairwise(crops)]
    return float(np.sqrt(np.mean(turns)))


def graded(value: float, just: float, clearly: float) -> Visible | None:
    """How visible a value is, None when it is not to be called a fault."""
    return "clearly" if value >= clearly else "just" if value >= just else None
