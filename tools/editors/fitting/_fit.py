"""How one edit's footage is sent to a provider and found again in what comes back: sizes, frames and times, exactly."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Literal

from tools.types import Box, Clip, Frozen, Rate

Pinned = Literal["none", "first", "last", "both"]
"""Which ends of a made clip are given frames."""


class Fit(Frozen):
    """One edit fitted to one provider; kept in the job's handle, it brings the result back in any later process.

    Frames of the clip `first` to `first + frames - 1` are sent or, for a clip that is `made` from pictures and words,
    asked for. `count` frames go out at `rate`: what is more than the stretch itself is mirrored behind it. In the
    picture of `width` × `height` the source lies at `box`, and the rest is mirrored too.
    """

    clip: Clip
    source_width: int
    source_height: int
    source_rate: Rate
    first: int
    frames: int
    width: int
    height: int
    box: Box
    count: int
    rate: Rate
    step: Rate = Fraction(1)
    """Frames of the clip per frame that is sent or made: 1 is frame for frame, whatever the two rates."""
    made: bool = False
    pinned: Pinned = "none"
    seconds_asked: int | None = None
    """Whole seconds that a made clip is asked to last."""
    replaced: tuple[int, int]
    """First and last frame of the clip that the take may show otherwise; all others are the source's own."""
    wrong: tuple[int, int] | None = None
    """The window of a retake: nothing in it tells what colours are right."""
    mask: Path | None = None
    hard_edge: bool = False
    grain: bool = True
    """Whether detail and grain that the result lost are given back."""
    still: bool = False
    megabytes: float | None = None

    @property
    def last(self) -> int:
        """The last frame of the clip that is sent or asked for."""
        return self.first + self.frames - 1

    @property
    def tail(self) -> int:
        """Mirrored frames behind the stretch."""
        return self.count - own_count(self.frames, self.step)

    @property
    def seconds(self) -> Fraction:
        """How long the footage is that goes out, or that is asked for."""
        return Fraction(self.seconds_asked) if self.seconds_asked else self.count / self.rate

    @property
    def speed(self) -> Fraction:
        """How many times faster the result is shown than it was made: 8 when 4 s are made for a window of 0.5 s."""
        return self.seconds * self.source_rate / (self.frames - 1) if self.pinned == "both" else Fraction(1)

    def shows(self, index: int) -> bool:
        """Whether frame `index` of the clip is in what is sent."""
        return self.first <= index <= self.last

    def sent_index(self, index: int) -> int:
        """Where frame `index` of the clip lies in what is sent. ValueError when it is not in it."""
        if not self.shows(index):
            raise ValueError(f"frame {index} is not among the frames {self.first}-{self.last} that are sent")
        return nearest((index - self.first) / self.step)

    def second_of(self, index: int) -> Fraction:
        """When frame `index` of the clip begins in what is sent; one past the last frame gives the end."""
        return (index - self.first) / self.step / self.rate

    def source_index(self, sent: int) -> int:
        """Which frame of the clip is sent as number `sent`; beyond the stretch it runs back and forth in it."""
        return self.first + reflected(nearest(sent * self.step), self.frames)

    def raw_index(self, index: int, count: int, rate: Fraction) -> int:
        """Which of a result's `count` frames at `rate` shows frame `index` of the clip: nearest in time."""
        at = index - self.first
        if self.pinned == "both":
            return nearest(Fraction(at * (count - 1), self.frames - 1))
        if self.pinned == "last":
            return max(0, count - 1 - nearest((self.last - index) / self.step / self.rate * rate))
        place = at / self.step if self.frame_for_frame(count, rate) else at / self.step / self.rate * rate
        return min(count - 1, nearest(place))

    def frame_for_frame(self, count: int, rate: Fraction) -> bool:
        """Whether a result has the very frames that were sent, whatever rate it declares."""
        by_time = self.seconds * rate
        return not self.made and abs(count - self.count) <= abs(count - by_time)

    def missing(self, count: int, rate: Fraction) -> bool:
        """Whether a result of `count` frames at `rate` ends before the stretch does, by more than a twelfth second."""
        if self.pinned == "both":
            return count < 2
        last = (self.frames - 1) / self.step
        ends = last if self.frame_for_frame(count, rate) else last / self.rate * rate
        return ends - (count - 1) > max(Fraction(2), rate / 12)


def own_count(frames: int, step: Fraction) -> int:
    """How many frames are sent for a stretch of `frames`."""
    return math.floor((frames - 1) / step) + 1


def nearest(value: Fraction | int) -> int:
    """The nearest whole number; halves go up."""
    return math.floor(value + Fraction(1, 2))


def reflected(index: int, length: int) -> int:
    """The place of `index` in a stretch that is run through back and forth, its ends shown once."""
    if length == 1:
        return 0
    around = index % (2 * (length - 1))
    return around if around < length else 2 * (length - 1) - around
