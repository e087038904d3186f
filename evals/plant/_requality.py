"""The same film at another quality: pictures that went through H.264 once more, labels as they were."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import av
from av.codec.context import Flags
from av.video.frame import VideoFrame

from tools.errors import BadInput
from tools.media.decode import plane_view, to_frame
from tools.media.pixels import converted
from tools.types import Frame, MediaInfo, PixelLayout

THREADS = 2
"""Fixed, because the encoder's bytes depend on it."""
WORST = 51


def check_crf(crf: int) -> None:
    """BadInput for a quality that H.264 does not have."""
    if not 0 <= crf <= WORST:
        raise BadInput(f"crf {crf}: H.264 knows 0 (lossless) to {WORST} (worst); 18 and 30 are usual")


def recompressed(frames: Iterable[Frame], info: MediaInfo, crf: int) -> Iterator[Frame]:
    """The frames as a player sees them after H.264 at `crf`; a few are held at a time."""
    waiting: deque[Frame] = deque()
    encoder = decoder = None
    for index, frame in enumerate(frames):
        layout = _coded(frame)
        if encoder is None or decoder is None:
            encoder, decoder = _encoder(info, layout, crf), _decoder()
        waiting.append(frame)
        for packet in encoder.encode(_picture(converted(frame, layout), index)):
            yield from (_again(picture, waiting.popleft()) for picture in decoder.decode(packet))
    if encoder is None or decoder is None:
        return
    rest = [picture for packet in encoder.encode(None) for picture in decoder.decode(packet)]
    yield from (_again(picture, waiting.popleft()) for picture in (*rest, *decoder.decode(None)))


def _coded(frame: Frame) -> PixelLayout:
    """The layout in which H.264 takes the frame: grey, or 4:2:0 to 4:4:4, at 8 or 10 bits."""
    own, deep = frame.layout, frame.layout.depth > 8
    suffix, depth = ("10le", 10) if deep else ("", 8)
    if own.family == "gray":
        return PixelLayout(name=f"gray{suffix}", family="gray", depth=depth)
    even = frame.width % 2 == 0 and (frame.height % 2 == 0 or not own.chroma_y)
    if own.family == "rgb" or not own.chroma_x or not even:
        return PixelLayout(name=f"yuv444p{suffix}", family="yuv", depth=depth)
    name = f"yuv420p{suffix}" if own.chroma_y else f"yuv422p{suffix}"
    return PixelLayout(name=name, family="yuv", depth=depth, chroma_x=1, chroma_y=min(1, own.chroma_y))


def _encoder(info: MediaInfo, layout: PixelLayout, crf: int) -> av.VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = info.width, info.height, layout.name
    context.time_base, context.framerate = 1 / info.fps, info.fps
    context.thread_count = THREADS
    context.flags |= Flags.bitexact
    context.options = {"preset": "veryfast", "crf": str(crf), "x264-params": f"threads={THREADS}"}
    return context


def _decoder() -> av.VideoCodecContext:
    context = av.CodecContext.create("h264", "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    return context


def _picture(frame: Frame, index: int) -> VideoFrame:
    picture = VideoFrame(frame.width, frame.height, frame.layout.name)
    for n, plane in enumerate(frame.planes):
        plane_view(picture, n, frame.layout.depth)[:, : plane.shape[1]] = plane
    picture.pts = index
    return picture


def _again(picture: VideoFrame, source: Frame) -> Frame:
    """The decoded picture in the source's place."""
    frame = to_frame(picture, source.index)
    if source.layout.family == "gray":  # decoders may add empty chroma
        frame = replace(frame, planes=frame.planes[:1], layout=_coded(source))
    tags = source.colour
    if source.layout.family == "rgb":
        tags = tags.model_copy(update={"matrix": 1, "range": 1})
    return replace(frame, colour=tags, pts=source.pts, time_base=source.time_base)
