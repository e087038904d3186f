"""Pixel formats: which ones planes can express, and which losslessly equal one stands in for the others."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import av

from tools.types import PixelLayout

LOSSLESS_TWIN = {
    "nv12": "yuv420p",
    "nv21": "yuv420p",
    "nv16": "yuv422p",
    "nv24": "yuv444p",
    "p010le": "yuv420p10le",
    "p210le": "yuv422p10le",
    "p410le": "yuv444p10le",
    "p012le": "yuv420p12le",
    "p016le": "yuv420p16le",
    "yuyv422": "yuv422p",
    "uyvy422": "yuv422p",
    "yvyu422": "yuv422p",
    "y210le": "yuv422p10le",
    "pal8": "rgb24",
    "monow": "gray",
    "monob": "gray",
    "rgb48be": "rgb48le",
    "gray16be": "gray16le",
    "yuv420p10be": "yuv420p10le",
    "yuv422p10be": "yuv422p10le",
    "yuv444p10be": "yuv444p10le",
}
"""Formats whose samples swscale only moves to other places, never changes."""

PACKED_RGB = {"rgb24": (0, 1, 2, 3), "bgr24": (2, 1, 0, 3), "bgr0": (2, 1, 0, 4), "rgb0": (0, 1, 2, 4)}
"""Offsets of R, G, B in a pixel, and the pixel's samples."""
PACKED_RGB16 = {"rgb48le": (0, 1, 2, 3), "bgr48le": (2, 1, 0, 3)}
FULL_RANGE_TWIN = {
    "yuvj420p": "yuv420p",
    "yuvj422p": "yuv422p",
    "yuvj444p": "yuv444p",
    "yuvj440p": "yuv440p",
    "yuvj411p": "yuv411p",
}
"""The old names that carry the full range in the format; the range tag says it here."""


@lru_cache
def layout_of(name: str) -> PixelLayout | None:
    """The layout of an FFmpeg pixel format as planes, or None when planes cannot express it exactly."""
    name = FULL_RANGE_TWIN.get(name, name)
    if name in PACKED_RGB or name in PACKED_RGB16:
        return PixelLayout(name=name, family="rgb", depth=8 if name in PACKED_RGB else 16)
    try:
        form = av.VideoFormat(name, 64, 64)
    except ValueError:
        return None
    if not _plain_planes(form):
        return None
    return PixelLayout(
        name=name,
        family=_family(form),
        depth=form.components[0].bits,
        chroma_x=_log2(64 // form.chroma_width(64)) if len(form.components) > 1 else 0,
        chroma_y=_log2(64 // form.chroma_height(64)) if len(form.components) > 1 else 0,
    )


def _plain_planes(form: av.VideoFormat) -> bool:
    """Little-endian integer samples, one component per plane, no palette and no alpha."""
    parts = form.components
    odd_name = form.name.startswith(("grayf", "gbrpf", "xyz", "ya")) or "msb" in form.name
    ruled_out = odd_name or form.has_palette or form.is_bit_stream or form.is_bayer
    if ruled_out or len(parts) not in {1, 3} or (form.is_big_endian and parts[0].bits > 8):
        return False
    if any(part.is_alpha for part in parts) or len({part.bits for part in parts}) > 1:
        return False
    return len({part.plane for part in parts}) == len(parts)


def _family(form: av.VideoFormat) -> Literal["yuv", "rgb", "gray"]:
    if len(form.components) == 1:
        return "gray"
    return "rgb" if form.is_rgb else "yuv"


def _log2(ratio: int) -> int:
    return ratio.bit_length() - 1


def has_alpha(name: str) -> bool:
    """Whether a pixel format carries an alpha component (a palette counts as one only when it says so)."""
    form = av.VideoFormat(name)
    return any(part.is_alpha for part in form.components)


def readable_twin(name: str) -> str | None:
    """`name` itself when planes express it, its lossless twin when one does, else None."""
    if layout_of(name) is not None:
        return name
    return LOSSLESS_TWIN.get(name)
