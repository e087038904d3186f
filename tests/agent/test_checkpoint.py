"""States come back as they were stored, and a state of another schema is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from langgraph.graph import START, StateGraph

from agent.checkpoint import check_version, open_saver, serializer, stored_types
from agent.errors import OtherVersion
from agent.schema import SCHEMA_VERSION, Finding
from agent.state import FilmState
from tests.agent.samples import sample
from tools.types import Frozen


@pytest.mark.parametrize("model", stored_types(), ids=lambda model: model.__name__)
def test_every_stored_type_comes_back(model: type[Frozen]) -> None:
    value, serde = sample(model), serializer()
    again = serde.loads_typed(serde.dumps_typed({"id": value}))["id"]
    assert type(again) is model
    assert again == value


def test_a_state_survives_the_process_that_wrote_it(tmp_path: Path) -> None:
    finding = sample(Finding)

    async def life(begin: FilmState | None) -> dict[str, Finding]:
        graph = StateGraph(FilmState)
        graph.add_node("look", lambda _: {"findings": {finding.id: finding}})
        graph.add_edge(START, "look")
        async with open_saver(tmp_path) as saver:
            made = graph.compile(checkpointer=saver)
            if begin is not None:
                await made.ainvoke(begin, {"configurable": {"thread_id": "t"}}, durability="sync")
            state = await made.aget_state({"configurable": {"thread_id": "t"}})
        found: dict[str, Finding] = state.values["findings"]
        return found

    asyncio.run(life({"schema_version": SCHEMA_VERSION, "goal": "scan"}))
    assert asyncio.run(life(None)) == {finding.id: finding}


@pytest.mark.parametrize("found", [None, SCHEMA_VERSION + 1])
def test_another_schema_is_refused(found: int | None) -> None:
    check_version({"schema_version": SCHEMA_VERSION}, "run-001")
    with pytest.raises(OtherVersion, match="run-001"):
        check_version({"schema_version": found}, "run-001")
