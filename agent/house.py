"""What this machine has: the roster with what was learned of each editor, and whether the parts work."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import select

from agent.budget import plain
from agent.config import editors_environment, load_settings
from agent.db import LedgerRow, close, open_database
from tools.editors.base import Capabilities, Price
from tools.editors.prices import prices_file, read_prices, write_prices
from tools.editors.registry import Entry, House, Provider, roster, whole_roster
from tools.errors import BadInput
from tools.types import Frozen

READY = "ready"
FREE_GB = 2.0
"""Disk that a pass over a few minutes of film needs for its lossless takes."""


class EditorLine(Frozen):
    """An editor as `tools` lists it."""

    name: str
    provider: str
    """Whose machines do the work; "" for this machine."""
    model: str
    """The provider's own name of the model."""
    actions: tuple[str, ...]
    methods: tuple[str, ...]
    local: bool
    price: str
    """With the day on which it was read; "?" where no page of the provider says it."""
    success: str
    ready: str


class EditorLines(Frozen):
    """What `tools` prints."""

    editors: tuple[EditorLine, ...]


class Finding(Frozen):
    """One thing that was looked at. `needed` is false for what only widens what Suture can do."""

    what: str
    works: bool
    why: str
    needed: bool = True


class Examination(Frozen):
    """What `doctor` prints."""

    checks: tuple[Finding, ...]


def editors(root: Path | None) -> tuple[EditorLine, ...]:
    """Every editor of the roster, with the verdicts of the project at `root`."""
    verdicts, environment = _verdicts(root), _environment(root)
    return tuple(
        EditorLine(
            name=name,
            provider=entry.provider.title if entry.provider else "",
            model=entry.capabilities.model or "",
            actions=tuple(sorted(entry.capabilities.actions)),
            methods=entry.capabilities.methods,
            local=entry.capabilities.local,
            price=price_words(entry.capabilities.price),
            success=_success(entry.capabilities, *verdicts.get(name, (0, 0))),
            ready=entry.missing(environment) or READY,
        )
        for name, entry in roster().items()
    )


def refresh(root: Path | None) -> tuple[str, ...]:
    """Asks the providers that tell their prices, keeps what they say, and returns the editors it was said of.

    Providers without a key here are not asked. Raises BadInput where nobody can be asked, EditorError as they do.
    """
    house = House(Path(tempfile.gettempdir()) / "suture-prices", _environment(root))
    modules: dict[str, list[Entry]] = {}
    for entry in roster().values():
        if entry.provider is not None and entry.missing(house.environment) is None:
            modules.setdefault(entry.module, []).append(entry)
    asking = {name: ask for name in modules if (ask := getattr(import_module(name), "refreshed_prices", None))}
    if not asking:
        raise BadInput("--refresh: no provider that tells its prices is set up here; `suture doctor` says what to set")
    told: dict[str, Price] = {}
    for name, ask in asking.items():
        told |= {one: _bounded(price, one) for one, price in asyncio.run(ask(house, modules[name])).items()}
    write_prices(prices_file(), {**read_prices(prices_file()), **told})
    whole_roster.cache_clear()
    return tuple(sorted(told))


def _bounded(told: Price, editor: str) -> Price:
    """A told price with what no list says: the least and most of a bill, unless only the old price was the doubt."""
    before = roster()[editor].capabilities.price
    high = max(told.high, before.high) if before.sure else told.high
    return told.model_copy(update={"high": high, "least": max(told.least, before.least)})


def _environment(root: Path | None) -> dict[str, str]:
    return editors_environment(load_settings(root or Path.cwd()))


def _verdicts(root: Path | None) -> dict[str, tuple[int, int]]:
    if root is None or not (root / ".suture" / "suture.db").exists():
        return {}
    sessions = open_database(root / ".suture")
    real = select(LedgerRow.editor, LedgerRow.verdict).where(LedgerRow.rehearsed.is_(False))
    with sessions() as session:
        rows = session.execute(real).all()
    close(sessions)
    counted = Counter((row.editor, row.verdict) for row in rows)
    return {name: (counted[name, "pass"], counted[name, "fail"]) for name, _ in counted}


def price_words(price: Price) -> str:
    """ "0.28 USD a second made, at least 0.56 (2026-11-22)"; "?" at the end where it is not sure."""
    if price.free:
        return "free"
    parts = {
        "a job": price.per_job,
        "a second made": price.per_second,
        "a second sent": price.per_input_second,
        "a frame sent": price.per_frame,
        "a megapixel": price.per_megapixel,
        "a million tokens": price.per_token * 1_000_000,
    }
    words = " + ".join(f"{plain(usd)} USD {of}" for of, usd in parts.items() if usd)
    least = f", at least {plain(price.least)}" if price.least else ""
    return f"{words}{least} ({price.on or 'no date'}){'' if price.sure else '?'}"


def _success(can: Capabilities, passed: int, failed: int) -> str:
    prior = next(iter(can.priors.values()), None)
    expected = f"{prior.mean:.0%} expected" if prior else "nothing known"
    tried = passed + failed
    return f"{passed} of {tried}; {expected}" if tried else expected


def examine() -> Examination:
    """Looks at everything a pass needs, and at what would widen it."""
    here = (_python(), _packages(), _disk(), _writable(), _cores(), _gpu(), _model())
    return Examination(checks=(*here, *_providers()))


def _python() -> Finding:
    return Finding(what="Python", works=sys.version_info >= (3, 11), why=platform.python_version())


def _packages() -> Finding:
    missing = [name for name in ("av", "cv2", "langgraph", "scenedetect", "skimage") if find_spec(name) is None]
    why = f"missing: {', '.join(missing)}" if missing else "media, vision and graph packages are here"
    return Finding(what="packages", works=not missing, why=why)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding(what="disk", works=free >= FREE_GB, why=f"{free:.1f} GB free here, {FREE_GB:.0f} GB wanted")


def _writable() -> Finding:
    works = os.access(Path.cwd(), os.W_OK) and os.access(tempfile.gettempdir(), os.W_OK)
    return Finding(
        what="writing", works=works, why="this folder and the temporary one can be written" if works else "no"
    )


def _cores() -> Finding:
    return Finding(what="processor", works=True, why=f"{os.cpu_count()} cores")


def _gpu() -> Finding:
    has = shutil.which("nvidia-smi") is not None
    why = "an NVIDIA driver is here" if has else "none; editors that need one stay out"
    return Finding(what="GPU", works=has, why=why, needed=False)


def _model() -> Finding:
    settings = load_settings(Path.cwd())
    if settings.model is None:
        why = "SUTURE_MODEL is not set; the inspector is pixels"
    else:
        why = f"{settings.model} at {settings.openai_base_url} looks and reads"
    return Finding(what="vision model", works=settings.model is not None, why=why, needed=False)


def _providers() -> tuple[Finding, ...]:
    environment = _environment(None)
    return tuple(_provider(one, environment) for one in whole_roster().providers.values())


def _provider(provider: Provider, environment: Mapping[str, str]) -> Finding:
    missing = provider.missing(environment)
    base = environment.get(provider.base_variable)
    ready = f"a key is set{f', asked at {base}' if base else ''}"
    where = f" ({provider.signup})" if provider.signup else ""
    why = f"{missing}{where}" if missing else ready
    return Finding(what=provider.title, works=missing is None, why=why, needed=False)
