"""A way of filling run in a process of its own: its time, a yardstick beside it, and the memory it took at most."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import cv2

from evals.bench.fill._clips import COUNT, completion
from evals.bench.fill._flow import gray
from evals.bench.fill._ways import WAYS
from tools.types import Gray, Rgb

P = ParamSpec("P")
R = TypeVar("R")
STATUS = Path("/proc/self/status")
WARM = 3
"""Frames that are filled before the clock runs: libraries load at the first use."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a way made of a clip, in seconds and MB; `passes` are two passes of flow, timed before and after it."""

    pictures: tuple[Rgb, ...]
    seconds: float
    passes: tuple[float, float]
    peak: float

    @property
    def rate(self) -> float:
        """Frames per second."""
        return len(self.pictures) / self.seconds

    @property
    def cost(self) -> float:
        """Time as a multiple of two passes of flow."""
        return self.seconds / (sum(self.passes) / 2)


def alone(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `work` returns in a fresh process, so that no earlier work is in its peak of memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **kwargs).result()


def completed(clip: str, way: str, count: int = COUNT) -> Ran:
    """One way over one clip of the completion, timed between two yardsticks; run it `alone` for its memory."""
    footage = completion(clip, count)
    blanked, light = footage.blanked, [gray(picture) for picture in footage.truth]
    list(WAYS[way](blanked[:WARM], footage.masks[:WARM]))
    before = two_passes(light)
    start = time.perf_counter()
    made = tuple(WAYS[way](blanked, footage.masks))
    seconds = time.perf_counter() - start
    return Ran(made, seconds, (before, two_passes(light)), peak_memory())


def two_passes(light: Sequence[Gray]) -> float:
    """Seconds that DIS at its medium setting takes from every picture to the next and back."""
    dis: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    start = time.perf_counter()
    for one, two in pairwise(light):
        dis.calc(one, two, None)
        dis.calc(two, one, None)
    return time.perf_counter() - start


def peak_memory() -> float:
    """The most memory this process has held, in MB.

    `ru_maxrss` of a child starts at what its parent held when it was forked, so Linux's own figure of the running
    program goes before it.
    """
    if STATUS.is_file():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
