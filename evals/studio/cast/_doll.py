"""A character drawn from any side: layers of body, arms, head, hair and belongings.

Units: a head is 260 high, its crown near y = -300 and the base of the neck at y = 0; shoulders lie at y = 60, the hem
at y = 560; figures are cut at y = 1000.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.studio._matte import Pixels
from evals.studio.cast._cloth import darker, woven
from evals.studio.cast._design import CARRIED, ON_HEAD, Face, Garment, Hair, Look, mixed
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
from evals.studio.cast._surface import VIEWS, Surface
from evals.studio.cast._things import Rig, draw_thing_on

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
class _Sitter:
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


def draw_doll(look: Look, view: str, light: Light) -> list[Layer]:
    """The layers of a look from one side, from back to front."""
    sitter = _Sitter(look, view, light)
    behind = view == "back"
    layers = [] if behind else _hair_behind(sitter)
    layers += [layer for side in (-1, 1) if not sitter.arm_near(side) for layer in _arm(sitter, side)]
    layers += [_lower(sitter), _torso(sitter)]
    layers += [layer for side in (1, -1) if sitter.arm_near(side) for layer in _arm(sitter, side)]
    layers += _belongings(sitter, on_head=False)
    layers += [_head(sitter)]
    if not behind:
        layers += [*_features(sitter), _hair_front(sitter)]
    else:
        layers += [_hair_front(sitter), *_hair_behind(sitter)]
    return layers + _belongings(sitter, on_head=True)


def _belongings(sitter: _Sitter, *, on_head: bool) -> list[Layer]:
    """What is worn, carried and held; on the head above the hair, else above the clothes."""
    look, rig = sitter.look, sitter.rig()
    things = [*look.worn, *([look.prop] if look.prop else [])]
    drawn = []
    for thing in things:
        if (thing.kind in ON_HEAD) != on_head:
            continue
        cel = draw_thing_on(rig, thing, sitter.light)
        held = thing.kind not in (*CARRIED, *ON_HEAD) and thing is look.prop
        group = "features" if thing.kind == "glasses" else "head" if on_head else "arm-1" if held else "body"
        if cel is not None:
            drawn.append(Layer(group, thing, cel))
    return drawn


# Body


def _torso(sitter: _Sitter) -> Layer:
    surface, garment, skin = sitter.torso, sitter.look.garment, sitter.look.face.skin
    reach = 200 * sitter.look.build
    canvas = sitter.canvas(-reach, -60, reach, 600)
    slim = surface.breadth
    neck = smooth([(-46 * (0.7 + 0.3 * slim), -90), (46 * (0.7 + 0.3 * slim), -90), (70 * slim, 40), (-70 * slim, 40)], 2)
    canvas.fill(neck, _skin_ink(sitter.look.face, 0.88), depth=30)
    heights = np.array([4.0, 18, 36, 60, 100, 150, 210, 260, 340, 420, 500, 575])
    half = surface.half(heights) * np.array([0.62, 0.92, 1, *[1] * 9])
    outline = np.vstack([np.column_stack([half, heights]), np.column_stack([-half, heights])[::-1]])

    def ink(x: Pixels, y: Pixels) -> Pixels:
        return woven(garment, surface.along(x, y), y)

    canvas.fill(smooth([tuple(p) for p in outline], 2), ink, depth=95 * (0.6 + 0.4 * slim), rim=0.25)
    _tailor(canvas, surface, garment, skin)
    return Layer("body", ("torso", garment, skin), canvas.cel)


def _decal(canvas: Canvas, surface: Surface, points: Points, ink: Colour | Ink, *, depth: float = 0.0) -> None:
    """A shape in (s, y) on a surface, where it is on the visible side."""
    middle = float(np.median(points[:, 0]))
    if surface.facing(middle) > 0.06:
        canvas.fill(surface.put(points), ink, depth=depth)


def _tailor(canvas: Canvas, surface: Surface, garment: Garment, skin: Colour) -> None:
    """Neckline, fastenings, pockets and a patch, by the garment's kind."""
    seam, inner = darker(garment, 0.62), mixed(garment.accent, (235, 232, 225), 0.4)
    if garment.kind == "jacket":
        _decal(canvas, surface, smooth([(-30, 0), (30, 0), (46, 300), (40, 580), (-40, 580), (-46, 300)], 1), inner)
        for side in (-1, 1):
            lapel = np.array([(side * 34, 6), (side * 92, 26), (side * 84, 120), (side * 44, 250)], np.float64)
            _decal(canvas, surface, lapel, grained_ink(seam, garment.seed), depth=12)
    elif garment.kind == "shirt":
        _decal(canvas, surface, np.array([(-5.0, 20), (5, 20), (5, 570), (-5, 570)]), seam)
        for y in range(60, 560, 76):
            _decal(canvas, surface, ellipse(0, y, 8, 8), garment.accent, depth=4)
        for side in (-1, 1):
            _decal(canvas, surface, np.array([(side * 4.0, 24), (side * 66, -2), (side * 74, 44), (side * 34, 72)]), seam)
    elif garment.kind == "hoodie":
        _decal(canvas, surface, smooth([(-74, 380), (74, 380), (100, 500), (-100, 500)], 1), seam)
        for side in (-1, 1):
            _decal(canvas, surface, stroke(curve([(side * 30, 20), (side * 34, 120), (side * 28, 170)]), 7), inner)
    elif garment.kind == "dress":
        _decal(canvas, surface, stroke(np.array([(-200.0, 395), (-60, 400), (60, 400), (200, 395)]), 26), seam)
    elif garment.kind == "vest":
        for side in (-1, 1):
            _decal(canvas, surface, stroke(curve([(side * 96, 40), (side * 80, 260), (side * 104, 570)]), 9), seam)
    if garment.kind == "hoodie":
        hood = stroke(curve([(-92, 22), (-50, 84), (50, 84), (92, 22)]), 34)
        canvas.fill(surface.put(hood) if surface.yaw < 90 else hood * (0.9, 0.6), grained_ink(seam, garment.seed), depth=14)
    elif surface.yaw < 90:
        canvas.fill(surface.put(ellipse(0, 4, 50, 17)), mixed(skin, (50, 24, 20), 0.3), soft=3)
    if garment.pattern == "patch":
        _decal(canvas, surface, ellipse(58, 150, 44, 44), garment.accent, depth=8)
        _decal(canvas, surface, ellipse(58, 150, 33, 33), seam)
        turn, reach = np.arange(10) * np.pi / 5, np.array([28, 12] * 5)
        _decal(canvas, surface, np.column_stack([58 + reach * np.sin(turn), 150 - reach * np.cos(turn)]), garment.accent)


def _lower(sitter: _Sitter) -> Layer:
    look, slim = sitter.look, sitter.torso.breadth
    canvas = sitter.canvas(-230, 520, 230, FLOOR)
    wide = 148 * look.build * slim
    ink = grained_ink(look.lower, look.garment.seed + 9, 0.1, (1, 0.35))
    if look.garment.kind == "dress":

        def skirt(x: Pixels, y: Pixels) -> Pixels:
            return woven(look.garment, sitter.torso.along(x, y), y)

        canvas.fill(np.array([(-wide, 530), (wide, 530), (wide * 1.45, 1010), (-wide * 1.45, 1010)]), skirt, depth=90)
        return Layer("body", ("lower", look.garment), canvas.cel)
    for side in (-1, 1):
        leg = [(side * wide, 530), (side * wide * 1.02, 760), (side * wide * 0.9, 1010), (side * 8, 1010), (side * -6, 530)]
        canvas.fill(np.array(leg, np.float64), ink, depth=60, rim=0.2)
    return Layer("body", ("lower", look.lower), canvas.cel)


def _arm(sitter: _Sitter, side: int) -> list[Layer]:
    """One arm; the right one (-1) is raised when it holds something."""
    look = sitter.look
    raised = side < 0 and look.raised
    x, build = sitter.arm_x(side), look.build
    out = 26 * np.sign(x or 1) * abs(np.cos(np.radians(sitter.yaw)))
    if raised:
        hand = sitter.hand()
        bones = np.vstack([curve([(x, 86), (x + out, 190), (x + out * 1.2, 300)], 14), curve([(x + out, 330), hand], 12)])
    else:
        hand = (x + out * 1.5, 540.0)
        bones = curve([(x, 86), (x + out * 1.1, 260), (x + out * 1.3, 400), (x + out * 1.5, 520)], 26)
    canvas = sitter.canvas(bones[:, 0].min() - 60, 0, bones[:, 0].max() + 60, 610)
    widths = np.linspace(82, 58, len(bones)) * build
    canvas.fill(ellipse(hand[0], hand[1] + 6, 27, 33), _skin_ink(look.face), depth=20)
    sleeve = _sleeve(look.garment, bones)
    half = 14 if raised else len(bones)
    for joint in (0, min(half, len(bones) - 1)):
        canvas.fill(ellipse(*bones[joint], widths[joint] / 2, widths[joint] / 2), sleeve, depth=38)
    for bone in (slice(0, half), slice(half, None)):
        if len(bones[bone]):
            canvas.fill(stroke(bones[bone], widths[bone].tolist()), sleeve, depth=42, rim=0.22)
    cuff = stroke(bones[-3:], widths[-3:] + 4)
    canvas.fill(cuff, grained_ink(darker(look.garment), look.garment.seed), depth=18)
    return [Layer(f"arm{side}", ("arm", side, look.garment, look.face.skin, raised), canvas.cel)]


def _sleeve(garment: Garment, bones: Points) -> Ink:
    middle = float(bones[:, 0].mean())

    def ink(x: Pixels, y: Pixels) -> Pixels:
        return woven(garment, np.asarray((x - middle) * 1.15 + 210, np.float32), y)

    return ink


# Head


def _skin_ink(face: Face, value: float = 1.0) -> Ink:
    colour = np.asarray(face.skin, np.float32) * value

    def ink(x: Pixels, y: Pixels) -> Pixels:
        rough = 1 + 0.022 * textured(face.seed, x, y, 0.7) + 0.02 * textured(face.seed + 1, x * 0.3, y * 0.3, 1.5)
        return np.asarray(colour * rough[..., None], np.float32)

    return ink


def _outline(sitter: _Sitter, grow: float = 0.0) -> Points:
    """The head's silhouette, `grow` units outside the skin; from the side with nose, lips and chin."""
    surface, turn = sitter.head, max(0.0, np.sin(np.radians(sitter.yaw)) - 0.8) / 0.2
    v = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 40))
    y = HEAD_Y + v * 131
    half = surface.half(y)
    half[[0, -1]] = 0
    bumps = sitter.look.face.nose * 1.1 * np.exp(-(((y + 152) / 17) ** 2)) + 6 * np.exp(-(((y + 103) / 12) ** 2))
    bumps += 5 * np.exp(-(((y + 205) / 16) ** 2)) + 7 * np.exp(-(((y + 62) / 16) ** 2))
    right = np.column_stack([half + turn * bumps, y])
    points = np.vstack([right, np.column_stack([-half, y])[::-1]])
    centre = np.array([0, HEAD_Y])
    return centre + (points - centre) * (1 + grow / 115)


def _ear(sitter: _Sitter, canvas: Canvas, side: int) -> None:
    angle = np.radians(90 * side + sitter.yaw)
    x = sitter.look.face.width * 1.0 * np.sin(angle)
    wide = 10 + 12 * abs(np.cos(angle))
    canvas.fill(ellipse(float(x), -162, wide, 30), _skin_ink(sitter.look.face, 0.95), depth=12)
    canvas.fill(ellipse(float(x), -160, wide * 0.5, 17), _skin_ink(sitter.look.face, 0.74), soft=2)


def _head(sitter: _Sitter) -> Layer:
    face, surface = sitter.look.face, sitter.head
    canvas = sitter.canvas(-160, -325, 160, 10)
    far = [side for side in (-1, 1) if np.cos(np.radians(90 * side + sitter.yaw)) < 0.3]
    for side in far:
        if np.cos(np.radians(90 * side + sitter.yaw)) > -0.3:
            _ear(sitter, canvas, side)
    canvas.fill(_outline(sitter), _skin_ink(face), depth=85, rim=0.18)
    if sitter.view != "back":
        blush = mixed(face.skin, (225, 80, 80), 0.5)
        for side in (-1, 1):
            if surface.facing(side * 55) > 0.1:
                canvas.fill(surface.put(ellipse(side * 54, -128, 22, 15)), blush, soft=9, opacity=0.4)
        _marks(sitter, canvas)
    for side in (-1, 1):
        if side not in far:
            _ear(sitter, canvas, side)
    return Layer("head", ("head", face, sitter.look.hair if face.beard else None), canvas.cel)


def _marks(sitter: _Sitter, canvas: Canvas) -> None:
    """Freckles and beard."""
    face, surface = sitter.look.face, sitter.head
    if face.freckles:
        rng = np.random.default_rng(face.seed)
        for s, y in zip(rng.uniform(-72, 72, 34), rng.normal(-142, 14, 34), strict=True):
            _decal(canvas, surface, ellipse(float(s), float(y), 2.6, 2.6, points=10), mixed(face.skin, (90, 40, 20), 0.5))
    if face.beard:
        jaw = [(-100, -160), (-86, -120), (-30, -116), (30, -116), (86, -120), (100, -160), (110, -60), (40, -38), (-40, -38), (-110, -60)]  # noqa: E501
        clipped = Canvas(-160, -325, 160, 10, sitter.light)
        clipped.fill(surface.put(smooth(jaw, 2)), _strands(sitter.look.hair), depth=20, soft=3, opacity=0.92)
        clipped.keep(_outline(sitter, 3))
        alpha = clipped.rgba[..., 3]
        canvas.rgba *= 1 - alpha[..., None]
        canvas.rgba += clipped.rgba


def _features(sitter: _Sitter) -> list[Layer]:
    """Eyes open and shut, and a mouth, each a layer of its own so that they can play."""
    face, surface = sitter.look.face, sitter.head
    open_, shut, mouth = (sitter.canvas(-140, -260, 140, -50) for _ in range(3))
    for side in (-1, 1):
        if surface.facing(side * face.eye_gap) > 0.12:
            _eye(sitter, open_, side, shut=False)
            _eye(sitter, shut, side, shut=True)
    shade = mixed(face.skin, (70, 30, 20), 0.4)
    if sitter.yaw < 60:
        for canvas in (open_, shut):
            bridge = curve([(6, -186), (10, -160), (face.nose * 0.9, -146), (2, -138)])
            canvas.fill(surface.put(stroke(bridge, [2] * 12 + [5] * 12)), shade, soft=1.4, opacity=0.8)
            canvas.fill(surface.put(ellipse(-2, -150, face.nose * 0.5, 9)), mixed(face.skin, (255, 255, 255), 0.4), soft=5, opacity=0.5)  # noqa: E501
    wide = face.mouth
    if surface.facing(wide * 0.7) > -0.2:
        lips = smooth([(-wide, -101), (-8, -110), (0, -106), (8, -110), (wide, -101), (8, -88), (-8, -88)], 2)
        mouth.fill(surface.put(lips), grained_ink(face.lips, face.seed), depth=7)
        mouth.fill(surface.put(stroke(curve([(-wide, -101), (0, -97), (wide, -101)]), 3.4)), mixed(face.lips, (30, 5, 5), 0.6))
    key = ("features", face, sitter.look.hair.colour)
    return [Layer("eyes", key, open_.cel), Layer("lids", key, shut.cel), Layer("mouth", key, mouth.cel)]


def _eye(sitter: _Sitter, canvas: Canvas, side: int, *, shut: bool) -> None:
    face, surface = sitter.look.face, sitter.head
    s, y, size = side * face.eye_gap, -178.0, face.eye_size
    brow_colour = mixed(sitter.look.hair.colour, (25, 18, 15), 0.45)
    brow = curve([(s - side * size * 1.3, y - 26), (s, y - 36), (s + side * size * 1.5, y - 24)])
    canvas.fill(surface.put(stroke(brow, np.linspace(face.brow, 3, len(brow)).tolist())), brow_colour, soft=1.2)
    almond = smooth([(s - size * 1.5, y), (s, y - size), (s + size * 1.5, y), (s, y + size * 0.85)], 3)
    if shut:
        canvas.fill(surface.put(almond), _skin_ink(face, 0.9), soft=1.5)
        canvas.fill(surface.put(stroke(curve([(s - size * 1.3, y), (s, y + size), (s + size * 1.3, y)]), 4)), (40, 26, 22))
        return
    canvas.fill(surface.put(almond), (240, 238, 232), depth=10)
    for radius, colour in ((0.66, mixed(face.eyes, (0, 0, 0), 0.45)), (0.56, face.eyes), (0.28, (12, 10, 12))):
        canvas.fill(surface.put(ellipse(s, y - 1, size * radius, size * radius)), colour)
    canvas.fill(surface.put(ellipse(s - 3, y - 5, size * 0.16, size * 0.16)), (255, 255, 255))
    lash = curve([(s - size * 1.5, y + 1), (s, y - size * 1.9), (s + size * 1.5, y + 1)])
    canvas.fill(surface.put(stroke(lash, 5.0)), (34, 24, 22), soft=0.8)


# Hair


def _strands(hair: Hair) -> Ink:
    curly = hair.style in {"curls", "braids"}

    def ink(x: Pixels, y: Pixels) -> Pixels:
        angle = np.arctan2(x, y + 560) * 700
        streaks = textured(hair.seed, x * 0.55, y * 0.55, 1.0) if curly else textured(hair.seed, angle * 0.9, y * 0.06, 0.7)
        sheen = 0.25 * np.exp(-(((y + 262) / 22) ** 2))
        lit = 1 + 0.2 * streaks + sheen
        floor = np.asarray(hair.colour, np.float32) * 0.85 + 10
        return np.asarray(floor * lit[..., None], np.float32)

    return ink


_LENGTHS = {"bob": -58.0, "long": 130.0, "curls": -90.0, "braids": -120.0, "ponytail": -170.0, "bun": -170.0}


def _hair_front(sitter: _Sitter) -> Layer:
    """The cap of hair with a window for the face, or a hat, or stubble."""
    hair, face = sitter.look.hair, sitter.look.face
    canvas = sitter.canvas(-230, -395, 230, 220)
    half = face.width * sitter.head.breadth
    thick = {"curls": 42.0, "bald": 1.5, "crop": 12.0, "beanie": 16.0}.get(hair.style, 18.0)
    side_y = _LENGTHS.get(hair.style, -190.0)
    reach, top = half + thick, -301 - thick * 1.1
    upper = [(reach * np.sin(a), -178 + (top + 178) * np.cos(a)) for a in np.linspace(-np.pi / 2, np.pi / 2, 24)]
    outline = np.array([(-reach * 0.94, side_y), *upper, (reach * 0.94, side_y)])
    if hair.style == "curls":
        centre = np.array([0, -170])
        turn = np.arctan2(*(outline - centre).T)
        outline = centre + (outline - centre) * (1 + 0.05 * np.sin(turn * 14))[:, None]
    window = None if sitter.view == "back" else _window(sitter)
    if hair.style == "bald":
        canvas.fill(outline, _strands(hair), soft=5, opacity=0.16, without=window)
    elif hair.style == "beanie":
        _beanie(sitter, canvas, outline)
    else:
        canvas.fill(outline, _strands(hair), depth=50, without=window, rim=0.25, soft=1.0)
    return Layer("head", ("hair", hair), canvas.cel)


def _window(sitter: _Sitter) -> Points:
    """The opening of the hair: from the hairline down, as wide as the face, turned with the head."""
    face, hair = sitter.look.face, sitter.look.hair
    line = {"bob": -212.0, "side": -238.0, "curls": -222.0, "crop": -246.0, "bald": -262.0}.get(hair.style, -240.0)
    edge = face.width * 1.28
    part = 34 if hair.style in {"side", "long"} else 0
    top = [(-edge, -150), (-edge * 0.86, line + 26), (-30 + part, line - 2 - part * 0.3), (20 + part, line + (6 if part else -2)), (edge * 0.86, line + 26), (edge, -150)]  # noqa: E501
    points = np.vstack([smooth([*top, (edge, 20), (edge, 400), (-edge, 400), (-edge, 20)], 2)])
    seen = sitter.head.put(np.column_stack([points[:, 0], np.clip(points[:, 1], -300, -150)]))
    if sitter.yaw > 0:
        seen[:, 0] = np.where(points[:, 0] > 0, np.maximum(seen[:, 0], sitter.head.breadth * face.width + 60), seen[:, 0])
    return np.column_stack([seen[:, 0], points[:, 1]])


def _beanie(sitter: _Sitter, canvas: Canvas, outline: Points) -> None:
    hair = sitter.look.hair

    def knit(x: Pixels, y: Pixels) -> Pixels:
        rib = 1 + 0.12 * np.sin(sitter.head.along(x, np.clip(y, -290, -180)) / 3.2)
        rough = rib * (1 + 0.08 * textured(hair.seed, x, y, 0.6))
        return np.asarray(np.asarray(hair.accent, np.float32) * rough[..., None], np.float32)

    dome = outline[outline[:, 1] < -205]
    reach = float(dome[:, 0].max())
    canvas.fill(dome, knit, depth=60, rim=0.25)
    canvas.fill(smooth([(-reach - 5, -240), (reach + 5, -240), (reach + 6, -196), (-reach - 6, -196)], 1), knit, depth=24, rim=0.3)
    canvas.fill(ellipse(0, float(dome[:, 1].min()) - 12, 30, 28), knit, depth=22)


def _hair_behind(sitter: _Sitter) -> list[Layer]:
    """What hangs or is tied behind the head."""
    hair = sitter.look.hair
    half = sitter.look.face.width * sitter.head.breadth
    behind = float(-np.sin(np.radians(sitter.yaw)))
    canvas = sitter.canvas(-270, -420, 270, 330)
    ink = _strands(hair)
    reach = half + 22
    match hair.style:
        case "long" | "bob":
            low = 190 if hair.style == "long" else -20
            drape = [(-reach, -190), (reach, -190), (reach * 1.06, low - 30), (reach * 0.7, low), (-reach * 0.7, low), (-reach * 1.06, low - 30)]  # noqa: E501
            canvas.fill(smooth([(x + 14 * behind, y) for x, y in drape], 2), ink, depth=50, rim=0.3)
        case "bun":
            canvas.fill(ellipse(behind * (half + 30), -330 + 60 * abs(behind), 52, 48), ink, depth=40, rim=0.3)
        case "ponytail":
            x = behind * (half + 26)
            tail = [(x - 30, -270), (x + 30, -270), (x * 1.15 + 44, -60), (x * 1.1 + 8, 60), (x * 1.1 - 40, -50)]
            canvas.fill(smooth(tail, 3), ink, depth=36, rim=0.3)
            canvas.fill(ellipse(behind * (half + 16), -268, 24, 14), hair.accent, depth=8)
        case "braids":
            for side in (-1, 1):
                x = half * 1.02 * float(np.sin(np.radians(100 * side + sitter.yaw))) * 1.12
                for n in range(8):
                    canvas.fill(ellipse(x + 6 * (-1) ** n, -110 + 38 * n, 27 - n, 28), ink, depth=18, rim=0.4)
                canvas.fill(ellipse(x, 190, 22, 14), hair.accent, depth=8)
        case "beanie" | "side" | "crop" | "curls" | "bald":
            return []
    return [Layer("head", ("hair behind", hair), canvas.cel)]
