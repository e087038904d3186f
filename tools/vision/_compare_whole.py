"""Shots of one set-up held against each other as wholes: light and grade, and which way round they are.

A shot is odd when it differs from the others in the same way all through, while they agree among themselves. A change
that comes and goes within a shot (an exposure ramp) is no such difference: the key frames that are nearest count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Rgb
from tools.vision._compare_kin import kin_features
from tools.vision._compare_register import Floats
from tools.vision._compare_setups import ShotDigest
from tools.vision.align import Features, Matrix, Points, features, fit, match, project
from tools.vision.backdrop import to_lab

LONGEST, FEATURES, LEAST_INLIERS = 320, 350, 20
"""Size in pixels at which looks are registered, with how many features and how many that must agree."""
GRID = (6, 4)
"""Cells across and down in which two looks are compared."""
LEAST_RATIO = 0.6
"""Of the matches: another camera position, before a set of some depth, agrees with fewer."""
LEAST_SPREAD, LEAST_SHARED = 0.4, 0.35
"""Hull of the matching features as a share of what both pictures show, which is that much of the frame: the set must
match, not one person before another set."""
LEAST_CELLS = 10
SPEAKING = 0.8
"""Share of the cells, those that differ least, that speak about light."""
LEAST_PIXELS = 40
"""Matching pixels that a cell needs, at a quarter of the working size."""
FLOOR, SURE = 4.0, 8.0
ALIKE, MOST_ALIKE = 3.2, 1
"""ΔE between two shots' looks under which nothing is said, from which it is sure, and under which they are alike, as
more than so many others must not be. Of 791 pairs of shots of thirty films of the tune split (seeds 303, 404, 505)
those of which neither is wrong differ by under 1.8 in half and by under 5.9 in 95 of a hundred; what differs by more
has light that changes as a shot runs or shows another side of the set."""
EVERYWHERE = 0.8
"""Share of FLOOR that half of the picture must differ by."""
AMONG = 3.0
"""ΔE by which shots that agree may differ; or 0.4 of what they say against the shot."""
RAMP = 2.0
"""ΔE between a shot's own neighbouring key frames from which its light changes as it runs."""
UNEVEN = 0.35
"""Share of a difference's energy that varies over the picture from which it is called a change of light's direction."""
FLIPPED = 2.5
"""Times the matches as they are that matches in the mirror must reach, and at least `LEAST_FLIPPED` of them."""
LEAST_FLIPPED = 20


@dataclass(frozen=True, slots=True)
class Whole:
    """One whole shot that the others of its set-up contradict."""

    shot: str
    kind: Literal["look", "mirrored"]
    against: tuple[str, ...]
    size: float
    confidence: float
    uneven: bool = False
    """The difference varies over the picture: light from elsewhere."""
    warmer: bool = False
    """It is mostly along blue and yellow: another colour temperature."""


@dataclass(frozen=True, slots=True)
class Look:
    """A key frame for its colours: Lab (h, w, 3) at half the size its features were found at."""

    lab: Floats
    features: Features

    @property
    def width(self) -> int:
        """Of the picture that its features were found in."""
        return 2 * int(self.lab.shape[1])

    @property
    def height(self) -> int:
        """Of the picture that its features were found in."""
        return 2 * int(self.lab.shape[0])


@dataclass(frozen=True, slots=True)
class Looks:
    """The key frames of a shot, small; `drift` is the most that its own light changes between two of them, in ΔE."""

    keys: tuple[Look, ...]
    drift: float

    @property
    def ramps(self) -> bool:
        return self.drift > RAMP


def looks_of(digest: ShotDigest) -> Looks:
    """The key frames of a shot for their colours."""
    keys = tuple(_look(rgb) for rgb in digest.keys)
    steps = (_field(a, b) for a, b in pairwise(keys))
    return Looks(keys, max((_widely(field) for field in steps if field is not None), default=0.0))


def _look(rgb: Rgb) -> Look:
    scale = min(1.0, LONGEST / max(rgb.shape[:2]))
    size = (round(rgb.shape[1] * scale) // 2 * 2, round(rgb.shape[0] * scale) // 2 * 2)
    small = cast(Rgb, cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    lab = cv2.resize(to_lab(small), (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return Look(np.asarray(lab, np.float32), features(np.asarray(gray, np.uint8), limit=FEATURES))


def odd_look(shot: str, shots: Mapping[str, Looks]) -> Whole | None:
    """Whether one shot's light or grade differs from that of most other shots of its set-up, which agree.

    A shot that is itself wrong in another way neither joins the agreement nor breaks it. Nothing is said of a shot
    whose own light changes by more than what sets it apart.
    """
    apart = {o: field for o in shots if o != shot and (field := look_apart(shots[shot], shots[o])) is not None}
    agreed = _in_one_way(apart)
    alike = sum(energy(field) < ALIKE for field in apart.values())
    if len(agreed) < 2 or len(agreed) < alike + 2 or alike > MOST_ALIKE:
        return None
    mean = _mean([apart[other] for other in agreed])
    size = energy(mean)
    if size < max(FLOOR, shots[shot].drift) or _widely(mean) < EVERYWHERE * FLOOR:
        return None
    sure = float(np.clip((size - FLOOR) / (SURE - FLOOR), 0, 1))
    united = len(agreed) / (len(agreed) + alike)
    confidence = (0.95 - 0.5 ** len(agreed)) * (0.66 + 0.34 * sure) * (0.4 + 0.6 * united)
    return Whole(shot, "look", agreed, size, round(confidence, 3), _uneven(mean), _warmer(mean))


def _in_one_way(apart: Mapping[str, Floats]) -> tuple[str, ...]:
    """The most shots that a shot differs from in one and the same way."""
    far = [one for one in apart if energy(apart[one]) >= ALIKE]
    groups = [
        tuple(
            other for other in far if np.linalg.norm(_average(apart[one]) - _average(apart[other])) < _slack(apart[one])
        )
        for one in far
    ]
    return max(groups, key=len, default=())


def _widely(field: Floats) -> float:
    """ΔE of the median cell: what differs in a few cells is a thing, not the light."""
    return float(np.nanmedian(np.linalg.norm(field, axis=2)))


def _average(field: Floats) -> Floats:
    """Mean over the known cells; cells of two fields need not show the same place, as the camera moves."""
    return np.asarray(np.nanmean(field, axis=(0, 1)), np.float32)


def _slack(field: Floats) -> float:
    """How far two shots that agree may stray from each other."""
    return max(AMONG, 0.4 * energy(field))


def look_apart(one: Looks, other: Looks) -> Floats | None:
    """How much lighter and differently coloured `one` is per cell: (rows, columns, 3) in Lab, NaN where unknown.

    The least over pairs of key frames that show the same place; None when none does. All key frames are asked of a shot
    whose own light changes, and what lies between them; of others only where a few do not meet.
    """
    mine = one.keys if one.ramps else one.keys[:: max(1, len(one.keys) - 1)]
    theirs = other.keys if other.ramps else other.keys[::2]
    table = [[_field(a, b) for b in theirs] for a in mine]
    fields = [field for row in table for field in row if field is not None]
    if not fields:
        return min(
            (f for a in one.keys for b in other.keys if (f := _field(a, b)) is not None), key=energy, default=None
        )
    if one.ramps:
        fields += [between for column in zip(*table, strict=True) for between in _between(column)]
    if other.ramps:
        fields += [between for row in table for between in _between(row)]
    return min(fields, key=energy) if fields else None


def _between(fields: Sequence[Floats | None]) -> list[Floats]:
    """The least that a difference comes to as it changes from each key frame to the next one."""
    out = []
    for a, b in pairwise(fields):
        if a is None or b is None:
            continue
        known = np.isfinite(a[..., 0]) & np.isfinite(b[..., 0])
        if known.sum() < LEAST_CELLS:
            continue
        step = b[known] - a[known]
        part = -float(np.sum(step * a[known])) / max(float(np.sum(step * step)), 1e-6)
        out.append(cast(Floats, a + np.float32(np.clip(part, 0, 1)) * (b - a)))
    return out


def _field(a: Look, b: Look) -> Floats | None:
    target, source = match(a.features, b.features)
    fitted = fit(source, target, "homography", 2.0) if len(target) >= LEAST_INLIERS else None
    if fitted is None or fitted[1].sum() < max(LEAST_INLIERS, LEAST_RATIO * len(target)):
        return None
    if not _is_the_set(target[fitted[1]], fitted[0], a, b):
        return None
    half = np.diag([0.5, 0.5, 1.0])
    matrix = half @ fitted[0] @ np.linalg.inv(half)
    size = (a.lab.shape[1], a.lab.shape[0])
    laid = cv2.warpPerspective(b.lab, matrix, size, borderMode=cv2.BORDER_CONSTANT, borderValue=(np.nan,) * 3)
    other = np.asarray(laid, np.float32)
    return _cells(a.lab - other, _same_structure(a.lab, other))


def _is_the_set(points: Points, matrix: Matrix, a: Look, b: Look) -> bool:
    """Whether the matching points of `a` reach over most of what it shares with `b`, which `matrix` lays on it."""
    corners = np.array([(0, 0), (b.width, 0), (b.width, b.height), (0, b.height)], np.float64)
    laid = project(matrix, corners).astype(np.float32)
    if not cv2.isContourConvex(laid):
        return False
    frame = np.array([(0, 0), (a.width, 0), (a.width, a.height), (0, a.height)], np.float32)
    shared = float(cv2.intersectConvexConvex(frame, laid)[0])
    hull = float(cv2.contourArea(cv2.convexHull(points)))
    return shared > LEAST_SHARED * a.width * a.height and hull > LEAST_SPREAD * shared


def _same_structure(a: Floats, b: Floats) -> NDArray[np.bool_]:
    """Where gradients agree in sign and place: moving things and foreign ones do not speak about light."""
    known = np.isfinite(b[..., 0])
    one, two = (cv2.GaussianBlur(np.where(known, x[..., 0], 0).astype(np.float32), (0, 0), 0.8) for x in (a, b))
    means = [cv2.blur(x, (9, 9)) for x in (one, two)]
    rest = [x - mean for x, mean in zip((one, two), means, strict=True)]
    both = cv2.blur(rest[0] * rest[1], (9, 9))
    size = np.sqrt(np.maximum(cv2.blur(rest[0] ** 2, (9, 9)) * cv2.blur(rest[1] ** 2, (9, 9)), 0))
    return np.asarray((both > 0.6 * (size + 0.2)) & known)


def _cells(apart: Floats, where: NDArray[np.bool_]) -> Floats | None:
    """Medians per cell; None when too few cells can be told."""
    rows = np.minimum(np.arange(where.shape[0]) * GRID[1] // where.shape[0], GRID[1] - 1)
    columns = np.minimum(np.arange(where.shape[1]) * GRID[0] // where.shape[1], GRID[0] - 1)
    field = np.full((GRID[1], GRID[0], 3), np.nan, np.float32)
    for row in range(GRID[1]):
        for column in range(GRID[0]):
            inside = where[rows == row][:, columns == column]
            if inside.sum() >= LEAST_PIXELS:
                field[row, column] = np.median(apart[rows == row][:, columns == column][inside], axis=0)
    return field if np.isfinite(field[..., 0]).sum() >= LEAST_CELLS else None


def energy(field: Floats) -> float:
    """Root mean square ΔE (CIE76) over the known cells but those that differ most: a thing or a garment is no light."""
    squares = np.sort(np.sum(field**2, axis=-1)[np.isfinite(field[..., 0])])
    return float(np.sqrt(squares[: max(1, round(SPEAKING * len(squares)))].mean()))


def _mean(fields: Sequence[Floats]) -> Floats:
    """Mean per cell over the fields that know it; NaN where none does."""
    stack = np.stack(fields)
    known = np.isfinite(stack).sum(axis=0)
    total = np.nansum(stack, axis=0)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan).astype(np.float32)


def _uneven(field: Floats) -> bool:
    light = field[..., 0]
    total = float(np.nanmean(np.sum(field**2, axis=-1)))
    return float(np.nanvar(light)) > UNEVEN * total


def _warmer(field: Floats) -> bool:
    """Whether a difference is of colour more than of lightness, and lies along Lab's b axis more than along its a."""
    light, red, yellow = (float(np.nanmean(field[..., channel] ** 2)) for channel in range(3))
    return red + yellow > light and yellow > red


def mirrored(digests: Mapping[str, ShotDigest]) -> list[Whole]:
    """Shots that match others of their set-up in the mirror only."""
    plain, turned = dict[str, tuple[Features, ...]](), dict[str, tuple[Features, ...]]()
    for shot in digests:
        keys = _asked(digests[shot])
        plain[shot] = tuple(kin_features(rgb) for rgb in keys)
        turned[shot] = tuple(kin_features(cast(Rgb, np.ascontiguousarray(rgb[:, ::-1]))) for rgb in keys)
    found = []
    for shot in plain:
        flips = _partners(turned[shot], {o: f for o, f in plain.items() if o != shot}, plain[shot])
        if flips:
            peers = [o for o in plain if o != shot and _inliers(plain[shot], plain[o]) >= LEAST_FLIPPED]
            found.append((shot, tuple(flips), len(peers)))
    return [w for shot, flips, peers in found if (w := _turned(shot, flips, peers)) is not None]


def _asked(digest: ShotDigest) -> tuple[Rgb, ...]:
    """Two key frames, one within each half: something may pass before one of them."""
    last = len(digest.keys) - 1
    return tuple(digest.keys[key] for key in sorted({last // 3, last - last // 3}))


def _turned(shot: str, flips: tuple[str, ...], peers: int) -> Whole | None:
    """The minority is the turned one; one against one is open."""
    if peers + 1 > len(flips):
        return None
    sure = len(flips) > peers + 1
    confidence = round(0.95 - 0.5 ** len(flips), 3) if sure else 0.45
    return Whole(shot, "mirrored", flips, float(len(flips)), confidence)


def _partners(
    turned: Sequence[Features], others: Mapping[str, Sequence[Features]], plain: Sequence[Features]
) -> list[str]:
    """Shots that the turned pictures match far better than the plain ones do."""
    out = []
    for other, theirs in others.items():
        flipped = _inliers(turned, theirs)
        if flipped >= LEAST_FLIPPED and flipped > FLIPPED * _inliers(plain, theirs):
            out.append(other)
    return out


def _inliers(ours: Sequence[Features], theirs: Sequence[Features]) -> int:
    """Most inliers of a homography between any two pictures."""
    return max((_agreeing(a, b) for a in ours for b in theirs), default=0)


def _agreeing(a: Features, b: Features) -> int:
    target, source = match(a, b)
    if len(target) < LEAST_FLIPPED:
        return 0
    fitted = fit(source, target, "homography", 3.0)
    return 0 if fitted is None else int(fitted[1].sum())
