"""The finished film on disk: pictures to limited-range BT.709 4:2:0 with grain, H.264 with a quiet room tone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray
from scipy.signal import lfilter

from evals.studio._matte import Pixels
from evals.studio._optics import HEIGHT, WIDTH
from tools.types import Bits, ColourTags, Frame, MediaInfo, PixelLayout

RATE = Fraction(24)
BT709 = ColourTags(primaries=1, transfer=1, matrix=1, range=1)
LAYOUT = PixelLayout(name="yuv420p", family="yuv", depth=8, chroma_x=1, chroma_y=1)

GRAIN = 2.0
"""Standard deviation of the luma grain, 8-bit codes."""

SAMPLES_PER_SECOND = 48000
SAMPLES_PER_FRAME = SAMPLES_PER_SECOND // 24

# ITU-R BT.709, R'G'B' 0–255 to Y'CbCr at limited range.
_TO_YUV = np.array(
    [
        [0.2126 * 219 / 255, 0.7152 * 219 / 255, 0.0722 * 219 / 255, 16],
        [-0.2126 / 1.8556 * 224 / 255, -0.7152 / 1.8556 * 224 / 255, 0.9278 / 1.8556 * 224 / 255, 128],
        [0.7874 / 1.5748 * 224 / 255, -0.7152 / 1.5748 * 224 / 255, -0.0722 / 1.5748 * 224 / 255, 128],
    ],
    np.float32,
)


def take_info(path: Path, frames: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> MediaInfo:
    """What a shot of (width, height) is, as the writer wants to know it; nothing has to lie at `path`."""
    return MediaInfo(
        path=path,
        kind="video",
        width=size[0],
        height=size[1],
        fps=RATE,
        frames=frames,
        container="matroska",
        codec="ffv1",
        pixel_format="yuv420p",
        bit_depth=8,
        colour=BT709,
    )


def grain(seed: tuple[int, ...]) -> Pixels:
    """One frame's luma grain, (h, w): Gaussian, a little wider than a pixel, `GRAIN` codes strong."""
    noise = np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH), np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 0.55)
    return np.asarray(soft * (GRAIN / float(soft.std())), np.float32)


def exposed(rgb: Pixels, noise: Pixels, index: int) -> Frame:
    """A frame of film: planes with grain on luma; a chroma sample is the mean of its four pixels and no others."""
    yuv = cv2.transform(rgb, _TO_YUV)
    half = cv2.resize(yuv[..., 1:], (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    planes = (yuv[..., 0] + noise, half[..., 0], half[..., 1])
    rounded = tuple(np.clip(np.rint(plane), 1, 254).astype(np.uint8) for plane in planes)
    return Frame(index, rounded, LAYOUT, BT709)


def planted(clean: Frame, faulty: Frame, mask: Bits) -> Frame:
    """The clean frame, bit for bit, with the faulty one inside the mask."""
    wide = mask.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).any(axis=(1, 3))
    supports = (mask, wide, wide)
    planes = zip(supports, faulty.planes, clean.planes, strict=True)
    return Frame(clean.index, tuple(np.where(s, f, c) for s, f, c in planes), clean.layout, clean.colour)


def room_tone(seed: int) -> Iterator[NDArray[np.float32]]:
    """Endless quiet sound, one (2, 2000) block per picture: low hum, and air through a one-pole low-pass."""
    rng = np.random.default_rng([seed, 0xA0D10])
    pitch, state, start = float(rng.uniform(90, 130)), np.zeros((2, 1)), 0
    while True:
        t = (start + np.arange(SAMPLES_PER_FRAME)) / SAMPLES_PER_SECOND
        hum = 0.012 * np.sin(2 * np.pi * pitch * t) + 0.006 * np.sin(2 * np.pi * 2.01 * pitch * t)
        air, state = lfilter([0.04], [1, -0.96], rng.standard_normal((2, SAMPLES_PER_FRAME)) * 0.05, zi=state)
        yield (hum + air).astype(np.float32)
        start += SAMPLES_PER_FRAME


@dataclass
class _Clock:
    """Pictures and sound samples written so far."""

    pictures: int = 0
    samples: int = 0


class Reel:
    """film.mp4: pictures in, with sound beside them; every shot opens a closed group of pictures."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path, self._tone, self._clock = path, room_tone(seed), _Clock()

    def __enter__(self) -> Self:
        self._out = av.open(str(self._path), "w", format="mp4", options={"fflags": "+bitexact"})
        self._video: VideoStream = self._out.add_stream("libx264", rate=RATE)
        self._audio: AudioStream = self._out.add_stream("aac", rate=SAMPLES_PER_SECOND, layout="stereo")
        self._set_up_video()
        self._audio.codec_context.bit_rate = 96000
        self._audio.codec_context.flags |= Flags.bitexact
        return self

    def _set_up_video(self) -> None:
        context = self._video.codec_context
        context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        context.color_primaries, context.color_trc = BT709.primaries, BT709.transfer
        context.colorspace, context.color_range = BT709.matrix, BT709.range
        context.thread_count, context.gop_size = 2, 24
        context.flags |= Flags.bitexact | Flags.closed_gop
        context.options = {
            "preset": "veryfast",
            "crf": "15",
            "forced-idr": "1",
            "x264-params": "keyint=24:min-keyint=1:scenecut=0:open-gop=0:threads=2",
        }

    def write(self, frame: Frame, *, opens: bool) -> None:
        """The next picture and its sound; `opens` where a shot begins."""
        stacked = np.concatenate([plane.reshape(-1, WIDTH) for plane in frame.planes])
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(stacked), format="yuv420p")
        picture.pts, picture.time_base = self._clock.pictures, 1 / RATE
        picture.colorspace, picture.color_range = BT709.matrix, BT709.range
        picture.pict_type = PictureType.I if opens else PictureType.NONE
        self._out.mux(self._video.encode(picture))
        self._clock.pictures += 1
        self._write_sound()

    def _write_sound(self) -> None:
        block = AudioFrame.from_ndarray(next(self._tone), format="fltp", layout="stereo")
        block.sample_rate, block.pts = SAMPLES_PER_SECOND, self._clock.samples
        block.time_base = Fraction(1, SAMPLES_PER_SECOND)
        self._out.mux(self._audio.encode(block))
        self._clock.samples += SAMPLES_PER_FRAME

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._out.mux(self._video.encode(None))
            self._out.mux(self._audio.encode(None))
        self._out.close()
