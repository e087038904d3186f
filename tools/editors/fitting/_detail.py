"""Detail and grain that a model's coding and size take away, measured where it shows what the source shows.

Fine detail is given back where there is any by sharpening, and grain where there is none by noise; both within bounds,
so that a soft result becomes as sharp as its surroundings and nothing is drawn that it does not have.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.editors.fitting._colour import Map, Pair, recoloured
from tools.types import Bits, Gray, Rgb
from tools.vision.grain import block_features, whole_blocks

FINE = 1.0
"""Sigma in pixels under which detail is fine; as `tools.vision.grain` takes it."""
MOST_SHARPER, MOST_GRAIN = 1.2, 6.0
"""Most that is added of the fine detail, as a share of it, and of grain, in levels."""
WORTH, WORTH_GRAIN = 0.08, 0.25
DRAWN = 1.2
"""Levels of fine detail from which a block of the source has any."""
LEAST_BLOCKS = 24
GRAIN_BLUR = 0.5


class Lost(NamedTuple):
    """What is to be given back: sharpening, as a share of the fine detail, and grain in levels."""

    sharper: float = 0.0
    grain: float = 0.0


def lost(pairs: Sequence[Pair], way: Map) -> Lost:
    """What the shown pictures, once their colours are matched, lack against the right ones."""
    blocks = [_blocks(recoloured(shown, way), right, known) for shown, right, known in pairs]
    if sum(len(one) for one in blocks) < 2 * LEAST_BLOCKS:
        return Lost()
    shown, right, structure = np.concatenate(blocks).T
    sharper = _sharper(shown, right, structure)
    return Lost(sharper, _grain(shown * (1 + sharper), right, structure))


def restored(picture: Rgb, what: Lost, seed: int) -> Rgb:
    """A picture with what it lost; the picture itself when that is nothing."""
    if what == Lost():
        return picture
    made = picture.astype(np.float32)
    if what.sharper:
        made += what.sharper * (made - cv2.GaussianBlur(made, (0, 0), FINE))
    if what.grain:
        made += (_noise(made.shape[:2], seed) * what.grain / _seen())[..., None]
    return np.asarray(np.clip(np.rint(made), 0, 255), np.uint8)


def _blocks(shown: Rgb, right: Rgb, known: Bits) -> NDArray[np.float32]:
    """(n, 3) per block that is known: fine detail shown and right, and the right one's log structure."""
    one, two = (block_features(_luma(picture)) for picture in (shown, right))
    whole = whole_blocks(known)
    return np.column_stack([one[..., 0][whole], two[..., 0][whole], two[..., 1][whole]]).astype(np.float32)


def _sharper(shown: NDArray[np.float32], right: NDArray[np.float32], structure: NDArray[np.float32]) -> float:
    """How much of its fine detail a picture lacks where much is drawn."""
    drawn = (structure >= np.quantile(structure, 0.6)) & (right > DRAWN)
    if int(drawn.sum()) < LEAST_BLOCKS:
        return 0.0
    missing = float(np.median(right[drawn] / np.maximum(shown[drawn], 0.2))) - 1
    return min(MOST_SHARPER, missing) if missing > WORTH else 0.0


def _grain(shown: NDArray[np.float32], right: NDArray[np.float32], structure: NDArray[np.float32]) -> float:
    """Levels of fine noise that a picture lacks where little is drawn."""
    calm = structure <= np.quantile(structure, 0.4)
    missing = float(np.median(np.square(right[calm]) - np.square(shown[calm])))
    levels = float(np.sqrt(max(0.0, missing)))
    return min(MOST_GRAIN, levels) if levels > WORTH_GRAIN else 0.0


def _noise(shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    white = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(white, (0, 0), GRAIN_BLUR), np.float32)


@lru_cache(maxsize=1)
def _seen() -> float:
    """Standard deviation of the fine part of `_noise`."""
    noise = _noise((128, 128), 0)
    return float((noise - cv2.GaussianBlur(noise, (0, 0), FINE)).std())


def _luma(picture: Rgb) -> Gray:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
