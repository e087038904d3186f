"""Things that are held, carried or worn, drawn where a figure's rig says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from evals.studio._matte import Pixels
from evals.studio.cast._design import Thing, mixed
from evals.studio.cast._paint import (
    Canvas,
    Cel,
    Colour,
    Ink,
    Light,
    Points,
    curve,
    ellipse,
    grained_ink,
    smooth,
    stroke,
    textured,
)
from evals.studio.cast._surface import Surface


@dataclass(frozen=True, slots=True)
class Rig:
    """Where things go on a figure: round surfaces of head and torso, the hand, and the ear's s on the head."""

    head: Surface
    torso: Surface
    hand: tuple[float, float] | None
    ear: float


Painter: TypeAlias = Callable[[Rig, Thing, Canvas], None]
HandPainter: TypeAlias = Callable[[tuple[float, float], Thing, Canvas], None]


def draw_thing_on(rig: Rig, thing: Thing, light: Light) -> Cel | None:
    """The thing in place, or None where this view does not show it."""
    canvas = Canvas(-330, -420, 330, 620, light)
    _PAINTERS[thing.kind](rig, thing, canvas)
    return _trimmed(canvas)


def _trimmed(canvas: Canvas) -> Cel | None:
    alpha = canvas.rgba[..., 3] > 0
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    if not rows.size:
        return None
    cut = canvas.rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
    return Cel(cut, canvas.x + float(columns[0]), canvas.y + float(rows[0]))


def _on(
    canvas: Canvas, surface: Surface, points: Points, ink: Colour | Ink, *, depth: float = 6, soft: float = 0.7
) -> None:
    if surface.facing(float(np.median(points[:, 0]))) > 0.08:
        canvas.fill(surface.put(points), ink, depth=depth, soft=soft, rim=0.2)


def _ink(colour: Colour, thing: Thing, amount: float = 0.09) -> Ink:
    return grained_ink(colour, thing.seed, amount)


def _cast(canvas: Canvas, surface: Surface, points: Points, by: float = 7.0) -> None:
    """The shadow a worn thing throws on what it lies on."""
    if surface.facing(float(np.median(points[:, 0]))) > 0.08:
        canvas.fill(np.add(surface.put(points), (0.5 * by, by)), (18, 12, 14), soft=4, opacity=0.3)


# Worn


def _brooch(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    size, at = 30 * thing.size, (-74.0, 128.0)
    _cast(canvas, rig.torso, ellipse(*at, size, size))
    for turn in np.arange(6) * np.pi / 3:
        petal = ellipse(
            at[0] + size * 0.62 * np.cos(turn), at[1] + size * 0.62 * np.sin(turn), size * 0.46, size * 0.46
        )
        _on(canvas, rig.torso, petal, _ink(thing.colour, thing), depth=8)
    _on(canvas, rig.torso, ellipse(*at, size * 0.5, size * 0.5), _ink(thing.accent, thing), depth=10)
    _on(
        canvas,
        rig.torso,
        ellipse(at[0] - size * 0.15, at[1] - size * 0.15, size * 0.12, size * 0.12),
        (255, 255, 250),
        depth=0,
    )


def _earpiece(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    x, size = float(rig.head.half(np.array([-165.0]))[0]), 24 * thing.size
    at = float(np.sin(rig.ear / rig.head.girth + np.radians(rig.head.yaw)))
    if rig.head.yaw > 120:
        return
    centre = (x * at * 1.02, -164.0)
    dark = mixed(thing.colour, (20, 22, 26), 0.55)
    canvas.fill(ellipse(centre[0] + 4, centre[1] + 6, size, size * 1.25), (18, 12, 14), soft=3, opacity=0.3)
    canvas.fill(ellipse(*centre, size * 0.9, size * 1.2), _ink(dark, thing), depth=14, rim=0.3)
    boom = curve([centre, (centre[0] + 0.7 * size, -118), (centre[0] + 2.4 * size, -112)])
    canvas.fill(stroke(boom, 9 * thing.size), _ink(dark, thing), depth=5)
    canvas.fill(ellipse(centre[0] + 2.5 * size, -112, 9 * thing.size, 7 * thing.size), thing.accent, depth=5)
    canvas.fill(ellipse(centre[0] - 2, centre[1] - 4, size * 0.4, size * 0.5), thing.accent, depth=8)


def _glasses(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    rim = _ink(mixed(thing.colour, (25, 25, 30), 0.5), thing)
    radius = 29 * thing.size
    for side in (-1, 1):
        s = side * 40.0
        if rig.head.facing(s) < 0.1:
            continue
        lens = ellipse(s, -178, radius, radius * 0.88)
        canvas.fill(rig.head.put(lens), (205, 225, 235), opacity=0.22)
        outer, inner = rig.head.put(ellipse(s, -178, radius + 5, radius * 0.88 + 5)), rig.head.put(lens)
        canvas.fill(outer, rim, without=inner, depth=5)
    _on(canvas, rig.head, stroke(curve([(-14, -182), (0, -188), (14, -182)]), 7), rim)
    temple = np.array([(-70.0, -184), (-100, -182), (-135, -174)])
    if rig.head.facing(-100) > -0.3:
        canvas.fill(stroke(rig.head.put(temple), 7), rim)


def _scarf(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    def cloth(x: Pixels, y: Pixels) -> Pixels:
        band = (np.mod((x + y) / 26, 1) < 0.32)[..., None]
        colour = np.where(band, np.asarray(thing.accent, np.float32), np.asarray(thing.colour, np.float32))
        return np.asarray(colour * (1 + 0.09 * textured(thing.seed, x, y, 0.7))[..., None], np.float32)

    wide = 100 * rig.torso.breadth
    wrap = smooth([(-wide, -30), (0, 2), (wide, -30), (wide * 1.12, 22), (0, 66), (-wide * 1.12, 22)], 3)
    canvas.fill(np.add(wrap, (4, 9)), (18, 12, 14), soft=5, opacity=0.3)
    if rig.torso.facing(-34) > 0.05:
        long = 190 * thing.size
        tail = rig.torso.put(np.array([(-66.0, 36), (-10, 40), (-6, 40 + long), (-72, 30 + long)]))
        canvas.fill(np.add(tail, (5, 6)), (18, 12, 14), soft=5, opacity=0.3)
        canvas.fill(tail, cloth, depth=16, rim=0.3)
    canvas.fill(wrap, cloth, depth=26, rim=0.35)


def _hatbadge(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    size, at = 27 * thing.size, (-36.0, -248.0)
    _cast(canvas, rig.head, ellipse(*at, size, size * 0.9), 4)
    _on(canvas, rig.head, ellipse(*at, size, size * 0.9), _ink(thing.colour, thing), depth=9)
    _on(canvas, rig.head, ellipse(*at, size * 0.66, size * 0.6), _ink(thing.accent, thing), depth=6)
    _on(
        canvas,
        rig.head,
        stroke(np.array([(at[0] - size * 0.4, at[1]), (at[0] + size * 0.4, at[1])]), size * 0.3),
        thing.colour,
    )


def _necklace(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    string = curve([(-72, 10), (-50, 150 * thing.size), (50, 150 * thing.size), (72, 10)], 17)
    for n, (s, y) in enumerate(string):
        bead = ellipse(float(s), float(y), 9 * thing.size, 9 * thing.size, points=16)
        _on(canvas, rig.torso, bead, _ink(thing.colour if n % 2 else thing.accent, thing), depth=5)
    _on(
        canvas,
        rig.torso,
        ellipse(0, 116 * thing.size + 8, 17 * thing.size, 20 * thing.size),
        _ink(thing.colour, thing),
        depth=9,
    )


def _tie(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    long, wide = 230 * thing.size, 30 * thing.size
    blade = np.array([(-wide * 0.4, 34), (wide * 0.4, 34), (wide, 20 + long), (0, 56 + long), (-wide, 20 + long)])
    _cast(canvas, rig.torso, blade)
    _on(canvas, rig.torso, blade, _ink(thing.colour, thing), depth=10)
    for y in np.arange(70, 20 + long, 44):
        half = wide * (0.4 + 0.6 * (y - 34) / long)
        _on(
            canvas,
            rig.torso,
            np.array([(-half, y), (half, y - 18), (half, y - 6), (-half, y + 12)]),
            thing.accent,
            depth=0,
        )
    _on(canvas, rig.torso, smooth([(-20, 10), (20, 10), (13, 44), (-13, 44)], 1), _ink(thing.colour, thing), depth=8)


def _headband(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    y = np.array([-244.0, -216.0])
    half = rig.head.half(np.maximum(y, -240)) + 13
    tall = 13 * thing.size
    band = smooth(
        [
            (-half[0], -238 - tall),
            (0, -236 - tall),
            (half[0], -238 - tall),
            (half[1], -228 + tall),
            (0, -224 + tall),
            (-half[1], -228 + tall),
        ],
        1,
    )
    canvas.fill(band, _ink(thing.colour, thing), depth=14, rim=0.3)
    for s in np.arange(-140, 141, 40):
        _on(canvas, rig.head, ellipse(float(s), -231, 7, tall * 0.6), thing.accent, depth=3)


# Carried


def _bag(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    strap = np.array(
        [
            (rig.torso.half(np.array([40.0]))[0] * 0.62, 22),
            (0.1, 170),
            (-0.75 * rig.torso.half(np.array([380.0]))[0], 330),
        ]
    )
    line = curve([tuple(strap[0]), tuple(strap[1]), tuple(strap[2])])
    ink = _ink(thing.colour, thing, 0.12)
    canvas.fill(stroke(np.add(line, (3, 6)), 24), (18, 12, 14), soft=4, opacity=0.28)
    canvas.fill(stroke(line, 20), ink, depth=8, rim=0.25)
    x, y = float(strap[2][0]) - 8, 385.0
    canvas.fill(
        smooth([(x - 88, y - 60), (x + 88, y - 60), (x + 96, y + 86), (x - 96, y + 86)], 2), ink, depth=34, rim=0.3
    )
    canvas.fill(
        smooth([(x - 84, y - 56), (x + 84, y - 56), (x + 70, y + 22), (x - 70, y + 22)], 2),
        _ink(mixed(thing.colour, (10, 8, 8), 0.25), thing),
        depth=14,
    )
    canvas.fill(ellipse(x, y + 16, 17, 17), _ink(thing.accent, thing), depth=8)


def _badge(rig: Rig, thing: Thing, canvas: Canvas) -> None:
    for side in (-1, 1):
        _on(
            canvas,
            rig.torso,
            stroke(curve([(side * 60, 6), (side * 34, 120), (0, 200)]), 11),
            _ink(thing.colour, thing),
            depth=4,
        )
    card = np.array([(-46.0, 196), (46, 196), (46, 316), (-46, 316)])
    _cast(canvas, rig.torso, card)
    _on(canvas, rig.torso, card, _ink((236, 234, 226), thing, 0.03), depth=5)
    _on(
        canvas,
        rig.torso,
        np.array([(-46.0, 196), (46, 196), (46, 224), (-46, 224)]),
        _ink(thing.colour, thing),
        depth=0,
    )
    _on(canvas, rig.torso, ellipse(-14, 258, 20, 24), thing.accent, depth=8)
    for y in (292, 304):
        _on(canvas, rig.torso, stroke(np.array([(-34.0, y), (30, y)]), 5), (90, 90, 96), depth=0)


# Held


def _cup(hand: tuple[float, float], thing: Thing, canvas: Canvas) -> None:
    x, y = hand[0], hand[1] - 34
    canvas.fill(ellipse(x + 52, y, 30, 32), _ink(thing.colour, thing), without=ellipse(x + 52, y, 18, 20), depth=6)
    canvas.fill(
        smooth([(x - 50, y - 60), (x + 50, y - 60), (x + 42, y + 62), (x - 42, y + 62)], 1),
        _ink(thing.colour, thing),
        depth=42,
        rim=0.25,
    )
    canvas.fill(
        stroke(np.array([(x - 45.0, y + 4), (x, y + 8), (x + 45, y + 4)]), 22), _ink(thing.accent, thing), depth=8
    )
    canvas.fill(ellipse(x, y - 56, 48, 13), mixed(thing.accent, (40, 24, 14), 0.8), depth=6)


def _lantern(hand: tuple[float, float], thing: Thing, canvas: Canvas) -> None:
    x, y = hand
    ink = _ink(thing.colour, thing)
    canvas.fill(ellipse(x, y - 4, 44, 44), ink, without=ellipse(x, y - 4, 35, 35), depth=5)
    canvas.fill(smooth([(x - 50, y + 42), (x + 50, y + 42), (x + 58, y + 66), (x - 58, y + 66)], 1), ink, depth=10)
    canvas.fill(
        smooth([(x - 44, y + 62), (x + 44, y + 62), (x + 52, y + 150), (x - 52, y + 150)], 1), (255, 226, 150), depth=34
    )
    canvas.fill(ellipse(x, y + 108, 14, 26), (255, 250, 225), soft=4)
    for dx in (-46, 0, 46):
        canvas.fill(stroke(np.array([(x + dx, y + 60.0), (x + dx * 1.1, y + 150)]), 8), ink, depth=3)
    canvas.fill(
        smooth([(x - 60, y + 146), (x + 60, y + 146), (x + 54, y + 176), (x - 54, y + 176)], 1), ink, depth=12, rim=0.3
    )


def _book(hand: tuple[float, float], thing: Thing, canvas: Canvas) -> None:
    x, y = hand[0], hand[1] - 34
    canvas.fill(
        np.array([(x - 52, y - 84), (x + 66, y - 76), (x + 62, y + 88), (x - 56, y + 80)]),
        _ink((230, 224, 206), thing, 0.05),
        depth=6,
    )
    cover = np.array([(x - 60, y - 88), (x + 56, y - 80), (x + 52, y + 84), (x - 64, y + 76)])
    canvas.fill(cover, _ink(thing.colour, thing), depth=10, rim=0.25)
    canvas.fill(ellipse(x - 4, y - 12, 30, 34), _ink(thing.accent, thing), depth=5)
    canvas.fill(stroke(np.array([(x - 44.0, y + 44), (x + 34, y + 49)]), 12), thing.accent)


def _flower(hand: tuple[float, float], thing: Thing, canvas: Canvas) -> None:
    x, y = hand
    for n, (dx, dy) in enumerate(((-38, -96), (36, -104), (0, -140))):
        canvas.fill(
            stroke(curve([(x, y + 46), (x + dx * 0.3, y - 20), (x + dx, y + dy)]), 8),
            _ink((60, 122, 58), thing),
            depth=4,
        )
        petals = [thing.colour, thing.accent][n % 2]
        for turn in np.arange(7) * 2 * np.pi / 7:
            canvas.fill(
                ellipse(x + dx + 20 * np.cos(turn), y + dy + 20 * np.sin(turn), 15, 15), _ink(petals, thing), depth=8
            )
        canvas.fill(ellipse(x + dx, y + dy, 12, 12), (236, 190, 60), depth=6)


def _umbrella(hand: tuple[float, float], thing: Thing, canvas: Canvas) -> None:
    x, y = hand
    canvas.fill(stroke(np.array([(x, y - 70.0), (x + 22, y + 330)]), 9), (52, 44, 40), depth=4)
    shade = smooth(
        [
            (x - 30, y + 34),
            (x + 34, y + 34),
            (x + 60, y + 110),
            (x + 24, y + 300),
            (x + 18, y + 300),
            (x - 44, y + 110),
        ],
        2,
    )
    canvas.fill(shade, _ink(thing.colour, thing), depth=26, rim=0.35)
    for share in (-0.4, 0.2, 0.8):
        canvas.fill(
            stroke(curve([(x + 10 * share, y + 44), (x + 46 * share, y + 120), (x + 21, y + 290)]), 6), thing.accent
        )
    canvas.fill(
        stroke(curve([(x - 2, y - 60), (x - 4, y - 112), (x - 46, y - 112), (x - 44, y - 70)]), 17),
        _ink((120, 76, 42), thing),
        depth=7,
    )


def _camera(hand: tuple[float, float], thing: Thing, canvas: Canvas) -> None:
    x, y = hand[0], hand[1] - 26
    dark = mixed(thing.colour, (24, 24, 28), 0.35)
    canvas.fill(
        smooth([(x - 30, y - 70), (x + 30, y - 70), (x + 36, y - 40), (x - 36, y - 40)], 1), _ink(dark, thing), depth=8
    )
    canvas.fill(
        smooth([(x - 86, y - 50), (x + 86, y - 50), (x + 86, y + 56), (x - 86, y + 56)], 2),
        _ink(dark, thing),
        depth=18,
        rim=0.3,
    )
    canvas.fill(
        np.array([(x - 78.0, y - 6), (x + 78, y - 6), (x + 78, y + 32), (x - 78, y + 32)]),
        _ink(thing.colour, thing, 0.16),
    )
    for radius, colour in ((46.0, (40, 40, 46)), (36.0, thing.accent), (27.0, (22, 26, 44))):
        canvas.fill(ellipse(x + 4, y + 6, radius, radius), colour, depth=10)
    canvas.fill(ellipse(x - 6, y - 4, 8, 8), (220, 232, 245), soft=2)


def _in_hand(painter: HandPainter) -> Painter:
    """A painter of a held thing as one that takes a rig; what nobody's hand holds is not drawn."""

    def paint(rig: Rig, thing: Thing, canvas: Canvas) -> None:
        if rig.hand is not None:
            painter(rig.hand, thing, canvas)

    return paint


_PAINTERS: dict[str, Painter] = {
    "brooch": _brooch,
    "earpiece": _earpiece,
    "glasses": _glasses,
    "scarf": _scarf,
    "hatbadge": _hatbadge,
    "necklace": _necklace,
    "tie": _tie,
    "headband": _headband,
    "bag": _bag,
    "badge": _badge,
    **{painter.__name__[1:]: _in_hand(painter) for painter in (_cup, _lantern, _book, _flower, _umbrella, _camera)},
}
