"""The encoders that Suture writes with, their pixel formats, and the frames turned into what they take."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import av
from av.codec.context import Flags
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame

from tools.media._layouts import PACKED_RGB, PACKED_RGB16, layout_of
from tools.media.decode import plane_view
from tools.media.pixels import converted
from tools.types import ColourTags, Frame, MediaInfo, PixelLayout

Codec = Literal["auto", "h264", "prores", "ffv1"]

THREADS = 2
"""Fixed, because some encoders' bytes depend on it."""
H264_FORMATS = {
    *("yuv420p", "yuv422p", "yuv444p", "gray"),
    *("yuv420p10le", "yuv422p10le", "yuv444p10le", "gray10le"),
}
X264 = "sps-id=7:ipratio=1:pbratio=1:stitchable=1:scenecut=0:keyint=infinite:bframes=0:psy=0:aq-mode=0:mbtree=0"
"""One quantizer for every block of every frame, because the worst place counts; headers that do not depend on it."""
FFV1_NAMES = {"rgb24": "bgr0", "bgr24": "bgr0", "rgb0": "bgr0", "gbrp": "bgr0", "bgr48le": "rgb48le"}
LADDERS = {"h264": (13, 10, 7, 4, 2, 1), "prores": (0, 2, 1), "ffv1": (0,)}
"""Quantizers to try in turn until a group holds the quality asked for; the last one is taken as it is. For ProRes, 0
is the profile's own rate."""


@dataclass(frozen=True)
class Recipe:
    """How one film is encoded: the codec, the layout its frames take, tags, clock and the groups' length in frames."""

    codec: Literal["h264", "prores", "ffv1"]
    layout: PixelLayout
    width: int
    height: int
    fps: Fraction
    time_base: Fraction
    sample_aspect: Fraction
    colour: ColourTags
    group: int

    @property
    def encoder(self) -> str:
        return {"h264": "libx264", "prores": "prores_ks", "ffv1": "ffv1"}[self.codec]

    def options(self, step: int) -> dict[str, str]:
        """The encoder's private options at one step of the ladder."""
        if self.codec == "h264":
            depth_offset = 6 * (self.layout.depth - 8)
            params = f"qp={step + depth_offset}:{X264}:threads={THREADS}{self._range_only}"
            return {"preset": "veryfast", "x264-params": params}
        if self.codec == "prores":
            return {"profile": "3" if self.layout.chroma_x else "4", "vendor": "apl0"}
        return {"level": "3", "slices": "4", "slicecrc": "1", "coder": "1", "context": "0"}

    @property
    def _range_only(self) -> str:
        """H.264 writes a limited range only beside other video signal data; "component" is its most neutral one."""
        tags = self.colour
        return (
            ":videoformat=component" if tags.range == 1 and {tags.primaries, tags.transfer, tags.matrix} == {2} else ""
        )


def choose_codec(codec: Codec, like: MediaInfo) -> Literal["h264", "prores", "ffv1"]:
    """The codec asked for, or by the source: its own for ProRes, H.264 for what it can hold, else FFV1."""
    if codec != "auto":
        return codec
    if like.codec == "prores":
        return "prores"
    lossless = like.codec in {"ffv1", "huffyuv", "ffvhuff", "utvideo", "png", "qtrle", "rawvideo", "magicyuv", "v210"}
    return "h264" if not lossless and like.pixel_format in H264_FORMATS else "ffv1"


def coded_layout(codec: Literal["h264", "prores", "ffv1"], like: MediaInfo) -> PixelLayout:
    """The layout in which `codec` takes frames of `like`: its own where the encoder can, else the nearest above it."""
    source = layout_of(like.pixel_format)
    assert source is not None
    if codec == "ffv1":
        return _layout(FFV1_NAMES.get(source.name, source.name))
    if codec == "prores":
        return _layout("yuv444p10le" if source.family == "rgb" or not source.chroma_x else "yuv422p10le")
    deep = "" if source.depth <= 8 else "10le"
    if source.family == "gray":
        return _layout(f"gray{deep}")
    return _layout(f"yuv{_sampling(source, like)}p{deep}")


def _sampling(source: PixelLayout, like: MediaInfo) -> str:
    """Encoders refuse sizes that subsampled chroma does not divide; full chroma takes them."""
    uneven = like.width % (1 << source.chroma_x) or like.height % (1 << source.chroma_y)
    if uneven or not source.chroma_x:
        return "444"
    return "420" if source.chroma_y else "422"


def coded_colour(layout: PixelLayout, like: MediaInfo) -> ColourTags:
    """The source's tags; R, G, B that become YUV become BT.709 at limited range."""
    source = layout_of(like.pixel_format)
    if source is not None and source.family == "rgb" and layout.family == "yuv":
        return like.colour.model_copy(update={"matrix": 1, "range": 1})
    return like.colour


def _layout(name: str) -> PixelLayout:
    layout = layout_of(name)
    assert layout is not None, name
    return layout


def encode_group(recipe: Recipe, pictures: list[VideoFrame], step: int) -> tuple[list[Packet[Stream]], bytes | None]:
    """A closed group of frames, coded independently of all others; packets in display order, and the headers."""
    context = av.CodecContext.create(recipe.encoder, "w")
    assert isinstance(context, av.VideoCodecContext)
    configure(context, recipe, step)
    packets = [p for picture in pictures for p in context.encode(picture)]
    return packets + context.encode(None), context.extradata


def configure(context: av.VideoCodecContext, recipe: Recipe, step: int) -> None:
    """Sets everything that a stream of this recipe declares."""
    context.width, context.height, context.pix_fmt = recipe.width, recipe.height, recipe.layout.name
    context.time_base, context.framerate = recipe.time_base, recipe.fps
    context.sample_aspect_ratio = recipe.sample_aspect
    context.color_primaries, context.color_trc = recipe.colour.primaries, recipe.colour.transfer
    context.colorspace, context.color_range = recipe.colour.matrix, recipe.colour.range
    context.thread_count, context.gop_size = THREADS, recipe.group
    if recipe.codec != "h264":
        context.gop_size = 1
    if recipe.codec == "prores" and step:
        context.flags |= Flags.qscale
        context.global_quality = step
    context.flags |= Flags.global_header | Flags.bitexact
    context.options = recipe.options(step)


def decode_group(recipe: Recipe, packets: list[Packet[Stream]], headers: bytes | None) -> list[VideoFrame]:
    """What a player will see of `encode_group`'s packets."""
    context = av.CodecContext.create(recipe.codec, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.extradata, context.thread_count = headers, THREADS
    context.width, context.height = recipe.width, recipe.height
    context.pix_fmt = recipe.layout.name
    return [f for p in packets for f in context.decode(p)] + context.decode(None)


def to_picture(frame: Frame, layout: PixelLayout, colour: ColourTags, pts: int) -> VideoFrame:
    """An encoder's picture with `layout`'s planes, tags and time, holding the frame's samples."""
    planes = converted(frame, layout).planes
    picture = VideoFrame(frame.width, frame.height, layout.name)
    packing = PACKED_RGB.get(layout.name) or PACKED_RGB16.get(layout.name)
    if packing:
        rows = plane_view(picture, 0, layout.depth)
        rows[:] = 0
        for plane, offset in zip(planes, packing[:3], strict=True):
            rows[:, offset : frame.width * packing[3] : packing[3]] = plane
    else:
        for plane, part in zip(planes, picture.format.components, strict=True):
            plane_view(picture, part.plane, layout.depth)[:, : plane.shape[1]] = plane
    picture.color_primaries, picture.color_trc = colour.primaries, colour.transfer
    picture.colorspace, picture.color_range = colour.matrix, colour.range
    picture.pts = pts
    return picture
