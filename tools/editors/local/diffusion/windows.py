"""Which frames a video model is given together: overlapping windows of 4n+1 frames over the stretches to be edited."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

GROUP = 4
"""Frames per latent frame after the first one, which stands alone."""


class Window(NamedTuple):
    """Frames `first` to `first + real - 1` of the clip, given to the model as `length` frames (the last one repeated).

    `known` frames at its beginning were finished by the window before: they are given as they are. `shared` frames lie
    in both windows; over them one fades into the other.
    """

    first: int
    real: int
    length: int
    known: int = 0
    shared: int = 0

    @property
    def last(self) -> int:
        return self.first + self.real - 1

    def share(self, index: int) -> float:
        """How much of a frame of the clip is this window's, against the window before: 1 beyond what both have."""
        return min(1.0, (index - self.first + 1) / (self.shared + 1))


def up(count: int) -> int:
    """The least 4n+1 that is no less."""
    return -(-(count - 1) // GROUP) * GROUP + 1


def down(count: int) -> int:
    """The largest 4n+1 that is no more; 0 where there is none."""
    return (count - 1) // GROUP * GROUP + 1 if count > 0 else 0


def stretches(touched: Collection[int], count: int, lead: int) -> list[tuple[int, int]]:
    """First and last frames of what is edited in a clip of `count` frames, with `lead` frames that show how it begins
    and ends; stretches that would meet are one."""
    found: list[tuple[int, int]] = []
    for index in sorted(touched):
        first, last = max(0, index - lead), min(count - 1, index + lead)
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], last)
        else:
            found.append((first, last))
    return found


def windows(stretch: tuple[int, int], count: int, longest: int, overlap: int) -> Iterator[Window]:
    """The windows of one stretch of a clip of `count` frames: equally long, none longer than `longest` (4n+1).

    Equal lengths, because a short last window would see too little of the motion.
    """
    first, last = _rounded(stretch, count)
    frames = last - first + 1
    if frames <= longest:
        yield Window(first, frames, up(frames))
        return
    pieces = -(-(frames - overlap) // (longest - overlap))
    length = up(-(-(frames + (pieces - 1) * overlap) // pieces))
    starts = [first + piece * (frames - length) // (pieces - 1) for piece in range(pieces)]
    for piece, start in enumerate(starts):
        shared = starts[piece - 1] + length - start if piece else 0
        yield Window(start, length, length, down(shared), shared)


def _rounded(stretch: tuple[int, int], count: int) -> tuple[int, int]:
    """The stretch made 4n+1 long with frames of the clip, behind it and then before it, as far as it has any."""
    first, last = stretch
    lacks = up(last - first + 1) - (last - first + 1)
    behind = min(lacks, count - 1 - last)
    return max(0, first - (lacks - behind)), last + behind
