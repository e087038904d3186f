"""Masks as people and programs give them: a still, a folder of pictures, or a video; and mask tracks written out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from tools.errors import BadInput
from tools.media._container import picture_kind
from tools.media._folder import pictures_in
from tools.media._layouts import layout_of
from tools.media.decode import frames as decoded
from tools.media.encode import Writer
from tools.media.pixels import luma8
from tools.media.probe import probe
from tools.types import Bits, Box, Clip, ColourTags, Frame, MaskTrack, MediaInfo

LOSSLESS = {"ffv1", "png", "qtrle", "huffyuv", "ffvhuff", "utvideo", "magicyuv", "rawvideo", "gif"}
HALF = 127
GRAY = layout_of("gray")


class MaskSource:
    """One (H, W) bool mask per frame of a shot, read when asked for; a still serves every frame.

    Walking forwards through a mask video decodes it once; going back seeks. Memory holds one mask.
    """

    def __init__(self, path: Path, frames: int, stills: list[Path] | None, level: int) -> None:
        self._path, self._frames, self._stills, self._level = path, frames, stills, level
        self._at, self._mask = -1, np.zeros((0, 0), dtype=np.bool_)
        self._run: Iterator[Frame] = iter(())

    def __len__(self) -> int:
        return self._frames

    def __iter__(self) -> Iterator[Bits]:
        return (self[index] for index in range(self._frames))

    def __getitem__(self, index: int) -> Bits:
        """The mask of frame `index`, true inside the region. The array is shared: copy it before changing it."""
        if not 0 <= index < self._frames:
            raise IndexError(f"{self._path.name}: mask {index} of {self._frames}")
        if self._stills and len(self._stills) == 1:
            index = 0
        if index != self._at:
            self._mask = _picture_mask(self._stills[index]) if self._stills else self._film_mask(index)
            self._at = index
        return self._mask

    def _film_mask(self, index: int) -> Bits:
        if index != self._at + 1 or self._at < 0:
            self._run = decoded(Clip(media=self._path, first=index, last=self._frames - 1))
        mask: Bits = luma8(next(self._run)) > self._level
        return mask


def read_mask(path: Path, info: MediaInfo, frames: int) -> MaskSource:
    """The masks for `frames` frames of a source: a picture, a folder of pictures, or a video, told by content.

    Non-zero is the region; in a lossy picture or video, above half. Raises BadInput naming both sizes or lengths when
    they differ from the source's.
    """
    path = Path(path)
    if path.is_file() and picture_kind(path):
        _expect_size(path, _picture_size(path), info)
        return MaskSource(path, frames, [path], 0)
    if path.is_dir():
        stills = pictures_in(path)
        _expect_length(path, len(stills), frames)
        for still in stills:
            _expect_size(still, _picture_size(still), info)
        return MaskSource(path, frames, stills, 0)
    mask = probe(path)
    _expect_size(path, (mask.width, mask.height), info)
    _expect_length(path, mask.frames, frames)
    return MaskSource(path, frames, None, 0 if mask.codec in LOSSLESS else HALF)


def write_mask(path: Path, track: MaskTrack, frames: int, fps: Fraction) -> None:
    """Writes a track as FFV1 grey in Matroska, 0 and 255, one picture per frame of the shot."""
    assert GRAY is not None
    like = MediaInfo(
        path=path.with_name(path.name + ".source"),
        kind="video",
        width=track.width,
        height=track.height,
        fps=fps,
        frames=frames,
        container="matroska",
        codec="ffv1",
        pixel_format=GRAY.name,
        bit_depth=8,
    )
    blank = Frame(0, (), GRAY, ColourTags())
    with Writer(path, like, codec="ffv1") as writer:
        for index in range(frames):
            writer.write(replace(blank, index=index, planes=(track.at(index).astype(np.uint8) * 255,)))


def read_track(path: Path) -> MaskTrack:
    """A mask video that `write_mask` wrote, as a track; memory holds the region's crops only."""
    info = probe(path)
    crops: dict[int, tuple[Box, Bits]] = {}
    for index, mask in enumerate(read_mask(path, info, info.frames)):
        crops |= MaskTrack.of({index: mask}, info.width, info.height).crops
    return MaskTrack(info.width, info.height, crops)


def _picture_mask(path: Path) -> Bits:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise BadInput(f"{path}: cannot be read as a picture; replace it")
    level = HALF if picture_kind(path) == "JPEG" else 0
    channels = pixels[..., None] if pixels.ndim == 2 else pixels
    marked: Bits = np.asarray((channels[..., :3] > level).any(axis=2))
    return marked & (channels[..., 3] > 0) if channels.shape[2] == 4 else marked


def _picture_size(path: Path) -> tuple[int, int]:
    height, width = _picture_mask(path).shape
    return width, height


def _expect_size(path: Path, size: tuple[int, int], info: MediaInfo) -> None:
    if size != (info.width, info.height):
        raise BadInput(
            f"{path}: mask of {size[0]}x{size[1]} for {info.path.name} of {info.width}x{info.height}; "
            "make it the source's size"
        )


def _expect_length(path: Path, have: int, frames: int) -> None:
    if have != frames:
        raise BadInput(f"{path}: {have} masks for {frames} frames; give one per frame, or one picture for all")
