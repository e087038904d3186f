"""The checks of an edit: seam, flicker, colour, grain, outside, stream and landed.

Everything is measured in a window around the region, on at most 48 frames spread over the shot; only `outside` looks
at every frame and every pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from tools.media.decode import frames
from tools.media.masks import MaskSource, read_mask
from tools.media.probe import probe
from tools.types import Bits, Check, Clip, Frame, MaskTrack, MediaInfo, Verdict
from tools.vision._checks_edge import EdgeRecord, colour_excess, seam_ratio
from tools.vision._checks_outside import OutsideRecord, grown, lossless, stream_check
from tools.vision._checks_time import FlickerRecord
from tools.vision._checks_window import Window, luma_of, surround_box, window_of
from tools.vision.grain import GrainRecord

SEAM_LIMIT = 1.6
FLICKER_LIMIT = 1.9
COLOUR_LIMIT = 3.5
GRAIN_LIMIT = 0.4
"""Natural logarithm: the grain inside may be 1.5 times that around, or 1/1.5 of it."""
LANDED_FLOOR, LANDED_NOISE = 0.75, 3.0
"""Levels, and multiples of the change that the encoder alone made around the region."""
MOST_FRAMES, RUN = 48, 6
"""Frames analysed, and neighbours in one run of them."""

Masks = MaskSource | MaskTrack


@dataclass
class _Measured:
    """What the pass over the frames gathers."""

    outside: OutsideRecord
    edge: EdgeRecord = field(default_factory=EdgeRecord)
    flicker: FlickerRecord = field(default_factory=FlickerRecord)
    grain: GrainRecord = field(default_factory=GrainRecord)
    change: list[tuple[float, float]] = field(default_factory=list)


def verify(before: Clip, after: Path | Clip, mask: Path | MaskTrack | None, *, support_growth: int = 0) -> Verdict:
    """All checks of a take against the clip it was made from.

    `after` has the clip's length. `mask` is the region, one mask per frame of the clip, or one for all; the outside
    check allows changes up to `support_growth` pixels beyond it. Without a mask the whole picture is new, and only
    stream and landed are told. Where size or length differ, frames cannot be compared, and only stream is told.
    Raises BadInput when a file cannot be read or the mask does not fit.
    """
    take = after if isinstance(after, Clip) else _whole(after)
    old, new = probe(before.media), probe(take.media)
    stream = stream_check(old, new.model_copy(update={"frames": take.frames}), before.frames)
    if (old.width, old.height, before.frames) != (new.width, new.height, take.frames):
        return _verdict([stream])
    if mask is None:
        return _verdict([stream, _landed(_whole_change(before, take, old, new))])
    masks = mask if isinstance(mask, MaskTrack) else read_mask(mask, old, before.frames)
    measured = _measure(before, take, (old, new), masks, support_growth)
    return _verdict(_checks(measured, stream))


def _whole(media: Path) -> Clip:
    return Clip(media=media, first=0, last=probe(media).frames - 1)


def _verdict(checks: Sequence[Check]) -> Verdict:
    return Verdict(verdict="pass" if all(check.holds for check in checks) else "fail", checks=tuple(checks))


def _checks(measured: _Measured, stream: Check) -> list[Check]:
    grain = measured.grain.ratio()
    return [
        _at_most("seam", seam_ratio(measured.edge), SEAM_LIMIT, "ratio"),
        _at_most("flicker", measured.flicker.ratio(), FLICKER_LIMIT, "ratio"),
        _at_most("colour", colour_excess(measured.edge), COLOUR_LIMIT, "dE00"),
        _at_most("grain", abs(float(np.log(grain))), GRAIN_LIMIT, "log ratio"),
        measured.outside.check(),
        stream,
        _landed(measured.change),
    ]


def _at_most(name: str, value: float, limit: float, unit: str) -> Check:
    value = round(value, 4)
    return Check.model_validate({"name": name, "value": value, "limit": limit, "unit": unit, "holds": value <= limit})


def _landed(change: Sequence[tuple[float, float]]) -> Check:
    """Whether the region changed by more than an encoder changes its surround."""
    inside, around = np.mean(np.array(change), axis=0) if change else (0.0, 0.0)
    limit = round(LANDED_FLOOR + LANDED_NOISE * float(around), 4)
    value = round(float(inside), 4)
    return Check(name="landed", value=value, limit=limit, unit="levels", holds=value >= limit)


def _whole_change(before: Clip, take: Clip, old: MediaInfo, new: MediaInfo) -> list[tuple[float, float]]:
    """Mean absolute change of luma of the chosen frames; nothing lies around a whole picture."""
    chosen = analysed(range(before.frames))
    pairs = zip(frames(before, info=old), frames(take, info=new), strict=True)
    return [(_mean_change(*pair), 0.0) for index, pair in enumerate(pairs) if index in chosen]


def _mean_change(old: Frame, new: Frame) -> float:
    scale = 255 / ((1 << old.layout.depth) - 1)
    other = 255 / ((1 << new.layout.depth) - 1)
    return float(np.abs(old.planes[0] * scale - new.planes[0] * other).mean())


def analysed(present: Sequence[int]) -> set[int]:
    """The frames to look at: all up to 48, else runs of neighbours spread evenly over the frames with a region."""
    if len(present) <= MOST_FRAMES:
        return set(present)
    starts = np.linspace(0, len(present) - RUN, MOST_FRAMES // RUN).round().astype(int)
    return {present[start + step] for start in starts for step in range(RUN)}


def _present(masks: Masks, count: int) -> list[int]:
    if isinstance(masks, MaskTrack):
        return [index for index in masks if 0 <= index < count]
    return [index for index in range(count) if masks[index].any()]


def _mask_at(masks: Masks, index: int) -> Bits:
    return masks.at(index) if isinstance(masks, MaskTrack) else masks[index].copy()


def _measure(
    before: Clip, take: Clip, infos: tuple[MediaInfo, MediaInfo], masks: Masks, support_growth: int
) -> _Measured:
    chosen = analysed(_present(masks, before.frames))
    measured = _Measured(OutsideRecord(exact=lossless(infos[1])))
    last: _Look | None = None
    for look in _looks(before, take, infos, masks):
        measured.outside.add(look.before, look.after, grown(look.mask, support_growth))
        if look.index not in chosen:
            last = None
            continue
        _look_at(measured, window_of(look.before, look.after, look.mask))
        if last is not None:
            _compare_pair(measured.flicker, last, look)
        last = look
    return measured


@dataclass(frozen=True)
class _Look:
    """One frame of the clip and of the take, with the region's mask (H, W)."""

    index: int
    before: Frame
    after: Frame
    mask: Bits


def _looks(before: Clip, take: Clip, infos: tuple[MediaInfo, MediaInfo], masks: Masks) -> Iterator[_Look]:
    pairs = zip(frames(before, info=infos[0]), frames(take, info=infos[1]), strict=True)
    for index, (old, new) in enumerate(pairs):
        yield _Look(index, old, new, _mask_at(masks, index))


def _look_at(measured: _Measured, window: Window) -> None:
    measured.edge.add(window)
    measured.grain.add(window.luma[1], window.distance < -2, window.distance > 3)
    change = cv2.absdiff(*window.luma)
    around = ~window.inside
    outer = float(change[around].mean()) if around.any() else 0.0
    measured.change.append((float(change[window.inside].mean()), outer))


def _compare_pair(record: FlickerRecord, one: _Look, two: _Look) -> None:
    steps = [f.layout for f in (one.before, one.after)]
    box = surround_box(
        one.mask | two.mask, *(1 << max(getattr(s, name) for s in steps) for name in ("chroma_x", "chroma_y"))
    )
    before = (luma_of(one.before, box), luma_of(two.before, box))
    after = (luma_of(one.after, box), luma_of(two.after, box))
    record.add(before, after, (one.mask[box.slices], two.mask[box.slices]))
