"""A look seen from one side: the round surfaces its parts are drawn on, and how its skin takes light.

Units: a head is 260 high, its crown near y = -300 and the base of the neck at y = 0; shoulders lie at y = 60, the hem
at y = 560; figures are cut at y = 1000.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.studio._matte import Pixels
from evals.studio.cast._design import Face, Look
from evals.studio.cast._paint import Canvas, Cel, Colour, Ink, Light, Points, textured
from evals.studio.cast._surface import VIEWS, Surface
from evals.studio.cast._things import Rig

GIRTH = 150.0
HEAD_Y = -170.0
FLOOR = 1000.0


@dataclass(frozen=True, slots=True)
class Layer:
    """One painted part: which joint moves it, what it shows (`key`), and its picture."""

    group: str
    key: Hashable
    cel: Cel


@dataclass(frozen=True, slots=True)
class Sitter:
    """A look seen from one side under one light."""

    look: Look
    view: str
    light: Light

    @property
    def yaw(self) -> float:
        return VIEWS[self.view]

    @property
    def head(self) -> Surface:
        face = self.look.face

        def radius(y: NDArray[np.float64]) -> NDArray[np.float64]:
            v = np.clip((y - HEAD_Y) / 131, -0.98, 0.98)
            return np.asarray(face.width * np.sqrt(1 - v * v) * (1 - face.jaw * np.maximum(v, 0) ** 2))

        return Surface(self.yaw, radius, 108 / face.width, face.width)

    @property
    def torso(self) -> Surface:
        heights = [0, 30, 60, 150, 260, 420, 560, FLOOR]
        widths = np.array([70, 120, 160, 162, 146, 128, 152, 150]) * self.look.build

        def radius(y: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(np.interp(y, heights, widths))

        return Surface(self.yaw, radius, 0.64, GIRTH)

    def canvas(self, left: float, top: float, right: float, bottom: float) -> Canvas:
        return Canvas(left, top, right, bottom, self.light)

    def arm_x(self, side: int) -> float:
        """Where a shoulder lies; side -1 is the figure's right, the left of its front view."""
        return 138 * self.look.build * float(np.sin(np.radians(80 * side + self.yaw)) / np.sin(np.radians(80)))

    def arm_near(self, side: int) -> bool:
        return bool(np.cos(np.radians(80 * side + self.yaw)) > 0.05)

    def hand(self) -> tuple[float, float]:
        """Where the raised hand (side -1) is."""
        phi = np.radians(self.yaw)
        return float(-95 * np.cos(phi) + 120 * np.sin(phi)), 215.0

    def rig(self) -> Rig:
        hand = self.hand() if self.arm_near(-1) else None
        return Rig(head=self.head, torso=self.torso, hand=hand, ear=-0.98 * self.look.face.width * np.pi / 2)


def skin_ink(face: Face, value: float = 1.0) -> Ink:
    """Skin, `value` times as light as the face's."""
    colour = np.asarray(face.skin, np.float32) * value

    def ink(x: Pixels, y: Pixels) -> Pixels:
        rough = 1 + 0.022 * textured(face.seed, x, y, 0.7) + 0.02 * textured(face.seed + 1, x * 0.3, y * 0.3, 1.5)
        return np.asarray(colour * rough[..., None], np.float32)

    return ink


def decal(canvas: Canvas, surface: Surface, points: Points, ink: Colour | Ink, *, depth: float = 0.0) -> None:
    """A shape in (s, y) on a surface, where it is on the visible side."""
    middle = float(np.median(points[:, 0]))
    if surface.facing(middle) > 0.06:
        canvas.fill(surface.put(points), ink, depth=depth)
