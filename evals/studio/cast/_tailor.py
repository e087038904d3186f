"""What a tailor adds to cloth: necklines, fastenings, pockets and patches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evals.studio.cast._cloth import darker
from evals.studio.cast._design import Garment, mixed
from evals.studio.cast._paint import Canvas, Colour, curve, ellipse, grained_ink, smooth, stroke
from evals.studio.cast._sitter import decal
from evals.studio.cast._surface import Surface


def tailor(canvas: Canvas, surface: Surface, garment: Garment, skin: Colour) -> None:
    """Finishes a garment by its kind and pattern."""
    if garment.kind != "hoodie" and surface.yaw < 90:
        canvas.fill(surface.put(ellipse(0, 4, 50, 17)), mixed(skin, (50, 24, 20), 0.3), soft=3)
    if garment.kind in _FINISH:
        _FINISH[garment.kind](canvas, surface, garment)
    if garment.pattern == "patch":
        _patch(canvas, surface, garment)


def _seam(garment: Garment) -> Colour:
    return darker(garment, 0.62)


def _lining(garment: Garment) -> Colour:
    return mixed(garment.accent, (235, 232, 225), 0.4)


def _jacket(canvas: Canvas, surface: Surface, garment: Garment) -> None:
    front = smooth([(-30, 0), (30, 0), (46, 300), (40, 580), (-40, 580), (-46, 300)], 1)
    decal(canvas, surface, front, _lining(garment))
    for side in (-1, 1):
        lapel = np.array([(side * 34, 6), (side * 92, 26), (side * 84, 120), (side * 44, 250)], np.float64)
        decal(canvas, surface, lapel, grained_ink(_seam(garment), garment.seed), depth=12)


def _shirt(canvas: Canvas, surface: Surface, garment: Garment) -> None:
    decal(canvas, surface, np.array([(-5.0, 20), (5, 20), (5, 570), (-5, 570)]), _seam(garment))
    for y in range(60, 560, 76):
        decal(canvas, surface, ellipse(0, y, 8, 8), garment.accent, depth=4)
    for side in (-1, 1):
        collar = np.array([(side * 4.0, 24), (side * 66, -2), (side * 74, 44), (side * 34, 72)])
        decal(canvas, surface, collar, _seam(garment))


def _hoodie(canvas: Canvas, surface: Surface, garment: Garment) -> None:
    decal(canvas, surface, smooth([(-74, 380), (74, 380), (100, 500), (-100, 500)], 1), _seam(garment))
    for side in (-1, 1):
        string = stroke(curve([(side * 30, 20), (side * 34, 120), (side * 28, 170)]), 7)
        decal(canvas, surface, string, _lining(garment))
    hood = stroke(curve([(-92, 22), (-50, 84), (50, 84), (92, 22)]), 34)
    seen = surface.put(hood) if surface.yaw < 90 else hood * (0.9, 0.6)
    canvas.fill(seen, grained_ink(_seam(garment), garment.seed), depth=14)


def _dress(canvas: Canvas, surface: Surface, garment: Garment) -> None:
    belt = stroke(np.array([(-200.0, 395), (-60, 400), (60, 400), (200, 395)]), 26)
    decal(canvas, surface, belt, _seam(garment))


def _vest(canvas: Canvas, surface: Surface, garment: Garment) -> None:
    for side in (-1, 1):
        edge = stroke(curve([(side * 96, 40), (side * 80, 260), (side * 104, 570)]), 9)
        decal(canvas, surface, edge, _seam(garment))


def _patch(canvas: Canvas, surface: Surface, garment: Garment) -> None:
    """A round badge with a star."""
    decal(canvas, surface, ellipse(58, 150, 44, 44), garment.accent, depth=8)
    decal(canvas, surface, ellipse(58, 150, 33, 33), _seam(garment))
    turn, reach = np.arange(10) * np.pi / 5, np.array([28, 12] * 5)
    star = np.column_stack([58 + reach * np.sin(turn), 150 - reach * np.cos(turn)])
    decal(canvas, surface, star, garment.accent)


_FINISH: dict[str, Callable[[Canvas, Surface, Garment], None]] = {
    "jacket": _jacket,
    "shirt": _shirt,
    "hoodie": _hoodie,
    "dress": _dress,
    "vest": _vest,
}
