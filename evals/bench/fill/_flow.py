"""Flow propagation: DIS flow between neighbours, completed over the hole, carries each hidden pixel to where it shows.

The classical core of flow-guided inpainting (Xu et al., CVPR 2019): flow in the hole is interpolated from its edge,
chained forwards and backwards until it leaves the hole, and the nearer of the two ends is taken; Telea for the rest.
Positions are chained, not colours, so that a pixel is interpolated once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from evals.bench.fill._spatial import telea_one
from tools.types import Bits, Box, Gray, Rgb

Floats = NDArray[np.float32]
MARGIN = 2
"""Pixels around the hole that are not believed: interpolation there would mix with what is hidden."""
FARTHEST = 20
"""Frames over which a chain is followed: of 5 to 80, what serves bmx-trees, toy-rabbit and bigbuckbunny best."""
LOST = 10_000.0
"""Frames away that stand for never."""


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where the hidden pixels of one frame come to light: places (H, W, 3) as x, y, frame, and how many frames away."""

    places: Floats
    away: Floats


def propagated(pictures: Sequence[Rgb], masks: Sequence[Bits]) -> Iterator[Rgb]:
    """Every frame filled by what its flow leads to in other frames, and by Telea where it leads nowhere."""
    light = [gray(telea_one(p, m)) for p, m in zip(pictures, masks, strict=True)]
    barred = [grown(mask, MARGIN) for mask in masks]
    before = _chained(light, barred, -1)
    after = _chained(light, barred, 1)
    for index, (picture, mask) in enumerate(zip(pictures, masks, strict=True)):
        yield _filled(pictures, picture, mask, before[index], after[index])


def gray(picture: Rgb) -> Gray:
    """The picture's luma, (H, W)."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _begin(light: Gray) -> Floats:
    """No motion, where DIS starts."""
    return np.zeros((*light.shape, 2), np.float32)


def grown(mask: Bits, by: int) -> Bits:
    """The mask and every pixel within `by` of it, by squares."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)), np.bool_)


def _chained(light: Sequence[Gray], barred: Sequence[Bits], step: int) -> list[_Ends]:
    """Ends in the direction of `step`, each frame's from its neighbour's."""
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    order = range(len(light)) if step < 0 else range(len(light) - 1, -1, -1)
    found: dict[int, _Ends] = {}
    for index in order:
        last = found.get(index + step)
        if last is None:
            found[index] = _shown(barred[index], index)
            continue
        motion = np.asarray(dis.calc(light[index], light[index + step], _begin(light[index])), np.float32)
        found[index] = _extended(_completed(motion, barred[index]), last, barred[index], index)
    return [found[index] for index in range(len(light))]


def _shown(barred: Bits, index: int) -> _Ends:
    """Every pixel outside the hole ends where it is."""
    height, width = barred.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    places = np.dstack([xs, ys, np.full(barred.shape, index, np.float32)])
    return _Ends(places, np.where(barred, LOST, 0.0).astype(np.float32))


def _extended(motion: Floats, last: _Ends, barred: Bits, index: int) -> _Ends:
    """Hidden pixels end where their place in the neighbour ends, one frame further away."""
    here = _shown(barred, index)
    at = here.places[..., :2] + motion
    x, y = (np.ascontiguousarray(at[..., i]) for i in (0, 1))
    shown = cv2.remap(last.away, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=LOST)
    led = _led(last, x, y)
    away = np.where(shown + 1 > FARTHEST, LOST, shown + 1)
    return _Ends(np.where(barred[..., None], led, here.places), np.where(barred, away, 0.0).astype(np.float32))


def _led(last: _Ends, x: Floats, y: Floats) -> Floats:
    """The neighbour's places at (x, y), carried on by the part of a pixel that lies between its samples."""
    near = np.asarray(cv2.remap(last.places, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), np.float32)
    return near + np.dstack([x - np.rint(x), y - np.rint(y), np.zeros_like(x)])


def _completed(motion: Floats, barred: Bits) -> Floats:
    """The flow with its hidden part interpolated smoothly from the edge: pulled down a pyramid and pushed up again."""
    weight = (~barred).astype(np.float32)
    return np.where(barred[..., None], smooth(motion * weight[..., None], weight), motion)


def smooth(values: Floats, weight: Floats) -> Floats:
    """(H, W, C) weighted values, pull-push (Gortler et al., SIGGRAPH 1996): what is known, spread over the rest."""
    height, width = weight.shape
    if min(height, width) <= 2:
        return np.broadcast_to(_mean(values, weight), values.shape).astype(np.float32)
    half = (width + 1) // 2, (height + 1) // 2
    less = np.asarray(cv2.resize(values, half, interpolation=cv2.INTER_AREA), np.float32)
    coarse = smooth(less, np.asarray(cv2.resize(weight, half, interpolation=cv2.INTER_AREA), np.float32))
    under = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    full = np.clip(weight * 4, 0, 1)[..., None]
    return np.asarray(under * (1 - full) + values / np.maximum(weight, 1e-6)[..., None] * full, np.float32)


def _mean(values: Floats, weight: Floats) -> Floats:
    return np.asarray(values.sum(axis=(0, 1)) / max(float(weight.sum()), 1e-6), np.float32)


def _filled(pictures: Sequence[Rgb], picture: Rgb, mask: Bits, before: _Ends, after: _Ends) -> Rgb:
    """The picture with its hole made of the nearer ends, only the hole's box being looked at."""
    box = Box.around(mask)
    if box is None:
        return picture
    hole = mask[box.slices]
    nearer = (before.away <= after.away)[box.slices][..., None]
    places = np.where(nearer, before.places[box.slices], after.places[box.slices])
    led = hole & (np.minimum(before.away, after.away)[box.slices] < LOST)
    made, rest = picture.copy(), mask.copy()
    x, y = (np.ascontiguousarray(places[..., i]) for i in (0, 1))
    for source in np.unique(places[..., 2][led]).astype(int):
        taken = led & (places[..., 2] == source)
        colours = cv2.remap(pictures[source], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        made[box.slices][taken] = np.asarray(colours)[taken]
    rest[box.slices] &= ~led
    return telea_one(made, rest) if rest.any() else made
