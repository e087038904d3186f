"""Where graph states are kept: one SQLite saver per process, a strict list of types, and the version check."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from agent import schema, state
from agent.errors import OtherVersion
from agent.schema import SCHEMA_VERSION
from tools import types
from tools.types import Frozen


def stored_types() -> list[type[Frozen]]:
    """Every model that may stand in a state: all frozen models of the schema, the state and the trade's words."""
    found = {
        member
        for module in (schema, state, types)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Frozen) and member is not Frozen
    }
    return sorted(found, key=lambda model: (model.__module__, model.__name__))


def serializer() -> JsonPlusSerializer:
    """Reads back only the listed types; anything else would come back as a plain dictionary."""
    return JsonPlusSerializer(allowed_msgpack_modules=stored_types())


@asynccontextmanager
async def open_saver(home: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """The saver on the project's database."""
    async with AsyncSqliteSaver.from_conn_string(str(home / "suture.db")) as saver:
        saver.serde = serializer()
        await saver.setup()
        yield saver


def check_version(values: Mapping[str, Any], thread: str) -> None:
    """Refuses a state that another schema wrote: it would load with fields missing and no error."""
    found = values.get("schema_version")
    if found != SCHEMA_VERSION:
        raise OtherVersion(f"{thread}: written under schema {found}, this is {SCHEMA_VERSION}; start a new run")
