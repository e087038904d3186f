"""Steps in luma across a mask's edge (a seam), against curves beside the edge."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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


@dataclass
class EdgeRecord:
    """What was seen along the edge, frame by frame."""

    seam: list[Floats] = field(default_factory=list)
    curves: list[list[Floats]] = field(default_factory=list)

    def add(self, window: Window) -> None:
        steps = arc_steps(window)
        changed = changed_arcs(window)
        self.seam.append(steps[0][np.isfinite(steps[0]) & changed])
        self.curves.append([beside[np.isfinite(beside)] for beside in steps[1:]])


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
