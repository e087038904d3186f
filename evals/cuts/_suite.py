"""The cuts suite: generated films, labelled footage, this detector and the baseline on the same files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scenedetect import AdaptiveDetector, SceneManager, open_video

from evals.cuts._clips import CLIPS, Footage
from evals.cuts._edit import CutTruth
from evals.cuts._film import FilmMaker, locations, plan_film
from evals.cuts._score import CutScore, matched, score_cuts, total
from tools.media.cuts import find_cuts
from tools.types import Frozen

FILMS = 26
"""Films of a split; five joints each."""
SALT = {"tune": 11, "test": 12}
Finder = Callable[[Path], list[CutTruth]]


class CutCase(Frozen):
    """One film with its joints."""

    id: str
    media: Path
    cuts: tuple[CutTruth, ...]
    tags: tuple[str, ...]


def cut_cases(seed: int, split: str, folder: Path, data: Path | None, films: int = FILMS) -> list[CutCase]:
    """Renders the films of a seed into `folder`; `data` is the folder of real footage, or None where there is none.

    Two films of five are made of real footage where it exists. A split shares no photograph, clip, place or person
    with the other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clips = _footage(split, data)
    return [_case(seed, split, number, folder, clips) for number in range(films)]


def _footage(split: str, data: Path | None) -> list[Footage]:
    return [] if data is None else [Footage.of(data / name) for name in CLIPS[split] if (data / name).exists()]


def _case(seed: int, split: str, number: int, folder: Path, clips: Sequence[Footage]) -> CutCase:
    real = bool(clips) and number % 5 in {1, 3}
    plan = plan_film(np.random.default_rng([seed, SALT[split], number, 0]), number, footage=real)
    rng = np.random.default_rng([seed, SALT[split], number, 1])
    places = locations(np.random.default_rng([seed, SALT[split], number, 2]), split, clips if real else ())
    name = f"{split}-{seed}-{number:02d}"
    media = folder / f"{name}.mp4"
    truths = FilmMaker(plan, rng, places).write(media)
    return CutCase(id=name, media=media, cuts=tuple(truths), tags=plan.tags)


def labelled_cases(data: Path) -> list[CutCase]:
    """The clips whose cuts were written down by hand (labels.json of the footage folder)."""
    labels: dict[str, dict[str, Any]] = json.loads((data / "labels.json").read_text(encoding="utf-8"))["shots"]
    return [
        CutCase(
            id=name, media=data / name, cuts=tuple(CutTruth(frame=frame) for frame in shot["cuts"]), tags=("labelled",)
        )
        for name, shot in sorted(labels.items())
    ]


def ours(media: Path) -> list[CutTruth]:
    """What `find_cuts` says."""
    return [CutTruth(frame=shot.first, over=shot.over) for shot in find_cuts(media).shots[1:]]


def adaptive(media: Path) -> list[CutTruth]:
    """What PySceneDetect's AdaptiveDetector says, everything at its defaults."""
    manager = SceneManager()
    manager.add_detector(AdaptiveDetector())
    manager.detect_scenes(open_video(str(media)))
    return [CutTruth(frame=start.frame_num) for start, _ in manager.get_scene_list()[1:]]


def judge(case: CutCase, finder: Finder) -> tuple[CutScore, dict[str, Any]]:
    """A case's score, and what was found, missed and false, as JSON."""
    found = finder(case.media)
    pairs, false = matched(case.cuts, found)
    told = {
        "found": [one.model_dump() for one in found],
        "missed": [joint.model_dump() for joint, one in pairs if one is None],
        "false": [one.model_dump() for one in false],
    }
    return score_cuts(case.cuts, found), told
