"""The door to models over real HTTP: every way in which a server can fail has its own ending, and none is a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pytest
from pydantic import SecretStr

from agent import errors
from agent.answers import ThingFound
from agent.llm import Door, Server, Skill, Usage, estimate_of, messages_of, parsed
from agent.shown import Shown, shown
from prompts import render
from tools.sandbox.script import SERVERS, Fault, Fixed, Quirks
from tools.sandbox.server import ModelServer

BOX = {"x": 1, "y": 2, "w": 30, "h": 40}
FOUND = {"box": BOX, "confidence": 0.9, "why": "it is there"}
PROMPT = render("find-thing", thing="earpiece", place="", whose="mara")
TOP = Skill(rung="json_schema", sees=True)


class Till:
    """Keeps what was opened and how it was closed."""

    def __init__(self) -> None:
        self.opened: list[Usage] = []
        self.endings: dict[int, tuple[Usage, str]] = {}

    def open(self, estimate: Usage) -> int:
        self.opened.append(estimate)
        return len(self.opened)

    def close(self, call: int, usage: Usage, ending: str) -> None:
        self.endings[call] = (usage, ending)


def picture() -> Shown:
    rng = np.random.default_rng(5)
    return shown("SH020@24", "whole frame", rng.integers(0, 255, (90, 160, 3), np.uint8))


def asked(server: ModelServer, till: Till, skill: Skill = TOP, seconds: float = 20.0) -> ThingFound:
    async def ask() -> ThingFound:
        known = Server(
            base_url=server.base_url, model="m", key=SecretStr("secret-key"), seconds=seconds, retry_seconds=0.0
        )
        async with Door(known) as door:
            return await door.ask(PROMPT, ThingFound, [picture()], skill, till)

    return asyncio.run(ask())


def served(faults: Sequence[Fault | None] = (), quirks: Quirks | None = None) -> ModelServer:
    return ModelServer(Fixed({"find-thing": FOUND}), faults={"find-thing": faults}, quirks=quirks)


@pytest.mark.parametrize("faults", [(), ("fenced",), ("reasoning",)], ids=str)
def test_one_request_brings_the_answer(faults: Sequence[Fault]) -> None:
    till = Till()
    with served(faults) as server:
        assert asked(server, till).model_dump() == FOUND
        assert len(server.requests) == 1
    (record,) = server.requests
    assert (record.asked.task, record.asked.version, record.asked.rung) == ("find-thing", 1, "json_schema")
    assert [one.name for one in record.asked.pictures] == ["SH020@24"]
    usage, ending = till.endings[1]
    assert ending == "answered"
    assert 0 < usage.tokens_in < till.opened[0].tokens_in


@pytest.mark.parametrize("fault", ["drop", "rate-limit", "rate-limit-date", "error", "loading"])
def test_what_may_pass_is_asked_once_more(fault: Fault) -> None:
    with served([fault]) as server:
        assert asked(server, Till()).box is not None
        assert [record.fault for record in server.requests] == [fault, None]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("drop", errors.ModelUnreachable),
        ("error", errors.ModelUnreachable),
        ("loading", errors.ModelUnreachable),
        ("rate-limit", errors.ModelBusy),
    ],
)
def test_what_does_not_pass_ends_after_two_requests(fault: Fault, error: type[errors.ModelError]) -> None:
    with served([fault] * 9) as server, pytest.raises(error):
        asked(server, Till())
    assert len(server.requests) == 2


def test_a_server_that_hangs_is_left_after_its_time() -> None:
    till = Till()
    with served(["hang", "hang"]) as server, pytest.raises(errors.ModelUnreachable, match=r"within 0\.2 s"):
        asked(server, till, seconds=0.2)
    assert len(till.opened) == 2
    assert till.endings == {}, "nobody knows whether it was billed: it stays open at its estimate"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("quota", errors.ModelDenied),
        ("rate-limit-long", errors.ModelDenied),
        ("denied", errors.ModelDenied),
        ("no-model", errors.ModelDenied),
        ("refusal", errors.ModelRefused),
        ("filtered", errors.ModelFiltered),
        ("filtered-question", errors.ModelFiltered),
        ("truncated", errors.ModelTruncated),
        ("empty", errors.ModelEmpty),
        ("null", errors.ModelEmpty),
    ],
)
def test_what_is_final_is_asked_once(fault: Fault, error: type[errors.ModelError]) -> None:
    with served([fault] * 9) as server, pytest.raises(error) as caught:
        asked(server, Till())
    assert len(server.requests) == 1
    assert "secret-key" not in str(caught.value)


@pytest.mark.parametrize("fault", ["wrong-shape", "chatter"])
def test_an_answer_that_does_not_fit_is_mended_in_one_round(fault: Fault) -> None:
    with served([fault]) as server:
        assert asked(server, Till()).confidence == 0.9
    assert [record.asked.rounds for record in server.requests] == [0, 1]


@pytest.mark.parametrize("fault", ["wrong-shape", "chatter"])
def test_an_answer_that_never_fits_ends_after_one_round(fault: Fault) -> None:
    with served([fault] * 9) as server, pytest.raises(errors.ModelUnreadable):
        asked(server, Till())
    assert len(server.requests) == 2


def test_more_pictures_than_a_server_takes_is_an_ending_of_its_own() -> None:
    async def ask(server: ModelServer) -> None:
        known = Server(base_url=server.base_url, model="m", key=SecretStr(""))
        async with Door(known) as door:
            await door.ask(PROMPT, ThingFound, [picture(), picture()], TOP, Till())

    with served(quirks=SERVERS["vllm"]) as server, pytest.raises(errors.FewPictures, match="At most 1 image"):
        asyncio.run(ask(server))


def test_nobody_at_home_is_unreachable_and_costs_nothing() -> None:
    till = Till()
    with served() as server:
        pass
    with pytest.raises(errors.ModelUnreachable):
        asked(server, till)
    assert [usage.tokens_in for usage, _ in till.endings.values()] == [0, 0]


@pytest.mark.parametrize(
    ("quirks", "skill"),
    [
        (SERVERS["openai"], Skill(rung="json_schema", sees=True)),
        (SERVERS["ollama"], Skill(rung="json_schema", sees=True)),
        (SERVERS["llama.cpp"], Skill(rung="json_schema", sees=True)),
        (SERVERS["older"], Skill(rung="json_object", sees=True)),
        (Quirks(rungs=("text",)), Skill(rung="text", sees=True)),
        (SERVERS["text-only"], Skill(rung="text", sees=False)),
        (Quirks(sees=False), Skill(rung="json_schema", sees=False)),
    ],
    ids=["openai", "ollama", "llama.cpp", "older", "text", "text-only", "blind"],
)
def test_the_probe_finds_the_rung_and_whether_pictures_arrive(quirks: Quirks, skill: Skill) -> None:
    async def probed(server: ModelServer) -> Skill:
        async with Door(Server(base_url=server.base_url, model="m", key=SecretStr(""))) as door:
            return await door.probe(Till())

    with served(quirks=quirks) as server:
        assert asyncio.run(probed(server)) == skill
        if skill.sees:
            assert asked(server, Till(), skill).box is not None


def test_usage_is_estimated_where_a_server_does_not_say() -> None:
    till = Till()
    with served(quirks=SERVERS["older"]) as server:
        asked(server, till, Skill(rung="json_object", sees=True))
    usage, _ = till.endings[1]
    assert usage.tokens_in == till.opened[0].tokens_in
    assert 5 < usage.tokens_out < 100


def test_an_estimate_is_not_under_what_the_usual_rules_count() -> None:
    wide = shown("SH020@24", "whole frame", np.zeros((576, 1024, 3), np.uint8))
    words = estimate_of(messages_of(PROMPT, ThingFound, [])).tokens_in
    patches = (1024 // 28) * (576 // 28)
    assert estimate_of(messages_of(PROMPT, ThingFound, [wide])).tokens_in - words >= patches


SPOILED: Mapping[str, Callable[[str], str]] = {
    "fenced": lambda text: f"```json\n{text}\n```",
    "prose": lambda text: f"I see {{it}} here. {text} Done.",
    "two objects": lambda text: f'{{"note": 1}} {text}',
}


@pytest.mark.parametrize("how", SPOILED)
def test_the_answer_is_taken_out_of_what_lies_around_it(how: str) -> None:
    text = ThingFound.model_validate(FOUND).model_dump_json()
    assert parsed(SPOILED[how](text), ThingFound).model_dump() == FOUND
