"""Where a retake begins and ends: at frames about which little moves, so that its joins have little to hide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.media.decode import luma_frames
from tools.types import Clip, Gray
from tools.vision.motion import flow

REACH = 4
"""Frames that a window may grow by at each end."""
LOOK = 160
"""Longer side in pixels at which motion is looked at."""
PER_FRAME = 0.08
"""What a frame more costs, as a share of the motion at the given boundary: a calmer one must be worth it."""


def calm_window(clip: Clip, window: tuple[int, int], reach: int = REACH) -> tuple[int, int]:
    """The window grown outwards, by `reach` frames at most, to boundaries where motion is low.

    A side that is at the clip's end stays there; a frame is kept beside the window wherever there was one.
    """
    first, last = window
    before = list(range(first, max(0, first - reach - 1), -1))
    after = list(range(last, min(clip.frames - 1, last + reach + 1)))
    wanted = {index + step for index in before for step in (-1, 0)} | {i + step for i in after for step in (0, 1)}
    looks = dict(luma_frames(clip, longest=LOOK, indices=wanted)) if wanted else {}
    opens = _calmest(before, [_motion(looks[index - 1], looks[index]) for index in before])
    closes = _calmest(after, [_motion(looks[index], looks[index + 1]) for index in after])
    return (first if opens is None else opens), (last if closes is None else closes)


def _calmest(candidates: Sequence[int], motion: Sequence[float]) -> int | None:
    """The candidate with the least motion, nearer ones first; None without candidates."""
    if not candidates:
        return None
    costs = [moves + PER_FRAME * motion[0] * away for away, moves in enumerate(motion)]
    return candidates[int(np.argmin(costs))]


def _motion(one: Gray, two: Gray) -> float:
    """How fast the fastest tenth of a picture moves, in its own pixels."""
    return float(np.quantile(np.linalg.norm(flow(one, two), axis=2), 0.9))
