"""All families: how each is planted, and what its label says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evals.plant._carried import background_patch, stray_object, text_logo
from evals.plant._planting import Planting, Task
from evals.plant._recipe import Family
from evals.plant._unsteady import frame_pop, melt, region_flicker
from evals.plant._whole import grade_mismatch, light_shift, mirrored
from tools.types import Category


@dataclass(frozen=True, slots=True)
class Kind:
    """One family: `generated` errors come from the model, `staged` ones are wrong in light or blocking."""

    prepare: Callable[[Task], Planting]
    category: Category
    generated: bool = False
    staged: bool = False


KINDS: dict[Family, Kind] = {
    "stray-object": Kind(stray_object, "prop"),
    "background-patch": Kind(background_patch, "set-dressing"),
    "text-logo": Kind(text_logo, "text"),
    "light-shift": Kind(light_shift, "lighting", staged=True),
    "grade-mismatch": Kind(grade_mismatch, "colour"),
    "melt": Kind(melt, "temporal", generated=True),
    "region-flicker": Kind(region_flicker, "temporal", generated=True),
    "frame-pop": Kind(frame_pop, "temporal", generated=True),
    "mirrored": Kind(mirrored, "screen-direction", staged=True),
}
