"""Frames in their own planes and bit depth, streamed; clips start exactly at their first frame.

Frames of a clip count from 0 at the clip's first frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tools.errors import BadInput
from tools.media import pixels
from tools.media._folder import folder_frames
from tools.media._layouts import PACKED_RGB, PACKED_RGB16, layout_of, readable_twin
from tools.media._stream import StampTable, open_video, stamp_table
from tools.media.pixels import Codes
from tools.media.probe import colour_of, probe
from tools.types import Clip, Frame, Gray, MediaInfo, PixelLayout, Rgb


def frames(source: Path | Clip, *, info: MediaInfo | None = None) -> Iterator[Frame]:
    """All frames of a file, or of a clip, one at a time.

    `info` spares a second look at the file. Raises BadInput when the clip reaches beyond the file's frames or the
    stream cannot be decoded.
    """
    clip, info = _resolve(source, info)
    if info.kind == "frames":
        return folder_frames(clip.media, clip.first, clip.last)
    return _film_frames(clip)


def rgb_frames(
    source: Path | Clip, *, longest: int = 640, indices: Iterable[int] | None = None
) -> Iterator[tuple[int, Rgb]]:
    """(index, 8-bit RGB picture) with the longer side at most `longest` pixels; all frames or only `indices`."""
    for frame in _chosen(frames(source), indices):
        yield frame.index, pixels.rgb8(pixels.shrunk(frame, longest))


def luma_frames(
    source: Path | Clip, *, longest: int = 640, indices: Iterable[int] | None = None
) -> Iterator[tuple[int, Gray]]:
    """(index, 8-bit full-range luma) with the longer side at most `longest` pixels; all frames or only `indices`."""
    for frame in _chosen(frames(source), indices):
        yield frame.index, pixels.luma8(pixels.shrunk(frame, longest, luma_only=True))


def _chosen(stream: Iterator[Frame], indices: Iterable[int] | None) -> Iterator[Frame]:
    if indices is None:
        yield from stream
        return
    wanted = set(indices)
    for frame in islice(stream, max(wanted, default=-1) + 1):
        if frame.index in wanted:
            yield frame


def _resolve(source: Path | Clip, info: MediaInfo | None) -> tuple[Clip, MediaInfo]:
    media = source.media if isinstance(source, Clip) else Path(source)
    info = info or probe(media)
    clip = source if isinstance(source, Clip) else Clip(media=media, first=0, last=info.frames - 1)
    if not 0 <= clip.first <= clip.last < info.frames:
        raise BadInput(f"{media}: frames {clip.first}-{clip.last} are not in it; it has {info.frames}")
    return clip, info


def _film_frames(clip: Clip) -> Iterator[Frame]:
    yielded = 0
    try:
        for index, picture in enumerate(_pictures(clip)):
            yield to_frame(picture, index)
            yielded += 1
    except av.error.FFmpegError as why:
        raise BadInput(f"{clip.media}: damaged near frame {clip.first + yielded}; export it again") from why
    if yielded < clip.frames:
        raise BadInput(f"{clip.media}: ends at frame {clip.first + yielded}, before the clip does; export it again")


def _pictures(clip: Clip) -> Iterator[VideoFrame]:
    table = stamp_table(clip.media)
    if clip.first and table.trusted:
        with open_video(clip.media) as (container, stream):
            run = _seek(container, stream, table, clip.first)
            if run is not None:
                yield from islice(run, clip.frames)
                return
    with open_video(clip.media) as (container, stream):
        yield from islice(container.decode(stream), clip.first, clip.last + 1)


def _seek(container: InputContainer, stream: VideoStream, table: StampTable, first: int) -> Iterator[VideoFrame] | None:
    """Decoded pictures from frame `first` on, or None when the seek did not land on a clean run up to it."""
    container.seek(table.seek_point(first), stream=stream, backward=True)
    run = container.decode(stream)
    for picture in run:
        if picture.pts is None or picture.pts > table.pts[first]:
            return None
        if picture.pts == table.pts[first]:
            return None if picture.is_corrupt else _with_first(picture, run)
    return None


def _with_first(first: VideoFrame, rest: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    yield first
    yield from rest


def to_frame(picture: VideoFrame, index: int) -> Frame:
    """A decoded picture as a Frame that owns its planes."""
    name = readable_twin(picture.format.name)
    if name is None:
        raise BadInput(f"pixel format {picture.format.name} is not supported; convert the film to planes first")
    native = picture if name == picture.format.name else picture.reformat(format=name)
    layout = layout_of(name)
    assert layout is not None
    return Frame(index, planes_of(native, layout), layout, colour_of(picture), picture.pts, picture.time_base)


def planes_of(picture: VideoFrame, layout: PixelLayout) -> tuple[Codes, ...]:
    """Copies of the picture's planes: luma first, or R, G, B."""
    packing = PACKED_RGB.get(layout.name) or PACKED_RGB16.get(layout.name)
    if packing:
        rows = plane_view(picture, 0, layout.depth)[:, : picture.width * packing[3]]
        return tuple(rows[:, offset :: packing[3]].copy() for offset in packing[:3])
    return tuple(
        plane_view(picture, part.plane, layout.depth)[:, : picture.planes[part.plane].width].copy()
        for part in picture.format.components
    )


def plane_view(picture: VideoFrame, plane: int, depth: int) -> Codes:
    """A writable view of one plane, (height, padded width), over the picture's own memory."""
    memory = picture.planes[plane]
    raw = np.frombuffer(memoryview(memory), dtype=np.uint8)[: memory.height * memory.line_size]
    rows = raw.reshape(memory.height, memory.line_size)
    return rows if depth <= 8 else rows.view(np.uint16)
