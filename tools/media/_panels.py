"""Panels found from a sheet's picture: figures on a plain backdrop, cells between gutters, cells that touch.

Two ways of cutting are tried on a region, and again on each piece:
- figures: where the region's rim is one smooth backdrop, what stands out of it, without captions and guide lines;
- lines: rows or columns of one colour that run through (gutters), or a step of colour that does (touching cells);
  a recursive X-Y cut after Nagy and Seth (1984), "Hierarchical representation of optically scanned documents".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media import _page
from tools.media._frames import gutters, unframed
from tools.types import Bits, Box, Rgb

Lab = NDArray[np.float32]
"""(height, width, 3) CIELAB, L from 0 to 100."""

WORK = 1280
"""Longest side, pixels, that panels are looked for at."""

# Limits measured on rabbit-fox/, elara/, audit-repair/ and pizza-collab/ and on sheets rendered from photographs.
STANDS_OUT = 6.0  # CIE76 from the backdrop: JPEG noise of plain paper stays under 3, white fur's outline is over 8
RIM_PLAIN = 0.58  # share of the rim that is backdrop: scenes reach 0.50, sheets start at 0.63
CELL_RIM_PLAIN = 0.97
EVEN = 1.5  # standard deviation in Lab of a backdrop beside itself
PAGE_PLAIN = 0.12  # share of the region that is backdrop
FRAME_FILL = 0.8  # share of a row that a framed picture fills; lettering fills half
THIN = 0.006  # share of the longest side: strokes of captions, arrows and guide lines
NEAR = 0.012  # share of the longest side: parts of one figure lie closer than this
SMALLEST = 0.10  # a panel's area against the median of the three largest
LEAST = 0.01  # and against the largest
SPECK = 1e-4  # share of the page under which nothing is looked at
SLENDER = 7.0  # a picture's longer side against its shorter one: past it lie bands and rules
LINE_OF_TEXT = 3.0  # width of a word against its height
LETTER_HIGH = 0.08  # height of the largest lettering, share of the longest side
LETTER_FILL = 0.6  # share of its box that lettering inks
CELL_SIDE = 0.1  # a cell's side against the sheet's shorter one
WIDE_GUTTER = 0.15  # share of a cell
LINE_SPREAD = 2.5  # standard deviation in Lab along a gutter
EDGE_SUPPORT = 0.5  # share of a gutter's sides that show a step
ROOMY = 0.3  # share of the sheet that a cell covers before figures are told apart in it
STEP = 4.0  # CIE76 across a seam
SEAM_SUPPORT = 0.7  # share of a seam's length that shows the step: single scenes stay under 0.5


def find(picture: Rgb) -> list[Box]:
    """Boxes of the panels in reading order; the whole picture where it shows one scene."""
    height, width = picture.shape[:2]
    lab = working(picture)
    across, down = width / lab.shape[1], height / lab.shape[0]
    return _reading_order([scaled(box, across, down, width, height) for box in found(lab)])


def grid_lines(picture: Rgb, rows: int, cols: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Where the rows + 1 and cols + 1 lines of a known grid start and stop: gutters and margins where visible."""
    height, width = picture.shape[:2]
    lab = working(picture)
    turned = np.ascontiguousarray(lab.transpose(1, 0, 2))
    down, across = _lines(turned, rows, height), _lines(lab, cols, width)
    return down, across


def _lines(lab: Lab, cells: int, length: int) -> list[tuple[int, int]]:
    scale = length / lab.shape[1]
    cell = lab.shape[1] / cells
    bands = _gutters(lab, least=max(2, round(WIDE_GUTTER * cell)))
    lines = []
    for index in range(cells + 1):
        at = index * cell
        near = [b for b in bands if abs((b.start + b.stop) / 2 - at) < WIDE_GUTTER * cell]
        start, stop = (near[0].start, near[0].stop) if near else (at, at)
        lines.append((round(start * scale), round(stop * scale)))
    return lines


def working(picture: Rgb) -> Lab:
    height, width = picture.shape[:2]
    scale = min(1.0, WORK / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32)


def found(lab: Lab) -> list[Box]:
    """Boxes of the panels in pixels of the working picture, in no order."""
    whole = Box(0, 0, lab.shape[1], lab.shape[0])
    figures = _figures(lab, RIM_PLAIN)
    if not figures:
        return _cells(lab, whole)
    blocks = [figure for figure in figures if figure.framed]
    if len(blocks) == 1 and len(figures) == 1:
        return _cells(lab, figures[0].box)
    boxes = [box for figure in figures for box in (_pictures(lab, figure.box) if figure.framed else [figure.box])]
    return _aligned(boxes, [figure.box for figure in figures if not figure.framed])


def _pictures(lab: Lab, block: Box) -> list[Box]:
    """What a framed block holds: a row of pictures that share a shadow or a mat, or one picture without its frame."""
    pieces = _cut_at_gutters(lab[block.slices], round(CELL_SIDE * min(block.w, block.h)))
    if len(pieces) > 1 and _alike(pieces):
        return [picture for piece in pieces for picture in _pictures(lab, moved(piece, block))]
    return [unframed(lab, block)]


def _cut_at_gutters(lab: Lab, least: int) -> list[Box]:
    """The pieces of a block between its gutters, which may end in a shadow."""
    height, width = lab.shape[:2]
    columns = _spans([_Band(a, b, 1.0) for a, b in gutters(_waist(lab))], width, least)
    if len(columns) > 1:
        return [Box(a, 0, b - a, height) for a, b in columns]
    turned = [_Band(a, b, 1.0) for a, b in gutters(_waist(lab.transpose(1, 0, 2)))]
    return [Box(0, a, width, b - a) for a, b in _spans(turned, height, least)]


def _waist(lab: Lab) -> Lab:
    """Without the outer tenth at top and bottom."""
    tenth = lab.shape[0] // 10
    return np.ascontiguousarray(lab[tenth : lab.shape[0] - tenth])


def _aligned(boxes: list[Box], free: list[Box]) -> list[Box]:
    """Boxes grown to their row's common height where one ends short: a sky that is white as the paper."""
    return [box if box in free else _to_row(box, [other for other in boxes if other not in free]) for box in boxes]


def _to_row(box: Box, row: list[Box]) -> Box:
    near = max(3, round(0.03 * box.w))
    peers = [
        other
        for other in row
        if other.h > box.h
        and abs(other.w - box.w) <= near
        and (abs(other.y - box.y) <= near or abs(other.y + other.h - box.y - box.h) <= near)
    ]
    if not peers:
        return box
    tall = min(peers, key=lambda other: abs(other.x - box.x))
    grown = Box(box.x, tall.y, box.w, tall.h)
    return box if any(grown.common(other) for other in row if other != box) else grown


# Figures on a backdrop


class _Figure(NamedTuple):
    box: Box
    framed: bool
    """Fills its box: a picture of its own, that may hold several cells."""
    round: bool = False


def _figures(lab: Lab, rim_plain: float) -> list[_Figure]:
    """What stands out of the region's plain backdrop, captions aside; empty where there is no such backdrop."""
    distance = _distance_from_backdrop(lab)
    plain = distance < STANDS_OUT
    if _rim(plain, _rim_width(lab)).mean() < rim_plain or plain.mean() < PAGE_PLAIN:
        return []
    pictures = _worth_a_panel(~plain, lab)
    return [] if _is_a_scene(pictures, lab.shape[1], lab.shape[0]) else pictures


def _is_a_scene(figures: list[_Figure], width: int, height: int) -> bool:
    """Whether most of what stands out is cut by the border: on a sheet, figures stand free."""
    cut = [
        f
        for f in figures
        if not f.framed and Box(1, 1, width - 2, height - 2).union(f.box).area > (width - 2) * (height - 2)
    ]
    return 2 * len(cut) > len(figures)


def _distance_from_backdrop(lab: Lab) -> NDArray[np.float32]:
    """CIE76 of each pixel from the backdrop: a smooth surface, or a banded one that runs between opposite sides."""
    turned = lab.transpose(1, 0, 2)
    banded = np.minimum(_distance_from_bands(lab), _distance_from_bands(turned).T)
    return np.asarray(np.minimum(_distance_from_surface(lab), banded), dtype=np.float32)


def _distance_from_surface(lab: Lab) -> NDArray[np.float32]:
    """From a quadratic colour surface fitted to the rim, robustly (iterated least squares, Cauchy weights)."""
    height, width = lab.shape[:2]
    ys, xs = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    terms = np.stack([np.ones_like(xs), xs, ys, xs * ys, xs * xs, ys * ys], axis=-1)
    rim = _rim_width(lab)
    at, colours = _rim(terms, rim), _rim(lab, rim)
    weight = _cauchy(np.linalg.norm(colours - np.median(colours, axis=0), axis=1), 20)
    for scale in (12, 8, 5, 4, 3, 3):
        surface = np.linalg.lstsq(at * weight[:, None], colours * weight[:, None], rcond=None)[0]
        weight = _cauchy(np.linalg.norm(colours - at @ surface, axis=1), scale)
    return np.asarray(np.linalg.norm(lab - terms @ surface.astype(np.float32), axis=2), dtype=np.float32)


def _cauchy(residual: NDArray[np.floating], scale: float) -> NDArray[np.floating]:
    return 1 / (1 + (residual / scale) ** 2)


def _distance_from_bands(lab: Lab) -> NDArray[np.float32]:
    """From the line between the colours at a row's two ends; infinite on rows whose ends differ or are textured."""
    width, rim = lab.shape[1], _rim_width(lab)
    left, right = np.median(lab[:, :rim], axis=1), np.median(lab[:, -rim:], axis=1)
    along = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    distance = np.linalg.norm(lab - (left[:, None] * (1 - along) + right[:, None] * along), axis=2)
    rough = np.maximum(_roughness(lab[:, :rim]), _roughness(lab[:, -rim:]))
    usable = (np.linalg.norm(left - right, axis=1) < 2 * STANDS_OUT) & (rough < EVEN)
    return np.where(usable[:, None], distance, np.inf).astype(np.float32)


def _roughness(strip: Lab) -> NDArray[np.float32]:
    """Per row, the largest spread over the strip and its neighbouring rows, in Lab."""
    mean = cv2.blur(strip, (1, 9)).mean(axis=1)
    square = cv2.blur(strip * strip, (1, 9)).mean(axis=1)
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0)).max(axis=1), dtype=np.float32)


def _rim_width(lab: Lab) -> int:
    return max(2, round(0.01 * max(int(side) for side in lab.shape[:2])))


def _rim(values: NDArray[Any], rim: int) -> NDArray[Any]:
    """The samples within `rim` pixels of the border, one row each."""
    inside = np.ones(values.shape[:2], dtype=np.bool_)
    inside[rim:-rim, rim:-rim] = False
    return values[inside]


def bodies(out: Bits) -> Bits:
    """What stands out, filled, without what is thin: strokes, arrows, guide lines."""
    size = max(out.shape)
    thin = max(3, round(THIN * size)) | 1
    strokeless = _without_guides(out.astype(np.uint8), long=round(0.05 * size), thin=thin)
    mask = cv2.morphologyEx(strokeless, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros_like(mask), edges, -1, 1, cv2.FILLED)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (thin, thin))
    return np.asarray(cv2.morphologyEx(filled, cv2.MORPH_OPEN, disc), dtype=np.bool_)


def _without_guides(mask: NDArray[np.uint8], long: int, thin: int) -> NDArray[np.uint8]:
    """The mask without long straight lines thinner than `thin`."""
    for run, across in (((long, 1), (1, thin)), ((1, long), (thin, 1))):
        lines = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones(run[::-1], np.uint8))
        thick = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones(across[::-1], np.uint8))
        mask = np.where((lines > 0) & (thick == 0), 0, mask).astype(np.uint8)
    return mask


def _worth_a_panel(out: Bits, lab: Lab) -> list[_Figure]:
    """The bodies that are pictures, each with the small parts that lie near it; no captions, no swatches."""
    parts = bodies(out)
    speck = SPECK * out.size
    drawn = [f for f in _separate(parts) if f.box.area > speck and _is_picture(f, lab, out)]
    largest = sorted((f.box.area for f in drawn), reverse=True)[:3]
    limit = max(SMALLEST * float(np.median(largest)), LEAST * largest[0]) if largest else 0.0
    mains = _outermost([f for f in drawn if f.box.area >= limit])
    small = parts.copy()
    for figure in mains:
        small[figure.box.slices] = False
    small = _without_words(small)
    return [_with_parts(f, small) for f in mains]


def _outermost(figures: list[_Figure]) -> list[_Figure]:
    """Without figures that lie mostly inside the box of a larger one."""
    kept: list[_Figure] = []
    for figure in sorted(figures, key=lambda f: -f.box.area):
        if not any(_overlap(figure.box, other.box) > 0.7 * figure.box.area for other in kept):
            kept.append(figure)
    return kept


def _overlap(a: Box, b: Box) -> int:
    w = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    h = min(a.y + a.h, b.y + b.h) - max(a.y, b.y)
    return max(0, w) * max(0, h)


def separate(bodies: Bits) -> list[Box]:
    """The boxes of all connected bodies."""
    return [figure.box for figure in _separate(bodies)]


def _separate(bodies: Bits) -> list[_Figure]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bodies.astype(np.uint8))
    boxes = [Box(*(int(v) for v in stats[label][:4])) for label in range(count)]
    return [_figure(labels[box.slices] == label, box) for label, box in enumerate(boxes) if label]


def _figure(inside: Bits, box: Box) -> _Figure:
    """The body's box; a framed picture is trimmed of the lettering that touches its frame."""
    rows = _longest_run(inside.mean(axis=1) > FRAME_FILL)
    columns = _longest_run(inside[slice(*rows)].mean(axis=0) > FRAME_FILL) if rows[1] else (0, 0)
    frame = inside[slice(*rows), slice(*columns)]
    if frame.size > 0.6 * inside.size and frame.mean() > 0.95:
        return _Figure(Box(box.x + columns[0], box.y + rows[0], frame.shape[1], frame.shape[0]), framed=True)
    return _Figure(box, framed=False, round=_page.is_disc(inside))


def _longest_run(flags: Bits) -> tuple[int, int]:
    flips = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    runs = list(zip(flips[::2].tolist(), flips[1::2].tolist(), strict=True))
    return max(runs, key=lambda run: run[1] - run[0], default=(0, 0))


def _with_parts(figure: _Figure, small: Bits) -> _Figure:
    """The figure's box grown over detached parts (a drop, a tuft) within reach; lettering lies in rows of many."""
    if figure.framed:
        return figure
    height, width = small.shape
    reach = figure.box.grown(max(3, round(NEAR * max(small.shape))), width, height)
    parts = Box.around(small[reach.slices])
    return figure if parts is None else _Figure(figure.box.union(moved(parts, reach)), framed=False)


def _without_words(bodies: Bits) -> Bits:
    """The bodies that stand alone: without those that have one of their height beside them, as letters do."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bodies.astype(np.uint8))
    boxes = [Box(*(int(v) for v in row[:4])) for row in stats]
    alone = [not any(_side_by_side(box, other) for other in boxes[1:]) for box in boxes[1:]]
    return np.isin(labels, np.flatnonzero(np.array([False, *alone])))


def _side_by_side(box: Box, other: Box) -> bool:
    gap = max(other.x - box.x - box.w, box.x - other.x - other.w)
    level = min(box.y + box.h, other.y + other.h) - max(box.y, other.y)
    return 0 <= gap <= max(box.h, other.h) and level >= 0.6 * max(box.h, other.h)


def _is_picture(figure: _Figure, lab: Lab, out: Bits) -> bool:
    """False for colour chips, bands and lettering."""
    box, part, thin = figure.box, lab[figure.box.slices], max(3, round(THIN * max(lab.shape[:2])))
    if max(box.w, box.h) > SLENDER * min(box.w, box.h) or _page.is_flat(part):
        return False
    if figure.round:
        return not _page.is_lettered(_page.middle(part), thin)
    if not figure.framed:
        return not _is_word(box, out)
    return not _page.is_lettered(part, thin) and not _page.is_strip(part, thin)


def _is_word(box: Box, out: Bits) -> bool:
    """Whether a body is large lettering: low, open, and wide or with more of its kind beside it."""
    if box.h > LETTER_HIGH * max(out.shape) or out[box.slices].mean() > LETTER_FILL:
        return False
    if box.w > LINE_OF_TEXT * box.h:
        return True
    line = np.atleast_1d(out[box.y : box.y + box.h].any(axis=0))
    sides = line[max(0, box.x - box.h) : max(0, box.x - 1)], line[box.x + box.w + 1 : box.x + box.w + box.h]
    return any(side.any() for side in sides)


# Cells between lines


def _cells(lab: Lab, region: Box) -> list[Box]:
    """The region cut along gutters and seams until nothing runs through; figures are told apart in plain cells."""
    least = round(CELL_SIDE * min(lab.shape[:2]))
    pieces = _cut(lab[region.slices], least)
    if len(pieces) < 2:
        return [region]
    cells = [_cell(lab, moved(piece, region)) for piece in pieces]
    if 2 * sum(len(leaves) == 1 for leaves in cells) > len(cells) and _alike(pieces):
        return [moved(piece, region) for piece in pieces]
    return [leaf for leaves in cells for leaf in leaves]


def _alike(pieces: list[Box]) -> bool:
    """Pieces of one size: cells of a row, where a line through one of them alone is part of its picture."""
    areas = [piece.area for piece in pieces]
    return max(areas) < 1.2 * min(areas)


def _cell(lab: Lab, region: Box) -> list[Box]:
    cells = _cells(lab, region)
    if len(cells) > 1:
        return cells
    roomy = region.area > ROOMY * lab.shape[0] * lab.shape[1]
    figures = _figures(lab[region.slices], CELL_RIM_PLAIN) if roomy else []
    return [moved(f.box, region) for f in figures] if len(figures) > 1 else [region]


class _Band(NamedTuple):
    """Columns `start` to `stop` (exclusive) that part two cells; none between them for cells that touch."""

    start: int
    stop: int
    support: float


def _cut(lab: Lab, least: int) -> list[Box]:
    """The pieces between the lines that run through the region, along the better supported direction."""
    height, width = lab.shape[:2]
    turned = np.ascontiguousarray(lab.transpose(1, 0, 2))
    for bands_of in (_gutters, _seams):
        across, down = bands_of(lab, least), bands_of(turned, least)
        columns, rows = _spans(across, width, least), _spans(down, height, least)
        if len(columns) > 1 and (len(rows) < 2 or _support(across) >= _support(down)):
            return [Box(a, 0, b - a, height) for a, b in columns]
        if len(rows) > 1:
            return [Box(0, a, width, b - a) for a, b in rows]
    return []


def _support(bands: list[_Band]) -> float:
    return max((band.support for band in bands), default=0.0)


def _spans(bands: list[_Band], length: int, least: int) -> list[tuple[int, int]]:
    """What lies between the bands, without slivers: margins and caption strips."""
    starts = [0, *(band.stop for band in bands)]
    stops = [*(band.start for band in bands), length]
    return [(a, b) for a, b in zip(starts, stops, strict=True) if b - a >= least]


def _gutters(lab: Lab, least: int) -> list[_Band]:
    """Runs of columns of one colour with a step of colour along both sides; `least` is for touching cells."""
    off = np.linalg.norm(lab - np.median(lab, axis=0), axis=2)
    even = (np.percentile(off, 98, axis=0) < STANDS_OUT) & (off.mean(axis=0) < LINE_SPREAD)
    flips = np.flatnonzero(np.diff(np.r_[False, even, False].astype(np.int8)))
    runs = zip(flips[::2].tolist(), flips[1::2].tolist(), strict=True)
    bands = [_Band(a, b, min(_edge(lab, a - 1, a), _edge(lab, b - 1, b))) for a, b in runs if b - a < least]
    return [band for band in bands if band.support > EDGE_SUPPORT]


def _edge(lab: Lab, before: int, after: int) -> float:
    """Share of the length along which the columns beside a line differ; 1 at the region's border."""
    if before < 1 or after > lab.shape[1] - 2:
        return 1.0
    return float((np.linalg.norm(lab[:, before - 1] - lab[:, after + 1], axis=1) > STEP).mean())


def _seams(lab: Lab, least: int) -> list[_Band]:
    """Columns, `least` apart, where the colour steps for most of their length, and nowhere near beside them."""
    support = _step_support(lab)
    bands: list[_Band] = []
    for at in np.argsort(-support, kind="stable").tolist():
        if support[at] < SEAM_SUPPORT:
            break
        if least <= at <= lab.shape[1] - least and all(abs(at - band.start) >= least for band in bands):
            bands.append(_Band(at, at, float(support[at])))
    return sorted(bands)


def _step_support(lab: Lab) -> NDArray[np.float64]:
    """Per column, the share of its length where two pixels left and two right differ, and more than beside it."""
    width, reach = lab.shape[1], 6
    padded = np.pad(lab, ((0, 0), (2, 2), (0, 0)), mode="edge")
    pair = (padded[:, 1:] + padded[:, :-1]) / 2
    step = np.linalg.norm(pair[:, 2 : width + 2] - pair[:, :width], axis=2)
    beside = np.maximum(np.roll(step, reach, axis=1), np.roll(step, -reach, axis=1))
    return np.asarray(((step > STEP) & (step > 1.5 * beside)).mean(axis=0), dtype=np.float64)


def moved(box: Box, region: Box) -> Box:
    return Box(box.x + region.x, box.y + region.y, box.w, box.h)


def scaled(box: Box, sx: float, sy: float, width: int, height: int) -> Box:
    """A box of the working picture in the sheet's own pixels."""
    x, y = round(box.x * sx), round(box.y * sy)
    return Box(x, y, min(width, round((box.x + box.w) * sx)) - x, min(height, round((box.y + box.h) * sy)) - y)


def _reading_order(boxes: list[Box]) -> list[Box]:
    """Rows from the top, each from the left; boxes share a row when one's middle lies within the row's first."""
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda b: (b.y, b.x)):
        row = next((r for r in rows if r[0].y <= box.y + box.h / 2 < r[0].y + r[0].h), None)
        if row is None:
            rows.append([box])
        else:
            row.append(box)
    return [box for row in rows for box in sorted(row)]
