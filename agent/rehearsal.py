"""A rehearsal: in the place of the model and of all providers are servers on this machine.

They know a labelled film's truth: the model finds what the labels say, and what editors get back are the clean takes.
Nothing leaves the machine and nothing is paid.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pydantic import SecretStr

from agent.config import Settings

MODEL = "rehearsal"


class Stage(NamedTuple):
    """The settings of a rehearsal, and the environment that its editors work in."""

    settings: Settings
    environment: Mapping[str, str]


@contextmanager
def rehearsed(root: Path, settings: Settings) -> Iterator[Stage]:
    """The servers, for as long as the run lasts."""
    from tools.sandbox import scripted_server  # noqa: PLC0415 - a web server loads for rehearsals only
    from tools.sandbox.providers import ProviderSandbox  # noqa: PLC0415

    with scripted_server(root) as server, ProviderSandbox(root) as providers:
        changes = {"model": MODEL, "openai_base_url": server.base_url, "openai_api_key": SecretStr("none")}
        own = settings.model_copy(update={**changes, "model_usd_in": 0.0, "model_usd_out": 0.0})
        yield Stage(own, providers.environment())
