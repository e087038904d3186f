"""The `plate` editor: clean plates on the CPU, free, with nothing leaving the machine.

The take is lossless (FFV1, or a folder of PNG for frames).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.editors.local.jobs import LocalEditor, Work
from tools.editors.registry import Entry, House
from tools.editors.support import Support
from tools.errors import BadInput, Refused
from tools.media.decode import frames
from tools.media.encode import write_video
from tools.media.probe import probe
from tools.media.sheets import read_picture
from tools.types import Edit, Frame, MediaInfo, Quote, Reference, Take
from tools.vision.backdrop import plain_backdrop

if TYPE_CHECKING:
    from tools.editors.local.cleanplate.inpaint import Filled, Method
    from tools.editors.local.cleanplate.reference import Tracked

RIM = 0.003
"""Share of a panel's longer side that its figure's edge is wide, where backdrop and figure mix. Set on one repair of
the sample film: half of it leaves a pale rim (35.1 dB), twice of it eats into the hair (31.6); this has 34.6.
"""
METHODS: dict[str, Method] = {
    "auto": "auto",
    "temporal": "temporal",
    "reference": "reference",
    "spatial": "spatial",
    "texture": "texture",
}


class Plate(LocalEditor):
    """Fills masked regions with pixels found in other frames, in references, or grown from the surround."""

    def quote(self, edit: Edit) -> Quote:
        """Free; the seconds are the roster's figure for the clip's length. Refused without a mask."""
        self.check(edit)
        seconds = edit.clip.frames / 24 * self.capabilities.seconds_per_second
        return Quote(usd=Decimal(0), seconds=round(seconds, 1), why="computed on this machine")

    def check(self, edit: Edit) -> None:
        self.refuse_common(edit)
        if edit.method == "reference" and not edit.references:
            raise Refused(f"{self.name} needs a reference picture for its method 'reference'")

    def make(self, edit: Edit, kept: Path, folder: Path, work: Work) -> Take:
        del kept
        return make_take(edit, folder, work.done)

    def streamed(self, edit: Edit, work: Work) -> Filling:
        return Filling(edit, probe(edit.clip.media), work.done)


def build(house: House, entry: Entry) -> Plate:
    """The editor for the registry."""
    return Plate(entry.name, entry.capabilities, house.home)


class Filling:
    """A plate's frames as they are made, and how they were made once they are; `progress` is told frames done."""

    def __init__(self, edit: Edit, info: MediaInfo, progress: Callable[[int], None] | None = None) -> None:
        self._edit, self._info, self._progress = edit, info, progress
        self._shares: list[float] = []
        self._errors: list[float] = []

    def frames(self, source: Iterator[Frame]) -> Iterator[Frame]:
        for count, filled in enumerate(plate_frames(self._edit, self._info, source), start=1):
            if filled.error:
                self._shares.append(filled.borrowed)
                self._errors.append(filled.error)
            yield filled.frame
            if self._progress is not None:
                self._progress(count)

    @property
    def how(self) -> dict[str, str | float | int | bool]:
        """The method, how many frames were filled, the share of them that is borrowed, and the PSNR expected in dB."""
        how: dict[str, str | float | int | bool] = {"method": self._edit.method, "frames": len(self._shares)}
        if self._shares:
            borrowed, psnr = float(np.mean(self._shares)), expected_psnr(self._errors)
            how |= {"borrowed": round(borrowed, 4), "expected_psnr": round(psnr, 2)}
        return how


def make_take(edit: Edit, folder: Path, progress: Callable[[int], None] | None = None) -> Take:
    """Runs the plate over the edit's clip and writes the take into `folder`; `progress` is told frames done."""
    info = probe(edit.clip.media)
    out = folder / ("plate" if info.kind == "frames" else "plate.mkv")
    filling = Filling(edit, info, progress)
    made = filling.frames(frames(edit.clip, info=info))
    write_video(out, made, info.model_copy(update={"frames": edit.clip.frames}), codec="ffv1")
    return Take(media=out, how=filling.how)


def expected_psnr(errors: list[float]) -> float:
    """PSNR in the hole, in dB, that mean squared errors in 8-bit steps stand for."""
    return float(10 * np.log10(255**2 / max(float(np.mean(errors)), 1e-3)))


def plate_frames(edit: Edit, info: MediaInfo, source: Iterator[Frame]) -> Iterator[Filled]:
    """The clip's frames with the region filled, in the source's own planes."""
    from tools.editors.local.cleanplate.inpaint import Settings, inpaint  # noqa: PLC0415 - heavy

    if edit.mask is None:
        raise BadInput(f"{edit.clip.media}: an inpaint needs a mask")
    support = Support(edit.mask, info, edit.clip.frames, hard_edge=edit.hard_edge)
    settings = Settings(method=METHODS[edit.method], grain=edit.grain, seed=edit.seed)
    references = [tracked(one, footage=edit.clip.frames > 1) for one in edit.references]
    return inpaint(source, support.masks(), references, settings)


def tracked(reference: Reference, *, footage: bool) -> Tracked:
    """A reference file as the plate borrows from it: cut to its box, less what it is not to be trusted with.

    A panel's plain backdrop is nothing that footage shows behind the character; another panel of its sheet has it too.
    """
    from tools.editors.local.cleanplate.fields import grown  # noqa: PLC0415 - heavy
    from tools.editors.local.cleanplate.reference import Tracked  # noqa: PLC0415

    picture = read_picture(reference.path)
    trusted = np.ones(picture.shape[:2], np.bool_)
    if reference.mask is not None:
        barred = read_picture(reference.mask).max(axis=2) > 0
        if barred.shape != trusted.shape:
            raise BadInput(f"{reference.mask}: the mask and {reference.path.name} differ in size; make them equal")
        trusted = ~barred
    if reference.box is not None:
        picture, trusted = picture[reference.box.slices], trusted[reference.box.slices]
    if footage and reference.kind == "panel":
        trusted = trusted & ~grown(plain_backdrop(picture), round(RIM * max(picture.shape)))
    return Tracked(picture.copy(), trusted.copy())
