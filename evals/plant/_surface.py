"""Edits in a frame's own samples, and what is known of the picture around a place: light, sharpness, grain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from evals.plant._paint import Pixels, clipped
from tools.media.pixels import Codes, composite, from_444, part_of, rgb8, rgb8_to_444, to_444, whole_samples, with_part
from tools.types import Bits, Box, Frame, Rgb
from tools.vision.grain import block_features

Edit = Callable[[Pixels], Pixels]
"""From R, G, B (h, w, 3) of a part of a frame, 0 to 255, to what it becomes."""
KEPT = 0.87
"""What is left of white noise of deviation 1 when a Gaussian of deviation 1 is taken off: √(1 - 1/π + 1/4π)."""
CALM = 0.1
"""Share of the blocks, the calmest ones, that are taken to hold grain and no texture."""
STEEPEST = 0.4
"""A Gaussian edge of deviation s rises by this over s per pixel at its steepest: 1/√(2π)."""


def edited(frame: Frame, box: Box, mask: Bits, edit: Edit) -> Frame:
    """The frame with `edit` inside the mask (h, w of the box) and every other sample as it was.

    The change is added to the samples, so what an edit leaves alone keeps its exact code values.
    """
    outer = whole_samples(box, frame)
    inside = np.zeros((outer.h, outer.w), np.bool_)
    inside[box.y - outer.y : box.y - outer.y + box.h, box.x - outer.x : box.x - outer.x + box.w] = mask
    part = part_of(frame, outer)
    before = rgb8(part)
    after = np.rint(clipped(edit_within(before, outer, box, edit), 0, 255)).astype(np.uint8)
    change = rgb8_to_444(after, part).astype(np.int32) - rgb8_to_444(before, part)
    top = (1 << part.layout.depth) - 1
    whole = np.clip(to_444(part).astype(np.int32) + change, 0, top)
    codes: Codes = whole.astype(np.uint8) if part.layout.depth <= 8 else whole.astype(np.uint16)
    return with_part(frame, composite(part, from_444(codes, part), inside), outer)


def edit_within(before: Rgb, outer: Box, box: Box, edit: Edit) -> Pixels:
    """The part with only the box edited."""
    after = before.astype(np.float32)
    inner = Box(box.x - outer.x, box.y - outer.y, box.w, box.h)
    after[inner.slices] = edit(after[inner.slices])
    return after


@dataclass(frozen=True, slots=True)
class Surface:
    """What the picture is like at a place: R, G, B of the surface and of white there (0 to 255), the surface's luma,
    the deviation of blur that its edges have in pixels, and of its grain in levels."""

    colour: Pixels
    white: Pixels
    level: float
    blur: float
    grain: float


def look_at(picture: Rgb, box: Box) -> Surface:
    """Measures a place of a picture (h, w, 3); the surround counts for light, sharpness and grain."""
    height, width = picture.shape[:2]
    around = box.grown(max(24, max(box.w, box.h) // 2), width, height)
    near, own = picture[around.slices], picture[box.slices]
    gray = np.asarray(cv2.cvtColor(near, cv2.COLOR_RGB2GRAY), np.uint8)
    return Surface(
        colour=np.asarray(own.reshape(-1, 3).mean(axis=0), np.float32),
        white=_white(picture, near),
        level=float(cv2.cvtColor(own, cv2.COLOR_RGB2GRAY).mean()),
        blur=_blur(gray),
        grain=_grain(gray),
    )


def _white(picture: Rgb, near: Rgb) -> Pixels:
    """What a white thing would be here: the bright end nearby, but no darker than a third of the picture's."""
    local, whole = (np.quantile(part[::3, ::3].reshape(-1, 3), 0.96, axis=0) for part in (near, picture))
    level = np.maximum(local, 0.45 * whole).mean()
    cast = (local + 20) / (local + 20).mean()
    return clipped(cast * max(float(level), 60.0), 40, 255)


def _blur(gray: Rgb | Pixels) -> float:
    """Deviation in pixels of the blur of the sharper edges (see `STEEPEST`), kept within a lens's and a whip pan's."""
    picture = np.asarray(gray, np.float32)
    kernel = np.ones((1, 9), np.uint8)
    span = cv2.dilate(picture, kernel) - cv2.erode(picture, kernel)
    step = cv2.dilate(np.abs(np.diff(picture, axis=1, append=picture[:, -1:])), kernel)
    strong = span >= max(16.0, float(np.quantile(span, 0.85)))
    if strong.sum() < 40:
        return 1.0
    return float(np.clip(STEEPEST / np.quantile(step[strong] / span[strong], 0.7), 0.45, 2.5))


def _grain(gray: Rgb) -> float:
    """Deviation of the grain in levels: what the finest detail comes to where there is no other."""
    found = block_features(gray)
    lit = found[..., 0][(found[..., 2] > 20) & (found[..., 2] < 235)]
    return float(np.quantile(lit, CALM)) / KEPT if lit.size else 0.5


def shading(before: Pixels, level: float) -> Pixels:
    """Light on a part (h, w, 1), against the surface's first luma: its shadows and changes, not its texture."""
    gray = cv2.cvtColor(before, cv2.COLOR_RGB2GRAY)
    coarse = cv2.resize(gray, (4, 4), interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(cv2.blur(coarse, (3, 3)), (gray.shape[1], gray.shape[0]), interpolation=cv2.INTER_LINEAR)
    return clipped(((smooth + 24) / (level + 24)) ** 0.7, 0.5, 1.5)[..., None]


def grain_like(size: tuple[int, int], deviation: float, seed: tuple[int, ...]) -> Pixels:
    """One frame's grain (h, w, 1), a little wider than a pixel."""
    noise = np.random.default_rng(seed).standard_normal(size, np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 0.55)
    return np.asarray(soft * (deviation / max(float(soft.std()), 1e-6)), np.float32)[..., None]
