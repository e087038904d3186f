"""Things that come and go between two frames: their changes paired, followed, or read alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tools.types import Clip, MediaInfo
from tools.vision._temporal_edges import Edge
from tools.vision._temporal_follow import Sight, follow_on, sights
from tools.vision._temporal_pairs import Pair, pair_up
from tools.vision._temporal_steady import LEAST_CLARITY, OPEN, REACH, Reading, jump_of, read_alone
from tools.vision._temporal_trail import Half, joined
from tools.vision._temporal_watch import Place, Watch, onwards, works

LEAST_CONFIDENCE = 0.3
"""Weaker suspicions are not reported."""
SURE = 0.5
"""An edge whose pair is less sure than this may still be read alone."""
DOUBT = "; which side of it is wrong is open"
MOST_POPS = 8
MOSTLY = 0.6
"""Share of a shot from which a thing is rather missing in the rest than too much where it is; that stays open."""
LOST, LOST_FOR = 0.7, 4
"""A followed thing is gone when it has been this unlike itself (share of its jump) for this many frames."""


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


def things(watch: Watch, clip: Clip, info: MediaInfo) -> list[Thing]:
    """Pairs of edges, and single edges that stand out far enough, as things to follow."""
    pairs = [(pair, _paired(pair, watch)) for pair in pair_up(watch.edges, watch.drifts, watch.by, LEAST_CONFIDENCE)]
    used = {id(edge) for pair, thing in pairs if thing.confidence >= SURE for edge in (pair.came, pair.went)}
    found = [thing for _, thing in pairs]
    single = [edge for edge in watch.edges if id(edge) not in used]
    halves = [half for half in watch.trails.halves if id(half.edge) not in used] if watch.trails else []
    told = [(half.edge, _half(half, watch, clip, info)) for half in joined(halves)]
    found += [thing for _, thing in told]
    used = {id(edge) for edge, thing in told if thing.confidence >= SURE}
    found += _alone([edge for edge in single if id(edge) not in used], watch, clip, info)
    sure = [thing for thing in found if thing.confidence >= LEAST_CONFIDENCE]
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


def _half(half: Half, watch: Watch, clip: Clip, info: MediaInfo) -> Thing:
    """A thing that is seen to come or to go; what is there for most of the shot may rather be missing in the rest."""
    first, last, edge = half.first.index, half.last.index, half.edge
    again = _recurrences(watch, (edge,), first, last + 1) + watch.is_blink(last + 1 - first, edge)
    confidence = half.confidence * 0.5**again
    if half.whole and last + 1 - first > MOSTLY * clip.frames:
        return _missing(half, min(OPEN, confidence), watch, clip, info)
    ends = [f"before frame {first}"] * (first > 0) + [f"after frame {last}"] * (last < clip.frames - 1)
    return Thing(
        half.first,
        half.last,
        confidence,
        expected=f"the place as {' and '.join(ends)}",
        observed=f"something stands there in frames {first}-{last} only and comes or goes from one frame to the next, "
        f"mean difference {edge.strength / 3:.0f}/255",
        jump=jump_of(edge),
    )


def _missing(half: Half, confidence: float, watch: Watch, clip: Clip, info: MediaInfo) -> Thing:
    """The place of a thing in the stretch of the shot that does not show it."""
    read = Reading(half.edge, "before" if half.side == "came" else "from", False, confidence, jump_of(half.edge))
    far = _far_end(read, watch, clip, info)
    first, last = (read.wrong, far) if read.side == "from" else (far, read.wrong)
    return Thing(
        first,
        last,
        confidence,
        expected=f"the place as in frames {half.first.index}-{half.last.index}",
        observed=f"something that stands there in frames {half.first.index}-{half.last.index} is missing, from one "
        f"frame to the next, mean difference {half.edge.strength / 3:.0f}/255{DOUBT}",
        jump=read.jump,
    )


def _alone(edges: Sequence[Edge], watch: Watch, clip: Clip, info: MediaInfo) -> Iterator[Thing]:
    """Changes with no counterpart that stand out far enough, each read from the frames around it."""
    clear = sorted((edge for edge in edges if edge.clarity > LEAST_CLARITY), key=lambda e: -e.clarity)[:MOST_POPS]
    for edge in clear:
        first, last = max(0, edge.index - 1 - REACH), min(clip.frames - 1, edge.index + REACH)
        near = dict(works(clip, info, first, last))
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
    for index, place, unlike in follow_on(onwards(clip, info, start.index, end), start, watch.drifts, watch.by):
        lost = lost + 1 if unlike > LOST * read.jump else 0
        if lost >= LOST_FOR:
            break
        if not lost:
            far = replace(start, index=index, middle=place)
    return far


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
