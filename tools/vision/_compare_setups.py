"""Shots of one set-up: a few registered key frames per shot with what moves in them, held against each other.

After Pickup and Zisserman, "Automatic retrieval of visual continuity errors in movies" (CIVR 2009): find shots of the
same set-up, register them, suppress what moves, rank what is left unexplained.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import cv2
import numpy as np

from tools.media.decode import frames as decoded
from tools.media.pixels import rgb8
from tools.media.probe import probe
from tools.types import Bits, Clip, Rgb
from tools.vision._compare_difference import carried, components, difference, show_alike, steepness
from tools.vision._compare_moving import moving
from tools.vision._compare_register import (
    Pair,
    Registration,
    View,
    laid_on,
    register_set,
    working_view,
)

WORKING = 640
KEYS = 4
PROBES = 16
"""Most frames looked at per shot for what moves; a short shot needs one in four."""
CANDIDATES = 2
"""Key frames of another shot that are tried for one of this shot's."""
SETUP_INLIERS = 30
SETUP_SPREAD = 0.35
"""Hull of the inliers as a share of the frame: the set must match, not one thing in it."""
SETUP_SAME = 0.75
"""Share of the believed area that must look the same before a difference means anything."""
LEAST_AREA = 0.0007
"""Of the frame; a speck that thirds of data/clips/toy-frog.mp4 differ by lies under it."""


@dataclass(frozen=True)
class ShotDigest:
    """What a shot leaves behind for comparison: key frames at most `WORKING` pixels long, and where the shot moves.

    `keys` are (h, w, 3) pictures, `moving` (h, w) masks on the same grids, `indices` their frames from the
    clip's first; `width` and `height` are the clip's, `frames` its length.
    """

    width: int
    height: int
    frames: int
    indices: tuple[int, ...]
    keys: tuple[Rgb, ...] = field(repr=False)
    moving: tuple[Bits, ...] = field(repr=False)

    def to_bytes(self) -> bytes:
        """Everything as a compressed npz file."""
        out = io.BytesIO()
        size = np.array([self.width, self.height, self.frames])
        np.savez_compressed(
            out, size=size, indices=np.array(self.indices), keys=np.array(self.keys), moving=np.array(self.moving)
        )
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> ShotDigest:
        """The digest that `to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as held:
            width, height, frames = (int(v) for v in held["size"])
            indices = tuple(int(v) for v in held["indices"])
            return cls(width, height, frames, indices, tuple(held["keys"]), tuple(held["moving"]))


def digest_shot(clip: Clip) -> ShotDigest:
    """The shot's digest: streamed, at most `PROBES` working-size frames held at once."""
    info = probe(clip.media)
    count = min(PROBES, max(KEYS, clip.frames // 4), clip.frames)
    wanted = sorted(set(np.linspace(0, clip.frames - 1, count).astype(int).tolist()))
    probes: list[tuple[int, Rgb]] = []
    for index, frame in enumerate(decoded(clip)):
        if index in wanted:
            probes.append((index, _small(rgb8(frame))))
    chosen = sorted({round(v) for v in np.linspace(0, len(probes) - 1, min(KEYS, len(probes)))})
    stirred = moving([rgb for _, rgb in probes], chosen)
    keys = tuple(probes[i][1] for i in chosen)
    return ShotDigest(info.width, info.height, clip.frames, tuple(probes[i][0] for i in chosen), keys, stirred)


def _small(rgb: Rgb) -> Rgb:
    scale = min(1.0, WORKING / max(rgb.shape[:2]))
    if scale == 1.0:
        return rgb
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    return cast(Rgb, cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


@dataclass(frozen=True)
class Setting:
    """A digest with its key frames as views, computed once."""

    digest: ShotDigest
    views: tuple[View, ...]

    @classmethod
    def of(cls, digest: ShotDigest) -> Setting:
        return cls(digest, tuple(working_view(key, WORKING) for key in digest.keys))


@dataclass(frozen=True)
class Sight:
    """A key frame of another shot laid on a key frame of this one, and where they differ without either moving."""

    key: int
    pair: Pair
    odd: Bits
    judged: Bits


def sights(one: Setting, other: Setting) -> list[Sight]:
    """For each key frame of `one` that is looked at, the first of the nearest of `other` that shows the same set-up."""
    out = []
    for key in looked_at(len(one.views)):
        for candidate in _nearest_first(key, len(one.views), len(other.views))[:CANDIDATES]:
            sight = _sight(one, key, other, candidate)
            if sight is not None:
                out.append(sight)
                break
    return out


def looked_at(count: int) -> tuple[int, ...]:
    """Two of the key frames, apart in time, so that what one shows the other can confirm."""
    return (0,) if count == 1 else (0, max(1, count * 2 // 3))


def _nearest_first(key: int, ours: int, theirs: int) -> list[int]:
    place = key / max(1, ours - 1) * (theirs - 1)
    return sorted(range(theirs), key=lambda c: abs(c - place))


def _sight(one: Setting, key: int, other: Setting, candidate: int) -> Sight | None:
    a, b = one.views[key], other.views[candidate]
    found = register_set(a, b)
    if not found or not _same_setup(found[0], a):
        return None
    pair = laid_on(a, b, found[0])
    stirred = one.digest.moving[key] | carried(other.digest.moving[candidate], found[0].matrix, a.size)
    still = difference(pair, stirred)
    nearer = difference(laid_on(a, b, found[1]), stirred).same if len(found) > 1 else np.zeros_like(stirred)
    explained = (still.same | nearer) & still.seen
    if still.seen.mean() < 0.2 or explained.sum() < SETUP_SAME * still.seen.sum():
        return None
    return Sight(key, pair, _left_over(still.closed, stirred, nearer), still.seen)


def _same_setup(found: Registration, a: View) -> bool:
    spread = float(cv2.contourArea(cv2.convexHull(found.points))) / (a.size[0] * a.size[1])
    return found.inliers >= SETUP_INLIERS and spread >= SETUP_SPREAD


def _left_over(odd: Bits, stirred: Bits, nearer: Bits) -> Bits:
    """Blobs that lie clear of what moves, as a thing that someone reaches for may change its place, and that whoever
    stands before the set does not explain."""
    near = cv2.dilate(stirred.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    out = np.zeros_like(odd)
    for blob in components(odd):
        if (blob & near).sum() < 0.2 * blob.sum() and (blob & nearer).sum() < 0.5 * blob.sum():
            out |= blob
    return out


@dataclass(frozen=True)
class Odd:
    """A place of a shot's key frame that other shots of the set-up contradict: `against` do, `alike` do not."""

    shot: str
    key: int
    blob: Bits
    against: tuple[str, ...]
    alike: tuple[str, ...]
    contrast: float
    weight: float


def odd_places(shot: str, settings: Mapping[str, Setting]) -> list[Odd]:
    """Places of one shot that other shots contradict, each on the key frame that shows it best."""
    held = {other: sights(settings[shot], settings[other]) for other in settings if other != shot}
    held = {other: found for other, found in held.items() if found}
    places: list[Odd] = []
    for key in looked_at(len(settings[shot].views)):
        view = settings[shot].views[key]
        here = {other: sight for other, found in held.items() for sight in found if sight.key == key}
        places += [p for blob in _proposed(here) if (p := _judged(shot, key, view, blob, here)) is not None]
    kept = [place for place in places if _repeated(place, places, settings[shot])]
    return _distinct(kept, settings[shot])


def _proposed(here: Mapping[str, Sight]) -> list[Bits]:
    blobs = components(np.logical_or.reduce([s.odd for s in here.values()])) if here else []
    return [blob for blob in blobs if blob.mean() >= LEAST_AREA]


def _judged(shot: str, key: int, view: View, blob: Bits, here: Mapping[str, Sight]) -> Odd | None:
    """What the other shots say of a place on a key frame; None where the shot is in the majority or nobody agrees."""
    showing = {other: s for other, s in here.items() if s.judged[blob].mean() > 0.8}
    against = {other: s for other, s in showing.items() if s.odd[blob].mean() > 0.4}
    if not against:
        return None
    first = next(iter(against.values()))
    joined = tuple(other for other, s in against.items() if s is first or show_alike(first.pair, s.pair, blob))
    alike = tuple(other for other in showing if other not in against)
    if len(joined) < len(against) or (len(showing) > 1 and len(joined) <= 1 + len(alike)):
        return None
    contrast = float(
        np.median([np.linalg.norm(s.pair.a[blob] - s.pair.b[blob], axis=1).mean() for s in against.values()])
    )
    own, theirs = steepness(view.lab, blob), steepness(first.pair.b, blob)
    return Odd(shot, key, blob, joined, alike, contrast, own / (own + theirs))


def _repeated(place: Odd, places: list[Odd], setting: Setting) -> bool:
    """Seen on another key frame of the shot too, at the same place of the set; or the shot has a single key frame."""
    others = [p for p in places if p.key != place.key]
    return len(setting.views) == 1 or any(_same_place(place, other, setting) for other in others)


def _same_place(one: Odd, other: Odd, setting: Setting) -> bool:
    if one.key == other.key:
        return bool((one.blob & other.blob).any())
    found = register_set(setting.views[one.key], setting.views[other.key])
    laid = [carried(other.blob, each.matrix, setting.views[one.key].size) for each in found]
    return any(bool((there & one.blob).sum() > 0.4 * min(there.sum(), one.blob.sum()) > 0) for there in laid)


def _distinct(places: list[Odd], setting: Setting) -> list[Odd]:
    kept: list[Odd] = []
    for place in sorted(places, key=lambda p: -float(p.blob.sum() * p.contrast)):
        if not any(_same_place(place, other, setting) for other in kept):
            kept.append(place)
    return kept
