"""One shot compared with itself over time: things that pop in and out, glitches, flashes and technical faults.

Every look at the shot streams it; what is kept is about a hundred small frames, a bounded number of change candidates
with their crops, and the coarse motion and brightness of each step. Frames count from the clip's first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import rgb8, shrunk
from tools.media.probe import probe
from tools.types import Anomaly, Bits, Box, Clip, Evidence, MaskTrack, MediaInfo, Rgb
from tools.vision._temporal_edges import Edge, find_edges, find_flashes
from tools.vision._temporal_flicker import Flicker, find_flicker
from tools.vision._temporal_follow import Sight, follow, follow_on, sights
from tools.vision._temporal_glitch import Cells, Stretch, agitation, draw, find_stretches, in_cells
from tools.vision._temporal_motion import WORK, Colours, Look, Step, coarse, look
from tools.vision._temporal_motion import step as measure_step
from tools.vision._temporal_pairs import Drift, Pair, pair_up
from tools.vision._temporal_steady import LEAST_CLARITY, OPEN, REACH, Reading, jump_of, read_alone
from tools.vision._temporal_technical import Fault, Pulse, find_faults, pulse
from tools.vision._temporal_trail import Half, Trails, joined

LEAST_CONFIDENCE = 0.3
"""Weaker suspicions are not reported."""
SURE = 0.5
"""An edge whose pair is less sure than this may still be read alone."""
MOST_EDGES = 64
"""Candidates kept with their crops; the clearest stay."""
DOUBT = "; which side of it is wrong is open"
MOST_POPS = 8
MOSTLY = 0.6
"""Share of a shot from which it stays open whether a thing is too much where it is, or missing in the rest."""
BLINK = 0.004
"""Share of the frame that an eye may cover; what comes and goes there within a blink is doubted."""
EYES, LARGEST_EYE = 0.4, 0.02
"""What a thing is worth that has a twin beside it, and the share of the frame up to which it may be an eye."""
BLOCK = 24
"""Frames held at once where a thing is followed back in time."""
SEEN, NOT_SEEN = 0.35, 0.65
"""Median unlikeness of a thing between its ends, as a share of its jump. Pasted things stay under 0.3 (30 of them on
two shots); the only sure-looking natural pair of seventeen clips, a juggled ball, reaches 0.57."""
LOST, LOST_FOR = 0.7, 4
"""A followed thing is gone when it has been this unlike itself (share of its jump) for this many frames."""


class Place(NamedTuple):
    """What is remembered of an edge without its pictures."""

    frame: int
    box: Box
    clarity: float
    strength: float
    share: float


@dataclass(slots=True)
class Watch:
    """What has been seen so far of a shot."""

    looks: deque[Look] = field(default_factory=lambda: deque(maxlen=5))
    steps: deque[Step | None] = field(default_factory=lambda: deque([None] * 5, maxlen=5))
    edges: list[Edge] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    """Every edge, kept or not: where changes recur they are the scene's own."""
    drifts: list[Drift] = field(default_factory=list)
    flashes: list[Edge] = field(default_factory=list)
    agitated: list[Cells] = field(default_factory=list)
    lights: list[NDArray[np.float16]] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    trails: Trails | None = None

    rate: float = 24.0
    """Frames per second."""

    def is_blink(self, frames: int, edge: Edge) -> bool:
        """Small and as short as an eye's blink, which takes 0.1 to 0.4 s."""
        return frames <= 0.4 * self.rate and edge.share < BLINK

    @property
    def by(self) -> float:
        """Work size over small size."""
        return float(self.looks[-1].work.shape[1]) / float(self.looks[-1].small.shape[1])


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing to be followed: where it is first and last seen, how sure, and what to say."""

    first: Sight
    last: Sight
    confidence: float
    expected: str
    observed: str
    jump: float
    """Root mean squared difference from the place without it, colours summed over the channels."""


def inspect_time(clip: Clip, *, info: MediaInfo | None = None) -> list[Anomaly]:
    """Anomalies of one shot, the surest first; masks at source size. Raises BadInput when the clip cannot be read."""
    info = info or probe(clip.media)
    watch = Watch(rate=float(info.fps))
    for index, picture in pictures(clip, info):
        _see(watch, look(index, picture))
    if not watch.looks:
        return []
    for _ in range(2):
        _push(watch, None)
    if watch.trails:
        watch.trails.end()
    faults = find_faults(watch.pulses)
    stretches = [s for s in find_stretches(watch.agitated) if not any(f.first <= s.first <= f.last + 2 for f in faults)]
    found = [_whole(fault, clip, info) for fault in faults]
    found += [_region(stretch, clip, info) for stretch in stretches]
    flicker = find_flicker(watch.lights)
    found += [_flickering(flicker, clip, info)] if flicker else []
    found += [_flashed(flash, watch, clip, info) for flash in watch.flashes]
    found += [_traced(thing, watch, clip, info) for thing in _pops(watch, clip, info)]
    found = [replace(a, confidence=EYES * a.confidence) if _is_an_eye(a, found) else a for a in found]
    sure = [anomaly for anomaly in found if anomaly.confidence >= LEAST_CONFIDENCE and anomaly.track]
    return _distinct(sorted(sure, key=lambda a: -a.confidence))


def _is_an_eye(one: Anomaly, others: Sequence[Anomaly]) -> bool:
    """Beside it another of its size comes and goes with it: eyes close in pairs, and may stay closed for a while."""
    sure = (other for other in others if other is not one and other.confidence >= LEAST_CONFIDENCE)
    return one.kind == "pop" and any(_are_eyes(one.track, other.track) for other in sure if other.kind == "pop")


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
    box, place = surer.track.box, other.track.box
    wide, high = min(box.x + box.w, place.x + place.w), min(box.y + box.h, place.y + place.h)
    return max(0, wide - max(box.x, place.x)) * max(0, high - max(box.y, place.y)) > 0.5 * place.area


def _whole(fault: Fault, clip: Clip, info: MediaInfo) -> Anomaly:
    """A fault of whole frames; all share one mask."""
    full = Box(0, 0, info.width, info.height)
    bits = np.ones((info.height, info.width), np.bool_)
    return Anomaly(
        kind=fault.kind,
        track=MaskTrack(info.width, info.height, dict.fromkeys(range(fault.first, fault.last + 1), (full, bits))),
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
    box = Box.around(bits) or Box(0, 0, info.width, info.height)
    crops = dict.fromkeys(range(stretch.first, stretch.last + 1), (box, bits[box.slices].copy()))
    return Anomaly(
        kind="glitch",
        track=MaskTrack(info.width, info.height, crops),
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
    box = Box.around(bits) or Box(0, 0, info.width, info.height)
    crops = dict.fromkeys(range(flicker.first, flicker.last + 1), (box, bits[box.slices].copy()))
    return Anomaly(
        kind="flicker",
        track=MaskTrack(info.width, info.height, crops),
        category="temporal",
        expected="the region's light as steady as in its surround",
        observed=f"its brightness jumps up and down from frame {flicker.first} to {flicker.last}, by "
        f"{flicker.size:.1f}/255 from one frame to the next",
        confidence=round(flicker.confidence, 3),
        evidence=_frames_of(flicker.first, flicker.last, clip.frames),
    )


def _flashed(flash: Edge, watch: Watch, clip: Clip, info: MediaInfo) -> Anomaly:
    """A region that differs in one frame alone."""
    height, width = watch.looks[-1].work.shape[:2]
    inner = Box.around(flash.come) or Box(0, 0, flash.box.w, flash.box.h)
    place = Box(flash.box.x + inner.x, flash.box.y + inner.y, inner.w, inner.h)
    crop = enlarged(place, flash.come[inner.slices], (width, height), (info.width, info.height))
    often = sum(f.box.iou(flash.box) > 0.2 for f in watch.flashes) - 1
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


def pictures(clip: Clip, info: MediaInfo) -> Iterator[tuple[int, Rgb]]:
    """(index, RGB at work size) of each frame."""
    for frame in frames(clip, info=info):
        yield frame.index, rgb8(shrunk(frame, WORK))


def _see(watch: Watch, now: Look) -> None:
    before = watch.looks[-1] if watch.looks else None
    watch.looks.append(now)
    change = None if before is None else measure_step(before, now)
    watch.pulses.append(pulse(now, before, change))
    if change is not None:
        watch.drifts.append((coarse(change.ahead), change.around))
        watch.agitated.append(in_cells(agitation(change)))
        watch.lights.append(change.pulse.astype(np.float16))
    watch.trails = watch.trails or Trails(watch.by)
    watch.trails.see(now.index, now.small, watch.drifts)
    if change is not None:
        _push(watch, change)


def _push(watch: Watch, change: Step | None) -> None:
    """Takes in a step and judges the one two steps back, whose after is now known."""
    watch.steps.append(change)
    centre = watch.steps[2]
    if centre is None:
        return
    near = [look for look in watch.looks if centre.index - 1 <= look.index <= centre.index + 1]
    steps = list(watch.steps)
    edges = find_edges(near[:2], steps)
    watch.places += [Place(edge.index, edge.box, edge.clarity, edge.strength, edge.share) for edge in edges]
    watch.edges += edges
    if watch.trails:
        watch.trails.start(edges, watch.drifts)
    watch.edges = _clearest(watch.edges)
    watch.flashes = _clearest(watch.flashes + find_flashes(near, steps))


def _clearest(edges: list[Edge]) -> list[Edge]:
    """At most MOST_EDGES of them."""
    if len(edges) <= MOST_EDGES:
        return edges
    return sorted(edges, key=lambda e: -e.clarity)[:MOST_EDGES]


def _pops(watch: Watch, clip: Clip, info: MediaInfo) -> list[Thing]:
    """Pairs of edges, and single edges that stand out far enough, as things to follow."""
    pairs = [(pair, _paired(pair, watch)) for pair in pair_up(watch.edges, watch.drifts, watch.by, LEAST_CONFIDENCE)]
    used = {id(edge) for pair, thing in pairs if thing.confidence >= SURE for edge in (pair.came, pair.went)}
    things = [thing for _, thing in pairs]
    single = [edge for edge in watch.edges if id(edge) not in used]
    halves = [half for half in watch.trails.halves if id(half.edge) not in used] if watch.trails else []
    told = [(half.edge, _half(half, watch, clip.frames)) for half in joined(halves)]
    things += [thing for _, thing in told]
    used = {id(edge) for edge, thing in told if thing.confidence >= SURE}
    things += _alone([edge for edge in single if id(edge) not in used], watch, clip, info)
    sure = [thing for thing in things if thing.confidence >= LEAST_CONFIDENCE]
    return sorted(sure, key=lambda t: -t.confidence)[:MOST_POPS]


def _paired(pair: Pair, watch: Watch) -> Thing:
    first, last = sights(pair)
    again = _recurrences(watch, (pair.came, pair.went)) + watch.is_blink(pair.went.index - pair.came.index, pair.came)
    before, after = pair.came.index - 1, pair.went.index
    change = pair.came.strength / 3
    return Thing(
        first,
        last,
        confidence=0.97 * pair.merit * 0.5**again,
        expected=f"the place as before frame {pair.came.index} and after frame {after - 1}: "
        f"the two agree within {pair.restored * change:.0f}/255",
        observed=f"something stands there in frames {pair.came.index}-{after - 1} only: it comes between frames "
        f"{before} and {pair.came.index} and is gone by frame {after}, mean difference {change:.0f}/255",
        jump=jump_of(pair.came),
    )


def _half(half: Half, watch: Watch, count: int) -> Thing:
    """`count` is the shot's length in frames."""
    first, last, edge = half.first.index, half.last.index, half.edge
    again = _recurrences(watch, (edge,), first, last + 1) + watch.is_blink(last + 1 - first, edge)
    ends = [f"before frame {first}"] * (first > 0) + [f"after frame {last}"] * (last < count - 1)
    certain = not half.whole or last + 1 - first <= MOSTLY * count
    confidence = half.confidence * 0.5**again
    return Thing(
        half.first,
        half.last,
        confidence=confidence if certain else min(OPEN, confidence),
        expected=f"the place as {' and '.join(ends)}",
        observed=f"something stands there in frames {first}-{last} only and comes or goes from one frame to the next, "
        f"mean difference {edge.strength / 3:.0f}/255{'' if certain else DOUBT}",
        jump=jump_of(edge),
    )


def _alone(edges: Sequence[Edge], watch: Watch, clip: Clip, info: MediaInfo) -> Iterator[Thing]:
    """Changes with no counterpart that stand out far enough, each read from the frames around it."""
    clear = sorted((edge for edge in edges if edge.clarity > LEAST_CLARITY), key=lambda e: -e.clarity)[:MOST_POPS]
    for edge in clear:
        first, last = max(0, edge.index - 1 - REACH), min(clip.frames - 1, edge.index + REACH)
        near = dict(_works(clip, info, first, last))
        read = read_alone(edge, near, watch.drifts, watch.by, count=clip.frames)
        short = edge.index if read.side == "before" else clip.frames - edge.index
        confidence = read.confidence * 0.5 ** (_recurrences(watch, (edge,)) + watch.is_blink(short, edge))
        if confidence >= LEAST_CONFIDENCE:
            yield _single(read, _far_end(read, watch, clip, info), confidence)


def _single(read: Reading, far: Sight, confidence: float) -> Thing:
    """A thing that is there from the start, or that comes and stays."""
    edge = read.edge
    if read.side == "from":
        words = f"something appears between frames {edge.index - 1} and {edge.index} and stays to the end"
    else:
        words = f"something is there from the start and gone between frames {edge.index - 1} and {edge.index}"
    first, last = (read.wrong, far) if read.side == "from" else (far, read.wrong)
    doubt = "" if read.certain else DOUBT
    return Thing(
        first,
        last,
        confidence,
        expected=f"the place as {'before' if read.side == 'from' else 'from'} frame {edge.index}",
        observed=f"{words}, mean difference {edge.strength / 3:.0f}/255{doubt}",
        jump=read.jump,
    )


def _far_end(read: Reading, watch: Watch, clip: Clip, info: MediaInfo) -> Sight:
    """Where the thing stands in the last frame that shows it, towards the shot's end or its start."""
    start = read.wrong
    end = clip.frames - 1 if read.side == "from" else 0
    far, lost = start, 0
    for index, place, unlike in follow_on(_onwards(clip, info, start.index, end), start, watch.drifts, watch.by):
        lost = lost + 1 if unlike > LOST * read.jump else 0
        if lost >= LOST_FOR:
            break
        if not lost:
            far = replace(start, index=index, middle=place)
    return far


def _onwards(clip: Clip, info: MediaInfo, start: int, end: int) -> Iterator[tuple[int, Colours]]:
    """The frames after `start` to `end`, or those before it in reverse, read in blocks."""
    if end >= start:
        yield from _works(clip, info, start + 1, end)
        return
    for last in range(start - 1, end - 1, -BLOCK):
        yield from reversed(list(_works(clip, info, max(end, last - BLOCK + 1), last)))


def _works(clip: Clip, info: MediaInfo, first: int, last: int) -> Iterator[tuple[int, Colours]]:
    """(index, picture at work size) of the frames `first` to `last`."""
    if first <= last:
        stretch = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
        for index, picture in pictures(stretch, info):
            yield first + index, look(first + index, picture).work


def _recurrences(watch: Watch, edges: Sequence[Edge], *also: int) -> int:
    """How often a like change happens at the same place at other times: a blinking light, a busy hand.

    `also` are frames at which the thing itself is known to come or go.
    """
    ends = {at + by for at in (*(edge.index for edge in edges), *also) for by in (-1, 0, 1)}
    return sum(any(_alike(edge, place) for edge in edges) for place in watch.places if place.frame not in ends)


def _alike(edge: Edge, place: Place) -> bool:
    """About as clear, as strong and as large, at the same place."""
    return (
        place.clarity >= 0.7 * edge.clarity
        and place.strength >= 0.5 * edge.strength
        and 0.4 * edge.share <= place.share <= 2.5 * edge.share
        and edge.box.iou(place.box) > 0.3
    )


def _traced(thing: Thing, watch: Watch, clip: Clip, info: MediaInfo) -> Anomaly:
    """The thing followed through its frames, in a second pass over just those."""
    first, last = thing.first.index, thing.last.index
    seen = _works(clip, info, first, last)
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
