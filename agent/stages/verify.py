"""Verify: every check of a repair, and a second look for the finding in the gated take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools.editors.support import feather_width
from tools.media.probe import probe
from tools.types import Edit, Verdict
from tools.vision import checks

StillThere = Callable[[Path], bool]
"""Whether the finding, or something new in its place, is seen in a take."""


def verify(edit: Edit, take: Path, still_there: StillThere) -> Verdict:
    """The verdict on a take that went through the gate, against the clip the edit was made from, under its support."""
    feather = 0 if edit.hard_edge else feather_width(probe(edit.clip.media).width)
    return checks.verify(edit.clip, take, edit.mask, feather=feather, still_there=still_there)
