"""A rehearsal: in the model's place is the scripted server on this machine, which knows a labelled film's truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from agent.config import Settings

MODEL = "rehearsal"


@contextmanager
def rehearsed(root: Path, settings: Settings) -> Iterator[Settings]:
    """The settings with the scripted server in the model's place, for as long as the run lasts."""
    from tools.sandbox import scripted_server  # noqa: PLC0415 - a web server loads for rehearsals only

    with scripted_server(root) as server:
        changes = {"model": MODEL, "openai_base_url": server.base_url, "openai_api_key": SecretStr("none")}
        yield settings.model_copy(update={**changes, "model_usd_in": 0.0, "model_usd_out": 0.0})
