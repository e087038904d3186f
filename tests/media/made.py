"""Small films made on the spot: any codec, pixel format, size, clock, tags."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.types import Box, Clip, Frame


def texture(width: int, height: int, index: int, seed: int = 0) -> NDArray[np.uint8]:
    """(H, W, 3) RGB: smooth noise that drifts two pixels per frame, with a little grain; every frame differs."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (24, 40, 3)).astype(np.float32)
    tall, wide = np.arange(height) / height * 20, (np.arange(width) + 2 * index) / width * 20
    rows, columns = tall.astype(int), wide.astype(int) % 39
    down, right = (tall % 1)[:, None, None], (wide % 1)[None, :, None]
    top = coarse[rows][:, columns] * (1 - right) + coarse[rows][:, columns + 1] * right
    low = coarse[rows + 1][:, columns] * (1 - right) + coarse[rows + 1][:, columns + 1] * right
    grain = np.random.default_rng((seed, index)).normal(0, 2, (height, width, 1))
    picture: NDArray[np.uint8] = np.clip(top * (1 - down) + low * down + grain, 0, 255).astype(np.uint8)
    return picture


def make_film(
    path: Path,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (96, 64),
    count: int = 12,
    rate: Fraction = Fraction(24),
    stamps: Sequence[int] | None = None,
    clock: Fraction | None = None,
    rotation: int = 0,
    aspect: Fraction | None = None,
    tags: tuple[int, int, int, int] | None = None,
    options: dict[str, str] | None = None,
    b_frames: int = 0,
    group: int = 12,
    thing: Box | None = None,
) -> Path:
    """Encodes `count` frames of `texture`; `stamps` in units of `clock` make the rate vary.

    A `thing` is a plain orange patch in every frame.
    """
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.max_b_frames, stream.codec_context.gop_size = b_frames, group
        if aspect:
            stream.codec_context.sample_aspect_ratio = aspect
        if tags:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        if rotation:
            stream.set_display_rotation(rotation)
        unit = clock or 1 / rate
        stream.codec_context.time_base = unit
        for index in range(count):
            drawn = texture(*size, index)
            if thing is not None:
                drawn[thing.slices] = (235, 120, 20)
            picture = VideoFrame.from_ndarray(drawn, format="rgb24").reformat(format=pixels)
            if tags:
                picture.color_primaries, picture.color_trc, picture.colorspace, picture.color_range = tags
            picture.pts, picture.time_base = (stamps[index] if stamps else index), unit
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return path


def all_frames(source: Path | Clip) -> list[Frame]:
    return list(frames(source))


def same_pixels(a: Frame, b: Frame) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))


def luma_psnr(source: Frame, coded: Frame) -> float:
    """PSNR of luma in dB; the source is shifted to the coded depth first."""
    shift = coded.layout.depth - source.layout.depth
    error = (source.planes[0].astype(np.int64) << shift) - coded.planes[0]
    mean = float((error**2).mean())
    return float(10 * np.log10(((1 << coded.layout.depth) - 1) ** 2 / mean)) if mean else np.inf


def audio_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as film:
        return [bytes(packet) for packet in film.demux(film.streams.audio) if packet.size]
