"""A hole in one frame, cut out with its surround."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.blocks import SIDE, Blocks
from tools.editors.local.cleanplate.fields import Field, grown
from tools.editors.local.cleanplate.tensors import Stack, planar
from tools.editors.local.cleanplate.window import Seen, Window
from tools.types import Bits, Box

MARGIN = 24
"""Pixels of surround on each side, at least."""
EDGE = 4
"""Pixels beside the hole that its fill is levelled with."""


@dataclass(frozen=True, eq=False)
class Outline:
    """Where a hole lies, and what follows from that alone: frames in which it stays share it.

    The sides of `box` are whole blocks; right and below it may reach beyond the frame. `hole` (h, w) is what must be
    filled, `known` (h, w) what may be believed.
    """

    box: Box
    hole: Bits
    known: Bits

    @cached_property
    def reach(self) -> float:
        """A length to smooth over: half the distance from the hole's middle to its edge in pixels, at least 6."""
        depth = cv2.distanceTransform(np.pad(self.hole, 1).astype(np.uint8), cv2.DIST_L2, 3)
        return max(6.0, 0.5 * float(depth.max()))

    @cached_property
    def blocks(self) -> Blocks:
        """The hole and as much of its surround as it is judged by."""
        return Blocks.touching(grown(self.hole, round(np.clip(0.5 * self.reach, 6, 12))))

    @cached_property
    def places(self) -> tuple[Field, Field]:
        """Middles of the blocks' pixels, in pixels from the box's corner."""
        ys, xs = np.mgrid[0 : self.box.h, 0 : self.box.w].astype(np.float32) + np.float32(0.5)
        return self.blocks.cut(xs), self.blocks.cut(ys)

    @cached_property
    def believed(self) -> Stack:
        """`known` on the blocks as 0 and 1, (1, 1, blocks, SIDE²)."""
        return torch.from_numpy(self.blocks.cut(self.known)).float()[None, None]

    @cached_property
    def inside(self) -> Stack:
        """`hole` on the blocks, (blocks, SIDE²) bool."""
        return torch.from_numpy(self.blocks.cut(self.hole))

    @cached_property
    def edge(self) -> Bits:
        """Known pixels beside the hole."""
        return np.asarray(self.known & grown(~self.known, EDGE), np.bool_)


@dataclass(frozen=True)
class Target:
    """A hole in frame `index` with its surround; `codes` is (h, w, 3) float32 in 8-bit steps of the source's code
    values.
    """

    index: int
    outline: Outline
    codes: Field

    @cached_property
    def truth(self) -> Stack:
        """The codes on the blocks, (1, 3, blocks, SIDE²)."""
        return planar(self.blocks.cut(self.codes))[None]

    @property
    def box(self) -> Box:
        return self.outline.box

    @property
    def hole(self) -> Bits:
        return self.outline.hole

    @property
    def known(self) -> Bits:
        return self.outline.known

    @property
    def reach(self) -> float:
        return self.outline.reach

    @property
    def blocks(self) -> Blocks:
        return self.outline.blocks


def eight_bit(depth: int) -> float:
    """What a code value of `depth` bits is worth in 8-bit steps."""
    return float(2.0 ** (8 - depth))


def outline_of(seen: Seen, part: Bits) -> Outline:
    """The outline of one part (H, W) of a frame's hole, with a margin."""
    height, width = part.shape
    box = around_of(part, width, height)
    box = Box(box.x, box.y, -(-box.w // SIDE) * SIDE, -(-box.h // SIDE) * SIDE)
    layout = seen.frame.layout
    unknown = grown(seen.hole | part, max(layout.chroma_x, layout.chroma_y))
    return Outline(box, hole=_cut(part, box), known=_cut(~unknown, box))


def target_of(window: Window, index: int, outline: Outline) -> Target:
    """What lies at an outline in a frame."""
    seen = window[index]
    codes = seen.codes(outline.box).astype(np.float32)
    return Target(index, outline, codes * np.float32(eight_bit(seen.frame.layout.depth)))


def around_of(part: Bits, width: int, height: int) -> Box:
    """The box of a part with its margin."""
    tight = Box.around(part)
    assert tight is not None, "a target is made of a hole"
    return tight.grown(MARGIN + max(tight.w, tight.h) // 8, width, height)


def _cut(mask: Bits, box: Box) -> Bits:
    """A part of a mask; false beyond the frame."""
    made = np.zeros((box.h, box.w), np.bool_)
    held = mask[box.y : box.y + box.h, box.x : box.x + box.w]
    made[: held.shape[0], : held.shape[1]] = held
    return made


def put(codes: NDArray[Any], target: Target, fill: Field, depth: int) -> None:
    """Writes the fill (h, w, 3) of a target's hole into the code values of its box, as much of it as the frame has."""
    h, w = codes.shape[:2]
    hole = target.hole[:h, :w]
    native = np.clip(np.rint(fill[:h, :w] / np.float32(eight_bit(depth))), 0, (1 << depth) - 1)
    np.copyto(codes, native, where=hole[..., None], casting="unsafe")
