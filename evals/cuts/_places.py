"""Locations made here: photographs and painted rooms, with people before them at their own depth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from evals.cuts._setups import Matrix, SetUp, Size
from evals.studio._matte import mara
from evals.studio._places import workshop_view
from tools.types import Rgb

Layer = NDArray[np.float32]
"""(h, w, 4): premultiplied R, G, B in 0–255, alpha in 0–1."""

Colour = NDArray[np.float64]
"""(3,) R, G, B."""

PHOTOGRAPHS = {
    "tune": ("camera", "cat", "rocket", "gravel", "immunohistochemistry", "coins", "brick"),
    "test": ("coffee", "grass", "hubble_deep_field", "retina", "cell", "moon"),
}
"""scikit-image's photographs; no split sees the other's. The test split also has the stereo pair and the astronaut."""
ENDLESS = 100_000
ROOM = (900, 506)


@dataclass(frozen=True, slots=True)
class Person:
    """A layer that stands at a share of the picture, nearer than the backdrop by `depth`, walks and sways."""

    layer: Layer = field(repr=False)
    x: float
    y: float
    height: float
    depth: float
    walk: float
    phase: float

    def at(self, clock: int) -> tuple[float, float, float]:
        """Place in shares of the picture, and lean in degrees; a walk turns round after a while."""
        swing = 0.25 * np.sin(self.walk * clock / 0.25 + self.phase) if self.walk else 0.0
        sway = 0.012 * np.sin(0.11 * clock + 2 * self.phase)
        return (
            self.x + float(swing + sway),
            self.y + 0.006 * float(np.sin(0.17 * clock)),
            5 * float(np.sin(0.09 * clock)),
        )


@dataclass(frozen=True, slots=True)
class Set:
    """A backdrop and its people."""

    backdrop: Rgb = field(repr=False)
    people: tuple[Person, ...]

    @property
    def moments(self) -> int:
        return ENDLESS

    def shoot(self, setup: SetUp, frames: int, size: Size) -> Iterator[Rgb]:
        height, width = self.backdrop.shape[:2]
        for index in range(frames):
            matrix = setup.matrix(index, (width, height), size)
            picture = _seen(self.backdrop, matrix, size)
            for person in self.people:
                picture = _with_person(picture, person, setup, index, (width, height))
            yield picture


def _seen(picture: Rgb, matrix: Matrix, size: Size) -> Rgb:
    shown = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(shown, np.uint8)


def _with_person(picture: Rgb, person: Person, setup: SetUp, index: int, extent: Size) -> Rgb:
    """The picture with a person before it; only the rows and columns that the layer reaches are blended."""
    size = (picture.shape[1], picture.shape[0])
    x, y, lean = person.at(setup.start + index)
    centre = setup.centre(index)
    scale = setup.scale(index, extent, size) * person.depth
    at = [size[n] / 2 + scale * (p - c) * extent[n] for n, (p, c) in enumerate(zip((x, y), centre, strict=True))]
    rows, columns = person.layer.shape[:2]
    matrix = cv2.getRotationMatrix2D((columns / 2, rows / 2), lean, scale * person.height * extent[1] / rows)
    matrix[:, 2] += np.array(at) - (columns / 2, rows / 2)
    layer = cv2.warpAffine(person.layer, matrix, size, flags=cv2.INTER_LINEAR)
    return np.asarray(picture * (1 - layer[..., 3:]) + layer[..., :3] + 0.5, np.uint8)


@dataclass(frozen=True, slots=True)
class Workshop:
    """The motorcycle of the stereo pair: a camera that travels between the two views, with true parallax."""

    moments: int = 240

    def shoot(self, setup: SetUp, frames: int, size: Size) -> Iterator[Rgb]:
        for index in range(frames):
            share = 0.5 + 0.45 * np.sin((setup.start + index) * 2 * np.pi / self.moments)
            view = np.asarray(workshop_view(float(share)) + 0.5, np.uint8)
            yield _seen(view, setup.matrix(index, (view.shape[1], view.shape[0]), size), size)


def make_set(rng: np.random.Generator, split: str) -> Set:
    """A photograph or a painted room with one to three people."""
    backdrop = _room(rng) if rng.random() < 0.4 else _photograph(str(rng.choice(PHOTOGRAPHS[split])))
    tone = rng.uniform(0.75, 1.1) * rng.uniform(0.9, 1.1, 3)
    people = tuple(_person(rng, split) for _ in range(int(rng.integers(1, 4))))
    return Set(np.asarray(np.clip(backdrop * tone, 0, 255), np.uint8), people)


@cache
def _photograph(name: str) -> Rgb:
    picture = np.asarray(getattr(data, name)())
    colour = np.dstack([picture] * 3) if picture.ndim == 2 else picture[..., :3]
    scale = ROOM[0] / colour.shape[1]
    return np.asarray(cv2.resize(colour, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _room(rng: np.random.Generator) -> Rgb:
    """A painted room: uneven walls, a floor, and a dozen things of plain and striped surfaces."""
    width, height = ROOM
    picture = np.empty((height, width, 3), np.float32)
    horizon = int(height * rng.uniform(0.55, 0.75))
    picture[:horizon], picture[horizon:] = rng.uniform(60, 190, 3), rng.uniform(30, 140, 3)
    for _ in range(int(rng.integers(9, 16))):
        _put_thing(picture, rng)
    return np.asarray(np.clip(picture + _unevenness(rng)[..., None], 0, 255), np.uint8)


def _put_thing(picture: Layer, rng: np.random.Generator) -> None:
    height, width = picture.shape[:2]
    w, h = (int(v) for v in rng.uniform(0.06, 0.28, 2) * (width, height))
    x, y = int(rng.uniform(0, width - w)), int(rng.uniform(0, height - h))
    patch = np.broadcast_to(rng.uniform(20, 230, 3), (h, w, 3)).astype(np.float32)
    if rng.random() < 0.6:
        stripes = np.sin(np.arange(w) * rng.uniform(0.1, 0.6)) * rng.uniform(10, 60)
        patch = patch + stripes[None, :, None].astype(np.float32)
    picture[y : y + h, x : x + w] = patch if rng.random() < 0.7 else patch[::-1] * 0.8


def _unevenness(rng: np.random.Generator) -> NDArray[np.float32]:
    """Noise at four scales, (h, w), like plaster and dirt."""
    width, height = ROOM
    layers = [
        amplitude * cv2.resize(rng.standard_normal((max(2, height // cell), max(2, width // cell))), (width, height))
        for cell, amplitude in ((96, 16.0), (32, 9.0), (12, 6.0), (4, 4.0))
    ]
    return np.asarray(sum(layers), np.float32)


def _person(rng: np.random.Generator, split: str) -> Person:
    astronaut = split == "test" and rng.random() < 0.4
    return Person(
        layer=_mara_layer() if astronaut else _figure(rng),
        x=float(rng.uniform(0.3, 0.7)),
        y=float(rng.uniform(0.52, 0.66)),
        height=float(rng.uniform(0.45, 0.75)),
        depth=float(rng.uniform(1.05, 1.4)),
        walk=float(rng.uniform(0.001, 0.004)) * float(rng.random() < 0.5),
        phase=float(rng.uniform(0, 2 * np.pi)),
    )


@cache
def _mara_layer() -> Layer:
    cut = mara()
    layer = np.dstack([cut.rgb * cut.alpha[..., None], cut.alpha])
    return np.asarray(cv2.resize(layer, (400, 400), interpolation=cv2.INTER_AREA), np.float32)


def _figure(rng: np.random.Generator) -> Layer:
    """A standing figure: legs, a patterned garment, arms, a face with hair; (400, 240, 4)."""
    colour = np.zeros((400, 240, 3), np.float32)
    alpha = np.zeros((400, 240), np.uint8)
    skin, cloth, hair, legs = (rng.uniform(low, high, 3) for low, high in ((90, 220), (20, 230), (10, 160), (15, 150)))
    for shape, paint in _body(rng, skin, cloth, hair, legs):
        mask = np.zeros_like(alpha)
        cv2.fillPoly(mask, [shape], 255, lineType=cv2.LINE_AA)
        colour[mask > 0] = paint[mask > 0]
        alpha = np.maximum(alpha, mask)
    light = np.linspace(1.1, 0.75, 240, dtype=np.float32)[None, :, None]
    share = (alpha / np.float32(255))[..., None]
    return np.asarray(np.dstack([np.clip(colour * light, 0, 255) * share, share]), np.float32)


def _body(
    rng: np.random.Generator, skin: Colour, cloth: Colour, hair: Colour, legs: Colour
) -> Iterator[tuple[NDArray[np.int32], Layer]]:
    """Outlines from back to front with the surface that fills each."""
    reach, pattern = rng.uniform(-40, 40, 2), _pattern(rng, cloth)
    yield _outline((85, 240), (155, 240), (165, 395), (130, 395), (120, 280), (110, 395), (75, 395)), _plain(legs)
    yield _outline((70, 120), (170, 120), (180, 260), (60, 260)), pattern
    yield _outline((70, 120), (95, 125), (60 + reach[0], 235), (35 + reach[0], 225)), pattern * 0.85
    yield _outline((170, 120), (145, 125), (180 + reach[1], 235), (205 + reach[1], 225)), pattern * 0.85
    yield _ellipse((120, 72), (40, 52)), _plain(hair)
    yield _ellipse((120, 80), (30, 40)), _plain(skin)
    for x in (108, 132):
        yield _ellipse((x, 74), (5, 4)), _plain(np.full(3, 25.0))
    yield _ellipse((120, 100), (11, 3)), _plain(skin * 0.55)


def _outline(*points: tuple[float, float]) -> NDArray[np.int32]:
    return np.array(points).astype(np.int32)


def _ellipse(centre: Size, axes: Size) -> NDArray[np.int32]:
    return np.asarray(cv2.ellipse2Poly(centre, axes, 0, 0, 360, 12), np.int32)


def _plain(colour: Colour) -> Layer:
    return np.broadcast_to(colour, (400, 240, 3)).astype(np.float32)


def _pattern(rng: np.random.Generator, colour: Colour) -> Layer:
    y, x = np.mgrid[:400, :240]
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(0.15, 0.5)
    wave = np.sign(np.sin((x * np.cos(angle) + y * np.sin(angle)) * pitch)) * rng.uniform(0, 50)
    return np.asarray(np.clip(_plain(colour) + wave[..., None], 0, 255), np.float32)
