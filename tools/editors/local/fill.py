"""Image inpainting models on this machine, through diffusers: panels of sheets, and key frames of one picture.

The model is shown a crop around the region at a size that it was trained on; its colours are matched to the surround
and detail and grain that it loses are given back before it is laid under the mask. Which family a model belongs to
(FLUX Fill, Qwen-Image, Qwen-Image-Edit, Stable Diffusion) is read from its weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from tools.editors.fitting._colour import SAME
from tools.editors.fitting._detail import Lost, lost, restored
from tools.editors.local import models
from tools.editors.local.cleanplate.fields import Field
from tools.editors.local.diffusion.crop import Crop, crop_around
from tools.editors.local.diffusion.editor import ModelEditor, recipe_of
from tools.editors.local.diffusion.match import blanked, matched, wide
from tools.editors.local.diffusion.region import reference_picture, region_of
from tools.editors.local.diffusion.still import FAMILIES, PIPELINES, Family, Sheet, StillRecipe, drawn
from tools.editors.local.jobs import Work
from tools.editors.registry import Entry, House
from tools.errors import Refused
from tools.media import pixels
from tools.media.decode import frames
from tools.media.encode import open_writer
from tools.media.probe import probe
from tools.types import Bits, Box, Edit, Frame, Rgb, Take

How: TypeAlias = dict[str, str | float | int | bool]


class Fill(ModelEditor):
    """Draws what is under a mask of one picture anew."""

    def __init__(self, house: House, entry: Entry) -> None:
        super().__init__(house, entry)
        self.recipe = recipe_of(StillRecipe, entry)

    @property
    def work_bytes(self) -> int:
        return int(self.recipe.work_gib * models.GIB)

    def check(self, edit: Edit) -> None:
        self.refuse_common(edit)
        if edit.clip.frames != 1:
            raise Refused(f"{self.name} edits one picture at a time, and the clip has {edit.clip.frames}")

    def make(self, edit: Edit, kept: Path, folder: Path, work: Work) -> Take:
        del kept  # one picture has nothing half finished that would be worth keeping
        info = probe(edit.clip.media)
        (source,) = frames(edit.clip, info=info)
        region = region_of(edit, info).at(0)
        made, how = self._painted(edit, source, region, work)
        out = folder / ("fill" if info.kind == "frames" else "fill.mkv")
        with open_writer(out, info.model_copy(update={"frames": 1}), codec="ffv1") as writer:
            writer.write(made)
        work.done(1)
        return Take(media=out, how=how)

    def _painted(self, edit: Edit, source: Frame, region: Bits, work: Work) -> tuple[Frame, How]:
        """The source with its region drawn anew, and how that was done."""
        box = Box.around(region)
        if box is None:
            return source, {"pixels": 0}
        with models.loaded(self.name, self.weights, self.environment, self.work_bytes, PIPELINES) as model:
            family = FAMILIES[model.family]
            family.ready(model.pipeline, model.folder)
            crop = self._crop(box, source, family)
            picture = pixels.rgb8(source)
            sheet = self._sheet(edit, crop.shown(picture), wide(crop.hole(region)), family)
            raw = drawn(model.pipeline, family, sheet, self.recipe, work)
            why = model.placement.why
        patch = joined(raw, sheet, crop, picture, edit)
        inside = region[crop.box.slices]
        picture[crop.box.slices][inside] = patch[inside]
        codes = pixels.rgb8_to_444(picture, source)
        how: How = {"model": family.pipeline, "pixels": crop.width * crop.height, "placement": why}
        return pixels.composite(source, pixels.from_444(codes, source), region), how

    def _crop(self, box: Box, source: Frame, family: Family) -> Crop:
        crop = crop_around(box, source.width, source.height, self.recipe.sizes)
        return crop.resized(family.settled((crop.width, crop.height)), source.width, source.height)

    def _sheet(self, edit: Edit, shown: Rgb, hole: Bits, family: Family) -> Sheet:
        looks = [one for one in edit.references if one.role == "look"][: self.capabilities.references]
        pictures = [Image.fromarray(reference_picture(one)) for one in looks]
        seen = shown if family.edits else blanked(shown, hole)
        return Sheet(seen, hole, edit.prompt, pictures, edit.seed)


def build(house: House, entry: Entry) -> Fill:
    """The editor for the registry."""
    return Fill(house, entry)


def joined(raw: Field, sheet: Sheet, crop: Crop, picture: Rgb, edit: Edit) -> Rgb:
    """What the model drew at the crop's size in the source, in the surround's colours, with its detail and grain."""
    fixed = matched(raw, sheet.shown.astype(np.float32), sheet.hole)
    back = crop.back(np.asarray(np.rint(fixed), np.uint8))
    pair = back, picture[crop.box.slices], ~crop.region(sheet.hole)
    lacks = lost([pair], SAME) if edit.grain else Lost()
    return restored(back, lacks, edit.seed)
