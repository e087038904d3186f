"""A film project on disk: film.toml read strictly, bare media taken as it is, `init`, and the Film they become."""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from agent.budget import Caps
from agent.policy import Policy
from agent.schema import Film, Plate, Sheet, Shot
from tools.errors import BadInput, MachineFailed
from tools.media.cuts import find_cuts
from tools.media.probe import probe
from tools.media.sheets import cut_grid, find_panels, read_picture
from tools.media.timeline import read_timeline
from tools.types import Box, Clip, Frozen, MediaInfo, Panel

PROJECT_FILE = "film.toml"
HEADER = re.compile(r"^\s*\[\[?\s*([A-Za-z_]+)\s*\]\]?")


class FilmTable(Frozen):
    """[film]: what the film is. One of `media`, `timeline` and `shots` says where the pictures are."""

    title: str = ""
    media: str | None = None
    timeline: str | None = None
    shots: tuple[str, ...] = ()
    bible: str = ""
    allow: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> FilmTable:
        if sum(map(bool, (self.media, self.timeline, self.shots))) != 1:
            raise ValueError("say exactly one of media, timeline and shots")
        return self


class SubjectTable(Frozen):
    """[[character]] and [[prop]]: who or what, and its sheet or sheets."""

    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$")
    sheet: str | tuple[str, ...] = ()
    grid: tuple[int, int] | None = None
    panels: tuple[str, ...] = ()
    canon: str = ""

    @property
    def sheets(self) -> tuple[str, ...]:
        return (self.sheet,) if isinstance(self.sheet, str) else self.sheet


class LocationTable(Frozen):
    """[[location]]: a place and the plates that show it."""

    id: str
    plates: tuple[str, ...] = ()
    canon: str = ""


class ShotTable(Frozen):
    """[[shot]]: what is known about how a shot was made; all optional but the id."""

    id: str
    scene: str | None = None
    characters: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    model: str | None = None
    prompt: str = ""
    intended: tuple[str, ...] = ()


class FilmToml(Frozen):
    """The whole of film.toml; an unknown key is an error."""

    film: FilmTable
    character: tuple[SubjectTable, ...] = ()
    location: tuple[LocationTable, ...] = ()
    prop: tuple[SubjectTable, ...] = ()
    shot: tuple[ShotTable, ...] = ()
    policy: Policy = Policy()
    budget: Caps = Caps()


class Version(Frozen):
    """A version of a shot or a sheet that Suture made: its number and file."""

    number: int
    media: Path


class Project(Frozen):
    """An opened project: where it lives and what its film.toml says. Nothing is measured yet."""

    root: Path
    toml: FilmToml

    @property
    def file(self) -> Path:
        return self.root / PROJECT_FILE

    def path(self, name: str) -> Path:
        """A path as film.toml writes it: relative to the project."""
        return (self.root / name).resolve()


def open_project(target: Path) -> Project:
    """The project that `target` means: a folder with film.toml, its film.toml, or a bare media file.

    For bare media the project is ./STEM.suture-film in the working directory, made on first use; nothing is written
    beside the source. Raises BadInput in one line.
    """
    if target.is_dir() and (target / PROJECT_FILE).is_file():
        return _read_project(target / PROJECT_FILE)
    if target.name == PROJECT_FILE and target.is_file():
        return _read_project(target)
    if not target.exists():
        raise BadInput(f"{target}: no such film; give a folder with film.toml, its film.toml, or a media file")
    if target.suffix == ".toml":
        raise BadInput(f"{target}: a project's file is called {PROJECT_FILE}")
    root = bare_root(target)
    if (root / PROJECT_FILE).is_file():
        return _bare_again(root, target)
    return init([target], out=root)


def _bare_again(root: Path, target: Path) -> Project:
    """The project made earlier for bare media of this name; refused when it belongs to another file."""
    project = _read_project(root / PROJECT_FILE)
    media = project.toml.film.media
    if media is not None and project.path(media) != target.resolve():
        raise BadInput(f"{root}: belongs to {media}; use `suture init {target} -o DIR` for another project")
    return project


def bare_root(media: Path) -> Path:
    """Where the project of a bare media file lives."""
    return Path.cwd() / f"{media.resolve().stem}.suture-film"


def enclosing_root(start: Path) -> Path | None:
    """The nearest project folder at or above `start`."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    return None


def _read_project(file: Path) -> Project:
    file = file.resolve()
    try:
        text = file.read_text(encoding="utf-8")
        parsed = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{file}: cannot be read ({error})") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{file}: not valid TOML: {error}") from None
    try:
        toml = FilmToml.model_validate(parsed)
    except ValidationError as error:
        raise BadInput(_one_line(file, text, error)) from None
    _no_repeats(file, text, toml)
    return Project(root=file.parent, toml=toml)


def _one_line(file: Path, text: str, error: ValidationError) -> str:
    first = error.errors()[0]
    where = tuple(part for part in first["loc"] if part not in ("str", "tuple[str, ...]"))
    message = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{file}:{line_of(text, where)}: {'.'.join(map(str, where))}: {message}{more}"


def line_of(text: str, where: Sequence[Any]) -> int:
    """The line (from 1) of the field at `where`, such as ("shot", 2, "modell"); the table's line when it is absent."""
    table = str(where[0]) if where else ""
    nth = where[1] if len(where) > 1 and isinstance(where[1], int) else 0
    key = next((str(part) for part in where[1:] if isinstance(part, str)), None)
    seen, inside, at = -1, False, 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = HEADER.match(line)
        if header:
            seen += header[1] == table
            inside = header[1] == table and seen == nth
            at = number if inside else at
        elif _sets(line, key) if inside and key else not where[1:] and _sets(line, table):
            return number
    return at


def _sets(line: str, key: str) -> bool:
    return re.match(rf"\s*{re.escape(key)}\s*=", line) is not None


def _no_repeats(file: Path, text: str, toml: FilmToml) -> None:
    for table in ("character", "prop", "location", "shot"):
        seen: set[str] = set()
        for place, entry in enumerate(getattr(toml, table)):
            if entry.id in seen:
                line = line_of(text, (table, place, "id"))
                raise BadInput(f"{file}:{line}: {table}.{place}.id: {entry.id!r} stands here twice")
            seen.add(entry.id)


def load_film(project: Project, versions: Mapping[str, Version] | None = None) -> Film:
    """Reads and checks everything film.toml names: media probed, shots cut, sheets cut into panels.

    `versions` holds the current version of each shot that is not the one that came in. Raises BadInput with the line
    and field of what is wrong.
    """
    versions = versions or {}
    info, clips = _clips(project)
    notes = {entry.id: entry for entry in project.toml.shot}
    sheets = _sheets(project, versions)
    _check_names(project, set(clips), sheets)
    shots = tuple(_shot(shot, clip, notes.get(shot), versions.get(shot)) for shot, clip in clips.items())
    return Film(
        title=project.toml.film.title or project.root.name,
        root=project.root,
        shots=shots,
        sheets=sheets,
        plates=tuple(_plates(project)),
        fps=info.fps,
        width=info.width,
        height=info.height,
        bible=project.toml.film.bible,
        allow=project.toml.film.allow,
    )


def _clips(project: Project) -> tuple[MediaInfo, dict[str, Clip]]:
    film = project.toml.film
    if film.media is not None:
        media = _existing(project, ("film", "media"), film.media)
        cuts = find_cuts(media)
        return probe(media), {s.id: Clip(media=media, first=s.first, last=s.last) for s in cuts.shots}
    if film.timeline is not None:
        events = read_timeline(_existing(project, ("film", "timeline"), film.timeline))
        if not events:
            raise BadInput(f"{project.file}: film.timeline: {film.timeline!r} has no shots")
        return probe(events[0].media), {e.id: Clip(media=e.media, first=e.first, last=e.last) for e in events}
    return _shot_files(project, film.shots)


def _shot_files(project: Project, patterns: Sequence[str]) -> tuple[MediaInfo, dict[str, Clip]]:
    files = [file for pattern in patterns for file in _matching(project, pattern)]
    infos = [probe(file) for file in files]
    odd = next(
        (i for i in infos if (i.width, i.height, i.fps) != (infos[0].width, infos[0].height, infos[0].fps)), None
    )
    if odd is not None:
        raise BadInput(
            f"{odd.path}: {odd.width}×{odd.height} at {odd.fps}, but {infos[0].path.name} is "
            f"{infos[0].width}×{infos[0].height} at {infos[0].fps}; shots of one film must agree"
        )
    ids = (f"SH{10 * place:03d}" for place in range(1, len(infos) + 1))
    return infos[0], {
        shot: Clip(media=info.path, first=0, last=info.frames - 1) for shot, info in zip(ids, infos, strict=True)
    }


def _matching(project: Project, pattern: str) -> list[Path]:
    base = Path(pattern)
    found = [base] if base.is_absolute() and base.exists() else sorted(project.root.glob(pattern.removeprefix("/")))
    if not found:
        line = line_of(project.file.read_text(encoding="utf-8"), ("film", "shots"))
        raise BadInput(f"{project.file}:{line}: film.shots: {pattern!r} matches no file")
    return [file.resolve() for file in found]


def _existing(project: Project, where: tuple[Any, ...], name: str) -> Path:
    path = project.path(name)
    if not path.exists():
        line = line_of(project.file.read_text(encoding="utf-8"), where)
        raise BadInput(f"{project.file}:{line}: {'.'.join(map(str, where))}: {name!r} does not exist")
    return path


def _plates(project: Project) -> Iterator[Plate]:
    for place, entry in enumerate(project.toml.location):
        for name in entry.plates:
            image = _existing(project, ("location", place, "plates"), name)
            read_picture(image)
            yield Plate(location=entry.id, image=image, canon=entry.canon)


def _sheets(project: Project, versions: Mapping[str, Version]) -> tuple[Sheet, ...]:
    made = []
    for table in ("character", "prop"):
        for place, entry in enumerate(getattr(project.toml, table)):
            made += [_current(sheet, versions) for sheet in _sheets_of(project, table, place, entry)]
    return tuple(made)


def _current(sheet: Sheet, versions: Mapping[str, Version]) -> Sheet:
    """The sheet in its current version; its panels lie where they lay on the sheet that came in."""
    now = versions.get(sheet.key)
    if now is None:
        return sheet
    panels = tuple(panel.model_copy(update={"sheet": now.media}) for panel in sheet.panels)
    update = {"image": now.media, "version": now.number, "panels": panels, "source": sheet.image}
    return sheet.model_copy(update=update)


def _sheets_of(project: Project, table: str, place: int, entry: SubjectTable) -> list[Sheet]:
    sheets: list[Sheet] = []
    kind: Literal["character", "prop"] = "prop" if table == "prop" else "character"
    for name in entry.sheets:
        image = _existing(project, (table, place, "sheet"), name)
        boxes = _panel_boxes(image, entry.grid)
        so_far = sum(len(sheet.panels) for sheet in sheets)
        views = [_view(entry, so_far + n) for n in range(len(boxes))]
        panels = tuple(Panel(sheet=image, subject=entry.id, view=v, box=b) for v, b in zip(views, boxes, strict=True))
        key = f"sheet:{entry.id}" + (f"-{len(sheets) + 1}" if sheets else "")
        sheet = Sheet(subject=entry.id, image=image, panels=panels, canon=entry.canon, key=key, kind=kind)
        sheets.append(sheet.model_copy(update={"given": entry.grid is not None or bool(entry.panels)}))
    _panels_named(project, table, place, entry, sheets)
    return sheets


def _panel_boxes(image: Path, grid: tuple[int, int] | None) -> list[Box]:
    picture = read_picture(image)
    if grid is None:
        return find_panels(picture)
    return cut_grid(picture.shape[1], picture.shape[0], *grid, picture=picture)


def _view(entry: SubjectTable, n: int) -> str:
    return entry.panels[n] if n < len(entry.panels) else f"panel-{n + 1}"


def _panels_named(project: Project, table: str, place: int, entry: SubjectTable, sheets: Sequence[Sheet]) -> None:
    count = sum(len(sheet.panels) for sheet in sheets)
    if entry.panels and len(entry.panels) != count:
        line = line_of(project.file.read_text(encoding="utf-8"), (table, place, "panels"))
        raise BadInput(
            f"{project.file}:{line}: {table}.{place}.panels: {len(entry.panels)} names for {count} pictures on the "
            f"sheet of {entry.id!r}; name each, or give grid = [rows, columns]"
        )


def _check_names(project: Project, shots: set[str], sheets: Sequence[Sheet]) -> None:
    """Every name that a [[shot]] uses must exist; a typo must not silently switch a check off."""
    subjects = {entry.id for entry in (*project.toml.character, *project.toml.prop)}
    panels = {panel.ref for sheet in sheets for panel in sheet.panels}
    text = project.file.read_text(encoding="utf-8")
    for place, entry in enumerate(project.toml.shot):
        wrong = _wrong_name(entry, shots, subjects, panels)
        if wrong:
            key, message = wrong
            raise BadInput(f"{project.file}:{line_of(text, ('shot', place, key))}: shot.{place}.{key}: {message}")


def _wrong_name(entry: ShotTable, shots: set[str], subjects: set[str], panels: set[str]) -> tuple[str, str] | None:
    if entry.id not in shots:
        return "id", f"{entry.id!r} is not a shot of this film; it has {', '.join(sorted(shots))}"
    for name in entry.characters:
        if name not in subjects:
            return "characters", f"{name!r} has no [[character]]"
    for name in entry.references:
        if "/" in name and name not in panels:
            return "references", f"{name!r} is no panel; there are {', '.join(sorted(panels)) or 'none'}"
    return None


def _shot(shot: str, source: Clip, notes: ShotTable | None, version: Version | None) -> Shot:
    clip = Clip(media=version.media, first=0, last=source.frames - 1) if version else source
    known = notes.model_dump(exclude={"id"}) if notes else {}
    return Shot(id=shot, clip=clip, source=source, version=version.number if version else 1, **known)


def init(media: Sequence[Path], *, sheets: Sequence[tuple[str, Path]] = (), out: Path, copy: bool = False) -> Project:
    """Makes a film project from footage and sheets; refers to them where they lie unless `copy`.

    Raises BadInput when media cannot be read, when shots disagree, or when `out` already holds a project.
    """
    if (out / PROJECT_FILE).exists():
        raise BadInput(f"{out / PROJECT_FILE}: there is a project here already; choose another folder with -o")
    for file in media:
        probe(file)
    for _, image in sheets:
        read_picture(image)
    try:
        out.mkdir(parents=True, exist_ok=True)
        text = _film_toml(media, sheets, out, copy)
        temporary = out / f".{PROJECT_FILE}.new"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out / PROJECT_FILE)
    except PermissionError as error:
        raise BadInput(f"{out}: cannot be written ({error.strerror})") from None
    except OSError as error:
        raise MachineFailed(f"{out}: cannot be written ({error.strerror})") from None
    return _read_project(out / PROJECT_FILE)


def _film_toml(media: Sequence[Path], sheets: Sequence[tuple[str, Path]], out: Path, copy: bool) -> str:
    named = [_placed(file, out, "media" if len(media) == 1 else "shots", copy) for file in media]
    lines = ["[film]", f"title = {_quoted(media[0].resolve().stem)}"]
    lines.append(f"media = {_quoted(named[0])}" if len(named) == 1 else f"shots = [{', '.join(map(_quoted, named))}]")
    lines += ['# bible = "What holds for the whole film, in words."', "# allow = []  # providers that may see footage"]
    for subject in dict.fromkeys(name for name, _ in sheets):
        images = [_quoted(_placed(image, out, "sheets", copy)) for name, image in sheets if name == subject]
        lines += ["", "[[character]]", f"id = {_quoted(subject)}"]
        lines.append(f"sheet = {images[0]}" if len(images) == 1 else f"sheet = [{', '.join(images)}]")
        lines.append('# grid = [2, 3]  # rows, columns; left out: found in the picture\n# canon = "In words."')
    return "\n".join(lines) + "\n"


def _placed(file: Path, out: Path, folder: str, copy: bool) -> str:
    """How film.toml names a file: a copy inside the project, a relative path when it lies there, else where it lies."""
    file = file.resolve()
    if copy:
        target = out / folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_dir():
            shutil.copytree(file, target, dirs_exist_ok=True)
        else:
            partial = target.with_name(f".{target.name}.new")
            shutil.copyfile(file, partial)
            partial.replace(target)
        return f"{folder}/{file.name}"
    inside = file.is_relative_to(out.resolve())
    return os.fspath(file.relative_to(out.resolve()) if inside else file)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
