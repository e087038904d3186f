"""Tiny films made on the spot: textured pictures that pan slowly, and a thing that pops in and out of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.encode import Writer
from tools.types import Box, ColourTags, Frame, MediaInfo, PixelLayout, Rgb

WIDTH, HEIGHT, FPS = 160, 96, Fraction(24)
GBR = PixelLayout(name="gbrp", family="rgb", depth=8)


def sketch(seed: int, frames: int, pan: float = 0.5) -> list[Rgb]:
    """A soft texture of its own under living grain, moving `pan` pixels to the left per frame."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(80, 160, (7, 12, 1)) + rng.uniform(-4, 4, (7, 12, 3))
    wide = np.asarray(
        cv2.resize(coarse.astype(np.float32), (WIDTH + 64, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32
    )
    detail = cv2.GaussianBlur(rng.normal(0, 24, wide.shape[:2]).astype(np.float32), (0, 0), 1.2)
    still = np.asarray(wide + detail[..., None], np.float32)
    return [_graded(_window(still, index * pan), rng) for index in range(frames)]


def _window(wide: NDArray[np.float32], shift: float) -> NDArray[np.float32]:
    matrix = np.array([[1, 0, -shift], [0, 1, 0]], np.float32)
    return np.asarray(cv2.warpAffine(wide, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR), np.float32)


def _graded(picture: NDArray[np.float32], rng: np.random.Generator) -> Rgb:
    grain = rng.normal(0, 2.0, (*picture.shape[:2], 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def popped(frames: Sequence[Rgb], box: Box, first: int, last: int, pan: float = 0.5) -> list[Rgb]:
    """The frames with a bright disc that is there from `first` to `last` and moves with the picture."""
    made = [frame.copy() for frame in frames]
    for index in range(first, last + 1):
        centre = (round(box.x + box.w / 2 - (index - first) * pan), box.y + box.h // 2)
        cv2.ellipse(made[index], centre, (box.w // 2, box.h // 2), 0, 0, 360, (250, 240, 30), -1, cv2.LINE_AA)
    return made


def shot_file(path: Path, frames: Sequence[Rgb]) -> Path:
    """The frames as an H.264 film of their size at 24 fps."""
    height, width = frames[0].shape[:2]
    like = MediaInfo(
        path=path.with_suffix(".source"),
        kind="video",
        width=width,
        height=height,
        fps=FPS,
        frames=len(frames),
        container="mp4",
        codec="h264",
        pixel_format="yuv420p",
        bit_depth=8,
    )
    with Writer(path, like, codec="h264") as writer:
        for index, picture in enumerate(frames):
            planes = tuple(np.ascontiguousarray(picture[..., channel]) for channel in range(3))
            writer.write(Frame(index, planes, GBR, ColourTags()))
    return path
