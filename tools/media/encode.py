"""Frames back into films that declare what their source declared, and into folders of PNG.

A film is coded in closed groups of frames. Each group is decoded again and compared with what went in, and coded
finer until its luma holds 50 dB, so quality is kept in one pass and in the memory of one group.
"""

from __future__ import annotations

import io
import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tools.errors import BadInput, MachineFailed
from tools.media._account import Account, account_of
from tools.media._audio import AudioCopy, audio_codecs
from tools.media._avcc import length_prefixed
from tools.media._codecs import (
    LADDERS,
    Codec,
    Recipe,
    choose_codec,
    coded_colour,
    coded_layout,
    configure,
    decode_group,
    encode_group,
    to_picture,
)
from tools.media._folder import pictures_in
from tools.media._layouts import layout_of
from tools.media._quality import worst_half_psnr
from tools.media._stream import stamp_table
from tools.media.decode import planes_of, to_frame
from tools.media.pixels import Codes, converted, rgb8, stacked
from tools.types import Frame, MediaInfo, PixelLayout

FLOOR_DB = 50.2
"""What the worse half of every frame's luma must hold: the promised 50 dB, and room for rounding."""
EASE_DB = 3.0
"""Beyond the floor by this much, the next group starts one step coarser."""
RUNG_DB = 2.2
"""What one rung gains at most: so a climb never passes the coarsest rung that holds."""
GROUP_BYTES = 64 << 20
Watch = Callable[[Frame, Frame], None]
"""Is told of a frame and of what a player will see of it."""
SUFFIXES = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".qt": "mov", ".mkv": "matroska", ".webm": "matroska"}


class Writer:
    """Writes one film file frame by frame; the file appears under its name only when it is whole.

    `like` gives size, rate, pixel aspect, rotation, tags and pixel format; `audio_from` is a film whose audio packets
    are copied. A container that cannot hold the codec is replaced by one that can, whatever the name says. A `watch` is
    told of every frame of a `lossy` film, and before the file appears it is held against what was told. Raises BadInput
    when the place cannot be written, MachineFailed when the disk fails half way.
    """

    def __init__(
        self,
        path: Path,
        like: MediaInfo,
        *,
        codec: Codec = "auto",
        audio_from: Path | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._path, self._like, self._audio_from = Path(path), like, audio_from
        refuse_place(self._path, like.path)
        self._recipe = _recipe(codec, like)
        self._pending: list[tuple[Frame, VideoFrame]] = []
        self._written, self._rung, self._origin = 0, 0, 0
        self._last_step = 1
        self._audio: AudioCopy | None = None
        self._watch, self._account = watch, Account()

    def __enter__(self) -> Self:
        self._temp = self._path.parent / temporary_name(self._path)
        self._file = self._temp.open("xb+", buffering=1 << 20)
        try:
            self._open_streams()
        except BaseException:
            self._discard()
            raise
        return self

    def _open_streams(self) -> None:
        kind = _muxer(self._path, self._recipe, self._like, self._audio_from)
        self._out: OutputContainer = av.open(self._file, "w", format=kind, options={"fflags": "+bitexact"})
        stream = self._out.add_stream(self._recipe.encoder, rate=self._recipe.fps)
        assert isinstance(stream, VideoStream)
        configure(stream.codec_context, self._recipe, self._ladder[0])
        stream.time_base, self._stream = self._recipe.time_base, stream
        if self._like.rotation:
            self._stream.set_display_rotation(self._like.rotation)
        if self._like.timecode:
            self._stream.metadata["timecode"] = self._like.timecode
        if self._audio_from:
            self._audio = AudioCopy(self._audio_from, self._out)

    @property
    def lossy(self) -> bool:
        """Whether what is written is decoded again, and a watch told of it: a lossless codec leaves nothing to tell."""
        return len(self._ladder) > 1

    @property
    def _ladder(self) -> tuple[int, ...]:
        return LADDERS[self._recipe.codec]

    def write(self, frame: Frame) -> None:
        """Takes the next frame; its index is not looked at, its time stamp only where the source's rate varies."""
        if (frame.width, frame.height) != (self._like.width, self._like.height):
            raise ValueError(
                f"{self._path.name}: a frame of {frame.width}x{frame.height} in a film of "
                f"{self._like.width}x{self._like.height}"
            )
        stamp = self._stamp(frame)
        self._pending.append((frame, to_picture(frame, self._recipe.layout, self._recipe.colour, stamp)))
        if len(self._pending) == self._recipe.group + 1:
            self._guarded_flush(self._recipe.group)

    def _stamp(self, frame: Frame) -> int:
        count = self._written + len(self._pending)
        if not self._like.variable_rate or frame.pts is None or frame.time_base is None:
            return count
        stamp = round(frame.pts * frame.time_base / self._recipe.time_base)
        if count == 0:
            self._origin = stamp
        return stamp - self._origin

    def _guarded_flush(self, count: int) -> None:
        try:
            self._flush(count)
        except (OSError, av.error.FFmpegError) as why:
            raise MachineFailed(f"{self._path}: could not be written ({_reason(why)}); free space and resume") from why

    def _flush(self, count: int) -> None:
        """Codes the first `count` pending frames as one group and muxes them."""
        group, self._pending = self._pending[:count], self._pending[count:]
        stamps = [picture.pts or 0 for _, picture in group]
        following = [*stamps[1:], *(picture.pts or 0 for _, picture in self._pending[:1])]
        for packet, stamp, after in zip(self._coded(group), stamps, [*following, None], strict=False):
            self._last_step = after - stamp if after is not None else self._tail_step()
            packet.pts = packet.dts = stamp
            packet.duration, packet.time_base = self._last_step, self._recipe.time_base
            packet.stream = self._stream
            if self._audio:
                self._audio.mux_until(stamp * self._recipe.time_base, self._out)
            self._out.mux_one(packet)
        self._written += len(group)

    def _tail_step(self) -> int:
        """How long the last frame shows: as in the source when the rate varies, else one step."""
        if not self._like.variable_rate:
            return 1
        return stamp_table(self._like.path).last_duration or self._last_step

    def _coded(self, group: list[tuple[Frame, VideoFrame]]) -> list[Packet[Stream]]:
        """The group's packets at the first rung, from the last group's on, where every frame's luma holds."""
        pictures = [picture for _, picture in group]
        while True:
            packets, headers = encode_group(self._recipe, pictures, self._ladder[self._rung])
            if len(packets) != len(pictures):
                raise MachineFailed(f"{self._path}: {self._recipe.encoder} dropped a frame; try another codec")
            seen = decode_group(self._recipe, packets, headers) if self.lossy else []
            lowest = self._lowest_psnr(pictures, seen)
            if lowest >= FLOOR_DB or self._rung == len(self._ladder) - 1:
                break
            self._rung = min(len(self._ladder) - 1, self._rung + max(1, round((FLOOR_DB - lowest) / RUNG_DB)))
        if lowest >= FLOOR_DB + EASE_DB and self._rung:
            self._rung -= 1
        if self._watch and seen:
            self._tell(self._watch, [frame for frame, _ in group], packets, seen)
        return packets

    def _lowest_psnr(self, pictures: list[VideoFrame], seen: list[VideoFrame]) -> float:
        """The worst frame's; infinite where none was decoded, since nothing is lost."""
        if not seen:
            return float("inf")
        layout = self._recipe.layout
        return min(
            worst_half_psnr(planes_of(a, layout)[0], planes_of(b, layout)[0], layout.depth)
            for a, b in zip(pictures, seen, strict=True)
        )

    def _tell(
        self, watch: Watch, group: Sequence[Frame], packets: Sequence[Packet[Stream]], seen: Sequence[VideoFrame]
    ) -> None:
        held = length_prefixed if self._recipe.codec == "h264" else bytes
        for frame, packet, picture in zip(group, packets, seen, strict=True):
            coded = to_frame(picture, frame.index)
            self._account.add_packet(held(bytes(packet)))
            if packet.is_keyframe:
                self._account.add_key(coded.planes[0])
            watch(frame, coded)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()

    def _finish(self) -> None:
        if not self._written and not self._pending:
            raise BadInput(f"{self._path}: no frame to write; nothing was made")
        if self._pending:
            self._guarded_flush(len(self._pending))
        try:
            if self._audio:
                self._audio.mux_until(None, self._out)
            self._out.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._refuse_other()
            self._temp.replace(self._path)
        except (OSError, av.error.FFmpegError) as why:
            raise MachineFailed(f"{self._path}: could not be written ({_reason(why)}); free space and resume") from why

    def _refuse_other(self) -> None:
        """The file that was watched must hold what the watch was told of."""
        if self._watch is None or not self.lossy:
            return
        held = Account()
        with suppress(BadInput):
            held = account_of(self._temp)
        if not held.agrees(self._account):
            raise MachineFailed(f"{self._path}: the disk does not hold what was written to it; check it and resume")

    def _discard(self) -> None:
        """Lets go of everything; a file that was not finished disappears."""
        if self._audio:
            self._audio.close()
        self._pending.clear()
        with suppress(OSError, av.error.FFmpegError, AttributeError):
            self._out.close()
        with suppress(OSError):
            self._file.close()
        self._temp.unlink(missing_ok=True)


class FolderWriter:
    """Writes a folder of PNG pictures; the folder appears under its name only when it is whole.

    Pictures are named as the source's, with .png, when `like` is a folder, else 00000.png, 00001.png, … An older
    folder of that name is replaced if it holds nothing but PNG pictures.
    """

    lossy = False

    def __init__(self, path: Path, like: MediaInfo) -> None:
        self._path, self._like, self._count = Path(path), like, 0
        refuse_place(self._path, like.path, folder=True)
        sources = pictures_in(like.path) if like.kind == "frames" and like.path.is_dir() else []
        stems = [p.stem for p in sources]
        self._stems = stems if len(set(stems)) == len(stems) else []

    def __enter__(self) -> Self:
        self._temp = self._path.parent / temporary_name(self._path)
        self._temp.mkdir()
        return self

    def write(self, frame: Frame) -> None:
        """Writes the next frame; 8-bit sources give 8-bit pictures, deeper ones 16-bit."""
        stem = self._stems[self._count] if self._count < len(self._stems) else f"{self._count:05d}"
        done, data = cv2.imencode(".png", _png_pixels(frame))
        assert done
        try:
            (self._temp / f"{stem}.png").write_bytes(data.tobytes())
        except OSError as why:
            raise MachineFailed(f"{self._path}: could not be written ({_reason(why)}); free space and resume") from why
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            shutil.rmtree(self._temp, ignore_errors=True)

    def _finish(self) -> None:
        if not self._count:
            raise BadInput(f"{self._path}: no frame to write; nothing was made")
        if self._path.exists():
            old = self._path.parent / temporary_name(self._path)
            self._path.replace(old)
            self._temp.replace(self._path)
            shutil.rmtree(old, ignore_errors=True)
        else:
            self._temp.replace(self._path)


def open_writer(
    path: Path,
    like: MediaInfo,
    *,
    codec: Codec = "auto",
    audio_from: Path | None = None,
    watch: Watch | None = None,
) -> Writer | FolderWriter:
    """The writer of `like`'s kind: a folder of PNG for frames, else a film; use it as a context manager."""
    if like.kind == "frames":
        return FolderWriter(path, like)
    return Writer(path, like, codec=codec, audio_from=audio_from, watch=watch)


def write_video(
    path: Path, frames: Iterable[Frame], like: MediaInfo, audio_from: Path | None = None, codec: Codec = "auto"
) -> None:
    """Writes all frames through `open_writer`; the file or folder appears when it is whole."""
    with open_writer(path, like, codec=codec, audio_from=audio_from) as writer:
        for frame in frames:
            writer.write(frame)


def temporary_name(path: Path) -> str:
    """A hidden name beside `path` that nothing else uses."""
    return f".{path.name}.{uuid.uuid4().hex[:12]}.part"


def refuse_place(path: Path, source: Path, *, folder: bool = False) -> None:
    """BadInput when `path` cannot be written: it is the source itself, of the other kind, or its folder is shut."""
    if path.exists() and source.exists() and path.samefile(source):
        raise BadInput(f"{path}: is the source itself; originals are never written to, give another output")
    if path.is_dir() and not folder:
        raise BadInput(f"{path}: is a folder; give a file name")
    if folder and path.exists() and not _only_png(path):
        raise BadInput(f"{path}: exists and holds other things than PNG frames; give a new folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise BadInput(f"{path.parent}: cannot be made ({_reason(why)}); give another output") from why
    if not os.access(path.parent, os.W_OK):
        raise BadInput(f"{path.parent}: may not be written to; give another output")


def _only_png(path: Path) -> bool:
    return path.is_dir() and all(p.is_file() and p.suffix == ".png" for p in path.iterdir())


def _reason(why: Exception) -> str:
    """ "No space left on device" and the like."""
    return (why.strerror if isinstance(why, OSError) else None) or str(why) or type(why).__name__


def _png_pixels(frame: Frame) -> Codes:
    """Pixels as the PNG encoder takes them: grey, or B, G, R; depths between 9 and 15 are stretched to 16."""
    if frame.layout.family == "yuv":
        return rgb8(frame)[..., ::-1]
    depth = 8 if frame.layout.depth <= 8 else 16
    name = {"gray": {8: "gray", 16: "gray16le"}, "rgb": {8: "rgb24", 16: "rgb48le"}}[frame.layout.family][depth]
    layout = layout_of(name)
    assert layout is not None
    planes = converted(frame, layout).planes
    return planes[0] if len(planes) == 1 else stacked(planes[::-1])


def _recipe(codec: Codec, like: MediaInfo) -> Recipe:
    chosen = choose_codec(codec, like)
    if chosen == "prores" and like.colour.range == 2 and like.pixel_format.startswith("yuv"):
        raise BadInput(f"{like.path}: is full range, which ProRes cannot say; write it as h264 or ffv1")
    layout = coded_layout(chosen, like)
    clock = stamp_table(like.path).time_base if like.variable_rate else 1 / like.fps
    return Recipe(
        codec=chosen,
        layout=layout,
        width=like.width,
        height=like.height,
        fps=like.fps,
        time_base=clock,
        sample_aspect=like.sample_aspect,
        colour=coded_colour(layout, like),
        group=_group_length(chosen, layout, like),
    )


def _group_length(codec: str, layout: PixelLayout, like: MediaInfo) -> int:
    """Frames per group: two seconds at most of what fits the memory of a group; intra codecs need few."""
    samples = 1 if layout.family == "gray" else 1 + 2 / (1 << (layout.chroma_x + layout.chroma_y))
    size = like.width * like.height * samples * (1 if layout.depth <= 8 else 2)
    return max(4, min(48 if codec == "h264" else 8, int(GROUP_BYTES / size)))


def _muxer(path: Path, recipe: Recipe, like: MediaInfo, audio_from: Path | None) -> str:
    """The container by the name's suffix, else by the source's; another when that cannot hold what goes in."""
    wanted = SUFFIXES.get(path.suffix.lower()) or (like.container if like.container in {"mp4", "mov"} else "matroska")
    codecs = {recipe.encoder} | (audio_codecs(audio_from) if audio_from else set())
    for kind in (wanted, "mov", "matroska"):
        with av.open(io.BytesIO(), "w", format=kind) as trial:
            if codecs <= trial.supported_codecs:
                return kind
    return "matroska"
