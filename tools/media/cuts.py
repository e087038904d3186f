"""Where shots begin: hard cuts, dissolves and fades, from small pictures and what they share.

A hard cut is a change of structure between two frames that stands alone among its neighbours and lasts: what was seen
before is not seen again within a third of a second. Light, flashes, jolts, whip pans and things that pass the lens
change pictures too, but several in a row, or not for good. A gradual joint is a stretch of frames that show two scenes
at once, or nothing, between scenes that differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from tools.media._cuts_gradual import LONGEST, LOOK, Dissolves, EmptyRuns, Run, Stretch, fade, is_empty
from tools.media._cuts_read import small_lumas
from tools.media._cuts_signs import Recent
from tools.media._structure import differ, unmatched
from tools.media.probe import probe
from tools.types import Frozen, Gray, MediaInfo, Rate

PROPOSE = 0.2
"""Decorrelation of coarse pictures from which a pair of frames is looked at closely; cuts have 0.4 and more."""
PROPOSE_ALONE = 1.5
"""Times the second largest decorrelation among the neighbours; cuts have 5 and more."""
REACH = 6
"""Motion between neighbouring frames that explains a block, in pixels of the small picture."""
CALM_REACH = 3
"""The same where nothing else moves: what is further away has jumped. 16 more of the hard cuts of twelve tune sets are
found so; a reach of 6 alone misses 23."""
FAR_REACH = 12
"""The same between frames up to a window apart."""
CHANGED = 0.45
"""Unmatched share of a cut. Inside the shots of thirteen clips the share stays under 0.2 save where a car covers the
lens; at joints of different clips it is 0.75 and more, at the same set-up reframed by 1.4 it is 0.6 and more."""
ALONE = 2.0
"""Times the second largest share among the neighbours: a pan or an occlusion changes several frames in a row."""
CALM = 2.5
"""Times the largest decorrelation within a window of a cut between two takes of one set-up."""
NEIGHBOURS = 3
LASTING = 0.35
"""Smallest unmatched share between any frame before and any after. Flashes, jolts and passing cars reach 0.1, joints
of different clips 0.67 and more, reframed set-ups 0.4 and more."""
JUMP_LASTING = 0.3
"""The same between two takes of one set-up, at the shorter reach."""
WINDOW = 8
"""Frames on each side that must not show each other's scene."""
SHORTEST = 4
"""Frames of the shortest gradual joint; what is shorter is a cut."""
KEPT = 4 * LONGEST + LOOK


class CutShot(Frozen):
    """One shot; frames count from the film's first. `over` is the stretch of a gradual opening."""

    id: str
    first: int
    last: int
    opens: Literal["start", "cut", "dissolve"]
    over: tuple[int, int] | None = None


class CutList(Frozen):
    """The shots of one media file, as `suture cuts` prints them."""

    media: str
    width: int
    height: int
    fps: Rate
    frames: int
    shots: tuple[CutShot, ...]


def find_cuts(path: Path) -> CutList:
    """The shots of a video file or folder of frames; a file without cuts is one shot.

    Streams once through the file and holds `KEPT` small pictures. Raises what `probe` raises.
    """
    info = probe(path)
    return CutList(
        media=str(path), width=info.width, height=info.height, fps=info.fps, frames=info.frames, shots=_shots(info)
    )


def _shots(info: MediaInfo) -> tuple[CutShot, ...]:
    finder = CutFinder()
    for picture in small_lumas(info):
        finder.push(picture)
    openings = [Opening(0, "start"), *finder.finish()]
    lasts = [opening.frame - 1 for opening in openings[1:]] + [info.frames - 1]
    return tuple(
        CutShot(id=f"SH{10 * n:03d}", first=opening.frame, last=last, opens=opening.kind, over=opening.over)
        for n, (opening, last) in enumerate(zip(openings, lasts, strict=True), start=1)
    )


class Opening(NamedTuple):
    """Where a shot begins, how, and the stretch of a gradual beginning."""

    frame: int
    kind: Literal["start", "cut", "dissolve"]
    over: tuple[int, int] | None = None


class CutFinder:
    """Takes small luma pictures in order; `finish` gives the openings of all shots but the first."""

    def __init__(self) -> None:
        self._recent = Recent(KEPT)
        self._empty, self._dissolves = EmptyRuns(), Dissolves()
        self._cuts: list[int] = []
        self._gradual: list[Stretch] = []

    def push(self, picture: Gray) -> None:
        """The next picture, (h, w) with the longer side about 160."""
        recent = self._recent
        recent.append(picture)
        newest = recent.count - 1
        if is_empty(recent[newest].contrast):
            self._empty.push(newest)
        self._look_at(newest - WINDOW + 1)
        for run in self._empty.due(newest):
            self._settle_empty(run)
        if self._dissolves.are_due(recent.count):
            self._settle(self._dissolves.due(recent, self._joints()))

    def finish(self) -> list[Opening]:
        """The openings, in order."""
        for index in range(self._recent.count - WINDOW + 1, self._recent.count):
            self._look_at(index)
        for run in self._empty.due_at_end():
            self._settle_empty(run)
        self._settle(self._dissolves.due_at_end(self._recent, self._joints()))
        gradual = [Opening(stretch.opening, "dissolve", (stretch.first, stretch.last)) for stretch in self._gradual]
        cuts = [Opening(cut, "cut") for cut in self._cuts if not self._within_gradual(cut)]
        return sorted([*cuts, *gradual])

    def _within_gradual(self, cut: int) -> bool:
        return any(stretch.first <= cut <= stretch.last + 1 for stretch in self._gradual)

    def _look_at(self, index: int) -> None:
        if index >= 1 and _is_cut(self._recent, index):
            self._cuts.append(index)

    def _settle(self, found: Iterable[Stretch]) -> None:
        self._gradual.extend(stretch for stretch in found if not self._overlaps(stretch))

    def _joints(self) -> list[int]:
        return [*self._cuts, *(stretch.last + 1 for stretch in self._gradual)]

    def _settle_empty(self, run: Run) -> None:
        """Empty frames: a fade between two scenes, a shot of their own when there are many, or a flash."""
        low, high = self._room(run)
        if run.last - run.first >= LONGEST:
            self._cuts.extend(frame for frame in (run.first, run.last + 1) if 0 < frame < self._recent.count)
            return
        found = fade(self._recent, run, low, high)
        if found is None:
            return
        if found.last - found.first + 1 < SHORTEST:
            self._cuts.append(found.last + 1)
        else:
            self._gradual.append(found)

    def _room(self, run: Run) -> tuple[int, int]:
        """The frames around a run that belong to no other joint known by now."""
        before = [cut for cut in self._cuts if cut <= run.first]
        before += [stretch.last + 1 for stretch in self._gradual if stretch.last < run.first]
        after = [cut - 1 for cut in self._cuts if cut > run.last]
        return max([self._recent.oldest, *before]), min([self._recent.count - 1, *after])

    def _overlaps(self, found: Stretch) -> bool:
        return any(found.overlaps(known) for known in self._gradual)


def _is_cut(recent: Recent, index: int) -> bool:
    if is_empty(recent[index].contrast) or is_empty(recent[index - 1].contrast) or not _is_proposed(recent, index):
        return False
    before = [sign.small for sign in recent.stretch(index - WINDOW, index - 1)]
    after = [sign.small for sign in recent.stretch(index, index + WINDOW - 1)]
    if _changes_for_good(before, after, REACH, FAR_REACH, LASTING):
        return True
    return _is_out_of_the_blue(recent, index) and _changes_for_good(before, after, CALM_REACH, CALM_REACH, JUMP_LASTING)


def _changes_for_good(before: list[Gray], after: list[Gray], reach: int, far_reach: int, lasting: float) -> bool:
    """Whether the two sides differ, and go on to: neighbours searched within `reach`, the others within `far_reach`."""
    return _stands_alone(before, after, reach) and all(
        differ(old, new, far_reach, lasting) for old in _ends(before) for new in _ends(after)
    )


def _is_out_of_the_blue(recent: Recent, index: int) -> bool:
    """Between calm frames, a jump of the same scene is a cut as well: no camera moves so for one frame alone."""
    around = recent.stretch(index - WINDOW, index + WINDOW - 1)
    return recent[index].step >= CALM * max((sign.step for sign in around if sign is not recent[index]), default=0.0)


def _is_proposed(recent: Recent, index: int) -> bool:
    step = recent[index].step
    if step < PROPOSE:
        return False
    around = recent.stretch(index - NEIGHBOURS, index + NEIGHBOURS)
    others = sorted(sign.step for sign in around if sign is not recent[index])
    return len(others) < 2 or step >= PROPOSE_ALONE * others[-2]


def _ends(pictures: list[Gray]) -> list[Gray]:
    """The outer ones and the middle one: a flash of up to seven frames shows its scene again in one of them."""
    return [pictures[index] for index in sorted({0, len(pictures) // 2, len(pictures) - 1})]


def _stands_alone(before: list[Gray], after: list[Gray], reach: int) -> bool:
    """The change between the two sides is large, and larger than the changes within them."""
    change = unmatched(before[-1], after[0], reach)
    if change < CHANGED:
        return False
    within = before[-NEIGHBOURS - 1 :], after[: NEIGHBOURS + 1]
    others = sorted(unmatched(a, b, reach) for side in within for a, b in pairwise(side))
    return len(others) < 2 or change >= ALONE * others[-2]
