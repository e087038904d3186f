"""The next cut of a film: changed shots replaced by their versions, everything else the source's own.

An H.264 or ProRes film is cut into closed groups of pictures. Groups that no change touches are copied packet for
packet; a version's packets are copied too; only frames that share a group with a change are encoded again. The
stream declares the parameter sets of all of them. The result is decoded and compared before it is kept; where it
differs, or the codec cannot be joined so, all frames are encoded.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from tools.errors import BadInput, MachineFailed
from tools.media._audio import AudioCopy
from tools.media._avcc import merged
from tools.media._stream import open_video, stamp_table
from tools.media.decode import frames
from tools.media.encode import refuse_place, temporary_name, write_video
from tools.media.probe import probe
from tools.types import Clip, Frame, Frozen, MediaInfo

JOINABLE = {"h264", "prores"}
MUXERS = {"mp4": "mp4", "mov": "mov", "matroska": "matroska"}


class Stretch(NamedTuple):
    """Frames `first` to `last` of the film; `replacement` holds as many new ones, None keeps the source's own."""

    first: int
    last: int
    replacement: Path | None


class Conformed(Frozen):
    """A new cut: how many frames are copied packets, how many were encoded again, and why where all were."""

    path: Path
    copied: int
    encoded: int
    why: str


def conform(source: Path, stretches: Sequence[Stretch], out: Path) -> Conformed | None:
    """Writes the film with its replaced stretches to `out`; None, and no file, where nothing is replaced.

    Size, rate or time stamps, frame count, tags and audio packets are the source's. Frames outside the stretches are
    kept. Raises BadInput when a stretch lies outside the film or its replacement does not fit.
    """
    info = probe(source)
    changes = sorted(s for s in stretches if s.replacement is not None)
    if not changes:
        return None
    _refuse_misfits(info, changes)
    refuse_place(out, source, folder=info.kind == "frames")
    why = _join(info, changes, out) if info.codec in JOINABLE else f"{info.codec} groups cannot be joined"
    if isinstance(why, Conformed):
        return why
    write_video(out, _all_frames(info, changes), info, audio_from=source if info.has_audio else None)
    return Conformed(path=out, copied=0, encoded=info.frames, why=why)


def _refuse_misfits(info: MediaInfo, changes: Sequence[Stretch]) -> None:
    for change in changes:
        assert change.replacement is not None
        if not 0 <= change.first <= change.last < info.frames:
            raise BadInput(f"{info.path}: has no frames {change.first}-{change.last}; it has {info.frames}")
        new = probe(change.replacement)
        length = change.last - change.first + 1
        if (new.width, new.height, new.frames) != (info.width, info.height, length):
            raise BadInput(
                f"{new.path}: {new.frames} frames of {new.width}×{new.height} cannot replace {length} of "
                f"{info.width}×{info.height}; render it again from the shot"
            )
    for a, b in pairwise(changes):
        if b.first <= a.last:
            raise BadInput(f"{info.path}: frames {b.first}-{a.last} are replaced twice; give each frame once")


def _all_frames(info: MediaInfo, changes: Sequence[Stretch]) -> Iterator[Frame]:
    """Every frame of the new cut, with the source's time stamps."""
    at = 0
    for change in changes:
        yield from _kept(info, at, change.first - 1)
        yield from _replaced(info, change)
        at = change.last + 1
    yield from _kept(info, at, info.frames - 1)


def _kept(info: MediaInfo, first: int, last: int) -> Iterator[Frame]:
    if first <= last:
        yield from frames(Clip(media=info.path, first=first, last=last), info=info)


def _replaced(info: MediaInfo, change: Stretch) -> Iterator[Frame]:
    assert change.replacement is not None
    if not info.variable_rate:
        yield from frames(change.replacement)
        return
    table = stamp_table(info.path)
    for frame in frames(change.replacement):
        yield replace(frame, pts=int(table.pts[change.first + frame.index]), time_base=table.time_base)


# Joining coded groups


@dataclass(frozen=True)
class _Part:
    """Whole closed groups: frames `first` to `last` of the cut, as frames `start` onwards of a coded file."""

    first: int
    last: int
    media: Path
    start: int
    encoded: bool = False


def _join(info: MediaInfo, changes: Sequence[Stretch], out: Path) -> Conformed | str:
    """The cut joined from copied and new groups, or why that cannot be."""
    borders = _borders(info.path)
    if borders is None:
        return "the groups of pictures are open"
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as folder:
        parts = list(_parts(info, changes, borders, Path(folder)))
        partial = out.parent / temporary_name(out)
        try:
            if not _mux(info, parts, partial):
                return "the parameter sets cannot live in one stream"
            if not _is_faithful(info, parts, partial):
                return "the joined groups did not decode as their sources do"
            partial.replace(out)
        except av.error.FFmpegError as error:
            return f"the groups could not be joined ({error})"
        except OSError as error:
            raise MachineFailed(f"{out}: cannot be written ({error.strerror}); free space and resume") from error
        finally:
            partial.unlink(missing_ok=True)
    encoded = sum(part.last - part.first + 1 for part in parts if part.encoded)
    return Conformed(path=out, copied=info.frames - encoded, encoded=encoded, why="")


def _borders(media: Path) -> list[int] | None:
    """First frames (in display order) of the closed groups of pictures, the first of which opens the film.

    A key packet opens a closed group when all packets before it in the file are shown before it and all after it
    later. None where stamps are missing or the first group is open.
    """
    with open_video(media) as (container, stream):
        stamps = [(p.pts, p.is_keyframe) for p in container.demux(stream) if p.size]
    if any(pts is None for pts, _ in stamps):
        return None
    pts = np.array([stamp for stamp, _ in stamps])
    latest = np.maximum.accumulate(np.r_[np.iinfo(np.int64).min, pts[:-1]])
    earliest = np.minimum.accumulate(pts[::-1])[::-1]
    closed = (latest < pts) & (earliest >= pts) & np.array([key for _, key in stamps])
    return [int(i) for i in np.flatnonzero(closed)] if closed[0] else None


def _parts(info: MediaInfo, changes: Sequence[Stretch], borders: list[int], folder: Path) -> Iterator[_Part]:
    """The cut as coded parts, in order: groups of the source, versions, and newly encoded ends of touched groups."""
    at = 0
    for change in changes:
        yield from _source_parts(info, at, change.first - 1, borders, folder)
        yield _version_part(info, change, folder)
        at = change.last + 1
    yield from _source_parts(info, at, info.frames - 1, borders, folder)


def _source_parts(info: MediaInfo, first: int, last: int, borders: list[int], folder: Path) -> Iterator[_Part]:
    """Frames of the source: whole groups copied, the frames of cut groups at both ends encoded again."""
    stops = [*borders, info.frames]
    start = next((b for b in stops if b >= first), first)
    stop = next((b for b in reversed(stops) if b <= last + 1), start)
    if start >= stop:
        start = stop = last + 1
    for a, b, copied in ((first, start - 1, False), (start, stop - 1, True), (stop, last, False)):
        if a <= b:
            yield _Part(a, b, info.path, a) if copied else _encoded(info, a, b, _kept(info, a, b), folder)


def _version_part(info: MediaInfo, change: Stretch, folder: Path) -> _Part:
    """The version's own packets where they fit the film's codec, else its frames encoded."""
    assert change.replacement is not None
    new = probe(change.replacement)
    fits = (new.codec, new.pixel_format, new.colour) == (info.codec, info.pixel_format, info.colour)
    if fits and _borders(new.path) is not None:
        return _Part(change.first, change.last, change.replacement, 0)
    return _encoded(info, change.first, change.last, _replaced(info, change), folder)


def _encoded(info: MediaInfo, first: int, last: int, pictures: Iterable[Frame], folder: Path) -> _Part:
    path = folder / f"{first:08d}.{'mov' if info.codec == 'prores' else 'mp4'}"
    steady = info.model_copy(update={"variable_rate": False})
    write_video(path, pictures, steady)
    return _Part(first, last, path, 0, encoded=True)


class _Slot(NamedTuple):
    """When the n-th packet of the file is decoded."""

    dts: int
    duration: int


def _mux(info: MediaInfo, parts: Sequence[_Part], partial: Path) -> bool:
    """Writes the parts' packets in order, on the source's own time stamps, beside the source's audio.

    False where the parts' parameter sets cannot live in one stream.
    """
    configuration = _configuration(info, parts)
    if configuration is None:
        return False
    options = {"fflags": "+bitexact"}
    kind = MUXERS.get(info.container, "matroska")
    with open_video(info.path) as (_, video), av.open(str(partial), "w", format=kind, options=options) as out:
        stream = out.add_stream_from_template(video)
        stream.time_base = video.time_base
        if configuration:
            stream.codec_context.extradata = configuration
        if info.timecode:
            stream.metadata["timecode"] = info.timecode
        _mux_packets(info, parts, stream, out)
    return True


def _configuration(info: MediaInfo, parts: Sequence[_Part]) -> bytes | None:
    """H.264: one decoder configuration for all parts, None where impossible; other codecs have none."""
    if info.codec != "h264":
        return b""
    return merged([_extradata(media) for media in dict.fromkeys([info.path, *(part.media for part in parts)])])


def _extradata(media: Path) -> bytes:
    with open_video(media) as (_, stream):
        return bytes(stream.codec_context.extradata or b"")


def _mux_packets(info: MediaInfo, parts: Sequence[_Part], stream: VideoStream, out: OutputContainer) -> None:
    table = stamp_table(info.path)
    shift = int(table.pts[0])
    audio = AudioCopy(info.path, out) if info.has_audio else None
    for (frame, packet), slot in zip(_packets(parts), _slots(info.path), strict=True):
        packet.pts, packet.dts = int(table.pts[frame]) - shift, slot.dts - shift
        packet.duration, packet.time_base, packet.stream = slot.duration, table.time_base, stream
        if audio:
            audio.mux_until(packet.dts * table.time_base, out)
        out.mux_one(packet)
    if audio:
        audio.mux_until(None, out)
        audio.close()


def _slots(media: Path) -> list[_Slot]:
    """Decode stamps and durations of a film's packets, in file order.

    Matroska writes no decode stamps: there, each packet is decoded one reordering delay before its turn to be shown.
    """
    with open_video(media) as (container, stream):
        packets = [(p.pts, p.dts, p.duration or 0) for p in container.demux(stream) if p.size]
    if all(dts is not None for _, dts, _ in packets):
        return [_Slot(dts, duration) for _, dts, duration in packets if dts is not None]
    shown = sorted(pts for pts, _, _ in packets if pts is not None)
    delay = max(turn - (pts or 0) for turn, (pts, _, _) in zip(shown, packets, strict=True))
    return [_Slot(turn - delay, duration) for turn, (_, _, duration) in zip(shown, packets, strict=True)]


def _packets(parts: Iterable[_Part]) -> Iterator[tuple[int, Packet[VideoStream]]]:
    """(frame of the cut, packet) of all parts, each part in decode order."""
    for part in parts:
        table = stamp_table(part.media)
        first, last = table.pts[part.start], table.pts[part.start + part.last - part.first]
        with open_video(part.media) as (container, stream):
            if part.start:
                container.seek(table.seek_point(part.start), stream=stream, backward=True)
            for packet in container.demux(stream):
                if packet.size and packet.pts is not None and first <= packet.pts <= last:
                    yield part.first + int(np.searchsorted(table.pts, packet.pts)) - part.start, packet
                elif packet.dts is not None and packet.dts > last:
                    break


# Looking before it is kept


def _is_faithful(info: MediaInfo, parts: Sequence[_Part], made: Path) -> bool:
    """Whether the new file decodes to its parts' frames, from its start and from every part's start, and declares
    what the source declares."""
    declared = probe(made)
    if declared.model_copy(update={"path": info.path}) != info:
        return False
    together = zip(frames(made), (f for part in parts for f in _part_frames(part)), strict=True)
    if not all(_same(a, b) for a, b in together):
        return False
    return all(_starts_well(made, part) for part in parts)


def _part_frames(part: _Part) -> Iterator[Frame]:
    return frames(Clip(media=part.media, first=part.start, last=part.start + part.last - part.first))


def _starts_well(made: Path, part: _Part) -> bool:
    sought = next(iter(frames(Clip(media=made, first=part.first, last=part.last))))
    return _same(sought, next(_part_frames(part)))


def _same(a: Frame, b: Frame) -> bool:
    return len(a.planes) == len(b.planes) and all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))
