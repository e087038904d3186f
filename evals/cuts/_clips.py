"""Real footage as a location: any crop and any moment of one shot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from evals.cuts._setups import SetUp, Size
from tools.media.decode import rgb_frames
from tools.media.probe import probe
from tools.types import Clip, Rgb

CLIPS = {
    "tune": ("clips/blocks.mp4", "clips/toy-rabbit.mp4", "clips/bigbuckbunny.mp4", "vace/kitten.mp4"),
    "test": (
        "clips/dog.mp4",
        "clips/juggle.mp4",
        "clips/toy-frog.mp4",
        "vace/boxing-cats.mp4",
        "pizza-collab/seedance-action.mp4",
        "bmx-trees/frames",
    ),
}
"""Clips of one shot each; no split sees the other's."""
LONGEST = 560


@dataclass(frozen=True, slots=True)
class Footage:
    """One clip; its own time runs to and fro when a shot is longer than what is left."""

    media: Path
    moments: int

    @classmethod
    def of(cls, media: Path) -> Footage:
        return cls(media, probe(media).frames)

    def shoot(self, setup: SetUp, frames: int, size: Size) -> Iterator[Rgb]:
        start = min(setup.start, max(0, self.moments - frames))
        last = min(start + frames, self.moments) - 1
        for index, picture in enumerate(self._to_and_fro(start, last, frames)):
            yield _through(picture, setup, index, size)

    def _to_and_fro(self, first: int, last: int, frames: int) -> Iterator[Rgb]:
        """`frames` pictures; a stretch that is shorter is held and turned round."""
        short, held = last - first + 1 < frames, []
        for _, picture in rgb_frames(Clip(media=self.media, first=first, last=last), longest=LONGEST):
            yield picture
            held.extend([picture] if short else [])
        if short:
            yield from islice(cycle([*held[-2:0:-1], *held]), frames - len(held))


def _through(picture: Rgb, setup: SetUp, index: int, size: Size) -> Rgb:
    matrix = setup.matrix(index, (picture.shape[1], picture.shape[0]), size)
    shown = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(shown, np.uint8)


def footage(split: str, data: Path | None) -> list[Footage]:
    """The split's clips that are there."""
    return [] if data is None else [Footage.of(data / name) for name in CLIPS[split] if (data / name).exists()]
