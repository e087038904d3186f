"""The continuity suite: rendered and photographic films with labelled errors, judged shot by shot.

A case is one film of nine shots from two or three set-ups: six carry an error each, three are clean controls with the
confounders of real footage. The film goes through the whole way to the decision (`suture pass` without its repairs).
Tune and test films share no character, backdrop or photograph.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from agent.schema import PassResult
from evals.labels import read_labels
from evals.runner import CaseLine, Plan, Row
from evals.suites._continuity_figures import summary_of
from evals.suites._continuity_match import judged
from tools.types import Frozen

FILMS, SHOTS, ERRORS = 36, 9, 6
FRAMES, SIZE = 24, (640, 360)
ALONE = "SH050"
"""The shot whose set-up no other one returns to where the film has three (`evals.studio.cast`)."""
TOLD_BY_OTHERS = ("background-patch", "text-logo", "light-shift", "grade-mismatch", "mirrored")
"""Families that nothing but another shot of the same set-up contradicts."""
CRFS = (18, 26)
"""H.264 quality that a film's plants are encoded at; one of the two per film."""


class FilmCase(Frozen):
    """What one film is made of: shot → family, rendered or planted into the rendered film."""

    id: str
    kind: str
    seed: int
    rendered: dict[str, str]
    planted: dict[str, str]

    @property
    def families(self) -> dict[str, str]:
        return {**self.rendered, **self.planted}


def film_cases(plan: Plan) -> list[FilmCase]:
    """The plan's films; families go round so that each comes up equally often, their shots are drawn by seed."""
    from evals.plant import FAMILIES as PLANTED  # noqa: PLC0415 - the studio loads when a suite runs
    from evals.studio.cast import FAMILIES as RENDERED  # noqa: PLC0415

    names = tuple(dict.fromkeys((*RENDERED, *PLANTED)))
    offset = 0 if plan.split == "tune" else 5
    cases = []
    for number in range(FILMS):
        rng = np.random.default_rng([plan.seed, plan.split == "test", number])
        shots = [f"SH{10 * (int(n) + 1):03d}" for n in sorted(rng.permutation(SHOTS)[:ERRORS])]
        turns = [divmod(offset + number * ERRORS + n, len(names)) for n in range(ERRORS)]
        mine = [(names[at], _is_rendered(names[at], lap, RENDERED, PLANTED)) for lap, at in turns]
        pairs = _told_by_others(list(zip((str(shot) for shot in rng.permutation(shots)), mine, strict=True)))
        cases.append(
            FilmCase(
                id=f"film-{number:02d}",
                kind="photographic" if number % 4 == 3 else "rendered",
                seed=int(rng.integers(1, 2**31)),
                rendered={shot: family for shot, (family, first) in pairs if first},
                planted={shot: family for shot, (family, first) in pairs if not first},
            )
        )
    return cases


def _is_rendered(family: str, lap: int, rendered: Sequence[str], planted: Sequence[str]) -> bool:
    """Whether the studio renders a family or it is planted; what both can do they do in turn."""
    return family in rendered and (family not in planted or lap % 2 == 0)


def _told_by_others(pairs: list[tuple[str, tuple[str, bool]]]) -> list[tuple[str, tuple[str, bool]]]:
    """Shots and their families, with what only other shots of the set-up contradict kept out of the shot that may have
    a set-up of its own: nobody could tell that it is wrong there."""
    families = dict(pairs)
    if ALONE in families and families[ALONE][0] in TOLD_BY_OTHERS:
        other = next((shot for shot, (family, _) in pairs if family not in TOLD_BY_OTHERS), None)
        if other is not None:
            families[ALONE], families[other] = families[other], families[ALONE]
    return list(families.items())


@dataclass(frozen=True, slots=True)
class Continuity:
    """`suture eval continuity`."""

    name: str = "continuity"

    def cases(self, plan: Plan) -> Sequence[str]:
        return plan.cases or [case.id for case in film_cases(plan)]

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Renders, plants, inspects and judges one film; the film is deleted, pictures of what was judged stay."""
        start = time.perf_counter()
        film, families, kind = _own(case, folder) if plan.cases else made_film(plan, case, folder)
        made = time.perf_counter()
        result = inspected(film, plan)
        looked = time.perf_counter()
        rows = with_model(judged(film, read_labels(film), result, families, kind=kind, case=folder.name), result)
        _keep_pictures(film, rows, folder)
        shutil.rmtree(film, ignore_errors=True)
        return CaseLine(case=case, rows=tuple(rows), seconds=_seconds(start, made, looked, time.perf_counter()))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        rows = [row for line in lines for row in line.rows]
        figures = {"suite": self.name, "split": plan.split, "seed": plan.seed, **summary_of(rows)}
        return {**figures, "model": told} if (told := model_figures(rows)) else figures


def _seconds(*marks: float) -> dict[str, float]:
    names = ("make", "inspect", "judge")
    return {name: round(b - a, 3) for name, (a, b) in zip(names, pairwise(marks), strict=True)}


def made_film(plan: Plan, case: str, folder: Path) -> tuple[Path, Mapping[str, str], str]:
    """The film of a case, rendered and planted."""
    from evals.plant import plant_film  # noqa: PLC0415
    from evals.studio.cast import render_film  # noqa: PLC0415

    one = next(c for c in film_cases(plan) if c.id == case)
    clean, film = folder / "rendered", folder / "film"
    render_film(
        clean,
        seed=one.seed,
        split=plan.split,
        kind=one.kind,  # type: ignore[arg-type]
        shots=SHOTS,
        frames=FRAMES,
        size=SIZE,
        errors=one.rendered,
    )
    if not one.planted:
        clean.rename(film)
    else:
        plant_film(clean, film, seed=one.seed, errors=one.planted)
        shutil.rmtree(clean)
    return film, one.families, one.kind


def _own(case: str, folder: Path) -> tuple[Path, Mapping[str, str], str]:
    """A labelled film of the user's own, copied so that its project stays as it is; a family is its category."""
    film = folder / "film"
    shutil.copytree(Path(case), film, ignore=shutil.ignore_patterns(".suture"))
    labels = read_labels(film)
    return film, {shot: label.errors[0].category for shot, label in labels.shots.items() if label.errors}, "own"


def inspected(film: Path, plan: Plan) -> PassResult:
    """Everything up to the decision, on the film as a project.

    With inspector vlm the configured model looks; without one the scripted model, which knows the film's labels.
    """
    from agent import runs  # noqa: PLC0415
    from agent.config import load_settings  # noqa: PLC0415
    from agent.deps import RunOptions  # noqa: PLC0415

    rehearse = plan.inspector == "vlm" and load_settings(film).model is None
    pixels = plan.inspector == "pixels" or rehearse
    return runs.start(film, RunOptions(goal="plan", inspector=plan.inspector, offline=pixels, rehearse=rehearse))


def model_figures(rows: Sequence[Row]) -> Row | None:
    """What a model's looks took per shot; None where none looked."""
    asked = [row["model"] for row in rows if row.get("model")]
    if not asked:
        return None
    return {
        "model": asked[0]["name"],
        "tokens_per_shot": round(sum(one["tokens"] for one in asked) / len(rows), 1),
        "usd_per_shot": round(sum(one["usd"] for one in asked) / len(rows), 6),
    }


def with_model(rows: Sequence[Row], result: PassResult) -> list[Row]:
    """Each shot's row with what was asked of a model about it and its findings."""
    made = []
    for row in rows:
        about = {row["shot"], *(f.id for f in result.findings if f.shot == row["shot"])}
        uses = [use for use in result.model_use if use.about in about]
        told = {
            "name": uses[0].model if uses else "",
            "tokens": sum(use.tokens_in + use.tokens_out for use in uses),
            "usd": float(sum(use.usd for use in uses)),
        }
        made.append({**row, "model": told} if uses else row)
    return made


def _keep_pictures(film: Path, rows: Sequence[Row], folder: Path) -> None:
    from evals.suites._continuity_pictures import keep_pictures  # noqa: PLC0415

    keep_pictures(film, rows, folder)
