"""One generated film: drawn by seed, graded, with noise, written as H.264."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from evals.cuts._clips import Footage
from evals.cuts._edit import CutTruth, Joint, JointKind, Piece, joined
from evals.cuts._places import Workshop, make_set
from evals.cuts._setups import Location, SetUp, Size, first_setup, jumped, reframed
from evals.cuts._traps import TRAPS, TrapKind, draw_trap
from tools.types import Rgb

Relation = Literal["elsewhere", "setup", "jump"]
SIZES: tuple[Size, ...] = ((480, 270), (384, 216), (320, 240), (216, 384))
RATES = (Fraction(24), Fraction(25), Fraction(30000, 1001))
QUALITIES = {"fine": 19, "coarse": 31}
"""x264's constant rate factor."""
SHOTS = 6
PURE = (22, 46)
"""Frames of a shot that are its alone."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is done to every picture of a film: contrast about its own mean level, and sensor noise."""

    contrast: float
    lift: float
    noise: float

    def graded(self, pictures: Iterator[Rgb], rng: np.random.Generator) -> Iterator[Rgb]:
        bank = _noise_bank(rng, self.noise)
        for picture in pictures:
            grain = bank[int(rng.integers(len(bank)))]
            height, width = picture.shape[:2]
            y, x = int(rng.integers(grain.shape[0] - height + 1)), int(rng.integers(grain.shape[1] - width + 1))
            shown = self.lift + self.contrast * (picture - np.float32(110)) + grain[y : y + height, x : x + width, None]
            yield np.asarray(np.clip(shown + 0.5, 0, 255), np.uint8)


def _noise_bank(rng: np.random.Generator, sigma: float) -> NDArray[np.float32]:
    return np.asarray(rng.standard_normal((2, 420, 520), np.float32) * sigma, np.float32)


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """What the seed decides about a film before anything is rendered."""

    number: int
    source: Literal["made", "footage"]
    size: Size
    rate: Fraction
    quality: str
    look: Look
    joints: tuple[Joint, ...]
    """How each shot opens; the first always opens plainly."""
    traps: tuple[TrapKind | None, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        low = ("low-contrast",) if self.look.contrast < 0.6 else ()
        joints = {f"{joint.kind}:{joint.relation}" for joint in self.joints[1:]}
        traps = {trap for trap in self.traps if trap}
        return (self.source, self.quality, *low, *sorted(joints), *sorted(traps))


def plan_film(rng: np.random.Generator, number: int, *, footage: bool) -> FilmPlan:
    """A film of `SHOTS` shots; two films of three stay mostly in one place."""
    one_place = number % 3 != 2
    joints = (Joint(), *(_joint(rng, one_place=one_place) for _ in range(SHOTS - 1)))
    traps = tuple(str_trap if rng.random() < 0.5 else None for str_trap in _some_traps(rng))
    flat = rng.random() < 0.5
    return FilmPlan(
        number=number,
        source="footage" if footage else "made",
        size=SIZES[int(rng.integers(len(SIZES)))],
        rate=RATES[int(rng.integers(len(RATES)))],
        quality=str(rng.choice(sorted(QUALITIES))),
        look=Look(
            contrast=float(rng.uniform(0.25, 0.5) if flat else rng.uniform(0.75, 1.05)),
            lift=float(rng.uniform(70, 130)),
            noise=float(rng.uniform(0, 3)),
        ),
        joints=joints,
        traps=traps,
    )


def _some_traps(rng: np.random.Generator) -> list[TrapKind]:
    return [TRAPS[int(index)] for index in rng.integers(len(TRAPS), size=SHOTS)]


def _joint(rng: np.random.Generator, *, one_place: bool) -> Joint:
    kind: JointKind = ("cut", "dissolve", "fade")[int(rng.choice(3, p=[0.62, 0.26, 0.12]))]
    relation = "elsewhere"
    if one_place:
        relation = ("setup", "jump", "elsewhere")[int(rng.choice(3, p=[0.6, 0.25, 0.15]))]
    if kind == "cut":
        return Joint(relation=relation)
    if relation == "jump":
        relation = "setup"
    frames = int(rng.integers(8, 49))
    level = int(rng.choice([0, 255], p=[0.75, 0.25]))
    return Joint(kind, frames, level, relation)


class FilmMaker:
    """Renders a plan into a file; `locations` gives a new place whenever the film goes elsewhere."""

    def __init__(self, plan: FilmPlan, rng: np.random.Generator, locations: Iterator[Location]) -> None:
        self._plan, self._rng, self._locations = plan, rng, locations
        self.truths: list[CutTruth] = []
        """The joints of what has been rendered so far."""

    def write(self, path: Path) -> list[CutTruth]:
        """Writes the film and returns its joints."""
        write_h264(path, self.pictures(), self._plan.rate, QUALITIES[self._plan.quality])
        return self.truths

    def pictures(self) -> Iterator[Rgb]:
        """The film's pictures, once."""
        return self._plan.look.graded(self._cut(), self._rng)

    def _cut(self) -> Iterator[Rgb]:
        for picture, truth in joined(self._pieces()):
            self.truths.extend([truth] if truth else [])
            yield picture

    def _pieces(self) -> Iterator[Piece]:
        place: Location | None = None
        setup: SetUp | None = None
        before = 0
        for index, joint in enumerate(self._plan.joints):
            pure = int(self._rng.integers(PURE[0], PURE[1] + 1))
            following = self._plan.joints[index + 1] if index + 1 < SHOTS else Joint()
            needed = joint.led + pure + following.lead
            if place is None or setup is None or joint.relation == "elsewhere":
                place = next(self._locations)
                setup = first_setup(self._rng, place.moments, needed)
            elif joint.relation == "setup":
                setup = reframed(self._rng, setup, place.moments, needed)
            else:
                setup = jumped(self._rng, setup, before, place.moments, needed)
            yield Piece(self._shot(place, setup, index, needed, pure), pure, joint)
            before = needed

    def _shot(self, place: Location, setup: SetUp, index: int, frames: int, pure: int) -> Iterator[Rgb]:
        """The shot's pictures; a trap lies among those that are the shot's alone."""
        pictures = place.shoot(setup, frames, self._plan.size)
        kind = self._plan.traps[index]
        if kind is None:
            return pictures
        trap = draw_trap(self._rng, kind, pure, self._plan.size[0])
        return trap.over(pictures, self._plan.joints[index].led)


def locations(rng: np.random.Generator, split: str, clips: Sequence[Footage]) -> Iterator[Location]:
    """Endless places: footage in turn where `clips` has some, else made ones, now and then the workshop."""
    order = list(rng.permutation(len(clips)))
    turn = 0
    while True:
        if clips:
            yield clips[int(order[turn % len(clips)])]
        elif split == "test" and rng.random() < 0.12:
            yield Workshop()
        else:
            yield make_set(rng, split)
        turn += 1


def write_h264(path: Path, pictures: Iterator[Rgb], rate: Fraction, crf: int) -> None:
    """8-bit 4:2:0 H.264; one thread, so that the same pictures give the same bytes. Appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.part")
    with av.open(str(temporary), "w", format="mp4", options={"fflags": "+bitexact"}) as out:
        stream = None
        for index, picture in enumerate(pictures):
            if stream is None:
                stream = out.add_stream("libx264", rate=rate)
                stream.width, stream.height, stream.pix_fmt = picture.shape[1], picture.shape[0], "yuv420p"
                stream.options = {"preset": "superfast", "crf": str(crf), "threads": "1"}
            shown = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(format="yuv420p")
            shown.pts, shown.time_base = index, 1 / rate
            out.mux(stream.encode(shown))
        if stream is not None:
            out.mux(stream.encode(None))
    temporary.replace(path)
