"""The cuts suite: generated films, labelled footage, this detector and the baseline on the same files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scenedetect import AdaptiveDetector, SceneManager, open_video

from evals.cuts._clips import footage
from evals.cuts._edit import CutTruth
from evals.cuts._film import FilmMaker, locations, plan_film
from evals.cuts._score import CutScore, matched, score_cuts, total
from evals.statistics import interval
from tools.media.cuts import find_cuts
from tools.types import Frozen

FILMS = 26
"""Films of a split; five joints each."""
SALT = {"tune": 11, "test": 12}
LABELLED = "labelled"
Row = dict[str, Any]


class CutCase(Frozen):
    """One film with its joints."""

    id: str
    media: Path
    cuts: tuple[CutTruth, ...]
    tags: tuple[str, ...]


def cut_cases(seed: int, split: str, folder: Path, data: Path | None) -> list[CutCase]:
    """Renders the films of a seed into `folder`; `data` is the folder of real footage, or None where there is none.

    Two films of five are made of real footage where it exists. A split shares no photograph, clip, place or person
    with the other.
    """
    return [make_case(name, seed, split, folder, data) for name in case_names(None)]


def case_names(data: Path | None) -> list[str]:
    """Generated films, and the labelled clips of `data`."""
    return [*(f"film{number:02d}" for number in range(FILMS)), *(_labels(data) if data else ())]


def make_case(name: str, seed: int, split: str, folder: Path, data: Path | None) -> CutCase:
    """One case of `case_names`: renders the film into `folder`, or finds the clip in `data`."""
    if data and not name.startswith("film"):
        truths = tuple(CutTruth(frame=frame) for frame in _labels(data)[name]["cuts"])
        return CutCase(id=name, media=data / name, cuts=truths, tags=(LABELLED,))
    folder.mkdir(parents=True, exist_ok=True)
    number, clips = int(name.removeprefix("film")), footage(split, data)
    real = bool(clips) and number % 5 in {1, 3}
    source = [seed, SALT[split], number]
    plan = plan_film(np.random.default_rng([*source, 0]), number, footage=real)
    places = locations(np.random.default_rng([*source, 2]), split, clips if real else ())
    media = folder / f"{split}-{seed}-{name}.mp4"
    truths = tuple(FilmMaker(plan, np.random.default_rng([*source, 1]), places).write(media))
    return CutCase(id=name, media=media, cuts=truths, tags=plan.tags)


def _labels(data: Path) -> dict[str, dict[str, Any]]:
    """The clips whose cuts were written down by hand."""
    labels: dict[str, dict[str, Any]] = json.loads((data / "labels.json").read_text(encoding="utf-8"))["shots"]
    return dict(sorted(labels.items()))


def ours(media: Path) -> list[CutTruth]:
    """What `find_cuts` says."""
    return [CutTruth(frame=shot.first, over=shot.over) for shot in find_cuts(media).shots[1:]]


def adaptive(media: Path) -> list[CutTruth]:
    """What PySceneDetect's AdaptiveDetector says, everything at its defaults."""
    manager = SceneManager()
    manager.add_detector(AdaptiveDetector())
    manager.detect_scenes(open_video(str(media)))
    return [CutTruth(frame=start.frame_num) for start, _ in manager.get_scene_list()[1:]]


DETECTORS: dict[str, Callable[[Path], list[CutTruth]]] = {"ours": ours, "adaptive": adaptive}


def judged(case: CutCase) -> Row:
    """A case's line: per detector its counts and what it missed and made up."""
    row: Row = {"case": case.id, "tags": list(case.tags), "cuts": [cut.model_dump() for cut in case.cuts]}
    for name, detector in DETECTORS.items():
        found = detector(case.media)
        pairs, false = matched(case.cuts, found)
        row[name] = {
            "score": score_cuts(case.cuts, found).model_dump(),
            "missed": [joint.model_dump() for joint, one in pairs if one is None],
            "false": [one.model_dump() for one in false],
        }
    return row


def summary(rows: Sequence[Row], seed: int, split: str) -> Row:
    """The suite's result: generated films and hand-labelled clips apart, the baseline beside."""
    made = [row for row in rows if LABELLED not in row["tags"]]
    labelled = [row for row in rows if LABELLED in row["tags"]]
    figures = {name: _figures(made, name) for name in DETECTORS}
    return {
        "suite": "cuts",
        "split": split,
        "seed": seed,
        "films": len(made),
        "joints": sum(len(row["cuts"]) for row in made),
        "cuts": {**figures["ours"], "margin": round(figures["ours"]["f1"] - figures["adaptive"]["f1"], 4)},
        "baseline": {"name": "PySceneDetect AdaptiveDetector", **figures["adaptive"]},
        "families": _families(made),
        "labelled": {"clips": len(labelled), **_figures(labelled, "ours")} if labelled else None,
    }


def _figures(rows: Sequence[Row], detector: str) -> Row:
    score = _score(rows, detector)
    return {
        "tp": score.tp,
        "fp": score.fp,
        "fn": score.fn,
        "precision": round(score.precision, 4),
        "recall": round(score.recall, 4),
        "f1": round(score.f1, 4),
        "ci95": interval(rows, lambda drawn: _score(drawn, detector).f1),
        "extent_iou": round(score.extent_iou, 4),
    }


def _score(rows: Sequence[Row], detector: str) -> CutScore:
    return total(CutScore.model_validate(row[detector]["score"]) for row in rows)


def _families(rows: Sequence[Row]) -> Row:
    """Per tag of a film: films, and what went wrong in them."""
    table = {}
    for tag in sorted({tag for row in rows for tag in row["tags"]}):
        score = _score([row for row in rows if tag in row["tags"]], "ours")
        table[tag] = {"n": score.tp + score.fn, "recall": round(score.recall, 4), "false": score.fp}
    return table


def run_cuts(seed: int, split: str, out: Path, data: Path | None) -> Row:
    """The whole suite in one process; films are made in `out` and deleted once they are judged."""
    rows = []
    for name in case_names(data):
        case = make_case(name, seed, split, out, data)
        rows.append(judged(case))
        if LABELLED not in case.tags:
            case.media.unlink()
    return summary(rows, seed, split)
