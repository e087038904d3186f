"""Small operations on stacks of fields: (n, c, h, w) float32 tensors, the same code on a CPU and on a GPU."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Stack: TypeAlias = torch.Tensor

FAINT = 1e-4
"""Share of a Gaussian's height below which it is nothing: denormal numbers are slow."""
LARGE = 160
"""Side of a grid from which on smooth fields are made on a coarser one."""


def stack(array: NDArray[Any]) -> Stack:
    """(n, h, w) or (h, w) numpy fields as (n, 1, h, w)."""
    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).reshape(-1, 1, *array.shape[-2:])


def planar(values: NDArray[Any]) -> Stack:
    """(n, m, 3) numpy codes as (3, n, m), each plane of its own in memory: mixed layouts are slow."""
    made = np.empty((values.shape[2], *values.shape[:2]), np.float32)
    for plane, whole in zip(made, cv2.split(values), strict=True):
        plane[:] = whole
    return torch.from_numpy(made)


@lru_cache(maxsize=256)
def _bells(length: int, sigma: float) -> torch.Tensor:
    """(length, length): a Gaussian around every place, of which the border cuts off a part."""
    place = torch.arange(length, dtype=torch.float32)
    bell = torch.exp(-0.5 * ((place[:, None] - place) / sigma) ** 2)
    held: Stack = torch.where(bell > FAINT, bell, 0) / (sigma * (2 * torch.pi) ** 0.5)
    return held


def blurred(fields: Stack, sigma: float) -> Stack:
    """A Gaussian mean over zeros beyond the border: divide by the blurred weight. For small grids: by matrices."""
    height, width = fields.shape[-2:]
    near = round(max(sigma, 0.4), 2)
    return _bells(height, near).to(fields.device) @ (fields @ _bells(width, near).to(fields.device))


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


def normalised(weighed: Stack, weight: Stack, sigma: float, pull: float = 1e-4) -> Stack:
    """Normalised convolution (Knutsson and Westin, CVPR 1993) of fields that carry their weight already; the overall
    mean counts as `pull` of a whole window does, which is much where nothing is near.
    """
    size = (weighed.shape[-2], weighed.shape[-1])
    by = max(1, int(sigma if max(size) > LARGE else sigma / 3))
    total = weight.mean(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
    mean = weighed.mean(dim=(-2, -1), keepdim=True) / total
    both = blurred(pooled(torch.cat([weighed, weight.expand(len(weighed), -1, -1, -1)], 1), by), sigma / by)
    made = (both[:, :-1] + pull * mean) / (both[:, -1:] + pull)
    return lifted(made, size) if by > 1 else made


def mean_square(codes: Stack) -> Stack:
    """Mean over the three planes of the square, (n, 3, …) → (n, 1, …)."""
    made = codes[:, :1].square()
    for plane in (1, 2):
        made.addcmul_(codes[:, plane : plane + 1], codes[:, plane : plane + 1])
    return made.div_(3)
