"""The studio's cast: labelled films by seed, with characters, sets, sheets and cameras drawn by procedure."""

from evals.studio.cast._film import CASES, render_film
from evals.studio.cast._pairs import Pair, draw_pair
from evals.studio.cast._script import FAMILIES, Family, Kind

__all__ = ["CASES", "FAMILIES", "Family", "Kind", "Pair", "draw_pair", "render_film"]
