"""What a picture shows of a labelled film: whether it is what its caption says, and which errors are in it.

It looks at pixels: an error that a repair took away is not seen, whatever the labels say of the shot that came in.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.masks import read_track
from tools.media.stills import still
from tools.sandbox.asked import Picture
from tools.sandbox.film import ErrorTruth, LabelledProject
from tools.sandbox.strict import Unacceptable
from tools.types import Bits, Box, Clip, MaskTrack, Rgb

FRAME = re.compile(r"(\S+?)@(\d+)")
THUMBNAIL = 64
"""Longest side, pixels, at which a picture is compared with what its caption names."""
APART, LEAST = 0.06, 2.5
"""Share of the contrast, and code values, that most of a thumbnail may be off: compression and grain are off by less,
frames of other shots by more."""
MOST_OF_WHOLE, MOST_OF_CROP = 0.75, 0.5
"""Share of a thumbnail that must be as named; the rest may be a repair, which fills much of a crop that is about it."""
UNCHANGED = 4.0
"""Code values that a fault's pixels are off by at most where scaling and compression alone touched them."""
SOME = 63
"""Code values of a resized mask from which a pixel belongs to it: thin places must not vanish."""
GONE = 0.5
"""Share of the difference between faulty and clean pixels that a state is off where a fault is not there any more."""


class Place(NamedTuple):
    """An error's place in a picture, at the picture's size: its pixels, the faulty and the clean frame there."""

    mask: Bits
    wrong: Rgb
    right: Rgb | None


class Distance(NamedTuple):
    """Mean difference, code values, of a state from the faulty and the clean pixels, and of these from each other."""

    to_wrong: float
    to_right: float
    apart: float


class Sight:
    """Looks at pictures of one film."""

    def __init__(self, film: LabelledProject) -> None:
        self.film = film

    def check(self, picture: Picture) -> None:
        """Raises Unacceptable for a picture that is not what its caption says."""
        off, allowed = self._off(picture)
        if off > allowed:
            raise Unacceptable(f"{picture.name}: the picture is not what its caption says ({off:.0f} code values off)")

    def is_as_named(self, picture: Picture) -> bool:
        """Whether a picture is what its caption says; takes of a repair differ in a part of it."""
        off, allowed = self._off(picture)
        return off <= allowed

    def _off(self, picture: Picture) -> tuple[float, float]:
        """How far most of the picture is off at most, and how far it may be, in code values.

        A frame may be as it came in or as it should be.
        """
        named = self._source(picture.source)
        sources = [source for source in (named, self._clean(picture)) if source is not None]
        own = [_thumbnail(_cut(source, picture)) for source in sources]
        sent = [np.asarray(cv2.resize(picture.pixels, one.shape[1::-1], interpolation=cv2.INTER_AREA)) for one in own]
        share = MOST_OF_WHOLE if picture.whole else MOST_OF_CROP
        off = [float(np.quantile(np.abs(one - two), share)) for one, two in zip(own, sent, strict=True)]
        return min(off, default=0.0), APART * float(own[0].std()) + LEAST if own else 0.0

    def _clean(self, picture: Picture) -> Rgb | None:
        frame = frame_named(picture.source)
        clean = self.film.clean.get(frame[0]) if frame else None
        return frame_of(clean, frame[1]) if frame and clean else None

    def _source(self, name: str) -> Rgb | None:
        """What a name stands for; None for a panel that was found by another reading of the sheet."""
        frame = frame_named(name)
        if frame is not None:
            if frame[0] not in self.film.shots:
                raise Unacceptable(f"{name}: the film has no such shot")
            return frame_of(self.film.shots[frame[0]], frame[1])
        if name in self.film.sheets:
            return self.film.sheets[name].picture
        panel = self.film.panels.get(name)
        if panel is not None:
            return panel.picture
        sheet = self.film.sheet_of(name.partition("/")[0])
        if sheet is None or sheet.told:
            raise Unacceptable(f"{name}: the film has no such frame, panel or sheet")
        return None

    def errors_in(self, picture: Picture) -> list[ErrorTruth]:
        """The labelled errors that a picture of a shot shows, those nearest to its middle first."""
        frame = frame_named(picture.source)
        seen = [error for error in self.film.errors(frame[0]) if self.shows(error, picture)] if frame else []
        return sorted(seen, key=lambda error: self._from_middle(error, picture))

    def _from_middle(self, error: ErrorTruth, picture: Picture) -> float:
        box = self.box(error, picture)
        assert box is not None, "asked about errors that a picture shows only"
        width, height = picture.size
        return float(np.hypot(box.x + box.w / 2 - width / 2, box.y + box.h / 2 - height / 2))

    def shows(self, error: ErrorTruth, picture: Picture) -> bool:
        """Whether a picture is of the error's shot, at a moment and place where it is, and still shows it."""
        place = self.place(error, picture)
        if place is None:
            return False
        apart = distance(picture.pixels, place)
        return apart is None or is_faulty(apart)

    def place(self, error: ErrorTruth, picture: Picture) -> Place | None:
        """Where a picture would show an error; None where it cannot."""
        frame = frame_named(picture.source)
        if frame is None or frame[0] != error.shot or frame[0] not in self.film.shots:
            return None
        wrong = frame_of(self.film.shots[frame[0]], frame[1])
        mask = mask_of(error, frame[1], wrong.shape[1], wrong.shape[0])
        inside = _sized(_cut(255 * mask.astype(np.uint8), picture), picture) > SOME
        if not inside.any():
            return None
        clean = self.film.clean.get(error.shot)
        right = _sized(_cut(frame_of(clean, frame[1]), picture), picture) if clean else None
        return Place(np.asarray(inside), _sized(_cut(wrong, picture), picture), right)

    def box(self, error: ErrorTruth, picture: Picture) -> Box | None:
        """An error's box in pixels of a picture as shown; None where it is not in it."""
        place = self.place(error, picture)
        return None if place is None else Box.around(place.mask)


def is_faulty(apart: Distance) -> bool:
    """Whether a state shows the fault: it has not left the faulty pixels, in whatever direction."""
    return not is_right(apart) and apart.to_wrong <= max(GONE * apart.apart, UNCHANGED)


def is_right(apart: Distance) -> bool:
    """Whether a state shows what should be there: it lies closer to the clean pixels than to the faulty ones."""
    return apart.to_right < apart.to_wrong


def distance(state: Rgb, place: Place) -> Distance | None:
    """How far a state lies from the faulty and the clean pixels at an error's place; None without a clean take."""
    if place.right is None:
        return None
    return Distance(*(_mean_off(one, two, place.mask) for one, two in _pairs(state, place.wrong, place.right)))


def _pairs(state: Rgb, wrong: Rgb, right: Rgb) -> tuple[tuple[Rgb, Rgb], ...]:
    return (state, wrong), (state, right), (wrong, right)


def _mean_off(one: Rgb, two: Rgb, where: Bits) -> float:
    return float(np.abs(one[where].astype(np.float32) - two[where].astype(np.float32)).mean())


def frame_named(name: str) -> tuple[str, int] | None:
    """Shot and frame of a name such as "SH020@24"; None for another name."""
    found = FRAME.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def mask_of(error: ErrorTruth, index: int, width: int, height: int) -> Bits:
    """An error's pixels in a frame of its shot; its box, where the label has no mask."""
    if error.mask is not None:
        return track_of(error.mask).at(index)
    mask = np.zeros((height, width), np.bool_)
    if error.frames[0] <= index <= error.frames[1]:
        mask[error.box.slices] = True
    return mask


@lru_cache(maxsize=64)
def track_of(mask: Path) -> MaskTrack:
    """A label's mask, read once."""
    return read_track(mask)


@lru_cache(maxsize=24)
def frame_of(clip: Clip, index: int) -> Rgb:
    """A frame of a shot, counted from its first."""
    if not 0 <= index < clip.frames:
        raise Unacceptable(f"{clip.media.name} has no frame {index} in this shot")
    return still(clip, index)


def _cut(source: Rgb, picture: Picture) -> Rgb:
    """The part of a source that a picture's name says. Raises Unacceptable where it lies outside."""
    height, width = source.shape[:2]
    area = picture.area(width, height)
    if area.w < 1 or area.h < 1 or area.x + area.w > width or area.y + area.h > height:
        raise Unacceptable(f"{picture.name} lies outside of its {width} x {height} pixels")
    return source[area.slices]


def _sized(source: Rgb, picture: Picture) -> Rgb:
    """Pixels at a picture's size."""
    how = cv2.INTER_AREA if source.shape[1] > picture.size[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(source, picture.size, interpolation=how), np.uint8)


def _thumbnail(source: Rgb) -> NDArray[np.float32]:
    height, width = source.shape[:2]
    scale = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA), np.float32)
