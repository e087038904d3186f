"""What a region costs with Wan VACE beside the stock pipeline on the whole frame, in one run on one GPU.

The weights are random, at the real size of the 1.3B model: speed and memory do not depend on what they hold. The words
are random embeddings, so that no text encoder is needed; both ways are given the same.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evals.bench._rows import Measured, row
from tools.editors.local import models
from tools.editors.local.diffusion.crop import Crop, crop_around
from tools.editors.local.diffusion.match import matched, wide
from tools.editors.local.diffusion.stand_in import Scale, Spent, embedded, random_pipeline, spent, whole_frame
from tools.editors.local.diffusion.wan import Given, Recipe, painted, united
from tools.editors.local.jobs import Work
from tools.errors import BadInput
from tools.types import Box

REGION = 0.10
"""Share of the frame that the region covers."""
RUNS = 2
GIB = 1 << 30


REAL = Scale(heads=12, head=128, inner=8960, layers=30, words=4096, vae={}, width=832, height=480, frames=81, steps=8)
"""Wan 2.1 VACE 1.3B, and a clip of its own size; 8 steps instead of 30 flatter nobody: the VAE gains least."""


def measure(folder: Path, tell: Callable[[str], None]) -> Measured:
    """Seconds per clip and peak memory of the region's crop over those of the whole frame. Needs a CUDA GPU."""
    del folder
    if models.device() != "cuda":
        raise BadInput("bench vace needs a CUDA GPU with 24 GiB, and this machine has none; run it on one that has")
    measured = measured_on("cuda", REAL, tell)
    return measured.model_copy(update={"figures": {**measured.figures, "gpu": models.device_name()}})


def measured_on(device: str, scale: Scale, tell: Callable[[str], None]) -> Measured:
    """Both ways in turn on one device, after one unmeasured run of each."""
    tell("making a model with random weights")
    pipeline, words = random_pipeline(device, scale), embedded(device, scale)
    shown, region = clip_of(scale)
    crop, whole = [], []
    for run in range(RUNS + 1):
        tell(f"run {run} of {RUNS}: the region's crop, then the whole frame")
        one = spent(device, lambda: region_edit(pipeline, shown, region, scale, words))
        other = spent(device, lambda: whole_frame(pipeline, shown, region, scale, words))
        if run:
            crop.append(one)
            whole.append(other)
    return figures(crop, whole, scale)


def figures(crop: list[Spent], whole: list[Spent], scale: Scale) -> Measured:
    """Rows of seconds and memory, and how many times faster the crop is."""
    seconds = row("one clip", "s", [one.seconds for one in crop], [one.seconds for one in whole])
    ours, theirs = ([max(1, one.peak) / GIB for one in way] for way in (crop, whole))
    told = crop_of(scale)
    return Measured(
        rows=(seconds, row("peak memory", "GiB", ours, theirs)),
        figures={
            "faster": round(1 / seconds.ratio, 2),
            "region": REGION,
            "crop": [told.width, told.height],
            "frame": [scale.width, scale.height],
            "frames": scale.frames,
            "steps": scale.steps,
        },
    )


# The clip and the two ways.


def clip_of(scale: Scale) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A clip (n, h, w, 3), and a region (h, w) of the frame's own aspect in it."""
    shown = np.random.default_rng(0).integers(0, 255, (scale.frames, scale.height, scale.width, 3), np.uint8)
    region = np.zeros((scale.height, scale.width), np.bool_)
    region[box_of(scale).slices] = True
    return shown, region


def box_of(scale: Scale) -> Box:
    """The region: in the middle of the frame, of its aspect."""
    w, h = round(scale.width * REGION**0.5), round(scale.height * REGION**0.5)
    return Box((scale.width - w) // 2, (scale.height - h) // 2, w, h)


def crop_of(scale: Scale) -> Crop:
    """The crop that the editor makes for the region, by the roster's recipe, in proportion to the frame."""
    sizes = Recipe().sizes
    share = min(1.0, scale.width * scale.height / sizes.most)
    fitting = sizes.model_copy(update={"least": int(sizes.least * share), "most": int(sizes.most * share)})
    return crop_around(box_of(scale), scale.width, scale.height, fitting)


def region_edit(
    pipeline: Any, shown: NDArray[np.uint8], region: NDArray[np.bool_], scale: Scale, words: dict[str, Any]
) -> NDArray[np.uint8]:
    """As the editor does it: the crop, its colours matched, laid back into the frame."""
    crop, count = crop_of(scale), scale.frames
    small = np.stack([crop.shown(one) for one in shown])
    holes = united([wide(crop.hole(region))] * count, 0, count)
    made = painted(pipeline, Given(small, holes, ""), Recipe(steps=scale.steps), Work(), **words)
    result, inside = shown.copy(), region[crop.box.slices]
    for index, one in enumerate(made):
        fixed = matched(one, small[index].astype(np.float32), holes[index])
        result[index][crop.box.slices][inside] = crop.back(np.asarray(np.rint(fixed), np.uint8))[inside]
    return result
