"""Conform: the next cut of the film, with only changed shots replaced, and its timeline."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from agent.deps import Deps
from agent.schema import Film, Shot
from agent.versions import ShotVersion, Versions
from tools.media import conform as cutting
from tools.media.decode import frames
from tools.media.encode import temporary_name, write_video
from tools.media.probe import probe
from tools.media.timeline import TimelineShot, write_timeline
from tools.types import Clip, Frame

CUT = re.compile(r"film_v(\d+)")


def conform(film: Film, deps: Deps) -> dict[str, Path]:
    """Writes film_vNNN and timeline.otio into the run's folder from the current version of every shot."""
    current = Versions(deps.db).current(deps.run if deps.options.rehearse else None)
    sources = {shot.source.media for shot in film.shots}
    out = _out(film, deps)
    deps.run_folder.mkdir(parents=True, exist_ok=True)
    if len(sources) == 1:
        _recut(sources.pop(), film, current, out, deps.root)
    else:
        write_video(out, _joined(film, current, deps.root), probe(film.shots[0].source.media))
    shots = [_event(shot, film, current, deps.root) for shot in film.shots]
    return {"film": out, "timeline": write_timeline(deps.run_folder / "timeline.otio", shots, film.title)}


def _out(film: Film, deps: Deps) -> Path:
    """The cut's name: of the source's kind, numbered after all other runs' cuts; v001 is what came in."""
    others = [path for path in deps.home.glob("runs/*/film_v*") if path.parent != deps.run_folder]
    numbers = [int(found[1]) for path in others if (found := CUT.match(path.name))]
    return deps.run_folder / f"film_v{max(numbers, default=1) + 1:03d}{film.shots[0].source.media.suffix}"


def _recut(source: Path, film: Film, current: dict[str, ShotVersion], out: Path, root: Path) -> None:
    stretches = [
        cutting.Stretch(shot.source.first, shot.source.last, root / str(current[shot.id].path))
        for shot in film.shots
        if shot.id in current
    ]
    if cutting.conform(source, stretches, out) is None:
        _copy(source, out)


def _copy(source: Path, out: Path) -> None:
    """The film as it is, where no shot has another version."""
    partial = out.parent / temporary_name(out)
    if source.is_dir():
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(source, partial)
    else:
        shutil.copyfile(source, partial)
    partial.replace(out)


def _joined(film: Film, current: dict[str, ShotVersion], root: Path) -> Iterator[Frame]:
    """Every shot's frames in order, for a film that came as several files."""
    for shot in film.shots:
        yield from frames(_clip(shot, current, root))


def _clip(shot: Shot, current: dict[str, ShotVersion], root: Path) -> Clip:
    version = current.get(shot.id)
    if version is None:
        return shot.source
    return Clip(media=root / str(version.path), first=0, last=shot.source.frames - 1)


def _event(shot: Shot, film: Film, current: dict[str, ShotVersion], root: Path) -> TimelineShot:
    clip = _clip(shot, current, root)
    return TimelineShot(shot.id, clip.media, clip.first, clip.last, film.fps)
