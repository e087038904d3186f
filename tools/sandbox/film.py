"""A labelled film project as the scripted model knows it: shots, sheets, and the truth of labels.json."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from tools.errors import BadInput
from tools.media.cuts import find_cuts
from tools.media.probe import probe
from tools.media.sheets import cut_grid, find_panels, read_picture
from tools.media.timeline import read_timeline
from tools.types import Box, Category, Clip, Rgb


class _Told(BaseModel):
    """Base of what is read of the project's files; what the scripted model has no use for is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Film(_Told):
    media: str | None = None
    timeline: str | None = None
    shots: tuple[str, ...] = ()


class _Subject(_Told):
    id: str
    sheet: str | tuple[str, ...] = ()
    grid: tuple[int, int] | None = None
    panels: tuple[str, ...] = ()
    canon: str = ""


class _Toml(_Told):
    film: _Film
    character: tuple[_Subject, ...] = ()
    prop: tuple[_Subject, ...] = ()


class _Origin(_Told):
    ref: str


class _Error(_Told):
    category: Category
    subject: str | None = None
    box: Box
    frames: tuple[int, int]
    mask: str | None = None
    origin: _Origin


class _Shot(_Told):
    errors: tuple[_Error, ...] = ()
    clean_take: str | None = None


class FaultTruth(_Told):
    """A faulty panel's error, in the sheet's pixels."""

    category: Category
    box: Box
    clean_sheet: str | None = None


class _Labels(_Told):
    shots: dict[str, _Shot]
    panels: dict[str, FaultTruth] = {}


@dataclass(frozen=True, slots=True)
class ErrorTruth:
    """One labelled error of one shot; `frames` count from the shot's first."""

    shot: str
    category: Category
    subject: str | None
    box: Box
    frames: tuple[int, int]
    mask: Path | None
    origin: str


@dataclass(frozen=True, slots=True, eq=False)
class PanelTruth:
    """One panel: the sheet that it is on, its place there, and its picture."""

    sheet: str
    box: Box
    picture: Rgb


@dataclass(frozen=True, slots=True, eq=False)
class SheetTruth:
    """One sheet: its picture and what is written about its subject. `told` says whether film.toml tells the grid."""

    subject: str
    picture: Rgb
    canon: str
    told: bool


@dataclass(frozen=True, slots=True)
class LabelledProject:
    """Everything that is known. `clean` holds the clean take of each faulty shot, sheets go by "sheet:mara".

    `clean_panels` are the pictures of faulty panels as they should be, where the labels have them.
    """

    shots: Mapping[str, Clip]
    clean: Mapping[str, Clip]
    sheets: Mapping[str, SheetTruth]
    panels: Mapping[str, PanelTruth]
    faulty: Mapping[str, FaultTruth]
    clean_panels: Mapping[str, Rgb] = field(default_factory=dict)
    truths: Mapping[str, Sequence[ErrorTruth]] = field(default_factory=dict)

    def errors(self, shot: str) -> Sequence[ErrorTruth]:
        return self.truths.get(shot, ())

    def sheet_of(self, subject: str) -> SheetTruth | None:
        """The first sheet of a subject; None where there is none."""
        return next((sheet for sheet in self.sheets.values() if sheet.subject == subject), None)


def read_project(target: Path) -> LabelledProject:
    """The project in a folder, or of a film.toml. Raises BadInput where that or its labels.json cannot be read."""
    root = target.parent if target.is_file() else target
    toml, labels = _toml(root / "film.toml"), _labels(root / "labels.json")
    shots = _shots(root, toml.film)
    unknown = sorted(set(labels.shots) - set(shots))
    if unknown:
        raise BadInput(f"{root / 'labels.json'}: shots.{unknown[0]}: the film has {', '.join(shots)}")
    sheets = dict(_sheets(root, toml))
    panels = {ref: panel for _, some in sheets.values() for ref, panel in some.items()}
    return LabelledProject(
        shots=shots,
        clean=dict(_clean_takes(root, shots, labels)),
        sheets={name: sheet for name, (sheet, _) in sheets.items()},
        panels=panels,
        faulty=labels.panels,
        clean_panels=dict(_clean_panels(root, panels, labels)),
        truths={shot: [_error(root, shot, error) for error in one.errors] for shot, one in labels.shots.items()},
    )


def _toml(file: Path) -> _Toml:
    try:
        return _Toml.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadInput(f"{file}: {_why(error)}; give a labelled film project") from None


def _labels(file: Path) -> _Labels:
    try:
        return _Labels.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise BadInput(f"{file}: {_why(error)}; `suture sample` makes a labelled film") from None


def _why(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"
    if isinstance(error, OSError):
        return f"cannot be read ({error.strerror})"
    return str(error)


def _clean_takes(root: Path, shots: Mapping[str, Clip], labels: _Labels) -> Iterator[tuple[str, Clip]]:
    for shot, one in labels.shots.items():
        if one.clean_take:
            yield shot, Clip(media=root / one.clean_take, first=0, last=shots[shot].frames - 1)


def _clean_panels(root: Path, panels: Mapping[str, PanelTruth], labels: _Labels) -> Iterator[tuple[str, Rgb]]:
    for ref, fault in labels.panels.items():
        if fault.clean_sheet and ref in panels:
            yield ref, np.ascontiguousarray(read_picture(root / fault.clean_sheet)[panels[ref].box.slices])


def _error(root: Path, shot: str, told: _Error) -> ErrorTruth:
    return ErrorTruth(
        shot=shot,
        category=told.category,
        subject=told.subject,
        box=told.box,
        frames=told.frames,
        mask=root / told.mask if told.mask else None,
        origin=told.origin.ref,
    )


def _shots(root: Path, film: _Film) -> dict[str, Clip]:
    if film.media:
        media = (root / film.media).resolve()
        return {one.id: Clip(media=media, first=one.first, last=one.last) for one in find_cuts(media).shots}
    if film.timeline:
        events = read_timeline(root / film.timeline)
        return {one.id: Clip(media=one.media, first=one.first, last=one.last) for one in events}
    files = [file.resolve() for pattern in film.shots for file in sorted(root.glob(pattern))]
    named = ((f"SH{10 * place:03d}", probe(file)) for place, file in enumerate(files, start=1))
    return {shot: Clip(media=info.path, first=0, last=info.frames - 1) for shot, info in named}


def _sheets(root: Path, toml: _Toml) -> Iterator[tuple[str, tuple[SheetTruth, dict[str, PanelTruth]]]]:
    """Each sheet with its panels; a subject's second sheet is "sheet:ID-2"."""
    for subject in (*toml.character, *toml.prop):
        names = [subject.sheet] if isinstance(subject.sheet, str) else subject.sheet
        so_far = 0
        for place, name in enumerate(names):
            key = f"sheet:{subject.id}" + (f"-{place + 1}" if place else "")
            sheet = SheetTruth(subject.id, read_picture(root / name), subject.canon, told=subject.grid is not None)
            panels = _panels(key, sheet, subject, so_far)
            so_far += len(panels)
            yield key, (sheet, panels)


def _panels(key: str, sheet: SheetTruth, subject: _Subject, so_far: int) -> dict[str, PanelTruth]:
    """A sheet's panels by reference; `so_far` panels of the subject lie on sheets before it."""
    found = {}
    for number, box in enumerate(_boxes(sheet.picture, subject.grid), start=so_far):
        view = subject.panels[number] if number < len(subject.panels) else f"panel-{number + 1}"
        picture = np.ascontiguousarray(sheet.picture[box.slices])
        found[f"{subject.id}/{view}"] = PanelTruth(key, box, picture)
    return found


def _boxes(picture: Rgb, grid: tuple[int, int] | None) -> list[Box]:
    if grid is None:
        return find_panels(picture)
    return cut_grid(picture.shape[1], picture.shape[0], *grid, picture=picture)
