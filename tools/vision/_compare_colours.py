"""Shots of one set-up held against each other by colour alone, so that people may move between them.

A colour that stands at a place of one shot is looked for near the same place in the other shots, and the other way
round: a limb, a turned head, a swaying coat are found a little further on, a foreign thing, a missing one and a
recoloured garment are not. Where it goes missing only because it moved further away, there is as much of it elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import cv2
import numpy as np

from tools.types import Bits, Box, MaskTrack, Rgb
from tools.vision._compare_difference import carried
from tools.vision._compare_register import Floats, weighted_lab
from tools.vision._compare_setups import ShotDigest
from tools.vision.align import Features, Matrix, features, fit, match

LONGEST, FEATURES_AT, FEATURES = 112, 336, 300
"""Size in pixels at which colours are compared and features are found, and how many of these."""
LEAST_INLIERS = 20
REACH = 4
"""Pixels at working size within which a colour counts as being at its place: 3.6 % of the width."""
SHIFTS = [
    (dx, dy)
    for dx in range(-REACH, REACH + 1)
    for dy in range(-REACH, REACH + 1)
    if dx * dx + dy * dy <= REACH * REACH and (max(abs(dx), abs(dy)) < 2 or dx % 2 == dy % 2 == 0)
]
"""Where a colour is looked for: every pixel close by, every other one further off."""
RING, LEAST_RING = (1, 5), 0.6
"""Pixels around a place from which and up to which its surround is looked at, and the share of it that must agree."""
LIGHTNESS = 0.6
"""What lightness counts against the two axes of colour."""
CORE, RIM = 11.0, 5.5
"""ΔE (weighted) from which a place is odd, and down to which it runs on."""
LEAST_AREA = 0.0015
"""Of the frame."""
LEAST_TOLD = 6
"""Pixels of a place that another shot can be asked about."""
WIDE = 0.15
"""Share of the width within which a colour may have moved."""
SAME_COLOUR = 8.0
MORE = 0.45
"""Share of its area by which there must be more (or less) of a colour all around, too."""
BEYOND = 0.35
"""How far beyond the points that agree a registration is believed, as a share of their hull's size."""
ROUGH, LEAST_ASKED, LEAST_ALIKE = 2.0, 40, 0.6
"""ΔE per pixel from which a place has texture, how many such pixels beyond the points that agree are asked, and the
share of them that must be the same."""
LEAST_SAME = 0.5
"""Share of what both show that must have its colour close by; less is another set-up."""
AS_LARGE = 0.25
"""Area of a place on one key frame as a share of its area on another, from which they are one thing."""
LIES_ON = 0.5
"""Share of the smaller of two places from which they lie on each other."""
BURNT = 243.0
"""Darkest channel (of 255) from which a place is white whatever it was."""
UNKNOWN = -1.0


@dataclass(frozen=True, slots=True)
class Palette:
    """A key frame's colours (h, w, 3), as R, G, B of 255 and in Lab with lightness weighted; its features in the same
    pixels."""

    rgb: Floats
    lab: Floats
    features: Features


Palettes = tuple[Palette, ...]


class Shown(NamedTuple):
    """A shot's key frames, small, and their indices from its first frame."""

    palettes: Palettes
    indices: Sequence[int]


def palettes_of(digest: ShotDigest) -> Palettes:
    """The key frames of a shot, small."""
    return tuple(_palette(rgb) for rgb in digest.keys)


def _palette(rgb: Rgb) -> Palette:
    """One picture (H, W, 3), small."""
    scale = min(1.0, FEATURES_AT / max(rgb.shape[:2]))
    middle = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = features(np.asarray(cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY), np.uint8), limit=FEATURES)
    shrink = min(1.0, LONGEST / max(rgb.shape[:2]))
    size = (max(8, round(rgb.shape[1] * shrink)), max(8, round(rgb.shape[0] * shrink)))
    small = cast(Rgb, cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    points = found.points * np.float32(size[0] / middle.shape[1])
    return Palette(small.astype(np.float32), weighted_lab(small, LIGHTNESS), Features(points, found.descriptors))


@dataclass(frozen=True, slots=True, eq=False)
class Oddity:
    """A place of a key frame whose colours most of the other shots contradict.

    `blob` is at the size of the palettes; `size` the typical ΔE; `gained` whether the shot has a colour that the
    others lack (else it lacks one that they have); `against` the shots that say so, of `asked` that show the place.
    """

    shot: str
    key: int
    blob: Bits
    against: tuple[str, ...]
    asked: int
    size: float
    gained: bool
    share: float
    passing: bool = False
    """Whether the other key frames of the shot that were looked at show the place, and it is not odd there."""
    once: bool = False
    """Whether no other key frame could show it."""


@dataclass(frozen=True, slots=True)
class _Laid:
    """Another shot on a key frame's grid: ΔE to the nearest colour there (`here`), and of its own to the nearest one
    of the key frame (`there`), `UNKNOWN` where it shows nothing; `lab` is its best key frame, light matched."""

    here: Floats
    there: Floats
    lab: Floats
    known: Bits


def odd_colours(shot: str, shots: Mapping[str, Palettes]) -> list[Oddity]:
    """Places of a shot that most of the other shots contradict, each on the key frame that shows it best; first those
    that several key frames show."""
    mine = shots[shot]
    views = {key: _View.of(shot, key, shots) for key in _apart(len(mine))}
    found = [odd for view in views.values() for odd in view.odd]
    lasting = [odd for odd in found if len(views) == 1 or _again(odd, views, mine)]
    rest = [odd for odd in found if odd not in lasting]
    untold = [replace(odd, once=True) for odd in rest if not _could_be_seen(odd, views, mine)]
    passing = [replace(odd, passing=True) for odd in rest if _could_be_seen(odd, views, mine)]
    return [*_distinct([*lasting, *untold], mine), *_distinct(passing, mine)]


def _apart(count: int) -> list[int]:
    """The first, the middle and the last of `count` key frames."""
    return sorted({0, count // 2, count - 1})


def shown_alike(
    shot: str, place: MaskTrack, indices: Sequence[int], shots: Mapping[str, Palettes]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The other shots that show the very colours of a place of `shot`, and those that show others there.

    `place` is followed through the shot, `indices` are the frames of its palettes, of which some are asked; shots that
    do not show the place are in neither.
    """
    votes: dict[str, list[bool]] = {}
    mine = shots[shot]
    for key in _apart(len(mine)):
        size = (mine[key].lab.shape[1], mine[key].lab.shape[0])
        blob = _small(place.at(indices[key]), size)
        if blob.sum() < LEAST_TOLD:
            continue
        for other, one in _laid_on(mine[key], shots, shot).items():
            if one.known[blob].mean() > 0.8:
                apart = max(float(np.median(one.here[blob])), float(np.median(one.there[blob])))
                votes.setdefault(other, []).append(apart < RIM)
    alike = tuple(other for other, said in votes.items() if 2 * sum(said) > len(said))
    return alike, tuple(other for other in votes if other not in alike)


def lies_on(place: MaskTrack, shown: Shown, blob: MaskTrack, at: Shown) -> bool:
    """Whether a place of one shot, laid on the key frame of another on which `blob` is, covers half of either."""
    (index,) = blob
    mine = at.palettes[at.indices.index(index)]
    size = (mine.lab.shape[1], mine.lab.shape[0])
    here = _small(blob.at(index), size)
    for index, palette in zip(shown.indices, shown.palettes, strict=True):
        found = _registered(mine, palette) if index in place else None
        if found is not None:
            theirs = _small(place.at(index), (palette.lab.shape[1], palette.lab.shape[0]))
            there = carried(theirs, found[0], size)
            if (here & there).sum() >= LIES_ON * max(1, min(here.sum(), there.sum())):
                return True
    return False


def _small(mask: Bits, size: tuple[int, int]) -> Bits:
    return cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5


def _laid_on(palette: Palette, shots: Mapping[str, Palettes], own: str) -> dict[str, _Laid]:
    """The shots but `own` that register on a key frame of it."""
    others = (other for other in shots if other != own)
    return {other: one for other in others if (one := _laid(palette, shots[other])) is not None}


@dataclass(frozen=True, slots=True)
class _View:
    """What is odd on one key frame, and where at least two other shots could tell."""

    odd: tuple[Oddity, ...]
    told: Bits

    @classmethod
    def of(cls, shot: str, key: int, shots: Mapping[str, Palettes]) -> _View:
        palette = shots[shot][key]
        laid = _laid_on(palette, shots, shot)
        told = np.sum([one.known for one in laid.values()], axis=0) if laid else np.zeros(palette.lab.shape[:2])
        if len(laid) < 2:
            return cls((), np.zeros(palette.lab.shape[:2], np.bool_))
        found = []
        for gained in (True, False):
            maps = [one.here if gained else one.there for one in laid.values()]
            found += [_judged(shot, key, blob, palette, laid, gained=gained) for blob in _blobs(_majority(maps))]
        return cls(tuple(odd for odd in found if odd is not None), np.asarray(told >= 2, np.bool_))


def _laid(one: Palette, others: Palettes) -> _Laid | None:
    """All key frames of another shot that register on one palette; a colour that any of them shows is there."""
    here = np.full(one.lab.shape[:2], np.inf, np.float32)
    there = here.copy()
    best: tuple[int, Floats, Bits] | None = None
    for other in [others[key] for key in _apart(len(others))]:
        found = _registered(one, other)
        if found is None:
            continue
        matrix, inliers = found
        lab, known = _moved(other, matrix, one, inliers)
        near, back = _nearest(one.lab, lab, known), _nearest(lab, one.lab, np.ones_like(known))
        if not known.any() or (near[known] < RIM).mean() < LEAST_SAME:
            continue
        known &= _told(known, inliers, one.lab, lab, np.maximum(near, back))
        here = np.minimum(here, np.where(known, near, np.inf))
        there = np.minimum(there, np.where(known, back, np.inf))
        if best is None or len(inliers) > best[0]:
            best = len(inliers), lab, known
    if best is None:
        return None
    unknown = ~np.isfinite(here)
    here[unknown] = there[unknown] = UNKNOWN
    return _Laid(here, there, best[1], best[2])


def _registered(one: Palette, other: Palette) -> tuple[Matrix, Floats] | None:
    """The homography that lays `other` on `one`, and the points of `one` that agree."""
    target, source = match(one.features, other.features)
    fitted = fit(source, target, "homography", 1.0) if len(target) >= LEAST_INLIERS else None
    if fitted is None or fitted[1].sum() < LEAST_INLIERS:
        return None
    return fitted[0], target[fitted[1]]


def _moved(other: Palette, matrix: Matrix, onto: Palette, inliers: Floats) -> tuple[Floats, Bits]:
    """A palette on another's grid, its light matched, and where it can be told: not where either is burnt out."""
    size = (onto.lab.shape[1], onto.lab.shape[0])
    moved = cast(Floats, cv2.warpPerspective(other.rgb, matrix, size, borderMode=cv2.BORDER_REPLICATE))
    shown = cv2.warpPerspective(np.ones(other.lab.shape[:2], np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
    burnt = (moved.min(axis=2) > BURNT) | (onto.rgb.min(axis=2) > BURNT)
    known = shown & _around(inliers, size) & ~burnt
    return weighted_lab(_relit(moved, onto.rgb, known), LIGHTNESS), cast(Bits, known)


def _around(points: Floats, size: tuple[int, int]) -> Bits:
    """The hull of the points that agree, grown by BEYOND."""
    hull = cv2.convexHull(points)
    canvas = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillConvexPoly(canvas, np.round(hull).astype(np.int32), 1)
    far = cv2.distanceTransform(1 - canvas, cv2.DIST_L2, 3)
    return cast(Bits, far <= BEYOND * np.sqrt(cv2.contourArea(hull)))


def _told(known: Bits, inliers: Floats, one: Floats, other: Floats, apart: Floats) -> Bits:
    """Where the two can be compared: beyond the points that agree only when most of what has texture there is the
    same, as it is not before another side of the set."""
    hull = np.zeros(known.shape, np.uint8)
    cv2.fillConvexPoly(hull, np.round(cv2.convexHull(inliers)).astype(np.int32), 1)
    rough = np.maximum(_texture(one), _texture(other)) > ROUGH
    asked = known & (hull == 0) & rough
    strange = asked.sum() >= LEAST_ASKED and (apart[asked] < RIM).mean() < LEAST_ALIKE
    return hull > 0 if strange else np.ones_like(known)


def _texture(lab: Floats) -> Floats:
    """ΔE per pixel of the gradient (Sobel)."""
    steps = [cv2.Sobel(lab, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1))]
    return cast(Floats, np.sqrt(sum(np.sum(step * step, axis=2) for step in steps)))


def _relit(rgb: Floats, onto: Floats, known: Bits) -> Rgb:
    """Gain and offset per channel, by least squares trimmed to the part that agrees best."""
    rows, columns = np.nonzero(known[::2, ::2])
    if len(rows) < 64:
        return rgb.astype(np.uint8)
    a, b = onto[::2, ::2][rows, columns].astype(np.float64), rgb[::2, ::2][rows, columns].astype(np.float64)
    fits = np.array([[1.0, 0.0]] * 3)
    for _ in range(4):
        miss = np.abs(b * fits[:, 0] + fits[:, 1] - a).sum(axis=1)
        keep = miss <= np.percentile(miss, 60)
        fits = np.array([_line(b[keep, c], a[keep, c]) for c in range(3)])
    return np.asarray(np.clip(rgb * fits[:, 0] + fits[:, 1], 0, 255), np.uint8)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    stiff, spread = 25.0, float(x.var())
    gain = (float(np.mean((x - x.mean()) * (y - y.mean()))) + stiff) / (spread + stiff)
    gain = float(np.clip(gain, 0.6, 1.6))
    return gain, float(y.mean() - gain * x.mean())


def _nearest(one: Floats, other: Floats, known: Bits) -> Floats:
    """ΔE of each pixel of `one` to the nearest value within REACH in `other`."""
    far = np.where(known[..., None], other, np.float32(1e3))
    padded = cv2.copyMakeBorder(far, REACH, REACH, REACH, REACH, cv2.BORDER_REPLICATE)
    height, width = one.shape[:2]
    least = np.full((height, width), np.inf, np.float32)
    for dx, dy in SHIFTS:
        apart = one - padded[REACH + dy : REACH + dy + height, REACH + dx : REACH + dx + width]
        np.minimum(least, np.einsum("hwc,hwc->hw", apart, apart), out=least)
    return np.sqrt(least)


def _majority(maps: Sequence[Floats]) -> Floats:
    """Per pixel, the ΔE that most of the shots that show the place reach; 0 where fewer than two show it."""
    stack = -np.sort(-np.stack(maps), axis=0)
    known = (stack >= 0).sum(axis=0)
    rank = np.minimum(known // 2, len(maps) - 1)
    picked = np.take_along_axis(stack, rank[None], axis=0)[0]
    return cast(Floats, np.where(known >= 2, picked, 0))


def _blobs(odd: Floats) -> list[Bits]:
    weak = (odd > RIM).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(weak)
    least = max(4.0, LEAST_AREA * odd.size)
    blobs = [labels == n for n in range(1, count) if stats[n, 4] >= least]
    return [cast(Bits, b) for b in blobs if (odd[b] > CORE).sum() >= 0.4 * least]


def _judged(
    shot: str, key: int, blob: Bits, palette: Palette, laid: Mapping[str, _Laid], *, gained: bool
) -> Oddity | None:
    """What the shots that show the place say of it; None where the colour only moved or came in from beyond the
    picture's rim, or too few say it is odd."""
    if blob[REACH:-REACH, REACH:-REACH].sum() < LEAST_TOLD:
        return None
    asked = {other: one for other, one in laid.items() if one.known[blob].mean() > 0.8}
    against = [
        other
        for other, one in asked.items()
        if float(np.median((one.here if gained else one.there)[blob])) > RIM
        and _is_ringed(blob, one.here if gained else one.there)
        and _gained(blob, palette, one, gained)
    ]
    alike = [o for o, one in asked.items() if float(np.median((one.here if gained else one.there)[blob])) <= RIM]
    agreed = _agreeing(blob, {other: asked[other].lab for other in against})
    if len(agreed) < 2 or len(agreed) < len(alike) + 2:
        return None
    size = float(np.median([np.median((laid[o].here if gained else laid[o].there)[blob]) for o in agreed]))
    return Oddity(shot, key, blob, agreed, len(asked), size, gained, float(blob.mean()))


def _is_ringed(blob: Bits, odd: Floats) -> bool:
    """Whether what surrounds a place in the picture is known to be the same: another set behind somebody is not."""
    near, far = (cv2.dilate(blob.astype(np.uint8), np.ones((2 * r + 1, 2 * r + 1), np.uint8)) > 0 for r in RING)
    ring = far & ~near
    return bool(((odd[ring] >= 0) & (odd[ring] < RIM)).sum() >= LEAST_RING * max(1, int(ring.sum())))


def _agreeing(blob: Bits, shots: Mapping[str, Floats]) -> tuple[str, ...]:
    """The most shots that show the same colours at a place."""
    groups = [
        tuple(
            other for other in shots if np.median(np.linalg.norm(shots[one][blob] - shots[other][blob], axis=1)) < CORE
        )
        for one in shots
    ]
    return max(groups, key=len, default=())


def _gained(blob: Bits, palette: Palette, other: _Laid, gained: bool) -> bool:
    """Whether there is more of the blob's colours around it in the picture that shows them than in the other one."""
    box = Box.around(blob)
    assert box is not None
    reach = round(WIDE * blob.shape[1])
    area = box.grown(reach, blob.shape[1], blob.shape[0]).slices
    mine, theirs = (palette.lab, other.lab) if gained else (other.lab, palette.lab)
    both = other.known[area]
    colours = mine[blob]
    colours = colours[:: max(1, len(colours) // 24)]
    more = [float((_within(mine[area], c) & both).sum() - (_within(theirs[area], c) & both).sum()) for c in colours]
    own = [float((_within(mine[blob][None], c)).sum()) for c in colours]
    return float(np.mean(more)) > MORE * float(np.mean(own))


def _within(lab: Floats, colour: Floats) -> Bits:
    apart = lab - colour
    return cast(Bits, np.einsum("hwc,hwc->hw", apart, apart) < SAME_COLOUR**2)


def _again(odd: Oddity, views: Mapping[int, _View], mine: Palettes) -> bool:
    """Seen on another key frame of the shot too, at the same place of the picture or of the set."""
    others = [other for key in views if key != odd.key for other in views[key].odd if other.gained == odd.gained]
    return any(_same_place(odd, other, mine) and _as_large(odd, other) for other in others)


def _could_be_seen(odd: Oddity, views: Mapping[int, _View], mine: Palettes) -> bool:
    """Whether another key frame shows the place where other shots can tell."""
    size = (odd.blob.shape[1], odd.blob.shape[0])
    for key in (key for key in views if key != odd.key):
        found = _registered(mine[key], mine[odd.key])
        there = odd.blob if found is None else carried(odd.blob, found[0], size)
        if there.sum() > 0.5 * odd.blob.sum() and views[key].told[there].mean() > 0.5:
            return True
    return False


def _as_large(one: Oddity, other: Oddity) -> bool:
    """What passes before the lens covers whatever is odd on another key frame."""
    return min(one.share, other.share) > AS_LARGE * max(one.share, other.share)


def _same_place(one: Oddity, other: Oddity, mine: Palettes) -> bool:
    blob = other.blob
    if one.key != other.key:
        found = _registered(mine[one.key], mine[other.key])
        if found is not None:
            blob = carried(other.blob, found[0], (one.blob.shape[1], one.blob.shape[0]))
    near = cv2.dilate(blob.astype(np.uint8), np.ones((2 * REACH + 1, 2 * REACH + 1), np.uint8)) > 0
    return bool((near & one.blob).sum() > 0.5 * min(float(one.blob.sum()), float(near.sum())))


def _distinct(found: Sequence[Oddity], mine: Palettes) -> list[Oddity]:
    """One per place, gained or lost: the one of most weight."""
    kept: list[Oddity] = []
    for odd in sorted(found, key=lambda o: -float(o.blob.sum()) * o.size):
        if not any(_same_place(odd, other, mine) for other in kept):
            kept.append(odd)
    return kept
