"""One shot compared with itself over time: things that pop in and out, glitches, flashes and technical faults.

Every look at the shot streams it; what is kept is about a hundred small frames, a bounded number of change candidates
with their crops, and the coarse motion and brightness of each step. Frames count from the clip's first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np

from tools.media.probe import probe
from tools.types import Anomaly, Bits, Box, Clip, Evidence, MaskTrack, MediaInfo
from tools.vision._temporal_camera import find_jumps
from tools.vision._temporal_edges import Edge
from tools.vision._temporal_flicker import Flicker, find_flicker
from tools.vision._temporal_follow import follow
from tools.vision._temporal_glitch import Stretch, agitation, draw, find_stretches
from tools.vision._temporal_jolt import Warp, warps
from tools.vision._temporal_motion import SMALL, look
from tools.vision._temporal_motion import step as measure_step
from tools.vision._temporal_technical import Fault, find_faults
from tools.vision._temporal_things import DOUBT, LEAST_CONFIDENCE, Thing, things
from tools.vision._temporal_watch import Watch, end, pictures, see, works
from tools.vision.track import track

EYES, LARGEST_EYE = 0.4, 0.02
"""What a thing is worth that has a twin beside it, and the share of the frame up to which it may be an eye."""
MOST_WARPS = 2
CLEARLY, COVERS = 0.6, 0.3
"""Clarity of a thing that comes or goes, and the share of a warp's box that it covers, from which it is no warp."""
SEEN, NOT_SEEN = 0.35, 0.65
"""Median unlikeness of a thing between its ends, as a share of its jump. Pasted things stay under 0.3 (30 of them on
two shots); the only sure-looking natural pair of seventeen clips, a juggled ball, reaches 0.57."""


def inspect_time(clip: Clip, *, info: MediaInfo | None = None) -> list[Anomaly]:
    """Anomalies of one shot, the surest first; masks at source size. Raises BadInput when the clip cannot be read."""
    info = info or probe(clip.media)
    watch = Watch(rate=float(info.fps))
    for index, picture in pictures(clip, info):
        see(watch, look(index, picture))
    if not watch.looks:
        return []
    end(watch)
    cameras = [camera for _, camera in watch.drifts]
    faults = [*find_faults(watch.pulses), *find_jumps(cameras, watch.looks[-1].small.shape[1::-1])]
    stretches = [s for s in find_stretches(watch.agitated) if not any(f.first <= s.first <= f.last + 2 for f in faults)]
    found = [_whole(fault, clip, info) for fault in faults]
    found += [_region(stretch, clip, info) for stretch in stretches]
    flicker = find_flicker(watch.lights)
    found += [_flickering(flicker, clip, info)] if flicker else []
    warped = [w for w in warps(watch.jolts.found, clip.frames) if not _is_explained(w, faults, watch)]
    found += [_warped(warp, clip, info) for warp in warped[:MOST_WARPS]]
    found += [_flashed(flash, watch, clip, info) for flash in watch.flashes]
    found += [_traced(thing, watch, clip, info) for thing in things(watch, clip, info)]
    found = [replace(a, confidence=EYES * a.confidence) if _is_an_eye(a, found) else a for a in found]
    sure = [anomaly for anomaly in found if anomaly.confidence >= LEAST_CONFIDENCE and anomaly.track]
    return _distinct(sorted(sure, key=lambda a: -a.confidence))


def _is_explained(warp: Warp, faults: Sequence[Fault], watch: Watch) -> bool:
    """Whether a warp begins or ends where flow cannot be trusted: at a fault of whole frames, or where a thing comes or
    goes at its place."""
    ends = (warp.first, warp.last + 1)
    if any(fault.first <= at <= fault.last + 2 for fault in faults for at in ends):
        return True
    height, width = watch.looks[-1].work.shape[:2]
    rows, columns = warp.cells.shape
    box = Box.around(warp.cells) or Box(0, 0, 1, 1)
    across, down = width / columns, height / rows
    place = Box(round(box.x * across), round(box.y * down), round(box.w * across), round(box.h * down))
    clear = [seen for seen in watch.places if seen.frame in ends and seen.clarity >= CLEARLY]
    return any(place.common(seen.box) > COVERS * place.area for seen in clear)


def _is_an_eye(one: Anomaly, others: Sequence[Anomaly]) -> bool:
    """Beside it another of its size comes and goes with it: eyes close in pairs, and may stay closed for a while."""
    twins = (b for b in others if b is not one and b.kind == one.kind and b.confidence >= LEAST_CONFIDENCE)
    return one.kind in {"pop", "flash"} and any(_are_eyes(one.track, twin.track) for twin in twins)


def _are_eyes(a: MaskTrack, b: MaskTrack) -> bool:
    if not a or not b or max(abs(m - n) for m, n in zip(a.frames, b.frames, strict=True)) > 1:
        return False
    one, other = a.box, b.box
    alike = 0.5 < one.area / other.area < 2 and max(one.area, other.area) < LARGEST_EYE * a.width * a.height
    level = abs(one.y + one.h / 2 - other.y - other.h / 2) < 0.7 * max(one.h, other.h)
    between = abs(one.x + one.w / 2 - other.x - other.w / 2) / max(one.w, other.w)
    return alike and level and 1 < between < 5


def _distinct(anomalies: list[Anomaly]) -> list[Anomaly]:
    """Without those that a surer one of the same frames explains."""
    kept: list[Anomaly] = []
    for one in anomalies:
        if not any(_explains(other, one) for other in kept):
            kept.append(one)
    return kept


def _explains(surer: Anomaly, other: Anomaly) -> bool:
    """The other's frames lie within two of the surer one's, and its place within the surer one's place."""
    (a, b), (c, d) = surer.track.frames, other.track.frames
    if c < a - 2 or d > b + 2:
        return False
    if other.kind == "warp" and surer.kind == "pop" and abs(a - c) + abs(b - d) <= 1:  # flow goes wrong around it
        return surer.track.box.common(other.track.box) > 0
    return surer.track.box.common(other.track.box) > 0.5 * other.track.box.area


def _whole(fault: Fault, clip: Clip, info: MediaInfo) -> Anomaly:
    """A fault of whole frames; all share one mask."""
    return Anomaly(
        kind=fault.kind,
        track=_unmoved(np.ones((info.height, info.width), np.bool_), fault.first, fault.last),
        category="technical",
        expected=fault.expected,
        observed=fault.observed,
        confidence=round(float(fault.confidence), 3),
        evidence=_frames_of(fault.first, fault.last, clip.frames),
    )


def _region(stretch: Stretch, clip: Clip, info: MediaInfo) -> Anomaly:
    """A stretch's region drawn in a second pass over its frames."""
    media = Clip(media=clip.media, first=clip.first + stretch.first - 1, last=clip.first + stretch.last)
    looks = (look(index, picture) for index, picture in pictures(media, info))
    mask = draw((agitation(measure_step(a, b)) for a, b in pairwise(looks)), stretch.cells)
    bits = np.asarray(cv2.resize(mask.astype(np.float32), (info.width, info.height)) >= 0.5)
    return Anomaly(
        kind="glitch",
        track=_unmoved(bits, stretch.first, stretch.last),
        category="temporal",
        expected=f"the region moves coherently, as in the frames before {stretch.first} and as its surround does",
        observed=f"from frame {stretch.first} to {stretch.last} it changes incoherently from frame to frame: "
        f"{stretch.agitation:.1f} times what coherent footage shows, {stretch.earlier:.1f} before",
        confidence=round(stretch.confidence, 3),
        evidence=_frames_of(stretch.first, stretch.last, clip.frames),
    )


def _flickering(flicker: Flicker, clip: Clip, info: MediaInfo) -> Anomaly:
    """A region whose brightness jumps; its cells smoothed to an outline."""
    soft = cv2.GaussianBlur(flicker.cells.astype(np.float32), (0, 0), 0.7)
    bits = np.asarray(cv2.resize(soft, (info.width, info.height), interpolation=cv2.INTER_LINEAR) > 0.4)
    return Anomaly(
        kind="flicker",
        track=_unmoved(bits, flicker.first, flicker.last),
        category="temporal",
        expected="the region's light as steady as in its surround",
        observed=f"its brightness jumps up and down from frame {flicker.first} to {flicker.last}, by "
        f"{flicker.size:.1f}/255 from one frame to the next",
        confidence=round(flicker.confidence, 3),
        evidence=_frames_of(flicker.first, flicker.last, clip.frames),
    )


def _warped(warp: Warp, clip: Clip, info: MediaInfo) -> Anomaly:
    """A warped region, followed through its frames from the one beside the jolt."""
    soft = cv2.GaussianBlur(warp.cells.astype(np.float32), (0, 0), 0.7)
    bits = np.asarray(cv2.resize(soft, (info.width, info.height), interpolation=cv2.INTER_LINEAR) > 0.4)
    sides = [f"frame {at}" for at in (warp.first - 1, warp.last + 1) if 0 <= at < clip.frames]
    return Anomaly(
        kind="warp",
        track=track(clip, warp.seen_at, bits, (warp.first, warp.last)),
        category="temporal",
        expected=f"the shapes of the place as in {' and '.join(sides)}",
        observed=f"shapes jump out of line there by {warp.size / SMALL:.1%} of the width, from one frame to the next, "
        f"and are warped in frames {warp.first}-{warp.last}{'' if warp.certain else DOUBT}",
        confidence=round(warp.confidence, 3),
        evidence=_frames_of(warp.first, warp.last, clip.frames),
    )


def _unmoved(bits: Bits, first: int, last: int) -> MaskTrack:
    """One mask (H, W) at the same place in the frames `first` to `last`, which share it."""
    height, width = bits.shape
    box = Box.around(bits) or Box(0, 0, width, height)
    return MaskTrack(width, height, dict.fromkeys(range(first, last + 1), (box, bits[box.slices].copy())))


def _flashed(flash: Edge, watch: Watch, clip: Clip, info: MediaInfo) -> Anomaly:
    """A region that differs in one frame alone."""
    height, width = watch.looks[-1].work.shape[:2]
    inner = Box.around(flash.come) or Box(0, 0, flash.box.w, flash.box.h)
    place = Box(flash.box.x + inner.x, flash.box.y + inner.y, inner.w, inner.h)
    crop = enlarged(place, flash.come[inner.slices], (width, height), (info.width, info.height))
    often = sum(f.box.iou(flash.box) > 0.2 for f in watch.flashes) - 1
    often += _changes_beside(flash, watch)
    sure = float(np.clip((flash.clarity - 0.35) / 0.4, 0, 0.95)) * 0.5**often
    return Anomaly(
        kind="flash",
        track=MaskTrack(info.width, info.height, {flash.index: crop}),
        category="temporal",
        expected=f"the place as in frames {flash.index - 1} and {flash.index + 1}, which agree",
        observed=f"frame {flash.index} alone differs there, mean difference {flash.strength / 3:.0f}/255",
        confidence=round(sure, 3),
        evidence=_frames_of(flash.index, flash.index, clip.frames),
    )


def _changes_beside(flash: Edge, watch: Watch) -> int:
    """How often the place changes at once in other frames, up to twice: an eye that opens for one frame has closed."""
    own = (flash.index, flash.index + 1)
    return min(2, len({p.frame for p in watch.places if p.frame not in own and p.box.iou(flash.box) > 0.2}))


def _traced(thing: Thing, watch: Watch, clip: Clip, info: MediaInfo) -> Anomaly:
    """The thing followed through its frames, in a second pass over just those."""
    first, last = thing.first.index, thing.last.index
    seen = works(clip, info, first, last)
    height, width = watch.looks[-1].work.shape[:2]
    crops, unlike = dict[int, tuple[Box, Bits]](), list[float]()
    for index, box, bits, apart in follow(seen, thing.first, thing.last, watch.drifts, watch.by):
        crops[index] = enlarged(box, bits, (width, height), (info.width, info.height))
        unlike.append(apart)
    return Anomaly(
        kind="pop",
        track=MaskTrack(info.width, info.height, crops),
        category="prop",
        expected=thing.expected,
        observed=thing.observed,
        confidence=round(thing.confidence * _seen_between(unlike, thing.jump), 3),
        evidence=_frames_of(first, last, clip.frames),
    )


def _seen_between(unlike: Sequence[float], jump: float) -> float:
    """1 when the thing was seen in nearly every frame between its ends, 0 when something else stood there."""
    middle = float(np.median(unlike)) / jump if unlike else 0.0
    return float(np.clip((NOT_SEEN - middle) / (NOT_SEEN - SEEN), 0, 1))


def _frames_of(first: int, last: int, count: int) -> tuple[Evidence, ...]:
    """The frames just outside and just inside a stretch."""
    shown = (first - 1, first, last, last + 1)
    return tuple(Evidence(kind="frame", ref=f"@{index}") for index in shown if 0 <= index < count)


def enlarged(box: Box, bits: Bits, work: tuple[int, int], source: tuple[int, int]) -> tuple[Box, Bits]:
    """A crop at work size (width, height) brought to source size, its outline smoothed."""
    across, down = source[0] / work[0], source[1] / work[1]
    x, y = round(box.x * across), round(box.y * down)
    right = min(source[0], round((box.x + box.w) * across))
    bottom = min(source[1], round((box.y + box.h) * down))
    place = Box(x, y, max(1, right - x), max(1, bottom - y))
    return place, np.asarray(cv2.resize(bits.astype(np.float32), (place.w, place.h)) >= 0.5)
