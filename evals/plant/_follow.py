"""Where an error sits and how its surface moves: candidate places followed by dense flow, the best one refined.

A motion is a similarity of the plane written with complex numbers, z → turn·z + shift, in pixels of the source. All
candidates are carried through the shot by the flow; the one that keeps looking like itself is then registered against
its first frame, so that errors do not add up. Memory holds two numbers per candidate and frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import luma_frames
from tools.media.pixels import small_size
from tools.types import Clip, Gray, MediaInfo
from tools.vision.motion import global_and_flow, speed_class, working

Complex: TypeAlias = NDArray[np.complex128]
Reals: TypeAlias = NDArray[np.float64]
Speed = Literal["static", "slow", "fast"]

CANDIDATES, SEARCHED = 14, 60
"""Places that are looked at; more where a speed is asked for."""
LOOK, FLOW = 640, 320
"""Working widths: for registration, and for flow."""
SAMPLES = 13
"""Points a side at which a region is sampled."""
ALIKE = 0.45
"""Likeness under which a region is taken to be lost: hidden, smeared, or changed."""
INSIDE = 0.6
"""Share of a region that must lie in the picture."""
ASTRAY = 0.4
"""Pixels at flow size by which a motion differs from the camera's."""
TEXTURED = 14.0
"""Levels of deviation from which a region has texture enough for a warp to be seen."""
REGISTERED = 0.4
"""Share of the points that must agree on where a region is."""


@dataclass(frozen=True, slots=True)
class Place:
    """A spot on a surface and its motion from frame `first` on; frames count from the shot's first.

    `centre` is in source pixels of frame `first`, `turns` and `shifts` take points of that frame to each frame's.
    `speed` is the median in frame diagonals per 1/24 s; `in_view` says whether the spot is still there after the last.
    """

    first: int
    centre: complex
    turns: Complex
    shifts: Complex
    speed: float
    in_view: bool

    @property
    def last(self) -> int:
        return self.first + len(self.turns) - 1

    def at(self, index: int) -> tuple[complex, complex] | None:
        """(turn, shift) of a frame, or None where the thing is not there."""
        step = index - self.first
        return (complex(self.turns[step]), complex(self.shifts[step])) if 0 <= step < len(self.turns) else None

    def travel(self, index: int) -> complex:
        """How far the centre moves around a frame, in pixels per frame."""
        step = min(max(index - self.first, 1), len(self.turns) - 1)
        if step < 1:
            return 0j
        there, before = (self.turns[s] * self.centre + self.shifts[s] for s in (step, step - 1))
        return complex(there - before)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a place must be: width and height in source pixels, frames, and, where it matters, its speed, whether it has
    texture or is calm as one surface is, and whether it moves as the camera makes the set move."""

    size: tuple[float, float]
    life: tuple[int, int]
    speed: Speed | None = None
    textured: bool = False
    calm: bool = False
    background: bool = False


def find_place(clip: Clip, info: MediaInfo, wish: Wish, rng: np.random.Generator) -> Place:
    """The place for an error of `wish`'s size and life in a shot; frames of `wish.life` count from the shot's first."""
    first, last = wish.life
    part = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
    scale = small_size(info.width, info.height, LOOK)[0] / info.width
    survey = _survey(part, _centres(part, info, wish, rng) * scale, (wish.size[0] * scale, wish.size[1] * scale))
    chosen = survey.choice(wish, info, rng)
    turns, shifts = _refined(part, survey, chosen)
    length = survey.kept(chosen)
    speed = _speed(turns[:length], shifts[:length], survey.region[chosen], info)
    return Place(
        first=first,
        centre=complex(survey.region[chosen].mean() / scale),
        turns=turns[:length],
        shifts=shifts[:length] / scale,
        speed=speed,
        in_view=bool(survey.inside[min(length, len(survey.inside) - 1), chosen] >= INSIDE),
    )


def _centres(part: Clip, info: MediaInfo, wish: Wish, rng: np.random.Generator) -> Complex:
    """Places (n,) in source pixels whose region lies in the picture: at random, and where it moves if that is asked."""
    frame = np.array([info.width, info.height])
    reach = np.minimum(np.array(wish.size) / 2 + 0.02 * info.height, frame / 2)
    count = CANDIDATES if wish.speed is None else SEARCHED
    drawn = rng.uniform(reach, frame - reach, (count, 2))
    if wish.speed == "fast":
        drawn[::2] = np.clip(_moving(part, len(drawn[::2]), rng) * frame, reach, frame - reach)
    return np.asarray(drawn[:, 0] + 1j * drawn[:, 1], np.complex128)


def _moving(part: Clip, count: int, rng: np.random.Generator) -> Reals:
    """Points (count, 2), as shares of the frame, drawn by how fast the picture moves there at the start."""
    small = [working(gray, FLOW) for gray in islice(_looks(part), 2)]
    _, flow = global_and_flow(small[0], small[-1], None)
    speed = np.hypot(flow[..., 0], flow[..., 1]).astype(np.float64) + 1e-3
    chosen = rng.choice(speed.size, count, p=(speed / speed.sum()).ravel())
    return np.column_stack([chosen % speed.shape[1] / speed.shape[1], chosen // speed.shape[1] / speed.shape[0]])


@dataclass(frozen=True, slots=True)
class _Survey:
    """All candidates through all frames, at working size: motions, likeness and share in the picture (frames, n)."""

    region: Complex
    """(n, points) of the first frame."""
    turns: Complex
    shifts: Complex
    likeness: Reals
    inside: Reals
    spread: Reals
    """(n,) standard deviation of luma in the first frame."""
    level: Reals
    """(n,) mean luma in the first frame."""
    texture: Reals
    """(n,) standard deviation of luma in the flattest quarter of the region."""
    astray: Reals
    """(n,) mean share of the region that moves otherwise than the camera makes the set move."""

    def kept(self, chosen: int) -> int:
        """How many frames from the first on the candidate holds; two at least where there are two."""
        good = (self.likeness[:, chosen] >= ALIKE) & (self.inside[:, chosen] >= INSIDE / 2)
        lost = np.flatnonzero(~good)
        return max(int(lost[0]) if len(lost) else len(good), min(2, len(good)))

    def choice(self, wish: Wish, info: MediaInfo, rng: np.random.Generator) -> int:
        """A candidate that holds through most frames, by lot among the good ones."""
        count = len(self.spread)
        lasting = np.array([self.kept(n) for n in range(count)]) / len(self.likeness)
        score = lasting + 0.5 * np.quantile(self.likeness, 0.2, axis=0) - 1.0 * self._unfit(wish)
        if wish.speed is not None:
            score = score - np.array([self._class(n, info) != wish.speed for n in range(count)])
        good = np.flatnonzero(score >= score.max() - 0.08)
        return int(good[rng.integers(len(good))])

    def _class(self, chosen: int, info: MediaInfo) -> Speed:
        return speed_class(_speed(self.turns[:, chosen], self.shifts[:, chosen], self.region[chosen], info))

    def _unfit(self, wish: Wish) -> Reals:
        """What counts against places: black bars and burnt-out white, flatness such as a sky's, what the wish says."""
        middle = np.median(self.spread)
        empty = (self.spread < 3) & ((self.level < 24) | (self.level > 245))
        flat = 0.8 * (1 - np.clip(self.texture / TEXTURED, 0, 1)) * wish.textured
        bare, busy = 0.3 * (self.spread < 4), 0.25 * (self.spread > middle) * wish.calm
        return np.asarray(empty + bare + busy + flat + 1.5 * self.astray * wish.background, np.float64)


def _survey(part: Clip, centres: Complex, size: tuple[float, float]) -> _Survey:
    region = centres[:, None] + _grid(size)[None]
    turns, shifts = np.ones(len(centres), np.complex128), np.zeros(len(centres), np.complex128)
    stream = _looks(part)
    before = next(stream)
    reference = _sampled(before, region)
    rows = [(turns, shifts, np.ones(len(centres)), _inside(before, region), np.zeros(len(centres)))]
    for gray in stream:
        turn, shift, astray = _carried(before, gray, turns[:, None] * region + shifts[:, None])
        turns, shifts = turn * turns, turn * shifts + shift
        points = turns[:, None] * region + shifts[:, None]
        rows.append((turns, shifts, _likeness(reference, _sampled(gray, points)), _inside(gray, points), astray))
        before = gray
    motion = [np.array(column) for column in zip(*rows, strict=True)]
    turned, shifted, likeness, inside, astrays = motion
    spread, level = reference.std(axis=1), reference.mean(axis=1)
    texture = _quarters(reference).std(axis=2).min(axis=1)
    return _Survey(region, turned, shifted, likeness, inside, spread, level, texture, astrays.mean(axis=0))


def _quarters(samples: Reals) -> Reals:
    """Samples (n, SAMPLES²) of regions as (n, 4, m), by quarter of the region."""
    square, half = samples.reshape(-1, SAMPLES, SAMPLES), SAMPLES // 2
    sides = (slice(0, half), slice(SAMPLES - half, SAMPLES))
    parts = [square[:, rows, columns].reshape(len(samples), -1) for rows in sides for columns in sides]
    return np.stack(parts, axis=1)


def _looks(part: Clip) -> Iterator[Gray]:
    return (gray for _, gray in luma_frames(part, longest=LOOK))


def _grid(size: tuple[float, float]) -> Complex:
    """Sample points (SAMPLES²,) of a region around its centre; it is looked at with some of its surround."""
    axis = np.linspace(-0.6, 0.6, SAMPLES)
    wide, high = (max(side, 12.0) for side in size)
    return np.asarray((axis[None, :] * wide + 1j * axis[:, None] * high).ravel(), np.complex128)


def _sampled(picture: NDArray[np.generic], points: Complex) -> Reals:
    """The picture at points (n, m); outside the picture its edge repeats."""
    x, y = points.real.astype(np.float32), points.imag.astype(np.float32)
    source = np.asarray(picture, np.float32)
    found = cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float64)


def _inside(gray: Gray, points: Complex) -> Reals:
    x, y = points.real, points.imag
    return np.asarray(((x >= 0) & (y >= 0) & (x < gray.shape[1]) & (y < gray.shape[0])).mean(axis=1), np.float64)


def _likeness(reference: Reals, now: Reals) -> Reals:
    """1 where a region looks as it did, but for its brightness; 0 where it differs by as much as its own contrast."""
    difference = (now - now.mean(axis=1, keepdims=True)) - (reference - reference.mean(axis=1, keepdims=True))
    return np.asarray(1 - np.sqrt((difference**2).mean(axis=1)) / (reference.std(axis=1) + 6), np.float64)


def _carried(a: Gray, b: Gray, points: Complex) -> tuple[Complex, Complex, Reals]:
    """Per candidate (n, m) the similarity from picture a to b that the flow in its region shares, and the share of the
    region that the camera's motion does not explain."""
    small_a, small_b = working(a, FLOW), working(b, FLOW)
    camera, flow = global_and_flow(small_a, small_b, None)
    scale = small_a.shape[1] / a.shape[1]
    at = points * scale
    moved = _sampled(flow[..., 0], at) + 1j * _sampled(flow[..., 1], at)
    shared = camera.at(np.column_stack([at.real.ravel(), at.imag.ravel()])).reshape(*at.shape, 2)
    astray = (np.abs(moved - (shared[..., 0] + 1j * shared[..., 1])) > ASTRAY).mean(axis=1)
    turns, shifts, _ = fitted(points, points + moved / scale)
    return turns, shifts, np.asarray(astray, np.float64)


def fitted(source: Complex, target: Complex, spread: float = 0.7) -> tuple[Complex, Complex, Reals]:
    """Per row (n, m) the similarity source → target, and the share of points within 2·`spread` pixels of it.

    Least squares, reweighted by 1 / (1 + (r/s)²) as Cauchy errors ask for, from the median shift on.
    """
    turn = np.ones((len(source), 1), np.complex128)
    moved = target - source
    shift = np.median(moved.real, axis=1, keepdims=True) + 1j * np.median(moved.imag, axis=1, keepdims=True)
    for round_ in range(6):
        scale = spread * (6 - round_)
        weight = 1 / (1 + (np.abs(target - turn * source - shift) / scale) ** 2)
        total = weight.sum(axis=1, keepdims=True)
        from_, to = ((weight * p).sum(axis=1, keepdims=True) / total for p in (source, target))
        power = (weight * np.abs(source - from_) ** 2).sum(axis=1, keepdims=True)
        turn = (weight * (target - to) * np.conj(source - from_)).sum(axis=1, keepdims=True) / np.maximum(power, 1e-6)
        shift = to - turn * from_
    agree = (np.abs(target - turn * source - shift) < 2 * spread).mean(axis=1)
    return turn[:, 0], shift[:, 0], np.asarray(agree, np.float64)


def _refined(part: Clip, survey: _Survey, chosen: int) -> tuple[Complex, Complex]:
    """The chosen candidate's motion, each frame registered against the first by the points of its region."""
    stream = _looks(part)
    start = next(stream)
    points = _corners(start, survey.region[chosen])
    turn, shift = 1 + 0j, 0j
    turns, shifts = [turn], [shift]
    course = list(zip(survey.turns[:, chosen], survey.shifts[:, chosen], strict=True))
    for gray, ((turn_before, shift_before), (turn_now, shift_now)) in zip(stream, pairwise(course), strict=True):
        step = turn_now / turn_before
        turn, shift = step * turn, step * shift + (shift_now - step * shift_before)
        turn, shift = _registered(start, gray, points, (turn, shift))
        turns.append(turn)
        shifts.append(shift)
    return np.array(turns, np.complex128), np.array(shifts, np.complex128)


def _corners(gray: Gray, region: Complex) -> Complex:
    """Points (m,) of a region and its surround that can be found again."""
    centre = region.mean()
    spread = np.abs(np.array([(region - centre).real, (region - centre).imag])).max(axis=1) * 1.25 + 6
    x, y = (max(0, round(c - s)) for c, s in zip((centre.real, centre.imag), spread, strict=True))
    crop = gray[y : round(centre.imag + spread[1]), x : round(centre.real + spread[0])]
    found = cv2.goodFeaturesToTrack(np.ascontiguousarray(crop), 150, 0.01, 4) if crop.size else None
    if found is None:
        return np.zeros(0, np.complex128)
    flat = found.reshape(-1, 2)
    return np.asarray(flat[:, 0] + x + 1j * (flat[:, 1] + y), np.complex128)


def _registered(a: Gray, b: Gray, points: Complex, guess: tuple[complex, complex]) -> tuple[complex, complex]:
    """The guess corrected by where the points are found; the guess itself when too few agree."""
    if len(points) < 8:
        return guess
    there = guess[0] * points + guess[1]
    begin = np.column_stack([points.real, points.imag]).astype(np.float32)
    start = np.column_stack([there.real, there.imag]).astype(np.float32)
    options = {"winSize": (17, 17), "maxLevel": 1, "flags": cv2.OPTFLOW_USE_INITIAL_FLOW}
    ahead, ok, _ = cv2.calcOpticalFlowPyrLK(a, b, begin, start.copy(), **options)  # type: ignore[call-overload]
    back, again, _ = cv2.calcOpticalFlowPyrLK(b, a, ahead, begin.copy(), **options)  # type: ignore[call-overload]
    good = (ok.ravel() > 0) & (again.ravel() > 0) & (np.abs(back - begin).max(axis=1) < 0.7)
    if good.sum() < max(8, REGISTERED * len(points)):
        return guess
    found = ahead[good, 0] + 1j * ahead[good, 1].astype(np.float64)
    turn, shift, agree = fitted(points[good][None], found[None].astype(np.complex128))
    near = abs(turn[0] * points.mean() + shift[0] - there.mean()) < 4
    return (complex(turn[0]), complex(shift[0])) if agree[0] >= 0.5 and near else guess


def _speed(turns: Complex, shifts: Complex, region: Complex, info: MediaInfo) -> float:
    """Median over frames of the region's median motion, in frame diagonals per 1/24 s."""
    if len(turns) < 2:
        return 0.0
    points = turns[:, None] * region[None] + shifts[:, None]
    lengths = np.median(np.abs(np.diff(points, axis=0)), axis=1)
    diagonal = float(np.hypot(*small_size(info.width, info.height, LOOK)))
    return float(np.median(lengths)) / diagonal * float(info.fps) / 24
