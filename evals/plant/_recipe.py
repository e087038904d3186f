"""Recipes: which errors to plant, how many, how strong, how large, where and for how long; the seed draws the rest.

[[plant]]
family   = "stray-object"
count    = 3
strength = [0.3, 1.0]        # 0 just visible, 1 obvious
size     = [0.002, 0.1]      # share of the frame; left out: what suits the family
shots    = ["SH010"]         # left out: any clean shot
life     = "stretch"         # whole, stretch or any
speed    = "slow"            # static, slow or fast surface, where there is one; left out: any
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError, model_validator

from agent.project import line_of
from evals.plant._follow import Speed
from tools.errors import BadInput
from tools.types import Frozen

Family = Literal[
    "stray-object",
    "background-patch",
    "text-logo",
    "light-shift",
    "grade-mismatch",
    "melt",
    "region-flicker",
    "frame-pop",
    "mirrored",
]
FAMILIES: tuple[Family, ...] = get_args(Family)
Life = Literal["any", "whole", "stretch"]

SIZES: dict[Family, tuple[float, float]] = {
    "stray-object": (0.002, 0.1),
    "background-patch": (0.01, 0.25),
    "text-logo": (0.003, 0.1),
    "melt": (0.01, 0.4),
    "region-flicker": (0.01, 0.4),
    "frame-pop": (0.004, 0.6),
}
"""Shares of the frame that suit a family; the others change the whole frame."""
STRETCHED: dict[Family, float] = {
    "stray-object": 0.5,
    "background-patch": 0.4,
    "text-logo": 0.4,
    "melt": 0.6,
    "region-flicker": 0.7,
}
"""How often an error of a family lives in a stretch of frames only, where nobody says."""
STRENGTHS = (0.35, 1.0)


class PlantTable(Frozen):
    """[[plant]]: errors of one family."""

    family: Family
    count: int = Field(default=1, ge=1)
    strength: tuple[float, float] = STRENGTHS
    size: tuple[float, float] | None = None
    shots: tuple[str, ...] = ()
    life: Life = "any"
    speed: Speed | None = None

    @model_validator(mode="after")
    def _ordered(self) -> PlantTable:
        for name, pair in (("strength", self.strength), ("size", self.size or (0.002, 1.0))):
            least = 0.002 if name == "size" else 0.0
            if not least <= pair[0] <= pair[1] <= 1:
                raise ValueError(f"{name}: say [least, most] between {least:g} and 1")
        return self


class Recipe(Frozen):
    """A whole recipe."""

    plant: tuple[PlantTable, ...] = Field(min_length=1)


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe; BadInput names the line and field of what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
        return Recipe.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({error}); give a recipe, a TOML file with [[plant]] tables") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from None
    except ValidationError as error:
        raise BadInput(_one_line(path, text, error)) from None


def _one_line(path: Path, text: str, error: ValidationError) -> str:
    first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")  # a typo explains what is missing
    message = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    place = ".".join(map(str, first["loc"]))
    return f"{path}:{line_of(text, first['loc'])}: {place}: {message}"
