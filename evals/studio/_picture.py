"""One rendered frame, right and wrong."""

from __future__ import annotations

from dataclasses import dataclass

from evals.studio._matte import Pixels
from tools.types import Bits


@dataclass(frozen=True, slots=True)
class Picture:
    """One rendered frame before grain, 0–255: as it should be, and, where a fault shows, as it is and where."""

    clean: Pixels
    faulty: Pixels | None = None
    mask: Bits | None = None
