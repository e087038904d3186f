"""Clean shots with a region followed through them: photographs under moving cameras, and real footage where it is.

Tune and test share no photograph and no clip.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from evals.footage import data_folder
from evals.runner import Split
from tools.media._codecs import to_picture
from tools.media._layouts import layout_of
from tools.media.decode import frames
from tools.media.pixels import from_444, rgb8, rgb8_to_444
from tools.types import Bits, Box, Clip, ColourTags, Frame, Rgb
from tools.vision.motion import dense_flow

Floats = NDArray[np.float32]

LENGTH = 7
"""Frames per shot."""
MARGIN = 84
"""Pixels of picture kept around the region: a little more than the checks look at."""
PHOTOGRAPHS: dict[Split, tuple[str, ...]] = {
    "tune": ("astronaut", "coffee", "gravel", "hubble_deep_field", "immunohistochemistry", "camera"),
    "test": ("chelsea", "rocket", "brick", "retina", "stereo_motorcycle", "coins", "grass"),
}
CLIPS: dict[Split, dict[str, tuple[int, int]]] = {
    "tune": {
        "clips/bigbuckbunny.mp4": (0, 131),
        "clips/caminandes.mp4": (0, 239),
        "clips/toy-frog.mp4": (0, 247),
        "clips/juggle.mp4": (0, 246),
        "vace/boxing-cats.mp4": (0, 80),
        "bmx-trees/frames": (0, 79),
        "clips/bt709_full_range.mp4": (0, 29),
    },
    "test": {
        "clips/tears-of-steel.mp4": (66, 184),
        "clips/dog.mp4": (0, 288),
        "clips/toy-rabbit.mp4": (0, 233),
        "clips/blocks.mp4": (0, 291),
        "vace/kitten.mp4": (0, 24),
        "pizza-collab/seedance-action.mp4": (0, 60),
        "clips/carphone.mp4": (0, 119),
        "sintel-market": (0, 9),
    },
}
"""Footage by its place in ../shared/data, with the first and last frame of the one shot that is used."""
SIZES = (36, 56, 84, 120, 150)
"""Sides of regions in pixels."""
FASTEST = 12.0
"""Pixels a frame: what moves faster is not repaired in place."""
SMOOTH, UNSEEN = 1.6, 6.0
"""Sigma in pixels of the blur that takes grain away, and levels of change under which a region has not changed."""
TRIES = 12
X264 = "threads=1:weightp=0:mbtree=0"
"""With weighted prediction or macroblock trees, x264 gives other bytes for the same pictures now and then."""


@dataclass(frozen=True)
class Shot:
    """Clean pictures (h, w, 3) of one shot around a region, and the region's masks (h, w)."""

    pictures: tuple[Rgb, ...]
    masks: tuple[Bits, ...]


def case_names(split: Split, count: int) -> list[str]:
    """`count` ids "kind:source:number", taking turns between photographs and clips, and among each kind's sources."""
    photographs, footage = PHOTOGRAPHS[split], _present(split)
    names = []
    for n in range(count):
        clips = footage and n % 2
        sources = footage if clips else photographs
        turn = n // 2 if footage else n
        kind = "clip" if clips else "photo"
        names.append(f"{kind}_{Path(sources[turn % len(sources)]).stem}_{turn // len(sources):02d}")
    return names


def _present(split: Split) -> list[str]:
    folder = data_folder()
    return [] if folder is None else [name for name in CLIPS[split] if (folder / name).exists()]


def make_shot(split: Split, case: str, seed: int) -> Shot:
    """The case's shot and region, drawn by the seed; always the same for the same arguments."""
    kind, rest = case.split("_", 1)
    source, number = rest.rsplit("_", 1)
    for attempt in range(TRIES):
        rng = np.random.default_rng([seed, zlib.crc32(case.encode()), attempt])
        size = SIZES[(int(number) + zlib.crc32(source.encode()) + attempt) % len(SIZES)]
        pictures = _photographed(source, rng) if kind == "photo" else _filmed(split, source, rng)
        masks = _followed(pictures, rng, min(size, int(0.45 * min(pictures[0].shape[:2]))))
        if masks:
            return _cut_out(pictures, masks)
    raise ValueError(f"{case}: no region stays in the picture")


def _filmed(split: Split, source: str, rng: np.random.Generator) -> list[Rgb]:
    folder = data_folder()
    assert folder is not None
    place = next(name for name in CLIPS[split] if Path(name).stem == source)
    first, last = CLIPS[split][place]
    start = int(rng.integers(first, last - LENGTH + 2))
    return [rgb8(frame) for frame in frames(Clip(media=folder / place, first=start, last=start + LENGTH - 1))]


def _photographed(source: str, rng: np.random.Generator) -> list[Rgb]:
    """A photograph under a camera that pans, turns and zooms, with grain, coded with H.264."""
    still = _photograph(source)
    height, width = (min(most, side - 40) // 16 * 16 for most, side in zip((400, 560), still.shape[:2], strict=True))
    drift, turn, zoom = rng.uniform(-2.5, 2.5, 2), rng.uniform(-0.2, 0.2), rng.uniform(-0.003, 0.003)
    grain, quality = float(rng.choice([0.0, 1.5, 2.5, 4.0])), int(rng.choice([0, 12, 18]))
    pictures = []
    for n in range(LENGTH):
        matrix = cv2.getRotationMatrix2D((still.shape[1] / 2, still.shape[0] / 2), turn * n, 1.03 + zoom * n)
        matrix[:, 2] += drift * (n - LENGTH / 2) - [(still.shape[1] - width) / 2, (still.shape[0] - height) / 2]
        seen = cv2.warpAffine(still, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        pictures.append(as_picture(seen + grain * grain_field((height, width), rng)[..., None]))
    return coded(pictures, quality) if quality else pictures


def _photograph(source: str) -> Floats:
    """A photograph (h, w, 3) of scikit-image in 0 to 255, at most 900 pixels wide, a little softened as a lens does."""
    picture = np.asarray(getattr(data, source)()[0] if source.startswith("stereo") else getattr(data, source)())
    rgb = np.dstack([picture] * 3) if picture.ndim == 2 else picture[..., :3]
    scale = min(1.0, 900 / rgb.shape[1])
    sized = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(sized.astype(np.float32), (0, 0), 0.6), np.float32)


def grain_field(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Film grain of unit strength (h, w): noise with grains a little larger than a pixel."""
    field = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 0.55)
    return np.asarray(field / field.std(), np.float32)


def as_picture(values: NDArray[np.floating]) -> Rgb:
    """Rounded to 8 bits."""
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def as_frames(pictures: Sequence[Rgb]) -> list[Frame]:
    """Pictures as 8-bit 4:2:0 frames, as films carry them."""
    layout = layout_of("yuv420p")
    assert layout is not None
    height, width = pictures[0].shape[:2]
    planes = tuple(np.zeros((height >> n, width >> n), np.uint8) for n in (0, 1, 1))
    blank = Frame(0, planes, layout, ColourTags())
    made = []
    for n, picture in enumerate(pictures):
        frame = from_444(rgb8_to_444(picture, blank), blank)
        made.append(Frame(n, frame.planes, layout, frame.colour))
    return made


def coded(pictures: list[Rgb], quality: int) -> list[Rgb]:
    """What H.264 at a constant rate factor leaves of pictures."""
    with av.open(io.BytesIO(film_of(pictures, quality)), "r") as back:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in back.decode(video=0)]


def film_of(pictures: list[Rgb], quality: int) -> bytes:
    """A Matroska file of pictures of even size (an odd row or column is left out), H.264 at a constant rate factor."""
    target = io.BytesIO()
    height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
    with av.open(target, "w", format="matroska", options={"fflags": "+bitexact"}) as out:
        stream = out.add_stream("libx264", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": str(quality), "preset": "veryfast", "x264-params": X264}
        for frame in as_frames([picture[:height, :width] for picture in pictures]):
            out.mux(stream.encode(to_picture(frame, frame.layout, frame.colour, frame.index)))
        out.mux(stream.encode())
    return target.getvalue()


def _followed(pictures: list[Rgb], rng: np.random.Generator, size: int) -> list[Bits]:
    """A blob placed at random and carried by the median flow under it; empty when it leaves, or is not to be followed.

    What moves too fast for a repair in place is not, nor is what something else drives through.
    """
    height, width = pictures[0].shape[:2]
    blob = _blob(rng, size)
    tall, wide = blob.shape
    if wide + 8 >= width or tall + 8 >= height:
        return []
    at = np.array([rng.uniform(4, width - wide - 4), rng.uniform(4, height - tall - 4)])
    masks = []
    for n, picture in enumerate(pictures):
        x, y = (round(float(v)) for v in at)
        if x < 2 or y < 2 or x + wide > width - 2 or y + tall > height - 2:
            return []
        mask = np.zeros((height, width), np.bool_)
        mask[y : y + tall, x : x + wide] = blob
        masks.append(mask)
        if n + 1 < len(pictures):
            step = _step(picture, pictures[n + 1], mask)
            if np.hypot(*step) > FASTEST:
                return []
            at = at + step
    return [] if _replaced(pictures, masks) else masks


def _replaced(pictures: list[Rgb], masks: list[Bits]) -> bool:
    """Whether a region changes by more than its own contrast between two frames: it correlates by under a half then."""
    grays = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) for picture in pictures]
    seen = [cv2.GaussianBlur(gray, (0, 0), SMOOTH)[mask] for gray, mask in zip(grays, masks, strict=True)]
    return any(
        float(np.sqrt(np.square(two - one).mean())) > max(UNSEEN, float(one.std()), float(two.std()))
        for one, two in pairwise(seen)
    )


def _step(one: Rgb, two: Rgb, mask: Bits) -> NDArray[np.float64]:
    """Median motion (x, y) under a mask from one picture to the next."""
    box = Box.around(mask)
    assert box is not None
    near = box.grown(40, mask.shape[1], mask.shape[0]).slices
    grays = [np.asarray(cv2.cvtColor(picture[near], cv2.COLOR_RGB2GRAY), np.uint8) for picture in (one, two)]
    return np.asarray(np.median(dense_flow(grays[0], grays[1])[mask[near]], axis=0), np.float64)


def _blob(rng: np.random.Generator, size: int) -> Bits:
    """A lumpy ellipse about `size` pixels across."""
    wide = int(size * rng.uniform(0.8, 1.25))
    tall = size * size // wide
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    radius = 1 + 0.15 * np.sin(2 * angle + rng.uniform(0, 6)) + 0.1 * np.sin(3 * angle + rng.uniform(0, 6))
    points = np.stack([wide / 2 * (1 + radius * np.cos(angle) / 1.25), tall / 2 * (1 + radius * np.sin(angle) / 1.25)])
    canvas = np.zeros((tall + 2, wide + 2), np.uint8)
    cv2.fillPoly(canvas, [points.T.astype(np.int32)], 1)
    return np.asarray(canvas > 0, np.bool_)


def _cut_out(pictures: list[Rgb], masks: list[Bits]) -> Shot:
    """The region with its margin, on even corners and of even size."""
    height, width = masks[0].shape
    tight = Box.around(np.any(masks, axis=0))
    assert tight is not None
    box = tight.grown(MARGIN, width, height)
    x, y = box.x // 2 * 2, box.y // 2 * 2
    cut = Box(x, y, (box.x + box.w - x) // 2 * 2, (box.y + box.h - y) // 2 * 2).slices
    return Shot(
        tuple(np.ascontiguousarray(picture[cut]) for picture in pictures),
        tuple(np.ascontiguousarray(mask[cut]) for mask in masks),
    )
