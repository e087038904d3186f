"""The checks of a repair: seam, flicker, colour, grain, outside, stream, landed.

Every check compares the fill with its own surround, so that footage of any kind is its own yardstick. The limits are
quantiles over hidden edits whose pixels are the true ones (see LIMITS).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from tools.errors import BadInput
from tools.media.decode import frames
from tools.media.masks import read_mask
from tools.media.pixels import luma8, rgb8
from tools.media.probe import probe
from tools.types import Bits, Box, Check, Clip, Frame, Gray, MediaInfo, Verdict
from tools.vision._edge_bands import Edge, edge_of
from tools.vision.motion import dense_flow, warp

CheckName = Literal["seam", "flicker", "colour", "grain", "outside", "stream", "landed"]

LIMITS: dict[CheckName, float] = {
    "seam": 1.6,
    "flicker": 2.0,
    "colour": 4.0,
    "grain": 1.2,
    "outside": 50.0,
    "stream": 0.0,
    "landed": 2.0,
}
UNITS: dict[CheckName, str] = {
    "seam": "ratio",
    "flicker": "ratio",
    "colour": "CIEDE2000",
    "grain": "octaves",
    "outside": "dB",
    "stream": "differences",
    "landed": "levels",
}
AT_LEAST: frozenset[CheckName] = frozenset({"outside", "landed"})
SAME = 100.0
"""PSNR in dB that stands for identical pictures."""
MARGIN = 24
MOST_LOOKS = 48
"""Frames on which the fill is looked at; all frames count for `outside`."""


def check(name: CheckName, value: float) -> Check:
    """A measured value against its limit: at most the limit, or for outside and landed at least."""
    limit = LIMITS[name]
    holds = value >= limit if name in AT_LEAST else value <= limit
    return Check(name=name, value=round(float(value), 4), limit=limit, unit=UNITS[name], holds=bool(holds))


@dataclass(slots=True)
class _Sums:
    """What is gathered while the two films run past."""

    seam: list[float] = field(default_factory=list)
    flicker: list[float] = field(default_factory=list)
    colour: list[float] = field(default_factory=list)
    grain: list[float] = field(default_factory=list)
    landed: list[float] = field(default_factory=list)
    squares: float = 0.0
    pixels: int = 0


def verify(
    before: Clip,
    after: Path | Clip,
    mask: Path | Sequence[Bits] | None,
    *,
    feather: int = 0,
    still_there: Callable[[Path], bool] | None = None,
) -> Verdict:
    """All checks of an edit of `before` under `mask`, a mask file or one (H, W) mask per frame.

    `feather` grows the mask by the pixels that the gate feathered over (0 for a mask given by a person). `still_there`
    looks for the finding again in the edited film; without it `landed` is how strongly the region changed. Without a
    mask the whole frame may change. Raises BadInput when the mask does not fit.
    """
    one = probe(before.media)
    clip = after if isinstance(after, Clip) else _whole(after)
    other = probe(clip.media)
    differences = stream_differences(one, before.frames, other, clip.frames)
    if {"width", "height", "frames"} & set(differences):
        checks: tuple[Check, ...] = (check("stream", len(differences)),)
        return Verdict(verdict="fail", checks=checks)
    masks = _masks(mask, one, before.frames, feather)
    sums = _run(before, clip, masks, before.frames)
    again = None if still_there is None else still_there(clip.media)
    checks = _checks(sums, len(differences), again)
    return Verdict(verdict="pass" if all(c.holds for c in checks) else "fail", checks=checks)


def _whole(path: Path) -> Clip:
    return Clip(media=path, first=0, last=probe(path).frames - 1)


def stream_differences(
    one: MediaInfo, frames_one: int, other: MediaInfo, frames_other: int
) -> dict[str, tuple[object, object]]:
    """What differs between two films' streams: size, rate, length, pixel aspect, rotation, colour tags."""
    facts = {
        "width": (one.width, other.width),
        "height": (one.height, other.height),
        "fps": (one.fps, other.fps),
        "frames": (frames_one, frames_other),
        "sample_aspect": (one.sample_aspect, other.sample_aspect),
        "rotation": (one.rotation, other.rotation),
        "colour": (one.colour, other.colour),
    }
    if one.kind == "frames" or other.kind == "frames":
        facts = {name: pair for name, pair in facts.items() if name in ("width", "height", "frames")}
    return {name: pair for name, pair in facts.items() if pair[0] != pair[1]}


def _masks(mask: Path | Sequence[Bits] | None, info: MediaInfo, count: int, feather: int) -> Iterator[Bits]:
    if mask is None:
        return (np.ones((info.height, info.width), np.bool_) for _ in range(count))
    given = read_mask(mask, info, count) if isinstance(mask, Path) else mask
    if len(given) != count:
        raise BadInput(f"the masks cover {len(given)} frames, {info.path.name} has {count}; give one per frame")
    return (_widened(given[index], feather) for index in range(count))


def _widened(mask: Bits, feather: int) -> Bits:
    """Every pixel within `feather` of the mask, as the gate's alpha reaches."""
    if feather == 0 or not mask.any():
        return mask
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(away < feather + 1, np.bool_)


def _run(before: Clip, after: Clip, masks: Iterator[Bits], count: int) -> _Sums:
    sums = _Sums()
    every = max(1, count // MOST_LOOKS)
    last: tuple[Frame, Bits] | None = None
    for index, (a, b, mask) in enumerate(zip(frames(before), frames(after), masks, strict=True)):
        _count_outside(sums, a, b, mask)
        if mask.any() and not mask.all():
            if index % every == 0:
                _look(sums, a, b, mask)
            if last is not None and index % every in (0, 1):
                sums.flicker.append(flicker_of(luma8(last[0]), luma8(b), last[1], mask))
        last = (b, mask.copy()) if mask.any() and not mask.all() else None
    return sums


def _count_outside(sums: _Sums, a: Frame, b: Frame, mask: Bits) -> None:
    outside = ~mask
    gap = (a.planes[0].astype(np.float32) - b.planes[0])[outside] / float((1 << a.layout.depth) - 1)
    sums.squares += float(np.dot(gap, gap))
    sums.pixels += gap.size


def _look(sums: _Sums, a: Frame, b: Frame, mask: Bits) -> None:
    box = Box.around(mask)
    assert box is not None
    crop = box.grown(MARGIN, a.width, a.height)
    inside = mask[crop.slices]
    made = rgb8(b)[crop.slices]
    lab = np.asarray(cv2.cvtColor(made.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)
    edge = edge_of(inside)
    sums.seam.append(seam_of(lab, edge))
    sums.colour.append(colour_of(lab, edge))
    sums.grain.append(grain_of(lab[..., 0] * 2.55, inside))
    change = cv2.absdiff(luma8(a)[crop.slices], luma8(b)[crop.slices])[inside]
    sums.landed.append(float(np.quantile(change, 0.9)))


def seam_of(lab: NDArray[np.float32], edge: Edge) -> float:
    """How much steeper the picture is across the mask's edge than across lines parallel to it, near by; 1 is alike.

    `lab` is (h, w, 3) L*a*b*. The step across a line is averaged along each stretch of it, so grain does not hide it.
    """
    here = _step(lab, edge, 0.0)
    others = [_step(lab, edge, level) for level in (-9.0, -7.0, -5.0, 5.0, 7.0, 9.0)]
    there = [value for value in others if np.isfinite(value)]
    if not np.isfinite(here) or not there:
        return 1.0
    return float((here + 0.5) / (np.mean(there) + 0.5))


def _step(lab: NDArray[np.float32], edge: Edge, level: float) -> float:
    """Root mean square over the stretches of the mean colour step across the line at a signed distance."""
    inner = edge.means(lab, edge.band(level - 2.0, level))
    outer = edge.means(lab, edge.band(level, level + 2.0))
    step = ((inner - outer) ** 2).sum(axis=1)
    step = step[np.isfinite(step)]
    return float(np.sqrt(step.mean())) if len(step) else float("nan")


def colour_of(lab: NDArray[np.float32], edge: Edge) -> float:
    """CIEDE2000 between fill and surround, less what neighbouring bands of the surround differ by anyway.

    The surround is the same before and after, so its own course is the difference before, free of the removed thing.
    """
    inner, outer = edge.means(lab, edge.band(-10, -1)), edge.means(lab, edge.band(1, 10))
    beyond = edge.means(lab, edge.band(12, 21))
    made = _median_difference(inner, outer)
    anyway = _median_difference(outer, beyond)
    return max(0.0, made - anyway)


def _median_difference(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    both = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    if not both.any():
        return 0.0
    return float(np.median(deltaE_ciede2000(one[both], other[both])))


def grain_of(luma: NDArray[np.float32], inside: Bits) -> float:
    """How far the fill's grain is from the surround's, in octaves (1: half or twice as strong); `luma` in 0-255."""
    around = _grown(inside, MARGIN // 2) & ~_grown(inside, 2)
    core = ~_grown(~inside, 2)
    here, there = grain_strength(luma, core), grain_strength(luma, around)
    if here is None or there is None:
        return 0.0
    return float(abs(np.log2((here + 0.3) / (there + 0.3))))


def grain_strength(luma: NDArray[np.float32], where: Bits) -> float | None:
    """Standard deviation of what a 3×3 median takes away, over the calmer half of `where`; None for too few pixels."""
    if where.sum() < 48:
        return None
    rest = luma - cv2.medianBlur(np.ascontiguousarray(luma), 3)
    calm = cv2.GaussianBlur(luma, (0, 0), 1.5)
    steep = np.hypot(cv2.Sobel(calm, cv2.CV_32F, 1, 0), cv2.Sobel(calm, cv2.CV_32F, 0, 1))
    quiet = where & (steep <= np.median(steep[where]))
    return float(np.sqrt(np.mean(np.clip(rest[quiet], -24, 24) ** 2)))


def flicker_of(a: Gray, b: Gray, mask_a: Bits, mask_b: Bits) -> float:
    """Motion-compensated change between two frames inside the region against the ring around it; 1 is alike."""
    both = mask_a | mask_b
    box = Box.around(both)
    assert box is not None
    crop = box.grown(MARGIN, a.shape[1], a.shape[0]).slices
    one, two, inside = a[crop], b[crop], both[crop]
    there = warp(two, dense_flow(one, two))
    change = cv2.GaussianBlur(cv2.absdiff(one, np.asarray(there, np.uint8)).astype(np.float32), (0, 0), 1.0)
    core, ring = ~_grown(~(mask_a & mask_b)[crop], 1), ~_grown(inside, 2)
    if core.sum() < 16 or ring.sum() < 16:
        return 1.0
    return float((change[core].mean() + 0.5) / (change[ring].mean() + 0.5))


def _grown(mask: Bits, radius: int) -> Bits:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc), np.bool_)


def _checks(sums: _Sums, differences: int, again: bool | None) -> tuple[Check, ...]:
    psnr = SAME if sums.squares == 0 else min(SAME, 10 * float(np.log10(sums.pixels / sums.squares)))
    landed = check("landed", float(np.mean(sums.landed)) if sums.landed else 0.0)
    if again is not None:
        landed = Check(name="landed", value=float(again), limit=0.0, unit="findings", holds=not again)
    return (
        check("seam", _mean(sums.seam, 1.0)),
        check("flicker", _mean(sums.flicker, 1.0)),
        check("colour", _mean(sums.colour, 0.0)),
        check("grain", _mean(sums.grain, 0.0)),
        check("outside", psnr),
        check("stream", differences),
        landed,
    )


def _mean(values: Sequence[float], nothing: float) -> float:
    return float(np.mean(values)) if values else nothing
