"""A labelled film project as the scripted model knows it: shots, panels, and the truth of labels.json."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tools.errors import BadInput
from tools.media.cuts import find_cuts
from tools.media.probe import probe
from tools.media.sheets import cut_grid, find_panels, read_picture
from tools.types import Box, Clip, Rgb


@dataclass(frozen=True, slots=True)
class ErrorTruth:
    """One labelled error of one shot."""

    shot: str
    category: str
    subject: str | None
    box: Box
    mask: Path
    origin: str


@dataclass(frozen=True, slots=True, eq=False)
class PanelTruth:
    """One panel: its place on the sheet and its picture."""

    box: Box
    picture: Rgb


@dataclass(frozen=True, slots=True)
class FaultTruth:
    """A faulty panel's error, in the sheet's pixels."""

    category: str
    box: Box


@dataclass(frozen=True, slots=True)
class LabelledProject:
    """Everything that is known. `clean` holds the clean take of each faulty shot."""

    shots: Mapping[str, Clip]
    clean: Mapping[str, Clip]
    panels: Mapping[str, PanelTruth]
    faulty: Mapping[str, FaultTruth]
    truths: Mapping[str, Sequence[ErrorTruth]] = field(default_factory=dict)

    def errors(self, shot: str) -> Sequence[ErrorTruth]:
        return self.truths.get(shot, ())

    def sheet_size(self, subject: str) -> Box:
        """The sheet's extent, as far as its panels reach."""
        boxes = [panel.box for ref, panel in self.panels.items() if ref.startswith(f"{subject}/")]
        right, bottom = max(box.x + box.w for box in boxes), max(box.y + box.h for box in boxes)
        return Box(0, 0, right, bottom)


def read_project(root: Path) -> LabelledProject:
    """The project at `root`. Raises BadInput where it has no film.toml or no labels.json."""
    toml, labels = _toml(root / "film.toml"), _labels(root / "labels.json")
    shots = _shots(root, toml["film"])
    told: dict[str, Any] = labels.get("shots", {})
    clean = {
        shot: Clip(media=root / one["clean_take"], first=0, last=shots[shot].frames - 1)
        for shot, one in told.items()
        if one.get("clean_take") and shot in shots
    }
    truths = {shot: [_error(root, shot, e) for e in one.get("errors", [])] for shot, one in told.items()}
    faulty = {ref: FaultTruth(one["category"], Box(*one["box"])) for ref, one in (labels.get("panels") or {}).items()}
    return LabelledProject(shots, clean, _panels(root, toml), faulty, truths)


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{file}: cannot be read ({error}); give a labelled film project") from None


def _labels(file: Path) -> dict[str, Any]:
    try:
        labels: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{file}: cannot be read ({error}); `suture sample` makes a labelled film") from None
    return labels


def _error(root: Path, shot: str, told: Mapping[str, Any]) -> ErrorTruth:
    return ErrorTruth(
        shot=shot,
        category=told["category"],
        subject=told.get("subject"),
        box=Box(*told["box"]),
        mask=root / told["mask"],
        origin=told["origin"]["ref"],
    )


def _shots(root: Path, film: Mapping[str, Any]) -> dict[str, Clip]:
    if film.get("media"):
        media = (root / film["media"]).resolve()
        return {one.id: Clip(media=media, first=one.first, last=one.last) for one in find_cuts(media).shots}
    files = [file.resolve() for pattern in film.get("shots", ()) for file in sorted(root.glob(pattern))]
    named = ((f"SH{10 * place:03d}", probe(file)) for place, file in enumerate(files, start=1))
    return {shot: Clip(media=info.path, first=0, last=info.frames - 1) for shot, info in named}


def _panels(root: Path, toml: Mapping[str, Any]) -> dict[str, PanelTruth]:
    found: dict[str, PanelTruth] = {}
    for entry in (*toml.get("character", ()), *toml.get("prop", ())):
        sheets = entry.get("sheet", ())
        views, so_far = entry.get("panels", ()), 0
        for name in [sheets] if isinstance(sheets, str) else sheets:
            picture = read_picture(root / name)
            for box in _boxes(picture, entry.get("grid")):
                view = views[so_far] if so_far < len(views) else f"panel-{so_far + 1}"
                found[f"{entry['id']}/{view}"] = PanelTruth(box, np.ascontiguousarray(picture[box.slices]))
                so_far += 1
    return found


def _boxes(picture: Rgb, grid: Sequence[int] | None) -> list[Box]:
    if grid is None:
        return find_panels(picture)
    return cut_grid(picture.shape[1], picture.shape[0], grid[0], grid[1], picture=picture)
