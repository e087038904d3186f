"""A thing named in words, found in one frame by a model: what a mask needs outside of any run.

The question is paid and remembered like those of a run: in the project that the media lies in, or else in the user's
own folder, so that the same words about the same frame are paid once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from agent.budget import Caps
from agent.config import Settings, caps_of, load_settings, owners_caps
from agent.db import close, open_database
from agent.deps import RunOptions
from agent.desk import home_of
from agent.events import Event
from agent.ledger import Ledger
from agent.llm import Door, Server
from agent.mind import Mind, Purse
from agent.minds import choose, unallowed_model
from agent.project import enclosing_root, open_project
from agent.request.steps import find_thing
from agent.schema import Shot
from tools.editors.prices import user_folder
from tools.errors import BadInput
from tools.types import Box, Clip

RUN = "mask"
"""What such questions are filed under."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a question belongs: its settings, its memory's folder, who may see footage there, and its caps."""

    settings: Settings
    home: Path
    allow: tuple[str, ...]
    caps: Caps
    in_project: bool


def stranger(media: Path) -> str | None:
    """The name of the model's server where a person has to allow that it sees a frame of this media; else None."""
    place = _place_of(media)
    return unallowed_model(RunOptions(inspector="vlm"), place.settings, place.allow)


def pointed_out(media: Path, at: int, thing: str, allowed: Collection[str] = ()) -> Box:
    """Where a model sees a thing in frame `at`, in source pixels; `allowed` are servers that a person said yes to.

    Raises BadInput where there is no model, it may not see the frame, or it does not see the thing there; ModelError
    where it does not answer.
    """
    if not thing.strip():
        raise BadInput("--text: say what the mask is to follow, such as 'the red cup on the table'")
    place = _place_of(media)
    server = _server_of(place, media, allowed)
    found = asyncio.run(_asked(place, server, Clip(media=media, first=0, last=at), thing))
    if found is None:
        raise BadInput(f"{media}: {server.model} sees no “{thing}” in frame {at}; choose another --at, or say --box")
    return found


def _place_of(media: Path) -> _Place:
    root = enclosing_root(media if media.is_dir() else media.parent)
    if root is None:
        settings = load_settings(Path.cwd())
        return _Place(settings, user_folder() / "asked", (), owners_caps(settings), in_project=False)
    project, settings = open_project(root), load_settings(root)
    return _Place(settings, home_of(root), project.toml.film.allow, caps_of(project, settings), in_project=True)


def _server_of(place: _Place, media: Path, allowed: Collection[str]) -> Server:
    options = RunOptions(inspector="vlm", allowed=tuple(allowed))
    name = unallowed_model(options, place.settings, {*place.allow, *allowed})
    if name is not None and not place.in_project:
        raise BadInput(
            f"--text sends a frame to {name}, and {media} lies in no project whose film.toml allows that; answer yes "
            "on a terminal, or say where the thing is with --box or --point"
        )
    try:
        choice = choose(options, place.settings, place.allow, 1)
    except BadInput as error:
        why = str(error).removeprefix("--inspector vlm: ")
        raise BadInput(f"--text needs a model: {why}; --box and --point need none") from None
    assert choice.server is not None, "with a model asked for, the choice is a model or an error"
    return choice.server


async def _asked(place: _Place, server: Server, until: Clip, thing: str) -> Box | None:
    """Where the thing is in the last frame of a clip."""
    sessions = open_database(place.home)
    try:
        purse = Purse(run=RUN, server=server, ledger=Ledger(sessions), events=_unheard, caps=place.caps)
        async with Door(server) as door:
            shot = Shot(id=until.media.name, clip=until, source=until)
            return await find_thing(Mind(door, purse, sessions), shot, until.last, thing)
    finally:
        close(sessions)


def _unheard(event: Event) -> None:
    """Nobody listens: one question is no run."""
    del event
