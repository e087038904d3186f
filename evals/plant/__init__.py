"""Errors planted into clean footage: labelled films with exact truth, from any film that a person has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from agent.project import PROJECT_FILE, bare_root, init, load_film, open_project
from evals.labels import Labels, read_labels
from evals.plant._draw import draw_tasks, recipe_of
from evals.plant._film import Source, write_film
from evals.plant._recipe import FAMILIES, PlantTable, Recipe, read_recipe
from evals.plant._requality import check_crf
from tools.errors import BadInput, MachineFailed
from tools.media.probe import probe

__all__ = ["FAMILIES", "PlantTable", "Recipe", "plant_film", "read_recipe", "requality"]

Tell = Callable[[str], None]


def plant_film(
    film: Path, out: Path, *, seed: int, errors: Mapping[str, str] | Recipe, progress: Tell | None = None
) -> Path:
    """Plants errors into a film, writes a labelled film into the folder `out`, and returns it.

    `film` is a film project, labelled or not, or a bare media file; `errors` says which shot gets which family, or is
    a recipe. The same film, seed and errors give the same folder. `progress` is told each shot as it begins. The folder
    appears whole or not at all. Raises BadInput when the film, the recipe or `out` is wrong, MachineFailed when it
    cannot be written.
    """
    recipe = recipe_of(errors)

    def write(source: Source, folder: Path) -> None:
        tasks = draw_tasks(recipe, source.film.shots, source.infos, _faulty(source.labels), seed)
        write_film(source, tasks, folder, progress or _silent)

    return _made(film, out, write)


def requality(film: Path, out: Path, crf: int, progress: Tell | None = None) -> Path:
    """The same film, labels and all, with pictures that went through H.264 at `crf`; nothing else is changed.

    Raises BadInput when the film, `out` or `crf` is wrong, MachineFailed when it cannot be written.
    """
    check_crf(crf)
    return _made(film, out, lambda source, folder: write_film(source, {}, folder, progress or _silent, crf))


def _made(film: Path, out: Path, write: Callable[[Source, Path], None]) -> Path:
    """The folder `out`, written whole or not at all."""
    _refuse_folder(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as stage:
            folder = Path(stage) / "film"
            folder.mkdir()
            write(_opened(film, Path(stage) / "source"), folder)
            folder.replace(out)
    except OSError as error:
        raise MachineFailed(f"{out}: the film could not be written ({error.strerror or error})") from error
    return out


def _refuse_folder(out: Path) -> None:
    """BadInput when something is there already."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: exists and is not an empty folder; choose a new one")


def _opened(film: Path, spare: Path) -> Source:
    """The film as it came in; bare media that has no project yet gets one in `spare`."""
    is_project = film.name == PROJECT_FILE or (film / PROJECT_FILE).is_file() or not film.exists()
    known = is_project or (bare_root(film) / PROJECT_FILE).is_file()
    project = open_project(film) if known else init([film], out=spare)
    loaded = load_film(project)
    infos = {path: probe(path) for path in dict.fromkeys(shot.clip.media for shot in loaded.shots)}
    labels = read_labels(project.root) if (project.root / "labels.json").is_file() else Labels(shots={})
    return Source(project, loaded, {shot.id: infos[shot.clip.media] for shot in loaded.shots}, labels)


def _faulty(labels: Labels) -> set[str]:
    return {name for name, label in labels.shots.items() if label.errors}


def _silent(_: str) -> None:
    """Nobody is listening."""
