"""Lettering and marks for surfaces: invented words and emblems, with or without a plate behind them."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from evals.plant._paint import Pixels, Rng, clipped, clouds, colour_of, coloured, stacked_up, trimmed

HIGH = 96
"""Pixels of a letter's body."""
FAINT = 0.06
CONSONANTS, VOWELS = "BCDFGHKLMNPRSTVZ", "AEIOU"


def draw_lettering(rng: Rng) -> Pixels:
    """A sign, a label or bare letters, (h, w, 4) premultiplied, 0 to 1."""
    cover = _letters(_word(rng))
    if rng.uniform() < 0.35:
        cover = _beside(_emblem(rng), cover)
    if rng.uniform() < 0.3:
        cover = _below(cover, _letters(_word(rng)))
    ink, edge = colour_of(rng), round(HIGH * float(rng.uniform(0.18, 0.4)))
    padded = np.pad(cover, edge)
    letters = coloured(padded, ink)
    if rng.uniform() < 0.55:
        letters = stacked_up([_plate(rng, padded.shape, ink), letters])
    worn = clipped(1 + 0.05 * clouds(rng, padded.shape, 60))[..., None]
    return trimmed(np.dstack([letters[..., :3] * worn, letters[..., 3]]).astype(np.float32), FAINT)


def _word(rng: Rng) -> str:
    """An invented word or a number, two to seven signs."""
    if rng.uniform() < 0.25:
        return "".join(str(rng.integers(10)) for _ in range(int(rng.integers(2, 5))))
    letters = "".join(str(rng.choice(list(CONSONANTS))) + str(rng.choice(list(VOWELS))) for _ in range(3))
    return letters[: int(rng.integers(3, 7))] if rng.uniform() < 0.8 else letters + str(rng.integers(10))


def _letters(word: str) -> Pixels:
    font = ImageFont.load_default(HIGH)
    left, top, right, bottom = font.getbbox(word, stroke_width=3)
    picture = Image.new("L", (round(right - left) + 4, round(bottom - top) + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), word, fill=255, font=font, stroke_width=3)
    return np.asarray(np.asarray(picture) / np.float32(255), np.float32)


def _emblem(rng: Rng) -> Pixels:
    """A mark: a disc or polygon with a bite taken out of it."""
    drawn = np.zeros((HIGH, HIGH), np.uint8)
    corners, start = int(rng.choice([3, 4, 6, 40])), float(rng.uniform(0, np.pi))
    for radius, ink in ((0.48, 255), (float(rng.uniform(0.15, 0.33)), 0)):
        turn = start + np.linspace(0, 2 * np.pi, corners, endpoint=False)
        points = HIGH * (0.5 + radius * np.column_stack([np.cos(turn), np.sin(turn)]))
        cv2.fillPoly(drawn, [np.rint(points).astype(np.int32)], ink, cv2.LINE_AA)
    return np.asarray(drawn / np.float32(255), np.float32)


def _beside(left: Pixels, right: Pixels) -> Pixels:
    height, gap = max(left.shape[0], right.shape[0]), HIGH // 4
    parts = [_centred(left, height, left.shape[1]), np.zeros((height, gap), np.float32)]
    return np.hstack([*parts, _centred(right, height, right.shape[1])])


def _below(upper: Pixels, lower: Pixels) -> Pixels:
    shrunk = cv2.resize(lower, None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA)
    width = max(upper.shape[1], shrunk.shape[1])
    parts = [_centred(upper, upper.shape[0], width), np.zeros((HIGH // 6, width), np.float32)]
    return np.vstack([*parts, _centred(np.asarray(shrunk, np.float32), shrunk.shape[0], width)])


def _centred(part: Pixels, height: int, width: int) -> Pixels:
    above, before = (height - part.shape[0]) // 2, (width - part.shape[1]) // 2
    around = ((above, height - part.shape[0] - above), (before, width - part.shape[1] - before))
    return np.pad(part, around)


def _plate(rng: Rng, size: tuple[int, ...], ink: Pixels) -> Pixels:
    """What the letters stand on: a colour whose lightness is far from theirs, and sometimes a border."""
    dark = float(ink.mean()) > 0.45
    paint = colour_of(rng, muted=True) * (0.3 if dark else 0.35) + (0.02 if dark else 0.6)
    cover = np.ones(size[:2], np.float32)
    cover[[0, -1]] = cover[:, [0, -1]] = 0
    layers = [coloured(cover, paint)]
    if rng.uniform() < 0.5:
        border = np.zeros(size[:2], np.uint8)
        inset, thick = HIGH // 12, max(2, HIGH // 24)
        cv2.rectangle(border, (inset, inset), (size[1] - inset - 1, size[0] - inset - 1), 255, thick)
        layers.append(coloured(np.asarray(border / np.float32(255), np.float32), ink))
    return stacked_up(layers)
