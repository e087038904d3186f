"""The pictures that fills are judged on: real footage where it lies beside the repository, else library photographs.

A clip is frames (H, W, 3) uint8 RGB of which everything is known; the mask hides a part of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from evals.footage import data_folder
from tools.media.decode import rgb_frames
from tools.types import Bits, Rgb

SIZE = (432, 240)
COUNT = 80
CLIPS = ("bmx-trees", "toy-rabbit", "bigbuckbunny", "caminandes")
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "rocket")
"""Of scikit-image, what stands for clips where there is no footage: a camera moves over them."""
GROW = 4
MARGIN, TITLES, GUTTER = 60, 28, 6
"""Pixels of a contact sheet: left of its pictures, above them, and between them."""
INK, PAPER = (32, 32, 36), (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Footage:
    """A clip with its truth: `masks` (H, W) are true where a fill must not look."""

    name: str
    truth: tuple[Rgb, ...]
    masks: tuple[Bits, ...]

    @property
    def blanked(self) -> list[Rgb]:
        """The pictures with the hole black: nothing of the truth is left in it."""
        return [np.where(mask[..., None], 0, picture) for picture, mask in zip(self.truth, self.masks, strict=True)]


def clip_names() -> tuple[str, ...]:
    """The clips that completion is judged on, on this machine."""
    return CLIPS if data_folder() else PHOTOGRAPHS


def completion(name: str, count: int = COUNT) -> Footage:
    """A clip at 432x240 under a still mask that covers 15.7 % of the picture."""
    truth = tuple(islice(_small(name), count))
    hole = still_hole()
    return Footage(name, truth, (hole,) * len(truth))


def still_hole() -> Bits:
    """DAVIS's square mask beside bmx-trees, dilated 4 times by a 3x3 cross as ProPainter does; else one like it."""
    folder = data_folder()
    hole = np.zeros(SIZE[::-1], np.uint8)
    if folder is None:
        hole[72 : 72 + 110, 150 : 150 + 148] = 1
        return hole > 0
    drawn = np.asarray(cv2.imread(str(folder / "bmx-trees" / "mask_square.png"), cv2.IMREAD_GRAYSCALE), np.uint8)
    hole = (cv2.resize(drawn, SIZE, interpolation=cv2.INTER_NEAREST) > 0).astype(np.uint8)
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    return np.asarray(cv2.dilate(hole, cross, iterations=GROW), np.bool_)


def _small(name: str) -> Iterator[Rgb]:
    folder = data_folder()
    source = photographed(name, SIZE) if folder is None else (picture for _, picture in rgb_frames(where(name)))
    for picture in source:
        small = picture.shape[1::-1] == SIZE
        yield picture if small else np.asarray(cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA), np.uint8)


def where(name: str) -> Path:
    """Where a clip of the footage lies: a file, or a folder of frames."""
    folder = data_folder()
    assert folder is not None
    return folder / name / "frames" if (folder / name).is_dir() else folder / "clips" / f"{name}.mp4"


def photographed(name: str, size: tuple[int, int], count: int = COUNT, ways: int = 1) -> Iterator[Rgb]:
    """A camera that drifts and turns over a photograph, with a lens that pulls in slowly; `ways` goes there and back.

    Pictures of `size` (width, height); twice the count in twice the ways moves as fast.
    """
    photograph = np.asarray(getattr(data, name)(), np.uint8)[..., :3]
    wide = max(1.6 * size[0] / photograph.shape[1], 1.6 * size[1] / photograph.shape[0])
    large = cv2.resize(photograph, None, fx=wide, fy=wide, interpolation=cv2.INTER_CUBIC)
    centre = np.array([large.shape[1] / 2, large.shape[0] / 2])
    for index in range(count):
        t = 1 - abs(ways * index / max(1, count - 1) % 2 - 1)
        at = centre + np.array([size[0] * 0.22 * (2 * t - 1), size[1] * 0.12 * np.sin(4 * t)])
        matrix = cv2.getRotationMatrix2D((float(at[0]), float(at[1])), 3 * np.sin(3 * t), 1 + 0.08 * t)
        matrix[:, 2] += np.array(size) / 2 - at
        yield np.asarray(cv2.warpAffine(large, matrix, size, flags=cv2.INTER_AREA), np.uint8)


def write_sheet(path: Path, films: Mapping[str, Sequence[Rgb]], shown: int = 4) -> None:
    """A contact sheet as PNG: a named column per film, and `shown` frames spread over them, a numbered row each."""
    first, *_ = films.values()
    height, width = first[0].shape[:2]
    rows = np.linspace(0, len(first) - 1, shown + 2).round().astype(int)[1:-1]
    size = (MARGIN + len(films) * (width + GUTTER), TITLES + len(rows) * (height + GUTTER))
    sheet = Image.new("RGB", size, PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    for down, index in enumerate(rows):
        top = TITLES + down * (height + GUTTER)
        draw.text((MARGIN - 8, top + height / 2), str(index), fill=INK, font=font, anchor="rm")
        for across, film in enumerate(films.values()):
            sheet.paste(Image.fromarray(film[index]), (MARGIN + across * (width + GUTTER), top))
    draw.text((MARGIN - 8, TITLES / 2), "frame", fill=INK, font=font, anchor="rm")
    for across, name in enumerate(films):
        draw.text((MARGIN + across * (width + GUTTER), TITLES / 2), name, fill=INK, font=font, anchor="lm")
    sheet.save(path)
