"""Frames on the way away from a seed frame: forward as decoded, backward in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from tools.media.decode import frames
from tools.types import Clip, Frame

CHUNK = 32
"""Frames held at once while going backward."""
T = TypeVar("T")


def frame_at(clip: Clip, index: int) -> Frame:
    """One frame of a clip."""
    return next(frames(Clip(media=clip.media, first=clip.first + index, last=clip.first + index)))


def forward(clip: Clip, first: int, last: int, seen: Callable[[Frame], T]) -> Iterator[tuple[int, T]]:
    """(index, what `seen` makes of the frame) from `first` to `last`; nothing where that is no range."""
    if first <= last:
        part = Clip(media=clip.media, first=clip.first + first, last=clip.first + last)
        for index, frame in enumerate(frames(part), first):
            yield index, seen(frame)


def backward(clip: Clip, first: int, last: int, seen: Callable[[Frame], T]) -> Iterator[tuple[int, T]]:
    """The same from `last` down to `first`; at most `CHUNK` are held."""
    for end in range(last, first - 1, -CHUNK):
        yield from reversed(list(forward(clip, max(first, end - CHUNK + 1), end, seen)))
