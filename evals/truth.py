"""The right action for an error whose geometry is known: the inpaint-or-regenerate rule on truth."""

from __future__ import annotations

from agent.policy import Policy
from tools.types import Action, Clip, MaskTrack
from tools.vision.measure import measure_region

NEAR = 0.1
"""A value this close to its limit, as a share of the limit, is near: cases with one are reported apart."""


def action_by_rule(
    *,
    coverage_max: float,
    speed: float,
    first: int,
    last: int,
    frames: int,
    revealed: float = 0.0,
    in_view: bool = True,
) -> tuple[Action, bool]:
    """The action that the default policy asks for, and whether a value that decides lies near its limit.

    `coverage_max` is the region's largest share of the frame over its frames, `speed` its median speed in the picture
    as a share of the frame diagonal per 1/24 s; the error shows in frames `first` to `last` of a shot of `frames`.
    `revealed` is the share of it that other frames show,
    `in_view` whether its place is still in the picture where it stops. Lighting, framing, blocking and contact are not
    geometry: they always regenerate, and are not asked about here.
    """
    policy = Policy()
    borrowed = revealed >= policy.revealed
    near = _near(coverage_max, policy.small) or (_near(speed, policy.slow) and not borrowed)
    near = near or (speed >= policy.slow and _near(revealed, policy.revealed))
    if coverage_max <= policy.small and (speed < policy.slow or borrowed):
        return "inpaint", near
    length, kept = last - first + 1, max(first, frames - 1 - last)
    longest, handle = policy.stretch * frames, min(policy.handle, frames // 2)
    if in_view and length <= longest and kept >= handle:
        return "retake", near or _near(length, longest) or _near(kept, handle)
    whole = length == frames
    return "regenerate", near or (in_view and not whole and (_near(length, longest) or _near(kept, handle)))


def is_revealed(clean: Clip, track: MaskTrack, speed: float, *, in_view: bool) -> bool:
    """Whether frames before or after an error show what it hides, and show it sharply where it moves fast.

    `clean` is the shot without the error. What lasts all through, or leaves the picture, is shown by no frame.
    """
    if not in_view or len(track.crops) == clean.frames:
        return False
    policy = Policy()
    return speed < policy.slow or measure_region(clean, track).sharpness >= policy.sharp


def _near(value: float, limit: float) -> bool:
    return abs(value - limit) <= NEAR * limit
