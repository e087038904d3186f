"""Designed pages of character sheets, drawn from a seed, with the truth of what lies where.

A large portrait at one side, small crops with captions, headings, lists of facts in several scripts, colour chips,
cards and rules; on plain, tinted, graded or grained paper; framed, mounted or bare; photographs and drawn figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from skimage import data

from evals.studio._lettering import SCRIPTS, Hand, Script, width_of, write
from tools.types import Box, Rgb

Ink = tuple[int, int, int]
Style = Literal["photograph", "backdrop", "cut-out"]
Frame = Literal["none", "line", "thick", "mount"]
VIEWS = ("FRONT", "3/4 VIEW", "PROFILE", "BACK", "FACE", "HANDS", "SHOES", "EYES", "SMILE", "ANGRY", "BAG", "HAIR")
FACTS = (
    "Hair: auburn, shoulder length",
    "Eyes green, left brow scarred",
    "Never wears gloves",
    "Brass key on a red cord",
    "Height 172 cm, walks with a cane",
    "Coat: six buttons, all dark",
    "Boots laced to the knee",
    "Speaks softly; stands very straight",
    "Ring on the right hand only",
)
TITLES = ("CHARACTER SHEET", "MODEL PAGE", "COSTUME AND PROPS", "WHO IS WHO")
HEADINGS = ("FACTS", "COSTUME", "NOTES", "MANNER")


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """A drawn page: its pictures with their captions, its facts, and everything on it that is no picture."""

    picture: Rgb
    pictures: tuple[Box, ...]
    captions: tuple[str, ...]
    """The words at each picture; empty where none are written."""
    facts: tuple[tuple[str, Box], ...]
    texts: tuple[Box, ...]
    """Titles, headings, captions, lists, cards."""
    chips: tuple[Box, ...]


def draw_page(seed: int) -> Page:
    """The page of a seed; never two alike."""
    pen = _Pen.of(np.random.default_rng([seed, 31]))
    top = _title(pen)
    portrait, rest = _divided(pen, top)
    pen.place(portrait)
    below = _crops(pen, rest)
    _words(pen, Box(rest.x, below, rest.w, max(0, rest.y + rest.h - below)))
    return pen.page()


@dataclass(slots=True, eq=False)
class _Pen:
    """A page being drawn: its ground, its hand, and the record of what was put where."""

    rng: np.random.Generator
    ground: Rgb
    ink: Ink
    script: Script
    style: Style
    frame: Frame
    pictures: list[Box] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    facts: list[tuple[str, Box]] = field(default_factory=list)
    texts: list[Box] = field(default_factory=list)
    chips: list[Box] = field(default_factory=list)

    @classmethod
    def of(cls, rng: np.random.Generator) -> _Pen:
        ground = _paper(rng, int(rng.integers(1100, 2000)), int(rng.integers(900, 1500)))
        dark = float(ground.mean()) < 120
        ink = tuple(int(v) for v in (rng.integers(190, 250, 3) if dark else rng.integers(10, 80, 3)))
        style: Style = ("photograph", "photograph", "backdrop", "cut-out")[int(rng.integers(4))]
        frame: Frame = ("none", "none", "line", "thick", "mount")[int(rng.integers(5))]
        if style == "cut-out":
            frame = "none"
        return cls(rng, ground, (ink[0], ink[1], ink[2]), SCRIPTS[int(rng.integers(len(SCRIPTS)))], style, frame)

    @property
    def unit(self) -> int:
        """The height of a caption."""
        return max(12, int(min(self.ground.shape[:2])) // 48)

    def page(self) -> Page:
        picture = self.ground
        if self.rng.random() < 0.5:
            _, kept = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(self.rng.integers(78, 96))])
            picture = np.asarray(cv2.imdecode(kept, cv2.IMREAD_COLOR), np.uint8)
        return Page(
            picture,
            tuple(self.pictures),
            tuple(self.captions),
            tuple(self.facts),
            tuple(self.texts),
            tuple(self.chips),
        )

    def write(self, words: str, x: int, y: int, size: int, script: Script | None = None) -> Box:
        box = write(self.ground, words, x, y, Hand(size, self.ink, script or self.script))
        self.texts.append(box)
        return box

    def place(self, box: Box, caption: str = "") -> None:
        """A picture, framed as this page frames them."""
        if self.style == "cut-out":
            box = draw_figure(self.rng, self.ground, box)
        else:
            _mount(self.rng, self.ground, box, self.frame, self.ink)
            on_paper = self.style == "backdrop"
            self.ground[box.slices] = _sitter(self.rng, box) if on_paper else photograph(self.rng, box.w, box.h)
        self.pictures.append(box)
        self.captions.append(caption)


def _paper(rng: np.random.Generator, width: int, height: int) -> Rgb:
    """Plain, tinted, dark, graded, fibred or mottled paper."""
    kind = rng.choice(["plain", "tinted", "dark", "graded", "fibred", "mottled"])
    tone = rng.uniform(225, 255) + rng.uniform(-3, 0, 3)
    if kind == "dark":
        tone = rng.uniform(18, 70) + rng.uniform(-10, 10, 3)
    elif kind != "plain":
        tone = rng.uniform(185, 250, 3)
    page = np.broadcast_to(tone.astype(np.float32), (height, width, 3)).copy()
    if kind == "graded":
        page += np.linspace(-1, 1, height)[:, None, None].astype(np.float32) * rng.uniform(-18, 18, 3)
    if kind == "fibred":
        page += _noise(rng, (height, width), 0.8) * rng.uniform(2, 5)
    if kind == "mottled":
        page += _noise(rng, (height, width), rng.uniform(4, 30)) * rng.uniform(2, 4) + _noise(rng, (height, width), 0.6)
    return np.asarray(np.clip(np.rint(page), 0, 255), np.uint8)


def _noise(rng: np.random.Generator, size: tuple[int, int], blur: float) -> np.ndarray:
    """Grey noise of spread 1, (height, width, 1)."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, size).astype(np.float32), (0, 0), blur)
    return np.asarray(noise / noise.std(), np.float32)[..., None]


def _title(pen: _Pen) -> int:
    """The title, bare or on a band, sometimes with a rule; where the page's body starts."""
    width = int(pen.ground.shape[1])
    size = pen.unit * int(pen.rng.integers(2, 4))
    margin = width // 30
    words = TITLES[int(pen.rng.integers(len(TITLES)))]
    if pen.rng.random() < 0.3:
        band = Box(0, 0, width, size * 2)
        pen.ground[band.slices] = pen.rng.integers(20, 110, 3)
        pen.texts.append(write(pen.ground, words, margin, size // 2, Hand(size, (245, 245, 245), pen.script)))
        pen.texts.append(band)
        return size * 2 + margin // 2
    pen.write(words, margin, margin, size)
    if pen.rng.random() < 0.4:
        cv2.line(pen.ground, (margin, margin + size * 3 // 2), (width - margin, margin + size * 3 // 2), pen.ink, 2)
    return margin + size * 2


def _divided(pen: _Pen, top: int) -> tuple[Box, Box]:
    """The portrait's place at one side, and the rest of the page."""
    height, width = pen.ground.shape[:2]
    margin = width // 30
    tall = round((height - top - margin) * pen.rng.uniform(0.72, 1.0))
    wide = round(width * pen.rng.uniform(0.24, 0.42))
    left = bool(pen.rng.random() < 0.6)
    portrait = Box(margin if left else width - margin - wide, top, wide, tall)
    rest_x = 2 * margin + wide if left else margin
    return portrait, Box(rest_x, top, width - wide - 3 * margin, height - top - margin)


def _crops(pen: _Pen, rest: Box) -> int:
    """One or two rows of small pictures with captions below, above or nowhere; where they end."""
    rows, gap = int(pen.rng.integers(1, 3)), max(pen.unit, round(rest.w * pen.rng.uniform(0.02, 0.06)))
    columns = int(pen.rng.integers(2, 5))
    captioned = ("below", "below", "above", "none")[int(pen.rng.integers(4))]
    room = pen.unit * 2 if captioned != "none" else gap
    w = (rest.w - gap * (columns - 1)) // columns
    h = round(min(w * pen.rng.uniform(0.8, 1.35), (rest.h * 0.62) / rows - room))
    y = rest.y
    for row in range(rows):
        above = room if captioned == "above" else 0
        for column in range(columns):
            name = VIEWS[(row * columns + column) % len(VIEWS)] if captioned != "none" else ""
            box = Box(rest.x + column * (w + gap), y + above, w, h)
            pen.place(box, name)
            if name:
                text_y = y if captioned == "above" else box.y + h + pen.unit // 2 + _border(pen.frame)
                pen.write(name, box.x, text_y, pen.unit, "latin")
        y += h + room + gap // 2 + 2 * _border(pen.frame)
    return y + pen.unit // 2


def _words(pen: _Pen, area: Box) -> None:
    """Lists of facts side by side, perhaps on a card, and a row of chips."""
    chip_room = max(pen.unit * 3, area.h // 5) if pen.rng.random() < 0.75 else 0
    lists = 1 if area.w < pen.unit * 40 else int(pen.rng.integers(1, 3))
    width = area.w // lists
    card = pen.rng.random() < 0.35
    for place in range(lists):
        _list(pen, Box(area.x + place * width, area.y, width - pen.unit, max(0, area.h - chip_room)), card=card)
    if chip_room and area.h > chip_room:
        _chips(pen, Box(area.x, area.y + area.h - chip_room + pen.unit // 2, area.w, chip_room - pen.unit))


def _list(pen: _Pen, area: Box, *, card: bool) -> None:
    """A heading and bulleted facts, as many as fit."""
    if area.h < pen.unit * 4:
        return
    inset = pen.unit if card else 0
    if card:
        shade = int(pen.rng.choice([-22, -14, 14, 22]))
        pen.ground[area.slices] = np.clip(pen.ground[area.slices].astype(int) + shade, 0, 255)
        pen.texts.append(area)
    line = round(pen.unit * pen.rng.uniform(1.5, 1.9))
    y = area.y + inset
    pen.write(HEADINGS[int(pen.rng.integers(len(HEADINGS)))], area.x + inset, y, round(pen.unit * 1.4))
    y += 2 * line
    bullet = pen.rng.random() < 0.7
    for fact in pen.rng.permutation(np.array(FACTS)).tolist():
        if y + line > area.y + area.h - inset:
            return
        words = fact
        while width_of(words, pen.unit, pen.script) > area.w - 3 * pen.unit and " " in words:
            words = words.rsplit(" ", 1)[0]
        if bullet:
            cv2.circle(pen.ground, (area.x + inset + pen.unit // 2, y + pen.unit // 2), pen.unit // 5, pen.ink, -1)
        pen.facts.append((words, pen.write(words, area.x + inset + pen.unit * 3 // 2, y, pen.unit)))
        y += line


def _chips(pen: _Pen, area: Box) -> None:
    """A row of colours: squares or discs apart, or a strip of them, perhaps with their codes."""
    count, shape = int(pen.rng.integers(3, 8)), pen.rng.choice(["square", "disc", "strip"])
    side = min(area.h, area.w // (count + count // 2 + 1))
    if side < 12:
        return
    step = side if shape == "strip" else side * 3 // 2
    for n in range(count):
        colour = tuple(int(v) for v in pen.rng.integers(20, 235, 3))
        box = Box(area.x + n * step, area.y, side, side)
        if shape == "disc":
            cv2.circle(pen.ground, (box.x + side // 2, box.y + side // 2), side // 2, colour, -1, cv2.LINE_AA)
        else:
            pen.ground[box.slices] = colour
        pen.chips.append(box)
        if pen.rng.random() < 0.4 and side > 60:
            write(pen.ground, f"#{n}A7", box.x + side // 5, box.y + side // 3, Hand(max(9, side // 5), pen.ink))


def _border(frame: Frame) -> int:
    return {"none": 0, "line": 2, "thick": 7, "mount": 12}[frame]


def _mount(rng: np.random.Generator, ground: Rgb, box: Box, frame: Frame, ink: Ink) -> None:
    """A frame, or a white mount with a soft shadow, under a picture."""
    by = _border(frame)
    if not by:
        return
    height, width = ground.shape[:2]
    around = box.grown(by, width, height)
    if frame == "mount":
        shadow = np.zeros((height, width), np.float32)
        low = Box(around.x + 4, around.y + 5, min(around.w, width - around.x - 4), min(around.h, height - around.y - 5))
        shadow[low.slices] = rng.uniform(0.15, 0.35)
        shade = 1 - cv2.GaussianBlur(shadow, (0, 0), 4)[..., None]
        ground[:] = np.rint(ground * shade)
    ground[around.slices] = (250, 250, 248) if frame == "mount" else ink


def photograph(rng: np.random.Generator, width: int, height: int) -> Rgb:
    """A crop of a photograph, in colour or grey; never the same twice."""
    picture = (data.astronaut, data.chelsea, data.coffee, data.camera)[int(rng.integers(4))]()
    picture = picture if picture.ndim == 3 else np.repeat(picture[:, :, None], 3, axis=2)
    scale = max(width / picture.shape[1], height / picture.shape[0]) * rng.uniform(1.0, 1.8)
    size = int(np.ceil(picture.shape[1] * scale)), int(np.ceil(picture.shape[0] * scale))
    grown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    y, x = int(rng.integers(grown.shape[0] - height + 1)), int(rng.integers(grown.shape[1] - width + 1))
    return np.asarray(grown[y : y + height, x : x + width], np.uint8)


def _sitter(rng: np.random.Generator, box: Box) -> Rgb:
    """A drawn figure before a plain or graded backdrop of its own."""
    first, last = rng.uniform(60, 240, 3), rng.uniform(60, 240, 3)
    along = np.linspace(0, 1, box.h)[:, None, None] * float(rng.random() < 0.5)
    cell = np.broadcast_to(first * (1 - along) + last * along, (box.h, box.w, 3)).astype(np.uint8)
    w, h = round(box.w * rng.uniform(0.45, 0.8)), round(box.h * rng.uniform(0.7, 0.97))
    cell = np.ascontiguousarray(cell)
    draw_figure(rng, cell, Box((box.w - w) // 2, box.h - h, w, h))
    return cell


def draw_figure(rng: np.random.Generator, ground: Rgb, box: Box) -> Box:
    """A body with a head in flat colours and folds, outlined; the box that it fills."""
    x, y, w, h = box
    parts = [
        (((0.5, 0.28), (0.95, 0.5), (0.9, 0.62), (0.72, 0.5), (0.28, 0.5), (0.1, 0.62), (0.05, 0.5)), 0),
        (((0.3, 0.27), (0.7, 0.27), (0.78, 0.66), (0.22, 0.66)), 1),
        (((0.24, 0.62), (0.48, 0.62), (0.46, 1.0), (0.22, 1.0)), 2),
        (((0.52, 0.62), (0.76, 0.62), (0.78, 1.0), (0.54, 1.0)), 2),
    ]
    colours = [tuple(int(v) for v in rng.integers(25, 235, 3)) for _ in range(4)]
    local, mask = ground[box.slices], np.zeros((h, w), np.uint8)
    line = max(2, h // 150)
    for corners, colour in parts:
        points = np.array([(a * (w - 1), b * (h - 1)) for a, b in corners]).astype(np.int32)
        cv2.fillPoly(local, [points], colours[colour], cv2.LINE_AA)
        cv2.polylines(local, [points], True, (20, 20, 24), line, cv2.LINE_AA)
        cv2.fillPoly(mask, [points], (255,))
    head = (w // 2, round(h * 0.15)), (round(w * 0.2), round(h * 0.145))
    cv2.ellipse(local, head[0], head[1], 0, 0, 360, colours[3], -1, cv2.LINE_AA)
    cv2.ellipse(local, head[0], head[1], 0, 0, 360, (20, 20, 24), line, cv2.LINE_AA)
    cv2.ellipse(mask, head[0], head[1], 0, 0, 360, 255, -1)
    for side in (-1, 1):
        cv2.circle(local, (w // 2 + side * round(w * 0.07), round(h * 0.14)), max(2, w // 40), (20, 20, 24), -1)
    for _ in range(6):
        start, end = rng.uniform((0.28, 0.32), (0.72, 0.95)), rng.uniform((0.28, 0.32), (0.72, 0.95))
        a, b = (tuple(int(v) for v in p * (w, h)) for p in (start, end))
        cv2.line(local, a, b, colours[int(rng.integers(4))], line, cv2.LINE_AA)
        cv2.line(mask, a, b, 255, line)
    tight = Box.around(mask > 0)
    assert tight is not None, "a figure has pixels"
    return Box(x + tight.x, y + tight.y, tight.w, tight.h)
