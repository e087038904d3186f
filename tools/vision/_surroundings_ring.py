"""What lies around a region in some of its frames: the pictures, and the ring of pixels that may be asked.

The ring leaves out the region with its soft edge, and what moves through it otherwise than the rest of it does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.media.decode import frames
from tools.media.pixels import luma8, rgb8, shrunk
from tools.media.probe import probe
from tools.types import Bits, Box, Clip, Frame, Gray, MaskTrack, Rgb
from tools.vision._checks_window import cropped
from tools.vision.motion import Flow, GlobalMotion, global_and_flow, textured_points, working, working_mask

MOST_LOOKS = 5
"""Frames, evenly over the region's own, in which its surroundings are looked at."""
SOFT_EDGE, LEAST_EDGE = 0.008, 3
"""Share of the frame's width, and pixels, by which a region's soft edge reaches beyond its mask."""
LEAST_RING, MOST_RING, HD_WIDTH = 28, 72, 1280
"""Width of the ring in pixels of a frame of HD_WIDTH: half the region's size, within these limits; it grows with the
frame."""
VIEW, LEAST_VIEW = 0.75, 0.08
"""What is seen around the region's box on each side: a share of its longer side, and at least of the frame's width."""
LONGEST_VIEW, LONGEST_FRAME = 320, 480
"""Longest side, pixels, of the small pictures on which light and colour are told."""
ODD = 1.5
"""Pixels at working size by which a pixel of the ring must move otherwise than the ring, to be left out."""
ODD_SHARE = 0.33
"""Where more of the ring is odd, it is no passer-by but half of the place, and stays."""
LEAST_PIXELS, LEAST_POINTS = 64, 12
"""Pixels of a ring that can be measured, and textured points that tell its motion."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How the ring moves between two frames, and how the camera does there: (x, y) in frame diagonals per 1/24 s."""

    place: tuple[float, float]
    camera: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """One frame around the region.

    `luma` (h, w) and `ring` are of the source's own pixels, `again` the same place in a neighbouring frame, brought
    onto it (None where there is none, or where it is the same picture); `small` (h', w', 3) is the same view for light
    and colour, with `small_ring` and everything but the region, `small_free`; `frame` and `frame_free` are the whole
    frame, small.
    `working` and its masks are luma at working size. `drift` is None where there is no frame to compare with.
    """

    luma: Gray
    again: Gray | None
    ring: Bits
    small: Rgb
    small_ring: Bits
    small_free: Bits
    frame: Rgb
    frame_free: Bits
    working: Gray
    working_ring: Bits
    working_free: Bits
    drift: Drift | None
    high_range: bool


def looks(clip: Clip, track: MaskTrack) -> list[Look]:
    """Looks at some frames of a region; `track` counts from the clip's first frame. None where nothing is around it."""
    info = probe(clip.media)
    step = max(1, round(float(info.fps) / 24))
    made = []
    for index in _chosen(sorted(i for i in track if i < clip.frames)):
        pair = _pair(clip, index, step)
        found = _look(pair, track.at(index), info.fps)
        if found is not None:
            made.append(found)
    return made


def _chosen(indices: list[int]) -> list[int]:
    if len(indices) <= MOST_LOOKS:
        return indices
    places = (np.arange(MOST_LOOKS) + 0.5) / MOST_LOOKS * len(indices)
    return [indices[int(place)] for place in places]


def _pair(clip: Clip, index: int, step: int) -> tuple[Frame, Frame | None, int]:
    """A frame, one about 1/24 s later (earlier at the clip's end), and the steps from the one to the other."""
    other = index + step if index + step < clip.frames else index - step
    low, high = (min(index, other), max(index, other)) if other >= 0 else (index, index)
    stretch = Clip(media=clip.media, first=clip.first + low, last=clip.first + high)
    first, last = _ends(frames(stretch))
    if low == high:
        return first, None, 0
    return (first, last, step) if index == low else (last, first, -step)


def _ends(stream: Iterator[Frame]) -> tuple[Frame, Frame]:
    first = last = next(stream)
    for frame in stream:
        last = frame
    return first, last


def _look(pair: tuple[Frame, Frame | None, int], mask: Bits, fps: Fraction) -> Look | None:
    frame, other, steps = pair
    box = _view_box(mask, frame)
    free, ring = ring_of(mask)
    if ring.sum() < LEAST_PIXELS:
        return None
    now = working(luma8(frame))
    size = now.shape[0], now.shape[1]
    small_ring, small_free = working_mask(ring, size), ~working_mask(~free, size)
    drift, again = None, None
    if other is not None:
        later = luma8(other)
        camera, flow = global_and_flow(now, working(later), ~small_free if small_free.any() else None)
        drift = _drift(camera, flow, now, small_ring, float(steps * 24 / fps))
        again = _brought(later, flow, box)
        ring &= ~_odd(flow, small_ring, mask.shape)
    view = rgb8(cropped(frame, box))
    whole = rgb8(shrunk(frame, LONGEST_FRAME))
    scale = min(1.0, LONGEST_VIEW / max(box.w, box.h))
    luma = luma8(cropped(frame, box))
    return Look(
        luma=luma,
        again=None if again is None or np.array_equal(again, luma) else again,
        ring=np.ascontiguousarray(ring[box.slices]),
        small=_scaled(view, scale),
        small_ring=_scaled_bits(ring[box.slices], scale),
        small_free=_scaled_bits(free[box.slices], scale),
        frame=whole,
        frame_free=~working_mask(~free, (whole.shape[0], whole.shape[1])),
        working=now,
        working_ring=small_ring,
        working_free=small_free,
        drift=drift,
        high_range=frame.colour.transfer in (16, 18),
    )


def ring_of(mask: Bits) -> tuple[Bits, Bits]:
    """Everything clear of the region and its soft edge, and the ring of it that lies close around (H, W)."""
    width = mask.shape[1]
    edge = max(LEAST_EDGE, round(SOFT_EDGE * width))
    wide = float(np.clip(0.5 * np.sqrt(mask.sum()), LEAST_RING, MOST_RING)) * max(1.0, width / HD_WIDTH)
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
    free = np.asarray(away > edge, np.bool_)
    return free, free & np.asarray(away <= edge + wide, np.bool_)


def _view_box(mask: Bits, frame: Frame) -> Box:
    """What is seen around the region; its corner on the chroma grid."""
    tight = Box.around(mask)
    assert tight is not None
    margin = max(VIEW * max(tight.w, tight.h), LEAST_VIEW * frame.width, LEAST_RING + LEAST_EDGE)
    box = tight.grown(round(margin), frame.width, frame.height)
    x, y = (
        box.x >> frame.layout.chroma_x << frame.layout.chroma_x,
        box.y >> frame.layout.chroma_y << frame.layout.chroma_y,
    )
    return Box(x, y, box.x + box.w - x, box.y + box.h - y)


def _odd(flow: Flow, ring: Bits, shape: tuple[int, ...]) -> Bits:
    """Where something moves through the ring otherwise than the ring does (H, W); nothing where half of it does."""
    usual = np.median(flow[ring], axis=0) if ring.any() else np.zeros(2)
    apart = np.linalg.norm(flow - usual, axis=2)
    scatter = float(np.median(apart[ring])) if ring.any() else 0.0
    odd = apart > max(ODD, 4 * scatter)
    if not ring.any() or odd[ring].mean() > ODD_SHARE:
        return np.zeros(shape, np.bool_)
    grown = cv2.dilate(odd.astype(np.uint8), np.ones((5, 5), np.uint8))
    return np.asarray(cv2.resize(grown, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST), np.bool_)


def _brought(later: Gray, flow: Flow, box: Box) -> Gray:
    """A place of one frame as the flow (at working size) finds it in another: (h, w)."""
    height, width = later.shape
    full = cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR)[box.slices]
    full = full * np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    rows, columns = np.mgrid[box.y : box.y + box.h, box.x : box.x + box.w].astype(np.float32)
    found = cv2.remap(
        later, columns + full[..., 0], rows + full[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found, np.uint8)


def _drift(camera: GlobalMotion, flow: Flow, picture: Gray, ring: Bits, ticks: float) -> Drift | None:
    """The ring's motion where it has texture to tell it by; without any, the camera's."""
    if not ring.any():
        return None
    unit = float(np.hypot(*ring.shape)) * ticks
    moved = np.median(camera.at(np.argwhere(ring)[:, ::-1]), axis=0) / unit
    points = textured_points(picture, ~ring, step=3).astype(int)
    found = flow[points[:, 1], points[:, 0]]
    place = np.median(found, axis=0) / unit if len(points) >= LEAST_POINTS else moved
    return Drift((float(place[0]), float(place[1])), (float(moved[0]), float(moved[1])))


def _scaled(picture: Rgb, scale: float) -> Rgb:
    if scale == 1.0:
        return picture
    size = _size(picture.shape, scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _scaled_bits(bits: Bits, scale: float) -> Bits:
    """True where a small pixel lies all but entirely in the bits."""
    if scale == 1.0:
        return np.ascontiguousarray(bits)
    share = cv2.resize(bits.astype(np.float32), _size(bits.shape, scale), interpolation=cv2.INTER_AREA)
    return np.asarray(share > 0.9, np.bool_)


def _size(shape: tuple[int, ...], scale: float) -> tuple[int, int]:
    return max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))


def pixels(looks_: list[Look]) -> NDArray[np.uint8]:
    """All R, G, B of the rings (n, 3), at small size."""
    rings = [look.small[look.small_ring] for look in looks_]
    return np.concatenate([np.zeros((0, 3), np.uint8), *rings])
