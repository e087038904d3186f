"""Following a region through a clip from one frame in which it is known.

`track` follows the place: the surface that the region lies on, whether what was marked can be seen on it or not.
`follow` follows the thing: it says how sure each frame is, and ends where the thing is gone, hidden or left behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from tools.media.pixels import luma8, rgb8, shrunk
from tools.types import Bits, Box, Clip, Frame, Gray, MaskTrack, Rgb
from tools.vision._track_body import Body, body_of, carried
from tools.vision._track_look import FAINT, Looks
from tools.vision._track_place import Places, Surface
from tools.vision._track_stream import backward, forward, frame_at
from tools.vision._track_watch import Sight, Watch
from tools.vision.align import Matrix
from tools.vision.motion import working, working_mask

LONGEST = 1280
"""Longer side of the pictures in which a region is looked at."""
DOUBTFUL = 0.3
"""Change of a region on its surface, as a share of its contrast, from which on it may be moving on its own."""
CLEARER = 0.6
"""Share of that change which its own motion must get under to be believed instead."""


@dataclass(frozen=True, slots=True)
class Track:
    """A followed region: its masks, how sure each frame is (0 to 1), and the frames in which it is lost.

    A lost frame has no mask; `guesses` says where the region would be there, where anything tells.
    """

    masks: MaskTrack
    confidence: Mapping[int, float]
    lost: frozenset[int]
    guesses: MaskTrack


def track(clip: Clip, seed: int, mask: Bits, frames: tuple[int, int] | None = None) -> MaskTrack:
    """The region's place in every frame of `frames` (default: the whole clip) in which it lies inside the picture,
    whether the thing can be seen there or not.

    `seed` counts from the clip's first frame; `mask` is (H, W) at the clip's size. Frames are streamed; going backward
    holds at most `CHUNK` working-size frames.
    """
    first, last = frames or (0, clip.frames - 1)
    height, width = mask.shape
    crops = dict(MaskTrack.of({seed: mask}, width, height).crops)
    surface = Surface.of(working(luma8(frame_at(clip, seed))), mask)
    for pictures in (forward(clip, seed + 1, last, _gray), backward(clip, first, seed - 1, _gray)):
        places = Places(surface)
        for index, gray in pictures:
            moved = _moved(mask, full_size(places.step(gray), width / gray.shape[1]))
            crops.update(MaskTrack.of({index: moved}, width, height).crops)
    return MaskTrack(width, height, crops)


def follow(clip: Clip, seed: int, mask: Bits, frames: tuple[int, int] | None = None) -> Track:
    """The thing under the mask, in the frames of `frames` (default: the whole clip) that show it.

    `seed` counts from the clip's first frame; `mask` is (H, W) at the clip's size and not empty. Frames are streamed;
    going backward holds at most `CHUNK` pictures of `LONGEST` pixels.
    """
    first, last = frames or (0, clip.frames - 1)
    height, width = mask.shape
    walk = _Walk(_small(frame_at(clip, seed)), mask)
    held, guessed = dict(MaskTrack.of({seed: mask}, width, height).crops), dict[int, tuple[Box, Bits]]()
    sure = {seed: 1.0}
    for pictures in (forward(clip, seed + 1, last, _small), backward(clip, first, seed - 1, _small)):
        for index, bits, confidence, lost in walk.away(pictures):
            (guessed if lost else held).update(MaskTrack.of({index: bits}, width, height).crops)
            sure[index] = confidence
    lost_ones = frozenset(sure) - set(held)
    return Track(MaskTrack(width, height, held), sure, lost_ones, MaskTrack(width, height, guessed))


class _Walk:
    """What the seed frame tells, and the way from it through a stream of pictures."""

    def __init__(self, seed: Picture, mask: Bits) -> None:
        small = working_mask(mask, seed.rgb.shape[:2])
        self.mask = mask
        self.surface = Surface.of(seed.gray, mask)
        self.looks = Looks.of(small)
        self.view = self.looks.view(seed.rgb, np.eye(3))
        self.contrast = max(self.looks.contrast(self.view), FAINT)
        self.body = body_of(seed.rgb, small)

    def away(self, pictures: Iterator[tuple[int, Picture]]) -> Iterator[Step]:
        """What each picture shows: the thing on its surface, else moving on its own, else nothing but a guess."""
        places, watch, body = Places(self.surface), Watch(self.looks, self.view), self.body
        for index, picture in pictures:
            place = places.step(picture.gray)
            scale = 1 / picture.gray.shape[1]
            sight = watch.see(self.looks.view(picture.rgb, full_size(place, picture.rgb.shape[1] * scale)))
            moved = _moved(self.mask, full_size(place, self.mask.shape[1] * scale))
            sure = places.likeness if sight is None else sight.confidence
            step = Step(index, moved, sure, lost=sight is not None and sight.lost)
            if sight is not None and sight.change > DOUBTFUL * self.contrast:
                step = self._on_its_own(step, sight, body, picture)
            if not step.lost:
                body = body_of(picture.rgb, working_mask(step.mask, picture.rgb.shape[:2]))
            yield step

    def _on_its_own(self, step: Step, held: Sight, body: Body, picture: Picture) -> Step:
        """The step of a thing that left its surface, where that explains the picture better."""
        found = carried(self.body, body, body_of(picture.rgb, np.zeros(picture.rgb.shape[:2], np.bool_)).rgb)
        if found is None:
            return step
        sight = Sight(found.change / self.contrast, found.palette, found.change)
        if sight.lost or (not step.lost and sight.change > CLEARER * held.change):
            return step
        height, width = self.mask.shape
        bits = cv2.resize(found.body.mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
        return Step(step.at, np.asarray(bits, np.bool_), sight.confidence, lost=False)


class Step(NamedTuple):
    """One picture's outcome: the full-size mask, or the guess where the thing is lost."""

    at: int
    mask: Bits
    confidence: float
    lost: bool


class Picture(NamedTuple):
    """A frame for following: luma at working size, and colours with the longer side at most `LONGEST`."""

    gray: Gray
    rgb: Rgb


def _gray(frame: Frame) -> Gray:
    return working(luma8(frame))


def _small(frame: Frame) -> Picture:
    return Picture(_gray(frame), rgb8(shrunk(frame, LONGEST)))


def full_size(matrix: Matrix, scale: float) -> Matrix:
    """A matrix between pictures `scale` times larger."""
    grow = np.diag([scale, scale, 1.0])
    return np.asarray(grow @ matrix @ np.linalg.inv(grow), np.float64)


def _moved(mask: Bits, matrix: Matrix) -> Bits:
    """The seed's mask through a matrix of its own size."""
    moved = cv2.warpPerspective(mask.astype(np.uint8) * 255, matrix, (mask.shape[1], mask.shape[0]))
    return np.asarray(moved > 127, np.bool_)
