"""Where the light around a region comes from, and how hard it is.

The logarithm turns light times reflectance into a sum (Horn, Computer Graphics and Image Processing 3, 1974). A plane
is fitted to low-frequency log luminance in which every colour of the view has a level of its own, so that a dark coat
beside a white wall is no light; what is left of the slope is shading, and it points to the light as the mean gradient
does in Pentland, JOSA 72 (1982).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Frozen
from tools.vision._surroundings_colour import TO_XYZ, linear
from tools.vision._surroundings_ring import Look

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

Direction = Literal[
    "left", "upper left", "above", "upper right", "right", "lower right", "below", "lower left", "even", "unknown"
]
SECTORS: tuple[Direction, ...] = (
    "right",
    "upper right",
    "above",
    "upper left",
    "left",
    "lower left",
    "below",
    "lower right",
)
"""Eighths of the circle, from the right and against the clock."""

SIDE = 160
"""Longest side, pixels, of the view that shading is told on."""
SOFTNESS = 0.02
"""Sigma of the low-pass, as a share of SIDE."""
MATERIALS = 5
LEAST_MATERIAL = 0.06
"""Share of the view that a colour must have to have a level of its own."""
SAME_HUE = 0.012
"""Distance in u', v' within which two colours are one material."""
DARKEST = 10
"""8-bit level up to which a pixel has no colour of its own."""
LEAST_POINTS = 120
STOPS, MOST_STOPS, EXPLAINED = 0.4, 3.0, 0.35
"""Light falls off by at least so many stops over the view, and explains this share of what the colours leave open. More
than the most is no shading: it is a dark thing beside a bright one."""
TILES, LEAST_TILE, EVERYWHERE = 5, 24, 0.35
"""The view is cut into so many tiles a side; in the middle one of those with enough points the light falls off by at
least this share of what it does over all. Shading is everywhere, the edge between two greys is in one place."""
EVEN_STOPS, EVEN_SCATTER = 0.15, 0.2
"""Under both, in stops, the place is lit evenly."""
AGREE_WITHOUT = 50.0
"""Degrees by which the direction may turn when a quarter of the view is left out."""
AGREE_FRAMES = 0.8
"""Length of the mean of the frames' unit directions (a resultant; Mardia and Jupp, Directional Statistics, 2000)."""
TWO_PARTS, ONE_STOP = 0.8, 1.0
"""Otsu's separability and the step, in stops, of a material that is part in light and part in shadow."""
COMPACT = 4.0
"""Length of the border of light and shadow over the square root of the material's area."""
HARD_EDGE, SOFT_EDGE = 0.05, 0.15
"""Width of the border, as a share of the view: a hard light's at most, a soft light's at least."""
SAME_STEP = 0.35
"""Share by which the steps of two materials may differ where one shadow crosses both."""


class Light(Frozen):
    """Where the light comes from in the picture, and its hardness.

    `angle` is in degrees from the right against the clock, `stops` how far it falls off over the view. "even" is light
    without a side; "unknown" where the pixels do not tell.
    """

    direction: Direction = "unknown"
    angle: float | None = None
    stops: float | None = None
    hardness: Literal["hard", "soft", "unknown"] = "unknown"


class _Shading(NamedTuple):
    """The plane's slope over half the view's longest side, in stops, to the right and up; what it explains of what the
    colours leave open; what scatter stays, in stops."""

    slope: Array
    explained: float
    scatter: float


class _View(NamedTuple):
    """Log2 luminance, soft and as it is; the colour that each pixel belongs to (−1: none); what may be looked at."""

    soft: Array
    plain: Array
    material: Labels
    free: Bits


def light_of(looks: Sequence[Look]) -> Light:
    """The light that all looks agree on."""
    views = [view for view in map(_view, looks) if view is not None]
    if not views:
        return Light()
    told = [found for found in map(_told, views) if found is not None]
    hardness = _hardness(views)
    if len(told) * 2 <= len(views):
        even = sum(_is_even(view) for view in views) * 2 > len(views)
        return Light(direction="even" if even else "unknown", hardness=hardness)
    slopes = np.array([one.slope for one in told])
    mean = (slopes / np.linalg.norm(slopes, axis=1, keepdims=True)).mean(axis=0)
    if np.linalg.norm(mean) < AGREE_FRAMES:
        return Light(hardness=hardness)
    angle = float(np.degrees(np.arctan2(mean[1], mean[0]))) % 360
    stops = float(2 * np.median(np.linalg.norm(slopes, axis=1)))
    sector = SECTORS[round(angle / 45) % 8]
    turned: Literal["hard", "soft", "unknown"] = "soft" if hardness == "unknown" and _is_smooth(views) else hardness
    return Light(direction=sector, angle=round(angle, 0), stops=round(stops, 2), hardness=turned)


def _view(look: Look) -> _View | None:
    scale = min(1.0, SIDE / max(look.small.shape[:2]))
    size = max(1, round(look.small.shape[1] * scale)), max(1, round(look.small.shape[0] * scale))
    picture = cv2.resize(look.small, size, interpolation=cv2.INTER_AREA)
    share = cv2.resize(look.small_free.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    clipped = (picture.max(axis=2) >= 253) | (picture.max(axis=2) <= DARKEST)
    free = np.asarray((share > 0.9) & ~clipped, np.bool_)
    if free.sum() < LEAST_POINTS:
        return None
    light = linear(picture)
    plain = np.log2(light @ TO_XYZ[1] + 0.002)
    return _View(_softened(plain, free, SOFTNESS * SIDE), plain, _materials(light, free), free)


def _softened(values: Array, free: Bits, sigma: float) -> Array:
    """Low-pass of what is free alone (normalised convolution, Knutsson and Westin 1993)."""
    weight = free.astype(np.float64)
    above, below = (cv2.GaussianBlur(plane, (0, 0), sigma) for plane in (values * weight, weight))
    return np.asarray(above / np.maximum(below, 1e-6), np.float64)


def _materials(light: Array, free: Bits) -> Labels:
    """Which of a few colours each free pixel has, by CIE 1976 u', v' alone, which shading leaves as they are; −1 for
    rare ones and outside. `light` is linear R, G, B."""
    xyz = cv2.GaussianBlur(light, (0, 0), 1.0) @ TO_XYZ.T
    below = np.maximum(xyz @ np.array([1.0, 15.0, 3.0]), 1e-6)
    hue = np.dstack([4 * xyz[..., 0] / below, 9 * xyz[..., 1] / below])
    points = (hue[free] / SAME_HUE).astype(np.float32)
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 15, 0.05)
    start = np.zeros((len(points), 1), np.int32)
    _, labels, middles = cv2.kmeans(points, min(MATERIALS, len(points)), start, stop, 2, cv2.KMEANS_PP_CENTERS)
    joined = _joined(np.asarray(middles, np.float32))[labels.ravel()]
    counts = np.bincount(joined, minlength=MATERIALS)
    made = np.full(free.shape, -1, np.intp)
    made[free] = np.where(counts[joined] >= LEAST_MATERIAL * len(points), joined, -1)
    return made


def _joined(middles: NDArray[np.float32]) -> Labels:
    """For each colour the first that is the same for the eye."""
    apart = np.linalg.norm(middles[:, None] - middles[None], axis=2)
    return np.asarray((apart < 1.0).argmax(axis=1), np.intp)


def _told(view: _View) -> _Shading | None:
    """The shading, where it is strong, explains enough, and does not hang on one corner of the view."""
    whole = _shading(view, view.material >= 0)
    if whole is None or not STOPS <= 2 * np.linalg.norm(whole.slope) <= MOST_STOPS or whole.explained < EXPLAINED:
        return None
    if _in_tiles(view, whole) < EVERYWHERE:
        return None
    for part in _without_quarters(view):
        found = _shading(view, part)
        if found is None or _turned(found.slope, whole.slope) > AGREE_WITHOUT:
            return None
    return whole


def _in_tiles(view: _View, whole: _Shading) -> float:
    """How steep the middle tile is in the direction of the whole slope, as a share of it."""
    rows, columns = np.indices(view.free.shape)
    tile = rows * TILES // view.free.shape[0] * TILES + columns * TILES // view.free.shape[1]
    known = view.material >= 0
    steep = [
        float(found.slope @ whole.slope / (whole.slope @ whole.slope))
        for n in range(TILES**2)
        if (found := _shading(view, known & (tile == n), least=LEAST_TILE)) is not None
    ]
    return float(np.median(steep)) if steep else 0.0


def _without_quarters(view: _View) -> list[Bits]:
    rows, columns = np.indices(view.free.shape)
    down, across = rows * 2 >= view.free.shape[0], columns * 2 >= view.free.shape[1]
    known = view.material >= 0
    quarters = [(down == a) & (across == b) for a in (False, True) for b in (False, True)]
    return [known & ~quarter for quarter in quarters if (known & ~quarter).sum() >= LEAST_POINTS]


def _turned(one: Array, other: Array) -> float:
    cosine = float(one @ other) / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-9)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _shading(view: _View, where: Bits, least: int = LEAST_POINTS) -> _Shading | None:
    """Least squares of a plane and one level per colour on the free points."""
    rows, columns = np.nonzero(where)
    if len(rows) < least:
        return None
    unit = max(where.shape) / 2
    place = np.column_stack([columns / unit, -rows / unit])
    values, material = view.soft[where], view.material[where]
    values, place = _centred(values[:, None], material)[:, 0], _centred(place, material)
    slope, *_ = np.linalg.lstsq(place, values, rcond=None)
    left = values - place @ slope
    return _Shading(np.asarray(slope, np.float64), 1 - float(left.var() / max(values.var(), 1e-9)), float(left.std()))


def _centred(values: Array, material: Labels) -> Array:
    """Values (n, k) with every colour's own mean taken out."""
    made = values.copy()
    for one in np.unique(material):
        made[material == one] -= values[material == one].mean(axis=0)
    return made


def _is_even(view: _View) -> bool:
    found = _shading(view, view.material >= 0)
    return found is not None and 2 * float(np.linalg.norm(found.slope)) < EVEN_STOPS and found.scatter < EVEN_SCATTER


def _hardness(views: Sequence[_View]) -> Literal["hard", "unknown"]:
    """Hard where in most frames a narrow shadow edge crosses two colours with the same step: print does not do that."""
    return "hard" if sum(_has_hard_shadow(view) for view in views) * 2 > len(views) else "unknown"


def _has_hard_shadow(view: _View) -> bool:
    splits = [
        split for one in np.unique(view.material[view.material >= 0]) if (split := _split(view, view.material == one))
    ]
    steps = [split.step for split in splits if split.border <= HARD_EDGE]
    return any(abs(a / b - 1) < SAME_STEP for n, a in enumerate(steps) for b in steps[:n])


def _is_smooth(views: Sequence[_View]) -> bool:
    """Soft where the largest colour goes from light to dark over a wide border."""
    wide = []
    for view in views:
        known = view.material[view.material >= 0]
        split = _split(view, view.material == np.bincount(known).argmax(), least=0.3)
        wide.append(split is not None and split.border >= SOFT_EDGE)
    return sum(wide) * 2 > len(wide)


class _Split(NamedTuple):
    """A material in two brightnesses: the step between them in stops, and the border's width over the view's side."""

    step: float
    border: float


def _split(view: _View, where: Bits, least: float = ONE_STOP) -> _Split | None:
    """The material as light and shadow (Otsu 1979), where it is two compact parts."""
    values = view.plain[where]
    if len(values) < LEAST_POINTS:
        return None
    limit, separability = _otsu(values)
    if not (values > limit).any():
        return None
    step = float(values[values > limit].mean() - values[values <= limit].mean())
    if step < least or (least == ONE_STOP and separability < TWO_PARTS):
        return None
    length = _border(view.soft > limit, where)
    if not 0 < length <= COMPACT * np.sqrt(len(values)):
        return None
    middle = float(values[values > limit].mean()) - step / 2
    between = float((np.abs(view.soft[where] - middle) < step / 4).sum())
    return _Split(step, between / length / max(where.shape))


def _otsu(values: Array) -> tuple[float, float]:
    """The threshold that parts values best, and the share of their variance that lies between the two parts."""
    ordered = np.sort(values)[:: max(1, len(values) // 2000)]
    count = np.arange(1, len(ordered))
    low = np.cumsum(ordered)[:-1]
    apart = low / count - (ordered.sum() - low) / (len(ordered) - count)
    between = count * (len(ordered) - count) / len(ordered) ** 2 * apart**2
    best = int(between.argmax())
    return float(ordered[best]), float(between[best] / max(ordered.var(), 1e-9))


def _border(lit: Bits, where: Bits) -> int:
    """Pixels of a material on whose right or lower side light changes to shadow."""
    across = (lit[:, 1:] != lit[:, :-1]) & where[:, 1:] & where[:, :-1]
    down = (lit[1:] != lit[:-1]) & where[1:] & where[:-1]
    return int(max(across.sum(), down.sum(), np.hypot(across.sum(), down.sum())))
