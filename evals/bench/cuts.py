"""`find_cuts` against PySceneDetect's AdaptiveDetector through its own reader: time per frame, and F1."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from evals.bench._rows import BenchRow, Measured, in_turn, row
from evals.cuts import CutScore, CutTruth, score_cuts
from evals.cuts._film import FilmMaker, locations, plan_film, write_h264
from evals.cuts._score import total
from evals.cuts._setups import Size
from evals.cuts._suite import adaptive, ours
from tools.types import Rgb

SIZES: dict[str, Size] = {"480p": (854, 480), "1080p": (1920, 1080)}
FILMS = 2
RUNS = 3
SEED = 7
QUALITY = 23
"""x264's constant rate factor."""


def measure(folder: Path, tell: Callable[[str], None]) -> Measured:
    """Rows per size: processor and wall time per frame, and F1 on the same films."""
    rows: list[BenchRow] = []
    for name, size in SIZES.items():
        tell(f"{name}: rendering")
        films = [_film(number, size, folder / f"{name}-{number}.mp4") for number in range(FILMS)]
        tell(f"{name}: {RUNS} runs of both")
        rows.extend(_compared(name, films))
    return Measured(rows=tuple(rows))


def _compared(name: str, films: Sequence[tuple[Path, list[CutTruth], int]]) -> list[BenchRow]:
    frames = sum(count for _, _, count in films)
    scores: dict[str, float] = {}
    mine, baseline = in_turn(
        lambda: scores.update(ours=_scores(films, ours).f1),
        lambda: scores.update(baseline=_scores(films, adaptive).f1),
        RUNS,
    )
    return [
        row(f"{name} processor time", "ms/frame", [p for p, _ in mine], [p for p, _ in baseline], 1000 / frames),
        row(f"{name} wall time", "ms/frame", [w for _, w in mine], [w for _, w in baseline], 1000 / frames),
        row(f"{name} F1", "share", [scores["ours"]], [max(scores["baseline"], 1e-3)]),
    ]


def _scores(films: Sequence[tuple[Path, list[CutTruth], int]], detector: Callable[[Path], list[CutTruth]]) -> CutScore:
    scores = []
    for media, truths, _ in films:
        os.utime(media)  # so that nothing remembered about the file from the run before is used
        scores.append(score_cuts(truths, detector(media)))
    return total(scores)


def _film(number: int, size: Size, media: Path) -> tuple[Path, list[CutTruth], int]:
    """A film of the cuts suite's kind, enlarged, with noise of the larger size's own."""
    plan = replace(plan_film(np.random.default_rng([SEED, number]), number, footage=False), size=(480, 270))
    places = locations(np.random.default_rng([SEED, number, 2]), "test", ())
    maker = FilmMaker(plan, np.random.default_rng([SEED, number, 1]), places)
    count = 0

    def enlarged() -> Iterator[Rgb]:
        nonlocal count
        noise = np.random.default_rng([SEED, number, 3]).integers(-1, 2, (size[1], size[0], 1), np.int16)
        for picture in maker.pictures():
            count += 1
            larger = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
            yield np.asarray(np.clip(larger + np.roll(noise, 7919 * count), 0, 255), np.uint8)

    write_h264(media, enlarged(), plan.rate, QUALITY)
    return media, maker.truths, count
