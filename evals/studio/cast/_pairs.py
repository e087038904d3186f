"""A character in a clean picture, and in two others: as it should be, and in a garment of another dye or pattern."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from evals.studio.cast._design import Split, character_seed, draw_character, recoloured, repatterned
from evals.studio.cast._figure import Wardrobe
from evals.studio.cast._portrait import Portrait, draw_portrait
from evals.studio.cast._sets import draw_place


@dataclass(frozen=True, slots=True)
class Pair:
    """Three pictures of one character, each in a set, a light, a size and a pose of its own; `strength` from 0 to 1 is
    how far the wrong garment is from the right one."""

    reference: Portrait
    clean: Portrait
    wrong: Portrait
    family: str
    strength: float


def draw_pair(seed: int, split: Split) -> Pair:
    """The pictures of a seed; the splits share no character."""
    rng = np.random.default_rng([seed, split == "test", 0x5EE7])
    character = draw_character(character_seed(int(rng.integers(100_000)), split))
    family, strength = ("recoloured", "repatterned")[int(rng.integers(2))], float(rng.uniform())
    change = recoloured if family == "recoloured" else repatterned
    odd = replace(character.look, garment=change(rng, character.look.garment, strength))
    views = [str(rng.choice(["front", "three-quarter"])) for _ in range(3)]
    shown = []
    for look, view in zip((character.look, character.look, odd), views, strict=True):
        place = draw_place(rng, split, photographic=bool(rng.uniform() < 0.3))
        shown.append(draw_portrait(rng, character, look, Wardrobe(place.light), place, view=view))
    return Pair(shown[0], shown[1], shown[2], family, strength)
