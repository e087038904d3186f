"""Commit: the verified take becomes the shot's next version, encoded as the source was, and current."""

from __future__ import annotations

from pathlib import Path

from agent.deps import Deps
from agent.schema import Shot
from agent.versions import ShotVersion, Versions
from tools.media.decode import frames
from tools.media.encode import write_video
from tools.media.probe import probe

SUFFIXES = {"mp4": ".mp4", "mov": ".mov", "matroska": ".mkv", "webm": ".mkv"}


def commit(shot: Shot, working: str, lineage: str, deps: Deps) -> ShotVersion:
    """Writes runs/RUN/shots/SHOT_vNNN, appends the version and makes it current (but for a rehearsal). Safe to repeat.

    A version carries audio only where the shot came as its own file.
    """
    versions = Versions(deps.db)
    number = versions.next_number(shot.id, deps.run)
    source = probe(shot.source.media)
    path = deps.run_folder / "shots" / f"{shot.id}_v{number:03d}{_suffix(source.container, source.kind)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = shot.source.first == 0 and shot.source.last == source.frames - 1
    audio = shot.source.media if whole and source.has_audio else None
    write_video(path, frames(deps.store.path(working)), source, audio_from=audio)
    version = ShotVersion(shot=shot.id, number=number, path=_named(path, deps.root), lineage=lineage)
    versions.commit(version, deps.run, rehearsed=deps.options.rehearse)
    return version


def _named(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _suffix(container: str, kind: str) -> str:
    if kind == "frames":
        return ""
    return next((suffix for name, suffix in SUFFIXES.items() if name in container), ".mkv")
