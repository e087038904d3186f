"""One sight of what changed while it was hidden.

A thing that moves behind what is taken out stands elsewhere after than before, and the mean of all sights is a ghost of
each. Where that mean is like none of them, the fill keeps to one sight for the thing as a whole: the one that is most
like the mean, and near in time. It is the medoid, so a single sight with something else in it is not followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from tools.editors.local.cleanplate.blocks import Blocks
from tools.editors.local.cleanplate.fields import Field
from tools.editors.local.cleanplate.tensors import Stack, blurred, mean_square

NOISE = 36.0
"""Squared error (8-bit steps) that sights of one thing have beyond what is expected of them, by misplaced detail."""
CALM = 1.5
"""Sigma in cells of the windows in which sights are held against their mean."""
GHOST, APART, TOUCHED = 1.1, 3.8, 0.5
"""How many times what is expected the mean must differ from the sight it is most like, and from all of them, for a
thing to have changed; and the difference from all that a thing reaches up to. Behind three cars of caminandes, which
hide a moving llama for two frames, the first two come to 1.2 to 8 times theirs; on the completions and removals of
`suture bench fill` they stay under 0.9 times, but where something moves in the hole.
"""
WIDER, FEATHER = 2, 1.5
"""Cells by which a thing's place is grown twice, and sigma in cells of its edge."""
MOST_OFF = 4
"""Frames from which on a sight no longer tells where a moving thing is: the mean is nearer then (by 1 to 5 dB behind
what is taken out of toy-rabbit, whose rabbit turns its head).
"""
AGES = 4.0
"""Distance in frames at which a sight counts as twice as far from the mean."""
STRANGE = 4.0
"""Times its expected error at which a sight that differs from the mean of all counts half."""
LEAST_SHOWN = 0.02
"""Share of a thing that a sight of it must show."""


@dataclass(frozen=True, slots=True)
class Sights:
    """Donors' `codes` (n, 3, blocks, SIDE²), how many frames `off` they were taken (n, 1, blocks, 1), where each may be
    believed, 0 or 1 (n, 1, blocks, SIDE²), and how much each counts for the mean.
    """

    codes: Stack
    off: Stack
    seen: Stack
    weight: Stack


@dataclass(frozen=True, slots=True)
class Told:
    """What sights say of their mean, in cells: how many times what is expected it is from the sight that it is most
    like, and from all of them (rows, columns); every sight's sum of squared differences, and how much of every cell it
    shows (n, rows, columns).
    """

    ghost: Field
    apart: Field
    gap: Stack
    shown: Stack

    def agreement(self, error: Stack) -> Stack:
        """How much every sight counts beside the others, by its expected squared error, (n, 1, rows, columns): what is
        farther from their mean than that explains shows something else.
        """
        far = (self.gap / self.shown.clamp_min(1e-3))[:, None] / (STRANGE * (error + NOISE))
        return 1 / (1 + far.square())


def told_by(sights: Sights, expected: Stack, blocks: Blocks) -> Told:
    """Sights held against their mean, in structure and not in level, which light and dust change too; `expected`
    (1, blocks, SIDE²) is the squared error of the mean.
    """
    mean = (sights.codes * sights.weight).sum(0) / sights.weight.sum(0).clamp_min(1e-12)
    gap = (sights.codes - mean) * sights.seen
    planes = blocks.cells(torch.cat([gap, mean_square(gap), sights.seen, sights.weight], 1))
    error = blurred(blocks.cells(torch.cat([expected, sights.seen.amax(0)])[None]), CALM)[0]
    near = blurred(planes, CALM)
    level, square, seen, weight = near[:, :3], near[:, 3], near[:, 4], near[:, 5]
    share = seen.clamp_min(1e-3)
    unlike = (square / share - (level / share[:, None]).square().mean(1)).clamp_min(0)
    scale = 2 / (error[0] / error[1].clamp_min(1e-3) + NOISE / 2)
    least = torch.where(seen > LEAST_SHOWN, unlike, torch.inf).amin(0)
    apart = (unlike * weight).sum(0) / weight.sum(0).clamp_min(1e-12)
    ghost = torch.where(least < torch.inf, least * scale, 0)
    return Told(ghost.numpy(), (apart * scale).numpy(), planes[:, 3], planes[:, 4])


def of_one_sight(mean: Stack, told: Told, sights: Sights, blocks: Blocks) -> tuple[Stack, Stack] | None:
    """A mean (3, blocks, SIDE²) with all that changed as one sight shows it, and how much of it is of one sight,
    (blocks, SIDE²); None where nothing changed.
    """
    things = _things(told)
    if not things.any():
        return None
    kept, held = mean.clone(), torch.zeros_like(sights.seen[0, 0])
    mine = blocks.repeated(torch.from_numpy(_nearest(things))[None, None])[0, 0]
    for number in range(1, int(things.max()) + 1):
        for one in reversed(_ranked(torch.from_numpy(things == number), told, sights)):
            here = (mine == number) & (sights.seen[one, 0] > 0)
            kept[:, here], held[here] = sights.codes[one][:, here], 1.0
    soft = cv2.GaussianBlur(_wider(things > 0).astype(np.float32), (0, 0), FEATHER)
    share = blocks.lifted(torch.from_numpy(soft)[None, None])[0, 0].clamp(0, 1) * held
    return mean + (kept - mean) * share, share


def _things(told: Told) -> NDArray[np.int32]:
    """The places that changed, numbered from 1: those that surely did with all that may have beside them."""
    _, labels = cv2.connectedComponents((told.apart > TOUCHED).astype(np.uint8))
    sure = np.unique(labels[(told.apart > APART) & (told.ghost > GHOST)])
    return np.asarray(cv2.connectedComponents(_wider(np.isin(labels, sure[sure > 0])))[1], np.int32)


def _wider(where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.asarray(cv2.dilate(where.astype(np.uint8), np.ones((2 * WIDER + 1,) * 2, np.uint8)), np.uint8)


def _nearest(things: NDArray[np.int32]) -> Field:
    """The number of the thing that every place is nearest to."""
    free = (things == 0).astype(np.uint8)
    _, place = cv2.distanceTransformWithLabels(free, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL)
    numbers = np.zeros(int(place.max()) + 1, np.float32)
    numbers[place[things > 0]] = things[things > 0]
    return np.asarray(numbers[place], np.float32)


def _ranked(thing: Stack, told: Told, sights: Sights) -> list[int]:
    """The sights of a thing (rows, columns), best first; none where even the best is far off in time."""
    gap, shown = (plane[:, thing].sum(1) for plane in (told.gap, told.shown))
    share = shown / shown.max().clamp_min(1e-6)
    off = sights.off.abs().amax((1, 2, 3))
    cost = (gap / shown.clamp_min(1e-3) + NOISE) * (1 + off / AGES) / share.clamp_min(1e-3)
    order = torch.where(share > LEAST_SHOWN, cost, torch.inf).argsort().tolist()
    return order if off[order[0]] <= MOST_OFF else []
