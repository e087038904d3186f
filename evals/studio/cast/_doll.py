"""A character drawn from any side: layers of body, arms, head, hair and belongings."""

from __future__ import annotations

import numpy as np

from evals.studio._matte import Pixels
from evals.studio.cast._cloth import darker, woven
from evals.studio.cast._design import CARRIED, ON_HEAD, Garment, Look
from evals.studio.cast._head import draw_features, draw_hair_behind, draw_hair_front, draw_head
from evals.studio.cast._paint import Ink, Light, Points, curve, ellipse, grained_ink, smooth, stroke
from evals.studio.cast._sitter import FLOOR, Layer, Sitter, skin_ink
from evals.studio.cast._tailor import tailor
from evals.studio.cast._things import draw_thing_on


def draw_doll(look: Look, view: str, light: Light) -> list[Layer]:
    """The layers of a look from one side, from back to front."""
    sitter = Sitter(look, view, light)
    behind = view == "back"
    layers = [] if behind else draw_hair_behind(sitter)
    layers += [layer for side in (-1, 1) if not sitter.arm_near(side) for layer in _arm(sitter, side)]
    layers += [_lower(sitter), _torso(sitter)]
    layers += [layer for side in (1, -1) if sitter.arm_near(side) for layer in _arm(sitter, side)]
    layers += _belongings(sitter, on_head=False)
    layers += [draw_head(sitter)]
    if not behind:
        layers += [*draw_features(sitter), draw_hair_front(sitter)]
    else:
        layers += [draw_hair_front(sitter), *draw_hair_behind(sitter)]
    return layers + _belongings(sitter, on_head=True)


def _belongings(sitter: Sitter, *, on_head: bool) -> list[Layer]:
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


def _torso(sitter: Sitter) -> Layer:
    surface, garment, skin = sitter.torso, sitter.look.garment, sitter.look.face.skin
    reach = 200 * sitter.look.build
    canvas = sitter.canvas(-reach, -60, reach, 600)
    slim = surface.breadth
    neck = smooth(
        [(-46 * (0.7 + 0.3 * slim), -90), (46 * (0.7 + 0.3 * slim), -90), (70 * slim, 40), (-70 * slim, 40)], 2
    )
    canvas.fill(neck, skin_ink(sitter.look.face, 0.88), depth=30)
    heights = np.array([4.0, 18, 36, 60, 100, 150, 210, 260, 340, 420, 500, 575])
    half = surface.half(heights) * np.array([0.62, 0.92, 1, *[1] * 9])
    outline = np.vstack([np.column_stack([half, heights]), np.column_stack([-half, heights])[::-1]])

    def ink(x: Pixels, y: Pixels) -> Pixels:
        return woven(garment, surface.along(x, y), y)

    canvas.fill(smooth([tuple(p) for p in outline], 2), ink, depth=95 * (0.6 + 0.4 * slim), rim=0.25)
    tailor(canvas, surface, garment, skin)
    return Layer("body", ("torso", garment, skin), canvas.cel)


def _lower(sitter: Sitter) -> Layer:
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
        leg = [
            (side * wide, 530),
            (side * wide * 1.02, 760),
            (side * wide * 0.9, 1010),
            (side * 8, 1010),
            (side * -6, 530),
        ]
        canvas.fill(np.array(leg, np.float64), ink, depth=60, rim=0.2)
    return Layer("body", ("lower", look.lower), canvas.cel)


def _arm(sitter: Sitter, side: int) -> list[Layer]:
    """One arm; the right one (-1) is raised when it holds something."""
    look = sitter.look
    raised = side < 0 and look.raised
    x, build = sitter.arm_x(side), look.build
    out = 26 * np.sign(x or 1) * abs(np.cos(np.radians(sitter.yaw)))
    if raised:
        hand = sitter.hand()
        bones = np.vstack(
            [curve([(x, 86), (x + out, 190), (x + out * 1.2, 300)], 14), curve([(x + out, 330), hand], 12)]
        )
    else:
        hand = (x + out * 1.5, 540.0)
        bones = curve([(x, 86), (x + out * 1.1, 260), (x + out * 1.3, 400), (x + out * 1.5, 520)], 26)
    canvas = sitter.canvas(bones[:, 0].min() - 60, 0, bones[:, 0].max() + 60, 610)
    widths = np.linspace(82, 58, len(bones)) * build
    canvas.fill(ellipse(hand[0], hand[1] + 6, 27, 33), skin_ink(look.face), depth=20)
    sleeve = _sleeve(look.garment, bones)
    half = 14 if raised else len(bones)
    for joint in (0, min(half, len(bones) - 1)):
        canvas.fill(ellipse(bones[joint, 0], bones[joint, 1], widths[joint] / 2, widths[joint] / 2), sleeve, depth=38)
    for bone in (slice(0, half), slice(half, None)):
        if len(bones[bone]):
            canvas.fill(stroke(bones[bone], widths[bone].tolist()), sleeve, depth=42, rim=0.22)
    cuff = stroke(bones[-3:], (widths[-3:] + 4).tolist())
    canvas.fill(cuff, grained_ink(darker(look.garment), look.garment.seed), depth=18)
    return [Layer(f"arm{side}", ("arm", side, look.garment, look.face.skin, raised), canvas.cel)]


def _sleeve(garment: Garment, bones: Points) -> Ink:
    middle = float(bones[:, 0].mean())

    def ink(x: Pixels, y: Pixels) -> Pixels:
        return woven(garment, np.asarray((x - middle) * 1.15 + 210, np.float32), y)

    return ink
