"""Putting views in place: what the ring around the hole, whose truth is known, says is left of their displacement.

Lucas and Kanade (1981) with the target's own slopes (Baker and Matthews, IJCV 2004): an affine displacement of the
whole first, then what windows of the ring add to it, continued smoothly into the hole.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from tools.editors.local.cleanplate.lattice import Sight
from tools.editors.local.cleanplate.tensors import Stack, blurred, extended, lifted, normalised, pooled

RIDGE, TEXTURE = 2.0, 200.0
"""Added to the structure tensor, and its smaller eigenvalue at which a displacement is believed by half."""
LONGEST = 2.0
"""Points by which one round moves a view at most."""
LIGHT = 4.0
"""Sigma of the windows that light is matched in, in those that displacement is measured in."""
WIDE = 2.0
"""Sigma in cells of windows from which on displacements are found on a grid half as fine."""
TIGHT = 1e-2
"""How much an affine displacement is drawn to none, in shares of what is known of it."""


def left_over(sight: Sight, luma: Stack, free: Stack, sigma: float) -> Stack:
    """(n, 2, rows, columns): displacements in cells that bring luma (n, cells, per²) nearest to the target's.

    `free` is 1 where luma may be believed, `sigma` the windows' in points. Far-off pixels count less: they are other
    things.
    """
    cells = sigma / sight.per
    core = free * sight.core
    gap = (sight.truth - luma) * core
    light = normalised(sight.means(gap), sight.means(core), LIGHT * cells)
    gap = gap - sight.at_cells(light) * core
    square = gap.square()
    spread = square.sum((-2, -1), keepdim=True) / core.sum((-2, -1), keepdim=True).clamp_min(1)
    weight = core / (1 + square / (4 * spread + 4))
    one, two = weight * sight.across, weight * sight.down
    products = (one * sight.across, one * sight.down, two * sight.down, one * gap, two * gap, core)
    sums = sight.lattice.dense(sight.sums(torch.stack(products, 1)), sight.cells)
    by = 2 if cells >= WIDE else 1
    shift = _shift(pooled(sums, by), cells / by) / sight.per
    return shift if by == 1 else lifted(shift, (sight.lattice.rows, sight.lattice.columns))


def _shift(sums: Stack, sigma: float) -> Stack:
    """(n, 2, rows, columns): displacements in points, from the sums of products."""
    overall = _overall(sums)
    moved, sure = _solved(blurred(_beyond(sums, overall), sigma))
    held = blurred(torch.cat([moved * sure, sure], 1), sigma)
    calm, firm = held[:, :2] / held[:, 2:].clamp_min(1e-3), (held[:, 2:] / 0.3).clamp_max(1.0)
    return extended(calm, firm) + overall


def _overall(sums: Stack) -> Stack:
    """(n, 2, rows, columns): the affine displacement that the sums of products of all cells together ask for."""
    n, _, rows, columns = sums.shape
    basis, pairs = _affine(rows, columns)
    flat = sums.reshape(n, 6, -1)
    a, b, c = (part.reshape(n, 3, 3) for part in (flat[:, :3] @ pairs.T).unbind(1))
    whole = torch.cat([torch.cat([a, b], 2), torch.cat([b, c], 2)], 1)
    wanted = (flat[:, 3:5] @ basis.T).reshape(n, 6, 1)
    tight = TIGHT * whole.diagonal(dim1=1, dim2=2).mean(1) + 1e-3
    solved = torch.linalg.solve(whole + torch.eye(6) * tight[:, None, None], wanted)
    shift: Stack = (solved.reshape(n, 2, 3) @ basis).reshape(n, 2, rows, columns)
    return shift.clamp(-LONGEST, LONGEST)


@lru_cache(maxsize=8)
def _affine(rows: int, columns: int) -> tuple[Stack, Stack]:
    """The functions 1, x and y on a grid (3, cells), and their products with each other (9, cells)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, rows), torch.linspace(-1, 1, columns), indexing="ij")
    basis = torch.stack([torch.ones_like(x), x, y]).reshape(3, -1)
    return basis, (basis[:, None] * basis[None]).reshape(9, -1)


def _beyond(sums: Stack, by: Stack) -> Stack:
    """The sums of products as they would be after a displacement."""
    a, b, c, p, q = (sums[:, n : n + 1] for n in range(5))
    u, v = by[:, :1], by[:, 1:]
    return torch.cat([sums[:, :3], p - a * u - b * v, q - b * u - c * v, sums[:, 5:]], 1)


def _solved(sums: Stack) -> tuple[Stack, Stack]:
    """Displacement (n, 2, h, w) and how sure it is, from the windows' sums of products."""
    a, b, c, p, q, ring = (sums[:, n : n + 1] for n in range(6))
    a, c = a + RIDGE, c + RIDGE
    area = (a * c - b * b).clamp_min(1e-6)
    moved = torch.cat([c * p - b * q, a * q - b * p], 1) / area
    length = moved.square().sum(1, keepdim=True).sqrt()
    least = area / (a + c)
    return moved * (LONGEST / length.clamp_min(LONGEST)), least / (least + TEXTURE) * ring
