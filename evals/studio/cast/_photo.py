"""Photographed subjects, cut out and laid in a figure's units: a woman in an orange suit, a cup, a cat, a cameraman."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from evals.studio._matte import OVERSAMPLE, Pixels, mara, pixels
from evals.studio.cast._cloth import woven
from evals.studio.cast._design import LAID, ON_HEAD, Character, Garment, Look, Split, draw_character, draw_thing
from evals.studio.cast._paint import Cel, Light, ellipse, smooth
from evals.studio.cast._sitter import Layer
from evals.studio.cast._surface import Surface
from evals.studio.cast._things import Rig, draw_thing_on

SUBJECTS: dict[Split, tuple[str, ...]] = {"tune": ("astronaut", "coffee"), "test": ("cat", "cameraman")}
"""Photographs that appear as subjects; no split sees the other's."""
# fmt: off
_CAT = (
    (52, 3), (40, 20), (36, 60), (30, 100), (22, 130), (8, 176), (0, 215), (0, 300), (292, 300), (305, 264), (342, 198),
    (360, 143), (358, 100), (372, 66), (394, 36), (398, 6), (388, 2), (330, 20), (300, 22), (110, 22), (80, 6),
)
_CAMERAMAN = (
    (0, 255), (28, 206), (70, 141), (113, 109), (162, 116), (165, 84), (197, 66), (239, 68), (264, 98), (268, 130),
    (300, 134), (328, 140), (332, 190), (302, 225), (274, 291), (222, 306), (186, 322), (158, 356), (146, 400),
    (146, 470), (150, 512), (0, 512),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Photo:
    """A cut-out, one pixel per unit: colours (h, w, 3), alpha, and where its garment is; its corner, in units.

    `head` and `torso` say where a drawn figure's head centre (0, -170) and chest (0, 150) lie: x, y and a factor.
    `floor` is how far down it reaches, where it is `cut`; `pinned`: it is cut on the left too, and must stand at the
    frame's edge.
    """

    rgb: Pixels
    alpha: Pixels
    garment: Pixels
    corner: tuple[float, float]
    head: tuple[float, float, float]
    torso: tuple[float, float, float]
    floor: float
    pinned: bool
    cut: bool = True


def _trimap(outline: NDArray[np.uint8], reach: int) -> NDArray[np.uint8]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    sure = cv2.erode(outline, disc, borderType=cv2.BORDER_REPLICATE)
    trimap = np.where(outline > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[np.asarray(sure) > 0], trimap[np.asarray(cv2.dilate(outline, disc)) == 0] = cv2.GC_FGD, cv2.GC_BGD
    return trimap


def _cut_out(photo: NDArray[np.uint8], outline: NDArray[np.uint8], reach: int = 7) -> Pixels:
    """Coverage of what a rough outline (h, w, 0 or 1) means, its edge found by grabCut."""
    trimap = _trimap(outline, reach)
    cv2.setRNGSeed(1)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(photo[..., ::-1].copy(), trimap, (0, 0, 1, 1), *models, 3, cv2.GC_INIT_WITH_MASK)
    rough = np.isin(trimap, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7))
    body = cv2.morphologyEx(cv2.morphologyEx(rough, cv2.MORPH_OPEN, disc), cv2.MORPH_CLOSE, disc)
    return pixels(cv2.GaussianBlur(body.astype(np.float32), (0, 0), 1.2) * 1.6 - 0.4, 0, 1)


def _filled(shape: tuple[int, ...], *outlines: NDArray[np.float64] | tuple[tuple[int, int], ...]) -> NDArray[np.uint8]:
    mask = np.zeros(shape[:2], np.uint8)
    for outline in outlines:
        cv2.fillPoly(mask, [np.rint(np.asarray(outline)).astype(np.int32)], 1)
    return mask


def _scaled(rgb: Pixels, alpha: Pixels, garment: Pixels, units: float) -> tuple[Pixels, Pixels, Pixels]:
    """The three pictures at `units` pixels per pixel."""
    flags = cv2.INTER_AREA if units < 1 else cv2.INTER_CUBIC
    made = (cv2.resize(picture, None, fx=units, fy=units, interpolation=flags) for picture in (rgb, alpha, garment))
    big, cover, cloth = made
    return pixels(big), pixels(cover, 0, 1), pixels(cloth, 0, 1)


def _dyed_like(rgb: Pixels, hues: tuple[int, int], least: int) -> Pixels:
    """Where a photograph has hues in a range (of 180, may wrap) at some saturation, its edge soft."""
    tones = cv2.cvtColor(rgb.astype(np.uint8), cv2.COLOR_RGB2HSV)
    hue, low, high = tones[..., 0].astype(int), *hues
    inside = (hue >= low) & (hue <= high) if low <= high else (hue >= low) | (hue <= high)
    mask = (inside & (tones[..., 1] > least)).astype(np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return np.asarray(cv2.GaussianBlur(closed.astype(np.float32), (0, 0), 2.0), np.float32)


@cache
def _astronaut() -> Photo:
    her = mara()
    small = cv2.resize(her.rgb, None, fx=1 / OVERSAMPLE, fy=1 / OVERSAMPLE, interpolation=cv2.INTER_AREA)
    suit = _dyed_like(pixels(small), (2, 20), 150)
    suit[:205] = 0
    full = np.asarray(cv2.resize(suit, her.alpha.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    parts = _scaled(her.rgb, her.alpha, full, 2.1 / OVERSAMPLE)
    return Photo(*parts, (-225 * 2.1, -170 * 2.1), (0, -160, 0.95), (-20, 330, 1.1), 700, pinned=False)


@cache
def _coffee() -> Photo:
    photo = np.asarray(data.coffee())
    outline = _filled(
        photo.shape, ellipse(278, 230, 202, 158), ellipse(290, 110, 120, 94), ellipse(415, 95, 16, 40, degrees=12)
    )
    alpha, rgb = _cut_out(photo, outline), photo.astype(np.float32)
    red = _dyed_like(rgb, (172, 9), 130) * alpha
    parts = _scaled(rgb, alpha, np.asarray(red, np.float32), 1.9)
    return Photo(*parts, (-280 * 1.9, -230 * 1.9), (20, -110, 0.9), (-200, 190, 0.75), 330, pinned=False, cut=False)


@cache
def _cat() -> Photo:
    photo = np.asarray(data.chelsea())
    alpha, rgb = _cut_out(photo, _filled(photo.shape, smooth(_CAT, 2)), 5), photo.astype(np.float32)
    cloth = _filled(photo.shape, smooth([(-20, 205), (80, 262), (215, 290), (330, 252), (330, 330), (-20, 330)], 2))
    soft = np.asarray(cv2.GaussianBlur(cloth.astype(np.float32), (0, 0), 0.8), np.float32)
    parts = _scaled(rgb, alpha, soft, 2.3)
    return Photo(*parts, (-180 * 2.3, -125 * 2.3), (40, -130, 1.5), (-90, 270, 0.55), 400, pinned=True)


@cache
def _cameraman() -> Photo:
    photo = np.dstack([data.camera()] * 3)
    alpha = _cut_out(photo, _filled(photo.shape, smooth(_CAMERAMAN, 1)), 9)
    rgb = pixels(photo * np.array([1.06, 0.99, 0.88], np.float32) + np.array([14, 10, 8], np.float32))
    coat = cv2.morphologyEx((photo[..., 0] < 60).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    coat[:118] = coat[:150, 150:282] = 0
    soft = np.asarray(cv2.GaussianBlur(coat.astype(np.float32), (0, 0), 1.6) * alpha, np.float32)
    parts = _scaled(rgb, alpha, soft, 2.0)
    return Photo(*parts, (-200 * 2.0, -130 * 2.0), (60, -60, 0.7), (-130, 190, 0.9), 740, pinned=True)


_MAKERS: dict[str, Callable[[], Photo]] = {
    "astronaut": _astronaut,
    "coffee": _coffee,
    "cat": _cat,
    "cameraman": _cameraman,
}
_CLOTH = {"astronaut": (200, 82, 40), "coffee": (150, 40, 22), "cameraman": (40, 36, 32)}
_NAMES = {"astronaut": "mara", "coffee": "cup", "cat": "chelsea", "cameraman": "otto"}


def photo_of(subject: str) -> Photo:
    """The cut-out of a subject; the same on every call."""
    return _MAKERS[subject]()


def draw_subject(rng: np.random.Generator, subject: str) -> Character:
    """A photographed subject with belongings of its own."""
    drawn = draw_character(int(rng.integers(1 << 20))).look
    prop = draw_thing(rng, str(rng.choice(LAID)), 1.0)
    garment = drawn.garment
    if subject in _CLOTH:
        garment = Garment("photo", "heather", _CLOTH[subject], _CLOTH[subject], 50.0, garment.seed)
    return Character(_NAMES[subject], replace(drawn, garment=garment, prop=prop, worn=()), subject)


def draw_photograph(subject: str) -> Callable[[Look, str, Light], list[Layer]]:
    """What paints a subject's looks: the photograph, its garment as dyed, and things laid on it."""

    def draw(look: Look, view: str, light: Light) -> list[Layer]:
        photo = photo_of(subject)
        bare, cloth = _split(photo, look.garment, light)
        layers = [Layer("body", ("photo", subject), bare), Layer("body", ("cloth", look.garment), cloth)]
        for thing in [*look.worn, *([look.prop] if look.prop else [])]:
            cel = _laid_on(photo, draw_thing_on(_FLAT, thing, light), head=thing.kind in ON_HEAD)
            if cel is not None:
                layers.append(Layer("body", thing, cel))
        return [_turned(layer) for layer in layers] if view == "three-quarter" else layers

    return draw


def _split(photo: Photo, garment: Garment, light: Light) -> tuple[Cel, Cel]:
    """The photograph without its garment, and the garment in its dye."""
    tint = np.asarray(light.tint, np.float32)
    bare = np.dstack([photo.rgb * tint * photo.alpha[..., None], photo.alpha])
    cover = photo.garment * photo.alpha
    colour = photo.rgb
    if garment.kind != "photo":
        rows, columns = photo.alpha.shape
        x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        grey = cv2.cvtColor(photo.rgb, cv2.COLOR_RGB2GRAY)
        level = float(grey[cover > 0.5].mean())
        relief = pixels(grey / max(level, 1.0), 0.35, 1.9)
        colour = pixels(woven(garment, x, y) * (0.25 + 0.75 * relief)[..., None])
    cloth = np.dstack([colour * tint * cover[..., None], cover])
    return Cel(np.asarray(bare, np.float32), *photo.corner), Cel(np.asarray(cloth, np.float32), *photo.corner)


def _flat(y: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.full_like(y, 400.0)


_FLAT = Rig(Surface(0.0, _flat, 1.0, 400.0), Surface(0.0, _flat, 1.0, 400.0), (0.0, 190.0), -95.0)
"""A surface without a turn, 1:1 near its middle."""


def _laid_on(photo: Photo, cel: Cel | None, *, head: bool) -> Cel | None:
    """A thing drawn for a figure, moved and scaled to where a photograph has head and chest."""
    if cel is None:
        return None
    x, y, factor = photo.head if head else photo.torso
    middle = -170.0 if head else 150.0
    small = cv2.resize(cel.rgba, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return Cel(np.asarray(small, np.float32), round(x + cel.x * factor), round(y + (cel.y - middle) * factor))


def _turned(layer: Layer) -> Layer:
    """The layer as if turned a little: narrower."""
    cel, narrow = layer.cel, 0.93
    small = cv2.resize(cel.rgba, None, fx=narrow, fy=1.0, interpolation=cv2.INTER_AREA)
    return Layer(layer.group, layer.key, Cel(np.asarray(small, np.float32), round(cel.x * narrow), cel.y))
