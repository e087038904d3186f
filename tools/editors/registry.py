"""The roster: editors as data, built only when they are asked for."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from tools.editors.base import Capabilities, Editor
from tools.errors import BadInput
from tools.types import Frozen

ROSTER = Path(__file__).with_name("roster.toml")


class Entry(Frozen):
    """One editor of the roster: the module whose `build(name, capabilities, home)` makes it, and what it can do."""

    name: str
    module: str
    capabilities: Capabilities


@cache
def roster(path: Path = ROSTER) -> dict[str, Entry]:
    """All editors by name; BadInput names the entry that cannot be read."""
    entries = {}
    for name, fields in tomllib.loads(path.read_text()).items():
        module = fields.pop("module", "")
        try:
            entries[name] = Entry(name=name, module=module, capabilities=Capabilities.model_validate(fields))
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInput(f"{path.name}: [{name}] {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return entries


def build(name: str, home: Path) -> Editor:
    """The editor of that name; it keeps its running jobs in `home`. BadInput for a name the roster does not have."""
    entry = roster().get(name)
    if entry is None:
        raise BadInput(f"no editor is called {name!r}; the roster has {', '.join(sorted(roster()))}")
    made = import_module(entry.module).build(entry.name, entry.capabilities, home)
    return cast(Editor, made)
