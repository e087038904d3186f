"""Planted errors: an earpiece nobody gave her, a shawl over the suit, and a stretch of film that melts.

Worn faults are layers in the pixels of the enlarged photograph, so that whatever carries her carries them too.
Alpha at or below `FAINT` is set to zero: a mask is then exactly the pixels that were touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.studio._matte import OVERSAMPLE, Cutout, Pixels, mara, pixels

FAINT = 0.02
VEIL = 30.0
"""Grey that lies over a melt, so that it shows on black as well."""

EARS = {"left": (180.5, 106.0), "right": (274.0, 110.0)}
"""Where an ear lies under her hair, in photograph pixels; left and right as the viewer sees them."""


@dataclass(frozen=True, slots=True)
class Earpiece:
    """What the stray earpiece looks like; lengths in photograph pixels."""

    ear: str
    centre: tuple[float, float]
    radii: tuple[float, float]
    degrees: float
    corner: float
    """1 is an ellipse, larger is boxier (a superellipse of power 2 × corner)."""
    shade: tuple[float, float, float]
    boom: float
    """Length of a microphone stalk towards the mouth; 0 for none."""


def draw_earpiece(rng: np.random.Generator) -> Earpiece:
    """A random earpiece on a random ear."""
    ear = str(rng.choice(list(EARS)))
    x, y = EARS[ear]
    shade = float(rng.uniform(34, 74))
    tilt = float(rng.uniform(4, 16))
    return Earpiece(
        ear=ear,
        centre=(x + float(rng.uniform(-1, 1)), y + float(rng.uniform(-2, 2))),
        radii=(float(rng.uniform(10.5, 12.5)), float(rng.uniform(13.5, 16.5))),
        degrees=tilt if ear == "left" else -tilt,
        corner=float(rng.choice([1.0, 1.4, 2.0])),
        shade=(shade, shade + 2, shade + float(rng.uniform(4, 12))),
        boom=float(rng.choice([0.0, 16.0, 22.0])),
    )


def _grid() -> tuple[Pixels, Pixels]:
    """x and y of every enlarged pixel in photograph pixels."""
    rows, columns = mara().alpha.shape
    axis_x = (np.arange(columns, dtype=np.float32) + 0.5) / OVERSAMPLE - 0.5
    axis_y = (np.arange(rows, dtype=np.float32) + 0.5) / OVERSAMPLE - 0.5
    x, y = np.meshgrid(axis_x, axis_y)
    return x.astype(np.float32), y.astype(np.float32)


def _edge(distance: Pixels, softness: float = 0.7) -> Pixels:
    """1 inside (negative distance), 0 outside, over `softness` photograph pixels."""
    return pixels(0.5 - distance / softness, 0, 1)


def _body(piece: Earpiece, x: Pixels, y: Pixels) -> tuple[Pixels, Pixels, Pixels]:
    """Signed distance (about), and position u, v in the body's own axes, ±1 at its rim."""
    angle = np.radians(piece.degrees)
    dx, dy = x - piece.centre[0], y - piece.centre[1]
    u = (dx * np.cos(angle) + dy * np.sin(angle)) / piece.radii[0]
    v = (-dx * np.sin(angle) + dy * np.cos(angle)) / piece.radii[1]
    power = 2 * piece.corner
    level = (np.abs(u) ** power + np.abs(v) ** power) ** (1 / power)
    return ((level - 1) * min(piece.radii)).astype(np.float32), u.astype(np.float32), v.astype(np.float32)


def _stalk(piece: Earpiece, x: Pixels, y: Pixels) -> Pixels:
    """Signed distance to the microphone stalk, which runs from the body towards the mouth."""
    inward = 1.0 if piece.ear == "left" else -1.0
    start = np.array([piece.centre[0] + 3 * inward, piece.centre[1] + piece.radii[1] * 0.7])
    step = np.array([inward * 0.82, 0.57]) * piece.boom
    share = np.clip(((x - start[0]) * step[0] + (y - start[1]) * step[1]) / max(float(step @ step), 1e-6), 0, 1)
    away = np.hypot(x - start[0] - share * step[0], y - start[1] - share * step[1])
    return np.asarray(away - (2.0 + 0.9 * (share > 0.9)), np.float32)


def _plastic(piece: Earpiece, u: Pixels, v: Pixels) -> Pixels:
    """Colour of moulded plastic under the photograph's light (above, a little to the viewer's left)."""
    slope = np.sqrt(np.maximum(1 - 0.75 * np.minimum(u**2 + v**2, 1.3), 0.05))
    light = 0.62 + 0.55 * np.clip(-0.35 * u - 0.55 * v + 0.55 * slope, 0, 1)
    gleam = 165 * np.exp(-(((u + 0.32) / 0.2) ** 2 + ((v + 0.45) / 0.16) ** 2))
    seam = 1 - 0.45 * np.exp(-(((np.hypot(u, v) - 0.62) / 0.07) ** 2))
    colour = np.asarray(piece.shade) * (light * seam)[..., None] + gleam[..., None]
    return pixels(colour)


def worn_earpiece(piece: Earpiece) -> Cutout:
    """The earpiece and its soft contact shadow, lying on her head and nowhere else."""
    x, y = _grid()
    distance, u, v = _body(piece, x, y)
    if piece.boom:
        distance = np.minimum(distance, _stalk(piece, x, y))
    solid = _edge(distance)
    shift = np.array([[1, 0, 1.0 * OVERSAMPLE], [0, 1, 2.0 * OVERSAMPLE]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(solid, shift, solid.shape[::-1]), (0, 0), 1.8 * OVERSAMPLE) * 0.5
    alpha = solid + shadow * (1 - solid)
    dark = np.array([24.0, 16.0, 12.0])
    weight = (solid / np.maximum(alpha, 1e-6))[..., None]
    return _on_her(_plastic(piece, u, v) * weight + dark * (1 - weight), alpha)


def _on_her(rgb: NDArray[np.floating], alpha: Pixels) -> Cutout:
    """A layer cut off just inside her outline: it never lies on what is behind her."""
    return _layer(rgb, alpha * pixels((mara().alpha - 0.9) / 0.1, 0, 1))


def _layer(rgb: NDArray[np.floating], alpha: Pixels) -> Cutout:
    return Cutout(rgb.astype(np.float32), np.where(alpha > FAINT, alpha, 0).astype(np.float32))


def _folds() -> Pixels:
    """Shading of the suit beneath, about 1 on average, so that cloth laid over it keeps its folds."""
    her, eighth = mara(), (192, 192)
    luma = cv2.cvtColor(her.rgb / 255, cv2.COLOR_RGB2GRAY) * her.alpha
    small, weight = (cv2.resize(layer, eighth, interpolation=cv2.INTER_AREA) for layer in (luma, her.alpha))

    def mean(sigma: float) -> Pixels:
        light, share = cv2.GaussianBlur(small, (0, 0), sigma), cv2.GaussianBlur(weight, (0, 0), sigma)
        return np.asarray((light + 0.05) / (share + 0.05), np.float32)

    ratio = cv2.resize((mean(1) + 0.15) / (mean(7.5) + 0.15), luma.shape[::-1], interpolation=cv2.INTER_CUBIC)
    return pixels(0.6 + 0.4 * ratio, 0.6, 1.3)


def _weave(rng: np.random.Generator, x: Pixels, y: Pixels) -> Pixels:
    """A woven plaid: a ground, a broad stripe and a thin one both ways, in threads, hanging in soft waves."""
    hue = float(rng.uniform(95, 160))
    dyes = np.array([[[hue, 110, 96], [(hue + rng.uniform(25, 60)) % 180, 80, 150], [25, 40, 205]]], np.uint8)
    ground, broad, thin = cv2.cvtColor(dyes, cv2.COLOR_HSV2RGB)[0].astype(np.float32)
    pitch, phase = float(rng.uniform(34, 46)), float(rng.uniform(0, 6))
    hang = y + 5 * np.sin(x / 27 + phase) + 2 * np.sin(x / 10 + y / 31)
    fall = x + 4 * np.sin(y / 25 - phase) + 0.12 * (y - 200) * (x - 211) / 100
    colour = np.broadcast_to(ground, (*x.shape, 3)).astype(np.float32)
    for line, weight in ((hang, 0.75), (fall, 0.6)):
        for dye, at, half in ((broad, 0.3, 0.17), (thin, 0.72, 0.045)):
            away = np.abs((line / pitch) % 1 - at) - half
            share = weight * pixels(0.5 - away * pitch / 1.2, 0, 1)[..., None]
            colour = colour + (dye - colour) * share
    thread = 1 + 0.07 * np.sign(np.sin(2 * np.pi * x / 2.4) * np.sin(2 * np.pi * hang / 2.4))
    return np.asarray(colour * thread[..., None], np.float32)


def _drape(x: Pixels, y: Pixels, phase: float) -> Pixels:
    """Light on hanging cloth, about 1: folds that run outwards from the neck."""
    angle = np.arctan2(y - 150, x - 211)
    reach = pixels(np.hypot(x - 211, y - 150) / 150, 0, 1.2)
    return np.asarray(1 + 0.16 * reach * np.sin(17 * angle + phase) + 0.08 * np.sin(29 * angle - phase), np.float32)


def worn_shawl(rng: np.random.Generator) -> Cutout:
    """A wide patterned shawl over collar, shoulders and arms: her face stays free, her suit does not show."""
    x, y = _grid()
    wave = float(rng.uniform(1, 4)) * np.sin(x / 14 + rng.uniform(0, 6))
    top = 192 + 8 * np.cos((x - 222) / 60) + wave
    spread = np.clip((y - 190) / 105, 0, 1)
    half = 105 + 103 * spread * (2 - spread) + 3 * np.sin(y / 11 + rng.uniform(0, 6))
    distance = np.maximum(top - y, np.abs(x - 211) - half).astype(np.float32)
    cloth = _weave(rng, x, y) * (_folds() * _drape(x, y, float(rng.uniform(0, 6))))[..., None]
    rim = 1 - 0.5 * np.exp(-np.maximum(-distance, 0) / 4)
    return _layer(np.clip(cloth * rim[..., None], 0, 255), _edge(distance, 1.5))


@dataclass(frozen=True, slots=True)
class Melt:
    """A region of the frame that goes wrong: where, how far pixels slide, and the colour they take."""

    centre: tuple[float, float]
    radii: tuple[float, float]
    amplitude: float
    phase: float
    gains: tuple[float, float, float]


def draw_melt(rng: np.random.Generator) -> Melt:
    """A random melt over about a third of the frame."""
    gains = rng.permutation([1.16, 0.82, 0.96])
    return Melt(
        centre=(float(rng.uniform(480, 800)), float(rng.uniform(330, 440))),
        radii=(float(rng.uniform(345, 375)), float(rng.uniform(245, 265))),
        amplitude=float(rng.uniform(20, 28)),
        phase=float(rng.uniform(0, 6)),
        gains=(float(gains[0]), float(gains[1]), float(gains[2])),
    )


def melted(frame: Pixels, melt: Melt, step: int) -> tuple[Pixels, Pixels]:
    """The frame gone wrong and the (h, w) alpha of the region, `step` frames after it began."""
    rows, columns = frame.shape[:2]
    x, y = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
    u, v = (x - melt.centre[0]) / melt.radii[0], (y - melt.centre[1]) / melt.radii[1]
    turn = np.arctan2(v, u)
    rim = 1 + 0.06 * np.sin(3 * turn + melt.phase) + 0.04 * np.sin(5 * turn - melt.phase + 0.25 * step)
    alpha = np.clip((rim - np.hypot(u, v)) / 0.06, 0, 1)
    sway = melt.phase + 0.45 * step
    slide_x = melt.amplitude * np.sin(y / 21 + sway) + 0.5 * melt.amplitude * np.sin(x / 17 - sway)
    slide_y = melt.amplitude * np.cos(x / 26 - 0.7 * sway) + 18
    wrong = cv2.remap(
        frame,
        x + slide_x.astype(np.float32),
        y + slide_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    wrong = np.clip((wrong * 0.8 + VEIL) * np.asarray(melt.gains, np.float32), 0, 255)
    alpha = np.where(alpha > FAINT, alpha, 0).astype(np.float32)
    return (frame + (wrong - frame) * alpha[..., None]).astype(np.float32), alpha
