"""Small operations on stacks of fields: (n, c, h, w) float32 tensors, the same code on a CPU and on a GPU."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Stack: TypeAlias = torch.Tensor


def stack(array: NDArray[Any]) -> Stack:
    """(n, h, w) or (h, w) numpy fields as (n, 1, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).reshape(-1, 1, *array.shape[-2:])


@lru_cache(maxsize=64)
def _bell(sigma: float) -> tuple[float, ...]:
    """The middle and the right half of a Gaussian that sums to 1."""
    radius = max(1, round(2.5 * sigma))
    bell = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    return tuple(float(share) for share in bell[radius:] / bell.sum())


def blurred(fields: Stack, sigma: float) -> Stack:
    """A Gaussian mean over zeros beyond the border: divide by the blurred weight."""
    return _along(_along(fields, sigma, -1), sigma, -2)


def _along(fields: Stack, sigma: float, axis: int) -> Stack:
    bell = _bell(round(sigma, 2))
    made = fields * bell[0]
    length = fields.shape[axis]
    for offset, share in enumerate(bell[1:length], start=1):
        rest = length - offset
        made.narrow(axis, offset, rest).add_(fields.narrow(axis, 0, rest), alpha=share)
        made.narrow(axis, 0, rest).add_(fields.narrow(axis, offset, rest), alpha=share)
    return made


def pooled(fields: Stack, by: int) -> Stack:
    """Means of blocks of `by` a side; blocks that stick out are means of what is inside."""
    return functional.avg_pool2d(fields, by, ceil_mode=True, count_include_pad=False) if by > 1 else fields


def lifted(fields: Stack, size: tuple[int, int]) -> Stack:
    """Bilinear, to (h, w)."""
    return functional.interpolate(fields, size=size, mode="bilinear", align_corners=False)


def extended(fields: Stack, weight: Stack) -> Stack:
    """Pull-push (Gortler et al., SIGGRAPH 1996): the fields where `weight` is 1, smoothly continued elsewhere."""
    height, width = weight.shape[-2:]
    if min(height, width) <= 2:
        return fields * weight + _mean(fields, weight) * (1 - weight)
    held = pooled(weight, 2)
    down = pooled(fields * weight, 2) / held.clamp_min(1e-6)
    coarse = extended(down, (held * 4).clamp_max(1.0))
    return fields * weight + lifted(coarse, (height, width)) * (1 - weight)


def _mean(fields: Stack, weight: Stack) -> Stack:
    total = weight.sum(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
    return (fields * weight).sum(dim=(-2, -1), keepdim=True) / total


def smoothed(fields: Stack, weight: Stack, sigma: float) -> Stack:
    """Normalised convolution (Knutsson and Westin, CVPR 1993); far from all weight the overall mean."""
    return normalised(fields * weight, weight, sigma)


def normalised(weighed: Stack, weight: Stack, sigma: float) -> Stack:
    """`smoothed` of fields that carry their weight already."""
    by = max(1, int(sigma))
    total = weight.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
    mean = weighed.mean(dim=(-2, -1), keepdim=True) / total
    fine = sigma / by
    made = (blurred(pooled(weighed, by), fine) + 1e-4 * mean) / (blurred(pooled(weight, by), fine) + 1e-4)
    return lifted(made, (weighed.shape[-2], weighed.shape[-1])) if by > 1 else made
