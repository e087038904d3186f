"""Who is in a film: faces, hair, garments and things drawn by seed, and how a look goes wrong."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evals.studio.cast._paint import Colour

Split = Literal["tune", "test"]

HAIR_STYLES = ("crop", "bob", "long", "bun", "ponytail", "curls", "side", "beanie", "bald", "braids")
GARMENTS = ("tee", "shirt", "jacket", "hoodie", "dress", "vest")
PATTERNS = ("stripes", "plaid", "dots", "hoops", "chevron", "patch", "heather", "blocks")
HELD = ("cup", "lantern", "book", "flower", "umbrella", "camera")
CARRIED = ("bag", "badge")
LAID = ("badge", "book", "camera", "cup", "flower")
"""What can lie on a photographed subject."""
WORN = ("brooch", "earpiece", "glasses", "scarf", "hatbadge", "necklace", "tie", "headband")
ON_HEAD = ("earpiece", "glasses", "hatbadge", "headband")
NAMES = ("ada", "bela", "caro", "dino", "elin", "faro", "gita", "hugo", "ines", "jona", "kira", "leon", "mila", "nino")


@dataclass(frozen=True, slots=True)
class Face:
    """A head: colours, proportions in units, and details."""

    skin: Colour
    width: float
    jaw: float
    eye_gap: float
    eye_size: float
    eyes: Colour
    brow: float
    nose: float
    mouth: float
    lips: Colour
    freckles: bool
    beard: bool
    seed: int


@dataclass(frozen=True, slots=True)
class Hair:
    """A style of `HAIR_STYLES` and its colour; `accent` is a hat's or a ribbon's."""

    style: str
    colour: Colour
    accent: Colour
    seed: int


@dataclass(frozen=True, slots=True)
class Garment:
    """A kind of `GARMENTS` in a pattern of `PATTERNS`; `pitch` is the pattern's period in units."""

    kind: str
    pattern: str
    base: Colour
    accent: Colour
    pitch: float
    seed: int


@dataclass(frozen=True, slots=True)
class Thing:
    """Something held, carried or worn; `size` is a factor on its drawn size."""

    kind: str
    colour: Colour
    accent: Colour
    size: float
    seed: int


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that can be seen of a figure. What differs between two looks is what a label's mask covers."""

    face: Face
    hair: Hair
    garment: Garment
    lower: Colour
    build: float
    prop: Thing | None = None
    raised: bool = False
    """Whether an arm is lifted to hold something, with or without the thing in it."""
    worn: tuple[Thing, ...] = ()


@dataclass(frozen=True, slots=True)
class Character:
    """A figure of a film and its right look; `subject` is "doll" or the name of a photograph."""

    id: str
    look: Look
    subject: str = "doll"


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue, saturation and value, each 0–1 (hue wraps)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(1.0, max(0.0, saturation)), min(1.0, max(0.0, value)))
    return 255 * red, 255 * green, 255 * blue


def to_hsv(colour: Colour) -> tuple[float, float, float]:
    return colorsys.rgb_to_hsv(*(channel / 255 for channel in colour))


def character_seed(number: int, split: Split) -> int:
    """The seeds of the two splits never meet: even ones tune, odd ones test."""
    return 2 * number + (split == "test")


def draw_character(seed: int) -> Character:
    """The character of a seed: the same face, clothes and belongings on every call."""
    rng = np.random.default_rng([seed, 0xCA57])
    look = Look(
        face=_face(rng),
        hair=_hair(rng),
        garment=draw_garment(rng),
        lower=hsv(rng.uniform(), rng.uniform(0.1, 0.45), rng.uniform(0.18, 0.45)),
        build=float(rng.uniform(0.9, 1.1)),
    )
    prop = draw_thing(rng, str(rng.choice([*HELD, *CARRIED])), 1.0)
    look = replace(look, prop=prop, raised=prop.kind in HELD)
    if rng.uniform() < 0.3:
        look = replace(look, worn=(draw_thing(rng, str(rng.choice(["glasses", "necklace", "headband"])), 1.0),))
    return Character(f"{rng.choice(NAMES)}{seed % 100:02d}", look)


def _face(rng: np.random.Generator) -> Face:
    tone = float(rng.uniform())
    skin = hsv(0.055 + 0.02 * rng.uniform(), 0.28 + 0.34 * tone, 0.95 - 0.52 * tone**1.3)
    return Face(
        skin=skin,
        width=float(rng.uniform(80, 104)),
        jaw=float(rng.uniform(0.08, 0.42)),
        eye_gap=float(rng.uniform(32, 46)),
        eye_size=float(rng.uniform(12, 19)),
        eyes=hsv(float(rng.choice([0.07, 0.1, 0.3, 0.55, 0.6])), 0.6, rng.uniform(0.3, 0.6)),
        brow=float(rng.uniform(5, 12)),
        nose=float(rng.uniform(12, 24)),
        mouth=float(rng.uniform(22, 38)),
        lips=(skin[0] * 0.86, skin[1] * 0.6, skin[2] * 0.62),
        freckles=bool(rng.uniform() < 0.35),
        beard=bool(rng.uniform() < 0.25),
        seed=int(rng.integers(1 << 20)),
    )


def _hair(rng: np.random.Generator) -> Hair:
    natural = [(0.07, 0.6, 0.16), (0.06, 0.65, 0.32), (0.1, 0.55, 0.72), (0.03, 0.75, 0.55), (0.0, 0.03, 0.72)]
    dyed = (float(rng.uniform()), 0.55, 0.55)
    picked = dyed if rng.uniform() < 0.15 else natural[int(rng.integers(len(natural)))]
    colour = hsv(picked[0] + rng.uniform(-0.015, 0.015), picked[1], picked[2] * rng.uniform(0.85, 1.15))
    accent = hsv(rng.uniform(), rng.uniform(0.45, 0.8), rng.uniform(0.45, 0.85))
    return Hair(str(rng.choice(HAIR_STYLES)), colour, accent, int(rng.integers(1 << 20)))


def draw_garment(rng: np.random.Generator) -> Garment:
    """A garment whose two colours can be told apart."""
    hue = float(rng.uniform())
    base = hsv(hue, rng.uniform(0.35, 0.75), rng.uniform(0.4, 0.85))
    light = rng.uniform() < 0.5
    accent = hsv(hue + rng.uniform(0.12, 0.88), rng.uniform(0.15, 0.6), 0.92 if light else 0.28)
    return Garment(
        kind=str(rng.choice(GARMENTS)),
        pattern=str(rng.choice(PATTERNS)),
        base=base,
        accent=accent,
        pitch=float(rng.uniform(34, 64)),
        seed=int(rng.integers(1 << 20)),
    )


def draw_thing(rng: np.random.Generator, kind: str, size: float) -> Thing:
    """A thing of a kind in colours of its own."""
    hue = float(rng.uniform())
    colour = hsv(hue, rng.uniform(0.4, 0.85), rng.uniform(0.3, 0.9))
    accent = hsv(hue + rng.uniform(0.3, 0.7), rng.uniform(0.1, 0.6), rng.uniform(0.7, 0.97))
    return Thing(kind, colour, accent, size, int(rng.integers(1 << 20)))


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    """`share` of the way from one colour to another."""
    red, green, blue = (x + (y - x) * share for x, y in zip(a, b, strict=True))
    return red, green, blue


def recoloured(rng: np.random.Generator, garment: Garment, strength: float) -> Garment:
    """The same garment in another dye: a small turn of hue and value at strength 0, another colour at 1."""
    hue, saturation, value = to_hsv(garment.base)
    turn = float(rng.choice([-1, 1])) * (0.07 + 0.38 * strength)
    brighter = 1.0 if value < 0.6 else -1.0
    base = hsv(hue + turn, max(0.4, saturation), value + brighter * (0.05 + 0.12 * strength))
    if garment.kind == "photo":
        return replace(garment, kind="dyed", base=base, accent=base)
    return replace(garment, base=base)


def repatterned(rng: np.random.Generator, garment: Garment, strength: float) -> Garment:
    """An older design of the garment: another pattern, and with strength other colours too."""
    others = [name for name in PATTERNS if name not in {garment.pattern, "heather"}]
    fresh = draw_garment(rng)
    return replace(
        garment,
        kind="dyed" if garment.kind == "photo" else garment.kind,
        pattern=str(rng.choice(others)),
        base=mixed(garment.base, fresh.base, strength),
        accent=mixed(garment.accent, fresh.accent, strength),
        pitch=fresh.pitch,
        seed=fresh.seed,
    )


def restyled(rng: np.random.Generator, hair: Hair) -> Hair:
    """An older design of the hair: another style and colour."""
    others = [style for style in HAIR_STYLES if style not in {hair.style, "bald"}]
    colour = hsv(*[v + float(d) for v, d in zip(to_hsv(hair.colour), rng.uniform(-0.2, 0.3, 3), strict=True)])
    return replace(_hair(rng), style=str(rng.choice(others)), colour=colour)
