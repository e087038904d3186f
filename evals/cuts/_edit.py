"""The edit of a film: shots on end, joined by cuts, dissolves and fades, with the truth about each joint."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np

from tools.types import Frozen, Rgb

JointKind = Literal["cut", "dissolve", "fade"]


class CutTruth(Frozen):
    """One joint: `frame` opens the new shot; `over` is the stretch of frames that a gradual joint changes.

    A gradual joint over [a, b] opens the new shot at (a + b) // 2.
    """

    frame: int
    over: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """How a shot begins: `frames` mixed ones, and for a fade the level between 0 and 255 that it goes through."""

    kind: JointKind = "cut"
    frames: int = 0
    level: int = 0
    relation: str = "elsewhere"

    @property
    def lead(self) -> int:
        """Frames of the old shot that the joint uses up."""
        return self.frames if self.kind == "dissolve" else self.frames // 2

    @property
    def led(self) -> int:
        """Frames of the new shot that the joint uses up."""
        return self.frames if self.kind == "dissolve" else self.frames - self.lead


@dataclass(frozen=True, slots=True)
class Piece:
    """A shot of the edit: its pictures, mixed ones at both ends included, how many stand alone, and how it opens."""

    pictures: Iterator[Rgb]
    frames: int
    opens: Joint


def joined(pieces: Iterator[Piece]) -> Iterator[tuple[Rgb, CutTruth | None]]:
    """Frame after frame of the film; beside the first frame of a joint, the truth about it."""
    count = 0
    last: Iterator[Rgb] = iter(())
    for piece in pieces:
        mixed = list(_mixed(last, piece.pictures, piece.opens))
        truth = _truth(count, len(mixed)) if count else None
        for picture in mixed:
            yield picture, truth
            truth = None
        for picture in islice(piece.pictures, piece.frames):
            yield picture, truth
            truth = None
        count += len(mixed) + piece.frames
        last = piece.pictures


def _truth(first: int, mixed: int) -> CutTruth:
    if not mixed:
        return CutTruth(frame=first)
    return CutTruth(frame=(2 * first + mixed - 1) // 2, over=(first, first + mixed - 1))


def _mixed(old: Iterator[Rgb], new: Iterator[Rgb], joint: Joint) -> Iterator[Rgb]:
    """The frames of a gradual joint: every one shows something else than either shot alone."""
    if joint.kind == "dissolve":
        for index in range(joint.frames):
            yield _blend(next(old), next(new), (index + 1) / (joint.frames + 1))
    elif joint.kind == "fade":
        yield from _faded(old, new, joint)


def _faded(old: Iterator[Rgb], new: Iterator[Rgb], joint: Joint) -> Iterator[Rgb]:
    down = joint.lead
    for index in range(down):
        yield _blend(next(old), joint.level, (index + 1) / down)
    for index in range(joint.led):
        yield _blend(next(new), joint.level, 1 - (index + 1) / (joint.led + 1))


def _blend(old: Rgb, new: Rgb | int, share: float) -> Rgb:
    return np.asarray(old * np.float32(1 - share) + np.multiply(new, np.float32(share)) + 0.5, np.uint8)
