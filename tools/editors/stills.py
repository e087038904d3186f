"""One picture repaired by the clean-plate editor: a sheet's panel, filled from its siblings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.editors.local.cleanplate.inpaint import Settings, inpaint
from tools.editors.local.cleanplate.reference import Tracked
from tools.media.pixels import rgb8
from tools.types import Bits, ColourTags, Frame, PixelLayout, Rgb

RGB24 = PixelLayout(name="rgb24", family="rgb", depth=8)


def repair_still(picture: Rgb, hole: Bits, references: Sequence[tuple[Rgb, Bits]], seed: int = 0) -> Rgb:
    """The picture (H, W, 3) with the hole (H, W) filled; every pixel outside is the picture's own.

    `references` are pictures of the same subject, best first, each with a mask that is true where it may be believed.
    """
    frame = Frame(0, tuple(np.ascontiguousarray(picture[..., i]) for i in range(3)), RGB24, ColourTags(range=2))
    tracked = [Tracked(reference, trusted) for reference, trusted in references]
    (filled,) = inpaint([frame], [hole], tracked, Settings(method="auto", grain=True, seed=seed))
    return rgb8(filled.frame)
