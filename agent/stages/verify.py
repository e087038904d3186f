"""Verify: every check of a repair, and a second look for the finding in the gated take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools.editors.gate import reference_picture, scene_of
from tools.editors.support import feather_width
from tools.media.probe import probe
from tools.types import Edit, Rgb, Verdict
from tools.vision import checks
from tools.vision.remade import verify_regeneration
from tools.vision.retaken import verify_retake

StillThere = Callable[[Path], bool]
"""Whether the finding, or something new in its place, is seen in a take."""


def verify(edit: Edit, take: Path, still_there: StillThere) -> Verdict:
    """The verdict on a take that went through the gate, against the clip the edit was made from.

    A region edit is judged under its support, a retake at its joins, a shot made again against its scene.
    """
    if edit.action == "retake" and edit.window is not None:
        return verify_retake(edit.clip, take, edit.window, still_there=still_there)
    if edit.action == "regenerate":
        return verify_regeneration(edit.clip, take, scene=scene_of(edit), ends=_ends(edit), still_there=still_there)
    feather = 0 if edit.hard_edge else feather_width(probe(edit.clip.media).width)
    return checks.verify(edit.clip, take, edit.mask, feather=feather, still_there=still_there)


def _ends(edit: Edit) -> dict[str, Rgb]:
    """The frames that a shot made again must open and close with, where the edit names them."""
    return {one.role: reference_picture(one) for one in edit.references if one.role != "look"}
