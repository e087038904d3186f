"""Who could be sent footage in a run although the film does not allow it: asked about on a terminal, else left out."""

from __future__ import annotations

from collections.abc import Iterator

from agent.config import Settings, editors_environment
from agent.deps import RunOptions
from agent.minds import unallowed_model
from agent.project import Project
from tools.editors.areas import blocked_area
from tools.editors.registry import roster
from tools.types import Frozen


class Stranger(Frozen):
    """Somebody whom the film does not allow: the name as `[film] allow` would have it, and the full one."""

    name: str
    title: str


def strangers(project: Project, settings: Settings, options: RunOptions) -> tuple[Stranger, ...]:
    """By name, whoever is set up here and could be sent footage once allowed; nobody offline or in a rehearsal."""
    if options.offline or options.rehearse or options.dry_run:
        return ()
    found = {one.name: one for one in (*_models(project, settings, options), *_providers(project, settings, options))}
    return tuple(found[name] for name in sorted(found))


def _models(project: Project, settings: Settings, options: RunOptions) -> Iterator[Stranger]:
    name = unallowed_model(options, settings, project.toml.film.allow)
    if name is not None:
        yield Stranger(name=name, title=f"{name} ({settings.model})")


def _providers(project: Project, settings: Settings, options: RunOptions) -> Iterator[Stranger]:
    """Providers of editors; only a pass sends edits."""
    environment, allow = editors_environment(settings), set(project.toml.film.allow)
    for name, entry in roster().items() if options.goal == "pass" else ():
        provider, area = entry.provider, settings.region or ""
        wanted = not options.only or name in options.only
        if provider is None or not wanted or {provider.name, name} & allow:
            continue
        if entry.missing(environment) is None and blocked_area(area, entry.capabilities.blocked_regions) is None:
            yield Stranger(name=provider.name, title=provider.title)
