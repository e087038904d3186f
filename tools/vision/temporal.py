"""One shot compared with itself over time: things that pop in and out, glitches, flashes and technical faults.

Every look at the shot streams it; what is kept is a few frames, a bounded number of change candidates with their crops,
and the coarse motion of each step. Frames count from the clip's first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np

from tools.media.decode import frames
from tools.media.pixels import rgb8, shrunk
from tools.media.probe import probe
from tools.types import Anomaly, Bits, Box, Clip, Evidence, MaskTrack, MediaInfo, Rgb
from tools.vision._temporal_edges import Edge, find_edges, find_flashes, outlined
from tools.vision._temporal_follow import Sight, follow, reached, sight, sights
from tools.vision._temporal_glitch import Cells, Stretch, agitation, draw, find_stretches, in_cells
from tools.vision._temporal_motion import WORK, Look, Step, coarse, look
from tools.vision._temporal_motion import step as measure_step
from tools.vision._temporal_pairs import Drift, Pair, pair_up
from tools.vision._temporal_technical import Fault, Pulse, find_faults, pulse

LEAST_CONFIDENCE = 0.3
"""Weaker suspicions are not reported."""
MOST_EDGES = 64
"""Candidates kept with their crops; the clearest stay."""
MOST_POPS = 8


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
    pulses: list[Pulse] = field(default_factory=list)

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


def inspect_time(clip: Clip, *, info: MediaInfo | None = None) -> list[Anomaly]:
    """Anomalies of one shot, the surest first; masks at source size. Raises BadInput when the clip cannot be read."""
    info = info or probe(clip.media)
    watch = Watch()
    for index, picture in pictures(clip, info):
        _see(watch, look(index, picture))
    if not watch.looks:
        return []
    for _ in range(2):
        _push(watch, None)
    faults = find_faults(watch.pulses)
    stretches = [s for s in find_stretches(watch.agitated) if not any(f.first <= s.first <= f.last + 2 for f in faults)]
    found = [_whole(fault, clip, info) for fault in faults]
    found += [_region(stretch, clip, info) for stretch in stretches]
    found += [_flashed(flash, watch, clip, info) for flash in watch.flashes]
    found += [_traced(thing, watch, clip, info) for thing in _pops(watch, clip.frames)]
    sure = [anomaly for anomaly in found if anomaly.confidence >= LEAST_CONFIDENCE and anomaly.track]
    return _distinct(sorted(sure, key=lambda a: -a.confidence))


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
        _push(watch, change)


def _push(watch: Watch, change: Step | None) -> None:
    """Takes in a step and judges the one two steps back, whose after is now known."""
    watch.steps.append(change)
    centre = watch.steps[2]
    if centre is None:
        return
    near = [look for look in watch.looks if centre.index - 1 <= look.index <= centre.index + 1]
    steps = list(watch.steps)
    for edge in find_edges(near[:2], steps):
        watch.places.append(Place(edge.index, edge.box, edge.clarity, edge.strength, edge.share))
        watch.edges.append(edge)
    watch.edges = _clearest(watch.edges)
    watch.flashes = _clearest(watch.flashes + find_flashes(near, steps))


def _clearest(edges: list[Edge]) -> list[Edge]:
    """At most MOST_EDGES of them."""
    if len(edges) <= MOST_EDGES:
        return edges
    return sorted(edges, key=lambda e: -e.clarity)[:MOST_EDGES]


def _pops(watch: Watch, count: int) -> list[Thing]:
    """Pairs of edges, and single edges that stand out far enough, as things to follow."""
    pairs = pair_up(watch.edges, watch.drifts, watch.by, LEAST_CONFIDENCE)
    used = {id(edge) for pair in pairs for edge in (pair.came, pair.went)}
    things = [_paired(pair, watch) for pair in pairs]
    things += [_single(edge, watch, count) for edge in watch.edges if id(edge) not in used]
    sure = [thing for thing in things if thing.confidence >= LEAST_CONFIDENCE]
    return sorted(sure, key=lambda t: -t.confidence)[:MOST_POPS]


def _paired(pair: Pair, watch: Watch) -> Thing:
    first, last = sights(pair)
    again = _recurrences(watch, (pair.came, pair.went))
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
    )


def _single(edge: Edge, watch: Watch, count: int) -> Thing:
    """A change with no counterpart: the shorter stretch is the wrong one, unless outlines and lengths speak against it.

    A pasted thing has an outline where the bare place seldom has one.
    """
    now, then = outlined(edge.new, edge.come), outlined(edge.old, edge.gone)
    comes = (count - edge.index) * (then + 1) ** 0.5 <= edge.index * (now + 1) ** 0.5
    doubt = 0.5 ** _recurrences(watch, (edge,)) * (0.5 if edge.touches else 1.0)
    confidence = float(np.clip(0.5 + 2.5 * (edge.clarity - 0.83), 0.0, 0.8)) * doubt
    if comes:
        first = sight(edge, edge.new, edge.come, edge.index)
        last = reached(first, count - 1, watch.drifts, watch.by)
        words = f"something appears between frames {edge.index - 1} and {edge.index} and stays to the end"
    else:
        last = sight(edge, edge.old, edge.gone, edge.index - 1)
        first = reached(last, 0, watch.drifts, watch.by)
        words = f"something is there from the start and gone between frames {edge.index - 1} and {edge.index}"
    side = "before" if comes else "from"
    return Thing(
        first,
        last,
        confidence,
        expected=f"the place as {side} frame {edge.index}",
        observed=f"{words}, mean difference {edge.strength / 3:.0f}/255",
    )


def _recurrences(watch: Watch, edges: Sequence[Edge]) -> int:
    """How often a like change happens at the same place at other times: a blinking light, a busy hand."""
    ends = {edge.index + by for edge in edges for by in (-1, 0, 1)}
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
    stretch = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
    seen = ((first + index, look(index, picture).work) for index, picture in pictures(stretch, info))
    height, width = watch.looks[-1].work.shape[:2]
    crops = {
        index: enlarged(box, bits, (width, height), (info.width, info.height))
        for index, box, bits in follow(seen, thing.first, thing.last, watch.drifts, watch.by)
    }
    return Anomaly(
        kind="pop",
        track=MaskTrack(info.width, info.height, crops),
        category="prop",
        expected=thing.expected,
        observed=thing.observed,
        confidence=round(thing.confidence, 3),
        evidence=_frames_of(first, last, clip.frames),
    )


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
