"""A provider's result brought back: the take of the clip's own size, rate and length, without loss."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tools.editors.fitting._colour import Map, Pair, matching, recoloured
from tools.editors.fitting._detail import Lost, lost, restored
from tools.editors.fitting._fit import Fit
from tools.editors.support import Support
from tools.errors import BadInput, Broken
from tools.media import pixels
from tools.media._container import picture_kind
from tools.media.decode import frames, rgb_frames
from tools.media.encode import open_writer
from tools.media.probe import probe
from tools.media.sheets import read_picture
from tools.types import Bits, Box, Clip, Frame, MediaInfo, Rgb

ASPECT = 0.03
"""How far a result's aspect may be off: models round sides to multiples of their own."""
LOOKS = 5
"""Frames at which a result's colours are held against the source's."""
BLACK, DARK = 12.0, 24.0
"""Mean luma of a black picture, and of footage that is dark itself, so that a black result may be right."""


class Result(NamedTuple):
    """What came back: a film, or one picture."""

    path: Path
    width: int
    height: int
    frames: int
    rate: Fraction
    still: bool


def fitted_take(raw: Path, fit: Fit, folder: Path) -> Path:
    """The take that a result makes: lossless, of the clip's size, rate and exact length.

    Padding is cut away, every frame is the result's nearest in time, and colours, detail and grain are matched to the
    source where both show the same; frames that were not to be replaced are the source's own. Of a folder of frames it
    is a folder of PNG.
    Raises Broken when the result is not what was asked for (`refuse_bad`).
    """
    result = refuse_bad(raw, fit)
    info = probe(fit.clip.media)
    like = info.model_copy(update={"frames": fit.clip.frames})
    path = folder / ("take" if info.kind == "frames" else "take.mkv")
    pairs = list(_pairs(result, fit, info))
    way = matching(pairs)
    missing = lost(pairs, way) if fit.grain else Lost()
    with open_writer(path, like, codec="ffv1") as writer:
        for frame in _take(result, fit, info, way, missing):
            writer.write(frame)
    return path


def refuse_bad(raw: Path, fit: Fit) -> Result:
    """What a result file is. Broken when it cannot be read, has another aspect, is too short, or is black."""
    result = _read(raw, fit)
    wanted = fit.width / fit.height
    if abs(result.width / result.height / wanted - 1) > ASPECT:
        raise Broken(
            f"the result is {result.width}x{result.height} where {fit.width}x{fit.height} was asked for: another aspect"
        )
    if fit.missing(result.frames, result.rate):
        raise Broken(
            f"the result lasts {_s(result.frames / result.rate)} s ({result.frames} frames) where "
            f"{_s(fit.seconds)} s ({fit.count} frames) were asked for"
        )
    if _is_black(result) and not _is_dark(fit):
        raise Broken("the result is black")
    return result


def _read(raw: Path, fit: Fit) -> Result:
    if not raw.is_file() or raw.stat().st_size == 0:
        raise Broken("the result is empty")
    try:
        if picture_kind(raw):
            picture = read_picture(raw)
            return Result(raw, picture.shape[1], picture.shape[0], 1, fit.rate, still=True)
        info = probe(raw)
    except BadInput as why:
        raise Broken(f"the result cannot be read: {why}") from why
    return Result(raw, info.width, info.height, info.frames, info.fps, still=False)


def _is_black(result: Result) -> bool:
    """Whether a result shows nothing at a few places."""
    indices = sorted({round(share * (result.frames - 1)) for share in (0.1, 0.5, 0.9)})
    return all(float(picture.mean()) < BLACK for picture in _results(result, indices))


def _is_dark(fit: Fit) -> bool:
    at = [fit.first + (fit.frames - 1) * share // 4 for share in (0, 2, 4)]
    looks = rgb_frames(fit.clip, longest=64, indices=at)
    return all(float(look.mean()) < DARK for _, look in looks)


# From the result's frames to the clip's.


def _take(result: Result, fit: Fit, info: MediaInfo, way: Map, missing: Lost) -> Iterator[Frame]:
    """Every frame of the clip, replaced where the fit says so."""
    first, last = fit.replaced
    shown = _results(result, [fit.raw_index(i, result.frames, result.rate) for i in range(first, last + 1)])
    for index, source in enumerate(frames(fit.clip, info=info)):
        if not first <= index <= last:
            yield source
            continue
        picture = restored(recoloured(unpadded(next(shown), fit), way), missing, index)
        yield pixels.from_444(pixels.rgb8_to_444(picture, source), source)


def _results(result: Result, indices: list[int]) -> Iterator[Rgb]:
    """A result's frames as RGB pictures, by rising indices; one may be wanted several times. Broken when damaged."""
    if result.still:
        picture = read_picture(result.path)
        yield from (picture for _ in indices)
        return
    stream = enumerate(frames(Clip(media=result.path, first=0, last=result.frames - 1)))
    at, picture = -1, np.zeros((0, 0, 3), np.uint8)
    for index in indices:
        try:
            picture = picture if at == index else next(pixels.rgb8(frame) for at, frame in stream if at == index)
        except BadInput as why:
            raise Broken(f"the result cannot be read to its end: {why}") from why
        at = index
        yield picture


def unpadded(picture: Rgb, fit: Fit) -> Rgb:
    """The source's part of a result's picture, at the source's size."""
    across, down = picture.shape[1] / fit.width, picture.shape[0] / fit.height
    box = Box(round(fit.box.x * across), round(fit.box.y * down), round(fit.box.w * across), round(fit.box.h * down))
    part = picture[box.grown(0, picture.shape[1], picture.shape[0]).slices]
    if part.shape[:2] == (fit.source_height, fit.source_width):
        return part
    way = cv2.INTER_AREA if part.shape[1] > fit.source_width else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(part, (fit.source_width, fit.source_height), interpolation=way), np.uint8)


# What both show alike.


def _pairs(result: Result, fit: Fit, info: MediaInfo) -> Iterator[Pair]:
    """A few frames of the result and of the source, and where they must show the same."""
    at = _comparable(fit)
    if not at:
        return
    support = Support(fit.mask, info, fit.clip.frames, hard_edge=fit.hard_edge) if fit.mask else None
    shown = _results(result, [fit.raw_index(index, result.frames, result.rate) for index in at])
    sources = (frame for index, frame in enumerate(frames(fit.clip, info=info)) if index in at)
    for index, source, picture in zip(at, sources, shown, strict=False):
        whole: Bits = np.ones((fit.source_height, fit.source_width), np.bool_)
        known = whole if support is None else ~support.at(index)
        yield unpadded(picture, fit), pixels.rgb8(source), known


def _comparable(fit: Fit) -> list[int]:
    """A few frames of the clip that the result shows as they are, at least outside the mask."""
    known = [index for index in range(fit.first, fit.last + 1) if _is_right(fit, index)]
    if len(known) <= LOOKS:
        return known
    return sorted({known[round(place * (len(known) - 1) / (LOOKS - 1))] for place in range(LOOKS)})


def _is_right(fit: Fit, index: int) -> bool:
    """Whether a frame of the clip tells which colours are right: outside a mask or a window, never where all is new."""
    if fit.wrong is not None:
        given = not fit.made or index in {fit.first, fit.last}
        return given and not fit.wrong[0] <= index <= fit.wrong[1]
    return fit.mask is not None


def _s(seconds: Fraction) -> str:
    return f"{float(seconds):.1f}".removesuffix(".0")
