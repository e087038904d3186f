"""Reading case files: films as outlines, and requests with their truth. The form is told in the package's docstring."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError

from agent.request.plan import Constraints, Fix, Forbidden, Keep, Operation, Outline, ShotNote
from tools.errors import BadInput
from tools.types import Frozen, Rate

HERE = Path(__file__).parent
SHIPPED, FILMS = HERE / "cases.toml", HERE / "films.toml"

Class = Literal[
    "plain",
    "relative",
    "constrained",
    "several",
    "misspelt",
    "multilingual",
    "ambiguous",
    "out_of_scope",
    "hostile",
]
CLASSES: tuple[Class, ...] = get_args(Class)
Kind = Literal["plan", "question", "answer"]


class ShotTruth(Frozen):
    """One shot of a film in a case file."""

    id: str
    frames: tuple[int, int]
    scene: str | None = None
    characters: tuple[str, ...] = ()
    props: tuple[str, ...] = ()
    prompt: str = ""

    @property
    def note(self) -> ShotNote:
        first, last = self.frames
        return ShotNote(first=first, last=last, **self.model_dump(exclude={"frames"}))


class FilmTruth(Frozen):
    """One film in a case file."""

    id: str
    title: str
    fps: Rate
    shot: tuple[ShotTruth, ...] = Field(min_length=1)
    characters: dict[str, str] = Field(default_factory=dict)
    props: dict[str, str] = Field(default_factory=dict)
    panels: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()

    @property
    def outline(self) -> Outline:
        known = self.model_dump(include={"title", "characters", "props", "panels", "editors"})
        return Outline(fps=float(self.fps), shots=tuple(shot.note for shot in self.shot), **known)


class FixTruth(Frozen):
    """What one fix must say."""

    operation: Operation
    shots: tuple[str, ...] = Field(min_length=1)
    span: tuple[int, int] | None = None
    subject: str | None = None
    thing: str = ""
    place: str = ""
    wanted: str = ""
    like: str | None = None

    def as_fix(self, quote: str) -> Fix:
        return Fix(quote=quote, **self.model_dump())


class Case(Frozen):
    """One request and its truth."""

    id: str
    film: str
    class_: Class = Field(alias="class")
    request: str
    kind: Kind
    fixes: tuple[FixTruth, ...] = ()
    keep: tuple[Keep, ...] = ()
    budget_usd: Decimal | None = None
    spare: tuple[str, ...] = ()
    forbid: tuple[Forbidden, ...] = ()
    only: tuple[str, ...] = ()
    ask_first: bool = False
    aside: bool = False

    @property
    def constraints(self) -> Constraints:
        return Constraints(
            keep=tuple(sorted(set(self.keep))),
            budget_usd=self.budget_usd,
            spare=self.spare,
            forbid=tuple(sorted(set(self.forbid))),
            only=tuple(sorted(self.only)),
            ask_first=self.ask_first,
        )


class CaseFile(Frozen):
    """Cases by id, and the outlines they are asked of."""

    cases: dict[str, Case]
    films: dict[str, Outline]


def read_cases(file: Path = SHIPPED) -> CaseFile:
    """The cases of a file with their films. BadInput names the file and the case that does not fit."""
    said = _toml(file)
    odd = sorted(set(said) - {"film", "case"})
    if odd:
        raise BadInput(f"{file}: {odd[0]} is neither [[film]] nor [[case]]")
    films = {**_films(FILMS), **_films(file)}
    cases = [_case(entry, number, file) for number, entry in enumerate(said.get("case", []), start=1)]
    if not cases:
        raise BadInput(f"{file}: has no [[case]]")
    by_id = {case.id: case for case in cases}
    if len(by_id) < len(cases):
        raise BadInput(f"{file}: two cases have one id; leave ids out or make them differ")
    for case in cases:
        if case.film not in films:
            films[case.film] = _project(case, file)
        _fits(case, films[case.film], file)
    return CaseFile(cases=by_id, films=films)


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: cannot be read ({error.strerror}); give a TOML file with [[case]] tables") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: {error}; give a TOML file with [[case]] tables") from error


def _films(file: Path) -> dict[str, Outline]:
    outlines = {}
    for number, entry in enumerate(_toml(file).get("film", []), start=1):
        try:
            film = FilmTruth.model_validate(entry)
        except (ValidationError, TypeError) as error:
            raise BadInput(f"{file}: film {number}: {_first(error)}") from error
        outlines[film.id] = film.outline
    return outlines


def _case(entry: Any, number: int, file: Path) -> Case:
    """One case, with its id and kind where the file leaves them out."""
    if not isinstance(entry, dict):
        raise BadInput(f"{file}: case {number} is no table")
    kind = "plan" if entry.get("fixes") else "question" if entry.get("class") == "ambiguous" else "answer"
    try:
        return Case.model_validate({"id": f"case-{number:03d}", "kind": kind, **entry})
    except ValidationError as error:
        raise BadInput(f"{file}: case {number}: {_first(error)}") from error


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    one = error.errors()[0]
    return f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"


def _project(case: Case, file: Path) -> Outline:
    """The outline of a film project of one's own."""
    from agent.project import load_film, open_project  # noqa: PLC0415 - opens media
    from agent.understanding import outline_of  # noqa: PLC0415
    from tools.editors.registry import roster  # noqa: PLC0415

    folder = file.parent / case.film
    if not folder.exists():
        raise BadInput(f"{file}: {case.id}: no film {case.film!r}; shipped are {', '.join(_films(FILMS))}")
    return outline_of(load_film(open_project(folder)), roster())


def _fits(case: Case, outline: Outline, file: Path) -> None:
    """Raises BadInput where the truth speaks of what the film does not have."""
    shots = {shot.id for shot in outline.shots}
    subjects = {*outline.characters, *outline.props}
    for fix in case.fixes:
        wrong = [shot for shot in fix.shots if shot not in shots]
        if fix.subject is not None and fix.subject not in subjects:
            wrong.append(fix.subject)
        if wrong:
            raise BadInput(f"{file}: {case.id}: {case.film} has no {wrong[0]!r}")
