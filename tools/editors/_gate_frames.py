"""A take's frames as the gate uses them: at the source's rate and length, size and layout."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tools.errors import Broken
from tools.media import pixels
from tools.media.decode import frames
from tools.media.pixels import Codes
from tools.media.probe import probe
from tools.types import Bits, Box, Frame, MediaInfo, Rgb

SAME = 100.0
"""PSNR in dB that stands for identical pictures."""


class ReadOnce:
    """One pass over a clip for two readers: who edits it reads ahead, and who composites takes the same frames after.

    Memory holds what lies between them. Nobody can write to a frame that both have.
    """

    def __init__(self, source: Iterator[Frame]) -> None:
        self._source = source
        self._held: deque[Frame] = deque()

    def ahead(self) -> Iterator[Frame]:
        for frame in self._source:
            for plane in frame.planes:
                plane.flags.writeable = False
            self._held.append(frame)
            yield frame

    def behind(self) -> Iterator[Frame]:
        """The frames that `ahead` has given; it ends where none is left."""
        while self._held:
            yield self._held.popleft()


class OutsideLuma:
    """Luma outside the supports as it was coded, against what it was before; frames may be seen a while after they were
    expected. `seen` counts those that could be compared.
    """

    def __init__(self) -> None:
        self._expected: deque[tuple[Box | None, Bits]] = deque()
        self._squares, self._count, self._top = 0.0, 0, 0
        self.seen = 0

    def expect(self, inside: Bits) -> None:
        """The support (H, W) of the next frame."""
        around = Box.around(inside)
        self._expected.append((around, inside[:0] if around is None else inside[around.slices].copy()))

    def see(self, frame: Frame, coded: Frame) -> None:
        """The next frame that was expected, and as it was coded."""
        around, part = self._expected.popleft()
        if coded.layout == frame.layout:
            inside = np.zeros((frame.height, frame.width), np.bool_)
            if around is not None:
                inside[around.slices] = part
            self.add(frame, coded.planes[0], inside)

    def add(self, frame: Frame, luma: Codes, inside: Bits) -> None:
        """A frame, its luma as it was coded, and its support (H, W)."""
        outside = (~inside).astype(np.uint8)
        self._squares += cv2.norm(frame.planes[0], luma, cv2.NORM_L2SQR, outside)
        self._count += int(np.count_nonzero(outside))
        self._top = (1 << frame.layout.depth) - 1
        self.seen += 1

    @property
    def psnr(self) -> float:
        """In dB at the source's depth over all frames; 100 when nothing differs."""
        if self._squares == 0 or self._count == 0:
            return SAME
        return min(SAME, float(10 * np.log10(self._top**2 * self._count / self._squares)))


def fitted(take: Path, info: MediaInfo, count: int) -> Iterator[Frame]:
    """The take's frames at the source's rate, nearest in time, exactly `count` of them."""
    made = probe(take)
    if made.frames == count and (made.fps == info.fps or made.kind == "frames" or info.variable_rate):
        return frames(take, info=made)
    ratio = made.fps / info.fps
    if abs(Fraction(made.frames) / ratio - count) > 2:
        raise Broken(f"{take.name}: {made.frames} frames at {made.fps} do not cover {count} frames at {info.fps}")
    return _resampled(take, made, ratio, count)


def _resampled(take: Path, made: MediaInfo, ratio: Fraction, count: int) -> Iterator[Frame]:
    stream = enumerate(frames(take, info=made))
    at, frame = next(stream)
    for index in range(count):
        wanted = min(round(index * ratio), made.frames - 1)
        while at < wanted:
            at, frame = next(stream)
        yield frame


def alike(edited: Frame, source: Frame) -> Frame:
    """The edited frame at the source's size and layout."""
    if (edited.height, edited.width) == (source.height, source.width) and edited.layout == source.layout:
        return edited
    return painted(sized(pixels.rgb8(edited), source), source)


def sized(picture: Rgb, source: Frame) -> Rgb:
    """A picture at the source's size."""
    if picture.shape[:2] == (source.height, source.width):
        return picture
    return np.asarray(cv2.resize(picture, (source.width, source.height), interpolation=cv2.INTER_CUBIC), np.uint8)


def painted(picture: Rgb, source: Frame) -> Frame:
    """A picture of the source's size as a frame of its layout, in its place in time."""
    return pixels.from_444(pixels.rgb8_to_444(picture, source), source)


def in_place(edited: Frame, source: Frame) -> Frame:
    """The edited frame at the source's place in time."""
    return Frame(source.index, edited.planes, source.layout, source.colour, source.pts, source.time_base)
