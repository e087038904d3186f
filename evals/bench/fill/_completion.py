"""Completion: a still mask over moving footage at 432x240, every way on the same frames, against the whole truth."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evals.bench._rows import BenchRow, row
from evals.bench.fill._alone import Ran, alone, completed
from evals.bench.fill._clips import Footage, clip_names, completion, write_sheet
from evals.bench.fill._moving import write_film
from evals.bench.fill._scores import Moves, ssim, truth_moves, warp_error, whole_psnr
from evals.bench.fill._ways import FLOORS, WAYS
from tools.types import Clip, Frozen, Rgb
from tools.vision.checks import LIMITS, verify

PLATE, GRAINY, TELEA = "plate", "plate with grain", "Telea"


class Completed(Frozen):
    """How one way filled one clip; `cost` is its time over that of two passes of DIS flow in the same process.

    `grain` is the grain check's value for the fill with grain: octaves between its grain and that around it.
    """

    clip: str
    way: str
    psnr: float
    ssim: float
    warp_error: float
    frames_per_second: float
    cost: float
    peak_mb: float
    grain: float | None = None


def measure_completion(folder: Path, tell: Callable[[str], None]) -> list[Completed]:
    """Every way over every clip; a contact sheet of each clip is left in `folder`."""
    return [one for clip in clip_names() for one in _of_clip(completion(clip), folder, tell)]


def _of_clip(footage: Footage, folder: Path, tell: Callable[[str], None]) -> Iterator[Completed]:
    moves, clip = truth_moves(footage.truth), footage.name
    for way in WAYS:
        ran = alone(completed, clip, way)
        octaves = grain_of(footage, ran.pictures, folder / "work" / clip) if way == GRAINY else None
        one = _scored(footage, way, ran, moves).model_copy(update={"grain": octaves})
        speed = f"{one.frames_per_second:.1f} f/s, {one.cost:.1f} passes of flow"
        tell(f"completion of {clip}: {way} {one.psnr:.2f} dB, {speed}")
        if way == PLATE:
            filled = f"{way}, {one.psnr:.1f} dB in the whole frame"
            films = {f"{clip}, blanked": footage.blanked, filled: ran.pictures, "truth": footage.truth}
            write_sheet(folder / f"completion-{clip}.png", films)
        yield one


def grain_of(footage: Footage, made: Sequence[Rgb], folder: Path) -> float:
    """The grain check of `suture verify` for a fill, in octaves."""
    folder.mkdir(parents=True)
    before, after = folder / "before.mkv", folder / "after.mkv"
    write_film(before, footage.blanked)
    write_film(after, made)
    clip = Clip(media=before, first=0, last=len(made) - 1)
    return next(c.value for c in verify(clip, after, footage.masks).checks if c.name == "grain")


def _scored(footage: Footage, way: str, ran: Ran, moves: Moves) -> Completed:
    truth = footage.truth
    return Completed(
        clip=footage.name,
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
    octaves = {one.clip: one.grain for one in found if one.grain is not None}
    return {
        "gain_over_telea": round(float(gain), 3),
        "grain_drop": drop,
        "grain_check": {"limit": LIMITS["grain"], "octaves": octaves},
        "completion": [one.model_dump() for one in found],
    }


def main(words: Sequence[str]) -> None:
    """PSNR, speed and time in passes of flow per clip: `python -m evals.bench.fill._completion [CLIP…] [WAY…]`."""
    ways = [word for word in words if word in WAYS] or list(WAYS)
    print(f"{'clip':<14}" + "".join(f"{way:>30}" for way in ways), flush=True)
    for name in [word for word in words if word not in WAYS] or clip_names():
        print(f"{name:<14}", end="", flush=True)
        for way in ways:
            ran = alone(completed, name, way)
            told = f"{whole_psnr(ran.pictures, completion(name).truth):.2f} dB {ran.rate:.1f} f/s {ran.cost:.1f} passes"
            print(f"{told:>30}", end="", flush=True)
        print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
