"""Pictures as a model is shown them: named, sized for reading, and with the way back to the source's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from tools.types import Box, Rgb

LONGEST, SHORTEST = 1024, 512
"""Longest side, pixels, of a picture that is shown; small crops are enlarged until their longest side is SHORTEST."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One picture of a request.

    `name` says what it is: "SH020@24" (a frame), "SH020@24[10,20,300,200]" (a crop of it, in source pixels),
    "mara/face" (a panel) or "sheet:mara" (a whole sheet). `pixels` are as shown; `area` is what they show of
    the source.
    """

    name: str
    words: str
    """What a reader should know of it, in a few words."""
    pixels: Rgb
    area: Box

    def caption(self, number: int) -> str:
        height, width = self.pixels.shape[:2]
        return f"Picture {number}: {self.name}, {self.words}. {width} x {height} pixels."

    def to_source(self, box: Box) -> Box:
        """A box in pixels of the picture as shown, in the source's own pixels, inside what is shown, at least 1 x 1."""
        height, width = self.pixels.shape[:2]
        across, down = self.area.w / width, self.area.h / height
        left = min(max(0, round(box.x * across)), self.area.w - 1)
        top = min(max(0, round(box.y * down)), self.area.h - 1)
        right = min(self.area.w, max(left + 1, round((box.x + box.w) * across)))
        bottom = min(self.area.h, max(top + 1, round((box.y + box.h) * down)))
        return Box(self.area.x + left, self.area.y + top, right - left, bottom - top)

    def from_source(self, box: Box) -> Box:
        """A box in the source's own pixels, in pixels of the picture as shown."""
        height, width = self.pixels.shape[:2]
        across, down = width / self.area.w, height / self.area.h
        x, y = round((box.x - self.area.x) * across), round((box.y - self.area.y) * down)
        return Box(x, y, max(1, round(box.w * across)), max(1, round(box.h * down)))


def shown(name: str, words: str, picture: Rgb, area: Box | None = None) -> Shown:
    """A picture, or the part `area` of it (source pixels), sized for a model. A crop's area goes into its name."""
    height, width = picture.shape[:2]
    whole = Box(0, 0, width, height)
    part = area or whole
    full_name = name if area is None or area == whole else f"{name}[{part.x},{part.y},{part.w},{part.h}]"
    return Shown(full_name, words, sized(np.ascontiguousarray(picture[part.slices])), part)


def sized(picture: Rgb) -> Rgb:
    """Within LONGEST and, for small crops, up to SHORTEST: nobody reads a detail of forty pixels."""
    height, width = picture.shape[:2]
    longest = max(height, width)
    scale = min(LONGEST / longest, 1.0) if longest >= SHORTEST else SHORTEST / longest
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=how), np.uint8)
