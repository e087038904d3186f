"""Stray objects: procedural things that a set or a costume might carry by mistake, drawn anew from every seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evals.plant._paint import (
    SIDE,
    Pixels,
    Rng,
    barrel,
    clipped,
    clouds,
    colour_of,
    coloured,
    ellipse,
    grid,
    polygon,
    rounded,
    sheen,
    stacked_up,
    stroke,
    trimmed,
    with_shadow,
)

FAINT = 0.06
"""Alpha at or below this is cut off: a shadow's last trace is no part of the thing."""


def draw_thing(rng: Rng) -> Pixels:
    """A random thing with its contact shadow, (h, w, 4) premultiplied, 0 to 1."""
    make = THINGS[int(rng.integers(len(THINGS)))]
    lit = float(rng.uniform(-0.9, 0.9))
    worn = _worn(rng, make(rng, lit))
    shadow = with_shadow(worn, (-0.025 * lit, 0.02), float(rng.uniform(0.012, 0.03)), float(rng.uniform(0.3, 0.5)))
    return trimmed(shadow, FAINT)


def _worn(rng: Rng, thing: Pixels) -> Pixels:
    """The thing with the unevenness of something real: stains and a fine tooth."""
    stains = 1 + 0.05 * clouds(rng, (SIDE, SIDE), 90) + 0.025 * clouds(rng, (SIDE, SIDE), 5, 2)
    return np.dstack([clipped(thing[..., :3] * stains[..., None]), thing[..., 3]]).astype(np.float32)


def _cup(rng: Rng, lit: float) -> Pixels:
    """A mug or paper cup seen from a little above."""
    top, bottom = float(rng.uniform(0.2, 0.26)), float(rng.uniform(0.74, 0.82))
    taper, rim = float(rng.uniform(0.0, 0.06)), float(rng.uniform(0.035, 0.065))
    paint, inner = colour_of(rng), colour_of(rng, muted=True)
    wall = polygon([(0.26, top), (0.7, top), (0.7 - taper, bottom), (0.26 + taper, bottom)])
    foot = ellipse((0.48, bottom), (0.22 - taper, rim * 0.8))
    cover = np.maximum(wall, foot)
    x, y = grid()
    layers = [coloured(cover, paint, barrel(0.26, 0.7, lit) * (1 - 0.15 * y))]
    if rng.uniform() < 0.65:
        layers.insert(0, _handle(paint, top, bottom))
    if rng.uniform() < 0.6:
        band = clipped((np.abs(y - rng.uniform(0.4, 0.6)) < rng.uniform(0.04, 0.12)) * cover)
        layers.append(coloured(band, colour_of(rng), barrel(0.26, 0.7, lit)))
    layers.append(coloured(ellipse((0.48, top), (0.222, rim)), clipped(paint * 1.15)))
    layers.append(coloured(ellipse((0.48, top + 0.006), (0.2, rim * 0.82)), inner * 0.5, 0.5 + 0.5 * x))
    layers.append(sheen(cover, (0.36 + 0.12 * lit, 0.42), (0.02, 0.18), 0.35))
    return stacked_up(layers)


def _handle(paint: Pixels, top: float, bottom: float) -> Pixels:
    turn = np.linspace(-1.35, 1.35, 24)
    middle, reach = (top + bottom) / 2 - 0.03, (bottom - top) * 0.28
    curve = np.column_stack([0.68 + 0.13 * np.cos(turn), middle + reach * np.sin(turn)])
    return coloured(stroke(curve, 0.045), paint, 0.75)


def _bottle(rng: Rng, lit: float) -> Pixels:
    """A bottle with a cap and a label."""
    neck, wide = float(rng.uniform(0.05, 0.08)), float(rng.uniform(0.12, 0.17))
    shoulder = float(rng.uniform(0.3, 0.4))
    outline = [(0.5 - neck, 0.12), (0.5 + neck, 0.12), (0.5 + neck, shoulder - 0.08), (0.5 + wide, shoulder + 0.06)]
    outline += [(0.5 + wide, 0.86), (0.5 + wide - 0.02, 0.89), (0.5 - wide + 0.02, 0.89), (0.5 - wide, 0.86)]
    outline += [(0.5 - wide, shoulder + 0.06), (0.5 - neck, shoulder - 0.08)]
    body, shade = polygon(outline), barrel(0.5 - wide, 0.5 + wide, lit)
    cap = rounded(0.5 - neck - 0.012, 0.08, 0.5 + neck + 0.012, 0.17, 0.01)
    label = rounded(0.5 - wide, 0.5, 0.5 + wide, 0.74, 0.005)
    stripe = rounded(0.5 - wide, 0.56, 0.5 + wide, 0.56 + float(rng.uniform(0.03, 0.1)), 0.002)
    return stacked_up(
        [
            coloured(body, colour_of(rng), shade),
            coloured(label, colour_of(rng, muted=True) * 0.5 + 0.45, shade),
            coloured(stripe, colour_of(rng), shade),
            coloured(cap, colour_of(rng), shade),
            sheen(body, (0.5 + 0.08 * lit, 0.5), (0.015, 0.3), 0.5),
        ]
    )


def _ball(rng: Rng, lit: float) -> Pixels:
    """A ball, plain or in two colours."""
    x, y = grid()
    u, v = (x - 0.5) / 0.32, (y - 0.5) / 0.32
    depth = np.sqrt(np.clip(1 - u**2 - v**2, 0.02, 1))
    shade = clipped(0.28 + 0.8 * np.clip(0.4 * lit * u - 0.55 * v + 0.7 * depth, 0, 1), 0, 1.1)
    cover, one, two = ellipse((0.5, 0.5), (0.32, 0.32)), colour_of(rng), colour_of(rng, muted=True)
    angle, count = float(rng.uniform(0, np.pi)), float(rng.uniform(1.0, 3.5))
    wave = np.sin(count * np.pi * (u * np.cos(angle) + v * np.sin(angle)) / (0.4 + depth))
    paint = np.where((wave > 0.3)[..., None], one, two) if rng.uniform() < 0.6 else one
    return stacked_up([coloured(cover, paint, shade), sheen(cover, (0.5 + 0.12 * lit, 0.36), (0.05, 0.04), 0.7)])


def _carton(rng: Rng, lit: float) -> Pixels:
    """A small box that shows its front, a side and its top."""
    left, right, top, bottom = 0.2, float(rng.uniform(0.52, 0.62)), float(rng.uniform(0.32, 0.42)), 0.82
    depth, lift, paint = float(rng.uniform(0.14, 0.22)), float(rng.uniform(0.08, 0.14)), colour_of(rng)
    front = polygon([(left, top), (right, top), (right, bottom), (left, bottom)])
    side = polygon([(right, top), (right + depth, top - lift), (right + depth, bottom - lift), (right, bottom)])
    lid = polygon([(left, top), (left + depth, top - lift), (right + depth, top - lift), (right, top)])
    print_ = rounded(left + 0.05, top + 0.08, right - 0.05, top + 0.08 + float(rng.uniform(0.08, 0.25)), 0.01)
    return stacked_up(
        [
            coloured(front, paint, 0.85 - 0.1 * lit),
            coloured(side, paint, 0.6 + 0.2 * lit),
            coloured(lid, paint, 1.12),
            coloured(print_, colour_of(rng), 0.9 - 0.1 * lit),
        ]
    )


def _gadget(rng: Rng, lit: float) -> Pixels:
    """A hand-held device: a case, a screen or grille, keys and a lamp."""
    wide, corner = float(rng.uniform(0.14, 0.24)), float(rng.uniform(0.02, 0.06))
    case, (_, y) = rounded(0.5 - wide, 0.15, 0.5 + wide, 0.85, corner), grid()
    dark = colour_of(rng, muted=True) * float(rng.uniform(0.25, 0.9))
    face = rounded(0.5 - wide * 0.8, 0.22, 0.5 + wide * 0.8, float(rng.uniform(0.4, 0.6)), 0.012)
    layers = [coloured(case, dark, 1.05 - 0.35 * y), coloured(face, (0.08, 0.1, 0.12), 1 + 1.5 * clipped(0.6 - y))]
    for row in range(int(rng.integers(1, 4))):
        for column in (-0.5, 0.0, 0.5):
            key = ellipse((0.5 + column * wide, 0.66 + 0.06 * row), (0.022, 0.016))
            layers.append(coloured(key, colour_of(rng, muted=True), 0.9))
    layers.append(coloured(ellipse((0.5 + 0.6 * wide, 0.185), (0.014, 0.014)), colour_of(rng), 1.2))
    layers.append(sheen(case, (0.5 + wide * lit, 0.3), (0.03, 0.2), 0.25))
    return stacked_up(layers)


def _badge(rng: Rng, lit: float) -> Pixels:
    """An embroidered patch or enamel badge: a ring, a field and an emblem."""
    corners = int(rng.choice([4, 5, 6, 60]))
    start = float(rng.uniform(0, np.pi))
    ring, field, emblem = colour_of(rng), colour_of(rng), colour_of(rng, muted=True) * 0.4 + 0.55
    layers = [
        coloured(_regular(corners, 0.36, start), ring, 0.95),
        coloured(_regular(corners, 0.3, start), field),
        coloured(_star(rng, start), emblem),
    ]
    x, y = grid()
    weave = 1 + 0.06 * np.sin(x * 260) * np.sin(y * 260)
    drawn = stacked_up(layers)
    light = (weave * (1 + 0.15 * lit * (x - 0.5)))[..., None]
    return np.dstack([clipped(drawn[..., :3] * light), drawn[..., 3]])


def _regular(corners: int, radius: float, start: float) -> Pixels:
    turn = start + np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return polygon(np.column_stack([0.5 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)]))


def _star(rng: Rng, start: float) -> Pixels:
    points = int(rng.integers(3, 8))
    turn = start + np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
    radius = np.where(np.arange(2 * points) % 2, rng.uniform(0.07, 0.14), rng.uniform(0.18, 0.24))
    return polygon(np.column_stack([0.5 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)]))


def _cable(rng: Rng, lit: float) -> Pixels:
    """A loose cable with a plug."""
    share = np.linspace(0, 1, 60)[:, None]
    knots = rng.uniform(0.18, 0.82, (4, 2))
    knots[0, 0], knots[3, 0] = 0.14, 0.8
    curve = (1 - share) ** 3 * knots[0] + 3 * share * (1 - share) ** 2 * knots[1]
    curve = curve + 3 * share**2 * (1 - share) * knots[2] + share**3 * knots[3]
    width, paint = float(rng.uniform(0.025, 0.05)), colour_of(rng, muted=bool(rng.uniform() < 0.6))
    line, ridge = stroke(curve, width), stroke(curve + np.array([0.2 * width * lit, -0.25 * width]), width * 0.3)
    x, y = curve[-1]
    plug = rounded(x - 0.03, y - 0.045, x + 0.09, y + 0.045, 0.015)
    return stacked_up(
        [coloured(line, paint, 0.75), coloured(ridge * line, clipped(paint * 1.3 + 0.08)), coloured(plug, paint * 0.6)]
    )


def _tape(rng: Rng, lit: float) -> Pixels:
    """A torn strip of tape or a paper note."""
    high = float(rng.uniform(0.09, 0.26))
    down = np.linspace(0.5 - high, 0.5 + high, 14)
    torn = 0.02 * rng.standard_normal((2, 14))
    outline = np.concatenate([np.column_stack([0.12 + torn[0], down]), np.column_stack([0.88 + torn[1], down])[::-1]])
    x, _ = grid()
    folds = 1 + 0.06 * np.sin(x * float(rng.uniform(20, 60))) + 0.12 * lit * (x - 0.5)
    return coloured(polygon(outline), colour_of(rng, muted=bool(rng.uniform() < 0.5)), folds)


def _cloth(rng: Rng, lit: float) -> Pixels:
    """A crumpled cloth or glove: an uneven outline with folds."""
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    radius = np.full(90, 0.28)
    for wave in range(2, 7):
        radius += rng.uniform(0.01, 0.14) / wave * np.cos(wave * turn + rng.uniform(0, 2 * np.pi))
    cover = polygon(np.column_stack([0.5 + radius * np.cos(turn), 0.5 + 0.8 * radius * np.sin(turn)]))
    folds = clouds(rng, (SIDE, SIDE), 70, 3)
    slope = np.gradient(folds, axis=1) * (0.5 + lit) * 9 - np.gradient(folds, axis=0) * 9
    x, y = grid()
    plaid = 1 + 0.18 * np.sign(np.sin(x * 60)) * float(rng.uniform() < 0.4) * np.sign(np.sin(y * 60))
    return coloured(cover, colour_of(rng), clipped((0.78 + 0.25 * slope) * plaid, 0.25, 1.15))


THINGS: tuple[Callable[[Rng, float], Pixels], ...] = (
    _cup,
    _bottle,
    _ball,
    _carton,
    _gadget,
    _badge,
    _cable,
    _tape,
    _cloth,
)
