"""Kling's selections as the sandbox makes them: what lies under a click, and where it is in every frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from tools.sandbox.providers._footage import Footage, write_footage
from tools.types import Bits, Rgb

Point = tuple[float, float]
Things = Callable[[Rgb], Sequence[Bits]]
"""The masks of what a labelled film says is wrong in a frame of it; none for any other picture."""
UNLIKE = 14
"""Code values by which a neighbour may differ from the clicked place and still be of the same thing."""
MOST_SHARE = 0.5
"""A click that would select more of the frame than this selects nothing."""
RATES = (24, 30, 60)
LENGTHS = ((1.9, 5.1), (6.9, 10.1))
SIDES = (720, 2160)
MOST_FRAMES, MOST_POINTS = 10, 10


@dataclass(slots=True)
class Selection:
    """One take with what was clicked on: per frame the points, and the masks that they gave."""

    video: bytes = field(repr=False)
    footage: Footage = field(repr=False)
    points: dict[int, list[Point]] = field(default_factory=dict)
    masks: dict[int, list[Bits]] = field(default_factory=dict, repr=False)

    @property
    def seconds(self) -> Fraction:
        return Fraction(len(self.footage.frames)) / self.footage.rate

    def add(self, frame: int, points: Sequence[Point], things: Things) -> list[Bits]:
        """Clicks on a frame; what is selected in it. ValueError for a click that may not be made."""
        self._check(frame, points)
        self.points[frame] = [*self.points.get(frame, []), *points]
        if len(self.points) > MOST_FRAMES or len(self.points[frame]) > MOST_POINTS:
            raise ValueError("at most 10 frames, and 10 points in one, may be marked")
        self.masks[frame] = selected(self.footage.frames[frame], self.points[frame], things)
        return self.masks[frame]

    def remove(self, frame: int, points: Sequence[Point], things: Things) -> list[Bits]:
        """Takes clicks back, which must be the very ones that were made."""
        self._check(frame, points)
        if not set(points) <= set(self.points.get(frame, [])):
            raise ValueError("points must be those that were added")
        self.points[frame] = [point for point in self.points[frame] if point not in points]
        self.masks[frame] = selected(self.footage.frames[frame], self.points[frame], things)
        return self.masks[frame]

    def clear(self) -> None:
        self.points.clear()
        self.masks.clear()

    def _check(self, frame: int, points: Sequence[Point]) -> None:
        if not 0 <= frame < len(self.footage.frames):
            raise ValueError(f"frame_index {frame} is not in the video")
        if not points or not all(0 <= value <= 1 for point in points for value in point):
            raise ValueError("points must be normalised to 0-1")

    def tracked(self) -> bytes:
        """A mask video: each frame has the selection of the nearest marked one, grown by what a model paints over.

        Where all of them are alike it is one picture.
        """
        marked = {frame: _joined(masks) for frame, masks in self.masks.items() if masks}
        if not marked:
            raise ValueError("nothing is selected")
        width, _ = self.footage.size
        grown = {frame: _grown(mask, max(3, width // 60)) for frame, mask in marked.items()}
        first = next(iter(grown.values()))
        if all(np.array_equal(first, mask) for mask in grown.values()):
            return bytes(cv2.imencode(".png", first.astype(np.uint8) * 255)[1])
        nearest = [min(grown, key=lambda one: abs(one - at)) for at in range(len(self.footage.frames))]
        pictures = (_white(grown[frame]) for frame in nearest)
        with TemporaryDirectory() as folder:
            return write_footage(Path(folder) / "mask.mp4", pictures, self.footage.rate).read_bytes()


def check_footage(footage: Footage) -> None:
    """Raises ValueError for footage that multi-elements does not take."""
    seconds, sides = len(footage.frames) / footage.rate, footage.size
    if not any(least <= seconds <= most for least, most in LENGTHS):
        raise ValueError("the video must be 2-5 or 7-10 seconds long")
    if min(sides) < SIDES[0] or max(sides) > SIDES[1]:
        raise ValueError("the sides of the video must be 720-2160 pixels")
    if min(abs(footage.rate - rate) for rate in RATES) > Fraction(1, 10):
        raise ValueError("the video must have 24, 30 or 60 frames per second")


def selected(frame: Rgb, points: Sequence[Point], things: Things) -> list[Bits]:
    """What lies under clicks, one mask per thing: the labelled one where a click hits it, else what looks alike."""
    known, masks = list(things(frame)), list[Bits]()
    smooth = np.asarray(cv2.medianBlur(np.ascontiguousarray(frame), 5), np.uint8)
    for x, y in points:
        at = min(int(x * frame.shape[1]), frame.shape[1] - 1), min(int(y * frame.shape[0]), frame.shape[0] - 1)
        if any(mask[at[1], at[0]] for mask in masks):
            continue
        hit = next((mask for mask in known if mask[at[1], at[0]]), None)
        masks.append(_alike(smooth, at) if hit is None else hit)
    return [mask for mask in masks if mask.any()]


def _alike(picture: Rgb, at: tuple[int, int]) -> Bits:
    """Everything that hangs together with a place and has about its colour."""
    height, width = picture.shape[:2]
    filled = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (1 << 8)
    cv2.floodFill(picture.copy(), filled, at, (0, 0, 0), (UNLIKE,) * 3, (UNLIKE,) * 3, flags)
    found = cv2.morphologyEx(filled[1:-1, 1:-1], cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)) > 0
    return np.asarray(found if found.mean() <= MOST_SHARE else np.zeros_like(found), np.bool_)


def _joined(masks: Sequence[Bits]) -> Bits:
    return np.asarray(np.logical_or.reduce(list(masks)), np.bool_)


def _grown(mask: Bits, by: int) -> Bits:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0, np.bool_)


def _white(mask: Bits) -> Rgb:
    return np.repeat(mask.astype(np.uint8)[..., None] * 255, 3, axis=2)


def points_of(told: Sequence[Mapping[str, float]]) -> list[Point]:
    """The points of a request; ValueError where one is none."""
    if not isinstance(told, list) or not all(set(one) == {"x", "y"} for one in told):
        raise ValueError("points must be a list of {x, y}")
    return [(float(one["x"]), float(one["y"])) for one in told]
