"""Small operations on fields with holes: smoothing that ignores the unknown, and smooth extension into it."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box

Field: TypeAlias = NDArray[np.float32]


def grown(mask: Bits, radius: int) -> Bits:
    """The mask dilated by a disc of `radius` pixels."""
    around = Box.around(mask)
    if radius <= 0 or around is None:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    place = around.grown(radius, mask.shape[1], mask.shape[0]).slices
    made = np.zeros(mask.shape, np.bool_)
    made[place] = cv2.dilate(mask[place].astype(np.uint8), disc)
    return made


def smoothed(field: NDArray[Any], weight: NDArray[Any], sigma: float) -> Field:
    """Normalised convolution (Knutsson and Westin, CVPR 1993): a Gaussian mean of `field` that counts only `weight`.

    `field` is (h, w) or (h, w, c), `weight` (h, w). Computed on a grid no finer than the Gaussian needs. Where nothing
    is in reach the result is the overall weighted mean.
    """
    height, width = weight.shape
    by = max(1, int(sigma / 3))
    size = (max(1, -(-width // by)), max(1, -(-height // by)))
    share = weight.astype(np.float32)
    stack = np.dstack([field.astype(np.float32) * _like(share, field), share])
    small = cv2.resize(stack, size, interpolation=cv2.INTER_AREA) if by > 1 else stack
    total = small.reshape(-1, small.shape[-1]).sum(axis=0)
    blurred = cv2.GaussianBlur(small, (0, 0), sigma / by, borderType=cv2.BORDER_REPLICATE)
    blurred = blurred + (1e-5 / max(float(total[-1]), 1e-6)) * total
    mean = blurred[..., :-1] / np.maximum(blurred[..., -1:], 1e-9)
    full = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR) if by > 1 else mean
    return np.asarray(full, np.float32).reshape(field.shape)


def _like(weight: Field, field: NDArray[Any]) -> Field:
    return weight if field.ndim == 2 else weight[..., None]


def extended(field: NDArray[Any], known: Bits) -> Field:
    """`field` where it is known, and a smooth continuation of it everywhere else.

    Pull-push on a Gaussian pyramid (Gortler et al., SIGGRAPH 1996), close to the membrane that spans the hole.
    """
    values = np.asarray(field.reshape(*known.shape, -1), np.float32)
    result = _pull_push(values, np.asarray(known[..., None], np.float32))
    return result.reshape(field.shape)


def _pull_push(values: Field, weight: Field) -> Field:
    if min(weight.shape[:2]) <= 2 or (weight > 0).all():
        total = max(float(weight.sum()), 1e-9)
        mean = (values * weight).sum(axis=(0, 1), keepdims=True) / total
        return np.asarray(values * weight + mean * (1 - weight), np.float32)
    held = values * weight
    down = cv2.pyrDown(np.dstack([held, weight]))
    density = down[..., -1:]
    level = np.asarray(down[..., :-1] / np.maximum(density, 1e-6), np.float32)
    coarse = _pull_push(level, np.minimum(np.float32(1), density * 4))
    size = (weight.shape[1], weight.shape[0])
    made: Field = np.asarray(cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR), np.float32)
    made = made.reshape(values.shape)
    made *= 1 - weight
    made += held
    return made


def sample(picture: NDArray[Any], x: Field, y: Field, interpolation: int = cv2.INTER_LINEAR) -> Field:
    """`picture` at real positions x, y as float32; beyond its edge the edge repeats."""
    values = cv2.remap(picture, x, y, interpolation, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32)


def square_mean(difference: Field) -> Field:
    """Mean over the planes of the squared difference, (h, w, c) → (h, w)."""
    return np.asarray(np.einsum("hwc,hwc->hw", difference, difference) / difference.shape[2], np.float32)
