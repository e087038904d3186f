"""The colour of the light around a region, and the colours of what it falls on."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Frozen
from tools.vision._surroundings_ring import Look, pixels

Array = NDArray[np.float64]
Lab = tuple[float, float, float]

Warmth = Literal["candle", "tungsten", "warm", "daylight", "cool", "shade", "unknown"]
Tint = Literal["none", "green", "magenta", "unknown"]
Brightness = Literal["dark", "dim", "medium", "bright"]

WARMTHS: tuple[tuple[float, Warmth], ...] = (
    (2400, "candle"),
    (3600, "tungsten"),
    (4900, "warm"),
    (7200, "daylight"),
    (9500, "cool"),
    (float("inf"), "shade"),
)
"""Upper ends in kelvin. Candle flames burn at 1900 K, tungsten lamps at 2700 to 3400 K, noon sun with sky is 5500 to
6500 K, an overcast sky 7000 K, open shade 8000 K and more (Wyszecki and Stiles, Color Science, 2nd ed. 1982)."""
MONOCHROME = 2.5
"""C*ab that hardly any pixel of a black-and-white film reaches."""
KNOWN_KELVIN = (1600.0, 15000.0)
TINTED = (-0.006, 0.009)
"""Distances from the Planckian locus, in CIE 1960 (u, v), beyond which a light reads as magenta and as green: the
tolerance of ANSI C78.377 around black bodies (0) and daylight (0.003)."""
OFF_LOCUS = 0.02
"""Beyond this, a colour is a material's, not a light's."""
NEUTRAL_CHROMA, NEUTRAL_SHARE = 14.0, 0.25
"""C*ab under which a pixel is near neutral, and the same as a share of its L*: in the dark little chroma is much."""
PALEST = 0.33
"""Under a cast the least saturated third of the pixels stands for what would be neutral."""
ENOUGH, LEAST = 0.04, 40
"""Share of the pixels, and number, that must be near neutral."""
MANY = 0.12
"""Share of the frame from which its neutral pixels say that no cast lies over it."""
CAST_SPREAD = 0.25
"""Ring and frame agree on a cast when their temperatures, as reciprocals, are within this share of each other."""
LEVELS: tuple[tuple[float, Brightness], ...] = ((18, "dark"), (40, "dim"), (68, "medium"), (101, "bright"))
"""Upper ends in L*; a mid grey card is 50."""

MOST_COLOURS, SAME_COLOUR, LEAST_SHARE = 6, 12.0, 0.05
"""Clusters at first, the CIE76 within which two of them are one, and the share that a colour must have."""
TOP_COLOURS = 5

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""Linear R, G, B of ITU-R BT.709 and sRGB to CIE XYZ, D65 (IEC 61966-2-1)."""


class Temperature(Frozen):
    """The colour of the light: correlated colour temperature in kelvin, and the tint beside it.

    `duv` is the distance from the Planckian locus in CIE 1960 (u, v): above 0 green, below 0 magenta.
    """

    kelvin: int | None = None
    duv: float | None = None
    word: Warmth = "unknown"
    tint: Tint = "unknown"


class Level(Frozen):
    """How bright the place is: the median L* of the ring."""

    lightness: float
    word: Brightness


class Swatch(Frozen):
    """One of the colours around: its plain name, CIE L*a*b* (D65), and its share of the ring."""

    name: str
    lab: Lab
    share: float


def linear(values: NDArray[Any]) -> Array:
    """Linear light, 0 to 1, of 8-bit R'G'B' (IEC 61966-2-1)."""
    v = np.asarray(values, np.float64) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def lab_of(values: NDArray[Any]) -> Array:
    """CIE L*a*b* (n, 3) of 8-bit R'G'B' (n, 3), D65."""
    picture = (np.asarray(values, np.float32) / 255).reshape(1, -1, 3)
    if not picture.size:
        return np.zeros((0, 3))
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2Lab).reshape(-1, 3), np.float64)


def correlated_temperature(x: float, y: float) -> float:
    """Kelvin of CIE 1931 chromaticity (x, y): McCamy, Color Research and Application 17 (1992), 142."""
    n = (x - 0.3320) / (0.1858 - y)
    return 449.0 * n**3 + 3525.0 * n**2 + 6823.3 * n + 5520.33


def locus_distance(x: float | Array, y: float | Array) -> Array:
    """Duv of CIE 1931 chromaticities: Ohno, LEUKOS 10 (2014), 47, equation 7; above 0 on the green side."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    below = -2 * x + 12 * y + 3
    u, v = 4 * x / below - 0.292, 6 * y / below - 0.24
    far = np.hypot(u, v)
    angle = np.arccos(np.clip(u / np.maximum(far, 1e-9), -1, 1))
    terms = (-0.471106, 1.925865, -2.4243787, 1.5317403, -0.5179722, 0.0893944, -0.00616793)
    return np.asarray(far - sum(k * angle**power for power, k in enumerate(terms)), np.float64)


def temperature_of(looks: list[Look]) -> Temperature:
    """The colour of the light as near-neutral pixels of the ring show it.

    Where the ring has none, either a cast lies over everything, and then ring and frame agree on a colour near the
    Planckian locus, or the ring is of coloured things, and nothing is told. Nor is it for black and white, and for PQ
    and HLG, whose codes are no sRGB.
    """
    if not looks or looks[0].high_range or _is_monochrome(looks):
        return Temperature()
    ring = _usable(pixels(looks))
    if len(ring) < LEAST:
        return Temperature()
    neutral = _near_neutral(ring)
    if neutral is not None:
        return _temperature(neutral)
    frame = _usable(np.concatenate([look.frame[look.frame_free] for look in looks]))
    known = _near_neutral(frame)
    balanced = known is not None and len(known) > MANY * len(frame)
    return Temperature() if len(frame) < LEAST or balanced else _cast(ring, frame)


def _is_monochrome(looks: list[Look]) -> bool:
    """Whether the frames have no colour at all: black and white tells nothing of the light's."""
    lab = lab_of(np.concatenate([look.frame.reshape(-1, 3) for look in looks]))
    return float(np.quantile(np.hypot(lab[:, 1], lab[:, 2]), 0.99)) < MONOCHROME


def _usable(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels that are neither clipped nor too dark to have a colour."""
    return np.asarray(values[(values.max(axis=1) < 250) & (values.max(axis=1) > 35)], np.uint8)


def _near_neutral(values: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    lab = lab_of(values)
    near = np.hypot(lab[:, 1], lab[:, 2]) < np.minimum(NEUTRAL_CHROMA, NEUTRAL_SHARE * lab[:, 0])
    return values[near] if near.sum() >= max(LEAST, ENOUGH * len(values)) else None


def _chromaticity(values: NDArray[np.uint8]) -> Array:
    """(n, 2) CIE 1931 x, y."""
    xyz = linear(values) @ TO_XYZ.T
    return np.asarray(xyz[:, :2] / np.maximum(xyz.sum(axis=1, keepdims=True), 1e-9), np.float64)


def _cast(ring: NDArray[np.uint8], frame: NDArray[np.uint8]) -> Temperature:
    here, there = (_light_coloured(values) for values in (ring, frame))
    if here is None or there is None:
        return Temperature()
    one, other = _temperature(here), _temperature(there)
    if one.kelvin is None or other.kelvin is None or abs(other.kelvin / one.kelvin - 1) > CAST_SPREAD:
        return Temperature()
    return one


def _light_coloured(values: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The palest pixels of a colour that a light can have, where most are of such."""
    near = np.abs(locus_distance(*_chromaticity(values).T)) < OFF_LOCUS
    if near.mean() <= 0.5:
        return None
    lab = lab_of(values[near])
    saturation = np.hypot(lab[:, 1], lab[:, 2]) / np.maximum(lab[:, 0], 1)
    return values[near][saturation <= np.quantile(saturation, PALEST)]


def _temperature(values: NDArray[np.uint8]) -> Temperature:
    """The median chromaticity as a temperature; none where no light has such a colour."""
    x, y = (float(v) for v in np.median(_chromaticity(values), axis=0))
    kelvin, duv = correlated_temperature(x, y), float(locus_distance(x, y))
    if not KNOWN_KELVIN[0] <= kelvin <= KNOWN_KELVIN[1] or abs(duv) > 2 * OFF_LOCUS:
        return Temperature()
    word = next(name for end, name in WARMTHS if kelvin < end)
    tint: Tint = "magenta" if duv < TINTED[0] else "green" if duv > TINTED[1] else "none"
    return Temperature(kelvin=int(round(kelvin, -1)), duv=round(duv, 4), word=word, tint=tint)


def level_of(looks: list[Look]) -> Level | None:
    """How bright the ring is."""
    values = pixels(looks)
    if not len(values):
        return None
    lightness = float(np.median(lab_of(values)[:, 0]))
    return Level(lightness=round(lightness, 1), word=next(name for end, name in LEVELS if lightness < end))


def palette_of(looks: list[Look]) -> tuple[Swatch, ...]:
    """Up to five dominant colours of the ring, the commonest first: k-means in L*a*b*, near ones joined."""
    soft = [cv2.GaussianBlur(look.small, (0, 0), 1.0)[look.small_ring] for look in looks]
    points = lab_of(np.concatenate([np.zeros((0, 3), np.uint8), *soft])).astype(np.float32)
    if len(points) < LEAST:
        return ()
    some = points[:: max(1, len(points) // 6000)]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 0.3)
    start = np.zeros((len(some), 1), np.int32)
    _, labels, middles = cv2.kmeans(some, MOST_COLOURS, start, stop, 3, cv2.KMEANS_PP_CENTERS)
    shares = np.bincount(labels.ravel(), minlength=MOST_COLOURS) / len(some)
    return _swatches(_joined(np.asarray(middles, np.float64), shares))


def _joined(middles: Array, shares: Array) -> list[tuple[Array, float]]:
    """Clusters with the nearest two made one until all are apart."""
    groups = [(m, float(s)) for m, s in zip(middles, shares, strict=True) if s > 0]
    while len(groups) > 1:
        apart, i, j = min(
            (float(np.linalg.norm(groups[i][0] - groups[j][0])), i, j) for j in range(len(groups)) for i in range(j)
        )
        if apart > SAME_COLOUR:
            break
        (a, s), (b, t) = groups[i], groups.pop(j)
        groups[i] = ((a * s + b * t) / (s + t), s + t)
    return groups


def _swatches(groups: list[tuple[Array, float]]) -> tuple[Swatch, ...]:
    """The colours that are common enough; two of one name count as one, with the commoner one's numbers."""
    named: dict[str, tuple[Lab, float]] = {}
    for middle, share in sorted(groups, key=lambda group: -group[1]):
        lab: Lab = (round(float(middle[0]), 1), round(float(middle[1]), 1), round(float(middle[2]), 1))
        first, before = named.get(colour_name(lab), (lab, 0.0))
        named[colour_name(lab)] = first, before + share
    found = [Swatch(name=name, lab=lab, share=round(share, 3)) for name, (lab, share) in named.items()]
    common = sorted((one for one in found if one.share >= LEAST_SHARE), key=lambda one: -one.share)
    return tuple(common[:TOP_COLOURS])


GREYS: tuple[tuple[float, str], ...] = (
    (14, "black"),
    (35, "dark grey"),
    (65, "mid grey"),
    (88, "light grey"),
    (101, "white"),
)
"""Upper ends in L* of colours with C*ab under GREY_CHROMA."""
GREY_CHROMA, GREYISH_CHROMA, SOFT_CHROMA, STRONG_CHROMA, VIVID_CHROMA = 6.0, 14.0, 28.0, 48.0, 75.0
HUES: tuple[tuple[float, str, str, str, str], ...] = (
    (22, "dark red", "dusky pink", "crimson", "pink"),
    (45, "reddish brown", "brick red", "red", "salmon"),
    (84, "brown", "light brown", "orange", "peach"),
    (108, "olive brown", "khaki", "yellow", "pale yellow"),
    (128, "olive green", "olive green", "yellow-green", "pale yellow-green"),
    (165, "dark green", "muted green", "green", "pale green"),
    (215, "dark teal", "teal", "turquoise", "pale turquoise"),
    (262, "dark blue", "steel blue", "blue", "light blue"),
    (310, "navy blue", "denim blue", "blue", "light blue"),
    (322, "dark purple", "muted purple", "purple", "lilac"),
    (345, "purple", "muted purple", "magenta", "pink"),
    (361, "burgundy", "dusky pink", "crimson", "pink"),
)
"""Upper ends of the CIE hue angle in degrees, with the names of dark, medium, strong and light colours. sRGB's own red
lies at 40, orange at 74, yellow at 103, green at 136, cyan at 196, blue at 306, magenta at 328."""
DARK, LIGHT = 42.0, 76.0
SOFT: tuple[tuple[float, str, str], ...] = (
    (22, "rose", "pale pink"),
    (45, "pinkish brown", "pale pink"),
    (84, "tan", "light tan"),
    (108, "beige", "cream"),
    (165, "sage green", "pale sage green"),
    (215, "grey-green", "pale grey-green"),
    (310, "slate blue", "pale blue"),
    (361, "mauve", "pale mauve"),
)
"""Names of medium and of light colours with C*ab under SOFT_CHROMA."""


def colour_name(lab: Lab) -> str:
    """A plain name for a colour, after the plan of the ISCC-NBS system (Kelly and Judd, NBS Circular 553, 1955): hue,
    with words for lightness and chroma; the tables of bands stand in this module."""
    lightness, chroma = lab[0], float(np.hypot(lab[1], lab[2]))
    hue = float(np.degrees(np.arctan2(lab[2], lab[1]))) % 360
    grey = next(name for end, name in GREYS if lightness < end)
    if chroma < (GREY_CHROMA if lightness >= GREYS[0][0] else SOFT_CHROMA):
        return grey
    if chroma < GREYISH_CHROMA:
        return f"{_cast_of(hue)} {grey}"
    if chroma < SOFT_CHROMA and lightness >= DARK:
        _, soft, pale = next(row for row in SOFT if hue < row[0])
        return pale if lightness >= LIGHT else soft
    return _hue_name(lightness, chroma, hue)


def _hue_name(lightness: float, chroma: float, hue: float) -> str:
    """The name of a colour that is neither grey nor greyish."""
    _, dark, medium, strong, light = next(row for row in HUES if hue < row[0])
    if chroma >= VIVID_CHROMA:
        return f"vivid {strong}"
    if lightness >= LIGHT and chroma < STRONG_CHROMA:
        return light
    if lightness < DARK:
        return dark if chroma < STRONG_CHROMA else f"deep {strong}"
    return strong if chroma >= STRONG_CHROMA else medium


def _cast_of(hue: float) -> str:
    """The side to which a grey leans."""
    if hue < 108 or hue > 335:
        return "warm"
    return "greenish" if hue < 190 else "cool"
