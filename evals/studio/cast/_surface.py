"""Round surfaces of a figure as a view shows them: what is drawn on them turns with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.studio._matte import Pixels
from evals.studio.cast._paint import Points

VIEWS: dict[str, float] = {"front": 0.0, "three-quarter": 35.0, "profile": 78.0, "back": 180.0}
"""Yaw of each view in degrees; the figure turns to the right of the picture."""


@dataclass(frozen=True, slots=True)
class Surface:
    """A standing tube around x = 0: points (s, y) on it, s in units along its girth from the middle of its front.

    `radius` is the half-width from the front by height, `flat` depth over width, `girth` the radius of the scale of s.
    """

    yaw: float
    radius: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    flat: float
    girth: float

    @property
    def breadth(self) -> float:
        """Half-width of this view over that of the front view."""
        phi = np.radians(self.yaw)
        return float(np.hypot(np.cos(phi), self.flat * np.sin(phi)))

    def half(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half-width of the silhouette by height."""
        return self.radius(y) * self.breadth

    def put(self, points: Points) -> Points:
        """Where (s, y) points lie in the view; what lies beyond the silhouette is drawn onto it."""
        angle = np.clip(points[:, 0] / self.girth + np.radians(self.yaw), -np.pi / 2, np.pi / 2)
        return np.column_stack([self.half(points[:, 1]) * np.sin(angle), points[:, 1]])

    def facing(self, s: float) -> float:
        """Cosine of the surface at `s` towards the viewer; negative where it is hidden."""
        return float(np.cos(s / self.girth + np.radians(self.yaw)))

    def along(self, x: Pixels, y: Pixels) -> Pixels:
        """The s of picture points on the visible side."""
        half = np.maximum(self.half(np.asarray(y, np.float64)), 1)
        angle = np.arcsin(np.clip(x / half, -0.999, 0.999)) - np.radians(self.yaw)
        return np.asarray(angle * self.girth, np.float32)
