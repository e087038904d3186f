"""Conform: the next cut of the film, with only changed shots replaced, and its timeline."""

from __future__ import annotations

import re
from pathlib import Path

from agent.deps import Deps
from agent.schema import Film
from agent.versions import Versions
from tools.media import conform as cutting

FILM = re.compile(r"film_v(\d+)")


def conform(film: Film, deps: Deps) -> dict[str, Path]:
    """Writes film_vNNN and timeline.otio into the run's folder from the current version of every shot."""
    current = Versions(deps.db).current()
    replaced = {
        (shot.source.first, shot.source.last): deps.root / str(current[shot.id].path)
        for shot in film.shots
        if shot.id in current
    }
    return cutting.conform(film.shots[0].source.media, replaced, deps.run_folder / f"film_v{number(deps):03d}")


def number(deps: Deps) -> int:
    """The number of this run's cut: the one after all other runs' cuts; v001 is what came in."""
    others = [path for path in deps.home.glob("runs/*/film_v*") if path.parent != deps.run_folder]
    numbers = [int(found[1]) for path in others if (found := FILM.match(path.name))]
    return max(numbers, default=1) + 1
