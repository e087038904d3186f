"""The files of an edit as a provider takes them: footage, masks and stills of the fit's size, streamed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from tools.editors.base import Limits
from tools.editors.fitting._fit import Fit, own_count
from tools.editors.support import Support
from tools.errors import Refused
from tools.media.decode import frames as decoded
from tools.media.masks import read_mask
from tools.media.pixels import rgb8
from tools.media.probe import probe
from tools.media.sheets import read_picture, write_picture
from tools.types import Bits, Box, Clip, ColourTags, Edit, Frame, Gray, PixelLayout, Reference, Rgb

BT709 = ColourTags(primaries=1, transfer=1, matrix=1, range=1)
YUV420P = PixelLayout(name="yuv420p", family="yuv", depth=8, chroma_x=1, chroma_y=1)
BACKWARDS = 12
"""Frames that are held while a clip is read backwards."""
QUALITIES = ((12, "ultrafast"), (16, "veryfast"), (20, "veryfast"), (24, "veryfast"), (28, "veryfast"))
"""x264's constant rate factors and presets: the first is as good as a model can tell (50 dB on grain), and quick; the
rest are for files over a limit."""
MASK_QUALITY = (4, "ultrafast")

ACCURATE = Interpolation.BICUBIC

White = Literal["edit", "keep"]


def send_clip(edit: Edit, fit: Fit, folder: Path) -> Path:
    """The footage as H.264 in MP4: the fit's size, rate and length, BT.709 at limited range, no sound.

    Refused when it cannot be made small enough for the provider.
    """
    path = folder / "clip.mp4"
    for quality in QUALITIES:
        _write(path, _sent_pictures(edit, fit), fit, quality)
        if not _too_large(path, fit):
            return path
    raise Refused(f"takes files of {fit.megabytes:g} MB at most; this clip's {fit.count} frames are larger")


def send_mask(edit: Edit, fit: Fit, folder: Path, white: White) -> Path:
    """The mask in step with `send_clip`, near lossless: what the gate lets through is black or white, as `white` says.

    Where the picture is mirrored, so is the mask.
    """
    path = folder / "mask.mp4"
    masks = (_as_picture(mask, white) for mask in _sent_masks(edit, fit))
    _write(path, masks, fit, MASK_QUALITY)
    return path


def send_still_mask(edit: Edit, fit: Fit, folder: Path, white: White) -> Path:
    """The mask of a clip's first frame that is sent, PNG."""
    path = folder / "mask.png"
    write_picture(path, _as_picture(next(_sent_masks(edit, fit)), white))
    return path


def frame_png(edit: Edit, fit: Fit, index: int, folder: Path) -> Path:
    """Frame `index` of the clip at the fit's size, PNG."""
    path = folder / f"frame_{index:05d}.png"
    write_picture(path, canvas(next(pictures(edit.clip, [index])), fit))
    return path


def first_frame(edit: Edit, fit: Fit, folder: Path) -> Path | None:
    """The picture that a made clip must open with, PNG at the fit's size; None where nothing is given.

    For a retake it is the kept frame before the window, else the reference whose role is "first".
    """
    if edit.action == "retake" and edit.window is not None:
        return frame_png(edit, fit, edit.window[0] - 1, folder) if edit.window[0] > 0 else None
    return _end(edit, fit, "first", folder)


def last_frame(edit: Edit, fit: Fit, folder: Path) -> Path | None:
    """The picture that a made clip must close with; as `first_frame`."""
    if edit.action == "retake" and edit.window is not None:
        after = edit.window[1] + 1
        return frame_png(edit, fit, after, folder) if after < edit.clip.frames else None
    return _end(edit, fit, "last", folder)


def _end(edit: Edit, fit: Fit, role: str, folder: Path) -> Path | None:
    found = next((one for one in edit.references if one.role == role), None)
    if found is None:
        return None
    path = folder / f"{role}.png"
    write_picture(path, canvas(_shown(found), fit))
    return path


def reference_png(reference: Reference, folder: Path, limits: Limits) -> Path:
    """A reference's picture, cut to its box, as PNG whose sides and pixels keep the limits; padded to its aspects."""
    picture = _shown(reference)
    name = hashlib.sha256(f"{reference.path}{reference.box}".encode()).hexdigest()[:12]
    path = folder / f"reference_{name}.png"
    write_picture(path, _within(picture, limits))
    return path


def _shown(reference: Reference) -> Rgb:
    picture = read_picture(reference.path)
    return picture[reference.box.slices] if reference.box else picture


def _within(picture: Rgb, limits: Limits) -> Rgb:
    """The picture scaled into the side and pixel limits; what is too narrow then is padded."""
    height, width = picture.shape[:2]
    scales = [1.0]
    if limits.side:
        scales += [limits.side[0] / min(width, height)] if min(width, height) < limits.side[0] else []
        scales += [limits.side[1] / max(width, height)] if max(width, height) > limits.side[1] else []
    if limits.pixels and width * height > limits.pixels[1]:
        scales.append(float(np.sqrt(limits.pixels[1] / (width * height))))
    scale = min(scales) if min(scales) < 1 else max(scales)
    size = max(1, int(width * scale)), max(1, int(height * scale))
    least = limits.side[0] if limits.side else 1
    narrowest, widest = limits.aspect or (0.0, math.inf)
    wide = max(size[0], least, math.ceil(size[1] * narrowest))
    whole = wide, max(size[1], least, math.ceil(wide / widest))
    return _padded(_sized(picture, *size), Box((whole[0] - size[0]) // 2, (whole[1] - size[1]) // 2, *size), *whole)


# Pictures that are sent.


def _sent_pictures(edit: Edit, fit: Fit) -> Iterator[Rgb]:
    """Every picture that is sent, at the fit's size."""
    indices = [fit.source_index(sent) for sent in range(fit.count)]
    return (canvas(picture, fit) for picture in pictures(edit.clip, indices))


def sent_regions(edit: Edit, fit: Fit, most: int) -> dict[int, Bits]:
    """The mask as it was given, nothing grown, at the fit's size, on at most `most` frames that are sent and show it.

    They lie evenly, the first and the last among them; the keys count what is sent. Empty where no frame shows it.
    """
    assert edit.mask is not None, f"{edit.key} has no mask"
    source = read_mask(edit.mask, probe(edit.clip.media), edit.clip.frames)
    shown = [sent for sent in range(own_count(fit.frames, fit.step)) if source[fit.source_index(sent)].any()]
    places = np.linspace(0, len(shown) - 1, min(most, len(shown)))
    marked = sorted({shown[round(float(place))] for place in places})
    return {sent: mask_canvas(source[fit.source_index(sent)], fit) for sent in marked}


def _sent_masks(edit: Edit, fit: Fit) -> Iterator[Bits]:
    assert edit.mask is not None, f"{edit.key} has no mask"
    info = probe(edit.clip.media)
    support = Support(edit.mask, info, edit.clip.frames, hard_edge=edit.hard_edge)
    for sent in range(fit.count):
        yield mask_canvas(support.at(fit.source_index(sent)), fit)


def pictures(clip: Clip, indices: Sequence[int]) -> Iterator[Rgb]:
    """Frames of a clip as RGB (H, W, 3) in any order; memory holds a few, however long a run backwards is."""
    info = probe(clip.media)
    for run in _runs(indices):
        low = min(run)
        stream = decoded(Clip(media=clip.media, first=clip.first + low, last=clip.first + max(run)), info=info)
        if run[0] <= run[-1]:
            yield from _forwards(stream, [index - low for index in run])
        else:
            held = {low + at: rgb8(frame) for at, frame in enumerate(stream) if low + at in run}
            yield from (held[index] for index in run)


def _forwards(stream: Iterator[Frame], run: Sequence[int]) -> Iterator[Rgb]:
    at, frame = 0, next(stream)
    for index in run:
        while at < index:
            at, frame = at + 1, next(stream)
        yield rgb8(frame)


def _runs(indices: Sequence[int]) -> Iterator[list[int]]:
    """The indices in stretches that go one way: forwards as long as they do, backwards a few at a time."""
    run = [indices[0]]
    for index in indices[1:]:
        falls = run[-1] < run[0]
        turns = index != run[-1] and len(run) > 1 and (index < run[-1]) != falls
        if turns or (falls and len(run) == BACKWARDS):
            yield run
            run = []
        run.append(index)
    yield run


def canvas(picture: Rgb, fit: Fit) -> Rgb:
    """A picture of the source at the fit's size: scaled into its box, mirrored around it."""
    return _padded(_sized(picture, fit.box.w, fit.box.h), fit.box, fit.width, fit.height)


def mask_canvas(mask: Bits, fit: Fit) -> Bits:
    """A mask of the source at the fit's size; a pixel belongs to it when any of its source's does."""
    gray = mask.astype(np.uint8) * 255
    if mask.shape != (fit.box.h, fit.box.w):
        way = cv2.INTER_AREA if fit.box.w < mask.shape[1] else cv2.INTER_NEAREST
        gray = np.asarray(cv2.resize(gray, (fit.box.w, fit.box.h), interpolation=way), np.uint8)
    return np.asarray(_padded(gray, fit.box, fit.width, fit.height) > 0, np.bool_)


def _sized(picture: Rgb, width: int, height: int) -> Rgb:
    if picture.shape[:2] == (height, width):
        return picture
    way = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)


def _padded(picture: Rgb | Gray, box: Box, width: int, height: int) -> Rgb:
    bars = (box.y, height - box.y - box.h, box.x, width - box.x - box.w)
    return np.asarray(cv2.copyMakeBorder(picture, *bars, cv2.BORDER_REFLECT), np.uint8)


def _as_picture(mask: Bits, white: White) -> Rgb:
    bits = mask if white == "edit" else ~mask
    return np.repeat(bits.astype(np.uint8)[..., None] * 255, 3, axis=2)


# Files.


def _too_large(path: Path, fit: Fit) -> bool:
    return fit.megabytes is not None and path.stat().st_size > fit.megabytes * 1_000_000


def _write(path: Path, stream: Iterator[Rgb], fit: Fit, quality: tuple[int, str]) -> None:
    """The footage at a constant rate factor, BT.709 at limited range."""
    factor, preset = quality
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as out:
        track = out.add_stream("libx264", rate=fit.rate, options={"crf": str(factor), "preset": preset})
        assert isinstance(track, VideoStream)
        track.width, track.height, track.pix_fmt = fit.width, fit.height, "yuv420p"
        context = track.codec_context
        context.time_base = 1 / Fraction(fit.rate)
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = 1, 1, 1, 1
        for index, picture in enumerate(stream):
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            coded = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1, interpolation=ACCURATE)
            coded.pts = index
            out.mux(track.encode(coded))
        out.mux(track.encode(None))
