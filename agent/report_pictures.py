"""The pictures of a report: frames, details and panels as data that live inside the page."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agent.schema import Film, Finding, SheetVersion, Shot
from tools.errors import BadInput
from tools.media.probe import probe
from tools.media.sheets import read_picture
from tools.media.stills import jpeg, still, surround
from tools.types import Box, Clip, Rgb

FULL, DETAIL, STRIP = 760, 440, 240
"""Widths in pixels of whole frames, details and the strip's pictures."""
NEARLY_WHOLE = 0.7
"""Share of a picture from which a detail shows nothing that the whole does not."""


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI. `outline` marks a place on it: left, top, width, height in per cent of its sides."""

    source: str
    alt: str
    shape: str
    """Its width to its height, as CSS says it."""
    outline: tuple[float, float, float, float] | None = None


@dataclass(frozen=True)
class Look:
    """One state of a place: the whole picture with the place outlined, and the place close, where nothing covers it.

    `close` is None where the place is so large that it would be the whole picture again.
    """

    name: str
    whole: Picture
    close: Picture | None


@dataclass(frozen=True)
class Comparison:
    """The same place before and, where something was made, after, at the same scale."""

    caption: str
    looks: tuple[Look, ...]


def thumbnail(clip: Clip, alt: str) -> Picture | None:
    """The middle frame of a clip; None where the media can no longer be read."""
    with suppress(BadInput):
        return _picture(still(clip, clip.frames // 2), alt, STRIP, probe(clip.media).sample_aspect)
    return None


def comparison(finding: Finding, shot: Shot, after: Clip | None, name: str) -> Comparison | None:
    """A finding's middle frame as it came in and, where there is one, in `after`, called `name`."""
    middle = sum(finding.frames) // 2
    with suppress(BadInput):
        looks = [_look("Before", shot.clip, middle, finding)]
        if after is not None:
            looks.append(_look(name, after, middle, finding))
        return Comparison(f"{shot.id}, frame {middle}", tuple(looks))
    return None


def _look(name: str, clip: Clip, index: int, finding: Finding) -> Look:
    words = f"{name}: {finding.shot}, frame {index}, {finding.observed if name == 'Before' else finding.expected}"
    return _close_look(name, still(clip, index), finding.box, words, probe(clip.media).sample_aspect)


def _close_look(name: str, pixels: Rgb, place: Box, words: str, aspect: Fraction = Fraction(1)) -> Look:
    height, width = pixels.shape[:2]
    near = surround(place, width, height)
    whole = _picture(pixels, words, FULL, aspect, place)
    if near.area > NEARLY_WHOLE * width * height:
        return Look(name, whole, None)
    return Look(name, whole, _picture(np.ascontiguousarray(pixels[near.slices]), f"{words}, close", DETAIL, aspect))


def panel_picture(film: Film, ref: str, fault: Box | None) -> Picture | None:
    """A sheet's panel, "mara/face", with a fault given in the sheet's pixels outlined."""
    panel = next((p for sheet in film.sheets for p in sheet.panels if p.ref == ref), None)
    if panel is None:
        return None
    with suppress(BadInput):
        place = None if fault is None else Box(fault.x - panel.box.x, fault.y - panel.box.y, fault.w, fault.h)
        pixels = read_picture(panel.sheet)[panel.box.slices]
        return _picture(np.ascontiguousarray(pixels), f"panel {ref}", DETAIL, outline=place)
    return None


def sheet_comparison(film: Film, version: SheetVersion) -> Comparison | None:
    """The repaired panel before and after."""
    panel = next((p for sheet in film.sheets for p in sheet.panels if p.ref == version.panel), None)
    if panel is None:
        return None
    place = Box(version.box.x - panel.box.x, version.box.y - panel.box.y, version.box.w, version.box.h)
    with suppress(BadInput):
        files = (("Before", panel.sheet), (f"v{version.version:03d}", film.root / version.path))
        looks = [
            _close_look(name, np.ascontiguousarray(read_picture(path)[panel.box.slices]), place, f"{name}: {panel.ref}")
            for name, path in files
        ]
        return Comparison(panel.ref, tuple(looks))
    return None


def _picture(pixels: Rgb, alt: str, width: int, aspect: Fraction = Fraction(1), outline: Box | None = None) -> Picture:
    height, across = pixels.shape[:2]
    data = base64.b64encode(jpeg(pixels, width, aspect)).decode("ascii")
    marked = outline and (
        round(100 * outline.x / across, 2),
        round(100 * outline.y / height, 2),
        round(100 * outline.w / across, 2),
        round(100 * outline.h / height, 2),
    )
    return Picture(f"data:image/jpeg;base64,{data}", alt, f"{round(across * aspect)} / {height}", marked)
