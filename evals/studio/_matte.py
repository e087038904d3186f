"""Mara: the astronaut of scikit-image cut out of her photograph, ready to stand before any other picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage import data

from tools.types import Gray

Pixels = NDArray[np.float32]


def pixels(values: ArrayLike, low: float = 0.0, high: float = 255.0) -> Pixels:
    """Values kept within a range, as single precision."""
    return np.asarray(np.clip(values, low, high), np.float32)


OVERSAMPLE = 3
"""Layer pixels per photograph pixel; shots stay below this scale, so warps hardly ever magnify."""

# Her outline in the 512 × 512 photograph, good to a few pixels; what is near it is decided from the pixels.
# fmt: off
_OUTLINE = (
    (153, 95), (156, 65), (170, 42), (195, 25), (225, 16), (255, 19), (280, 31), (296, 55), (301, 80), (300, 102),
    (290, 120), (279, 130), (276, 136), (268, 138), (262, 160), (256, 175), (280, 192), (300, 220), (305, 234),
    (330, 245), (345, 270), (350, 290), (358, 310), (361, 330), (364, 347), (372, 345), (400, 344), (425, 350),
    (455, 370), (480, 400), (492, 430), (497, 452), (503, 460), (504, 480), (505, 511), (80, 511), (50, 502),
    (30, 482), (20, 455), (19, 428), (19, 400), (22, 390), (25, 350), (30, 325), (35, 305), (45, 280), (55, 260),
    (75, 240), (100, 222), (116, 212), (114, 200), (117, 187), (122, 172), (140, 155), (165, 149), (184, 150),
    (181, 133), (176, 131), (172, 120), (160, 115),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Cutout:
    """A layer: `rgb` (h, w, 3) not premultiplied, 0–255, and `alpha` (h, w) 0–1, `OVERSAMPLE` × the photograph."""

    rgb: Pixels
    alpha: Pixels


def outline() -> NDArray[np.int32]:
    """Her rough outline, (n, 2) points in photograph pixels."""
    return np.array(_OUTLINE, dtype=np.int32)


def _trimap(reach: int) -> Gray:
    inside = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(inside, [outline()], 1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    sure = cv2.erode(inside, disc, borderType=cv2.BORDER_REPLICATE)
    never = cv2.dilate(inside, disc) == 0
    trimap = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[sure > 0], trimap[never] = cv2.GC_FGD, cv2.GC_BGD
    return trimap


def _silhouette(photo: Gray) -> Pixels:
    """(512, 512) 0 or 1: grabCut in a band around the outline, specks and holes removed."""
    trimap = _trimap(reach=6)
    cv2.setRNGSeed(1)
    cv2.grabCut(
        photo[..., ::-1].copy(), trimap, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK
    )
    rough = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    body = cv2.morphologyEx(cv2.morphologyEx(rough, cv2.MORPH_OPEN, disc), cv2.MORPH_CLOSE, disc)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(body)
    return pixels(labels == 1 + int(np.argmax(stats[1:count, cv2.CC_STAT_AREA])), 0, 1)


def _guided(guide: Pixels, mask: Pixels, radius: int, eps: float) -> Pixels:
    """Guided filter with a grey guide in 0–1 (He, Sun and Tang 2010): edges of `mask` follow those of `guide`."""
    size = (2 * radius + 1, 2 * radius + 1)

    def mean(picture: Pixels) -> Pixels:
        return np.asarray(cv2.blur(picture, size), np.float32)

    mean_guide, mean_mask = mean(guide), mean(mask)
    slope = (mean(guide * mask) - mean_guide * mean_mask) / (mean(guide * guide) - mean_guide**2 + eps)
    offset = mean_mask - slope * mean_guide
    return pixels(mean(slope) * guide + mean(offset), 0, 1)


def _clean_edge(rgb: Pixels, alpha: Pixels) -> Pixels:
    """Colours near the edge taken from well inside, so that nothing of the old backdrop comes along."""
    sure = (alpha > 0.97).astype(np.float32)
    out = rgb * sure[..., None]
    weight = sure.copy()
    for sigma in (2.0, 4.0, 8.0, 16.0):
        spread = cv2.GaussianBlur(sure, (0, 0), sigma)
        colour = cv2.GaussianBlur(rgb * sure[..., None], (0, 0), sigma) / np.maximum(spread, 1e-4)[..., None]
        take = (weight == 0) & (spread > 0.02)
        out[take], weight[take] = colour[take], 1
    return np.asarray(out, np.float32)


@cache
def photograph() -> Gray:
    """The photograph she is cut from, (512, 512, 3)."""
    return np.ascontiguousarray(data.astronaut()[..., :3])


def enlarged(picture: Gray) -> Pixels:
    """A picture at `OVERSAMPLE` × its size, Lanczos."""
    size = (picture.shape[1] * OVERSAMPLE, picture.shape[0] * OVERSAMPLE)
    return pixels(cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_LANCZOS4))


@cache
def mara() -> Cutout:
    """Her cut-out; the same on every call."""
    photo = photograph()
    rgb = enlarged(photo)
    coarse = cv2.resize(_silhouette(photo), rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    coarse = pixels(cv2.GaussianBlur(np.clip(coarse, 0, 1), (0, 0), 2.0), 0, 1)
    grey = pixels(cv2.cvtColor(rgb / 255, cv2.COLOR_RGB2GRAY), 0, 1)
    fine = _guided(grey, coarse, radius=6, eps=2e-3)
    alpha = pixels((fine - 0.25) / 0.6, 0, 1)
    return Cutout(_clean_edge(rgb, alpha), alpha)
