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
from tools.media.probe import probe
from tools.types import Frame, MediaInfo, Rgb


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
