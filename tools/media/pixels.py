"""Between a source's planes and pictures: 8-bit views, full-resolution codes, and the composite that keeps the outside.

Matrices and ranges follow ITU-R BT.601, BT.709 and BT.2020: with E' in 0 to 1, limited-range codes are
`(219 Y' + 16) 2^(n-8)` and `(224 C + 128) 2^(n-8)`, full-range codes `(2^n - 1) Y'` and `(2^n - 1) C + 2^(n-1)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.types import Bits, Box, Frame, Gray, PixelLayout, Rgb

Codes: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Plane = TypeVar("Plane", NDArray[np.uint8], NDArray[np.uint8] | NDArray[np.uint16])

LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
"""Red and blue weight of luma by matrix code point (ISO/IEC 23091-2)."""
SD_HEIGHT = 576
"""Untagged pictures up to this height are BT.601, larger ones BT.709, as players take them."""


def weights(frame: Frame) -> tuple[float, float]:
    """Red and blue luma weight of a frame, by its tag or, untagged, by its height."""
    return LUMA_WEIGHTS[_matrix(frame)]


def is_full_range(frame: Frame) -> bool:
    """RGB and grey are full range unless tagged otherwise; YUV is limited unless tagged full."""
    return frame.colour.range == 2 or (frame.layout.family != "yuv" and frame.colour.range != 1)


def luma8(frame: Frame) -> Gray:
    """(H, W) uint8 luma stretched to the full range 0-255; computed from R, G, B where the source is RGB."""
    if frame.layout.family == "rgb":
        return np.asarray(cv2.cvtColor(rgb8(frame), cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    low, span = _luma_scale(frame)
    return _stretched(frame.planes[0], low, span)


def rgb8(frame: Frame) -> Rgb:
    """(H, W, 3) uint8 full-range R'G'B', by the frame's own matrix and range."""
    if frame.layout.family != "yuv":
        low, span = _luma_scale(frame)
        planes = [_stretched(plane, low, span) for plane in frame.planes]
        return stacked(planes if len(planes) == 3 else planes * 3)
    rgb = cv2.transform(to_444(frame).astype(np.float32), _yuv_to_rgb(frame))
    picture: Rgb = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return picture


def rgb8_to_444(picture: Rgb, like: Frame) -> Codes:
    """An (H, W, 3) 8-bit RGB picture in the code values of a frame like `like`, at full chroma resolution."""
    if like.layout.family == "gray":
        picture = np.dstack([cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)] * 3)
    return _from_rgb(picture.astype(np.float32), like)


def _from_rgb(picture: NDArray[np.float32], like: Frame) -> Codes:
    """Code values of `like` for (H, W, 3) R, G, B in 0-255."""
    if like.layout.family == "yuv":
        forward = np.linalg.inv(np.vstack([_yuv_to_rgb(like), [0, 0, 0, 1]]).astype(np.float64))[:3]
        codes = cv2.transform(picture, forward.astype(np.float32))
    else:
        low, span = _luma_scale(like)
        codes = picture * (span / 255) + low
    whole = np.clip(np.rint(codes), 0, _top(like.layout))
    return whole.astype(np.uint8) if like.layout.depth <= 8 else whole.astype(np.uint16)


def to_444(frame: Frame) -> Codes:
    """(H, W, 3) code values in the source's bit depth, chroma repeated up to full size; grey is repeated thrice.

    `from_444` undoes it exactly.
    """
    height, width = frame.height, frame.width
    if len(frame.planes) == 1:
        return stacked([frame.planes[0]] * 3)
    step_y, step_x = 1 << frame.layout.chroma_y, 1 << frame.layout.chroma_x
    chroma = [p.repeat(step_y, axis=0).repeat(step_x, axis=1)[:height, :width] for p in frame.planes[1:]]
    return stacked([frame.planes[0], *chroma])


def from_444(array: Codes, like: Frame) -> Frame:
    """A frame in `like`'s own format from (H, W, 3) code values; chroma is averaged over the luma samples it covers."""
    if like.layout.family == "gray":
        planes = [np.rint(array.mean(axis=2)).astype(like.planes[0].dtype)]
    else:
        chroma = [_averaged(array[..., n], like.layout) for n in (1, 2)]
        planes = [np.ascontiguousarray(array[..., 0]), *chroma]
    return Frame(like.index, tuple(planes), like.layout, like.colour, like.pts, like.time_base)


def support_planes(mask: Bits, layout: PixelLayout) -> tuple[Bits, ...]:
    """The mask of each plane: a chroma sample belongs to it when any of the luma samples it covers does."""
    if layout.family == "gray":
        return (mask,)
    if not layout.chroma_x and not layout.chroma_y:
        return (mask, mask, mask)
    chroma: Bits = np.logical_or.reduce(_covered(mask, layout))
    return (mask, chroma, chroma)


def composite(source: Frame, edited: Frame, mask: Bits) -> Frame:
    """`edited` inside the mask's support, `source` bit for bit outside it; time stamps are the source's."""
    around = Box.around(mask)
    if around is None:
        return source
    box = whole_samples(around, source)
    old, new = part_of(source, box), part_of(edited, box)
    supports = support_planes(mask[box.slices], source.layout)
    planes = (np.where(inside, b, a) for inside, a, b in zip(supports, old.planes, new.planes, strict=True))
    return with_part(source, replace(old, planes=tuple(planes)), box)


def whole_samples(box: Box, frame: Frame) -> Box:
    """The smallest box of whole chroma samples around one; at the frame's edge it ends there."""
    step_x, step_y = 1 << frame.layout.chroma_x, 1 << frame.layout.chroma_y
    x, y = box.x // step_x * step_x, box.y // step_y * step_y
    right = min(frame.width, -(-(box.x + box.w) // step_x) * step_x)
    bottom = min(frame.height, -(-(box.y + box.h) // step_y) * step_y)
    return Box(x, y, right - x, bottom - y)


def part_of(frame: Frame, box: Box) -> Frame:
    """A view of a rectangle of a frame that is one of `whole_samples`; tagged so that its colours stay the frame's."""
    planes = tuple(plane[_place(box, frame.layout, n)] for n, plane in enumerate(frame.planes))
    colour = frame.colour.model_copy(update={"matrix": _matrix(frame)})
    return replace(frame, planes=planes, colour=colour)


def with_part(frame: Frame, part: Frame, box: Box) -> Frame:
    """The frame with a rectangle of `whole_samples` taken from `part`."""
    planes = tuple(plane.copy() for plane in frame.planes)
    for n, plane in enumerate(planes):
        plane[_place(box, frame.layout, n)] = part.planes[n]
    return replace(frame, planes=planes)


def _place(box: Box, layout: PixelLayout, plane: int) -> tuple[slice, slice]:
    """Where a box of whole samples lies in a plane."""
    if plane == 0 or layout.family != "yuv":
        return box.slices
    x, y = layout.chroma_x, layout.chroma_y
    right, bottom = box.x + box.w, box.y + box.h
    return slice(box.y >> y, -(-bottom >> y)), slice(box.x >> x, -(-right >> x))


def _matrix(frame: Frame) -> int:
    """The frame's matrix, by its tag or, untagged, by its height."""
    return frame.colour.matrix if frame.colour.matrix in LUMA_WEIGHTS else 6 if frame.height <= SD_HEIGHT else 1


def converted(frame: Frame, layout: PixelLayout) -> Frame:
    """The frame in another layout: bits added or rounded off, chroma repeated or averaged, R, G, B through BT.709.

    Luma of YUV keeps its code values, shifted; adding bits or chroma samples loses nothing.
    """
    if layout.family != frame.layout.family:
        frame = _changed_family(frame, layout)
    chroma_shape = (layout.chroma_x, layout.chroma_y)
    if layout.family == "yuv" and chroma_shape != (frame.layout.chroma_x, frame.layout.chroma_y):
        shape = frame.layout.model_copy(update={"chroma_x": layout.chroma_x, "chroma_y": layout.chroma_y})
        frame = from_444(to_444(frame), replace(frame, layout=shape))
    planes = tuple(_redepthed(plane, frame, layout.depth) for plane in frame.planes)
    return replace(frame, planes=planes, layout=layout)


def _changed_family(frame: Frame, layout: PixelLayout) -> Frame:
    """Full-chroma planes of `layout`'s family at the frame's depth."""
    shape = frame.layout.model_copy(update={"family": layout.family, "chroma_x": 0, "chroma_y": 0})
    if layout.family == "gray":
        raise ValueError(f"{frame.layout.name} cannot be written as grey without losing its colour")
    if frame.layout.family == "gray":
        middle = np.full_like(frame.planes[0], 1 << (frame.layout.depth - 1))
        return replace(frame, planes=(frame.planes[0], middle, middle), layout=shape)
    if layout.family == "rgb":
        raise ValueError(f"{frame.layout.name} cannot be written as RGB without losing precision")
    tags = frame.colour.model_copy(update={"matrix": 1, "range": 1})
    coded = replace(frame, layout=shape, colour=tags)
    red_green_blue = np.dstack(frame.planes).astype(np.float32) * (255 / _top(frame.layout))
    codes = _from_rgb(red_green_blue, coded)
    return replace(coded, planes=tuple(codes[..., n].copy() for n in range(3)))


def _redepthed(plane: Codes, frame: Frame, depth: int) -> Codes:
    """Code values at `depth` bits: shifted for limited range, stretched for full range (ITU-R BT.2100, table 9)."""
    have = frame.layout.depth
    if depth == have:
        return plane
    kind = np.uint8 if depth <= 8 else np.uint16
    full = is_full_range(frame)
    scale = ((1 << depth) - 1) / ((1 << have) - 1) if full else float(2 ** (depth - have))
    codes: Codes = np.clip(np.rint(plane * scale), 0, (1 << depth) - 1).astype(kind)
    return codes


def shrunk(frame: Frame, longest: int, *, luma_only: bool = False) -> Frame:
    """The frame at 4:4:4 with its longer side at most `longest` pixels, area-averaged; a grey frame for luma only.

    RGB keeps its three planes in both cases, since its luma needs them.
    """
    width, height = small_size(frame.width, frame.height, longest)
    keep = frame.planes[:1] if luma_only and frame.layout.family == "yuv" else frame.planes
    planes = tuple(_resized(plane, width, height) for plane in keep)
    layout = frame.layout.model_copy(update={"chroma_x": 0, "chroma_y": 0})
    return Frame(
        frame.index,
        planes,
        layout,
        frame.colour.model_copy(update={"matrix": _matrix(frame)}),
        frame.pts,
        frame.time_base,
    )


def small_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Width and height with the longer side at most `longest`."""
    share = min(1.0, longest / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))


def _resized(plane: Codes, width: int, height: int) -> Codes:
    if plane.shape == (height, width):
        return plane
    way = cv2.INTER_AREA if plane.shape[1] >= width else cv2.INTER_NEAREST
    return cv2.resize(plane, (width, height), interpolation=way)  # type: ignore[return-value]


def stacked(planes: Sequence[Plane]) -> Plane:
    """(H, W, 3) from three planes."""
    full = np.empty((*planes[0].shape, len(planes)), dtype=planes[0].dtype)
    for n, plane in enumerate(planes):
        full[..., n] = plane
    return full


def _top(layout: PixelLayout) -> int:
    return (1 << layout.depth) - 1


def _luma_scale(frame: Frame) -> tuple[float, float]:
    """Code of black, and codes from black to white."""
    unit = float(1 << (frame.layout.depth - 8))
    return (0.0, float(_top(frame.layout))) if is_full_range(frame) else (16 * unit, 219 * unit)


def _stretched(plane: Codes, low: float, span: float) -> Gray:
    if plane.dtype == np.uint8 and (low, span) == (0.0, 255.0):
        return plane.astype(np.uint8)
    levels = np.arange(1 << (8 * plane.itemsize), dtype=np.float32)
    table = np.clip(np.rint((levels - low) * (255 / span)), 0, 255).astype(np.uint8)
    stretched: Gray = cv2.LUT(plane, table) if plane.dtype == np.uint8 else table[plane]  # type: ignore[assignment]
    return stretched


def _yuv_to_rgb(frame: Frame) -> NDArray[np.float32]:
    """(3, 4) affine matrix from code values to R, G, B in 0-255."""
    red, blue = weights(frame)
    green = 1 - red - blue
    low, span = _luma_scale(frame)
    middle = float(1 << (frame.layout.depth - 1))
    chroma_span = span if is_full_range(frame) else span * 224 / 219
    luma, chroma = 255 / span, 255 / chroma_span
    from_cb, from_cr = 2 * (1 - blue) * chroma, 2 * (1 - red) * chroma
    linear = np.array(
        [
            [luma, 0, from_cr],
            [luma, -from_cb * blue / green, -from_cr * red / green],
            [luma, from_cb, 0],
        ]
    )
    offset = -linear @ np.array([low, middle, middle])
    return np.column_stack([linear, offset]).astype(np.float32)


def _covered(plane: NDArray[Any], layout: PixelLayout) -> list[NDArray[Any]]:
    """The luma samples that each chroma sample covers, as planes of its size; the last row and column repeat."""
    step_y, step_x = 1 << layout.chroma_y, 1 << layout.chroma_x
    rows, columns = -plane.shape[0] % step_y, -plane.shape[1] % step_x
    whole = np.pad(plane, ((0, rows), (0, columns)), "edge") if rows or columns else plane
    return [whole[y::step_y, x::step_x] for y in range(step_y) for x in range(step_x)]


def _averaged(plane: Codes, layout: PixelLayout) -> Codes:
    if not layout.chroma_x and not layout.chroma_y:
        return plane.copy()
    parts = _covered(plane, layout)
    total: NDArray[Any] = parts[0].astype(np.uint32)
    for part in parts[1:]:
        total += part
    return np.asarray((total + len(parts) // 2) // len(parts), plane.dtype)  # type: ignore[return-value]
