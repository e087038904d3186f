"""Lettering of designed pages: words of the built-in Latin face, and strokes that lie as other scripts' glyphs do.

No font of another script is at hand everywhere, so its glyphs are drawn: what matters to a reader of pixels is how
strokes lie in their square, hang from a bar or run into each other, not what they mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tools.types import Box, Gray, Rgb

Script = Literal["latin", "square", "hung", "joined"]
SCRIPTS: tuple[Script, ...] = ("latin", "square", "hung", "joined")
"""Latin, and glyphs that lie as in Han or Hangul, Devanagari, and Arabic."""
HEIGHT = 48
"""Pixels of a glyph's square before it is sized."""


class Hand(NamedTuple):
    """How words are written: pixels high, in which colour and script."""

    size: int
    ink: tuple[int, int, int]
    script: Script = "latin"


def write(page: Rgb, words: str, x: int, y: int, hand: Hand) -> Box:
    """Writes a line of text with its top left corner at (x, y); the box it takes up."""
    cover = _line(words, hand.size, hand.script)
    h, w = min(cover.shape[0], page.shape[0] - y), min(cover.shape[1], page.shape[1] - x)
    part = page[y : y + h, x : x + w]
    alpha = cover[:h, :w, None].astype(np.float32) / 255
    part[:] = np.rint(part * (1 - alpha) + np.array(hand.ink, np.float32) * alpha)
    return Box(x, y, w, h)


def width_of(words: str, size: int, script: Script) -> int:
    return int(_line(words, size, script).shape[1])


def _line(words: str, size: int, script: Script) -> Gray:
    if script == "latin":
        return _latin(words, size)
    rng = np.random.default_rng([ord(c) for c in words])
    draw: Callable[[np.random.Generator], Gray] = {"square": _square, "hung": _hung, "joined": _joined}[script]
    space = np.zeros((HEIGHT, HEIGHT // 3), np.uint8)
    glyphs = [draw(rng) if c != " " else space for c in words[: max(4, (len(words) * 2) // 3)]]
    strip = np.hstack(glyphs)
    return np.asarray(
        cv2.resize(strip, (max(1, strip.shape[1] * size // HEIGHT), size), interpolation=cv2.INTER_AREA), np.uint8
    )


def _latin(words: str, size: int) -> Gray:
    font = ImageFont.load_default(size)
    left, top, right, bottom = font.getbbox(words)
    picture = Image.new("L", (max(1, round(right - left) + 2), max(1, round(bottom - top) + 2)))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), words, 255, font)
    return np.asarray(picture, np.uint8)


def _square(rng: np.random.Generator) -> Gray:
    """Level, upright and slanting strokes that fill a square."""
    glyph = np.zeros((HEIGHT, HEIGHT), np.uint8)
    for _ in range(int(rng.integers(4, 9))):
        x, y = (int(v) for v in rng.integers(5, 43, 2))
        reach = int(rng.integers(10, 36))
        across, down = ((1, 0), (0, 1), (1, 1), (-1, 1))[int(rng.integers(4))]
        end = int(np.clip(x + across * reach, 3, 44)), int(np.clip(y + down * reach, 3, 44))
        cv2.line(glyph, (x, y), end, 255, 4, cv2.LINE_AA)
    return glyph


def _hung(rng: np.random.Generator) -> Gray:
    """A bar along the top, a stem, and bows that hang from it."""
    glyph = np.zeros((HEIGHT, 34), np.uint8)
    cv2.line(glyph, (0, 8), (33, 8), 255, 4)
    if rng.random() < 0.7:
        cv2.line(glyph, (25, 8), (25, 44), 255, 4)
    for _ in range(2):
        middle = int(rng.integers(8, 18)), int(rng.integers(18, 36))
        axes = int(rng.integers(5, 9)), int(rng.integers(6, 11))
        cv2.ellipse(glyph, middle, axes, 0, int(rng.integers(360)), int(rng.integers(360, 640)), 255, 4, cv2.LINE_AA)
    return glyph


def _joined(rng: np.random.Generator) -> Gray:
    """A run along the base line, bows over and under it, dots."""
    glyph = np.zeros((HEIGHT, 30), np.uint8)
    cv2.line(glyph, (0, 32), (29, 32), 255, 4)
    middle = int(rng.integers(8, 22)), 32
    axes = int(rng.integers(5, 11)), int(rng.integers(6, 20))
    cv2.ellipse(glyph, middle, axes, 0, *((180, 360) if rng.random() < 0.6 else (0, 180)), 255, 4, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 3))):
        cv2.circle(glyph, (int(rng.integers(5, 25)), int(rng.choice([6, 44]))), 3, 255, -1, cv2.LINE_AA)
    return glyph
