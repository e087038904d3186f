"""The sample film "launch-day": what each shot shows, how the camera moves, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from evals.labels import Origin
from evals.studio._faults import FAINT, draw_earpiece, draw_melt, melted, worn_earpiece, worn_shawl
from evals.studio._matte import Cutout, Pixels, mara, pixels
from evals.studio._moves import Size, cover, eased, framed, whip
from evals.studio._optics import (
    FROM_ENLARGED,
    HEIGHT,
    WIDTH,
    Matrix,
    Move,
    carried,
    dimmed,
    over,
    pose,
    sampled,
    smeared,
)
from evals.studio._picture import Picture
from evals.studio._places import DEFOCUS, behind, place, workshop_view
from evals.studio._sheet import EAR_PANELS
from tools.types import Action, Box, Category

TITLE = "Launch Day"
BIBLE = "One morning before a launch. Soft light. Nobody wears jewellery, headsets or earpieces."
CANON = "Orange pressure suit, round mission patch on her right chest, black collar ring. No earpiece."
MODEL = "seedance-2.0"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a label says about a planted error, except where it lies."""

    category: Category
    origin: Origin
    action: Action
    subject: str | None = "mara"


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """One shot: what film.toml tells, its length, and its pictures."""

    id: str
    frames: int
    prompt: str
    pictures: Callable[[], Iterator[Picture]]
    references: tuple[str, ...] = ()
    characters: tuple[str, ...] = ()
    fault: Fault | None = None
    move: Move | None = None
    worn: Cutout | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Film:
    """Everything the seed decides."""

    seed: int
    planted: str
    """The panel with the earpiece."""
    earpiece: Cutout = field(repr=False)
    shots: tuple[ShotPlan, ...]


def _size(picture: Pixels) -> Size:
    return picture.shape[1], picture.shape[0]


def _vignette() -> Pixels:
    """A lens's fall-off, 7 % in the corners, (h, w)."""
    x, y = np.meshgrid(np.linspace(-1, 1, WIDTH), np.linspace(-1, 1, HEIGHT))
    return (1 - 0.035 * (x * x + y * y)).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Stage:
    """Mara before a place, under one light, followed by one camera."""

    where: str
    move: Move
    light: Pixels
    """(3,) gains."""
    worn: Cutout | None = None

    def pictures(self) -> Iterator[Picture]:
        her = self._lit(mara())
        extra = None if self.worn is None else self._lit(self.worn)
        background, lens = self._background(), _vignette()
        for far, near, travel in zip(self.move.background, self.move.character, self.move.shutter, strict=True):
            back = pixels(smeared(sampled(background, far, mirror=True), travel))
            clean = over(back, smeared(sampled(her, near @ FROM_ENLARGED), travel))
            if extra is None:
                yield Picture(dimmed(clean, lens))
            else:
                yield _wearing(clean, extra, near @ FROM_ENLARGED, travel, lens)

    def _background(self) -> Pixels:
        zoom = float(np.mean([matrix[0, 0] for matrix in self.move.background]))
        return behind(self.where, zoom)

    def _lit(self, layer: Cutout) -> Pixels:
        """The layer under the stage's light, premultiplied, alpha last."""
        return np.dstack([layer.rgb * self.light * layer.alpha[..., None], layer.alpha])


def _wearing(clean: Pixels, layer: Pixels, matrix: Matrix, travel: float, lens: Pixels) -> Picture:
    """The picture with a worn layer; nothing outside the place where the layer lies is looked at."""
    done = dimmed(clean, lens)
    place = _landing(layer, matrix, travel)
    if place is None:
        return Picture(done)
    shift = np.eye(3)
    shift[:2, 2] = -place.x, -place.y
    seen = smeared(sampled(layer, shift @ matrix, (place.w, place.h)), travel)
    seen[seen[..., 3] <= FAINT] = 0
    faulty, mask = done.copy(), np.zeros(done.shape[:2], np.bool_)
    faulty[place.slices] = dimmed(over(clean[place.slices], seen), lens[place.slices])
    mask[place.slices] = seen[..., 3] > 0
    return Picture(done, faulty, mask)


def _landing(layer: Pixels, matrix: Matrix, travel: float) -> Box | None:
    """The box of the frame that a moving layer can touch, or None when it is out of frame."""
    box = Box.around(layer[..., 3] > 0)
    assert box is not None, "a worn layer shows somewhere"
    corners = [(box.x + i * box.w, box.y + j * box.h) for i in (0, 1) for j in (0, 1)]
    points = carried(matrix, np.array(corners, np.float64))
    reach = abs(travel) / 2 + 4
    low = np.maximum(np.floor(points.min(axis=0) - reach), 0).astype(int)
    high = np.minimum(np.ceil(points.max(axis=0) + reach), (WIDTH, HEIGHT)).astype(int)
    width, height = (int(v) for v in high - low)
    return Box(int(low[0]), int(low[1]), width, height) if width > 0 and height > 0 else None


def _melting(stage: Stage, rng: np.random.Generator, start: int) -> Iterator[Picture]:
    """The stage's shot, with a third of the frame going wrong at once from frame `start` on."""
    melt = draw_melt(rng)
    for index, picture in enumerate(stage.pictures()):
        if index < start:
            yield picture
            continue
        faulty, alpha = melted(picture.clean, melt, index - start)
        yield Picture(picture.clean, faulty, np.asarray(alpha > 0))


def _still_life(where: str, frames: int, rng: np.random.Generator, slack: tuple[float, float]) -> Iterator[Picture]:
    """A place alone: a slow push with a drift."""
    picture, lens, t = place(where), _vignette(), eased(frames)
    size, way = _size(picture), rng.choice([-1.0, 1.0], 2) * rng.uniform(0.5, 0.9, 2)
    zoom = cover(size, slack) * (1 + float(rng.uniform(0.06, 0.12)) * t)
    for z, share in zip(zoom, t - 0.5, strict=True):
        at = (WIDTH / 2 + slack[0] * way[0] * share, HEIGHT / 2 + slack[1] * way[1] * share)
        seen = sampled(picture, pose(z, (size[0] / 2, size[1] / 2), at), mirror=True)
        yield Picture(dimmed(pixels(seen), lens))


def _dolly(frames: int, rng: np.random.Generator) -> Iterator[Picture]:
    """A sideways dolly through the workshop, with the parallax of its true depth."""
    first, last = sorted(float(v) for v in rng.uniform([0.0, 0.55], [0.25, 0.8]))
    if rng.integers(2):
        first, last = last, first
    lens, size = _vignette(), (741, 500)
    zoom = cover(size, (200, 60))
    for share in first + (last - first) * eased(frames):
        view = workshop_view(float(share))
        matrix = pose(zoom, (size[0] / 2 - 22 * float(share), size[1] / 2), (WIDTH / 2, HEIGHT / 2))
        yield Picture(dimmed(pixels(sampled(view, matrix, mirror=True)), lens))


_NEIGHBOURS = (("pad", 0), ("workshop", 5))
"""Shots 0 and 7 of the film show these places by themselves; the stages next to them go elsewhere."""


def _places(rng: np.random.Generator) -> list[str]:
    """Places of the six stages SH020 to SH070: neighbours differ, and a whip pan has something to blur."""
    names = list(DEFOCUS)
    while True:
        drawn = [str(name) for name in rng.choice(names, 6)]
        differ = all(a != b for a, b in pairwise(drawn))
        known = all(drawn[index] != name for name, index in _NEIGHBOURS)
        if differ and known and drawn[2] in {"workshop", "wall"} and len(set(drawn)) >= 4:
            return drawn


def _light(rng: np.random.Generator) -> Pixels:
    return np.asarray(rng.uniform(0.93, 1.04) * (1 + rng.uniform(-0.03, 0.03, 3)), np.float32)


def _head(rng: np.random.Generator) -> tuple[float, float]:
    return float(rng.uniform(540, 740)), float(rng.uniform(262, 290))


def write_script(seed: int) -> Film:
    """The film of a seed."""
    rng = np.random.default_rng([seed, 0])
    earpiece = worn_earpiece(draw_earpiece(rng))
    planted = str(rng.choice(EAR_PANELS))
    others = [name for name in EAR_PANELS if name != planted]
    script = _Script(seed, f"mara/{planted}", earpiece, _places(rng), [str(name) for name in rng.permutation(others)])
    return Film(seed, planted, earpiece, script.shots())


@dataclass(frozen=True, slots=True)
class _Script:
    """Writes the shots; every shot has random numbers of its own."""

    seed: int
    faulty_panel: str
    earpiece: Cutout
    places: list[str]
    clean_panels: list[str]

    def shots(self) -> tuple[ShotPlan, ...]:
        return (
            self._alone("SH010", 36, "pad", "Wide: the rocket on the pad before dawn, slow push in."),
            self._pan(),
            self._push(),
            self._whip(),
            self._shawl(),
            self._melt(),
            self._control(),
            self._workshop(),
            self._alone("SH090", 24, "table", "Insert: her coffee on the table, slow push in."),
        )

    def _rng(self, shot: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, int(shot[2:])])

    def _stage(self, shot: str, move: Move, worn: Cutout | None = None) -> Stage:
        where = self.places[int(shot[2:]) // 10 - 2]
        return Stage(where, move, _light(np.random.default_rng([self.seed, int(shot[2:]), 1])), worn)

    def _extent(self, shot: str) -> Size:
        return _size(place(self.places[int(shot[2:]) // 10 - 2]))

    def _worn(self, shot: str, move: Move, worn: Cutout, *, fault: Fault, reference: str, prompt: str) -> ShotPlan:
        pictures = self._stage(shot, move, worn).pictures
        return ShotPlan(shot, move.frames, prompt, pictures, (reference,), ("mara",), fault, move, worn)

    def _with_earpiece(self, shot: str, move: Move, action: Action, prompt: str) -> ShotPlan:
        fault = Fault("prop", Origin(kind="sheet-panel", ref=self.faulty_panel), action)
        return self._worn(shot, move, self.earpiece, fault=fault, reference=self.faulty_panel, prompt=prompt)

    def _pan(self) -> ShotPlan:
        rng = self._rng("SH020")
        scale, side = float(rng.uniform(2.1, 2.4)), float(rng.choice([-1, 1]))
        travel = (side * float(rng.uniform(90, 150)), float(rng.uniform(-12, 12)))
        move = framed(rng, 48, self._extent("SH020"), scale=(scale, scale), head=_head(rng), travel=travel)
        return self._with_earpiece("SH020", move, "inpaint", "Mara listens; gentle pan.")

    def _push(self) -> ShotPlan:
        rng = self._rng("SH030")
        scale = float(rng.uniform(2.0, 2.15))
        end = scale * float(rng.uniform(1.1, 1.17))
        drift = (float(rng.choice([-1, 1]) * rng.uniform(40, 60)), float(rng.uniform(-8, 8)))
        move = framed(rng, 48, self._extent("SH030"), scale=(scale, end), head=_head(rng), travel=drift)
        return self._with_earpiece("SH030", move, "inpaint", "Mara smiles; slow push in.")

    def _whip(self) -> ShotPlan:
        rng = self._rng("SH040")
        move = whip(rng, 40, self._extent("SH040"), scale=float(rng.uniform(2.1, 2.3)), y=float(rng.uniform(265, 290)))
        return self._with_earpiece("SH040", move, "regenerate", "Whip pan past Mara.")

    def _shawl(self) -> ShotPlan:
        rng = self._rng("SH050")
        scale, side = float(rng.uniform(2.46, 2.56)), float(rng.choice([-1, 1]))
        head = (float(rng.uniform(640, 700)), float(rng.uniform(168, 176)))
        travel = (side * float(rng.uniform(20, 40)), 0.0)
        move = framed(rng, 40, self._extent("SH050"), scale=(scale, scale * 1.02), head=head, travel=travel)
        fault = Fault("wardrobe", Origin(kind="shot", ref="SH050"), "regenerate")
        cloth, reference = worn_shawl(rng), f"mara/{self.clean_panels[0]}"
        prompt = "Close on Mara in her orange suit."
        return self._worn("SH050", move, cloth, fault=fault, reference=reference, prompt=prompt)

    def _melt(self) -> ShotPlan:
        rng = self._rng("SH060")
        scale, side = float(rng.uniform(1.95, 2.2)), float(rng.choice([-1, 1]))
        travel = (side * float(rng.uniform(40, 70)), 0.0)
        move = framed(rng, 48, self._extent("SH060"), scale=(scale, scale * 1.03), head=_head(rng), travel=travel)
        stage, fault = self._stage("SH060", move), Fault("temporal", Origin(kind="model", ref=MODEL), "retake")
        references = (f"mara/{self.clean_panels[1]}",)

        def pictures() -> Iterator[Picture]:
            return _melting(stage, np.random.default_rng([self.seed, 60, 2]), start=36)

        return ShotPlan("SH060", 48, "Mara waits, calm.", pictures, references, ("mara",), fault, move)

    def _control(self) -> ShotPlan:
        rng = self._rng("SH070")
        scale, side = float(rng.uniform(2.1, 2.3)), float(rng.choice([-1, 1]))
        travel = (side * float(rng.uniform(50, 100)), 0.0)
        move = framed(rng, 36, self._extent("SH070"), scale=(scale, scale * 1.05), head=_head(rng), travel=travel)
        references = (f"mara/{self.clean_panels[2]}",)
        pictures = self._stage("SH070", move).pictures
        return ShotPlan("SH070", 36, "Mara turns to the camera.", pictures, references, ("mara",), None, move)

    def _workshop(self) -> ShotPlan:
        prompt = "The motorcycle in the workshop, sideways dolly."
        return ShotPlan("SH080", 36, prompt, lambda: _dolly(36, self._rng("SH080")))

    def _alone(self, shot: str, frames: int, where: str, prompt: str) -> ShotPlan:
        slack = (110.0, 60.0)
        return ShotPlan(shot, frames, prompt, lambda: _still_life(where, frames, self._rng(shot), slack))
