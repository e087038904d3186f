"""What lies round a picture on a page: its frame, mount or shadow, and the gutters of a block of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tools.types import Box

Lab = NDArray[np.float32]
STEP = 4.0  # CIE76 across a border
ALONG = 0.8  # share of a border's length that shows the step
EVEN = 2.5  # standard deviation in Lab along a frame, JPEG noise and all
DEEPEST = 0.14  # depth of a frame against the picture's shorter side
SIDES = 3  # sides that must show the frame


def unframed(lab: Lab, box: Box) -> Box:
    """The picture inside its frame, mount and shadow; the box as it is where none is seen on three sides."""
    for _ in range(3):
        depths = _depths(lab[box.slices])
        if sum(depth > 0 for depth in depths) < SIDES:
            return box
        top, right, bottom, left = depths
        box = Box(box.x + left, box.y + top, box.w - left - right, box.h - top - bottom)
    return box


def _depths(lab: Lab) -> tuple[int, int, int, int]:
    """How deep a frame is on the top, right, bottom and left; 0 where there is none."""
    turned = lab.transpose(1, 0, 2)
    return _depth(lab), _depth(turned[::-1]), _depth(lab[::-1]), _depth(turned)


def _depth(lab: Lab) -> int:
    """Rows from the top that are a frame: each of one colour, down to the last step that runs through."""
    reach = max(4, round(DEEPEST * min(lab.shape[:2])))
    inset = min(reach, lab.shape[1] // 5)
    rows = lab[: reach + 3, inset : lab.shape[1] - inset]
    if rows.shape[0] < 5:
        return 0
    even = rows.std(axis=1).max(axis=1) < EVEN
    depth = rows.shape[0] if even.all() else int(np.argmin(even))
    inner = _steps(np.median(rows[:depth], axis=1))
    if inner.size and inner[-1] <= reach:
        return int(inner[-1])
    if not 1 <= depth <= reach:
        return 0
    beyond = np.linalg.norm(rows[min(depth + 2, rows.shape[0] - 1)] - np.median(rows[depth - 1], axis=0), axis=1)
    return min(depth + 1, reach) if (beyond > STEP).mean() > ALONG else 0


def _steps(colours: Lab) -> NDArray[np.intp]:
    """Where a run of colours changes for good, each the index of the first after the change."""
    if colours.shape[0] < 5:
        return np.zeros(0, np.intp)
    step = np.linalg.norm(colours[3:] - colours[:-3], axis=1)
    peak = (step > STEP) & (step >= np.roll(step, 1)) & (step >= np.roll(step, -1))
    return np.asarray(np.flatnonzero(peak) + 2, np.intp)


def gutters(lab: Lab) -> list[tuple[int, int]]:
    """Columns (start, stop) between pictures of a block: of one colour each, from step to step."""
    even = lab.std(axis=0).max(axis=1) < EVEN
    flips = np.flatnonzero(np.diff(np.r_[False, even, False].astype(np.int8)))
    runs = zip(flips[::2].tolist(), flips[1::2].tolist(), strict=True)
    return [(a, b) for start, stop in runs if stop - start > 1 for a, b in [_gutter(lab, start, stop)] if b > a]


def _gutter(lab: Lab, start: int, stop: int) -> tuple[int, int]:
    """The gutter in a run of even columns, which may reach into the plain backdrops of pictures beside it."""
    steps = (_steps(np.median(lab[:, start:stop], axis=0)) + start).tolist()
    if not steps:
        return (start, stop) if _stepped(lab, start) and _stepped(lab, stop) else (start, start)
    first, last = steps[0], steps[-1]
    before, after = _stepped(lab, start) and start > 0, _stepped(lab, stop) and stop < lab.shape[1]
    if len(steps) > 1 and not before and not after:
        return first, last
    sides = [(start, last)] * before + [(first, stop)] * after
    return min(sides, key=lambda side: side[1] - side[0], default=(start, start))


def _stepped(lab: Lab, at: int) -> bool:
    """Whether the columns on both sides of a line differ for most of its length; so at the block's border."""
    if at < 2 or at > lab.shape[1] - 2:
        return True
    return bool((np.linalg.norm(lab[:, at - 2] - lab[:, at + 1], axis=1) > STEP).mean() > 0.5)
