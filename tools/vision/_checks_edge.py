"""What happens across a mask's edge: steps in luma (a seam) and shifts of colour, against curves beside the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from tools.vision._checks_window import Floats, Window, cell_means, grid_cells

SEAM_CELL = 14
"""Side in pixels of the squares that cut an edge into arcs: long enough to average grain, short against a corner."""
CURVES = (-11, -7, 6, 9, 13, 18)
"""Offsets in pixels of the curves a seam is compared with."""
REACH = 2
"""Steps up to this far on either side of a curve belong to it: what a feather and an encoder spread."""
LEAST_PIXELS = 4
FLOOR = 0.7
"""Levels: a mean step under this is not seen, so ratios are taken above it."""
COLOUR_CELL = 24
COLOUR_RINGS = ((-11.0, -6.5), (-6.0, -1.5), (1.5, 6.0), (6.5, 11.0), (11.5, 16.0))
"""Rings of signed distance; the edge lies between the second and the third."""
EDGE_PAIR, OTHER_PAIRS = (1, 2), ((0, 1), (2, 3), (3, 4))
FLAT_SHARE = 0.3
"""The quantile of arcs compared: an even shift shows along the whole edge, a thing that crosses it only somewhere."""


@dataclass
class EdgeRecord:
    """What was seen along the edge, frame by frame."""

    seam: list[Floats] = field(default_factory=list)
    curves: list[list[Floats]] = field(default_factory=list)
    colour: list[Floats] = field(default_factory=list)
    colour_beside: list[Floats] = field(default_factory=list)

    def add(self, window: Window) -> None:
        steps = arc_steps(window)
        changed = changed_arcs(window)
        self.seam.append(steps[0][np.isfinite(steps[0]) & changed])
        self.curves.append([beside[np.isfinite(beside)] for beside in steps[1:]])
        at_edge, beside_edge = colour_shifts(window)
        self.colour.append(at_edge)
        self.colour_beside.append(beside_edge)


def arc_steps(window: Window) -> list[Floats]:
    """Largest mean luma step across the edge and across each curve beside it, per arc; NaN where there is no arc."""
    reach = max(abs(c) for c in CURVES) + REACH + 1
    profile = arc_profiles(window, window.luma[1].astype(np.float32), reach)
    steps = np.abs(np.diff(profile, axis=1))
    return [_largest(steps[:, reach - 1 + c - REACH + 1 : reach - 1 + c + REACH]) for c in (0, *CURVES)]


def _largest(steps: Floats) -> Floats:
    known = np.isfinite(steps).all(axis=1)
    return np.where(known, np.where(np.isfinite(steps), steps, 0).max(axis=1), np.nan).astype(np.float32)


def arc_profiles(window: Window, values: Floats, reach: int) -> Floats:
    """Mean of `values` per arc and per pixel of signed distance (arcs, 2·reach); NaN where too few pixels tell."""
    cells, count = grid_cells(window.inside.shape, SEAM_CELL)
    near = np.abs(window.distance) < reach
    bins = np.floor(window.distance[near]).astype(np.intp) + reach
    means, number = cell_means(values[near], cells[near] * 2 * reach + bins, count * 2 * reach)
    return np.where(number >= LEAST_PIXELS, means, np.nan).reshape(count, 2 * reach).astype(np.float32)


def changed_arcs(window: Window) -> NDArray[np.bool_]:
    """Arcs whose pixels just inside the edge were changed: elsewhere an edge is the picture's own."""
    before, after = (picture.astype(np.float32) for picture in window.luma)
    change = arc_profiles(window, np.abs(after - before), 5)
    inner, outer = _mean_known(change[:, 1:5]), _mean_known(change[:, 6:])
    return np.asarray(inner > 0.75 + 1.5 * outer, np.bool_)


def colour_shifts(window: Window) -> tuple[Floats, Floats]:
    """Lab pairs (n, 2, 3) of neighbouring rings per arc: across the edge, and between rings beside it."""
    means = [ring_means(window, ring) for ring in COLOUR_RINGS]
    edge = _paired(means[EDGE_PAIR[0]], means[EDGE_PAIR[1]])
    return edge, np.concatenate([_paired(means[a], means[b]) for a, b in OTHER_PAIRS])


def _paired(inner: Floats, outer: Floats) -> Floats:
    both = np.isfinite(inner[:, 0]) & np.isfinite(outer[:, 0])
    return np.stack([inner[both], outer[both]], axis=1)


def ring_means(window: Window, ring: tuple[float, float]) -> Floats:
    """Mean Lab (arcs, 3) of a ring's pixels per cell, NaN where a cell has too few."""
    cells, count = grid_cells(window.inside.shape, COLOUR_CELL)
    within = (window.distance >= ring[0]) & (window.distance <= ring[1])
    which = cells[within]
    parts = [cell_means(window.lab[..., n][within], which, count) for n in range(3)]
    means = np.stack([part[0] for part in parts], axis=1)
    return np.where(parts[0][1][:, None] >= 3 * LEAST_PIXELS, means, np.nan).astype(np.float32)


def differences(pairs: Sequence[Floats]) -> Floats:
    """CIEDE2000 of Lab pairs (n, 2, 3)."""
    joined = np.concatenate(list(pairs))
    return np.asarray(deltaE_ciede2000(joined[:, 0], joined[:, 1]), np.float32)


def _mean_known(values: Floats) -> Floats:
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1), np.float32)


def seam_ratio(record: EdgeRecord) -> float:
    """Typical step along the edge over that along the steepest curve beside it; 1 when nothing at the edge changed.

    Geometric means, since a seam lifts the flattest arcs too, and a silhouette that crosses the edge does not.
    """
    edge = np.concatenate([*record.seam, np.zeros(0, np.float32)])
    beside = [np.concatenate(arcs) for arcs in zip(*record.curves, strict=True)]
    known = [_typical(arcs) for arcs in beside if len(arcs) >= LEAST_PIXELS]
    return _typical(edge) / max(known) if len(edge) and known else 1.0


def _typical(steps: Floats) -> float:
    return float(np.exp(np.log(steps + FLOOR).mean()))


def colour_excess(record: EdgeRecord) -> float:
    """CIEDE2000 across the edge beyond that between neighbouring rings beside it, both along their calmer arcs."""
    if not sum(map(len, record.colour)) or not sum(map(len, record.colour_beside)):
        return 0.0
    edge, beside = differences(record.colour), differences(record.colour_beside)
    return max(0.0, float(np.quantile(edge, FLAT_SHARE) - np.quantile(beside, FLAT_SHARE)))
