"""Film stock of any size: grain and planes as the sample film's, coded as H.264 without sound."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from evals.studio._matte import Pixels
from evals.studio._reel import BT709, GRAIN, LAYOUT, RATE
from tools.types import Bits, Frame

# ITU-R BT.709, R'G'B' 0–255 to Y'CbCr at limited range.
_TO_YUV = np.array(
    [
        [0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16],
        [-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.9278 / 1.8556 * 224 / 255, 128],
        [0.7874 / 1.5748 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255, 128],
    ],
    np.float32,
)


def grain(seed: tuple[int, ...], size: tuple[int, int], strength: float = GRAIN) -> Pixels:
    """One frame's luma grain, (h, w): Gaussian, a little wider than a pixel, `strength` codes strong."""
    noise = np.random.default_rng(seed).standard_normal((size[1], size[0]), np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 0.55)
    return np.asarray(soft * (strength / float(soft.std())), np.float32)


def exposed(rgb: Pixels, noise: Pixels, index: int) -> Frame:
    """A frame of film: planes with grain on luma; a chroma sample is the mean of its four pixels and no others."""
    yuv = cv2.transform(rgb, _TO_YUV)
    half = cv2.resize(yuv[..., 1:], (rgb.shape[1] // 2, rgb.shape[0] // 2), interpolation=cv2.INTER_AREA)
    planes = (yuv[..., 0] + noise, half[..., 0], half[..., 1])
    return Frame(index, tuple(np.clip(np.rint(p), 1, 254).astype(np.uint8) for p in planes), LAYOUT, BT709)


def planted(clean: Frame, faulty: Frame, mask: Bits) -> Frame:
    """The clean frame, bit for bit, with the faulty one inside the mask."""
    height, width = mask.shape
    wide = mask.reshape(height // 2, 2, width // 2, 2).any(axis=(1, 3))
    planes = zip((mask, wide, wide), faulty.planes, clean.planes, strict=True)
    return Frame(clean.index, tuple(np.where(s, f, c) for s, f, c in planes), clean.layout, clean.colour)


class SilentReel:
    """film.mp4 without sound; every shot opens a closed group of pictures. `quality` is x264's constant rate factor.

    Weighted prediction and macroblock trees are off: with them the same pictures do not always give the same bytes.
    """

    def __init__(self, path: Path, size: tuple[int, int], quality: int) -> None:
        self._path, self._size, self._quality, self._count = path, size, quality, 0

    def __enter__(self) -> Self:
        self._out = av.open(str(self._path), "w", format="mp4", options={"fflags": "+bitexact"})
        self._video: VideoStream = self._out.add_stream("libx264", rate=RATE)
        context = self._video.codec_context
        context.width, context.height, context.pix_fmt = *self._size, "yuv420p"
        context.color_primaries, context.color_trc = BT709.primaries, BT709.transfer
        context.colorspace, context.color_range = BT709.matrix, BT709.range
        context.thread_count, context.gop_size = 1, 24
        context.flags |= Flags.bitexact | Flags.closed_gop
        context.options = {
            "preset": "veryfast",
            "crf": str(self._quality),
            "forced-idr": "1",
            "x264-params": "keyint=24:min-keyint=1:scenecut=0:open-gop=0:weightp=0:mbtree=0:threads=1",
        }
        return self

    def write(self, frame: Frame, *, opens: bool) -> None:
        """The next picture; `opens` where a shot begins."""
        stacked = np.concatenate([plane.reshape(-1, self._size[0]) for plane in frame.planes])
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(stacked), format="yuv420p")
        picture.pts, picture.time_base = self._count, 1 / RATE
        picture.colorspace, picture.color_range = BT709.matrix, BT709.range
        picture.pict_type = PictureType.I if opens else PictureType.NONE
        self._out.mux(self._video.encode(picture))
        self._count += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._out.mux(self._video.encode(None))
        self._out.close()
