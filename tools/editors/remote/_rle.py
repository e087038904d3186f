"""Masks as COCO writes them: run lengths down the columns, in a string of characters that carry five bits each.

The coding is that of pycocotools' rleToString: a run is told as its difference from the run two before it, from the
third run on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from tools.types import Bits

ZERO = 48
"""The character that stands for 0."""
MORE, SIGN, LOW = 0x20, 0x10, 0x1F


def decoded_mask(size: Sequence[int], counts: str | Sequence[int]) -> Bits:
    """The mask of `size` (height, width), (H, W). ValueError when the runs do not fill it."""
    height, width = size
    runs = list(_runs(counts)) if isinstance(counts, str) else [int(one) for one in counts]
    if min(runs, default=-1) < 0 or sum(runs) != height * width:
        raise ValueError(f"the runs of a mask do not fill {width}x{height}")
    values = np.arange(len(runs)) % 2 == 1
    return np.asarray(np.repeat(values, runs).reshape((height, width), order="F"), np.bool_)


def encoded_mask(mask: Bits) -> str:
    """The string of a mask (H, W)."""
    flat = mask.flatten(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    edges = [0, *([0] if flat[0] else []), *changes.tolist(), flat.size]
    runs = [after - before for before, after in pairwise(edges)]
    return "".join(_letters(run - runs[at - 2] if at > 2 else run) for at, run in enumerate(runs))


def _runs(counts: str) -> Iterator[int]:
    runs: list[int] = []
    at = 0
    while at < len(counts):
        value, shift, letter = 0, 0, MORE
        while letter & MORE:
            if at == len(counts):
                raise ValueError("the runs of a mask break off")
            letter = ord(counts[at]) - ZERO
            value |= (letter & LOW) << shift
            at, shift = at + 1, shift + 5
        if letter & SIGN:
            value |= -1 << shift
        runs.append(value + runs[-2] if len(runs) > 2 else value)
        yield runs[-1]


def _letters(value: int) -> str:
    letters = ""
    more = True
    while more:
        bits, value = value & LOW, value >> 5
        more = value != (-1 if bits & SIGN else 0)
        letters += chr((bits | MORE if more else bits) + ZERO)
    return letters
