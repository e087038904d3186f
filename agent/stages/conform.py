"""Conform: the next cut of the film, with only changed shots replaced, and its timeline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from agent.deps import Deps
from agent.schema import Film, Shot
from agent.versions import Versions
from tools.media import conform as cutting
from tools.media.probe import probe
from tools.media.timeline import TimelineShot, write_timeline

FILM = re.compile(r"film_v(\d+)")


def conform(film: Film, deps: Deps) -> dict[str, Path]:
    """Writes film_vNNN and timeline.otio into the run's folder from the current version of every shot.

    A film that is one media file gets a new cut when a shot has a new version; one made of several files is its
    timeline.
    """
    current = {shot: deps.root / version.path for shot, version in Versions(deps.db).current().items() if version.path}
    made = _film(film, current, deps)
    shots = [_event(film, shot, current.get(shot.id)) for shot in film.shots]
    timeline = write_timeline(deps.run_folder / "timeline.otio", shots, film.title)
    return {**({"film": made.path} if made else {}), "timeline": timeline}


def _film(film: Film, current: Mapping[str, Path], deps: Deps) -> cutting.Conformed | None:
    media = {shot.source.media for shot in film.shots}
    if len(media) != 1:
        return None
    source = probe(media.pop())
    stretches = [cutting.Stretch(s.source.first, s.source.last, current.get(s.id)) for s in film.shots]
    name = f"film_v{number(deps):03d}{cutting.suffix_of(source)}"
    return cutting.conform(source.path, stretches, deps.run_folder / name)


def _event(film: Film, shot: Shot, version: Path | None) -> TimelineShot:
    if version is None:
        return TimelineShot(shot.id, shot.source.media, shot.source.first, shot.source.last, film.fps)
    return TimelineShot(shot.id, version, 0, shot.source.frames - 1, film.fps)


def number(deps: Deps) -> int:
    """The number of this run's cut: the one after all other runs' cuts; v001 is what came in."""
    others = [path for path in deps.home.glob("runs/*/film_v*") if path.parent != deps.run_folder]
    numbers = [int(found[1]) for path in others if (found := FILM.match(path.name))]
    return max(numbers, default=1) + 1
