"""Completion: a still mask over moving footage at 432x240, every way on the same frames, against the whole truth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evals.bench._rows import BenchRow, row
from evals.bench.fill._alone import Ran, alone, completed
from evals.bench.fill._clips import clip_names, completion, write_sheet
from evals.bench.fill._scores import Moves, ssim, truth_moves, warp_error, whole_psnr
from evals.bench.fill._ways import FLOORS, WAYS
from tools.types import Frozen, Rgb

PLATE, GRAINY, TELEA = "plate", "plate with grain", "Telea"


class Completed(Frozen):
    """How one way filled one clip; `cost` is its time over that of two passes of DIS flow in the same process."""

    clip: str
    way: str
    psnr: float
    ssim: float
    warp_error: float
    frames_per_second: float
    cost: float
    peak_mb: float


def measure_completion(folder: Path, tell: Callable[[str], None]) -> list[Completed]:
    """Every way over every clip; a contact sheet of each clip is left in `folder`."""
    found: list[Completed] = []
    for clip in clip_names():
        truth = completion(clip).truth
        moves = truth_moves(truth)
        ran: dict[str, Ran] = {}
        for way in WAYS:
            ran[way] = alone(completed, clip, way)
            found.append(_scored(clip, way, ran[way], truth, moves))
            tell(f"completion of {clip}: {way} {found[-1].psnr:.2f} dB, {found[-1].frames_per_second:.1f} f/s")
        write_sheet(folder / f"completion-{clip}.png", [completion(clip).blanked, ran[PLATE].pictures, truth])
    return found


def _scored(clip: str, way: str, ran: Ran, truth: Sequence[Rgb], moves: Moves) -> Completed:
    return Completed(
        clip=clip,
        way=way,
        psnr=round(whole_psnr(ran.pictures, truth), 3),
        ssim=round(ssim(ran.pictures, truth), 4),
        warp_error=round(warp_error(ran.pictures, moves), 3),
        frames_per_second=round(ran.rate, 2),
        cost=round(ran.cost, 2),
        peak_mb=round(ran.peak, 1),
    )


def completion_rows(found: Sequence[Completed]) -> list[BenchRow]:
    """The plate against the best floor of each clip and Telea over all, its grain, and its time against flow's."""
    clips = list(dict.fromkeys(one.clip for one in found))
    by = {(one.clip, one.way): one for one in found}
    psnr = {way: [by[clip, way].psnr for clip in clips] for way in WAYS}
    mean = {way: float(np.mean(values)) for way, values in psnr.items()}
    best = [max(by[clip, way].psnr for way in FLOORS) for clip in clips]
    rows = [
        row(f"completion of {clip}, against the best floor", "dB PSNR", [ours], [floor])
        for clip, ours, floor in zip(clips, psnr[PLATE], best, strict=True)
    ]
    cost = [by[clip, PLATE].cost for clip in clips]
    return [
        *rows,
        row("completion, mean, against Telea", "dB PSNR", [mean[PLATE]], [mean[TELEA]]),
        row("completion, mean, with grain against without", "dB PSNR", [mean[GRAINY]], [mean[PLATE]]),
        row("plate's time against two passes of DIS flow", "passes", cost, [1.0] * len(clips)),
    ]


def completion_figures(found: Sequence[Completed]) -> dict[str, Any]:
    """Gains over Telea in dB, and everything measured."""
    by = {(one.clip, one.way): one.psnr for one in found}
    clips = list(dict.fromkeys(one.clip for one in found))
    gain = np.mean([by[clip, PLATE] - by[clip, TELEA] for clip in clips])
    drop = {clip: round(by[clip, PLATE] - by[clip, GRAINY], 3) for clip in clips}
    return {"gain_over_telea": round(float(gain), 3), "grain_drop": drop, "completion": [o.model_dump() for o in found]}


def main(words: Sequence[str]) -> None:
    """A row of whole-frame PSNR and speed per clip: `python -m evals.bench.fill._completion [CLIP…] [WAY…]`."""
    ways = [word for word in words if word in WAYS] or list(WAYS)
    print(f"{'clip':<14}" + "".join(f"{way:>24}" for way in ways), flush=True)
    for name in [word for word in words if word not in WAYS] or clip_names():
        print(f"{name:<14}", end="", flush=True)
        for way in ways:
            ran = alone(completed, name, way)
            told = f"{whole_psnr(ran.pictures, completion(name).truth):.2f} dB {ran.rate:.1f} f/s"
            print(f"{told:>24}", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
