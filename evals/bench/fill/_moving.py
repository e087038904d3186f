"""Shots with a thing that moves through them, and the same shots without it: removals whose truth is known exactly.

Things are the planter's own (cups, bottles, cloths, …, with their soft shadows), drawn by seed in four sizes, on five
kinds of path, as sharp as a lens would show them and smeared along their motion by a 180° shutter. A mask is every
pixel that the thing touched, grown by 4 pixels.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.bench.fill._clips import PHOTOGRAPHS, photographed
from evals.bench.fill._flow import grown
from evals.footage import data_folder
from evals.plant._follow import Place
from evals.plant._layer import Carried, Seen, sized
from evals.plant._surface import grain_like
from evals.plant._things import draw_thing
from evals.studio._places import workshop_view
from evals.studio.cast._camera import draw_camera
from evals.studio.cast._design import Split
from evals.studio.cast._sets import draw_place
from tools.media.decode import frames, rgb_frames
from tools.media.encode import write_video
from tools.media.masks import write_mask
from tools.media.pixels import from_444, rgb8, rgb8_to_444
from tools.types import Bits, Clip, ColourTags, Frame, MaskTrack, MediaInfo, PixelLayout, Rgb

Rng = np.random.Generator
Complex = NDArray[np.complex128]
FRAMES, WIDE = 40, 640
GROW = 4
"""Pixels beyond what a thing touched that its mask reaches."""
SEED = 11
GRAIN = 1.5
"""Levels of deviation of what is rendered: about what a camera leaves after a good encode."""
AREAS = (0.006, 0.015, 0.035, 0.07)
"""Shares of the frame that things cover."""
FOOTAGE = {
    "toy-rabbit": ("clips/toy-rabbit.mp4", 233),
    "toy-frog": ("clips/toy-frog.mp4", 247),
    "bmx-trees": ("bmx-trees/frames", 79),
    "bigbuckbunny": ("clips/bigbuckbunny.mp4", 131),
}
"""Places in ../shared/data, with the last frame of the one shot that is used."""
YUV = PixelLayout(name="yuv420p", family="yuv", depth=8, chroma_x=1, chroma_y=1)
TAGS = ColourTags(primaries=1, transfer=1, matrix=1, range=1)


@dataclass(frozen=True, slots=True)
class Planted:
    """One case on disk: FFV1 films with and without the thing, its mask film, and the same as a track."""

    name: str
    truth: Path
    before: Path
    mask: Path
    track: MaskTrack

    @property
    def clip(self) -> Clip:
        return Clip(media=self.before, first=0, last=FRAMES - 1)

    @property
    def masks(self) -> list[Bits]:
        return [self.track.at(index) for index in range(FRAMES)]

    def pictures(self, path: Path) -> list[Rgb]:
        """A film of this case as RGB."""
        return [picture.copy() for _, picture in rgb_frames(path)]


def case_names() -> list[str]:
    """Every shot with two things, "SHOT-0" and "SHOT-1"."""
    shots = [*(FOOTAGE if data_folder() else PHOTOGRAPHS), *RENDERED]
    return [f"{shot}-{number}" for shot in shots for number in (0, 1)]


def plant(case: str, folder: Path) -> Planted:
    """Writes a case's three films into `folder`; the same name gives the same films."""
    rng = np.random.default_rng([SEED, zlib.crc32(case.encode())])
    shot, number = case.rsplit("-", 1)
    clean = list(_shot(shot, rng))
    height, width = clean[0].shape[:2]
    carried = _carried(rng, (width, height), AREAS[int(rng.integers(len(AREAS)))], PATHS[int(number)])
    seen = [carried.seen(index) for index in range(FRAMES)]
    track = MaskTrack.of({n: grown(_touched(s, width, height), GROW) for n, s in enumerate(seen) if s}, width, height)
    files = [folder / f"{case}-{part}.mkv" for part in ("truth", "before", "mask")]
    write_film(files[0], clean)
    write_film(files[1], [_laid(picture, s) for picture, s in zip(clean, seen, strict=True)])
    write_mask(files[2], track, FRAMES, Fraction(24))
    return Planted(case, files[0], files[1], files[2], track)


def _carried(rng: Rng, size: tuple[int, int], area: float, paths: Sequence[Path2]) -> Carried:
    """A thing of that share of the frame, on a path through it, turning and growing a little."""
    width, height = size
    layer = sized(draw_thing(rng), area * width * height, (0.4 * width, 0.5 * height))
    t = np.linspace(0, 1, FRAMES)
    shifts = paths[int(rng.integers(len(paths)))](rng, t, complex(width, height))
    turns = (1 + rng.uniform(-0.2, 0.2) * t) * np.exp(1j * rng.uniform(-0.5, 0.5) * t)
    place = Place(first=0, centre=0j, turns=turns, shifts=shifts, speed=0.0, in_view=True)
    blur = float(rng.uniform(0.5, 2.0))
    return Carried(layer, place, float(rng.uniform(-0.4, 0.4)), blur, width, height)


Path2 = Callable[[Rng, NDArray[np.float64], complex], Complex]
"""Positions of a thing's centre over t in 0 to 1, x + iy in pixels of a frame of that size."""


def _at(x: NDArray[np.float64], y: NDArray[np.float64], size: complex) -> Complex:
    return np.asarray(x * size.real + 1j * y * size.imag, np.complex128)


def _across(rng: Rng, t: NDArray[np.float64], size: complex) -> Complex:
    """Straight through the picture, from one side to the other, with a bob."""
    way = float(rng.choice([-1, 1]))
    y = rng.uniform(0.3, 0.7) + rng.uniform(-0.15, 0.15) * (t - 0.5) + 0.02 * np.sin(9 * t + rng.uniform(0, 6))
    return _at(0.5 + way * rng.uniform(0.3, 0.6) * (t - 0.5) * 1.6, y, size)


def _arc(rng: Rng, t: NDArray[np.float64], size: complex) -> Complex:
    """Thrown: up, over and down."""
    way, top = float(rng.choice([-1, 1])), rng.uniform(0.2, 0.35)
    return _at(0.5 + way * rng.uniform(0.3, 0.5) * (t - 0.5), top + 1.6 * (t - 0.5) ** 2, size)


def _hanging(rng: Rng, t: NDArray[np.float64], size: complex) -> Complex:
    """About one spot of the picture, as something that hangs before the lens: it may hide a place all the time."""
    turn = rng.uniform(2, 6) * t + rng.uniform(0, 6)
    x, y, reach = rng.uniform(0.3, 0.7), rng.uniform(0.35, 0.65), rng.uniform(0.005, 0.04)
    return _at(x + reach * np.cos(turn), y + reach * np.sin(0.7 * turn), size)


def _creeping(rng: Rng, t: NDArray[np.float64], size: complex) -> Complex:
    """A short way, slowly."""
    way = float(rng.choice([-1, 1])) * rng.uniform(0.03, 0.12)
    return _at(rng.uniform(0.35, 0.65) + way * t, rng.uniform(0.4, 0.65) + 0.01 * np.sin(7 * t), size)


def _falling(rng: Rng, t: NDArray[np.float64], size: complex) -> Complex:
    """Down through the picture, slowly at first."""
    sway = 0.04 * np.sin(6 * t + rng.uniform(0, 6))
    return _at(rng.uniform(0.3, 0.7) + sway, 0.15 + 0.7 * t ** rng.uniform(1.0, 1.6), size)


PATHS: tuple[tuple[Path2, ...], ...] = ((_across, _arc, _falling), (_hanging, _creeping, _arc))
"""Of a shot's first thing, which passes through, and of its second, which may hide some of the set all the time."""


def _touched(seen: Seen, width: int, height: int) -> Bits:
    mask = np.zeros((height, width), np.bool_)
    mask[seen.box.slices] = seen.mask
    return mask


def _laid(picture: Rgb, seen: Seen | None) -> Rgb:
    """The thing over the picture; untouched pixels stay as they are."""
    if seen is None:
        return picture
    made = picture.copy()
    under = picture[seen.box.slices].astype(np.float32)
    over = 255 * seen.layer[..., :3] + under * (1 - seen.layer[..., 3:])
    made[seen.box.slices] = np.where(seen.mask[..., None], np.clip(np.rint(over), 0, 255), under).astype(np.uint8)
    return made


def _shot(shot: str, rng: Rng) -> Iterator[Rgb]:
    """FRAMES pictures of a clip, at most WIDE pixels wide, with even sides; or of what is rendered."""
    if shot in RENDERED:
        return RENDERED[shot](rng)
    folder = data_folder()
    if folder is None:
        return photographed(shot, (WIDE, 360), FRAMES)
    place, last = FOOTAGE[shot]
    start = int(rng.integers(0, last - FRAMES + 2))
    stretch = Clip(media=folder / place, first=start, last=start + FRAMES - 1)
    return (_fitted(rgb8(frame)) for frame in islice(frames(stretch), FRAMES))


def _fitted(picture: Rgb) -> Rgb:
    scale = min(1.0, WIDE / picture.shape[1])
    width, height = (2 * round(side * scale / 2) for side in picture.shape[1::-1])
    if (height, width) == picture.shape[:2]:
        return picture
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _workshop(rng: Rng) -> Iterator[Rgb]:
    """A camera that moves sideways past a motorcycle: true parallax."""
    way, drift = int(rng.choice([-1, 1])), rng.uniform(-12, 12)
    for index, share in enumerate(np.linspace(0, 1, FRAMES)[::way]):
        view = workshop_view(float(share))
        matrix = np.array([[1, 0, -50.0], [0, 1, -50.0 - drift * (index / FRAMES - 0.5)]])
        yield _grained(cv2.warpAffine(view, matrix, (WIDE, 400), flags=cv2.INTER_CUBIC), index)


def _set(rng: Rng) -> Iterator[Rgb]:
    """A camera that travels along a painted set, hand-held."""
    split: Split = "tune"
    picture = draw_place(rng, split, photographic=False).picture
    track, hand = draw_camera(rng, "track", FRAMES), draw_camera(rng, "handheld", FRAMES)
    shifts = np.clip((track.shift + hand.shift) * WIDE, -200, 200)
    zoom = 0.55
    for index, (x, y) in enumerate(shifts):
        matrix = np.array([[zoom, 0, WIDE / 2 - zoom * 850 + x], [0, zoom, 180 - zoom * 520 + y]])
        yield _grained(cv2.warpAffine(picture, matrix, (WIDE, 360), flags=cv2.INTER_AREA), index)


def _grained(picture: NDArray[Any], index: int) -> Rgb:
    field = grain_like((picture.shape[0], picture.shape[1]), GRAIN, (SEED, index))
    return np.asarray(np.clip(np.rint(picture + field), 0, 255), np.uint8)


RENDERED: Mapping[str, Callable[[Rng], Iterator[Rgb]]] = {"workshop": _workshop, "set": _set}


def write_film(path: Path, pictures: Sequence[Rgb]) -> None:
    """Pictures as lossless 4:2:0 film, the way footage comes; their sides are even."""
    height, width = pictures[0].shape[:2]
    blank = Frame(0, tuple(np.zeros((height >> s, width >> s), np.uint8) for s in (0, 1, 1)), YUV, TAGS)
    like = MediaInfo(
        path=path.with_name(path.name + ".source"),
        kind="video",
        width=width,
        height=height,
        fps=Fraction(24),
        frames=len(pictures),
        container="matroska",
        codec="ffv1",
        pixel_format=YUV.name,
        bit_depth=8,
        colour=TAGS,
    )
    made = (from_444(rgb8_to_444(p, blank), Frame(n, blank.planes, YUV, TAGS)) for n, p in enumerate(pictures))
    write_video(path, made, like, codec="ffv1")
