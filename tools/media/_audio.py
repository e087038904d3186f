"""A source's audio packets, carried over untouched beside the video."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from tools.media._stream import stamp_table


class AudioCopy:
    """All audio streams of `source`, muxed in step with the video; times count from the source's first video frame."""

    def __init__(self, source: Path, out: OutputContainer) -> None:
        self._input = av.open(str(source), options={"protocol_whitelist": "file"}, metadata_errors="replace")
        table = stamp_table(source)
        self._start = int(table.pts[0]) * table.time_base if len(table.pts) else Fraction(0)
        self._streams: dict[int, AudioStream] = {}
        for stream in self._input.streams.audio:
            copy = out.add_stream_from_template(stream)
            copy.metadata.update({k: v for k, v in stream.metadata.items() if k in {"language", "title"}})
            self._streams[stream.index] = copy
        self._packets = self._demuxed()
        self._next = next(self._packets, None)

    def _demuxed(self) -> Iterator[Packet[AudioStream]]:
        if self._streams:
            yield from (p for p in self._input.demux(self._input.streams.audio) if p.size)

    def mux_until(self, seconds: Fraction | None, out: OutputContainer) -> None:
        """Writes the packets that decode no later than `seconds`; all that are left for None."""
        while self._next is not None and (seconds is None or self._time(self._next) <= seconds):
            packet = self._next
            shift = round(self._start / packet.time_base)
            packet.pts = None if packet.pts is None else packet.pts - shift
            packet.dts = None if packet.dts is None else packet.dts - shift
            packet.stream = self._streams[packet.stream_index]
            out.mux_one(packet)
            self._next = next(self._packets, None)

    def _time(self, packet: Packet[AudioStream]) -> Fraction:
        return (packet.dts or 0) * packet.time_base - self._start

    def close(self) -> None:
        """Lets go of the source."""
        self._input.close()


def audio_codecs(source: Path) -> set[str]:
    """Names of the codecs of a file's audio streams."""
    with av.open(str(source), options={"protocol_whitelist": "file"}, metadata_errors="replace") as container:
        return {stream.codec.name for stream in container.streams.audio}
