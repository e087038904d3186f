"""Removal: things composited to move through shots, taken out again under their true masks, against the very truth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from evals.bench._rows import BenchRow, row
from evals.bench.fill._clips import write_sheet
from evals.bench.fill._moving import Planted, case_names, plant
from evals.bench.fill._scores import decibel, squared_error
from evals.bench.fill._ways import WAYS
from tools.editors import gate
from tools.editors.local.plate import make_take
from tools.types import Bits, Edit, Frozen, Rgb
from tools.vision.checks import verify
from tools.vision.measure import measure_region

SHOWN = 0.9
"""`revealed` from which other frames hold what the thing hides."""
WORKERS = 2
PLATE, OTHERS = "plate", ("flow propagation", "homography plate")


class Removed(Frozen):
    """One thing taken out: PSNR in dB of the hole alone by way, and how the grained fill came through gate and checks.

    `outside` is the largest difference outside the mask before the encode, in code values; `failed` names the checks
    that do not hold.
    """

    case: str
    coverage: float
    revealed: float
    psnr: dict[str, float]
    outside: int
    failed: tuple[str, ...]

    @property
    def shown(self) -> bool:
        return self.revealed >= SHOWN


def measure_removal(folder: Path, tell: Callable[[str], None], cases: Sequence[str] | None = None) -> list[Removed]:
    """Every case by the plate and the floors that borrow, two side by side; contact sheets are left in `folder`."""
    found = []
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        for one in pool.map(partial(remove, folder=folder), case_names() if cases is None else cases):
            told = ", ".join(f"{way} {psnr:.2f} dB" for way, psnr in one.psnr.items())
            tell(f"removal of {one.case}, revealed {one.revealed:.2f}: {told}")
            found.append(one)
    return found


def remove(case: str, folder: Path) -> Removed:
    """Makes one case, takes its thing out in every way, and leaves a contact sheet and its films below `folder`."""
    work = folder / "work" / case
    work.mkdir(parents=True)
    return _removed(plant(case, work), work, folder)


def _removed(planted: Planted, work: Path, folder: Path) -> Removed:
    before, truth, masks = planted.pictures(planted.before), planted.pictures(planted.truth), planted.masks
    region = measure_region(planted.clip, planted.track)
    films = {PLATE: _plated(planted, work)} | {way: list(WAYS[way](_blanked(before, masks), masks)) for way in OTHERS}
    outside, failed = _gated(planted, work)
    psnr = {way: round(hole_psnr(film, truth, masks), 3) for way, film in films.items()}
    shown = {f"{planted.name}, before": before, f"{PLATE}, {psnr[PLATE]:.1f} dB in the hole": films[PLATE]}
    write_sheet(folder / f"removal-{planted.name}.png", shown | {"truth": truth})
    return Removed(
        case=planted.name,
        coverage=round(region.coverage_mean, 4),
        revealed=round(region.revealed, 4),
        psnr=psnr,
        outside=outside,
        failed=failed,
    )


def _blanked(pictures: Sequence[Rgb], masks: Sequence[Bits]) -> list[Rgb]:
    return [np.where(mask[..., None], 0, picture) for picture, mask in zip(pictures, masks, strict=True)]


def hole_psnr(made: Sequence[Rgb], truth: Sequence[Rgb], masks: Sequence[Bits]) -> float:
    """PSNR in dB of all masked pixels of a film together."""
    held = [(squared_error(a, b, m), int(m.sum())) for a, b, m in zip(made, truth, masks, strict=True) if m.any()]
    errors, areas = np.array(held, np.float64).T
    return decibel(float(errors @ areas / areas.sum()))


def _edit(planted: Planted, *, grain: bool) -> Edit:
    return Edit(
        key=f"bench/{planted.name}/{grain}",
        action="inpaint",
        clip=planted.clip,
        mask=planted.mask,
        purpose="remove",
        grain=grain,
        hard_edge=True,
    )


def _plated(planted: Planted, work: Path) -> list[Rgb]:
    """The plate as the editor makes it, grain off, in the source's own planes."""
    (work / "clean").mkdir()
    return planted.pictures(make_take(_edit(planted, grain=False), work / "clean").media)


def _gated(planted: Planted, work: Path) -> tuple[int, tuple[str, ...]]:
    """The plate with grain through the gate: the difference outside before the encode, and the checks that fail."""
    (work / "grained").mkdir()
    edit, out = _edit(planted, grain=True), work / "fixed.mkv"
    done = gate.composite(edit, make_take(edit, work / "grained"), out)
    verdict = verify(planted.clip, out, planted.mask)
    return done.outside_before_encode, tuple(check.name for check in verdict.checks if not check.holds)


def removal_rows(found: Sequence[Removed]) -> list[BenchRow]:
    """Mean PSNR of the holes, where other frames show what is hidden and over all, against each floor."""
    groups = {f"revealed at least {SHOWN}": [one for one in found if one.shown], "all": list(found)}
    return [
        row(f"removal, {name}, against {other}", "dB PSNR of the hole", [_mean(group, PLATE)], [_mean(group, other)])
        for name, group in groups.items()
        if group
        for other in OTHERS
    ]


def _mean(found: Sequence[Removed], way: str) -> float:
    return float(np.mean([one.psnr[way] for one in found]))


def removal_figures(found: Sequence[Removed]) -> dict[str, Any]:
    """The share of fills whose checks hold where other frames show what is hidden, and every case."""
    shown = [one for one in found if one.shown]
    return {
        "checks_hold": round(float(np.mean([not one.failed for one in shown])), 4) if shown else None,
        "outside_identical": all(one.outside == 0 for one in found),
        "removal": [one.model_dump() for one in found],
    }


def main(cases: Sequence[str]) -> None:
    """A line per case: `python -m evals.bench.fill._removal FOLDER [CASE…]`."""
    found = measure_removal(Path(cases[0]), lambda words: print(words, flush=True), cases[1:] or None)
    for one in found:
        print(one.model_dump_json(), flush=True)
    for line in removal_rows(found):
        print(f"{line.what}: {line.value:.2f} against {line.baseline:.2f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
