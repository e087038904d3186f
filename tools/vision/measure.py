"""What the decision rule looks at, measured for one tracked region of one clip."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import luma_frames
from tools.media.probe import probe
from tools.types import Bits, Clip, Frozen, Gray, MaskTrack, Motion
from tools.vision.align import Matrix, fit
from tools.vision.motion import global_and_flow, region_motion, textured_points, working, working_mask

SIGHT = 48
"""Frames to each side in which a region's content is looked for."""
WORKING, FINE = 320, 640
MOST_TARGETS = 24
MOST_SHARP = 12
"""Frames, of the region's and of all, whose sharpness is measured: it is judged by quantiles."""
ALIKE = 6.0
"""Levels by which two frames' views of a place may differ, less a pixel's play, where nothing changes there. Of still
scenes under a moving camera 98 to 99.7 of 100 places keep to it, a cyclist's only 65 (removals of `suture bench fill`).
"""
GRAIN = 0.8
"""Sigma in working pixels that grain is smoothed with before views are compared."""
RING, LEAST_RING = 8, 20
"""Working pixels around a region, and how many of them there must be, by which views are brought to one level."""
NATURAL_SMEAR = 0.7
"""Softer over sharper direction that unsmeared footage reaches: thirteen clips of data/ lie between 0.72 and 0.99."""
UNKNOWN = 0.4
"""Steepness taken where there is no edge to measure."""


class RegionMeasure(Frozen):
    """One region: shares of the frame, speeds, the share of masked pixels other frames show, relative sharpness.

    `sharpness` compares the region's surround with the shot elsewhere; 1 is as sharp.
    """

    coverage_mean: float
    coverage_max: float
    motion: Motion
    revealed: float
    sharpness: float


Luma = NDArray[np.float32]
Acuity = tuple[float, float]
"""Steepness of edges across and down."""


@dataclass(frozen=True, slots=True)
class _View:
    """A small picture of one frame and the region's mask in it; how sharp it is around the region and everywhere, where
    that was measured."""

    luma: Gray
    hole: Bits
    around: Acuity | None
    whole: Acuity | None


def measure_region(clip: Clip, track: MaskTrack) -> RegionMeasure:
    """Coverage, motion, `revealed` and sharpness of a region; `track` counts from the clip's first frame."""
    mean, most = track.coverage
    views = _views(clip, track)
    return RegionMeasure(
        coverage_mean=mean,
        coverage_max=most,
        motion=region_motion(clip, track),
        revealed=_revealed(views),
        sharpness=sharpness(views),
    )


def _views(clip: Clip, track: MaskTrack) -> list[_View]:
    """Small views of every frame near the region: 320 pixels wide, so a thousand frames take some 100 MB."""
    if not track:
        return []
    info = probe(clip.media)
    longest = max(FINE, round(FINE * info.height / info.width))
    first, last = track.frames
    seen = range(max(0, first - SIGHT), min(clip.frames, last + SIGHT + 1))
    asked = {*_some(list(seen)), *_some(sorted(track.crops))}
    made = []
    for index, luma in luma_frames(clip, longest=longest):
        if index > last + SIGHT:
            break
        if index >= first - SIGHT:
            made.append(_view(luma, track.at(index), sharp=index in asked))
    return made


def _some(indices: list[int]) -> list[int]:
    """At most MOST_SHARP of them, evenly apart."""
    return indices[:: max(1, -(-len(indices) // MOST_SHARP))]


def _view(luma: Gray, mask: Bits, *, sharp: bool) -> _View:
    hole = working_mask(mask, (luma.shape[0], luma.shape[1]))
    whole = acuity(luma, ~hole) if sharp else None
    around = acuity(luma, _grown(hole, 48) & ~hole) if sharp and hole.any() else whole
    small = working(luma, WORKING)
    return _View(small, working_mask(mask, (small.shape[0], small.shape[1])), around, whole)


def _places(views: list[_View]) -> list[Matrix]:
    """Per view, the matrix from its pixels to those of the first masked view, following what surrounds the region.

    Following the surround, not the camera: what a worn thing hides moves with its wearer.
    """
    start = next(i for i, view in enumerate(views) if view.hole.any())
    places: dict[int, Matrix] = {start: np.eye(3)}
    for direction, stop in ((1, len(views)), (-1, -1)):
        spot = views[start].hole
        for index in range(start + direction, stop, direction):
            before = index - direction
            step = _surround_motion(views[before].luma, views[index].luma, spot)
            places[index] = places[before] @ np.linalg.inv(step)
            spot = views[index].hole if views[index].hole.any() else _moved(spot, step)
    return [places[i] for i in range(len(views))]


def _surround_motion(a: Gray, b: Gray, spot: Bits) -> Matrix:
    """The motion a → b that the ring around a spot shares; the camera's where the ring says nothing."""
    camera, dense = global_and_flow(a, b, _grown(spot, 3))
    ring = _grown(spot, 14) & ~_grown(spot, 2)
    points = textured_points(a, ~ring, 2)
    if len(points) < 16:
        return camera.matrix
    moved = points + dense[points[:, 1].astype(int), points[:, 0].astype(int)]
    fitted = fit(points, moved, "similarity", 0.8)
    if fitted is None or fitted[1].mean() < 0.4:
        return camera.matrix
    return fitted[0]


def _moved(spot: Bits, matrix: Matrix) -> Bits:
    size = (spot.shape[1], spot.shape[0])
    return np.asarray(cv2.warpPerspective(spot.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST), np.bool_)


def sharpness(views: list[_View]) -> float:
    """How sharp the region's surround is, against the sharper frames of the neighbourhood; 1 is as sharp.

    Where all frames are smeared alike, as in a whip pan, the smear shows as edges that are soft in one direction only.
    """
    masked = [(view.around, view.whole) for view in views if view.hole.any()]
    known = [(around, whole) for around, whole in masked if around and whole]
    if not known:
        return 1.0
    best = max(float(np.quantile([sum(view.whole) for view in views if view.whole], 0.9)), 1e-6)
    softness = float(np.median([sum(around) for around, _ in known])) / best
    smear = float(np.median([_evenness(whole) for _, whole in known]))
    return round(min(1.0, softness, smear / NATURAL_SMEAR), 4)


def _evenness(acuity: Acuity) -> float:
    """The softer direction's steepness over the sharper one's, both above what the gentlest ramp has."""
    soft, sharp = (max(steepness - 1 / 8, 1e-3) for steepness in sorted(acuity))
    return soft / sharp


def acuity(luma: Gray, where: Bits) -> tuple[float, float]:
    """Across and down: the share of the contrast within 9 pixels that the steepest step between two pixels carries.

    Blind to how much there is to see: a blurred edge spreads its contrast over more steps, whatever the contrast.
    """
    picture = luma.astype(np.float32)
    return _steepness(picture, where, (9, 1)), _steepness(picture, where, (1, 9))


def _steepness(picture: NDArray[np.float32], where: Bits, reach: tuple[int, int]) -> float:
    kernel = np.ones(reach[::-1], np.uint8)
    span = cv2.dilate(picture, kernel) - cv2.erode(picture, kernel)
    axis = 1 if reach[0] > 1 else 0
    step = cv2.dilate(np.abs(np.diff(picture, axis=axis, append=picture.take([-1], axis=axis))), kernel)
    if not where.any():
        return 1.0
    edges = where & (span >= max(12.0, float(np.quantile(span[where], 0.8))))
    return float(np.median((step / np.maximum(span, 1))[edges])) if edges.sum() >= 16 else UNKNOWN


def _revealed(views: list[_View]) -> float:
    """Share of masked pixels whose place in the scene some other frame of the neighbourhood shows."""
    masked = [i for i, view in enumerate(views) if view.hole.any()]
    if not masked:
        return 0.0
    places = _places(views)
    shown, total = 0, 0
    for index in masked[:: max(1, -(-len(masked) // MOST_TARGETS))]:
        hole = views[index].hole
        shown += int((_shown(views, places, index) & hole).sum())
        total += int(hole.sum())
    return shown / total


def _shown(views: list[_View], places: list[Matrix], index: int) -> Bits:
    """Which masked pixels of one frame other frames show: they lie inside the picture and outside the mask there, and
    nothing changes at their place. What two frames that are as far apart as the nearer is from this one show
    differently moved or changed meanwhile, and no other frame tells how it looked now.
    """
    place = _Place(views[index], index)
    back = np.linalg.inv(places[index])
    near = range(max(0, index - SIGHT), min(len(views), index + SIGHT + 1))
    for other in sorted(near, key=lambda i: abs(i - index))[1:]:
        place.look(views[other], other, back @ places[other])
        if place.settled:
            break
    return place.seen & ~place.changed


class _Place:
    """The masked pixels of one frame: which of them were seen elsewhere once and twice, and which changed meanwhile."""

    def __init__(self, view: _View, index: int) -> None:
        self._hole, self._index = view.hole, index
        self._ring = _grown(view.hole, RING) & ~_grown(view.hole, 1)
        self._luma = _soft(view.luma)
        self._first = np.zeros(view.hole.shape, np.float32)
        self._when = np.zeros(view.hole.shape, np.int64)
        self._twice = np.zeros(view.hole.shape, np.bool_)
        self.seen = np.zeros(view.hole.shape, np.bool_)
        self.changed = np.zeros(view.hole.shape, np.bool_)

    @property
    def settled(self) -> bool:
        """Whether there is nothing more to learn."""
        return bool((self._twice | ~self._hole).all())

    def look(self, view: _View, when: int, matrix: Matrix) -> None:
        """Takes in another frame; the matrix leads from its pixels to this one's."""
        free = _moved(~_grown(view.hole, 1), matrix)
        new = free & self._hole & ~self.seen
        apart = np.abs(when - self._when) >= np.abs(self._when - self._index)
        again = free & self.seen & ~self._twice & apart
        if new.any() or again.any():
            picture = self._lit(_soft(view.luma), matrix, free)
            self.changed |= again & (_beyond(self._first, picture) > ALIKE)
            self._first[new] = picture[new]
            self._when[new] = when
        self.seen |= new
        self._twice |= again

    def _lit(self, luma: Luma, matrix: Matrix, free: Bits) -> Luma:
        """Another frame's luma in this one's place, on the level of its ring."""
        picture = cv2.warpPerspective(luma, matrix, luma.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        ring = self._ring & free
        level = float(np.median((self._luma - picture)[ring])) if ring.sum() >= LEAST_RING else 0.0
        return np.asarray(picture + level, np.float32)


def _soft(luma: Gray) -> Luma:
    """Luma without its grain."""
    return np.asarray(cv2.GaussianBlur(luma.astype(np.float32), (0, 0), GRAIN), np.float32)


def _beyond(values: Luma, picture: Luma) -> Luma:
    """How far values lie outside what a picture shows within a pixel of their place."""
    near = np.ones((3, 3), np.uint8)
    over, under = values - cv2.dilate(picture, near), cv2.erode(picture, near) - values
    return np.asarray(np.maximum(over, under), np.float32)


def _grown(hole: Bits, radius: int) -> Bits:
    size = 2 * radius + 1
    return np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((size, size), np.uint8)), np.bool_)
