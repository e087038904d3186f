"""Sizes and motions of faults, measured on the `continuity` suite's own films: writes faults.toml.

Every labelled error of a split's films is measured under its label's mask by the code that measures a finding
(`agent.evidence`), and kept with the action that its label asks for by true geometry. Run again with

    python -m evals.bench.policy._draws evals/bench/policy/faults.toml
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent.evidence import keeper, region_evidence
from agent.project import load_film, open_project
from agent.schema import Shot
from evals.labels import ErrorLabel, read_labels
from evals.plant import plant_film
from evals.runner import Plan
from evals.studio.cast import render_film
from evals.suites.continuity import FRAMES, SHOTS, SIZE, FilmCase, film_cases
from tools.media.masks import read_track

PLAN = Plan(suite="continuity", split="tune", seed=7)
HEADING = """\
# Faults as the continuity suite draws them: every error of its {films} films of split {split}, seed {seed}, measured
# under its label's mask; `action` is the label's, by true geometry. Speeds are shares of the frame diagonal per 1/24 s.
# Made by `python -m evals.bench.policy._draws FILE`.

version = 1
"""


def measured(case: FilmCase, folder: Path) -> Iterator[dict[str, object]]:
    """The rows of one film, which is rendered and planted into an empty folder."""
    clean, film = folder / "rendered", folder / "film"
    render_film(
        clean,
        seed=case.seed,
        split=PLAN.split,
        kind=case.kind,  # type: ignore[arg-type]
        shots=SHOTS,
        frames=FRAMES,
        size=SIZE,
        errors=case.rendered,
    )
    plant_film(clean, film, seed=case.seed, errors=case.planted) if case.planted else clean.rename(film)
    shots = {shot.id: shot for shot in load_film(open_project(film)).shots}
    for name, label in read_labels(film).shots.items():
        for error in label.errors:
            yield {"family": case.families[name], **_row(film, shots[name], error)}


def _row(film: Path, shot: Shot, error: ErrorLabel) -> dict[str, object]:
    evidence = region_evidence(shot.clip, read_track(film / error.mask), keeper(shot.clip.frames, ()))
    return {
        "category": error.category,
        "action": error.action,
        "frames": list(evidence.frames),
        "shot_frames": evidence.shot_frames,
        "in_view": evidence.in_view,
        "coverage_mean": round(evidence.coverage_mean, 5),
        "coverage_max": round(evidence.coverage_max, 5),
        "image": round(evidence.motion.image, 6),
        "subject": round(evidence.motion.subject, 6),
        "camera": round(evidence.motion.camera, 6),
        "revealed": round(evidence.revealed, 4),
        "sharpness": round(evidence.sharpness, 4),
    }


def write(path: Path) -> None:
    """Measures all films, one after the other, and writes the table."""
    cases = film_cases(PLAN)
    lines = [HEADING.format(films=len(cases), split=PLAN.split, seed=PLAN.seed).rstrip()]
    for case in cases:
        folder = Path(tempfile.mkdtemp(prefix="suture-draws-"))
        for row in measured(case, folder):
            fields = [f"{name} = {json.dumps(value)}" for name, value in row.items()]
            lines.append("\n".join(["[[fault]]", *fields]))
            path.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
        shutil.rmtree(folder)
        print(f"{case.id}: {len(lines) - 1} faults", file=sys.stderr, flush=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
