"""A folder of pictures as a film: natural order, one size, 8 or 16 bits, grey or colour."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from tools.errors import BadInput
from tools.media._container import picture_kind
from tools.media._layouts import layout_of
from tools.media.pixels import Codes
from tools.types import ColourTags, Frame, MediaInfo

FOLDER_RATE = Fraction(24)
SRGB = ColourTags(primaries=1, transfer=13, matrix=0, range=2)


def natural_key(path: Path) -> list[tuple[int, int | str]]:
    """Sorts frame2 before frame10."""
    parts = re.split(r"(\d+)", path.name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]


def pictures_in(folder: Path) -> list[Path]:
    """The folder's pictures in natural order, told by content; a broken or empty one is refused."""
    files = sorted((p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")), key=natural_key)
    pictures = [p for p in files if picture_kind(p)]
    suffixes = {p.suffix.lower() for p in pictures}
    broken = [p for p in files if p.suffix.lower() in suffixes and p not in set(pictures)]
    if broken:
        raise BadInput(f"{broken[0]}: not a readable picture although its neighbours are; replace or remove it")
    return pictures


def probe_folder(folder: Path) -> MediaInfo:
    """MediaInfo of a folder of pictures.

    Raises BadInput when it holds none, or pictures of different sizes.
    """
    pictures = pictures_in(folder)
    if not pictures:
        raise BadInput(f"{folder}: a folder without pictures; give a video file or a folder of frames")
    _same_size(pictures)
    first = read_frame(pictures[0], 0)
    return MediaInfo(
        path=folder,
        kind="frames",
        width=first.width,
        height=first.height,
        fps=FOLDER_RATE,
        frames=len(pictures),
        container="frames",
        codec=(picture_kind(pictures[0]) or "").lower(),
        pixel_format=first.layout.name,
        bit_depth=first.layout.depth,
        colour=SRGB,
    )


def _same_size(pictures: list[Path]) -> None:
    sizes = ((p, _size(p)) for p in pictures)
    first, want = next(sizes)
    for path, size in sizes:
        if size != want:
            raise BadInput(
                f"{path}: {size[0]}x{size[1]} pixels, but {first.name} has {want[0]}x{want[1]}; "
                "all frames of a folder must have one size"
            )


def _size(path: Path) -> tuple[int, int]:
    try:
        with Image.open(path) as picture:
            return picture.size
    except UnidentifiedImageError:
        height, width = _pixels(path).shape[:2]
        return int(width), int(height)
    except OSError as why:
        raise BadInput(f"{path}: cannot be read as a picture; replace or remove it") from why


def folder_frames(folder: Path, first: int, last: int) -> Iterator[Frame]:
    """Frames `first` to `last` of a folder, indexed from 0; refuses one that differs in size from the first."""
    size = None
    for index, path in enumerate(pictures_in(folder)[first : last + 1]):
        frame = read_frame(path, index)
        size = size or frame.planes[0].shape
        if frame.planes[0].shape != size:
            raise BadInput(f"{path}: size differs from the other frames of the folder")
        yield frame


def read_frame(path: Path, index: int) -> Frame:
    """One picture as a Frame of R, G, B planes, or one grey plane; transparent pixels are refused."""
    pixels = _pixels(path)
    deep = pixels.dtype == np.uint16
    planes: tuple[Codes, ...]
    if pixels.ndim == 2:
        planes, name = (pixels,), "gray16le" if deep else "gray"
    else:
        _refuse_transparency(path, pixels)
        planes = tuple(pixels[..., n].copy() for n in (2, 1, 0))
        name = "rgb48le" if deep else "rgb24"
    layout = layout_of(name)
    assert layout is not None
    return Frame(index, planes, layout, SRGB)


def _pixels(path: Path) -> Codes:
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise BadInput(f"{path}: cannot be read as a picture; replace or remove it")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise BadInput(f"{path}: {pixels.dtype} samples are not supported; save it with 8 or 16 bits per channel")
    return pixels  # type: ignore[return-value]


def _refuse_transparency(path: Path, pixels: Codes) -> None:
    if pixels.shape[2] == 4 and (pixels[..., 3] != np.iinfo(pixels.dtype).max).any():
        raise BadInput(f"{path}: has transparent pixels, which are not carried; flatten the frames first")
