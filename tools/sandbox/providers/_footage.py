"""Footage in and out of the sandbox's models: files to RGB frames, and RGB frames to H.264 or PNG."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tools.types import Bits, Rgb


class Footage(NamedTuple):
    """Frames (H, W, 3) RGB of one size, and their rate."""

    frames: list[Rgb]
    rate: Fraction

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)"""
        height, width = self.frames[0].shape[:2]
        return int(width), int(height)


def read_footage(data: bytes) -> Footage:
    """The frames of a film file. ValueError when there are none."""
    try:
        with av.open(io.BytesIO(data), "r") as file:
            stream = file.streams.video[0]
            frames = [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in file.decode(stream)]
            rate = Fraction(stream.average_rate or 24)
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"the video cannot be read ({error})") from None
    if not frames:
        raise ValueError("the video has no frames")
    return Footage(frames, rate)


def read_masks(data: bytes, count: int, size: tuple[int, int], *, white: str) -> list[Bits]:
    """A mask video or picture as what is to be changed, one (H, W) per frame; the last one holds to the end."""
    try:
        pictures = [frame[..., 1] for frame in read_footage(data).frames]
    except ValueError:
        pictures = [read_picture(data)[..., 1]]
    masks = [_fitted_mask(picture, size) ^ (white == "keep") for picture in pictures]
    return [masks[min(index, len(masks) - 1)] for index in range(count)]


def _fitted_mask(picture: Rgb, size: tuple[int, int]) -> Bits:
    if picture.shape[::-1] != size:
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    return np.asarray(picture > 127, np.bool_)


def read_picture(data: bytes) -> Rgb:
    """(H, W, 3) RGB of a picture file; ValueError when it cannot be read."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("the picture cannot be read")
    return np.asarray(picture[..., ::-1], np.uint8)


def read_alpha(data: bytes) -> Bits | None:
    """Where a picture is transparent (alpha 0), (H, W); None when it has no alpha."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4:
        return None
    return np.asarray(picture[..., 3] == 0, np.bool_)


def write_footage(path: Path, frames: Iterable[Rgb], rate: Fraction) -> Path:
    """An H.264 file as providers answer it: yuv420p, limited range, BT.709; odd sides are cut to even."""
    stream_frames = iter(frames)
    first = next(stream_frames)
    height, width = first.shape[0] // 2 * 2, first.shape[1] // 2 * 2
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=rate, options={"crf": "12", "preset": "ultrafast"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 1, 1, 1, 1
        for frame in _chained(first, stream_frames):
            picture = VideoFrame.from_ndarray(np.ascontiguousarray(frame[:height, :width]), format="rgb24")
            converted = picture.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
            converted.pts = None
            out.mux(stream.encode(converted))
        out.mux(stream.encode(None))
    return path


def _chained(first: Rgb, rest: Iterator[Rgb]) -> Iterator[Rgb]:
    yield first
    yield from rest


def write_picture(path: Path, picture: Rgb) -> Path:
    """A PNG file."""
    cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]))
    return path


def as_file(data: bytes, folder: Path, suffix: str) -> Path:
    """Bytes as a file in a folder."""
    with NamedTemporaryFile(dir=folder, suffix=suffix, delete=False) as file:
        file.write(data)
    return Path(file.name)
