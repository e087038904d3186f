"""Scores of a fill against the truth: PSNR, SSIM and warp error, as the video inpainting papers take them.

ProPainter's `core/metrics.py`: PSNR = 20 log10(255 / sqrt(MSE)) over whole RGB frames, SSIM of scikit-image with a
window of 65, both averaged over frames. Warp error after Lai et al. (ECCV 2018), with DIS flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from tools.types import Bits, Gray, Rgb
from tools.vision.motion import dense_flow, warp

SAME = 100.0
"""dB that stand for identical pictures."""


def squared_error(made: Rgb, truth: Rgb, where: Bits | None = None) -> float:
    """Mean squared error in 8-bit steps, of the whole picture or of the pixels `where` is true."""
    gap = made.astype(np.float64) - truth
    return float((gap**2).mean() if where is None else (gap[where] ** 2).mean())


def decibel(error: float) -> float:
    """PSNR in dB of a mean squared error in 8-bit steps; 100 where nothing differs."""
    return SAME if error == 0 else min(SAME, float(10 * np.log10(255**2 / error)))


def whole_psnr(made: Sequence[Rgb], truth: Sequence[Rgb]) -> float:
    """Mean over frames of the whole frame's PSNR."""
    return float(np.mean([decibel(squared_error(a, b)) for a, b in zip(made, truth, strict=True)]))


def ssim(made: Sequence[Rgb], truth: Sequence[Rgb], every: int = 8) -> float:
    """Mean structural similarity of every `every`th frame: it hardly differs between neighbours, and is slow."""
    scores = [
        structural_similarity(a, b, data_range=255, channel_axis=2, win_size=65)
        for a, b in list(zip(made, truth, strict=True))[::every]
    ]
    return float(np.mean(scores))


@dataclass(frozen=True, slots=True)
class Moves:
    """Flow (H, W, 2) from every frame of the truth to the next, and where the flow back agrees (H, W)."""

    flows: tuple[NDArray[np.float32], ...]
    seen: tuple[Bits, ...]


def truth_moves(truth: Sequence[Rgb]) -> Moves:
    """The truth's own motion by DIS; forward and backward agree as Sundaram et al. (ECCV 2010) ask."""
    light = [np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8) for picture in truth]
    found = [_move(one, two) for one, two in pairwise(light)]
    return Moves(tuple(there for there, _ in found), tuple(seen for _, seen in found))


def _move(one: Gray, two: Gray) -> tuple[NDArray[np.float32], Bits]:
    there, back = dense_flow(one, two), dense_flow(two, one)
    round_trip = there + warp(back, there)
    slack = 0.01 * ((there**2).sum(axis=2) + (back**2).sum(axis=2)) + 0.5
    return there, np.asarray((round_trip**2).sum(axis=2) < slack, np.bool_)


def warp_error(made: Sequence[Rgb], moves: Moves) -> float:
    """How much a film changes along the truth's motion, 10⁻³ of squared [0, 1] codes, over what both frames show."""
    errors = []
    for (one, two), motion, seen in zip(pairwise(made), moves.flows, moves.seen, strict=True):
        gap = (warp(two, motion).astype(np.float64) - one)[seen] / 255
        errors.append(float((gap**2).mean()) if seen.any() else 0.0)
    return 1000 * float(np.mean(errors)) if errors else 0.0
