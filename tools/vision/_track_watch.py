"""Whether a followed place still shows the thing: its look against the seed's and against the last one that held.

A thing may turn, bend or be lit anew from frame to frame, so that each frame that shows it becomes the next one's
measure; a thing that vanishes, is hidden or is left behind changes at once and is like neither.
"""

from __future__ import annotations

from dataclasses import dataclass

from tools.vision._track_look import Looks, View

GONE = 0.6
"""Gap from which on a thing is lost. On the tune films the gap of neighbouring frames that both show the thing was at
most 0.49 (0.24 in 99 of 100), where it came or went at least 0.76."""
STRANGE = 0.75
"""Share of the seed's colours under which a thing is lost however slowly it changed: on the tune films things in view
kept at least 0.8 (0.89 in 99 of 100), and three in four of the places that they had left at most 0.73."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a frame shows of the region: its gap to the nearest known look, the share of the seed's colours, and how
    much it changed since the look before it, in Lab."""

    gap: float
    palette: float
    change: float

    @property
    def confidence(self) -> float:
        """1 for a look that is as known, 0.5 at either limit."""
        strain = max(self.gap / GONE, (1 - self.palette) / (1 - STRANGE), 0.0)
        return float(1 / (1 + strain**2))

    @property
    def lost(self) -> bool:
        return self.gap > GONE or self.palette < STRANGE


class Watch:
    """Watches one way through the shot; `see` takes the frames in order."""

    def __init__(self, looks: Looks, seed: View) -> None:
        self.looks, self.contrast = looks, looks.contrast(seed)
        self.seed = self.last = seed

    def see(self, view: View) -> Sight | None:
        """The frame's sight; None where too little of the region is in the picture to be judged."""
        first, last = (self.looks.compare(known, view) for known in (self.seed, self.last))
        if first is None:
            return None
        known = [alike for alike in (first, last) if alike is not None]
        gap = min(alike.gap(self.contrast) for alike in known)
        sight = Sight(gap, first.palette, min(alike.inside for alike in known))
        if not sight.lost:
            self.last = view
        return sight
