"""Wan VACE (Jiang et al. 2025) on this machine: masked region edits, and retakes between frames that are kept.

The model is shown a crop around the region at a size that it was trained on, never the whole frame where a crop will
do, in windows of 4n+1 frames. One crop serves a window: it covers the region of all its frames, so that the camera
moves in it as it was filmed (a crop that follows the region would add a motion of its own and resample every frame
differently). Frames are given one for one: the model was trained at 16 frames per second, but what it continues is the
motion of the surround, which it sees, and frames left out or doubled would show as stutter or ghosts in the result.

Where the mask is white the model draws; the footage is grey there (0.5). The end of a finished window is given to the
next one as known frames, and both are cross-faded over what they share. The work is done by `fetch`, window by window:
finished ones are kept with the job.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from tools.editors.fitting._colour import SAME
from tools.editors.fitting._detail import Lost, lost, restored
from tools.editors.local import models
from tools.editors.local.diffusion.crop import Crop, crop_around
from tools.editors.local.diffusion.editor import ModelEditor, recipe_of
from tools.editors.local.diffusion.match import matched, wide
from tools.editors.local.diffusion.region import boxes_of, reference_picture, region_of
from tools.editors.local.diffusion.wan import Given, Holes, Recipe, Video, painted, seed_of, united
from tools.editors.local.diffusion.windows import Window, stretches, windows
from tools.editors.local.jobs import Work
from tools.editors.registry import Entry, House
from tools.errors import MachineFailed, Refused
from tools.media import pixels
from tools.media.decode import frames
from tools.media.encode import open_writer
from tools.media.probe import probe
from tools.types import Bits, Box, Clip, Edit, Frame, Rgb, Take

LEAD = 5
"""Frames before and after the region that show how the footage goes on: the model's first latent frame and one more."""
COMPARED = 5
"""Frames of a window that tell how much detail and grain the model loses."""


PIPELINES = {name: name for name in ("WanVACEPipeline",)}
"""The pipelines whose weights it takes."""


class Piece(NamedTuple):
    """One window with its crop, and the file that keeps it when it is finished."""

    window: Window
    crop: Crop
    file: Path


class Made(NamedTuple):
    """A finished window: pictures at the model's size (real, h, w, 3), colours matched; and what detail they lack."""

    pictures: Video
    lacks: Lost


class Vace(ModelEditor):
    """Regenerates masked regions, or the frames of a window, with a Wan VACE model."""

    def __init__(self, house: House, entry: Entry) -> None:
        super().__init__(house, entry)
        self.recipe = recipe_of(Recipe, entry)

    @property
    def work_bytes(self) -> int:
        return int(self.recipe.work_gib * models.GIB)

    def check(self, edit: Edit) -> None:
        self.refuse_common(edit)
        if edit.action == "retake" and edit.window is None:
            raise Refused(f"{self.name} needs the window of frames that a retake replaces")

    def make(self, edit: Edit, kept: Path, folder: Path, work: Work) -> Take:
        return Windows(self, edit, kept, work).take(folder)


def build(house: House, entry: Entry) -> Vace:
    """The editor for the registry."""
    return Vace(house, entry)


class Windows:
    """One edit done window by window; memory holds two windows, whatever the length of the clip."""

    def __init__(self, editor: Vace, edit: Edit, kept: Path, work: Work) -> None:
        self.editor, self.edit, self.kept, self.work = editor, edit, kept, work
        self.info = probe(edit.clip.media)
        self.region = region_of(edit, self.info)
        self.boxes = boxes_of(self.region, edit.clip.frames)
        self.pieces = list(self._planned())

    def take(self, folder: Path) -> Take:
        """Finishes what is not finished yet, and writes the take."""
        self.kept.mkdir(parents=True, exist_ok=True)
        placed = self._painted_all()
        info, clip = self.info, self.edit.clip
        out = folder / ("vace" if info.kind == "frames" else "vace.mkv")
        with open_writer(out, info.model_copy(update={"frames": clip.frames}), codec="ffv1") as writer:
            for frame in self._composed():
                writer.write(frame)
                self.work.check()
        self.work.done(clip.frames)
        area = max((piece.crop.width * piece.crop.height for piece in self.pieces), default=0)
        how: dict[str, str | float | int | bool] = {"windows": len(self.pieces), "pixels": area, "placement": placed}
        return Take(media=out, how=how)

    def _planned(self) -> Iterator[Piece]:
        recipe, count = self.editor.recipe, self.edit.clip.frames
        told = f"{self.edit.model_dump_json()}{recipe!r}{self.editor.weights}"
        for stretch in stretches(self.boxes, count, LEAD):
            for window in windows(stretch, count, recipe.frames, recipe.overlap):
                crop = self._crop(window)
                name = hashlib.sha256(f"{told}{window}{crop}".encode()).hexdigest()[:16]
                yield Piece(window, crop, self.kept / f"{window.first:06d}-{name}.npz")

    def _crop(self, window: Window) -> Crop:
        """The crop that covers the region in all frames of a window."""
        shown = [self.boxes[index] for index in range(window.first, window.last + 1) if index in self.boxes]
        union = shown[0] if shown else Box(0, 0, self.info.width, self.info.height)
        for box in shown[1:]:
            union = union.union(box)
        return crop_around(union, self.info.width, self.info.height, self.editor.recipe.sizes)

    # The model's part.

    def _painted_all(self) -> str:
        """Paints every window that is not kept yet; says how the model was placed."""
        if all(piece.file.is_file() for piece in self.pieces):
            return "kept from before"
        editor = self.editor
        with models.loaded(editor.name, editor.weights, editor.environment, editor.work_bytes, PIPELINES) as model:
            before: Piece | None = None
            for piece in self.pieces:
                if not piece.file.is_file():
                    self._keep(piece, self._painted(piece, before, model.pipeline))
                before = piece
                self.work.done(piece.window.last + 1)
            return model.placement.why

    def _painted(self, piece: Piece, before: Piece | None, pipeline: Any) -> Made:
        window, crop = piece.window, piece.crop
        shown, rights, regions = self._seen(piece, before)
        holes = united([wide(one) for one in regions], window.known, window.length)
        padded = np.concatenate([shown, np.repeat(shown[-1:], window.length - window.real, axis=0)])
        seed = seed_of(self.edit.seed, window)
        given = Given(padded, holes, self.edit.prompt, self._references(), seed)
        made = painted(pipeline, given, self.editor.recipe, self.work)[: window.real]
        for index, one in enumerate(made):
            made[index] = matched(one, shown[index].astype(np.float32), holes[index])
        pictures = np.asarray(np.rint(made), np.uint8)
        return Made(pictures, self._lacks(crop, pictures, rights, holes))

    def _seen(self, piece: Piece, before: Piece | None) -> tuple[Video, dict[int, Rgb], list[Bits]]:
        """A window's pictures at the model's size, a few of them at the source's, and the regions at the model's."""
        window, crop, clip = piece.window, piece.crop, self.edit.clip
        finished = self._kept(before) if before and window.known else None
        part = Clip(media=clip.media, first=clip.first + window.first, last=clip.first + window.last)
        shown, rights, regions = [], {}, []
        for place, frame in enumerate(frames(part, info=self.info)):
            picture, index = pixels.rgb8(frame), window.first + place
            if place in _compared(window.real):
                rights[place] = picture[crop.box.slices].copy()
            if before and finished and place < window.known:
                self._lay(picture, index, before, finished, 1.0)
            shown.append(crop.shown(picture))
            regions.append(crop.hole(self.region.at(index)))
        return np.stack(shown), rights, regions

    def _lacks(self, crop: Crop, made: Video, rights: dict[int, Rgb], holes: Holes) -> Lost:
        """Detail and grain that the model's pictures lack where it repeats what it was shown."""
        pairs = [(crop.back(made[at]), right, ~crop.region(holes[at])) for at, right in rights.items()]
        return lost(pairs, SAME) if self.edit.grain else Lost()

    def _references(self) -> list[Image.Image]:
        most = self.editor.capabilities.references
        looks = [one for one in self.edit.references if one.role == "look"]
        return [Image.fromarray(reference_picture(one)) for one in looks[:most]]

    # What is kept.

    @staticmethod
    def _keep(piece: Piece, made: Made) -> None:
        """Writes a finished window; it appears under its name only when it is whole."""
        partial = piece.file.with_suffix(".part")
        try:
            with partial.open("wb") as stream:
                np.savez_compressed(stream, pictures=made.pictures, lacks=np.array(made.lacks))
            partial.replace(piece.file)
        except OSError as why:
            raise MachineFailed(f"{piece.file.parent}: a finished window cannot be kept ({why})") from why

    @staticmethod
    def _kept(piece: Piece) -> Made:
        with np.load(piece.file) as told:
            return Made(told["pictures"], Lost(*map(float, told["lacks"])))

    # The take.

    def _composed(self) -> Iterator[Frame]:
        """The clip's frames with the region's pixels from the windows, and all others the source's own."""
        held: dict[Path, Made] = {}
        for index, source in enumerate(frames(self.edit.clip, info=self.info)):
            now = [piece for piece in self.pieces if piece.window.first <= index <= piece.window.last]
            if index not in self.boxes:
                yield source
                continue
            held = {one.file: held.get(one.file) or self._kept(one) for one in now}
            picture = pixels.rgb8(source)
            for place, piece in enumerate(now):
                self._lay(picture, index, piece, held[piece.file], piece.window.share(index) if place else 1.0)
            codes = pixels.rgb8_to_444(picture, source)
            yield pixels.composite(source, pixels.from_444(codes, source), self.region.at(index))

    def _lay(self, picture: Rgb, index: int, piece: Piece, made: Made, share: float) -> None:
        """Lays a window's pixels of one frame into a picture (in place), as far as the region goes."""
        one = restored(piece.crop.back(made.pictures[index - piece.window.first]), made.lacks, self.edit.seed + index)
        place = picture[piece.crop.box.slices]
        inside = self.region.at(index)[piece.crop.box.slices]
        mixed = place[inside] * (1 - share) + one[inside] * share
        place[inside] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def _compared(count: int) -> set[int]:
    """A few places among `count`, evenly."""
    return {round(place * (count - 1) / (COMPARED - 1)) for place in range(COMPARED)}
