"""What is seen of a shot while it streams by: its changes, its motion and its light, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import rgb8, shrunk
from tools.types import Box, Clip, MediaInfo, Rgb
from tools.vision._temporal_edges import Edge, find_edges, find_flashes
from tools.vision._temporal_glitch import Cells, agitation, in_cells
from tools.vision._temporal_jolt import Jolts
from tools.vision._temporal_motion import WORK, Colours, Look, Step, coarse, look
from tools.vision._temporal_motion import step as measure_step
from tools.vision._temporal_pairs import Drift
from tools.vision._temporal_technical import Pulse, pulse
from tools.vision._temporal_trail import Trails

MOST_EDGES = 64
"""Candidates kept with their crops; the clearest stay."""
BLINK = 0.004
"""Share of the frame that an eye may cover; what comes and goes there within a blink is doubted."""
BLOCK = 24
"""Frames held at once where a thing is followed back in time."""


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
    jolts: Jolts = field(default_factory=Jolts)
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


def pictures(clip: Clip, info: MediaInfo) -> Iterator[tuple[int, Rgb]]:
    """(index, RGB at work size) of each frame."""
    for frame in frames(clip, info=info):
        yield frame.index, rgb8(shrunk(frame, WORK))


def see(watch: Watch, now: Look) -> None:
    """Takes in the next frame."""
    before = watch.looks[-1] if watch.looks else None
    watch.looks.append(now)
    change = None if before is None else measure_step(before, now)
    watch.pulses.append(pulse(now, before, change))
    if change is not None:
        watch.drifts.append((coarse(change.ahead), change.around))
        watch.agitated.append(in_cells(agitation(change)))
        watch.lights.append(change.pulse.astype(np.float16))
        watch.jolts.see(change)
    watch.trails = watch.trails or Trails(watch.by)
    watch.trails.see(now.index, now.small, watch.drifts)
    if change is not None:
        _push(watch, change)


def end(watch: Watch) -> None:
    """The shot is over: its last steps are judged, and what is still seen stays to its end."""
    for _ in range(2):
        _push(watch, None)
    watch.jolts.end()
    if watch.trails:
        watch.trails.end()


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


def onwards(clip: Clip, info: MediaInfo, start: int, end: int) -> Iterator[tuple[int, Colours]]:
    """The frames after `start` to `end`, or those before it in reverse, read in blocks."""
    if end >= start:
        yield from works(clip, info, start + 1, end)
        return
    for last in range(start - 1, end - 1, -BLOCK):
        yield from reversed(list(works(clip, info, max(end, last - BLOCK + 1), last)))


def works(clip: Clip, info: MediaInfo, first: int, last: int) -> Iterator[tuple[int, Colours]]:
    """(index, picture at work size) of the frames `first` to `last`."""
    if first <= last:
        stretch = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
        for index, picture in pictures(stretch, info):
            yield first + index, look(first + index, picture).work
