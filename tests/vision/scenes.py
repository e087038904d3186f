"""Scenes whose motion is known: a large texture seen through a moving camera, and films of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from tools.media._layouts import layout_of
from tools.media.encode import write_video
from tools.types import Bits, ColourTags, Frame, Gray, MediaInfo

WIDTH, HEIGHT = 640, 360
DIAGONAL = float(np.hypot(WIDTH, HEIGHT))


def backdrop() -> NDArray[np.uint8]:
    """(900, 1600) luma of a photograph, with detail everywhere."""
    photograph = cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2GRAY)
    big = cv2.resize(photograph, (1600, 900), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    weave = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 60, big.shape).astype(np.float32), (0, 0), 1.5)
    return np.asarray(np.clip(big + weave, 0, 255), np.uint8)


def seen(
    scene: Gray, x: float, y: float, *, turn: float = 0.0, smear: int = 0, grain: float = 0.0, seed: int = 0
) -> Gray:
    """The scene through a camera at (x, y), turned by degrees about the picture's middle, smeared across."""
    view = cv2.getRotationMatrix2D((x + WIDTH / 2, y + HEIGHT / 2), turn, 1.0)
    view[:, 2] -= np.array([x, y])
    picture = cv2.warpAffine(scene, view, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    smeared = cv2.blur(picture, (smear, 1)) if smear else picture
    grainy = smeared + np.random.default_rng(seed).normal(0, grain, picture.shape)
    return np.asarray(np.clip(grainy, 0, 255), np.uint8)


def pasted(picture: Gray, thing: Gray, x: int, y: int) -> Gray:
    """The picture with a thing in front of it, its corner at (x, y)."""
    made = picture.copy()
    made[y : y + thing.shape[0], x : x + thing.shape[1]] = thing
    return made


def film_of(path: Path, pictures: Sequence[Gray], rate: Fraction = Fraction(24)) -> Path:
    """The pictures as a lossless grey film."""
    layout = layout_of("gray")
    assert layout is not None
    like = MediaInfo(
        path=path.with_suffix(".source"),
        kind="video",
        width=pictures[0].shape[1],
        height=pictures[0].shape[0],
        fps=rate,
        frames=len(pictures),
        container="matroska",
        codec="ffv1",
        pixel_format="gray",
        bit_depth=8,
    )
    colour = ColourTags()
    write_video(path, (Frame(i, (p,), layout, colour) for i, p in enumerate(pictures)), like, codec="ffv1")
    return path


def rectangle(x: int, y: int, w: int, h: int) -> Bits:
    """A mask of the scenes' size, true in one rectangle."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[y : y + h, x : x + w] = True
    return mask
