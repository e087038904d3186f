"""What a media file is, told by its content: size, exact rate, real frame count, colour, rotation."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tools.errors import BadInput
from tools.media._container import is_truncated, picture_kind
from tools.media._folder import FOLDER_RATE, probe_folder
from tools.media._layouts import FULL_RANGE_TWIN, has_alpha, layout_of, readable_twin
from tools.media._stream import StampTable, open_video, stamp_table
from tools.types import ColourTags, MediaInfo

STANDARD_DENOMINATORS = (1, 1001)


def probe(path: Path) -> MediaInfo:
    """MediaInfo of a video file or a folder of pictures; extensions are not looked at.

    Raises BadInput with one line for everything that is not a whole, readable video: missing, empty or truncated
    files, pictures, sound only, pixel formats that would lose something.
    """
    path = Path(path)
    if path.is_dir():
        return probe_folder(path)
    _refuse_at_sight(path)
    status = path.stat()
    return _looked_into(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _looked_into(path: Path, _changed: int, _size: int) -> MediaInfo:
    """Every quote of every editor asks again; a file that did not change is not decoded again."""
    table = stamp_table(path)
    if table.damaged or (table.header_frames > table.packets and "mov" in _container_name(path)):
        raise BadInput(f"{path}: the file is cut off or damaged; copy or export it again")
    return _describe(path, table)


def _container_name(path: Path) -> str:
    with open_video(path) as (container, _):
        return container.format.name


def _refuse_at_sight(path: Path) -> None:
    if not path.exists():
        raise BadInput(f"{path}: no such file; check the path")
    if not path.is_file():
        raise BadInput(f"{path}: not a file; give a video file or a folder of frames")
    try:
        empty, picture = path.stat().st_size == 0, picture_kind(path)
    except PermissionError as why:
        raise BadInput(f"{path}: may not be read; check its permissions") from why
    if empty:
        raise BadInput(f"{path}: the file is empty; copy or export it again")
    if picture:
        raise BadInput(f"{path}: a {picture} picture, not a video; give a video file or a folder of frames")
    if is_truncated(path):
        raise BadInput(f"{path}: the file is cut off before its end; copy or export it again")


def _describe(path: Path, table: StampTable) -> MediaInfo:
    with open_video(path) as (container, stream):
        try:
            frame = next(container.decode(stream), None)
        except av.error.FFmpegError as why:
            raise BadInput(f"{path}: its first frame cannot be decoded; export it again") from why
        if frame is None:
            raise BadInput(f"{path}: holds no frame that can be decoded; export it again")
        _refuse_alpha(path, stream, frame)
        fps, variable = exact_rate(table, stream)
        layout = layout_of(readable_twin(frame.format.name) or "")
        if layout is None:
            raise BadInput(
                f"{path}: pixel format {frame.format.name} is not supported; convert it to yuv, gray or gbrp planes"
            )
        return MediaInfo(
            path=path,
            kind="video",
            width=frame.width,
            height=frame.height,
            fps=fps,
            frames=len(table.pts) if table.trusted else _count(path),
            container=_short_name(container),
            codec=stream.codec.canonical_name,
            pixel_format=layout.name,
            bit_depth=layout.depth,
            sample_aspect=stream.sample_aspect_ratio or Fraction(1),
            rotation=frame.rotation % 360,
            colour=colour_of(frame),
            variable_rate=variable,
            has_audio=bool(container.streams.audio),
            timecode=_timecode(container, stream),
        )


def _short_name(container: InputContainer) -> str:
    """ "mp4" and "mov" share a reader; the file's major brand tells them apart, as the doc type does webm from mkv."""
    name = container.format.name
    if name.startswith("mov,"):
        return "mov" if container.metadata.get("major_brand", "").strip() in {"qt", ""} else "mp4"
    if name.startswith("matroska"):
        with Path(container.name).open("rb") as file:
            return "webm" if b"webm" in file.read(64) else "matroska"
    return name.split(",")[0]


def _refuse_alpha(path: Path, stream: VideoStream, frame: VideoFrame) -> None:
    if has_alpha(frame.format.name) or stream.metadata.get("alpha_mode") == "1":
        raise BadInput(f"{path}: has an alpha channel ({frame.format.name}), which is not carried; flatten it first")


def colour_of(frame: VideoFrame) -> ColourTags:
    """A decoded frame's colour tags; the old full-range formats say so in their name."""
    full = frame.format.name in FULL_RANGE_TWIN
    return ColourTags(
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=int(frame.colorspace),
        range=2 if full else int(frame.color_range),
    )


def exact_rate(table: StampTable, stream: VideoStream) -> tuple[Fraction, bool]:
    """The exact frame rate, and whether time stamps depart from it.

    The rate is constant when every stamp lies within one unit of the stream's clock of `n / rate`: containers round
    to their clock. A variable stream's rate is its average.
    """
    declared = [r for r in (stream.average_rate, stream.base_rate, stream.guessed_rate) if r]
    if len(table.pts) < 2:
        return (declared or [FOLDER_RATE])[0], False
    measured = Fraction(len(table.pts) - 1, int(table.pts[-1] - table.pts[0])) / table.time_base
    for rate in _candidates(declared, measured):
        if _fits(table, rate):
            return rate, False
    return measured.limit_denominator(100_000), True


def _candidates(declared: Iterable[Fraction], measured: Fraction) -> list[Fraction]:
    near = Fraction(round(measured))
    known = [*declared, near, Fraction(round(measured * Fraction(1001, 1000)) * 1000, 1001), measured]
    return sorted((r for r in known if r > 0), key=lambda r: r.denominator not in STANDARD_DENOMINATORS)


def _fits(table: StampTable, rate: Fraction) -> bool:
    step = 1 / (rate * table.time_base)
    ideal = np.arange(len(table.pts)) * float(step)
    return bool(np.abs(table.pts - table.pts[0] - ideal).max() <= 1.0 + 1e-6)


def _count(path: Path) -> int:
    with open_video(path) as (container, stream):
        try:
            return sum(1 for _ in container.decode(stream))
        except av.error.FFmpegError as why:
            raise BadInput(f"{path}: cannot be decoded to its end; export it again") from why


def _timecode(container: InputContainer, stream: VideoStream) -> str | None:
    for metadata in (stream.metadata, container.metadata, *(s.metadata for s in container.streams.data)):
        code = metadata.get("timecode") or metadata.get("TIMECODE")
        if code:
            return code
    return None
