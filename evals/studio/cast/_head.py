"""Heads: skin, ears, features that play, and hair in front of and behind them."""

from __future__ import annotations

import numpy as np

from evals.studio._matte import Pixels
from evals.studio.cast._design import Hair, mixed
from evals.studio.cast._paint import Canvas, Ink, Points, curve, ellipse, grained_ink, smooth, stroke, textured
from evals.studio.cast._sitter import HEAD_Y, Layer, Sitter, decal, skin_ink


def _outline(sitter: Sitter, grow: float = 0.0) -> Points:
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
    return np.asarray(centre + (points - centre) * (1 + grow / 115))


def _ear(sitter: Sitter, canvas: Canvas, side: int) -> None:
    angle = np.radians(90 * side + sitter.yaw)
    x = sitter.look.face.width * 1.0 * np.sin(angle)
    wide = 10 + 12 * abs(np.cos(angle))
    canvas.fill(ellipse(float(x), -162, wide, 30), skin_ink(sitter.look.face, 0.95), depth=12)
    canvas.fill(ellipse(float(x), -160, wide * 0.5, 17), skin_ink(sitter.look.face, 0.74), soft=2)


def draw_head(sitter: Sitter) -> Layer:
    face, surface = sitter.look.face, sitter.head
    canvas = sitter.canvas(-160, -325, 160, 10)
    far = [side for side in (-1, 1) if np.cos(np.radians(90 * side + sitter.yaw)) < 0.3]
    for side in far:
        if np.cos(np.radians(90 * side + sitter.yaw)) > -0.3:
            _ear(sitter, canvas, side)
    canvas.fill(_outline(sitter), skin_ink(face), depth=85, rim=0.18)
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


def _marks(sitter: Sitter, canvas: Canvas) -> None:
    """Freckles and beard."""
    face, surface = sitter.look.face, sitter.head
    if face.freckles:
        rng = np.random.default_rng(face.seed)
        for s, y in zip(rng.uniform(-72, 72, 34), rng.normal(-142, 14, 34), strict=True):
            decal(
                canvas, surface, ellipse(float(s), float(y), 2.6, 2.6, points=10), mixed(face.skin, (90, 40, 20), 0.5)
            )
    if face.beard:
        jaw = [
            (-100, -160),
            (-86, -120),
            (-30, -116),
            (30, -116),
            (86, -120),
            (100, -160),
            (110, -60),
            (40, -38),
            (-40, -38),
            (-110, -60),
        ]
        clipped = Canvas(-160, -325, 160, 10, sitter.light)
        clipped.fill(surface.put(smooth(jaw, 2)), _strands(sitter.look.hair), depth=20, soft=3, opacity=0.92)
        clipped.keep(_outline(sitter, 3))
        alpha = clipped.rgba[..., 3]
        canvas.rgba *= 1 - alpha[..., None]
        canvas.rgba += clipped.rgba


def draw_features(sitter: Sitter) -> list[Layer]:
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
            canvas.fill(
                surface.put(ellipse(-2, -150, face.nose * 0.5, 9)),
                mixed(face.skin, (255, 255, 255), 0.4),
                soft=5,
                opacity=0.5,
            )
    wide = face.mouth
    if surface.facing(wide * 0.7) > -0.2:
        lips = smooth([(-wide, -101), (-8, -110), (0, -106), (8, -110), (wide, -101), (8, -88), (-8, -88)], 2)
        mouth.fill(surface.put(lips), grained_ink(face.lips, face.seed), depth=7)
        mouth.fill(
            surface.put(stroke(curve([(-wide, -101), (0, -97), (wide, -101)]), 3.4)), mixed(face.lips, (30, 5, 5), 0.6)
        )
    key = ("features", face, sitter.look.hair.colour)
    return [Layer("eyes", key, open_.cel), Layer("lids", key, shut.cel), Layer("mouth", key, mouth.cel)]


def _eye(sitter: Sitter, canvas: Canvas, side: int, *, shut: bool) -> None:
    face, surface = sitter.look.face, sitter.head
    s, y, size = side * face.eye_gap, -178.0, face.eye_size
    brow_colour = mixed(sitter.look.hair.colour, (25, 18, 15), 0.45)
    brow = curve([(s - side * size * 1.3, y - 26), (s, y - 36), (s + side * size * 1.5, y - 24)])
    canvas.fill(surface.put(stroke(brow, np.linspace(face.brow, 3, len(brow)).tolist())), brow_colour, soft=1.2)
    almond = smooth([(s - size * 1.5, y), (s, y - size), (s + size * 1.5, y), (s, y + size * 0.85)], 3)
    if shut:
        canvas.fill(surface.put(almond), skin_ink(face, 0.9), soft=1.5)
        canvas.fill(
            surface.put(stroke(curve([(s - size * 1.3, y), (s, y + size), (s + size * 1.3, y)]), 4)), (40, 26, 22)
        )
        return
    canvas.fill(surface.put(almond), (240, 238, 232), depth=10)
    for radius, colour in ((0.66, mixed(face.eyes, (0, 0, 0), 0.45)), (0.56, face.eyes), (0.28, (12, 10, 12))):
        canvas.fill(surface.put(ellipse(s, y - 1, size * radius, size * radius)), colour)
    canvas.fill(surface.put(ellipse(s - 3, y - 5, size * 0.16, size * 0.16)), (255, 255, 255))
    lash = curve([(s - size * 1.5, y + 1), (s, y - size * 1.9), (s + size * 1.5, y + 1)])
    canvas.fill(surface.put(stroke(lash, 5.0)), (34, 24, 22), soft=0.8)


def _strands(hair: Hair) -> Ink:
    curly = hair.style in {"curls", "braids"}

    def ink(x: Pixels, y: Pixels) -> Pixels:
        angle = np.arctan2(x, y + 560) * 700
        across, down, fall = (x * 0.55, y * 0.55, 1.0) if curly else (angle * 0.9, y * 0.06, 0.7)
        streaks = textured(hair.seed, np.asarray(across, np.float32), np.asarray(down, np.float32), fall)
        sheen = 0.25 * np.exp(-(((y + 262) / 22) ** 2))
        lit = 1 + 0.2 * streaks + sheen
        floor = np.asarray(hair.colour, np.float32) * 0.85 + 10
        return np.asarray(floor * lit[..., None], np.float32)

    return ink


_LENGTHS = {"bob": -58.0, "long": 130.0, "curls": -90.0, "braids": -120.0, "ponytail": -170.0, "bun": -170.0}


def draw_hair_front(sitter: Sitter) -> Layer:
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


def _window(sitter: Sitter) -> Points:
    """The opening of the hair: from the hairline down, as wide as the face, turned with the head."""
    face, hair = sitter.look.face, sitter.look.hair
    line = {"bob": -212.0, "side": -238.0, "curls": -222.0, "crop": -246.0, "bald": -262.0}.get(hair.style, -240.0)
    edge = face.width * 1.28
    part = 34 if hair.style in {"side", "long"} else 0
    top = [
        (-edge, -150),
        (-edge * 0.86, line + 26),
        (-30 + part, line - 2 - part * 0.3),
        (20 + part, line + (6 if part else -2)),
        (edge * 0.86, line + 26),
        (edge, -150),
    ]
    points = np.vstack([smooth([*top, (edge, 20), (edge, 400), (-edge, 400), (-edge, 20)], 2)])
    seen = sitter.head.put(np.column_stack([points[:, 0], np.clip(points[:, 1], -300, -150)]))
    if sitter.yaw > 0:
        seen[:, 0] = np.where(
            points[:, 0] > 0, np.maximum(seen[:, 0], sitter.head.breadth * face.width + 60), seen[:, 0]
        )
    return np.column_stack([seen[:, 0], points[:, 1]])


def _beanie(sitter: Sitter, canvas: Canvas, outline: Points) -> None:
    hair = sitter.look.hair

    def knit(x: Pixels, y: Pixels) -> Pixels:
        rib = 1 + 0.12 * np.sin(sitter.head.along(x, np.clip(y, -290, -180)) / 3.2)
        rough = rib * (1 + 0.08 * textured(hair.seed, x, y, 0.6))
        return np.asarray(np.asarray(hair.accent, np.float32) * rough[..., None], np.float32)

    dome = outline[outline[:, 1] < -205]
    reach = float(dome[:, 0].max())
    canvas.fill(dome, knit, depth=60, rim=0.25)
    canvas.fill(
        smooth([(-reach - 5, -240), (reach + 5, -240), (reach + 6, -196), (-reach - 6, -196)], 1),
        knit,
        depth=24,
        rim=0.3,
    )
    canvas.fill(ellipse(0, float(dome[:, 1].min()) - 12, 30, 28), knit, depth=22)


def draw_hair_behind(sitter: Sitter) -> list[Layer]:
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
            drape = [
                (-reach, -190),
                (reach, -190),
                (reach * 1.06, low - 30),
                (reach * 0.7, low),
                (-reach * 0.7, low),
                (-reach * 1.06, low - 30),
            ]
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
