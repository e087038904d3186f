"""Whether a run has a mind, and which: what is configured, what may leave the machine, and what the budget allows."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from agent.config import OPENAI, Settings, caps_of, load_settings
from agent.deps import RunOptions
from agent.desk import Desk
from agent.events import Sink
from agent.ledger import Ledger
from agent.llm import Door, Server
from agent.mind import Asker, Mind, Purse
from agent.project import Project
from agent.rehearsal import Stage, rehearsed
from agent.requests_page import Recorder
from tools.errors import BadInput
from tools.types import Frozen

TOKENS_A_SHOT = (16_000, 900)
"""Tokens read and written per shot by inspect-shot, its second look and compare-shots, sized as in `agent.shown`."""
USUAL_SHOTS = 40
"""Shots of a film whose film.toml names none: three minutes of the usual length."""
LOOKING_SHARE = 0.5
"""Share of the budget that `auto` spends on looking at most; the rest is for repairs."""


class Choice(Frozen):
    """Who looks: a model, or pixels alone (`server` is None), and why."""

    server: Server | None
    why: str


def choose(options: RunOptions, settings: Settings, allow: Collection[str], shots: int) -> Choice:
    """The inspector of a run. Raises BadInput where a model was asked for and cannot be had."""
    if options.dry_run:
        model = settings.model or "a model"
        return Choice(server=_server(settings, model), why="requests to a model are written down, not sent")
    if options.inspector == "pixels":
        return Choice(server=None, why="--inspector pixels")
    if settings.model is None:
        return _without(options, "SUTURE_MODEL is not set")
    server = _server(settings, settings.model)
    against = _forbidden(options, settings, server, allow)
    if against is not None:
        return _without(options, against)
    price = look_usd(server, shots)
    words = f"a look by {server.model} at {shots} shots costs about {price:.2f} USD"
    if options.inspector == "auto" and options.budget is not None and price > LOOKING_SHARE * float(options.budget):
        return Choice(server=None, why=f"{words}, over half of the budget; --inspector vlm looks all the same")
    return Choice(server=server, why=words if server.usd_in else f"{server.model} looks")


def may_look(options: RunOptions, settings: Settings, project: Project) -> None:
    """Raises BadInput, before anything starts, where a model was asked for and cannot be had."""
    if not options.rehearse:
        choose(options, settings, project.toml.film.allow, 1)


def _without(options: RunOptions, why: str) -> Choice:
    if options.inspector == "vlm":
        raise BadInput(f"--inspector vlm: {why}")
    return Choice(server=None, why=why)


def _server(settings: Settings, model: str) -> Server:
    return Server(
        base_url=settings.openai_base_url.rstrip("/"),
        model=model,
        key=settings.openai_api_key,
        usd_in=settings.model_usd_in or 0.0,
        usd_out=settings.model_usd_out or 0.0,
        seconds=settings.model_seconds,
        retry_seconds=settings.model_retry_seconds,
    )


def _forbidden(options: RunOptions, settings: Settings, server: Server, allow: Collection[str]) -> str | None:
    """Why the model may not be asked; None when it may."""
    host = urlsplit(server.base_url).hostname or ""
    if is_here(host):
        return None
    if options.offline:
        return f"--offline, and {host} is not this machine"
    if not _names(server.base_url) & {*allow, *options.allowed}:
        name = min(_names(server.base_url))
        return f"the film does not allow {host} to see footage; add it to film.toml: [film] allow = [{name!r}]"
    if server.base_url == OPENAI and not settings.openai_api_key.get_secret_value():
        return "OPENAI_API_KEY is not set"
    if options.budget is not None and (settings.model_usd_in is None or settings.model_usd_out is None):
        return (
            f"nobody knows what {server.model} costs, so a budget cannot be kept; set SUTURE_MODEL_USD_IN and "
            "SUTURE_MODEL_USD_OUT (US dollars per million tokens)"
        )
    return None


def _names(base_url: str) -> set[str]:
    """What a film may call a model's server."""
    host = urlsplit(base_url).hostname or ""
    return {host, "openai"} if base_url == OPENAI else {host}


def unallowed_model(options: RunOptions, settings: Settings, allow: Collection[str]) -> str | None:
    """Whom the film would have to allow before the model may look; None where it may, or nobody is to look."""
    base_url = settings.openai_base_url.rstrip("/")
    if options.inspector == "pixels" or settings.model is None or is_here(urlsplit(base_url).hostname or ""):
        return None
    return None if _names(base_url) & set(allow) else max(_names(base_url))


def is_here(host: str) -> bool:
    """Whether a host is this machine: footage sent to it does not leave."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def may_see(server: Server, options: RunOptions) -> bool:
    """Whether a server may still be sent footage under options that a request made stricter."""
    return not options.offline or is_here(urlsplit(server.base_url).hostname or "")


def look_usd(server: Server, shots: int) -> float:
    """About what a look at so many shots costs, in US dollars."""
    read, written = TOKENS_A_SHOT
    return shots * (read * server.usd_in + written * server.usd_out) / 1_000_000


class Minded(NamedTuple):
    """The mind of a run, None when pixels look alone, and why it is so.

    `environment` is what editors work in while a rehearsal lasts; None where they work for real.
    """

    mind: Mind | None
    why: str
    environment: Mapping[str, str] | None = None

    @property
    def words(self) -> str:
        """Who looks, and why."""
        return self.why if self.mind else f"pixels; {self.why}"


@asynccontextmanager
async def open_mind(desk: Desk, run: str, options: RunOptions, ledger: Ledger, events: Sink) -> AsyncIterator[Minded]:
    """The mind of a run, for as long as it lasts."""
    own = load_settings(desk.root)
    with rehearsed(desk.root, own) if options.rehearse else nullcontext(Stage(own, {})) as stage:
        settings, environment = stage.settings, stage.environment if options.rehearse else None
        shots = len(options.shots) or _shots(desk)
        choice = choose(options, settings, desk.project.toml.film.allow, shots)
        if choice.server is None:
            yield Minded(None, choice.why, environment)
            return
        caps = caps_of(desk.project, own).for_run(options.budget)
        purse = Purse(run=run, server=choice.server, ledger=ledger, events=events, caps=caps)
        async with _door(desk.home / "runs" / run / "requests", options, choice.server) as door:
            yield Minded(Mind(door, purse, desk.sessions, jobs=settings.model_jobs), choice.why, environment)


@asynccontextmanager
async def _door(folder: Path, options: RunOptions, server: Server) -> AsyncIterator[Asker]:
    if options.dry_run:
        yield Recorder(folder, server.model)
        return
    async with Door(server) as door:
        yield door


def _shots(desk: Desk) -> int:
    """How many shots the film has, as far as film.toml says; counted anew at the price of reading it, nobody would."""
    film = desk.project.toml.film
    return len(desk.project.toml.shot) or len(film.shots) or USUAL_SHOTS
