"""What the nodes of both graphs share: the film from its reference, heavy work off the loop, events around a node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar

from langgraph.runtime import Runtime

from agent.deps import Deps
from agent.events import Event
from agent.schema import Film, Shot
from agent.state import Repair

Given = ParamSpec("Given")
Result = TypeVar("Result")
State_contra = TypeVar("State_contra", bound=Mapping[str, object], contravariant=True)


class Node(Protocol[State_contra]):
    """A node of a graph: from its state to what it changes in it."""

    async def __call__(self, state: State_contra, runtime: Runtime[Deps]) -> dict[str, Any]: ...


async def heavy(deps: Deps, work: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Runs work that computes on pixels in a thread, when its turn comes."""
    async with deps.cpu:
        return await asyncio.to_thread(work, *args, **kwargs)


def keep_film(film: Film, deps: Deps) -> str:
    """Puts the film, as JSON, into the store; states carry the name."""
    return deps.store.put_bytes(film.model_dump_json().encode(), ".json")


def film_of(name: str, deps: Deps) -> Film:
    """The film that a state names."""
    return _film(deps.store.path(name))


@lru_cache(maxsize=4)
def _film(path: Path) -> Film:
    return Film.model_validate_json(path.read_bytes())


def shot_of(film: Film, shot: str) -> Shot:
    """The shot of that id."""
    return next(one for one in film.shots if one.id == shot)


def staged(stage: str, node: Node[State_contra]) -> Node[State_contra]:
    """The node, with an event before and after it."""

    async def told(state: State_contra, runtime: Runtime[Deps]) -> dict[str, Any]:
        shot = _shot_named(state)
        runtime.context.events(Event(stage=stage, moment="started", shot=shot))
        update = await node(state, runtime)
        runtime.context.events(Event(stage=stage, moment="finished", shot=shot))
        return update

    return told


def _shot_named(state: Mapping[str, object]) -> str | None:
    """The shot that a state is about: a repair's, or an inspection's."""
    repair, shot = state.get("repair"), state.get("shot")
    return repair.shot if isinstance(repair, Repair) else str(shot) if shot else None
