"""Where scenes play: rooms and streets painted by seed, and photographs of scikit-image.

A set is a picture (900, 1700, 3), 0–255; the splits share neither seeds nor photographs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from skimage import data

from evals.studio._matte import Pixels, pixels
from evals.studio.cast._design import Split, hsv, mixed
from evals.studio.cast._paint import Canvas, Colour, Ink, Light, curve, ellipse, grained_ink, smooth, stroke, textured

WIDE, TALL = 1700, 900
FLOOR_Y = 690.0

Photograph = Callable[[], Pixels]

_STOCK: dict[Split, dict[str, Callable[[], object]]] = {
    "tune": {"rocket": data.rocket, "brick": data.brick, "hubble": data.hubble_deep_field},
    "test": {"gravel": data.gravel, "coins": data.coins, "moon": data.moon, "tissue": data.immunohistochemistry},
}


@dataclass(frozen=True, slots=True)
class Place:
    """A set, and the light that falls in it."""

    name: str
    picture: Pixels
    light: Light


def draw_light(rng: np.random.Generator) -> Light:
    """Light from above on one side, a little warm or cool."""
    side, warm = float(rng.choice([-1, 1])), float(rng.uniform(-0.05, 0.05))
    return Light(
        side * float(rng.uniform(0.3, 0.75)),
        -float(rng.uniform(0.35, 0.7)),
        (1 + warm, 1.0, 1 - warm),
        float(rng.uniform(0.34, 0.5)),
    )


def draw_place(rng: np.random.Generator, split: Split, *, photographic: bool) -> Place:
    """The set of a film."""
    light = draw_light(rng)
    if photographic:
        name = str(rng.choice(sorted(_STOCK[split])))
        return Place(name, _photographed(rng, split, name), light)
    painter = (_room, _room, _street, _park)[int(rng.integers(4))]
    canvas = Canvas(0, 0, WIDE, TALL, light)
    painter(rng, canvas)
    return Place(painter.__name__[1:], _lit(rng, pixels(canvas.rgba[..., :3]), light), light)


def _photographed(rng: np.random.Generator, split: Split, name: str) -> Pixels:
    photo = np.asarray(_STOCK[split][name]())
    rgb = np.dstack([photo] * 3) if photo.ndim == 2 else photo[..., :3]
    tone = np.asarray(hsv(rng.uniform(), rng.uniform(0.15, 0.4), 1.0), np.float32) / 255 if photo.ndim == 2 else 1.0
    zoom = max(WIDE / rgb.shape[1], TALL / rgb.shape[0])
    big = cv2.resize(rgb.astype(np.float32), None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
    top, left = (big.shape[0] - TALL) // 2, (big.shape[1] - WIDE) // 2
    cut = pixels(big[top : top + TALL, left : left + WIDE])
    lifted = 255 * (cut / 255) ** 0.7 if float(cut.mean()) < 60 else cut
    return pixels(lifted * tone)


def _lit(rng: np.random.Generator, picture: Pixels, light: Light) -> Pixels:
    """Pools of light and a fall towards the dark side."""
    x, y = np.meshgrid(np.linspace(-1, 1, WIDE, dtype=np.float32), np.linspace(-1, 1, TALL, dtype=np.float32))
    gain = 1 - 0.14 * (x * -np.sign(light.x)) - 0.06 * y
    for _ in range(3):
        cx, cy = rng.uniform(-0.9, 0.9), rng.uniform(-0.6, 0.2)
        gain = gain + rng.uniform(0.06, 0.2) * np.exp(-(((x - cx) / 0.25) ** 2) - ((y - cy) / 0.5) ** 2)
    return pixels(picture * gain[..., None])


def _rectangle(x: float, y: float, w: float, h: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], np.float64)


# Rooms


def _wall(rng: np.random.Generator) -> Ink:
    """Plaster, wallpaper, bricks, boards or tiles."""
    base = np.asarray(hsv(rng.uniform(), rng.uniform(0.08, 0.35), rng.uniform(0.45, 0.8)), np.float32)
    kind, pitch, seed = int(rng.integers(5)), float(rng.uniform(40, 80)), int(rng.integers(1 << 20))

    def ink(x: Pixels, y: Pixels) -> Pixels:
        lit = 1 + 0.05 * textured(seed, x, y, 0.9) + 0.04 * textured(seed + 1, x * 0.2, y * 0.2, 1.6)
        u, v = np.mod(x / pitch, 1), np.mod(y / pitch, 1)
        if kind == 1:
            lit = lit * (1 + 0.09 * np.sign(u - 0.5)) * (1 + 0.05 * np.cos(6.28 * u * 2) * np.cos(6.28 * v))
        elif kind == 2:
            row = np.floor(y / (pitch * 0.5))
            brick = np.floor(x / pitch + 0.5 * row)
            joint = (np.mod(x / pitch + 0.5 * row, 1) < 0.06) | (np.mod(y / (pitch * 0.5), 1) < 0.1)
            lit = lit * (1 + 0.12 * np.sin(brick * 12.9 + row * 78.2)) * np.where(joint, 0.72, 1)
        elif kind == 3:
            lit = lit * np.where(u < 0.05, 0.7, 1 + 0.08 * np.sin(np.floor(x / pitch) * 7.7))
        elif kind == 4:
            lit = lit * np.where(
                (u < 0.05) | (v < 0.05), 1.18, 1 + 0.06 * np.sin(np.floor(x / pitch) * 5 + np.floor(y / pitch) * 9)
            )
        return np.asarray(base * lit[..., None], np.float32)

    return ink


def _room(rng: np.random.Generator, canvas: Canvas) -> None:
    canvas.fill(_rectangle(-5, -5, WIDE + 10, TALL + 10), _wall(rng), soft=0)
    floor = hsv(rng.uniform(0.04, 0.12), rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.5))
    canvas.fill(_rectangle(-5, FLOOR_Y, WIDE + 10, 300), grained_ink(floor, int(rng.integers(9999)), 0.12, (0.2, 1.5)))
    canvas.fill(
        _rectangle(-5, FLOOR_Y - 22, WIDE + 10, 24), grained_ink(mixed(floor, (230, 225, 215), 0.6), 5), depth=5
    )
    slots = list(rng.permutation(6))
    pieces = (_window, _shelf, _pictures, _lamp, _plant, _door)
    for slot, piece in zip(slots, pieces, strict=True):
        piece(rng, canvas, 150 + 275 * float(slot) + float(rng.uniform(-25, 25)))
    for x in rng.uniform(100, WIDE - 200, 2):
        _sofa(rng, canvas, float(x))


def _shade(canvas: Canvas, x: float, y: float, w: float, h: float) -> None:
    canvas.fill(_rectangle(x + 8, y + 12, w, h), (15, 12, 12), soft=9, opacity=0.35)


def _window(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    w, h, y = 230.0, float(rng.uniform(280, 360)), float(rng.uniform(90, 150))
    sky, far = hsv(rng.uniform(0.5, 0.65), 0.3, 0.95), hsv(rng.uniform(0.2, 0.45), 0.4, 0.5)

    def outside(px: Pixels, py: Pixels) -> Pixels:
        level = pixels((py - y) / h + 0.06 * textured(3, px * 0.4, py * 0.2, 1.6), 0, 1)[..., None]
        return np.asarray(np.asarray(sky, np.float32) * (1 - level) + np.asarray(far, np.float32) * level, np.float32)

    frame = grained_ink((226, 220, 208), 8, 0.04)
    _shade(canvas, x - w / 2 - 14, y - 14, w + 28, h + 28)
    canvas.fill(_rectangle(x - w / 2 - 14, y - 14, w + 28, h + 28), frame, depth=8)
    canvas.fill(_rectangle(x - w / 2, y, w, h), outside)
    canvas.fill(_rectangle(x - 6, y, 12, h), frame, depth=4)
    canvas.fill(_rectangle(x - w / 2, y + h * 0.45, w, 12), frame, depth=4)
    cloth = hsv(rng.uniform(), 0.45, 0.6)
    for side in (-1, 1):
        edge = x + side * (w / 2 + 10)
        drape = np.array(
            [(edge, y - 24), (edge + side * 52, y - 24), (edge + side * 60, y + h + 40), (edge - side * 14, y + h + 40)]
        )
        canvas.fill(drape, grained_ink(cloth, int(rng.integers(9999)), 0.16, (1.2, 0.05)), depth=20)


def _shelf(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    wood = hsv(0.08, rng.uniform(0.35, 0.6), rng.uniform(0.3, 0.55))
    for y in (220.0, 360.0, 500.0):
        _shade(canvas, x - 115, y, 230, 14)
        canvas.fill(_rectangle(x - 115, y, 230, 14), grained_ink(wood, 4, 0.1, (0.2, 1)), depth=4)
        at = x - 108
        while at < x + 80:
            w, h = float(rng.uniform(14, 34)), float(rng.uniform(60, 112))
            ink = grained_ink(
                hsv(rng.uniform(), rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.8)), int(rng.integers(9999)), 0.08
            )
            canvas.fill(_rectangle(at, y - h, w, h), ink, depth=6, rim=0.3)
            at += w + float(rng.choice([1, 1, 1, 26]))


def _pictures(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    for dx, y in ((-70.0, 130.0), (56.0, 170.0), (-30.0, 350.0)):
        w, h = float(rng.uniform(86, 120)), float(rng.uniform(90, 150))
        _shade(canvas, x + dx - w / 2, y, w, h)
        canvas.fill(_rectangle(x + dx - w / 2, y, w, h), hsv(rng.uniform(), 0.3, 0.25), depth=6)
        canvas.fill(_rectangle(x + dx - w / 2 + 10, y + 10, w - 20, h - 20), grained_ink((224, 218, 204), 3, 0.03))
        for _ in range(4):
            blob = ellipse(
                x + dx + rng.uniform(-0.25, 0.25) * w,
                y + h * rng.uniform(0.25, 0.75),
                rng.uniform(8, 24),
                rng.uniform(8, 24),
            )
            canvas.fill(blob, hsv(rng.uniform(), 0.6, 0.7), depth=5)


def _lamp(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    canvas.fill(_rectangle(x - 5, 300, 10, 400), (60, 52, 46), depth=4)
    canvas.fill(ellipse(x, FLOOR_Y + 6, 58, 16), (56, 48, 44), depth=8)
    shade = hsv(rng.uniform(0.02, 0.16), rng.uniform(0.2, 0.5), 0.95)
    canvas.fill(ellipse(x, 300, 210, 250), shade, soft=40, opacity=0.22)
    canvas.fill(
        np.array([(x - 48.0, 210), (x + 48, 210), (x + 86, 330), (x - 86, 330)]), grained_ink(shade, 6, 0.04), depth=30
    )


def _plant(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    pot = hsv(rng.uniform(), 0.4, 0.55)
    for _ in range(26):
        tip = (x + float(rng.uniform(-120, 120)), float(rng.uniform(300, 560)))
        leaf = stroke(
            curve([(x, 620), ((x + tip[0]) / 2, tip[1] - 30), tip], 16), [3, *np.linspace(20, 30, 10), 20, 12, 8, 4, 2]
        )
        green = hsv(rng.uniform(0.22, 0.4), rng.uniform(0.4, 0.7), rng.uniform(0.25, 0.55))
        canvas.fill(leaf, grained_ink(green, 2, 0.1), depth=7)
    canvas.fill(
        np.array([(x - 70.0, 600), (x + 70, 600), (x + 52, 725), (x - 52, 725)]), grained_ink(pot, 9, 0.08), depth=34
    )


def _door(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    wood = hsv(rng.uniform(), rng.uniform(0.2, 0.5), rng.uniform(0.4, 0.65))
    _shade(canvas, x - 110, 150, 220, FLOOR_Y - 150)
    canvas.fill(_rectangle(x - 112, 140, 224, FLOOR_Y - 140), mixed(wood, (255, 250, 240), 0.5), depth=8)
    canvas.fill(_rectangle(x - 95, 158, 190, FLOOR_Y - 158), grained_ink(wood, 11, 0.08, (1.5, 0.1)), depth=10)
    for dx in (-74.0, 12.0):
        for y, h in ((190.0, 180.0), (410.0, 230.0)):
            canvas.fill(
                _rectangle(x + dx, y, 62, h), grained_ink(mixed(wood, (0, 0, 0), 0.15), 11, 0.08), depth=12, rim=0.4
            )
    canvas.fill(ellipse(x + 80, 420, 9, 9), (214, 180, 90), depth=6)


def _sofa(rng: np.random.Generator, canvas: Canvas, x: float) -> None:
    cloth = grained_ink(hsv(rng.uniform(), rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6)), int(rng.integers(9999)), 0.1)
    canvas.fill(ellipse(x, 872, 250, 34), (10, 8, 8), soft=12, opacity=0.5)
    canvas.fill(smooth([(x - 210, 590), (x + 210, 590), (x + 220, 800), (x - 220, 800)], 2), cloth, depth=50, rim=0.25)
    canvas.fill(smooth([(x - 240, 690), (x + 240, 690), (x + 240, 870), (x - 240, 870)], 2), cloth, depth=40, rim=0.25)
    for side in (-1, 1):
        canvas.fill(ellipse(x + side * 235, 760, 46, 112), cloth, depth=38, rim=0.25)
        pillow = smooth(
            [
                (x + side * 150 - 60, 620),
                (x + side * 150 + 60, 630),
                (x + side * 150 + 50, 730),
                (x + side * 150 - 56, 724),
            ],
            2,
        )
        canvas.fill(pillow, grained_ink(hsv(rng.uniform(), 0.5, 0.75), int(rng.integers(9999)), 0.1), depth=30)


# Outdoors


def _sky(rng: np.random.Generator, canvas: Canvas) -> None:
    top, low = hsv(rng.uniform(0.52, 0.66), rng.uniform(0.25, 0.5), 0.85), hsv(rng.uniform(0.05, 0.14), 0.2, 0.96)
    seed = int(rng.integers(1 << 20))

    def ink(x: Pixels, y: Pixels) -> Pixels:
        level = pixels(y / 620, 0, 1)[..., None]
        blue = np.asarray(top, np.float32) * (1 - level) + np.asarray(low, np.float32) * level
        cloud = pixels(0.35 + 0.5 * textured(seed, x * 0.16, y * 0.3, 1.9), 0, 0.85)[..., None]
        return np.asarray(blue * (1 - cloud) + 246 * cloud, np.float32)

    canvas.fill(_rectangle(-5, -5, WIDE + 10, TALL + 10), ink, soft=0)


def _ground(rng: np.random.Generator, canvas: Canvas, colour: Colour, y: float) -> None:
    canvas.fill(_rectangle(-5, y, WIDE + 10, TALL), grained_ink(colour, int(rng.integers(9999)), 0.14, (0.5, 1.4)))


def _street(rng: np.random.Generator, canvas: Canvas) -> None:
    _sky(rng, canvas)
    x = -40.0
    while x < WIDE:
        w, top = float(rng.uniform(190, 330)), float(rng.uniform(40, 260))
        _house(rng, canvas, (x, top, w))
        x += w - 2
    _ground(rng, canvas, hsv(0.1, 0.06, rng.uniform(0.38, 0.52)), FLOOR_Y + 30)
    canvas.fill(_rectangle(-5, FLOOR_Y + 26, WIDE + 10, 14), (150, 146, 140), depth=5)
    for post in (240.0, 900.0, 1500.0):
        canvas.fill(_rectangle(post, 250, 12, 480), (46, 50, 52), depth=5)
        canvas.fill(ellipse(post + 6, 240, 30, 34), (250, 238, 205), depth=20)
    for _ in range(2):
        _tree(rng, canvas, float(rng.uniform(100, WIDE - 100)), FLOOR_Y + 30)


def _house(rng: np.random.Generator, canvas: Canvas, place: tuple[float, float, float]) -> None:
    x, top, w = place
    colour = hsv(rng.uniform(), rng.uniform(0.15, 0.45), rng.uniform(0.5, 0.82))
    canvas.fill(_rectangle(x, top, w, TALL), grained_ink(colour, int(rng.integers(9999)), 0.07), depth=14, rim=0.2)
    canvas.fill(_rectangle(x - 4, top - 16, w + 8, 24), mixed(colour, (40, 30, 30), 0.5), depth=8)
    columns, lit = int(w // 78), hsv(0.12, 0.4, 0.95)
    for column in range(columns):
        for y in np.arange(top + 40, 560, 118):
            left = x + (column + 0.5) * w / columns - 24
            canvas.fill(_rectangle(left - 6, float(y) - 6, 60, 84), mixed(colour, (245, 242, 235), 0.7), depth=5)
            glass = lit if rng.uniform() < 0.25 else hsv(0.58, 0.25, rng.uniform(0.3, 0.6))
            canvas.fill(_rectangle(left, float(y), 48, 72), glass, depth=10)
            canvas.fill(_rectangle(left + 21, float(y), 6, 72), mixed(colour, (245, 242, 235), 0.7))
    awning = hsv(rng.uniform(), 0.6, 0.7)
    for n in range(6):
        stripe = _rectangle(x + 20 + n * (w - 40) / 6, 570, (w - 40) / 6, 46)
        canvas.fill(stripe, awning if n % 2 else (238, 234, 226), depth=12)
    canvas.fill(_rectangle(x + 26, 616, w - 52, 130), hsv(0.6, 0.2, 0.28), depth=14)


def _tree(rng: np.random.Generator, canvas: Canvas, x: float, ground: float) -> None:
    canvas.fill(
        stroke(curve([(x, ground + 20), (x + 14, ground - 160), (x, ground - 300)]), np.linspace(46, 22, 24).tolist()),
        grained_ink((92, 70, 52), 7, 0.2, (1.5, 0.3)),
        depth=16,
    )
    for _ in range(16):
        blob = ellipse(
            x + rng.normal(0, 80), ground - 360 + rng.normal(0, 70), rng.uniform(50, 90), rng.uniform(44, 76)
        )
        green = hsv(rng.uniform(0.2, 0.38), rng.uniform(0.4, 0.65), rng.uniform(0.28, 0.55))
        canvas.fill(blob, grained_ink(green, int(rng.integers(9999)), 0.25), depth=40, soft=2)


def _park(rng: np.random.Generator, canvas: Canvas) -> None:
    _sky(rng, canvas)
    for level in range(3):
        x = np.linspace(-20, WIDE + 20, 60)
        crest = (
            420 + 90 * level + 46 * np.sin(x / rng.uniform(120, 260) + rng.uniform(0, 6)) + 18 * np.sin(x / 57 + level)
        )
        green = mixed(hsv(rng.uniform(0.22, 0.36), 0.5, 0.5), (170, 190, 205), 0.5 - 0.22 * level)
        hill = np.vstack([np.column_stack([x, crest]), [(WIDE + 20, TALL + 20), (-20, TALL + 20)]])
        canvas.fill(hill, grained_ink(green, int(rng.integers(9999)), 0.14), depth=40)
    for trunk in np.sort(rng.uniform(60, WIDE - 60, 6)):
        _tree(rng, canvas, float(trunk), float(rng.uniform(620, 700)))
    _ground(rng, canvas, hsv(rng.uniform(0.2, 0.3), 0.45, 0.45), FLOOR_Y + 20)
    fence = hsv(0.08, 0.3, 0.6)
    for post in np.arange(-10, WIDE, 70):
        canvas.fill(_rectangle(float(post), 600, 18, 160), grained_ink(fence, 3, 0.12), depth=6)
    for y in (630.0, 700.0):
        canvas.fill(_rectangle(-10, y, WIDE + 20, 18), grained_ink(fence, 4, 0.12, (0.2, 1)), depth=5)
