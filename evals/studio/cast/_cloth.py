"""Woven patterns by coordinates on the cloth."""

from __future__ import annotations

import numpy as np

from evals.studio._matte import Pixels, pixels
from evals.studio.cast._design import Garment, mixed
from evals.studio.cast._paint import textured


def _wave(v: Pixels, period: float, duty: float) -> Pixels:
    """A soft-edged band of `duty` of every period, 0–1."""
    away = np.abs(np.mod(v / period, 1) - 0.5) * period
    return pixels(0.5 + (duty * period / 2 - away) / 2.0, 0, 1)


def _plaid(s: Pixels, y: Pixels, pitch: float) -> Pixels:
    wide = 0.5 * (_wave(s, pitch * 1.4, 0.4) + _wave(y, pitch * 1.4, 0.4))
    return pixels(wide + 0.6 * _wave(s + pitch * 0.7, pitch * 1.4, 0.09), 0, 1)


def _dots(s: Pixels, y: Pixels, pitch: float) -> Pixels:
    row = np.floor(y / pitch)
    u, v = np.mod(s / pitch + 0.5 * row, 1) - 0.5, np.mod(y / pitch, 1) - 0.5
    return pixels(0.5 + (0.26 - np.hypot(u, v)) * pitch / 2.0, 0, 1)


def _blocks(s: Pixels, y: Pixels, pitch: float) -> Pixels:
    return pixels(0.5 + (190 + 8 * np.sin(s / 20) - y) / 2.0 + 0 * pitch, 0, 1)


_SHARES = {
    "stripes": lambda s, _y, pitch: _wave(s, pitch, 0.4),
    "hoops": lambda _s, y, pitch: _wave(y, pitch * 1.2, 0.42),
    "plaid": _plaid,
    "dots": _dots,
    "chevron": lambda s, y, pitch: _wave(y + np.abs(np.mod(s, 2 * pitch) - pitch), pitch * 1.3, 0.4),
    "blocks": _blocks,
}


def woven(garment: Garment, s: Pixels, y: Pixels) -> Pixels:
    """Colour (h, w, 3) of a garment at cloth coordinates, with folds, weave and a worn surface."""
    bend = 5 * textured(garment.seed + 1, s * 0.25, y * 0.18, 1.8)
    base, accent = np.asarray(garment.base, np.float32), np.asarray(garment.accent, np.float32)
    share = _SHARES[garment.pattern](s + bend, y + bend, garment.pitch) if garment.pattern in _SHARES else 0 * s
    if garment.pattern == "heather":
        share = pixels(0.22 + 0.3 * textured(garment.seed + 2, s * 0.6, y * 0.25, 0.4), 0, 0.8)
    colour = base + (accent - base) * share[..., None]
    folds = 1 + 0.09 * textured(garment.seed + 3, s * 0.5, y * 0.16, 1.7)
    weave = 1 + 0.05 * textured(garment.seed + 4, s, y, 0.5) + 0.025 * np.sin(s * 2.1) * np.sin(y * 2.1)
    return pixels(colour * (folds * weave)[..., None])


def darker(garment: Garment, share: float = 0.75) -> tuple[float, float, float]:
    """The base dye in shadow: seams, collars and cuffs."""
    return mixed((10, 10, 14), garment.base, share)
