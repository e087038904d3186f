"""The picture size that is sent: scaled uniformly and padded, never stretched."""

from __future__ import annotations

import math
from typing import NamedTuple

from tools.editors.base import Limits
from tools.errors import Refused
from tools.types import Box, MediaInfo


class Size(NamedTuple):
    """The frame that is sent, and where the source's picture lies in it."""

    width: int
    height: int
    box: Box


def plan_size(info: MediaInfo, limits: Limits, *, even: bool) -> Size:
    """The size for a source, its scale as near to 1 as the limits allow. Refused when no size does.

    `even` sides are what subsampled chroma needs.
    """
    width, height = info.width, info.height
    if limits.sizes:
        return _boxed(info, *_nearest(info, limits.sizes), math.inf)
    multiple = math.lcm(limits.multiple, 2 if even else 1)
    wide, tall = _within_aspect(width, height, limits)
    for scale in _scales(wide, tall, limits):
        made = _up(wide * scale, multiple), _up(tall * scale, multiple)
        if why_not(made, limits) is None:
            return _boxed(info, *made, scale)
    least = _up(wide, multiple), _up(tall, multiple)
    raise Refused(f"{why_not(least, limits)}; this clip is {width}x{height}")


def why_not(size: tuple[int, int], limits: Limits) -> str | None:
    """Which limit a size breaks; None when it breaks none."""
    width, height = size
    if limits.side and not limits.side[0] <= min(size) <= max(size) <= limits.side[1]:
        return f"takes pictures of {limits.side[0]} to {limits.side[1]} pixels a side"
    if limits.pixels and not limits.pixels[0] <= width * height <= limits.pixels[1]:
        return f"takes pictures of {limits.pixels[0]} to {limits.pixels[1]} pixels in all"
    if limits.aspect and not limits.aspect[0] * 0.995 <= width / height <= limits.aspect[1] * 1.005:
        return f"takes pictures {limits.aspect[0]:.3g} to {limits.aspect[1]:.3g} times as wide as high"
    return None


def _nearest(info: MediaInfo, sizes: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """The size nearest in aspect; of several, the smallest that holds the source, else the largest."""

    def apart(size: tuple[int, int]) -> float:
        return round(abs(math.log(size[0] / size[1] * info.height / info.width)), 2)

    least = min(apart(size) for size in sizes)
    alike = sorted((size for size in sizes if apart(size) == least), key=lambda size: size[0] * size[1])
    return next((size for size in alike if size[0] >= info.width and size[1] >= info.height), alike[-1])


def _within_aspect(width: int, height: int, limits: Limits) -> tuple[float, float]:
    """The source's size with what must be padded to reach the aspects that are taken."""
    if limits.aspect is None:
        return width, height
    return max(width, height * limits.aspect[0]), max(height, width / limits.aspect[1])


def _scales(width: float, height: float, limits: Limits) -> list[float]:
    """Scales to try: the least that reaches every minimum, or 1, and the largest within every maximum."""
    up, down = [1.0], [1.0]
    if limits.side:
        up.append(limits.side[0] / min(width, height))
        down.append(limits.side[1] / max(width, height))
    if limits.pixels:
        up.append(math.sqrt(limits.pixels[0] / (width * height)))
        down.append(math.sqrt(limits.pixels[1] / (width * height)))
    wanted = max(up) if max(up) > 1 else min(down)
    way = 0.004 if wanted > 1 else -0.004
    return [wanted * (1 + way * n) for n in range(25)]


def _up(side: float, multiple: int) -> int:
    """The next multiple; a side that is over one by less than a pixel's rounding keeps it."""
    return max(multiple, math.ceil((side - 0.5) / multiple) * multiple)


def _boxed(info: MediaInfo, width: int, height: int, scale: float) -> Size:
    """The source at `scale`, or as large as it fits, in the middle on whole chroma samples."""
    share = min(scale, width / info.width, height / info.height)
    w, h = min(width, round(info.width * share)), min(height, round(info.height * share))
    return Size(width, height, Box((width - w) // 4 * 2, (height - h) // 4 * 2, w, h))
