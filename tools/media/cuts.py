"""Where shots begin: PySceneDetect proposes, and the structure of the pictures on both sides confirms.

Content change alone fires on cars that cover the lens, flashes, whip pans and coloured light. A cut is a change of
structure between two frames that stands alone among its neighbours and lasts: what was seen before is not seen again
within a third of a second. Dissolves and fades are not told apart from the shots they join; the shot goes on through
them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from scenedetect import FrameTimecode
from scenedetect.detectors import ContentDetector

from tools.media import decode, pixels
from tools.media._structure import is_flat, unmatched
from tools.media.probe import probe
from tools.types import Frozen, Gray, MediaInfo, Rate, Rgb

WORK_SIZE = 160
"""Longer side, in pixels, of the pictures that are compared."""
PROPOSE = 4.0
"""PySceneDetect's HSV content change that is worth a closer look; its own default for a cut is 27."""
REACH = 6
"""Motion between neighbouring frames that explains a block, in pixels of the small picture."""
FAR_REACH = 12
"""The same between frames up to a window apart."""
CHANGED = 0.45
"""Unmatched share of a cut. Inside the shots of thirteen clips the share stays under 0.2 save where a car covers the
lens; at joints of different clips it is 0.75 and more, at the same set-up reframed by 1.4 it is 0.6 and more."""
ALONE = 2.0
"""Times the second largest share among the neighbours: a pan or an occlusion changes several frames in a row."""
NEIGHBOURS = 3
LASTING = 0.35
"""Smallest unmatched share between any frame before and any after. Flashes, jolts and passing cars reach 0.1, joints
of different clips 0.67 and more, reframed set-ups 0.4 and more."""
WINDOW = 8
"""Frames on each side that must not show each other's scene."""
FADE = 2.0
"""From an empty picture, a cut changes the level by this much more than the next frame does; a fade-in does not."""


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

    Streams once through the file and holds sixteen small pictures. Raises what `probe` raises.
    """
    info = probe(path)
    firsts = [0, *_cuts(info)]
    lasts = [first - 1 for first in firsts[1:]] + [info.frames - 1]
    shots = tuple(
        CutShot(id=f"SH{10 * (n + 1):03d}", first=first, last=last, opens="cut" if n else "start")
        for n, (first, last) in enumerate(zip(firsts, lasts, strict=True))
    )
    return CutList(media=str(path), width=info.width, height=info.height, fps=info.fps, frames=info.frames, shots=shots)


def _cuts(info: MediaInfo) -> Iterator[int]:
    finder = CutFinder(info.fps)
    for frame in decode.frames(info.path, info=info):
        yield from finder.push(pixels.rgb8(pixels.shrunk(frame, WORK_SIZE)))
    yield from finder.finish()


class CutFinder:
    """Takes small RGB pictures in order and gives the indices of first frames of shots, a window later."""

    def __init__(self, fps: Fraction) -> None:
        self._fps = float(fps)
        self._proposer = ContentDetector(threshold=PROPOSE, min_scene_len=0)
        self._recent: deque[Gray] = deque(maxlen=2 * WINDOW)
        self._count = 0
        self._proposed: deque[int] = deque()

    def push(self, picture: Rgb) -> list[int]:
        """The next picture; returns the cuts that it settles."""
        self._recent.append(np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.uint8))
        stamp = FrameTimecode(self._count, self._fps)
        if self._proposer.process_frame(stamp, np.ascontiguousarray(picture[..., ::-1])):
            self._proposed.append(self._count)
        self._count += 1
        return self._settle(self._count - WINDOW)

    def finish(self) -> list[int]:
        """The cuts among the last frames."""
        return self._settle(self._count - 1)

    def _settle(self, until: int) -> list[int]:
        found = []
        while self._proposed and self._proposed[0] <= until:
            index = self._proposed.popleft()
            if self._is_cut(index):
                found.append(index)
        return found

    def _is_cut(self, index: int) -> bool:
        pictures = list(self._recent)
        at = index - (self._count - len(pictures))
        before, after = pictures[max(0, at - WINDOW) : at], pictures[at : at + WINDOW]
        if not before or not _stands_alone(before, after):
            return False
        if is_flat(before[-1]) and _fades_in(before[-1], after):
            return False
        return all(unmatched(old, new, FAR_REACH) >= LASTING for old in before for new in after)


def _stands_alone(before: list[Gray], after: list[Gray]) -> bool:
    """The change between the two sides is large, and larger than the changes within them."""
    change = unmatched(before[-1], after[0], REACH)
    if change < CHANGED:
        return False
    within = [*before[-NEIGHBOURS - 1 :]], after[: NEIGHBOURS + 1]
    others = sorted(unmatched(a, b, REACH) for side in within for a, b in pairwise(side))
    return len(others) < 2 or change >= ALONE * others[-2]


def _fades_in(empty: Gray, after: list[Gray]) -> bool:
    steps = [float(cv2.absdiff(a, b).mean()) for a, b in zip([empty, *after], after, strict=False)]
    return len(steps) > 1 and steps[0] < FADE * steps[1]
