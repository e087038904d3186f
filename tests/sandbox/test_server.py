"""The scripted server over real HTTP with the real SDK: what it records, what it refuses, and how it misbehaves."""

from __future__ import annotations

import base64
import copy
import hashlib
import itertools
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import openai
import pytest
from pydantic import BaseModel

from agent import answers
from agent.llm import Colours, strict_schema
from agent.shown import Shown, shown
from prompts import Prompt, render
from tests.sandbox.asking import asked, body_of, client_of, sent
from tools.errors import BadInput
from tools.sandbox import serve_forever
from tools.sandbox.script import NOTHING, SERVERS, Fault, Fixed, InOrder, colours_in
from tools.sandbox.server import ModelServer
from tools.sandbox.strict import Unacceptable, check_schema
from tools.types import Box

FOUND = {"box": {"x": 1, "y": 2, "w": 30, "h": 40}, "confidence": 0.9, "why": "it is there"}
PROMPT = render("find-thing", thing="earpiece", place="", whose="mara")
ANSWERS: Mapping[str, type[BaseModel]] = {
    "inspect-shot": answers.ShotLook,
    "compare-shots": answers.PairLook,
    "inspect-sheet": answers.SheetLook,
    "read-sheet": answers.SheetReading,
    "trace-cause": answers.CauseChoice,
    "find-thing": answers.ThingFound,
    "judge-repair": answers.RepairLook,
    "write-fill": answers.FillWords,
    "understand-request": answers.Step,
}


def picture(width: int = 640, height: int = 360) -> Shown:
    rng = np.random.default_rng(5)
    return shown("SH020@24", "whole frame", rng.integers(0, 255, (height, width, 3), np.uint8))


def question() -> dict[str, Any]:
    return body_of(PROMPT, answers.ThingFound, [picture()])


def served(*faults: Fault | None, kind: str = "openai") -> ModelServer:
    return ModelServer(Fixed({"find-thing": FOUND}), faults={"find-thing": faults}, quirks=SERVERS[kind])


def test_a_request_is_recorded_as_it_was_sent() -> None:
    body = question()
    with served() as server:
        reply = sent(server, body)
    (record,) = server.requests
    got = record.asked
    assert (got.task, got.version, got.rung, got.schema_name) == ("find-thing", 1, "json_schema", "ThingFound")
    assert got.model == "m"
    assert got.rules == body["messages"][0]["content"]
    assert got.text == PROMPT.text
    (seen,) = got.pictures
    assert (seen.name, seen.words, seen.size, seen.media_type) == ("SH020@24", "whole frame", (640, 360), "image/png")
    assert np.array_equal(seen.pixels, picture().pixels)
    url = body["messages"][1]["content"][2]["image_url"]["url"]
    assert seen.sha256 == hashlib.sha256(base64.b64decode(url.partition(",")[2])).hexdigest()
    assert record.said == reply.choices[0].message.content
    assert server.problems == []


def test_larger_pictures_and_longer_words_cost_more_tokens() -> None:
    def tokens(prompt: Prompt, size: tuple[int, int]) -> int:
        usage = sent(server, body_of(prompt, answers.ThingFound, [picture(*size)])).usage
        assert usage is not None
        return usage.prompt_tokens

    with served() as server:
        plain = tokens(PROMPT, (640, 360))
        assert tokens(PROMPT, (1024, 576)) > plain
        assert tokens(PROMPT._replace(text=PROMPT.text * 9), (640, 360)) > plain


def test_it_says_which_models_it_has() -> None:
    with served() as server, client_of(server) as client:
        assert [model.id for model in client.models.list()] == ["sandbox"]


def _part(body: dict[str, Any], number: int) -> dict[str, Any]:
    part: dict[str, Any] = body["messages"][1]["content"][number]
    return part


def _schema(body: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = body["response_format"]["json_schema"]["schema"]
    return schema


WRONG: Mapping[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "no messages": (lambda b: b.update(messages=[]), "at least one message"),
    "no user": (lambda b: b["messages"].pop(), "of the user"),
    "other size than told": (lambda b: _part(b, 1).update(text="Picture 1: a@1, it. 640 x 361 pixels."), "640 x 360"),
    "no caption": (lambda b: b["messages"][1]["content"].pop(1), "without a caption"),
    "other number": (lambda b: _part(b, 1).update(text="Picture 2: a@1, it. 640 x 360 pixels."), "numbered"),
    "cut picture": (
        lambda b: _part(b, 2)["image_url"].update(url=_part(b, 2)["image_url"]["url"][:4022]),
        "cannot be decoded",
    ),
    "no base64": (lambda b: _part(b, 2)["image_url"].update(url="data:image/png;base64,%%"), "not base64"),
    "another type": (
        lambda b: _part(b, 2)["image_url"].update(url=_part(b, 2)["image_url"]["url"].replace("png", "jpeg", 1)),
        "not image/jpeg",
    ),
    "unknown form": (lambda b: b.update(response_format={"type": "yaml"}), "response_format"),
    "object without the word": (
        lambda b: b.update(response_format={"type": "json_object"}, messages=[{"role": "user", "content": "hi"}]),
        "the word 'json'",
    ),
    "open schema": (lambda b: _schema(b).pop("additionalProperties"), "additionalProperties"),
    "streamed": (lambda b: b.update(extra_body={"stream": True}), "stream"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_a_strict_server_does_not_take_is_refused(what: str) -> None:
    spoil, words = WRONG[what]
    body = copy.deepcopy(question())
    spoil(body)
    with served() as server:
        with pytest.raises(openai.BadRequestError, match=words):
            sent(server, body)
        assert len(server.problems) == 1


CLOSED = {"type": "object", "additionalProperties": False}
INT = {"type": "integer"}


@pytest.mark.parametrize(
    "inner",
    [
        {"type": "integer", "default": 1},
        {"type": "array", "prefixItems": [INT], "items": INT},
        {"type": "array"},
        {"oneOf": [INT]},
        {"anyOf": [INT, {"type": "object", "properties": {}}]},
        {"type": "object", "additionalProperties": INT},
        {**CLOSED, "properties": {"a": INT}, "required": []},
        {"$ref": "#/$defs/Gone"},
        {},
    ],
    ids=str,
)
def test_a_schema_that_is_not_strict_is_refused(inner: dict[str, Any]) -> None:
    check_schema("Answer", {**CLOSED, "properties": {"a": INT}, "required": ["a"]})
    with pytest.raises(Unacceptable, match=r"Answer\.a"):
        check_schema("Answer", {**CLOSED, "properties": {"a": inner}, "required": ["a"]})


@pytest.mark.parametrize("task", ANSWERS)
def test_every_answer_has_a_strict_schema_and_an_empty_form(task: str) -> None:
    check_schema(ANSWERS[task].__name__, strict_schema(ANSWERS[task]))
    ANSWERS[task].model_validate(NOTHING[task])
    assert set(NOTHING) == set(ANSWERS)


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("rate-limit", openai.RateLimitError, "rate_limit_exceeded"),
        ("rate-limit-date", openai.RateLimitError, "rate_limit_exceeded"),
        ("rate-limit-long", openai.RateLimitError, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("error", openai.InternalServerError, None),
        ("loading", openai.InternalServerError, "503"),
        ("denied", openai.AuthenticationError, "invalid_api_key"),
        ("no-model", openai.NotFoundError, "model_not_found"),
        ("filtered-question", openai.BadRequestError, "content_filter"),
    ],
)
def test_a_fault_of_the_server_comes_as_the_error_it_is(
    fault: Fault, error: type[openai.APIStatusError], code: object
) -> None:
    with served(fault) as server:
        with pytest.raises(error) as caught:
            sent(server, question())
        assert caught.value.code == code
        assert ("retry-after" in caught.value.response.headers) == fault.startswith("rate-limit")
        assert sent(server, question()).choices[0].finish_reason == "stop"
    assert [record.fault for record in server.requests] == [fault, None]


def test_a_line_that_breaks_and_one_that_stays_silent() -> None:
    with served("drop", "hang") as server:
        with pytest.raises(openai.APIConnectionError):
            sent(server, question())
        with pytest.raises(openai.APITimeoutError):
            sent(server, question(), seconds=0.2)
    assert [record.fault for record in server.requests] == ["drop", "hang"]


@pytest.mark.parametrize(
    ("fault", "content", "reason"),
    [
        ("refusal", None, "stop"),
        ("filtered", "", "content_filter"),
        ("truncated", '{"box": {"x": 1, "y": 2, "w": 30, "h": 40}', "length"),
        ("empty", "", "stop"),
        ("null", None, "stop"),
        ("chatter", "Sure! I had a look and everything seems fine to me.", "stop"),
        ("wrong-shape", '{"verdict": "fine"}', "stop"),
    ],
)
def test_a_reply_that_is_no_answer(fault: Fault, content: str | None, reason: str) -> None:
    with served(fault) as server:
        choice = sent(server, question()).choices[0]
    assert (choice.message.content, choice.finish_reason) == (content, reason)
    assert bool(choice.message.refusal) == (fault == "refusal")


def test_an_answer_with_something_about_it() -> None:
    with served("fenced", "reasoning", "no-usage") as server:
        fenced, reasoned, bare = (sent(server, question()) for _ in range(3))
        plain = sent(server, question())
    said = plain.choices[0].message.content
    assert f"```json\n{said}\n```" in str(fenced.choices[0].message.content)
    assert reasoned.choices[0].message.to_dict().keys() >= {"content", "reasoning_content"}
    assert (bare.usage, plain.usage is None) == (None, False)


def test_a_fault_for_all_tasks_can_last_for_good() -> None:
    with ModelServer(faults={"*": itertools.repeat("error"), "find-thing": [None]}) as server:
        assert sent(server, question()).choices
        for _ in range(3):
            with pytest.raises(openai.InternalServerError):
                asked(server, Prompt("write-fill", 1, "words"), answers.FillWords)


@pytest.mark.parametrize(("kind", "refused"), [("older", "json_schema"), ("text-only", "json_schema")])
def test_a_server_that_does_not_know_a_form_says_so(kind: str, refused: str) -> None:
    with served(kind=kind) as server, pytest.raises(openai.BadRequestError, match=refused):
        sent(server, question())
    assert server.requests[0].refused
    assert server.problems == [], "it is the server that is lacking, not the request"


def test_one_picture_at_most_is_said_in_vllms_words() -> None:
    with served(kind="vllm") as server, pytest.raises(openai.BadRequestError) as caught:
        sent(server, body_of(PROMPT, answers.ThingFound, [picture(), picture()]))
    assert "At most 1 image(s) may be provided in one request." in str(caught.value)


def test_what_a_server_drops_in_silence_does_not_reach_the_script() -> None:
    reached = []

    def answer(got: Any) -> Mapping[str, Any]:
        reached.append((len(got.text), len(got.pictures)))
        return FOUND

    long = PROMPT._replace(text="x" * 50_000)
    for kind in ("ollama", "text-only"):
        with ModelServer(Fixed({"find-thing": answer}), quirks=SERVERS[kind]) as server:
            sent(server, body_of(long, answers.ThingFound, [picture()], "text"))
            assert len(server.requests[0].asked.text) > 50_000, "the record holds what was sent"
    assert reached[0] == (4 * 4096, 1)
    assert reached[1][1] == 0


SQUARES = {"white": (235, 235, 235), "black": (20, 20, 20), "red": (200, 40, 50), "green": (60, 190, 70)}
MORE = {"blue": (30, 70, 200), "yellow": (230, 210, 60)}


def test_the_probe_is_answered_by_looking() -> None:
    colours = {**SQUARES, **MORE}
    rng = np.random.default_rng(11)
    with served() as server:
        for _ in range(5):
            order = [str(name) for name in rng.permutation(list(colours))[:4]]
            drawn = np.full((120, 500, 3), 128, np.uint8)
            for place, name in enumerate(order):
                drawn[30:90, 25 + 120 * place : 85 + 120 * place] = colours[name]
            noisy = np.clip(drawn + rng.normal(0, 6, drawn.shape), 0, 255).astype(np.uint8)
            squares = Shown("probe", "coloured squares", noisy, Box(0, 0, 500, 120))
            assert asked(server, render("probe"), Colours, [squares]).colours == order
    assert colours_in(np.full((20, 60, 3), 128, np.uint8)) == []


def test_answers_in_order_end_with_the_last() -> None:
    steps = [{"prompt": "one"}, {"prompt": "two"}]
    with ModelServer(InOrder("write-fill", steps)) as server:
        said = [asked(server, Prompt("write-fill", 1, "words"), answers.FillWords).prompt for _ in range(3)]
    assert said == ["one", "two", "two"]


def test_nothing_is_left_running() -> None:
    before = set(threading.enumerate())
    with served(None, "hang") as server, client_of(server, 0.2) as client:
        create: Any = client.chat.completions.create
        create(**question())
        with pytest.raises(openai.APITimeoutError):
            create(**question())
    assert set(threading.enumerate()) <= before
    with pytest.raises(openai.APIConnectionError):
        sent(server, question())


def test_it_serves_until_a_signal_comes() -> None:
    script = "from tools.sandbox import serve_forever; serve_forever(None, 0, kind='vllm')"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("export OPENAI_BASE_URL=http://127.0.0.1:")
        with openai.OpenAI(base_url=line.strip().partition("=")[2], api_key="none") as client:
            assert client.models.list().data
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with served() as server, pytest.raises(BadInput, match=r"port \d+: cannot listen there"):
        serve_forever(None, int(server.base_url.split(":")[2].removesuffix("/v1")))
