"""Filling from the surround alone, for what no other picture shows."""

from __future__ import annotations

import cv2
import numpy as np

from tools.editors.local.cleanplate.donors import Target
from tools.editors.local.cleanplate.fields import Field, extended, smoothed, square_mean


def spatial_fill(target: Target) -> Field:
    """The target's codes with the hole filled from its surround by a membrane, (h, w, 3).

    On the clips of data/ (nine square holes, 432×240) the membrane beats fast marching (Telea 2004) by 0.1 to 0.7 dB
    and takes a twentieth of its time.
    """
    if not target.known.any():
        return np.full_like(target.codes, 128.0)
    return extended(np.where(target.known[..., None], target.codes, 0), target.known)


def roughness(target: Target) -> float:
    """Mean squared departure of the surround from its own smooth course: what a smooth fill is bound to miss."""
    smooth = smoothed(target.codes, target.known, target.reach)
    error = square_mean(target.codes - smooth)
    near = smoothed(error, target.known, target.reach)
    return float(near[target.hole].mean()) + 1.0


def blended_seam(fill: Field, target: Target) -> Field:
    """The fill moved onto the surround's level at the hole's edge; the difference fades smoothly across the hole.

    The membrane of Poisson image editing (Pérez et al., SIGGRAPH 2003) with its boundary averaged along the edge, so
    that a detail out of place at the edge draws no streak into the hole.
    """
    edge = target.known & (cv2.dilate((~target.known).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0)
    if not edge.any():
        return fill
    gap = smoothed(target.codes - fill, edge, 3.0)
    return fill + extended(np.where(edge[..., None], gap, 0), edge)
