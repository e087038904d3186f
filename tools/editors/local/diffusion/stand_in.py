"""A Wan VACE pipeline with random weights, of any size: what its speed and memory are, nothing needs to be downloaded.

Speed and memory do not depend on what weights hold. Words are random embeddings, so that no text encoder is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import diffusers
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image


class Scale(NamedTuple):
    """A model's size (heads, their width, the inner width, layers, the words' width, its VAE), and that of a clip."""

    heads: int
    head: int
    inner: int
    layers: int
    words: int
    vae: dict[str, Any]
    width: int
    height: int
    frames: int
    steps: int


class Spent(NamedTuple):
    """Wall seconds and the most memory of the device, in bytes."""

    seconds: float
    peak: int


def spent(device: str, work: Callable[[], object]) -> Spent:
    """What a piece of work takes on a device; memory is told of CUDA only."""
    on_gpu = device == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    work()
    if on_gpu:
        torch.cuda.synchronize()
    return Spent(time.perf_counter() - start, torch.cuda.max_memory_allocated() if on_gpu else 0)


def whole_frame(
    pipeline: Any, shown: NDArray[np.uint8], region: NDArray[np.bool_], scale: Scale, words: dict[str, Any]
) -> Any:
    """The stock pipeline, called as its documentation says: every frame whole, grey under the mask."""
    grey = np.where(region[..., None], np.uint8(128), shown)
    return pipeline(
        video=[Image.fromarray(one) for one in grey],
        mask=[Image.fromarray(region.astype(np.uint8) * 255)] * scale.frames,
        height=scale.height,
        width=scale.width,
        num_frames=scale.frames,
        num_inference_steps=scale.steps,
        guidance_scale=5.0,
        generator=torch.Generator("cpu").manual_seed(0),
        **words,
    ).frames[0]


def random_pipeline(device: str, scale: Scale) -> Any:
    """The pipeline without its text encoder; as the editor has it, in 16 bits on a GPU but for the VAE."""
    library: Any = diffusers
    torch.manual_seed(0)
    with torch.device(device):
        vae = library.AutoencoderKLWan(**scale.vae)
        transformer = library.WanVACETransformer3DModel(
            num_attention_heads=scale.heads,
            attention_head_dim=scale.head,
            ffn_dim=scale.inner,
            num_layers=scale.layers,
            text_dim=scale.words,
            vace_layers=list(range(0, scale.layers, 2)),
        )
    flow = {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}
    made = library.WanVACEPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=vae.eval(),
        scheduler=library.UniPCMultistepScheduler(**flow),
        transformer=transformer.to(_dtype(device)).eval(),
    )
    made.set_progress_bar_config(disable=True)
    return made.to(device)


def embedded(device: str, scale: Scale) -> dict[str, Any]:
    """Words as the text encoder would give them: (1, 512, words)."""
    made = torch.randn((1, 512, scale.words), generator=torch.Generator("cpu").manual_seed(0))
    one = made.to(device, _dtype(device))
    return {"prompt": None, "prompt_embeds": one, "negative_prompt_embeds": torch.zeros_like(one)}


def _dtype(device: str) -> Any:
    return torch.bfloat16 if device == "cuda" else torch.float32
