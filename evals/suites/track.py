"""The track suite: the planted things of the continuity suite's films, followed from one frame's mask.

The true mask of one frame is given, drawn by seed from those that show the thing well; the other frames are scored. A
loss counts as right where the thing is absent or the tracker's best guess misses it. Errors of one frame or of the
whole frame have no region to be followed and are left out.
"""

from __future__ import annotations

import shutil
import time
import zlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from agent.project import load_film, open_project
from agent.schema import Shot
from evals.labels import ErrorLabel, read_labels
from evals.runner import CaseLine, Plan, Row
from evals.statistics import interval, mean
from evals.suites._track_scores import Score, scored
from evals.suites.continuity import film_cases, made_film
from tools.media.masks import read_track
from tools.types import MaskTrack
from tools.vision.track import Track, follow

FILMS = 24
WELL = 0.5
"""Share of its largest area from which on a frame shows the thing well enough to be marked in it."""
FOUND = 0.5
"""Mean overlap from which on the page counts a thing as followed."""
Carrier = Literal["carried", "worn", "unsteady", "missing"]
CARRIERS: dict[str, Carrier] = {
    "background-patch": "carried",
    "text-logo": "carried",
    "recoloured-garment": "worn",
    "swapped-prop": "worn",
    "wrong-panel": "worn",
    "stale-reference": "worn",
    "melt": "unsteady",
    "region-flicker": "unsteady",
    "missing-prop": "missing",
}
"""What a family's region is: a thing stuck to a surface, a thing on a person, a surface that changes, or the place on a
person where a thing is missing. `stray-object` is worn where the studio renders it and carried where it is planted."""


@dataclass(frozen=True, slots=True)
class TrackSuite:
    """`suture eval track`."""

    name: str = "track"

    def cases(self, plan: Plan) -> Sequence[str]:
        return [case.id for case in film_cases(plan)[:FILMS]]

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Makes one film and follows every region of its labels; the film is deleted, a strip of each shot stays."""
        start = time.perf_counter()
        film, families, kind = made_film(plan, case, folder)
        made = time.perf_counter()
        planted = next(c.planted for c in film_cases(plan) if c.id == case)
        rows = follow_film(film, families, kind, planted=planted, seed=plan.seed)
        shutil.rmtree(film, ignore_errors=True)
        seconds = {"make": round(made - start, 3), "follow": round(time.perf_counter() - made, 3)}
        return CaseLine(case=case, rows=tuple({**row, "case": case} for row in rows), seconds=seconds)

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        return {"suite": self.name, "split": plan.split, "seed": plan.seed, **summary_of(_rows(lines))}


def _rows(lines: Sequence[CaseLine]) -> list[Row]:
    return [row for line in lines for row in line.rows]


def follow_film(film: Path, families: Mapping[str, str], kind: str, *, planted: Container[str], seed: int) -> list[Row]:
    """One row per region of a labelled film; `planted` names the shots whose error was planted, not rendered."""
    return [
        _followed(film, shot, error, (families[shot.id], kind, shot.id in planted), seed)
        for shot, error in _regions(film, families)
    ]


def _regions(film: Path, families: Mapping[str, str]) -> list[tuple[Shot, ErrorLabel]]:
    """The shots whose error has a region of its own for a stretch of frames."""
    labels = read_labels(film).shots
    shots = load_film(open_project(film)).shots
    followed = {*CARRIERS, "stray-object"}
    return [(s, labels[s.id].errors[0]) for s in shots if families.get(s.id) in followed and labels[s.id].errors]


def marked_frame(truth: MaskTrack, rng: np.random.Generator) -> int:
    """A frame that shows the thing well."""
    areas = {index: int(bits.sum()) for index, (_, bits) in truth.crops.items()}
    return int(rng.choice([index for index, area in areas.items() if area >= WELL * max(areas.values())]))


def _followed(film: Path, shot: Shot, error: ErrorLabel, what: tuple[str, str, bool], seed: int) -> Row:
    """The row of one region; its strip of frames lies beside the film."""
    from evals.suites._track_pictures import write_strip  # noqa: PLC0415 - pictures load when a suite runs

    family, kind, planted = what
    truth = read_track(film / error.mask)
    given = marked_frame(truth, np.random.default_rng([seed, zlib.crc32(film.parent.name.encode()), int(shot.id[2:])]))
    track = follow(shot.clip, given, truth.at(given))
    scores = scored(track, truth, [index for index in range(shot.clip.frames) if index != given])
    picture = write_strip(film.parent / f"{shot.id}.jpg", shot.clip, truth, track, given)
    carrier = CARRIERS.get(family, "carried" if planted else "worn")
    figures = {"carrier": carrier, "given": given, **_row(family, scores, truth, track)}
    return {"shot": shot.id, "kind": kind, **figures, "picture": picture}


def _row(family: str, scores: Sequence[Score], truth: MaskTrack, track: Track) -> Row:
    """`errors` and `false` are in the words of the run's page."""
    iou = mean([score.iou for score in scores if score.iou is not None])
    return {
        "family": family,
        "iou": iou,
        "edge": mean([score.edge for score in scores if score.edge is not None]),
        "overlaps": [None if s.iou is None else round(s.iou, 3) for s in scores],
        "confidence": [round(track.confidence[s.index], 3) for s in scores],
        "declared": [s.index for s in scores if s.declared],
        "lost": [s.index for s in scores if s.lost],
        "errors": [
            {"family": family, "hit": iou is not None and iou >= FOUND, "iou": iou or 0.0, "size": truth.coverage[1]}
        ],
        "false": [],
    }


Figure = Callable[[Sequence[Row]], float | None]


def mean_iou(rows: Sequence[Row]) -> float | None:
    """Over all frames that show the thing, the marked one left out."""
    return mean([value for row in rows for value in row["overlaps"] if value is not None])


def mean_edge(rows: Sequence[Row]) -> float | None:
    return mean([row["edge"] for row in rows if row["edge"] is not None])


def lost_precision(rows: Sequence[Row]) -> float | None:
    """Share of the frames declared lost that were."""
    return mean([float(index in row["lost"]) for row in rows for index in row["declared"]])


def lost_recall(rows: Sequence[Row]) -> float | None:
    """Share of the lost frames that were declared."""
    return mean([float(index in row["declared"]) for row in rows for index in row["lost"]])


FIGURES: dict[str, Figure] = {"iou": mean_iou, "boundary": mean_edge}


def summary_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Figures over all regions and by carrier, family and kind of film; intervals are drawn by region."""
    things = [row for row in rows if row["carrier"] != "missing"]
    return {
        "regions": len(rows),
        "follow": {**_figures(things), "ci95": {name: interval(things, figure) for name, figure in FIGURES.items()}},
        "lost": _lost(rows),
        "families": {name: _table_row(some) for name, some in _grouped(rows, "carrier", "family").items()},
        "kinds": {name: _table_row(some) for name, some in _grouped(rows, "kind").items()},
    }


def _figures(rows: Sequence[Row]) -> Row:
    worst = [row["iou"] for row in rows if row["iou"] is not None]
    return {
        "n": len(rows),
        **{name: figure(rows) for name, figure in FIGURES.items()},
        "under_half": mean([float(value < FOUND) for value in worst]),
    }


def _lost(rows: Sequence[Row]) -> Row:
    return {
        "precision": lost_precision(rows),
        "recall": lost_recall(rows),
        "declared": sum(len(row["declared"]) for row in rows),
        "frames": sum(len(row["lost"]) for row in rows),
        "ci95": {"precision": interval(rows, lost_precision), "recall": interval(rows, lost_recall)},
    }


def _table_row(rows: Sequence[Row]) -> Row:
    lost = {"lost_precision": lost_precision(rows), "lost_recall": lost_recall(rows)}
    return {**_figures(rows), "ci95": interval(rows, mean_iou), **lost}


def _grouped(rows: Sequence[Row], *keys: str) -> dict[str, list[Row]]:
    """Rows by each key's values, key after key."""
    groups: dict[str, list[Row]] = {}
    for key in keys:
        for row in sorted(rows, key=lambda row: str(row[key])):
            groups.setdefault(str(row[key]), []).append(row)
    return groups
