"""One video stream: opened safely, and its table of time stamps in the order in which frames are shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tools.errors import BadInput

CONTAINERS = {
    "mov",
    "mp4",
    "matroska",
    "webm",
    "avi",
    "mpegts",
    "mpeg",
    "mxf",
    "nut",
    "ogg",
    "flv",
    "asf",
    "yuv4mpegpipe",
}
"""Containers that hold one film in one file; playlists and picture readers could open other files."""
ONE_PACKET_ONE_FRAME = {"h264", "hevc", "vp9", "av1", "prores", "ffv1", "mjpeg", "dnxhd", "png", "qtrle", "rawvideo"}
"""Codecs whose packets each show one frame in the containers above; the others are counted by decoding."""


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file's container and first moving-picture stream.

    Raises BadInput when the file is no video or cannot be opened.
    """
    try:
        container = av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as why:
        raise BadInput(f"{path}: not a video that can be read; give an mp4, mov, mkv or webm file") from why
    with container:
        streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not CONTAINERS & set(container.format.name.split(",")):
            raise BadInput(f"{path}: not a video that can be read; give an mp4, mov, mkv or webm file")
        if not streams:
            raise BadInput(f"{path}: holds no moving picture{_sound_only(container)}; give a file with a video stream")
        streams[0].thread_type = "AUTO"
        streams[0].thread_count = 2
        yield container, streams[0]


def _sound_only(container: InputContainer) -> str:
    return ", only sound" if container.streams.audio else ""


@dataclass(frozen=True)
class StampTable:
    """Time stamps of all shown frames in display order, and where decoding can start.

    `pts` and `keys` (pairs of presentation and decode stamp) are in units of `time_base`; `packets` counts all packets,
    hidden ones too. `trusted` says that one packet is one frame; where not, only decoding counts frames.
    """

    pts: NDArray[np.int64]
    keys: NDArray[np.int64]
    last_duration: int
    time_base: Fraction
    packets: int
    header_frames: int
    damaged: bool
    trusted: bool

    def seek_point(self, index: int) -> int:
        """The smaller stamp of the last key frame shown no later than frame `index`."""
        before = self.keys[self.keys[:, 0] <= self.pts[index]]
        return int(before[-1].min()) if len(before) else int(self.pts[0])


def stamp_table(path: Path) -> StampTable:
    """The stream's table, from a scan of the packets; remembered while the file does not change."""
    stat = path.stat()
    return _scan(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=16)
def _scan(path: Path, _changed: int, _size: int) -> StampTable:
    with open_video(path) as (container, stream):
        stream.codec_context.skip_frame = "ALL"
        shown: list[int | None] = []
        keys, count, damaged, last = [], 0, False, (0, 0)
        try:
            for packet in container.demux(stream):
                if packet.size == 0:
                    continue
                count += 1
                damaged |= packet.is_corrupt
                if packet.is_discard:
                    continue
                shown.append(packet.pts)
                if packet.pts is not None:
                    last = max(last, (packet.pts, packet.duration or 0))
                    if packet.is_keyframe:
                        keys.append((packet.pts, packet.pts if packet.dts is None else packet.dts))
        except av.error.FFmpegError:
            damaged = True
        stamps = np.array(sorted(p for p in shown if p is not None), dtype=np.int64)
        return StampTable(
            pts=stamps,
            keys=np.array(sorted(keys), dtype=np.int64).reshape(-1, 2),
            last_duration=last[1],
            time_base=stream.time_base or Fraction(1, 90000),
            packets=count,
            header_frames=stream.frames,
            damaged=damaged,
            trusted=_is_trusted(stream, shown, stamps),
        )


def _is_trusted(stream: VideoStream, shown: list[int | None], stamps: NDArray[np.int64]) -> bool:
    """Stamps are complete and distinct, the codec shows every packet, and no frame leads the first key frame."""
    distinct = len(shown) == len(stamps) and bool((np.diff(stamps) > 0).all())
    return (
        bool(distinct and len(shown) and shown[0] == stamps[0]) and stream.codec.canonical_name in ONE_PACKET_ONE_FRAME
    )
