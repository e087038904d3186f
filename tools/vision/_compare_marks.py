"""Which of the panels that a shot was made from carries what is wrong in the shot: by colours, in whatever pose."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import cv2
import numpy as np
from scipy.spatial import cKDTree

from tools.types import Bits, Box, Rgb
from tools.vision._compare_register import Floats, weighted_lab
from tools.vision.backdrop import plain_backdrop

LONGEST = 160
"""Size in pixels at which panels are looked at."""
SAMPLES = 96
LIGHTNESS, SAME = 0.5, 8.0
"""What lightness counts, and the ΔE up to which a colour is the same: panels and shots are not lit alike."""
LEAST_PIXELS = 6
"""Pixels of its colour that a panel must show."""
CARRIES, MORE, AS_MUCH = 0.6, 0.25, -0.05
"""Share of a mark's colours that the panel at fault shows, and how much more than the other panels usually do; or as
much, where something else speaks against the panel: an older design may have the same colours in another pattern."""


def marked_by(
    picture: Rgb, mask: Bits, panels: Mapping[str, Rgb], suspects: Collection[str], more: float = MORE
) -> str | None:
    """The suspected panel that shows the colours of a place of `picture` which the other panels do not show.

    `mask` is (H, W) at the picture's size; `panels` are pictures by reference, the suspects among them; a suspect must
    show `more` of the colours than the others. None when none stands out, or nothing is left to compare with.
    """
    known = [ref for ref in suspects if ref in panels]
    box = Box.around(mask)
    if box is None or not known or len(known) == len(panels):
        return None
    near = box.grown(4, mask.shape[1], mask.shape[0]).slices
    colours = _colours(picture[near], mask[near])
    shares = {ref: _share(colours, panel) for ref, panel in panels.items()}
    others = [share for ref, share in shares.items() if ref not in known]
    best = max(known, key=lambda ref: shares[ref])
    stands_out = shares[best] >= CARRIES and shares[best] >= float(np.median(others)) + more
    return best if stands_out else None


def _colours(picture: Rgb, mask: Bits) -> Floats:
    """Colours (n, 3) of a masked place, its rim left out where it is thick enough."""
    core = cv2.erode(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    where = core if core.sum() > 0.3 * mask.sum() else mask
    lab = weighted_lab(np.asarray(cv2.GaussianBlur(picture, (0, 0), 1.0), np.uint8), LIGHTNESS)
    colours = lab[where]
    return colours[:: max(1, len(colours) // SAMPLES)]


def _share(colours: Floats, panel: Rgb) -> float:
    """Share of the colours that the panel shows, its backdrop aside."""
    scale = min(1.0, LONGEST / max(panel.shape[:2]))
    size = (max(1, round(panel.shape[1] * scale)), max(1, round(panel.shape[0] * scale)))
    small = cast(Rgb, cv2.resize(panel, size, interpolation=cv2.INTER_AREA))
    shown = weighted_lab(small, LIGHTNESS)[~plain_backdrop(small)]
    if len(shown) < LEAST_PIXELS:
        return 0.0
    apart, _ = cKDTree(shown).query(colours, k=LEAST_PIXELS)
    return float((apart[:, -1] < SAME).mean())
