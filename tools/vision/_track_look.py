"""What a followed region looks like, frame by frame, in the seed frame's own coordinates.

A frame is brought back onto the seed by the region's matrix and the two are compared in Lab inside the region and in
the ring around it. What light does to a surface (a shift of lightness that leaves its texture) is allowed for; a thing
that is gone or hidden changes colour, texture or both at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tools.types import Bits, Box, Rgb
from tools.vision.align import Matrix

Lab: TypeAlias = NDArray[np.float32]

SIDE = 160.0
"""Side in pixels of the square of the region's area above which it is looked at scaled down."""
BLUR = 1.2
"""Deviation in pixels that grain is smoothed with before pictures are compared."""
TEXTURED = 0.6
"""Correlation of lightness from which on a region shows the same texture: things that popped away on the tune films
left at most 0.2 where they were not merely recoloured; regions that only flickered kept more, three times in four."""
FAINT = 3.0
"""Contrast in Lab under which a change of the region cannot be told from grain and coding."""
Steps: TypeAlias = tuple[float, float, float]
STEPS: Steps = (12.5, 10.0, 10.0)
"""Widths of the bins that colours in Lab are counted in."""
LEAST = 20
"""Pixels of the region, and more of its ring, that must be in the picture for it to be judged."""


@dataclass(frozen=True, slots=True)
class View:
    """A frame in the seed's coordinates: Lab (h, w, 3) and which pixels lie inside the picture."""

    lab: Lab
    valid: Bits


@dataclass(frozen=True, slots=True)
class Likeness:
    """Differences in Lab, root mean square: in the region, in the ring around it, and in the region's tint alone when
    a change of light may scale it; `texture` is the correlation of the region's lightness, and `palette` how much of
    its colours is the same (Bhattacharyya coefficient), as they are or with the surround's change of light or
    exposure taken out."""

    inside: float
    around: float
    tint: float
    texture: float
    palette: float

    def gap(self, contrast: float) -> float:
        """How much more the region changed than its surround did, as a share of the region's contrast to it.

        Light changes lightness and leaves texture: where the texture is the same, the tint alone counts.
        """
        change = self.tint if self.texture >= TEXTURED else self.inside
        return (change - self.around) / max(contrast, FAINT)


@dataclass(frozen=True, slots=True)
class Looks:
    """The region's place in the seed frame, and how it is looked at: crop, scale, masks of the region and its ring."""

    box: Box
    scale: float
    region: Bits
    inside: Bits
    ring: Bits

    @classmethod
    def of(cls, mask: Bits) -> Self:
        """`mask` is (H, W) and not empty."""
        height, width = mask.shape
        side = float(np.sqrt(mask.sum()))
        scale, reach = min(1.0, SIDE / side), int(np.clip(0.6 * side, 8, 0.2 * width))
        around = Box.around(mask)
        assert around is not None
        box = around.grown(reach + 4, width, height)
        size = max(8, round(box.w * scale)), max(8, round(box.h * scale))
        region = cv2.resize(mask[box.slices].astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        reach = max(4, round(reach * scale))
        ring = _grown(region, reach) & ~_grown(region, 3)
        core = cv2.erode(region.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        return cls(box, scale, region, core if core.sum() >= LEAST else region, ring)

    def view(self, frame: Rgb, matrix: Matrix) -> View:
        """A frame (H, W, 3) through the matrix from the seed frame to it, in pixels of the source."""
        size = self.region.shape[::-1]
        back = self._into_crop() @ np.linalg.inv(matrix)
        part = cv2.warpPerspective(frame, back, size, flags=cv2.INTER_LINEAR)
        all_ = np.full(frame.shape[:2], 255, np.uint8)
        lab = cv2.cvtColor(part.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
        smooth = cv2.GaussianBlur(lab, (0, 0), BLUR)
        return View(np.asarray(smooth, np.float32), cv2.warpPerspective(all_, back, size) > 250)

    def _into_crop(self) -> Matrix:
        h, w = self.region.shape
        grow = np.diag([w / self.box.w, h / self.box.h, 1.0])
        return np.asarray(grow @ np.array([[1, 0, -self.box.x], [0, 1, -self.box.y], [0, 0, 1.0]]), np.float64)

    def contrast(self, view: View) -> float:
        """How far the region's colours lie from what its ring would lead one to expect there."""
        rest = view.lab - plane(view.lab, self.ring & view.valid)
        return root_mean_square(rest[self.inside & view.valid])

    def compare(self, known: View, seen: View) -> Likeness | None:
        """How a frame differs from a known one, an even change of light taken out; None where too little is in view."""
        both = known.valid & seen.valid
        inside, ring = self.inside & both, self.ring & both
        if inside.sum() < max(LEAST, 0.2 * self.inside.sum()) or ring.sum() < 2 * LEAST:
            return None
        change = seen.lab - known.lab
        light = plane(change, ring)
        rest, was, now = change - light, known.lab[inside], seen.lab[inside]
        stops = float(np.clip(known.lab[ring, 0].mean() / max(float(seen.lab[ring, 0].mean()), 1.0), 0.5, 2.0))
        kept = max(palette(was, one) for one in (now, now - light[inside], now * np.float32(stops)))
        return Likeness(
            root_mean_square(rest[inside]), root_mean_square(rest[ring]), _tint(was, now), _texture(was, now), kept
        )


def _tint(known: Lab, seen: Lab) -> float:
    """What is left of a change of tint (n, 3) when it may grow or fade with the light."""
    a, b = known[:, 1:], seen[:, 1:]
    gain = float(np.clip((a * b).sum() / max(float((a * a).sum()), 1e-3), 0.5, 2.0))
    return root_mean_square(b - gain * a)


def _texture(known: Lab, seen: Lab) -> float:
    """The correlation of lightness (n, 3)."""
    a, b = known[:, 0] - known[:, 0].mean(), seen[:, 0] - seen[:, 0].mean()
    return float(a @ b / np.sqrt(max(float((a @ a) * (b @ b)), 1e-3)))


def palette(known: Lab, seen: Lab, steps: Steps = STEPS) -> float:
    """The Bhattacharyya coefficient of two sets of colours (n, 3)."""
    a, b = (_histogram(one, steps) for one in (known, seen))
    return float(np.sqrt(a * b).sum())


def _histogram(colours: Lab, steps: Steps) -> Lab:
    """Shares of colours (n, 3) in bins of those widths, smoothed over neighbours."""
    places = (colours + np.array([0, 100, 100], np.float32)) / np.array(steps, np.float32)
    bins = [round(span / step) for span, step in zip((100, 200, 200), steps, strict=True)]
    counted, _ = np.histogramdd(places, bins=bins, range=[(0, n) for n in bins])
    smooth = ndimage.gaussian_filter(counted.astype(np.float32), 0.8)
    return np.asarray(smooth / max(float(smooth.sum()), 1e-6), np.float32)


def plane(values: Lab, where: Bits) -> Lab:
    """The plane (h, w, 3) through most of the values (h, w, 3) at `where`: a fifth are left out, three times over.

    Nothing (0) where there are none.
    """
    if not where.any():
        return np.zeros_like(values)
    height, width = where.shape
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    basis = np.dstack([np.ones_like(xs), xs / width - 0.5, ys / height - 0.5]).astype(np.float32)
    a, v = basis[where], values[where]
    keep = np.ones(len(v), np.bool_)
    fitted = np.zeros((3, 3), np.float32)
    for _ in range(3):
        fitted = np.linalg.lstsq(a[keep], v[keep], rcond=None)[0].astype(np.float32)
        error = np.abs(v - a @ fitted).max(axis=1)
        keep = error <= np.quantile(error, 0.8)
    return np.asarray(basis @ fitted, np.float32)


def root_mean_square(rows: Lab) -> float:
    return float(np.sqrt((rows.astype(np.float64) ** 2).sum(axis=-1).mean())) if len(rows) else 0.0


def _grown(bits: Bits, by: int) -> Bits:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(bits.astype(np.uint8), kernel) > 0, np.bool_)
