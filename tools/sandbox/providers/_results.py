"""What a job's model would have made: real footage.

Where a labelled film is known and what was sent is part of it, the result is the truth: the clean take's own pixels, at
the size, rate and padding that was asked for. Else it is an honest local edit: a region is filled from its surround, a
stretch is crossed from one end to the other, a shot made again shows its reference. What cannot be
done by such means comes back as it was sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from itertools import chain, islice, repeat
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tools.sandbox.providers import _footage as files
from tools.sandbox.providers._bench import Job, Work
from tools.sandbox.providers._faults import IN_THE_RESULT
from tools.sandbox.providers._spoil import SPOILS, spoilt
from tools.sandbox.providers._truth import Truth
from tools.types import Bits, Box, Rgb

RATE = Fraction(24)
SECONDS = 5.0
SIZE = (640, 360)
SURROUND = 8
"""Pixels around a region from which it is filled."""
PAINTED = 64
"""Longest side, in pixels, at which a region is filled."""


class Made(NamedTuple):
    """A result before it is written: how many frames, the frames (each made when it is asked for: minutes of a large
    picture need not be held), what was to be changed in each, and the rate.
    """

    length: int
    frames: Iterable[Rgb]
    masks: Iterable[Bits]
    rate: Fraction


class Results:
    """Makes the files of results; `film` is a labelled film project, or None."""

    def __init__(self, film: Path | None) -> None:
        self._film = film

    @cached_property
    def _truth(self) -> Truth | None:
        known = self._film is not None and (self._film / "labels.json").is_file()
        return Truth(self._film) if known and self._film else None

    def things(self, frame: Rgb) -> list[Bits]:
        """Where a labelled film says that something is wrong in a frame of it; nothing for any other picture."""
        return self._truth.things(frame) if self._truth else []

    def make(self, job: Job, folder: Path) -> Path:
        """The result of a job as a file in `folder`. ValueError when what was sent cannot be read."""
        suffix = ".png" if job.work.way == "still" else ".mp4"
        rule = job.rule if job.rule is not None and job.rule.fault in IN_THE_RESULT else None
        path = folder / f"{job.id}{f'-{rule.fault}-{rule.strength}' if rule else ''}{suffix}"
        if rule is not None and rule.fault == "truncated":
            whole = folder / f"{job.id}{suffix}"
            data = (whole if whole.is_file() else self._written(job, whole)).read_bytes()
            path.write_bytes(data[: len(data) // 3])
            return path
        return self._written(job, path)

    def _written(self, job: Job, path: Path) -> Path:
        made = self._made(job)
        if job.work.way == "still":
            return files.write_picture(path, next(iter(made.frames)))
        return files.write_footage(path, made.frames, made.rate)

    def _made(self, job: Job) -> Made:
        if job.rule is None:
            return self._honest(job.work, nothing=False)
        fault = job.rule.fault
        made = self._honest(job.work, nothing=fault == "nothing")
        if fault == "black":
            return made._replace(frames=map(np.zeros_like, made.frames))
        if fault == "wrong-size":
            return _wrong_size(made)
        if fault in SPOILS:
            return made._replace(frames=spoilt(made.frames, made.masks, fault, job.rule.strength, seed=len(job.id)))
        return made

    def _honest(self, work: Work, *, nothing: bool) -> Made:
        if work.way == "still":
            return self._still(work, nothing=nothing)
        if work.video is not None and work.way != "regenerate":
            return self._edited(work, files.read_footage(work.video), nothing=nothing)
        return self._generated(work)

    # With footage.

    def _edited(self, work: Work, sent: files.Footage, *, nothing: bool) -> Made:
        if work.way in ("extend", "continue"):
            return self._extended(work, sent)
        masks = _masks_of(work, sent)
        frames = sent.frames if nothing else self._filled(work, sent, masks)
        rate = work.rate or sent.rate
        picks = _picks(len(frames), sent.rate, rate)
        return Made(len(picks), (frames[i] for i in picks), (masks[i] for i in picks), rate)

    def _extended(self, work: Work, sent: files.Footage) -> Made:
        """What was sent and how it goes on ("continue": that alone): the clean take where known, or the last frame."""
        more = round((work.seconds or SECONDS) * sent.rate)
        place = self._truth.place(sent.frames) if self._truth else None
        ahead: Iterable[Rgb] = repeat(sent.frames[-1], more)
        if place is not None and self._truth is not None:
            clean, last = self._truth.clean(place.shot), place.indices[-1]
            steps = (min(last + step, len(clean) - 1) for step in range(1, more + 1))
            ahead = (_placed(clean[i], sent.frames[-1], place.box, sent.size) for i in steps)
        before = [] if work.way == "continue" else sent.frames
        return _all_made(len(before) + more, chain(before, ahead), sent.size, sent.rate)

    def _filled(self, work: Work, sent: files.Footage, masks: Sequence[Bits]) -> Sequence[Rgb]:
        true = self._true(sent.frames)
        if true is not None:
            return [np.where(m[..., None], t, s) for s, t, m in zip(sent.frames, true, masks, strict=True)]
        if work.mask is not None:
            return _locally(sent.frames, masks)
        return _crossed(sent.frames, masks) if work.way == "retake" else sent.frames

    def _true(self, sent: Sequence[Rgb]) -> list[Rgb] | None:
        """The clean take in the place of frames that were sent; None where this film does not show them."""
        place = self._truth.place(sent) if self._truth else None
        if place is None or self._truth is None:
            return None
        clean, made = self._truth.clean(place.shot), []
        for frame, index in zip(sent, place.indices, strict=True):
            fitted = frame.copy()
            fitted[place.box.slices] = _resized(clean[index], (place.box.w, place.box.h))
            made.append(fitted)
        return made

    # From words and pictures.

    def _generated(self, work: Work) -> Made:
        rate = work.rate or RATE
        count = max(2, round((work.seconds or SECONDS) * rate))
        size = work.size or SIZE
        frames = self._between(work, count, size) or self._named(work, count, size) or _shown(work, count, size)
        return _all_made(count, frames, size, rate)

    def _between(self, work: Work, count: int, size: tuple[int, int]) -> Iterator[Rgb] | None:
        """Footage from a first to a last picture (or onward from a first); the truth where they are of one shot."""
        if work.first is None:
            return None
        ends = [files.read_picture(one) for one in (work.first, work.last) if one is not None]
        place = self._truth.place(ends) if self._truth else None
        if place is not None and self._truth is not None:
            clean = self._truth.clean(place.shot)
            first, last = place.indices[0], place.indices[1] if len(ends) > 1 else place.indices[0] + count - 1
            steps = [min(round(first + (last - first) * i / (count - 1)), len(clean) - 1) for i in range(count)]
            return (_placed(clean[i], ends[0], place.box, size) for i in steps)
        if len(ends) == 1:
            return None
        a, b = (_resized(one, size) for one in ends)
        return (np.asarray(cv2.addWeighted(a, 1 - t, b, t, 0), np.uint8) for t in np.linspace(0, 1, count))

    def _named(self, work: Work, count: int, size: tuple[int, int]) -> Iterator[Rgb] | None:
        """The clean take of the shot that the prompt names, at its own speed; its last frame holds."""
        shot = self._truth.named(work.prompt) if self._truth else None
        if shot is None or self._truth is None:
            return None
        clean = self._truth.clean(shot)
        return (_letterboxed(clean[min(i, len(clean) - 1)], size) for i in range(count))

    # Stills.

    def _still(self, work: Work, *, nothing: bool) -> Made:
        picture = files.read_picture(work.pictures[0])
        mask = _still_mask(work, picture)
        done = picture if nothing else self._repaired(picture, mask)
        if work.size is not None and work.size != (picture.shape[1], picture.shape[0]):
            done = _resized(done, work.size)
        whole = np.ones(done.shape[:2], np.bool_)
        return Made(1, [done], [whole if mask is None or mask.shape != whole.shape else mask], RATE)

    def _repaired(self, picture: Rgb, mask: Bits | None) -> Rgb:
        """The picture put right: a labelled film's clean panel, else filled from its surround; unmasked, as it is."""
        clean = self._truth.clean_panel(picture) if self._truth else None
        if clean is not None:
            return clean if mask is None else np.where(mask[..., None], clean, picture)
        return picture if mask is None else _locally([picture], [mask])[0]


def _masks_of(work: Work, sent: files.Footage) -> list[Bits]:
    """What is to be changed in each frame that was sent."""
    width, height = sent.size
    if work.mask is not None:
        return files.read_masks(work.mask, len(sent.frames), sent.size, white=work.mask_white)
    first, last = 0.0, float(len(sent.frames))
    if work.window is not None:
        first, last = (float(second * sent.rate) for second in (work.window[0], sum(work.window)))
    inside, outside = (np.full((height, width), value) for value in (True, False))
    return [inside if first - 0.5 <= i < last - 0.5 else outside for i in range(len(sent.frames))]


def _still_mask(work: Work, picture: Rgb) -> Bits | None:
    if work.mask is None:
        return None
    clear = files.read_alpha(work.mask)
    size = (picture.shape[1], picture.shape[0])
    return clear if clear is not None else files.read_masks(work.mask, 1, size, white=work.mask_white)[0]


def _locally(frames: Sequence[Rgb], masks: Sequence[Bits]) -> list[Rgb]:
    """The masked places filled from their surround, frame by frame."""
    return [_filled_in(frame, mask) for frame, mask in zip(frames, masks, strict=True)]


def _filled_in(frame: Rgb, mask: Bits) -> Rgb:
    box = Box.around(mask)
    if box is None:
        return frame
    near = box.grown(SURROUND, frame.shape[1], frame.shape[0]).slices
    done = frame.copy()
    made = _painted(np.ascontiguousarray(frame[near]), mask[near])
    done[near] = np.where(mask[near][..., None], made, done[near])
    return done


def _painted(picture: Rgb, hole: Bits) -> Rgb:
    """The picture with its hole filled from around; a large one is filled small, as the filling is smooth anyway."""
    size = picture.shape[1], picture.shape[0]
    scale = min(1.0, PAINTED / max(size))
    small = _resized(picture, (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
    holes = cv2.resize(hole.astype(np.uint8), (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    if scale < 1:
        holes = cv2.dilate((holes > 0).astype(np.uint8), np.ones((3, 3), np.uint8))
    return _resized(np.asarray(cv2.inpaint(small, holes, 3, cv2.INPAINT_TELEA), np.uint8), size)


def _crossed(frames: Sequence[Rgb], masks: Sequence[Bits]) -> list[Rgb]:
    """Frames of a window crossed over from the frame before it to the one after it."""
    inside = [i for i, mask in enumerate(masks) if mask.any()]
    if not inside or len(inside) == len(frames):
        return list(frames)
    before, after = max(inside[0] - 1, 0), min(inside[-1] + 1, len(frames) - 1)
    if inside[0] == 0:
        before = after
    if inside[-1] == len(frames) - 1:
        after = before
    a, b = frames[before].astype(np.float32), frames[after].astype(np.float32)
    made = list(frames)
    for step, index in enumerate(inside, start=1):
        made[index] = np.asarray(np.rint(a + (b - a) * step / (len(inside) + 1)), np.uint8)
    return made


def _shown(work: Work, count: int, size: tuple[int, int]) -> Iterator[Rgb]:
    """A slow push towards the first picture that was given; grey where none was."""
    given = work.first or next(iter(work.pictures), None)
    if given is None:
        grey = np.tile(np.linspace(40, 200, size[0]).astype(np.uint8), (size[1], 1))
        return (np.dstack([np.roll(grey, i, axis=1)] * 3) for i in range(count))
    picture = _letterboxed(files.read_picture(given), size)
    return (_pushed(picture, 1 + 0.05 * i / count) for i in range(count))


def _pushed(picture: Rgb, zoom: float) -> Rgb:
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0, zoom)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def _placed(clean: Rgb, sent: Rgb, box: Box, size: tuple[int, int]) -> Rgb:
    """A clean frame as the picture that was sent shows its like (padding and all), at the size that was asked for."""
    fitted = sent.copy()
    fitted[box.slices] = _resized(clean, (box.w, box.h))
    return _resized(fitted, size)


def _letterboxed(picture: Rgb, size: tuple[int, int]) -> Rgb:
    """The picture as large as it fits, its edges repeated around it."""
    height, width = picture.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    w, h = min(size[0], round(width * scale)), min(size[1], round(height * scale))
    left, top = (size[0] - w) // 2, (size[1] - h) // 2
    small = _resized(picture, (w, h))
    bars = (top, size[1] - h - top, left, size[0] - w - left)
    return np.asarray(cv2.copyMakeBorder(small, *bars, cv2.BORDER_REPLICATE), np.uint8)


def _resized(picture: Rgb, size: tuple[int, int]) -> Rgb:
    if (picture.shape[1], picture.shape[0]) == size:
        return picture
    smaller = size[0] * size[1] < picture.shape[0] * picture.shape[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, size, interpolation=way), np.uint8)


def _picks(count: int, had: Fraction, wanted: Fraction) -> list[int]:
    """Which frames stand at another rate: nearest in time."""
    made = max(1, round(count / had * wanted))
    return [min(count - 1, round(i / wanted * had)) for i in range(made)]


def _all_made(count: int, frames: Iterable[Rgb], size: tuple[int, int], rate: Fraction) -> Made:
    """Footage of a size, (width, height), that is the model's everywhere."""
    return Made(count, frames, repeat(np.ones(size[::-1], np.bool_), count), rate)


def _wrong_size(made: Made) -> Made:
    """Half as wide and half as long as it should be."""
    half = max(1, made.length // 2)
    frames = (_resized(one, (max(16, one.shape[1] // 2), one.shape[0])) for one in islice(made.frames, half))
    return Made(half, frames, made.masks, made.rate)
