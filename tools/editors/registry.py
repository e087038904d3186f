"""The roster: providers and editors as data; an editor is built only when it is asked for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from tools.editors.base import Capabilities, Editor, Price
from tools.editors.local.models import missing as missing_weights
from tools.editors.prices import prices_file, read_prices
from tools.errors import BadInput
from tools.types import Frozen

ROSTER = Path(__file__).with_name("roster.toml")
STILL_SERVED = "SUTURE_STILL_SERVED"
"""Names of retired editors, by commas, that this account may use all the same: providers keep models for some."""


class Provider(Frozen):
    """Whose machines do the work. One of the groups of `keys` (environment variables) must be set whole.

    `hosts` are the addresses by their use; SUTURE_<NAME>_BASE_URL in the environment stands in for all of them: the
    one of a provider that has one, BASE/USE of a provider that has several. Credentials go to these and to `trusted`
    origins only.
    """

    name: str
    title: str
    keys: tuple[tuple[str, ...], ...]
    hosts: dict[str, str]
    trusted: tuple[str, ...] = ()
    signup: str = ""
    """Where a key is made."""
    elsewhere: str = ""
    """A variable that, where it names another host than these, says that the key is another server's."""

    @property
    def base_variable(self) -> str:
        return f"SUTURE_{self.name.upper().replace('-', '_')}_BASE_URL"

    def missing(self, environment: Mapping[str, str]) -> str | None:
        """What must be set before this provider can be used; None when it can."""
        if not any(all(environment.get(key) for key in group) for group in self.keys):
            return f"set {' or '.join(' and '.join(group) for group in self.keys)} to use {self.title}"
        if self._is_elsewhere(environment):
            return f"the key is another server's ({self.elsewhere}): set {self.base_variable} to use {self.title}"
        return None

    def _is_elsewhere(self, environment: Mapping[str, str]) -> bool:
        other = environment.get(self.elsewhere, "") if self.elsewhere else ""
        ours = {urlsplit(one).hostname for one in self.hosts.values()}
        return bool(other) and not environment.get(self.base_variable) and urlsplit(other).hostname not in ours


class Entry(Frozen):
    """One editor of the roster: the module whose `build(house, entry)` makes it, and what it can do."""

    name: str
    module: str
    capabilities: Capabilities
    provider: Provider | None = None

    def missing(self, environment: Mapping[str, str]) -> str | None:
        """What keeps the editor from being used here, in one line; None when nothing does."""
        retired = self.as_served(environment).capabilities.retired
        if retired:
            return f"retired: {retired}"
        if self.capabilities.weights is not None:
            return missing_weights(self.name, self.capabilities.weights, environment)
        return self.provider.missing(environment) if self.provider else None

    def as_served(self, environment: Mapping[str, str]) -> Entry:
        """The entry as this account is served: a retired one that the environment names is not retired here."""
        named = {one.strip() for one in environment.get(STILL_SERVED, "").split(",")}
        if self.name not in named:
            return self
        return self.model_copy(update={"capabilities": self.capabilities.model_copy(update={"retired": None})})


class House(NamedTuple):
    """Where an editor works: the folder for what it must remember, and the environment with keys and addresses."""

    home: Path
    environment: Mapping[str, str] = {}


class Roster(Frozen):
    """Everything roster.toml says."""

    providers: dict[str, Provider] = Field(default_factory=dict)
    editors: dict[str, Entry] = Field(default_factory=dict)


@cache
def whole_roster(path: Path = ROSTER) -> Roster:
    """Providers and editors by name, under newer prices; BadInput names the entry that cannot be read."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    providers = {
        name: _read(path, f"providers.{name}", Provider, {"name": name, **fields})
        for name, fields in told.get("providers", {}).items()
    }
    editors = {name: _entry(path, name, fields, providers) for name, fields in told.get("editors", {}).items()}
    newer = read_prices(prices_file())
    return Roster(providers=providers, editors={name: _priced(one, newer.get(name)) for name, one in editors.items()})


def _priced(entry: Entry, price: Price | None) -> Entry:
    """The entry at a price that was read no earlier than its own."""
    can = entry.capabilities
    if price is None or (can.price.on or date.min) > (price.on or date.min):
        return entry
    return entry.model_copy(update={"capabilities": can.model_copy(update={"price": price})})


def roster() -> dict[str, Entry]:
    """All editors by name."""
    return whole_roster().editors


def _entry(path: Path, name: str, fields: dict[str, Any], providers: Mapping[str, Provider]) -> Entry:
    module = fields.pop("module", "")
    can = _read(path, f"editors.{name}", Capabilities, fields)
    if can.provider is not None and can.provider not in providers:
        raise BadInput(f"{path.name}: [editors.{name}] provider: nobody is called {can.provider!r}")
    return Entry(name=name, module=module, capabilities=can, provider=providers.get(can.provider or ""))


Model = TypeVar("Model", bound=Frozen)


def _read(path: Path, where: str, model: type[Model], fields: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{path.name}: [{where}] {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def build(name: str, house: House) -> Editor:
    """The editor of that name. BadInput for a name the roster does not have, or when a key or setting is missing."""
    entry = roster().get(name)
    if entry is None:
        raise BadInput(f"no editor is called {name!r}; the roster has {', '.join(sorted(roster()))}")
    missing = entry.missing(house.environment)
    if missing:
        raise BadInput(f"{name}: {missing}")
    return cast(Editor, import_module(entry.module).build(house, entry.as_served(house.environment)))
