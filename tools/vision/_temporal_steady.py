"""Changes with no counterpart: whether a thing was there from the start or came and stayed, and how sure that is.

A natural change is seldom steady on both sides of one frame: what came from somewhere goes on moving, and what it hides
was moving before. A pasted thing stands for as long as it is seen, and so does the place without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tools.vision._temporal_edges import Edge, outline_gained
from tools.vision._temporal_follow import Sight, after, before, follow_on
from tools.vision._temporal_motion import Colours
from tools.vision._temporal_pairs import Drift

REACH = 12
"""Frames looked at on each side of a change."""
LEAST_CLARITY, CLEAR = 0.6, 0.75
"""Natural changes of seventeen clips reach a clarity of 0.67, one of them 0.81; things painted over a cut's start or
end start at 0.71 (32 of them on three shots)."""
STEADY, RESTLESS = 0.3, 0.9
"""Unsteadiness of both sides together; 27 of those 32 stay under 0.3, and natural changes clearer than 0.67 start at
0.94."""
MOST = 0.9
LENGTH_SAYS = 0.7
"""What the lengths of the two stretches weigh against the outlines, as logarithms."""
CERTAIN = 0.35
"""Logarithm of the odds under which it stays open which side is wrong."""
OPEN = 0.55
"""Most confidence when it is open: enough to be shown, too little to be acted on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A lone change read as a thing: `side` says which stretch is wrong, `certain` whether that is beyond doubt."""

    edge: Edge
    side: Literal["before", "from"]
    certain: bool
    confidence: float
    jump: float
    """Root mean squared difference between the two sides, colours summed over the channels."""

    @property
    def wrong(self) -> Sight:
        """What the wrong stretch shows at the place."""
        return after(self.edge) if self.side == "from" else before(self.edge)


def read_alone(
    edge: Edge, pictures: Mapping[int, Colours], drifts: Sequence[Drift], by: float, *, count: int
) -> Reading:
    """Reads one change from the frames within REACH of it; `count` is the shot's length in frames.

    Where it stays open which stretch is wrong, the shorter one is named.
    """
    odds = _odds(edge, count)
    certain = abs(odds) >= CERTAIN
    later = odds > 0 if certain else 2 * edge.index > count
    jump = jump_of(edge)
    restless = sum(_unsteady(edge, pictures, drifts, by)) / jump
    clear = np.clip((edge.clarity - LEAST_CLARITY) / (CLEAR - LEAST_CLARITY), 0, 1)
    steady = np.clip((RESTLESS - restless) / (RESTLESS - STEADY), 0, 1)
    border = 0.6 if edge.touches else 1.0
    confidence = MOST * float(clear * steady) * border
    return Reading(
        edge=edge,
        side="from" if later else "before",
        certain=certain,
        confidence=confidence if certain else min(OPEN, confidence),
        jump=jump,
    )


def _odds(edge: Edge, count: int) -> float:
    """Over 0 when the stretch from the change on is the wrong one.

    A pasted thing has an outline where the bare place seldom has one, and the shorter stretch is the likelier fault.
    """
    lengths = np.log(edge.index / max(1, count - edge.index))
    return outline_gained(edge) + LENGTH_SAYS * float(lengths)


def _unsteady(edge: Edge, pictures: Mapping[int, Colours], drifts: Sequence[Drift], by: float) -> tuple[float, float]:
    """How much what each side shows changes over REACH frames (medians), in the units of the jump."""
    onward = [(index, picture) for index, picture in sorted(pictures.items()) if index > edge.index]
    back = [(index, picture) for index, picture in sorted(pictures.items(), reverse=True) if index < edge.index - 1]
    later = [unlike for _, _, unlike in follow_on(onward, after(edge), drifts, by)]
    earlier = [unlike for _, _, unlike in follow_on(back, before(edge), drifts, by)]
    return _median(later), _median(earlier)


def jump_of(edge: Edge) -> float:
    """Root mean squared difference between an edge's two sides, colours summed over the channels."""
    apart = ((edge.new.astype(np.float64) - edge.old) ** 2).sum(axis=-1)
    return max(4.0, float(np.sqrt(apart[edge.come].mean()))) if edge.come.any() else 4.0


def _median(values: Sequence[float]) -> float:
    """0 when there is nothing to go by: a side of one frame is as steady as it can be."""
    return float(np.median(values)) if values else 0.0
