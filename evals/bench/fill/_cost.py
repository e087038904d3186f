"""What a region edit costs: beside decoding and encoding the clip alone, and in memory as a clip grows longer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from evals.bench._rows import BenchRow, row
from evals.bench.fill._alone import alone, peak_memory
from evals.bench.fill._clips import photographed
from evals.cuts._film import write_h264
from evals.plant._surface import grain_like
from tools.editors.gate import inpaint_media
from tools.media.decode import frames
from tools.media.encode import write_video
from tools.media.masks import write_mask
from tools.media.probe import probe
from tools.types import Bits, MaskTrack, Rgb

PHOTOGRAPH = "coffee"
LARGE, LARGE_FRAMES, RUNS = (1920, 1080), 48, 2
AREA = 0.02
"""Share of the frame that the mask covers."""
LONG, LONG_FRAMES, TIMES = (640, 360), 160, 10
"""A clip longer than the plate's window (76 frames to each side), and how many times longer the other is."""
STRETCH, STRETCHES = 6, 3
"""Frames in a row that are masked, once in the clip and at three places far apart in the longer one: the window is full
around each, and the run stays short."""
QUALITY, RATE, GRAIN, SEED = 18, Fraction(24), 1.5, 3


def large_row(folder: Path, tell: Callable[[str], None]) -> BenchRow:
    """A region edit of 2 % at 1080p, mask to checked film, against decoding and encoding the clip alone, in turn."""
    tell(f"region edit at {LARGE[0]}x{LARGE[1]}: {LARGE_FRAMES} frames, mask of {AREA:.0%}, {RUNS} runs of both")
    film, mask = film_of(folder / "large.mp4", LARGE, LARGE_FRAMES), mask_of(folder / "large.png", LARGE, AREA)
    copied, edited = [], []
    for run in range(RUNS):
        copied.append(_timed(partial(_copied, film, folder / f"copy{run}.mp4")))
        edited.append(_timed(partial(inpaint_media, film, mask, folder / f"edit{run}.mp4")))
        tell(f"edited in {edited[-1]:.1f} s, decoded and encoded in {copied[-1]:.1f} s")
    what = f"region edit of {AREA:.0%} at 1080p, against decoding and encoding alone"
    return row(what, "ms/frame", edited, copied, 1000 / LARGE_FRAMES)


def memory_row(folder: Path, tell: Callable[[str], None]) -> BenchRow:
    """Peak memory of `suture inpaint`'s own call, in a process of its own, on a clip and on one ten times longer."""
    peaks = []
    for times in (1, TIMES):
        film = film_of(folder / f"long{times}.mp4", LONG, LONG_FRAMES * times, times)
        mask = stretches_of(folder / f"long{times}-mask.mkv", LONG, times)
        peaks.append(alone(peak_of, film, mask, folder / f"long{times}-edit.mp4"))
        tell(f"memory of a region edit of {LONG_FRAMES * times} frames at {LONG[0]}x{LONG[1]}: {peaks[-1]:.0f} MB")
    return row(f"peak memory, clip {TIMES} times longer against the clip", "MB", peaks[1:], peaks[:1])


def peak_of(film: Path, mask: Path, out: Path) -> float:
    """Edits a region and returns the most memory that this process has held, in MB."""
    inpaint_media(film, mask, out)
    return peak_memory()


def _timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _copied(film: Path, out: Path) -> None:
    write_video(out, frames(film), probe(film))


def film_of(path: Path, size: tuple[int, int], count: int, ways: int = 1) -> Path:
    """An H.264 film of a camera that goes over a photograph, there and back `ways` times, with grain."""
    write_h264(path, _grained(photographed(PHOTOGRAPH, size, count, ways)), RATE, QUALITY)
    return path


def _grained(pictures: Iterator[Rgb]) -> Iterator[Rgb]:
    """The pictures with one field of grain, moved about."""
    field = None
    for index, picture in enumerate(pictures):
        field = grain_like((picture.shape[0], picture.shape[1]), GRAIN, (SEED,)) if field is None else field
        moved = np.roll(field, 7919 * index)
        yield np.asarray(np.clip(np.rint(picture + moved), 0, 255), np.uint8)


def mask_of(path: Path, size: tuple[int, int], area: float) -> Path:
    """A still mask as PNG."""
    cv2.imwrite(str(path), ellipse(size, area).astype(np.uint8) * 255)
    return path


def stretches_of(path: Path, size: tuple[int, int], times: int) -> Path:
    """A mask film that has the region for STRETCH frames in the middle of some of its LONG_FRAMES."""
    region = ellipse(size, AREA)
    masked = sorted({*np.linspace(0, times - 1, STRETCHES).round().astype(int).tolist()})
    starts = [LONG_FRAMES * place + (LONG_FRAMES - STRETCH) // 2 for place in masked]
    shown = {start + step: region for start in starts for step in range(STRETCH)}
    write_mask(path, MaskTrack.of(shown, *size), LONG_FRAMES * times, RATE)
    return path


def ellipse(size: tuple[int, int], area: float) -> Bits:
    """(H, W) of a frame of `size`, true in an ellipse of that share of it, off the middle."""
    width, height = size
    mask = np.zeros((height, width), np.uint8)
    radius = (area * width * height / np.pi) ** 0.5
    centre, axes = (int(0.42 * width), int(0.55 * height)), (int(radius * 1.2), int(radius / 1.2))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 1, -1)
    return mask > 0
