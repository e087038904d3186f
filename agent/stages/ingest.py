"""Ingest: the film project as it stands now, each shot in its current version."""

from __future__ import annotations

from collections.abc import Mapping

from agent.project import Project, Version, load_film
from agent.schema import Film
from tools.errors import BadInput


def ingest(project: Project, versions: Mapping[str, Version], only: tuple[str, ...] = ()) -> Film:
    """The film with the current version of each shot; with `only`, just those shots. Raises BadInput on a bad name."""
    film = load_film(project, versions)
    unknown = sorted(set(only) - {shot.id for shot in film.shots})
    if unknown:
        raise BadInput(f"{', '.join(unknown)}: no such shot; the film has {', '.join(s.id for s in film.shots)}")
    if not only:
        return film
    return film.model_copy(update={"shots": tuple(shot for shot in film.shots if shot.id in only)})
