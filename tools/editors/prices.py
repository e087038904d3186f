"""Prices that providers told since the roster was written: one file in the user's own folder, laid over the roster.

Each price carries the day on which it was read and where; one that is older than the roster's is not used.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from tools.editors.base import Price
from tools.errors import BadInput, MachineFailed


def user_folder() -> Path:
    """The user's own folder of settings and prices."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "suture"


def prices_file() -> Path:
    """Where refreshed prices are kept."""
    return user_folder() / "prices.toml"


def read_prices(path: Path) -> dict[str, Price]:
    """Prices by editor; none where there is no file. BadInput names the file and the editor that cannot be read."""
    name = ""
    try:
        found = {}
        for name, fields in tomllib.loads(path.read_text(encoding="utf-8")).items():
            found[name] = Price.model_validate(fields)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, ValidationError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise BadInput(
            f"{path}: {name or 'the file'} cannot be read ({first}); delete it, refresh the prices"
        ) from None
    return found


def write_prices(path: Path, prices: Mapping[str, Price]) -> None:
    """Writes all prices, whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text("\n".join(_table(name, price) for name, price in sorted(prices.items())), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise MachineFailed(f"{path}: the prices could not be written ({error.strerror or error})") from error
    finally:
        partial.unlink(missing_ok=True)


def _table(name: str, price: Price) -> str:
    told = price.model_dump(mode="python", exclude_defaults=True)
    lines = [f"{field} = {_word(value)}" for field, value in told.items()]
    return "\n".join([f"[{_quoted(name)}]", *lines, ""])


def _word(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, float) else _quoted(str(value))


def _quoted(text: str) -> str:
    clean = "".join(" " if ord(one) < 32 or ord(one) == 127 else one for one in text)
    return '"' + clean.replace("\\", "\\\\").replace('"', '\\"') + '"'
