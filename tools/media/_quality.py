"""How close a coded picture's luma is to the source where it is worst."""

from __future__ import annotations

import math
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Codes: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

BLOCK = 16


def worst_half_psnr(source: Codes, coded: Codes, depth: int) -> float:
    """PSNR in dB of luma over the worse half of the picture's 16×16 blocks; infinite when they are equal.

    A caller who measures only a part of the frame, outside an edit say, sees no less than this as long as the part
    is at least half of the frame.
    """
    square = (source.astype(np.float32) - coded.astype(np.float32)) ** 2
    height, width = square.shape
    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    padded = cv2.copyMakeBorder(square, 0, rows * BLOCK - height, 0, columns * BLOCK - width, cv2.BORDER_REFLECT_101)
    blocks = np.sort(cv2.resize(padded, (columns, rows), interpolation=cv2.INTER_AREA), axis=None)
    worst = float(blocks[len(blocks) // 2 :].mean())
    return 10 * math.log10(((1 << depth) - 1) ** 2 / worst) if worst > 0 else math.inf
