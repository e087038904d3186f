"""A film's pictures for the search of cuts: small, luma only, straight from the decoder's memory."""

from __future__ import annotations

from collections.abc import Iterator

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame

from tools.errors import BadInput
from tools.media import pixels
from tools.media._folder import folder_frames
from tools.media._layouts import layout_of
from tools.media._stream import open_video
from tools.media._structure import BLOCK
from tools.media.decode import plane_view, to_frame
from tools.types import Gray, MediaInfo

WORK_SIZE = 160
"""Longer side, in pixels, of the pictures that are compared."""

ROWS = 3
"""Rows read for each row of a small picture: skipping the others of a large frame saves most of the time."""


def small_lumas(info: MediaInfo) -> Iterator[Gray]:
    """All frames as 8-bit luma with the longer side `WORK_SIZE`, code values as stored.

    Raises BadInput when the stream cannot be decoded to its end.
    """
    if info.kind == "frames":
        for frame in folder_frames(info.path, 0, info.frames - 1):
            yield shrunk(pixels.luma8(frame))
        return
    count = 0
    try:
        with open_video(info.path) as (container, stream):
            for picture in container.decode(stream):
                yield shrunk(_luma(picture))
                count += 1
    except av.error.FFmpegError as why:
        raise BadInput(f"{info.path}: damaged near frame {count}; export it again") from why
    if count < info.frames:
        raise BadInput(f"{info.path}: ends at frame {count}, before its index does; export it again")


def shrunk(picture: Gray) -> Gray:
    """The picture with its longer side at `WORK_SIZE`, areas averaged over three rows or more; a smaller one stays.

    What is thinner than a block is continued over its edge.
    """
    height, width = picture.shape
    scale = WORK_SIZE / max(height, width)
    if scale >= 1:
        return _at_least_a_block(picture.copy())
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    rows = picture[:: max(1, int(1 / scale) // ROWS)]
    return _at_least_a_block(np.asarray(cv2.resize(rows, size, interpolation=cv2.INTER_AREA), np.uint8))


def _at_least_a_block(picture: Gray) -> Gray:
    down, right = (max(0, BLOCK - side) for side in picture.shape)
    if not down and not right:
        return picture
    return np.asarray(cv2.copyMakeBorder(picture, 0, down, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _luma(picture: VideoFrame) -> Gray:
    """The luma plane without a copy where the format has one with 8 bits."""
    layout = layout_of(picture.format.name)
    if layout is None or layout.family == "rgb" or layout.depth > 8:
        return pixels.luma8(to_frame(picture, 0))
    return plane_view(picture, 0, 8)[:, : picture.width].astype(np.uint8, copy=False)
