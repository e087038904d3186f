"""What an edit makes anew, under its mask or in all frames of a retake's window, and what its references show."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tools.editors.support import Support
from tools.errors import BadInput
from tools.media.sheets import read_picture
from tools.types import Bits, Box, Edit, MediaInfo, Reference, Rgb


class Region(Protocol):
    """The pixels to be made anew, frame by frame."""

    def at(self, index: int) -> Bits:
        """(H, W), true where frame `index` of the clip is made anew."""
        ...


class Stretch:
    """All of every frame of a window of the clip."""

    def __init__(self, window: tuple[int, int], info: MediaInfo) -> None:
        self._window, self._size = window, (info.height, info.width)

    def at(self, index: int) -> Bits:
        return np.full(self._size, self._window[0] <= index <= self._window[1])


def region_of(edit: Edit, info: MediaInfo) -> Region:
    """The region of an edit; BadInput where it has none."""
    if edit.action == "retake" and edit.window is not None:
        return Stretch(edit.window, info)
    if edit.mask is None:
        raise BadInput(f"{edit.clip.media}: an inpaint needs a mask, a retake the window of frames that it replaces")
    return Support(edit.mask, info, edit.clip.frames, hard_edge=edit.hard_edge)


def boxes_of(region: Region, count: int) -> dict[int, Box]:
    """The region's box in every frame that has any of it; one mask is held at a time."""
    boxes = ((index, Box.around(region.at(index))) for index in range(count))
    return {index: box for index, box in boxes if box is not None}


def reference_picture(reference: Reference) -> Rgb:
    """What a reference shows, cut to its box, (H, W, 3)."""
    picture = read_picture(reference.path)
    return picture[reference.box.slices] if reference.box else picture
