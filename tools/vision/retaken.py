"""The checks of a retake: its joins in time, what was kept, the stream, and whether it landed.

The names are those of every repair. "flicker" is what jumps at the joins, in picture or motion, against the shot's own
change from frame to frame; "colour" what colours jump there; "grain" the window's finest detail against the kept
frames'; "outside" every pixel of every frame that is not in the window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from tools.errors import BadInput
from tools.media.decode import frames
from tools.media.pixels import luma8, rgb8, small_size
from tools.media.probe import probe
from tools.types import Bits, Check, Clip, Frame, Rgb, Verdict
from tools.vision._checks_join import Joined, Pair, joins_of, judged, pair_of, pairs_around
from tools.vision._checks_outside import OutsideRecord, lossless
from tools.vision.checks import LIMITS, check, stream_differences
from tools.vision.grain import GrainRecord
from tools.vision.look import lab_of

WORKING = 400
"""Longer side in pixels at which joins are looked at."""
JOIN_LIMIT = 2.2
"""Ratio by which a join may be out of line. Chosen on 24 frames of ten clips of ../shared/data: of 30 true windows (as
they are, tinted by 10 %, at 0.7 of their size and back) two come to more, of 40 that are four frames late, frozen,
moved by five pixels or lit otherwise three come to less."""
COLOUR_LIMIT = 1.5
"""CIEDE2000 that colours may jump at a join beyond what they do elsewhere in the shot: about what is just seen."""
GRAIN_FRAMES = 3
"""Frames on each side of a join whose grain is compared."""
GRAIN_SIDE = 720
"""Side of the middle part of a frame that grain is measured in."""


def verify_retake(
    before: Clip, after: Path, window: tuple[int, int], *, still_there: Callable[[Path], bool] | None = None
) -> Verdict:
    """The verdict on a retake of the frames `window` of `before`. Raises BadInput when the window is not in the clip.

    `still_there` looks for the finding again; without it "landed" is how strongly the window changed.
    """
    if not 0 <= window[0] <= window[1] < before.frames:
        raise BadInput(f"frames {window[0]}-{window[1]} are not in a clip of {before.frames} frames")
    one, other = probe(before.media), probe(after)
    differences = stream_differences(one, before.frames, other, other.frames)
    if {"width", "height", "frames"} & set(differences):
        return Verdict(verdict="fail", checks=(check("stream", len(differences)),))
    record = _Record(OutsideRecord(lossless(other)), window, before.frames)
    for old, new in zip(frames(before), frames(after), strict=True):
        record.add(old, new)
    again = None if still_there is None else still_there(after)
    checks = record.checks(len(differences), again)
    return Verdict(verdict="pass" if all(one.holds for one in checks) else "fail", checks=checks)


@dataclass(slots=True)
class _Record:
    """What is gathered while the two films run past; memory holds two small pictures."""

    outside: OutsideRecord
    window: tuple[int, int]
    count: int
    pairs: dict[int, Pair] = field(default_factory=dict)
    grain: GrainRecord = field(default_factory=GrainRecord)
    change: list[float] = field(default_factory=list)
    last: tuple[int, Rgb] | None = None

    def add(self, old: Frame, new: Frame) -> None:
        """Takes one frame of both films."""
        index = old.index
        inside = self.window[0] <= index <= self.window[1]
        if inside:
            self.change.append(float(np.quantile(cv2.absdiff(luma8(old), luma8(new)), 0.9)))
        else:
            self.outside.add(old, new, np.zeros((old.height, old.width), np.bool_))
        wanted = pairs_around(self.window, self.count)
        picture = _small(new) if {index, index - 1} & set(wanted) else None
        if picture is not None and self.last is not None and self.last[0] == index - 1 and index - 1 in wanted:
            self.pairs[index - 1] = pair_of(self.last[1], picture)
        self.last = None if picture is None else (index, picture)
        if index in self._grain_frames():
            self._add_grain(new, inside=inside)

    def _grain_frames(self) -> set[int]:
        """The frames beside the joins."""
        near = (
            at + step for at in joins_of(self.window, self.count) for step in range(1 - GRAIN_FRAMES, GRAIN_FRAMES + 1)
        )
        return set(near)

    def _add_grain(self, frame: Frame, *, inside: bool) -> None:
        picture = _middle(rgb8(frame))
        whole: Bits = np.ones(picture.shape[:2], np.bool_)
        luma = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
        self.grain.add(luma, lab_of(picture), whole & inside, whole & (not inside))

    def checks(self, differences: int, again: bool | None) -> tuple[Check, ...]:
        """The checks, joins first."""
        joined = judged(self.pairs, self.window, self.count)
        return (
            _flicker(joined, joins_of(self.window, self.count)),
            within("colour", joined.colour, COLOUR_LIMIT, "dE"),
            check("grain", self.grain.mismatch()),
            self.outside.check(),
            check("stream", differences),
            landed(self.change, again),
        )


def _flicker(joined: Joined, joins: Sequence[int]) -> Check:
    note = "" if joins else "the window is the whole shot: there is no join"
    return within("flicker", joined.ratio, JOIN_LIMIT, "ratio", note)


def within(name: str, value: float, limit: float, unit: str, note: str = "") -> Check:
    """A check with a limit of its own: at most `limit`."""
    told = {"name": name, "value": round(value, 4), "limit": limit, "unit": unit, "holds": value <= limit, "note": note}
    return Check.model_validate(told)


def landed(change: Sequence[float], again: bool | None) -> Check:
    """Whether the finding is gone, or without a second look how strongly the picture changed."""
    if again is None:
        return check("landed", float(np.mean(change)) if change else LIMITS["landed"])
    return Check(name="landed", value=float(again), limit=0.0, unit="findings", holds=not again)


def _small(frame: Frame) -> Rgb:
    size = small_size(frame.width, frame.height, WORKING)
    return np.asarray(cv2.resize(rgb8(frame), size, interpolation=cv2.INTER_AREA), np.uint8)


def _middle(picture: Rgb) -> Rgb:
    height, width = picture.shape[:2]
    y, x = max(0, (height - GRAIN_SIDE) // 2), max(0, (width - GRAIN_SIDE) // 2)
    return np.ascontiguousarray(picture[y : y + GRAIN_SIDE, x : x + GRAIN_SIDE])
