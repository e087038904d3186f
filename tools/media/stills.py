"""Single pictures out of films, at a size for reading, as JPEG or PNG."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.types import Box, Clip, Rgb


def still(clip: Clip, index: int) -> Rgb:
    """Frame `index` of a clip as (height, width, 3) RGB of the source's own size."""
    at = clip.first + index
    frame = next(iter(frames(Clip(media=clip.media, first=at, last=at))))
    return rgb8(frame)


def jpeg(picture: Rgb, width: int, aspect: Fraction = Fraction(1), quality: int = 84) -> bytes:
    """The picture as JPEG, `width` pixels wide at most, with square pixels; `aspect` is the source pixels' own."""
    shown_width = round(picture.shape[1] * aspect)
    scale = min(1.0, width / shown_width)
    size = max(1, round(shown_width * scale)), max(1, round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return bytes(np.asarray(data).tobytes())


def png(picture: Rgb) -> bytes:
    """The picture as PNG, every sample as it is."""
    done, data = cv2.imencode(".png", np.ascontiguousarray(picture[:, :, ::-1]))
    assert done
    return bytes(np.asarray(data).tobytes())


def surround(box: Box, width: int, height: int, least: int = 120) -> Box:
    """A box around `box` with room to see what lies about it: 4:3, half as much again, inside the picture."""
    tall = max(box.h * 1.6, box.w * 1.6 * 3 / 4, least)
    h = min(height, round(tall))
    w = min(width, round(tall * 4 / 3))
    x = min(max(0, box.x + box.w // 2 - w // 2), width - w)
    y = min(max(0, box.y + box.h // 2 - h // 2), height - h)
    return Box(x, y, w, h)
