"""Where shots begin: hard cuts, dissolves and fades, from small pictures and what they share.

A hard cut is a change of structure between two frames that stands alone among its neighbours and lasts: what was seen
before is not seen again within a third of a second. Light, flashes, jolts, whip pans and things that pass the lens
change pictures too, but several in a row, or not for good. A gradual joint is a stretch of frames that show two scenes
at once, or nothing, between scenes that differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from tools.media._cuts_gradual import LONGEST, LOOK, Dissolves, EmptyRuns, Run, Stretch, fade, is_empty
from tools.media._cuts_hard import WINDOW, is_cut
from tools.media._cuts_read import small_lumas
from tools.media._cuts_signs import Recent
from tools.media.probe import probe
from tools.types import Frozen, Gray, MediaInfo, Rate

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
        """The next picture, (h, w) with the longer side about 160 and the shorter one 16 or more."""
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
        recent = self._recent
        if index < 1 or any(is_empty(recent[at].contrast) for at in (index - 1, index)):
            return
        if is_cut(recent, index):
            self._cuts.append(index)

    def _settle(self, found: Iterable[Stretch]) -> None:
        for stretch in found:
            if not self._overlaps(stretch):
                self._gradual.append(stretch)

    def _joints(self) -> list[int]:
        return [*self._cuts, *(stretch.last + 1 for stretch in self._gradual)]

    def _settle_empty(self, run: Run) -> None:
        """Empty frames: a fade between two scenes, a shot of their own when there are many, or a flash."""
        low, high = self._room(run)
        if run.last - run.first >= LONGEST:
            ends = [frame for frame in (run.first, run.last + 1) if 0 < frame < self._recent.count]
            self._cuts.extend(frame for frame in ends if frame not in self._cuts)
            return
        found = fade(self._recent, run, low, high)
        if found is None or self._overlaps(found):
            return
        if found.last - found.first + 1 >= SHORTEST:
            self._gradual.append(found)
        elif found.last + 1 not in self._cuts:
            self._cuts.append(found.last + 1)

    def _room(self, run: Run) -> tuple[int, int]:
        """The frames around a run that belong to no other joint known by now."""
        before = [cut for cut in self._cuts if cut <= run.first]
        before += [stretch.last + 1 for stretch in self._gradual if stretch.last < run.first]
        after = [cut - 1 for cut in self._cuts if cut > run.last]
        return max([self._recent.oldest, *before]), min([self._recent.count - 1, *after])

    def _overlaps(self, found: Stretch) -> bool:
        return any(found.overlaps(known) for known in self._gradual)
