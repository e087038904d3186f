"""The ways of filling that are compared: ours and the classical floors, all RGB pictures and masks in, pictures out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from evals.bench.fill._flow import propagated
from evals.bench.fill._homography import plated
from evals.bench.fill._plate import grainy_plate, plate
from evals.bench.fill._spatial import navier_stokes, telea
from tools.types import Bits, Rgb

Way = Callable[[Sequence[Rgb], Sequence[Bits]], Iterator[Rgb]]

WAYS: Mapping[str, Way] = {
    "plate": plate,
    "plate with grain": grainy_plate,
    "Telea": telea,
    "Navier-Stokes": navier_stokes,
    "flow propagation": propagated,
    "homography plate": plated,
}
FLOORS = ("Telea", "flow propagation", "homography plate")
"""The floors whose best the plate must beat."""
