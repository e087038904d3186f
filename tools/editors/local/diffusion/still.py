"""One picture through an image inpainting pipeline: FLUX Fill, Qwen-Image and Qwen-Image-Edit, Stable Diffusion.

All of them draw where the mask is white. They differ in their words, in how strongly these are followed, and in the
sizes that they take; which one a folder of weights is for, its own index says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from tools.editors.local.diffusion.crop import Sizes
from tools.editors.local.diffusion.editor import asking
from tools.editors.local.jobs import Stopped, Work
from tools.errors import Refused
from tools.types import Bits, Frozen, Rgb

QWEN_AREA = 1024 * 1024
"""Pixels to which Qwen-Image-Edit brings whatever it is given."""
LOOK_AREA = 512 * 512
"""Most pixels of a reference that Qwen's words are told with."""
PICTURE = "Picture {}: <|vision_start|><|image_pad|><|vision_end|>"
"""How Qwen-Image-Edit is told of a further picture (its own pipeline for several pictures)."""


class StillRecipe(Frozen):
    """How a model is used; the roster's `settings` of the editor."""

    steps: int = Field(default=30, ge=1)
    guidance: float = 7.0
    strength: float = Field(default=1.0, gt=0, le=1)
    """1: nothing of what lies under the mask is kept."""
    negative: str = ""
    least_pixels: int = 262_144
    most_pixels: int = 1_048_576
    multiple: int = 16
    work_gib: float = 4.0

    @property
    def sizes(self) -> Sizes:
        return Sizes(least=self.least_pixels, most=self.most_pixels, multiple=self.multiple)


class Sheet(NamedTuple):
    """What a model is given: a picture (h, w, 3), where it draws, and what it is told."""

    shown: Rgb
    hole: Bits
    prompt: str
    references: Sequence[Image.Image] = ()
    seed: int = 0


Words = Callable[[Any, Sheet, StillRecipe], dict[str, Any]]


class Family(NamedTuple):
    """Models of one kind: the pipeline that inpaints with them, and how it is told what to draw."""

    pipeline: str
    words: Words
    edits: bool = False
    """True where it changes what lies under the mask, and so must see it."""
    ready: Callable[[Any, Path], None] = lambda _pipeline, _folder: None
    """What a pipeline lacks after it was loaded from a folder of weights."""
    settled: Callable[[tuple[int, int]], tuple[int, int]] = lambda size: size
    """The size (width, height) that the pipeline makes of another."""


def _guided(_pipeline: Any, sheet: Sheet, recipe: StillRecipe) -> dict[str, Any]:
    """FLUX Fill: its guidance is distilled, and it knows nothing negative."""
    return {"prompt": sheet.prompt, "guidance_scale": recipe.guidance}


def _against(_pipeline: Any, sheet: Sheet, recipe: StillRecipe) -> dict[str, Any]:
    """Stable Diffusion."""
    return {"prompt": sheet.prompt, "negative_prompt": recipe.negative, "guidance_scale": recipe.guidance}


def _true(_pipeline: Any, sheet: Sheet, recipe: StillRecipe) -> dict[str, Any]:
    """Qwen-Image: guidance needs a negative prompt, be it a space."""
    return {"prompt": sheet.prompt, "negative_prompt": recipe.negative or " ", "true_cfg_scale": recipe.guidance}


def _with_pictures(pipeline: Any, sheet: Sheet, recipe: StillRecipe) -> dict[str, Any]:
    """Qwen-Image-Edit: its encoder of words sees the picture, and every reference as a further one."""
    import torch  # noqa: PLC0415 - heavy

    if not sheet.references:
        return _true(pipeline, sheet, recipe)
    seen = [Image.fromarray(sheet.shown), *map(_small, sheet.references)]
    further = "".join(PICTURE.format(number) for number in range(2, len(seen) + 1))
    told = {"true_cfg_scale": recipe.guidance}
    for name, words in (("prompt", sheet.prompt), ("negative_prompt", recipe.negative or " ")):
        with torch.no_grad():
            embedded, mask = pipeline.encode_prompt(prompt=further + words, image=seen)
        told |= {f"{name}_embeds": embedded, f"{name}_embeds_mask": _whole(embedded) if mask is None else mask}
    return told


def _seeing(pipeline: Any, folder: Path) -> None:
    pipeline.register_modules(processor=Eyes(folder, pipeline.tokenizer))


class Eyes:
    """Pictures and words as Qwen's encoder takes them: transformers' own processor, without its need of torchvision.

    Every sign for a picture is repeated once per token that the picture becomes.
    """

    SIGN = "<|image_pad|>"

    def __init__(self, folder: Path, tokenizer: Any) -> None:
        from transformers import Qwen2VLImageProcessorPil  # noqa: PLC0415 - heavy

        self._pictures = Qwen2VLImageProcessorPil.from_pretrained(folder / "processor")
        self._tokenizer = tokenizer

    def __call__(self, text: list[str], images: Any, padding: bool, return_tensors: str) -> Any:
        """Ids and mask of the words, pixels and grids of the pictures."""
        seen = self._pictures(images=images, return_tensors=return_tensors)
        counts = iter(int(grid.prod()) // self._pictures.merge_size**2 for grid in seen["image_grid_thw"])
        parts = [one.split(self.SIGN) for one in text]
        told = [first + "".join(self.SIGN * next(counts) + rest for rest in more) for first, *more in parts]
        words = self._tokenizer(told, padding=padding, return_tensors=return_tensors)
        words.update(seen)
        return words


def _whole(embedded: Any) -> Any:
    import torch  # noqa: PLC0415 - heavy

    return torch.ones(embedded.shape[:2], dtype=torch.long, device=embedded.device)


def _small(picture: Image.Image) -> Image.Image:
    scale = (LOOK_AREA / (picture.width * picture.height)) ** 0.5
    if scale >= 1:
        return picture
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return Image.fromarray(np.asarray(cv2.resize(np.asarray(picture), size, interpolation=cv2.INTER_AREA), np.uint8))


def _qwen_size(size: tuple[int, int]) -> tuple[int, int]:
    """A size that Qwen-Image-Edit leaves as it is: about a megapixel, multiples of 32."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_inpaint  # noqa: PLC0415 - heavy

    library: Any = pipeline_qwenimage_edit_inpaint
    for _ in range(8):
        width, height, _ = library.calculate_dimensions(QWEN_AREA, size[0] / size[1])
        if (width, height) == size:
            break
        size = int(width), int(height)
    return size


FLUX = Family("FluxFillPipeline", _guided)
QWEN = Family("QwenImageInpaintPipeline", _true)
QWEN_EDIT = Family("QwenImageEditInpaintPipeline", _with_pictures, True, _seeing, _qwen_size)
STABLE = Family("StableDiffusionInpaintPipeline", _against)
STABLE_XL = Family("StableDiffusionXLInpaintPipeline", _against)

FAMILIES: dict[str, Family] = {
    "FluxFillPipeline": FLUX,
    "QwenImagePipeline": QWEN,
    "QwenImageInpaintPipeline": QWEN,
    "QwenImageEditPipeline": QWEN_EDIT,
    "QwenImageEditInpaintPipeline": QWEN_EDIT,
    "StableDiffusionPipeline": STABLE,
    "StableDiffusionInpaintPipeline": STABLE,
    "StableDiffusionXLPipeline": STABLE_XL,
    "StableDiffusionXLInpaintPipeline": STABLE_XL,
}
"""By the class that an index names: models that were saved from another pipeline of theirs inpaint all the same."""
PIPELINES = {name: one.pipeline for name, one in FAMILIES.items()}


def drawn(pipeline: Any, family: Family, sheet: Sheet, recipe: StillRecipe, work: Work) -> NDArray[np.float32]:
    """What the model makes of a picture, (h, w, 3) in 0-255. Raises Stopped when the job is cancelled.

    Refused where the model's own filter blacked the picture out.
    """
    try:
        answer = pipeline(**_arguments(sheet, recipe), **family.words(pipeline, sheet, recipe), **asking(work))
    except Stopped:
        pipeline.maybe_free_model_hooks()
        raise
    if any(getattr(answer, "nsfw_content_detected", None) or []):
        raise Refused("the model's own filter took the picture for indecent; another seed or prompt may pass")
    made = np.nan_to_num(np.asarray(answer.images[0], np.float32), nan=0.5)
    return np.asarray(np.clip(made, 0, 1) * 255, np.float32)


def _arguments(sheet: Sheet, recipe: StillRecipe) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - heavy

    height, width = sheet.hole.shape
    return {
        "image": Image.fromarray(sheet.shown),
        "mask_image": Image.fromarray(sheet.hole.astype(np.uint8) * 255),
        "height": height,
        "width": width,
        "strength": recipe.strength,
        "num_inference_steps": recipe.steps,
        "generator": torch.Generator("cpu").manual_seed(sheet.seed),
        "output_type": "np",
    }
