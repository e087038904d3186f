"""How an edit is fitted: the stretch, count and rate that a model takes, or the limit that stands in the way."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import NamedTuple

from tools.editors.base import Capabilities, Limits
from tools.editors.fitting._fit import Fit, Pinned, nearest, own_count
from tools.editors.fitting._size import plan_size
from tools.errors import Refused
from tools.types import Edit, MediaInfo

CONTEXT = Fraction(1, 2)
"""Seconds of right footage that are sent on each side of a stretch that is wrong."""
GENTLE_SENT, GENTLE_MADE = Fraction(5, 4), Fraction(21, 20)
"""Up to this ratio of rates every frame is sent, or shown, as one frame of the other rate: 24 for 25 as in a film
transfer, 24 for 30 in footage that comes back frame for frame. Beyond it frames are picked by time."""


class Length(NamedTuple):
    """A stretch of the clip, and how many frames go out for it at which pace."""

    first: int
    frames: int
    sent: int
    rate: Fraction
    step: Fraction


def plan_fit(edit: Edit, info: MediaInfo, can: Capabilities) -> Fit:
    """How the edit's footage fits a model. Refused with the limit that it breaks."""
    still = can.medium == "still"
    if still and edit.clip.frames != 1:
        raise Refused(f"edits still pictures; this clip has {edit.clip.frames} frames")
    made = not still and not sends_footage(edit, can)
    size = plan_size(info, can.limits, even=not still)
    length = _still(info) if still else _made(edit, info, can.limits) if made else _sent(edit, info, can.limits)
    return Fit(
        clip=edit.clip,
        source_width=info.width,
        source_height=info.height,
        source_rate=info.fps,
        first=length.first,
        frames=length.frames,
        width=size.width,
        height=size.height,
        box=size.box,
        count=length.sent,
        rate=length.rate,
        step=length.step,
        made=made,
        pinned=_pinned(edit) if made else "none",
        seconds_asked=math.ceil(length.sent / length.rate) if made else None,
        replaced=_replaced(edit, length),
        wrong=edit.window if edit.action == "retake" else None,
        mask=edit.mask,
        hard_edge=edit.hard_edge,
        grain=edit.grain,
        still=still,
        megabytes=can.limits.megabytes,
    )


def sends_footage(edit: Edit, can: Capabilities) -> bool:
    """Whether the clip itself is sent."""
    return edit.action == "inpaint" or (edit.action == "retake" and not can.between)


def _pinned(edit: Edit) -> Pinned:
    """The ends that a made clip is given: the kept frames beside a retake's window, or first and last references."""
    if edit.action == "retake" and edit.window is not None:
        opens, closes = edit.window[0] > 0, edit.window[1] < edit.clip.frames - 1
    else:
        opens, closes = (any(one.role == role for one in edit.references) for role in ("first", "last"))
    return "both" if opens and closes else "first" if opens else "last" if closes else "none"


def _replaced(edit: Edit, length: Length) -> tuple[int, int]:
    if edit.action == "inpaint" and edit.stretch is not None:
        return edit.stretch
    return length.first, length.first + length.frames - 1


def _still(info: MediaInfo) -> Length:
    return Length(0, 1, 1, info.fps, Fraction(1))


# Footage that is sent.


def _sent(edit: Edit, info: MediaInfo, limits: Limits) -> Length:
    rate, step = pace(info.fps, limits, GENTLE_SENT)
    counts = _Counts(limits, rate)
    first, last = _stretch(edit, counts, step)
    own = own_count(last - first + 1, step)
    count = counts.holding(own)
    if count is None:
        raise Refused(counts.too_long(own, info.fps, last - first + 1))
    room = max(0, math.floor((count - 1) * step) + 1 - (last - first + 1))
    first, last = _extended(first, last, room, edit.clip.frames)
    return Length(first, last - first + 1, count, rate, step)


def _stretch(edit: Edit, counts: _Counts, step: Fraction) -> tuple[int, int]:
    """What must be sent, with as much right footage around it as is wanted and fits."""
    whole = (0, edit.clip.frames - 1)
    wrong = edit.window if edit.action == "retake" else edit.stretch
    if wrong is None:
        return whole
    if edit.action == "retake":
        wrong = max(0, wrong[0] - 1), min(whole[1], wrong[1] + 1)
    around = nearest(CONTEXT * counts.rate * step)
    most = counts.most
    if most is not None:
        spare = math.floor((most - 1) * step) + 1 - (wrong[1] - wrong[0] + 1)
        around = max(0, min(around, spare // 2))
    return max(0, wrong[0] - around), min(whole[1], wrong[1] + around)


def _extended(first: int, last: int, room: int, frames: int) -> tuple[int, int]:
    """The stretch grown by up to `room` frames of the clip, on both sides alike where there are any."""
    before = min(first, max(room // 2, room - (frames - 1 - last)))
    after = min(frames - 1 - last, room - before)
    return first - before, last + after


def pace(source: Fraction, limits: Limits, gentle: Fraction) -> tuple[Fraction, Fraction]:
    """The rate that is sent or asked for, and how many frames of the clip stand for one frame of it."""
    rate = limits.output_rate or source
    if limits.rates:
        rate = min(max(rate, limits.rates[0]), limits.rates[1])
    ratio = source / rate
    return rate, Fraction(1) if 1 / gentle <= ratio <= gentle else ratio


class _Counts:
    """The frame counts that a model takes at a rate."""

    def __init__(self, limits: Limits, rate: Fraction) -> None:
        self._limits, self.rate = limits, rate
        fewest, most = limits.frames or (1, None)
        if limits.seconds:
            shortest, longest = (Fraction(str(one)) for one in limits.seconds)
            fewest = max(fewest, math.ceil(shortest * rate))
            most = min(most or math.floor(longest * rate), math.floor(longest * rate))
        self.fewest = fewest
        self.most: int | None = min(most or self._durations[-1], self._durations[-1]) if self._durations else most

    @property
    def _durations(self) -> list[int]:
        """The counts of the whole seconds that are on offer; the longest is not passed."""
        seconds = sorted(self._limits.durations)
        return [math.floor(one * self.rate) if one == seconds[-1] else math.ceil(one * self.rate) for one in seconds]

    def holding(self, own: int) -> int | None:
        """The smallest count that is taken and holds `own` frames; None when none does."""
        wanted = max(own, self.fewest)
        if self._durations:
            return next((count for count in self._durations if count >= own), None)
        step, offset = self._limits.frame_step, self._limits.frame_offset
        count = max(0, math.ceil((wanted - offset) / step)) * step + offset
        return None if self.most is not None and count > self.most else count

    def too_long(self, own: int, fps: Fraction, frames: int) -> str:
        """The refusal of a stretch that is too long."""
        most = self.most or own
        limit = (
            f"{most} frames" if self._limits.frames and most == self._limits.frames[1] else f"{_s(most / self.rate)} s"
        )
        return f"takes at most {limit} of footage; this clip has {frames} frames ({_s(frames / fps)} s) to send"


# Clips that are made.


def _made(edit: Edit, info: MediaInfo, limits: Limits) -> Length:
    """A clip made from pictures and words: whole seconds that hold the stretch, which is cut back to its length."""
    rate, step = pace(info.fps, limits, GENTLE_MADE)
    first, last = _made_stretch(edit)
    frames = last - first + 1
    needed = Fraction(own_count(frames, step)) / rate
    seconds = _asked(needed, limits)
    if seconds is None:
        most = max(limits.durations) if limits.durations else limits.seconds[1] if limits.seconds else 0
        raise Refused(f"makes at most {_s(most)} s; this clip lasts {_s(needed)} s")
    return Length(first, frames, nearest(seconds * rate), rate, step)


def _made_stretch(edit: Edit) -> tuple[int, int]:
    """A retake from one kept frame to the other; else the whole clip."""
    if edit.action != "retake" or edit.window is None:
        return 0, edit.clip.frames - 1
    return max(0, edit.window[0] - 1), min(edit.clip.frames - 1, edit.window[1] + 1)


def _asked(needed: Fraction, limits: Limits) -> int | None:
    """Whole seconds to ask for; None when the longest on offer is too short."""
    if limits.durations:
        return next((one for one in sorted(limits.durations) if one >= needed), None)
    shortest, longest = limits.seconds or (1, math.inf)
    seconds = max(math.ceil(needed), math.ceil(shortest))
    return seconds if seconds <= longest else None


def _s(seconds: float | Fraction) -> str:
    return f"{float(seconds):.1f}".removesuffix(".0")
