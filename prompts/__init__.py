"""Prompts: one file each, with front matter (version, typed variables) and a body; an unfilled variable raises.

A prompt file starts with a TOML block between `+++` lines:

    +++
    version = 1
    [variables]
    shot = "str"
    references = "list"
    +++
    Body in Jinja2.

Text that comes from the film is data: it is quoted with the `data` filter, which fences it and removes what could end
the fence.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from pydantic import BaseModel, ConfigDict

TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "list": list}


class FrontMatter(BaseModel):
    """What a prompt file says of itself before its body."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    answer: str | None = None
    """Name of the answer's schema; None for prompts that a video or image model reads."""
    variables: dict[str, str]


class Prompt(NamedTuple):
    """A rendered prompt, with the name and version that go into every record of its use."""

    name: str
    version: int
    text: str


def render(name: str, **variables: object) -> Prompt:
    """Fills the prompt file `name`. Raises KeyError for a variable missing or unknown, TypeError for a wrong type."""
    front, body = _load(name)
    if set(variables) != set(front.variables):
        odd = sorted(set(variables) ^ set(front.variables))
        raise KeyError(f"prompt {name!r}: {', '.join(odd)} missing or unknown")
    for variable, value in variables.items():
        if not isinstance(value, TYPES[front.variables[variable]]):
            raise TypeError(f"prompt {name!r}: {variable} is not a {front.variables[variable]}")
    text = _environment().from_string(body).render(**variables)
    return Prompt(name, front.version, text.strip() + "\n")


@cache
def _load(name: str) -> tuple[FrontMatter, str]:
    _, head, body = (files("prompts") / f"{name}.md").read_text(encoding="utf-8").split("+++\n", maxsplit=2)
    return FrontMatter.model_validate(tomllib.loads(head)), body


@cache
def _environment() -> Environment:
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False)  # noqa: S701  # plain text, not HTML
    environment.filters["data"] = _data
    return environment


def _data(text: str) -> str:
    """Film text as data: fenced, with fence marks inside it broken up."""
    return "«" + text.replace("«", "‹").replace("»", "›").strip() + "»"
