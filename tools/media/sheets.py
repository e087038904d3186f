"""Pictures of sheets: read, written, and cut into panels.

A panel is one picture of a character or prop on its sheet. With a known grid the sheet is cut by arithmetic
(`cut_grid`); without one the panels are found from the picture (`find_panels`).
"""

from __future__ import annotations

import errno
import os
import tempfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from tools.errors import BadInput, MachineFailed
from tools.media import _panels
from tools.types import Box, Rgb


def read_picture(path: Path) -> Rgb:
    """A picture file as (height, width, 3) uint8 RGB, whatever its name says it is.

    Orientation tags are applied, 16-bit grey is scaled to 8, and transparent pixels lie over white.
    Raises BadInput where the file is missing, empty, cut short or not a picture.
    """
    try:
        with Image.open(path) as opened:
            opened.load()
            picture = ImageOps.exif_transpose(opened)
    except UnidentifiedImageError as error:
        raise BadInput(f"{path}: not a picture; give a PNG, JPEG, WebP or TIFF") from error
    except OSError as error:
        why = error.strerror or str(error)
        raise BadInput(f"{path}: cannot be read ({why}); give a complete picture") from error
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(f"{path}: broken picture ({error}); give a complete one") from error
    return _flat(picture)


def _flat(picture: Image.Image) -> Rgb:
    """8-bit RGB samples; transparency over white."""
    if picture.mode.startswith("I"):
        return np.repeat((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
    if picture.has_transparency_data:
        paper = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(paper, picture.convert("RGBA"))
    return np.array(picture.convert("RGB"), dtype=np.uint8)


def write_picture(path: Path, picture: Rgb) -> None:
    """Writes (height, width, 3) RGB or (height, width) grey samples as PNG; the file appears whole or not at all.

    Raises BadInput where the folder cannot be written to, MachineFailed when the disk is full.
    """
    samples = picture if picture.ndim == 2 else picture[:, :, ::-1]
    _, data = cv2.imencode(".png", np.ascontiguousarray(samples))
    try:
        _write_whole(path, data.tobytes())
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MachineFailed(f"{path}: the disk is full; free some space and resume") from error
        raise BadInput(f"{path}: cannot be written ({error.strerror}); choose another place") from error


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def cut_grid(width: int, height: int, rows: int, cols: int, picture: Rgb | None = None) -> list[Box]:
    """The cells of a regular grid in reading order.

    Without the picture, cells differ by at most one pixel and cover the sheet; with it, visible gutters and margins
    are left out. Raises BadInput for a grid that does not fit.
    """
    if rows < 1 or cols < 1 or cols > width or rows > height:
        raise BadInput(f"grid [{rows}, {cols}] does not fit a picture of {width}×{height}; give [rows, columns]")
    if picture is None:
        down, across = _even(height, rows), _even(width, cols)
    else:
        down, across = _panels.grid_lines(picture, rows, cols)
    return [
        Box(left, top, right - left, bottom - top)
        for (_, top), (bottom, _) in pairwise(down)
        for (_, left), (right, _) in pairwise(across)
    ]


def _even(length: int, cells: int) -> list[tuple[int, int]]:
    """The cells + 1 lines of an even division, none of them with a width."""
    return [(at, at) for at in (round(length * i / cells) for i in range(cells + 1))]


def find_panels(picture: Rgb) -> list[Box]:
    """The panels of a sheet, found from the picture, in reading order; one box of it all for a single scene.

    Cuts figures from a plain (even or graded) backdrop, framed cells from their page, cells at gutters, and cells
    that touch at steps of colour; leaves out titles, captions, guide lines and colour swatches.
    """
    return _panels.find(picture)
