"""Frames from which the camera jumps away and back at once: moved, enlarged or turned for a frame or two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tools.vision._temporal_motion import Affine
from tools.vision._temporal_pairs import grade
from tools.vision._temporal_technical import Fault

NEAR = 3
"""Steps on both sides of a jump that tell how the camera moves usually."""
LONGEST = 2
"""Frames that a jump lasts at most; what stays away for longer may be meant."""
LEAST = 0.15
"""Pixels at small size below which the camera's unrest does not count."""
UNUSUAL, RARE = 0.8, 3.0
"""Times the second largest unrest around, from which a jump counts, and from which in full. Planted jumps reach 2 to
65; the shots of twenty rendered films 1.0, eleven natural clips (some hand-held) 0.7."""
SLIGHT, CLEAR = 0.4, 1.0
"""The same in pixels at small size."""
OPEN, BACK = 0.5, 0.25
"""What is left of a jump after the way back, as a share of it: at most, and for it to count in full."""
SUREST = 0.95
Motions = NDArray[np.float64]
"""(n, 5, 2): how far the camera carries the picture's corners and its middle in each step, in pixels at small size."""


def find_jumps(cameras: Sequence[Affine], size: tuple[int, int]) -> list[Fault]:
    """Jumps of the whole frame; `cameras[i]` maps frame i + 1 to frame i, in pixels of pictures of `size` (w, h)."""
    motions = _motions(cameras, size)
    faults = [fault for length in range(1, LONGEST + 1) for fault in _jumps(motions, length, size[0])]
    kept: list[Fault] = []
    for one in sorted(faults, key=lambda f: -f.confidence):
        if all(one.last < other.first - 1 or one.first > other.last + 1 for other in kept):
            kept.append(one)
    return kept


def _motions(cameras: Sequence[Affine], size: tuple[int, int]) -> Motions:
    places = np.array([(0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9), (0.5, 0.5)]) * size
    moved = [places @ camera[:, :2].T + camera[:, 2] - places for camera in cameras]
    return np.array(moved).reshape(-1, 5, 2)


def _jumps(motions: Motions, length: int, width: int) -> Iterator[Fault]:
    for at in range(len(motions) - length):
        near = [
            n for n in range(at - NEAR, at + length + NEAR + 1) if 0 <= n < len(motions) and n not in (at, at + length)
        ]
        if len(near) < NEAR:
            continue
        usual = np.median(motions[near], axis=0)
        away, back = motions[at] - usual, motions[at + length] - usual
        moved = min(_far(away), _far(back))
        unrest = sorted(_far(motions[n] - usual) for n in near)[-2]
        sure = (
            SUREST
            * grade(moved / max(unrest, LEAST), UNUSUAL, RARE)
            * grade(moved, SLIGHT, CLEAR)
            * grade(-_far(away + back) / max(_far(away), _far(back), LEAST), -OPEN, -BACK)
        )
        if sure > 0:
            first, last = at + 1, at + length
            frames = f"frame {first}" if first == last else f"frames {first} to {last}"
            words = f"{frames} alone: the whole picture jumps by {moved / width:.1%} of its width, and back"
            yield Fault("flash", first, last, sure, "the camera's motion as around it", words)


def _far(motion: Motions) -> float:
    """Root mean square of the places' ways."""
    return float(np.sqrt(np.square(motion).sum(axis=-1).mean()))
