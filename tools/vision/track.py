"""Following a region through a clip from one frame in which it is known.

`track` follows the place: the surface that the region lies on, whether what was marked can be seen on it or not.
`follow` follows the thing: it says how sure each frame is, and ends where the thing is gone, hidden or left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames as decoded
from tools.media.pixels import luma8, rgb8, shrunk
from tools.types import Bits, Box, Clip, Frame, Gray, MaskTrack, Rgb
from tools.vision._track_look import Looks
from tools.vision._track_place import Places, Surface
from tools.vision._track_watch import Watch
from tools.vision.align import Matrix
from tools.vision.motion import working, working_mask

CHUNK = 32
"""Frames held at once while going backward."""
LONGEST = 1280
"""Longer side of the pictures in which a region is looked at."""


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
    surface = Surface.of(working(luma8(_frame(clip, seed))), mask)
    for pictures in (_forward(clip, seed + 1, last, _gray), _backward(clip, first, seed - 1, _gray)):
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
    walk = _Walk(_small(_frame(clip, seed)), mask)
    held, guessed = dict(MaskTrack.of({seed: mask}, width, height).crops), dict[int, tuple[Box, Bits]]()
    sure = {seed: 1.0}
    for pictures in (_forward(clip, seed + 1, last, _small), _backward(clip, first, seed - 1, _small)):
        for index, bits, confidence, lost in walk.away(pictures):
            (guessed if lost else held).update(MaskTrack.of({index: bits}, width, height).crops)
            sure[index] = confidence
    lost_ones = frozenset(sure) - set(held)
    return Track(MaskTrack(width, height, held), sure, lost_ones, MaskTrack(width, height, guessed))


class _Walk:
    """What the seed frame tells, and the way from it through a stream of pictures."""

    def __init__(self, seed: Picture, mask: Bits) -> None:
        self.mask = mask
        self.surface = Surface.of(seed.gray, mask)
        self.looks = Looks.of(working_mask(mask, seed.rgb.shape[:2]))
        self.view = self.looks.view(seed.rgb, np.eye(3))

    def away(self, pictures: Iterator[tuple[int, Picture]]) -> Iterator[tuple[int, Bits, float, bool]]:
        """Per picture its index, the full-size mask or guess, the confidence and whether the thing is lost."""
        places, watch = Places(self.surface), Watch(self.looks, self.view)
        for index, picture in pictures:
            place = places.step(picture.gray)
            sight = watch.see(
                self.looks.view(picture.rgb, full_size(place, picture.rgb.shape[1] / picture.gray.shape[1]))
            )
            moved = _moved(self.mask, full_size(place, self.mask.shape[1] / picture.gray.shape[1]))
            confidence = places.likeness if sight is None else sight.confidence
            yield index, moved, confidence, sight is not None and sight.lost


class Picture(NamedTuple):
    """A frame for following: luma at working size, and colours with the longer side at most `LONGEST`."""

    gray: Gray
    rgb: Rgb


T = TypeVar("T")


def _gray(frame: Frame) -> Gray:
    return working(luma8(frame))


def _small(frame: Frame) -> Picture:
    return Picture(_gray(frame), rgb8(shrunk(frame, LONGEST)))


def _frame(clip: Clip, index: int) -> Frame:
    return next(decoded(Clip(media=clip.media, first=clip.first + index, last=clip.first + index)))


def _forward(clip: Clip, first: int, last: int, seen: Callable[[Frame], T]) -> Iterator[tuple[int, T]]:
    if first <= last:
        part = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
        for index, frame in enumerate(decoded(part), first):
            yield index, seen(frame)


def _backward(clip: Clip, first: int, last: int, seen: Callable[[Frame], T]) -> Iterator[tuple[int, T]]:
    for end in range(last, first - 1, -CHUNK):
        yield from reversed(list(_forward(clip, max(first, end - CHUNK + 1), end, seen)))


def full_size(matrix: Matrix, scale: float) -> Matrix:
    """A matrix between pictures `scale` times larger."""
    grow = np.diag([scale, scale, 1.0])
    return np.asarray(grow @ matrix @ np.linalg.inv(grow), np.float64)


def _moved(mask: Bits, matrix: Matrix) -> Bits:
    """The seed's mask through a matrix of its own size."""
    moved = cv2.warpPerspective(mask.astype(np.uint8) * 255, matrix, (mask.shape[1], mask.shape[0]))
    return np.asarray(moved > 127, np.bool_)


def mask_from_box(frame: Rgb, box: Box) -> Bits:
    """The thing inside a box, snapped to its edges (GrabCut, Rother et al. 2004); the box itself where nothing parts.

    `frame` is (H, W, 3); the mask is (H, W) and lies inside the box.
    """
    height, width = frame.shape[:2]
    around = box.grown(max(8, box.w // 2, box.h // 2), width, height)
    labels = np.full((around.h, around.w), cv2.GC_BGD, np.uint8)
    inner = Box(box.x - around.x, box.y - around.y, box.w, box.h)
    labels[inner.slices] = cv2.GC_PR_FGD
    cut = grab_cut(frame[around.slices], labels)
    full = np.zeros((height, width), np.bool_)
    share = float(cut[inner.slices].mean())
    full[around.slices] = cut if 0.1 < share < 0.98 else labels == cv2.GC_PR_FGD
    return full


def mask_from_point(frame: Rgb, point: tuple[int, int]) -> Bits:
    """The thing at a point (x, y): what GrabCut parts from its surround, the part that holds the point.

    `frame` is (H, W, 3). Things of up to about a quarter of the picture's height are found.
    """
    height, width = frame.shape[:2]
    reach, core = round(0.12 * height), max(2, round(0.008 * height))
    around = Box(point[0], point[1], 1, 1).grown(2 * reach, width, height)
    labels = np.full((around.h, around.w), cv2.GC_BGD, np.uint8)
    centre = (point[0] - around.x, point[1] - around.y)
    cv2.circle(labels, centre, reach, cv2.GC_PR_BGD, -1)
    labels[_alike(frame[around.slices], centre, core) & (labels == cv2.GC_PR_BGD)] = cv2.GC_PR_FGD
    cv2.circle(labels, centre, core, cv2.GC_FGD, -1)
    cut = grab_cut(frame[around.slices], labels).astype(np.uint8)
    _, parts = cv2.connectedComponents(cut)
    full = np.zeros((height, width), np.bool_)
    full[around.slices] = parts == parts[centre[1], centre[0]]
    return full


def _alike(crop: Rgb, centre: tuple[int, int], core: int) -> Bits:
    """Pixels connected to the centre whose colour is within the spread of the disc around it."""
    lab = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2Lab), (0, 0), 1.0)
    disc = np.zeros(crop.shape[:2], np.uint8)
    cv2.circle(disc, centre, core, 1, -1)
    mean = lab[disc > 0].mean(axis=0)
    limit = max(12.0, 3 * float(lab[disc > 0].std(axis=0).max()))
    near = (np.linalg.norm(lab - mean, axis=2) < limit).astype(np.uint8)
    near |= disc
    _, parts = cv2.connectedComponents(near)
    return cast(Bits, parts == parts[centre[1], centre[0]])


def grab_cut(picture: Rgb, labels: NDArray[np.uint8], rounds: int = 3) -> Bits:
    """GrabCut from a map of cv2.GC_* labels (H, W); the sure labels alone where one side is empty."""
    known = labels.copy()
    foreground = (known == cv2.GC_FGD) | (known == cv2.GC_PR_FGD)
    if foreground.all() or not foreground.any():
        return cast(Bits, foreground)
    models = np.zeros((1, 65), np.float64), np.zeros((1, 65), np.float64)
    cv2.setRNGSeed(0)
    bgr = np.ascontiguousarray(picture[..., ::-1])
    cv2.grabCut(bgr, known, None, models[0], models[1], rounds, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return cast(Bits, (known == cv2.GC_FGD) | (known == cv2.GC_PR_FGD))
