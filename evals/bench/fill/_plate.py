"""The plate of `tools/editors/local`, fed like the other ways: RGB pictures in, RGB pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tools.types import Bits, ColourTags, Frame, PixelLayout, Rgb

RGB = PixelLayout(name="rgb24", family="rgb", depth=8)


def plate(pictures: Sequence[Rgb], masks: Sequence[Bits]) -> Iterator[Rgb]:
    """The plate with grain off: what fills are scored with."""
    return _run(pictures, masks, grain=False)


def grainy_plate(pictures: Sequence[Rgb], masks: Sequence[Bits]) -> Iterator[Rgb]:
    """The plate as `suture inpaint` runs it, with the shot's grain over the fill."""
    return _run(pictures, masks, grain=True)


def _run(pictures: Sequence[Rgb], masks: Sequence[Bits], *, grain: bool) -> Iterator[Rgb]:
    from tools.editors.local.cleanplate.inpaint import Settings, inpaint  # noqa: PLC0415 - torch, for this way alone

    source = (_frame(index, picture) for index, picture in enumerate(pictures))
    for filled in inpaint(source, masks, (), Settings(grain=grain)):
        yield np.dstack(filled.frame.planes)


def _frame(index: int, picture: Rgb) -> Frame:
    return Frame(index, tuple(np.ascontiguousarray(picture[..., i]) for i in range(3)), RGB, ColourTags(range=2))
