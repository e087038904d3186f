"""One window through a Wan VACE pipeline: what it is given, how, and what comes back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from tools.editors.local.diffusion.crop import Sizes
from tools.editors.local.diffusion.editor import asking
from tools.editors.local.diffusion.windows import GROUP, Window
from tools.editors.local.jobs import Stopped, Work
from tools.types import Bits, Frozen

Video = NDArray[np.uint8]
"""(n, h, w, 3)."""
Holes = NDArray[np.bool_]
"""(n, h, w), true where the model draws."""
GREY = 0.5
"""What the footage is where the model draws: another grey leaves a cast, as it is what the model was trained on."""


class Recipe(Frozen):
    """How the model is used; the roster's `settings` of the editor."""

    steps: int = Field(default=30, ge=1)
    guidance: float = 5.0
    flow_shift: float = 3.0
    """3 for 480p, 5 for 720p (the model's own pages)."""
    frames: int = Field(default=81, multiple_of=1, ge=5)
    """Most frames of a window: 4n+1."""
    overlap: int = Field(default=9, ge=1)
    """Fewest frames that two windows share: 4n+1."""
    least_pixels: int = 102_400
    most_pixels: int = 399_360
    multiple: int = 16
    conditioning: float = 1.0
    negative: str = ""
    work_gib: float = 8.0
    """Memory that a window needs beside the weights."""

    @property
    def sizes(self) -> Sizes:
        return Sizes(least=self.least_pixels, most=self.most_pixels, multiple=self.multiple)


class Given(NamedTuple):
    """What the model is given of a window: 4n+1 pictures, where it draws, and what it is told."""

    shown: Video
    holes: Holes
    prompt: str
    references: Sequence[Image.Image] = ()
    seed: int = 0


def painted(pipeline: Any, given: Given, recipe: Recipe, work: Work, **words: Any) -> NDArray[np.float32]:
    """What the model makes of a window, (n, h, w, 3) in 0-255. The mask is white where it draws.

    `words` stand in for the prompt where its embeddings are at hand. Raises Stopped when the job is cancelled.
    """
    _shift(pipeline, recipe.flow_shift)
    try:
        answer = pipeline(**_arguments(given, recipe), **(words or _words(given, recipe)), **asking(work))
    except Stopped:
        pipeline.maybe_free_model_hooks()
        raise
    made = np.nan_to_num(np.asarray(answer.frames[0], np.float32), nan=GREY)
    return np.asarray(np.clip(made, 0, 1) * 255, np.float32)


def _arguments(given: Given, recipe: Recipe) -> dict[str, Any]:
    """The pipeline's arguments; video and mask as (1, n, h, w, c) arrays in 0-1."""
    import torch  # noqa: PLC0415 - heavy

    count, height, width = given.holes.shape
    video = np.where(given.holes[..., None], np.float32(GREY), given.shown.astype(np.float32) / 255)
    return {
        "video": video[None],
        "mask": given.holes[None, ..., None].astype(np.float32),
        "reference_images": list(given.references) or None,
        "conditioning_scale": recipe.conditioning,
        "height": height,
        "width": width,
        "num_frames": count,
        "num_inference_steps": recipe.steps,
        "guidance_scale": recipe.guidance,
        "generator": torch.Generator("cpu").manual_seed(given.seed),
        "output_type": "np",
    }


def _words(given: Given, recipe: Recipe) -> dict[str, Any]:
    return {"prompt": given.prompt, "negative_prompt": recipe.negative or None}


def _shift(pipeline: Any, shift: float) -> None:
    """The scheduler with the shift that the size wants, fresh: it remembers steps."""
    config = pipeline.scheduler.config
    if "flow_shift" in config:
        pipeline.scheduler = type(pipeline.scheduler).from_config(config, flow_shift=shift)


def united(holes: Sequence[Bits], known: int, length: int) -> Holes:
    """The holes of `length` frames: `known` ones have none, and the frames of one latent frame have one in common.

    The model keeps one mask per latent frame, that of one of its four frames: a region that moves would be wrong in the
    others. Frames beyond the last repeat it.
    """
    stack = np.stack([*holes, *[holes[-1]] * (length - len(holes))])
    edges = [0, *range(1, length + 1, GROUP)]
    for first, end in pairwise(edges):
        stack[first:end] = stack[first:end].any(axis=0)
    stack[:known] = False
    return stack


def seed_of(seed: int, window: Window) -> int:
    """A window's own seed: the same noise in every window would draw the same texture again and again."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{window.first}".encode()).digest()[:4], "little")
