"""The one door to models: structured answers from any OpenAI-compatible server, over the OpenAI SDK.

How an answer is asked for is a ladder, since servers differ: a strict JSON schema, a JSON object with the schema in
words, plain text with the schema in words. What a server and model can do is probed once (`Door.probe`) with a picture
whose content is known, so that a server which drops pictures is found out too.

There is one layer of retries (the SDK's own is off): a question that met no server, a fault of the server or a rate
limit is asked once more, after the wait that the server names, and never again.
"""

from __future__ import annotations

import base64
import email.utils
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar, cast

import numpy as np
import openai
from openai.types.chat import ChatCompletion
from pydantic import BaseModel, SecretStr, ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from agent.answers import Answer
from agent.errors import (
    FewPictures,
    ModelBusy,
    ModelDenied,
    ModelEmpty,
    ModelError,
    ModelFiltered,
    ModelRefused,
    ModelRejected,
    ModelTruncated,
    ModelUnreachable,
    ModelUnreadable,
)
from agent.shown import Shown
from prompts import Prompt, render
from tools.media.stills import png
from tools.types import Box, Frozen, Rgb

Rung = Literal["json_schema", "json_object", "text"]
LADDER: tuple[Rung, ...] = ("json_schema", "json_object", "text")
Reply = TypeVar("Reply", bound=BaseModel)

PATIENCE = 60.0
"""Seconds: a server that wants to be left alone for longer is given up for this run."""
LONGEST_ANSWER = 4096
"""Tokens; what an answer may cost at most is known before it is asked for."""
PIXELS_A_TOKEN = 580.0
"""Pixels per token of a picture. The dearest of the common rules: 28-pixel patches (Qwen-VL: 784), 32-pixel patches
times 1.62 (GPT-4.1 mini: 632), 512-pixel tiles of 170 tokens (GPT-4o: about 770 for 16:9 pictures)."""
LETTERS_A_TOKEN = 3.0
"""Letters per token of text: English has about four, JSON and other scripts fewer."""
PROBE_COLOURS = {"red": (220, 30, 30), "green": (30, 170, 50), "blue": (40, 60, 220), "yellow": (240, 220, 40)}
PROBE_ORDER = ("blue", "yellow", "red", "green")


class Server(Frozen):
    """Where a model is asked, and what it asks for it in US dollars per million tokens."""

    base_url: str
    model: str
    key: SecretStr
    usd_in: float = 0.0
    usd_out: float = 0.0
    seconds: float = 180.0
    retry_seconds: float = 2.0


class Usage(Frozen):
    """Tokens read and written."""

    tokens_in: int = 0
    tokens_out: int = 0


class Skill(Frozen):
    """What a server and model can do: the highest rung that worked, and whether pictures arrive."""

    rung: Rung
    sees: bool


class Till(Protocol):
    """Where every single request is paid: `open` before it is sent (it may refuse), `close` when its end is known."""

    def open(self, estimate: Usage) -> int: ...

    def close(self, call: int, usage: Usage, ending: str) -> None: ...


class Colours(Answer):
    """Answer to the probe."""

    colours: list[str]
    """Names of the squares' colours from left to right."""


class Door:
    """One server and model."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: openai.AsyncOpenAI | None = None

    async def __aenter__(self) -> Door:
        self._client = openai.AsyncOpenAI(
            api_key=self._server.key.get_secret_value() or "none",
            base_url=self._server.base_url,
            max_retries=0,
            timeout=self._server.seconds,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    async def probe(self, till: Till) -> Skill:
        """The highest rung of the ladder that this server and model answer on, and whether they see pictures.

        Raises ModelError when none does.
        """
        last: ModelError | None = None
        squares = [Shown("probe", "four coloured squares on grey", _squares(), Box(0, 0, 320, 96))]
        for rung in LADDER:
            try:
                said = await self.ask(render("probe"), Colours, squares, Skill(rung=rung, sees=True), till)
            except (ModelRejected, ModelUnreadable, ModelEmpty) as error:
                last = error
                continue
            except FewPictures:
                return Skill(rung=rung, sees=False)
            return Skill(rung=rung, sees=tuple(word.lower() for word in said.colours) == PROBE_ORDER)
        assert last is not None
        raise last

    async def ask(
        self, prompt: Prompt, answer: type[Reply], pictures: Sequence[Shown], skill: Skill, till: Till
    ) -> Reply:
        """The answer, checked; one repair round where it does not fit. Raises ModelError and what the till raises."""
        messages = messages_of(prompt, answer, pictures, skill.rung)
        form = response_form(answer, skill.rung)
        said = await self._patiently(messages, form, till)
        try:
            return parsed(said, answer)
        except ModelUnreadable as error:
            again = [*messages, {"role": "assistant", "content": said}, _objection(error)]
            return parsed(await self._patiently(again, form, till), answer)

    async def _patiently(self, messages: list[dict[str, Any]], form: dict[str, Any], till: Till) -> str:
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type((ModelUnreachable, ModelBusy)),
            stop=stop_after_attempt(2),
            wait=self._wait,
            reraise=True,
        ):
            with attempt:
                return await self._send(messages, form, till)
        raise AssertionError("the last try returns or raises")

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        named = error.after if isinstance(error, ModelUnreachable | ModelBusy) else None
        return self._server.retry_seconds if named is None else named

    async def _send(self, messages: list[dict[str, Any]], form: dict[str, Any], till: Till) -> str:
        """One request. Whatever becomes of it is written down with the till before it is raised."""
        call = till.open(estimate_of(messages))
        try:
            reply = await self._create(messages=messages, **form, **self._limit())
        except openai.OpenAIError as error:
            if not _may_be_billed(error):
                till.close(call, Usage(), type(understood(error, self._server)).__name__)
            raise understood(error, self._server) from None
        usage = usage_of(reply, messages)
        try:
            text = content_of(reply, self._server.model)
        except ModelError as error:
            till.close(call, usage, type(error).__name__)
            raise
        till.close(call, usage, "answered")
        return text

    async def _create(self, **request: Any) -> ChatCompletion:
        assert self._client is not None, "use the door as a context manager"
        create = cast(Any, self._client.chat.completions.create)
        return cast(ChatCompletion, await create(model=self._server.model, **request))

    def _limit(self) -> dict[str, int]:
        """OpenAI's newer models know only the newer name of the limit, most other servers only the older one."""
        newer = "api.openai.com" in self._server.base_url
        return {"max_completion_tokens" if newer else "max_tokens": LONGEST_ANSWER}


def messages_of(
    prompt: Prompt, answer: type[BaseModel], pictures: Sequence[Shown], rung: Rung = "json_schema"
) -> list[dict[str, Any]]:
    """The conversation as it is sent: the task and the house's rules, the words, each picture under its caption."""
    rules = render("house", task=prompt.name, version=prompt.version).text.strip()
    parts: list[dict[str, Any]] = [{"type": "text", "text": prompt.text}]
    for number, picture in enumerate(pictures, start=1):
        parts += [{"type": "text", "text": picture.caption(number)}, _picture_part(picture)]
    if rung != "json_schema":
        schema = json.dumps(strict_schema(answer))
        parts.append(
            {"type": "text", "text": f"Answer with one JSON object of this schema and nothing else:\n{schema}"}
        )
    return [{"role": "system", "content": rules}, {"role": "user", "content": parts}]


def _picture_part(picture: Shown) -> dict[str, Any]:
    data = base64.b64encode(png(picture.pixels)).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}", "detail": "high"}}


def response_form(answer: type[BaseModel], rung: Rung) -> dict[str, Any]:
    """The request's response_format at a rung; none for plain text."""
    if rung == "text":
        return {}
    if rung == "json_object":
        return {"response_format": {"type": "json_object"}}
    schema = {"name": answer.__name__, "strict": True, "schema": strict_schema(answer)}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}


def strict_schema(answer: type[BaseModel]) -> dict[str, Any]:
    """The model's schema as strict servers want it: no further properties, and all of them required."""
    return dict(openai.pydantic_function_tool(answer)["function"]["parameters"])


def _objection(error: ModelUnreadable) -> dict[str, Any]:
    return {"role": "user", "content": f"That answer does not fit: {error}. Answer again with one JSON object only."}


def parsed(said: str, answer: type[Reply]) -> Reply:
    """The answer out of what came: JSON as it is, or the first JSON object inside prose or a code fence."""
    try:
        return answer.model_validate_json(said)
    except ValidationError as error:
        wrong = error
    for value in _objects_in(said):
        try:
            return answer.model_validate(value, strict=False)
        except ValidationError as error:
            wrong = error
    first = wrong.errors()[0]
    place = ".".join(map(str, first["loc"]))
    raise ModelUnreadable(f"{place}: {first['msg']}" if place else str(first["msg"]), said)


def _objects_in(text: str) -> list[Any]:
    """Every JSON object that begins at an outermost brace."""
    found, at, decoder = [], text.find("{"), json.JSONDecoder()
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            at = text.find("{", at + 1)
            continue
        found.append(value)
        at = text.find("{", end)
    return found


def content_of(reply: ChatCompletion, model: str) -> str:
    """The text of a reply. Raises the ModelError that says why there is none."""
    choice = reply.choices[0] if reply.choices else None
    if choice is None:
        raise ModelEmpty(f"{model} gave a reply without an answer in it")
    if choice.message.refusal:
        raise ModelRefused(f"{model} declines: {_short(choice.message.refusal)}")
    if choice.finish_reason == "content_filter":
        raise ModelFiltered(f"a content filter of {model}'s server stopped the answer")
    if choice.finish_reason == "length":
        raise ModelTruncated(f"{model} was cut off after {LONGEST_ANSWER} tokens or at the end of its context")
    text = choice.message.content or ""
    if not text.strip():
        raise ModelEmpty(f"{model} gave an empty answer")
    return text


def usage_of(reply: ChatCompletion, messages: Sequence[dict[str, Any]]) -> Usage:
    """What the server says was used; an estimate where it does not say."""
    if reply.usage is not None and reply.usage.prompt_tokens:
        return Usage(tokens_in=reply.usage.prompt_tokens, tokens_out=reply.usage.completion_tokens or 0)
    text = reply.choices[0].message.content or "" if reply.choices else ""
    return Usage(tokens_in=estimate_of(messages).tokens_in, tokens_out=round(len(text) / LETTERS_A_TOKEN))


def estimate_of(messages: Sequence[dict[str, Any]]) -> Usage:
    """Tokens that a conversation will be read as, and the most that may be written."""
    parts = [part for one in messages for part in _parts(one["content"])]
    read = sum(_tokens_of(part) for part in parts)
    return Usage(tokens_in=round(read) + 8 * len(parts), tokens_out=LONGEST_ANSWER)


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tokens_of(part: dict[str, Any]) -> float:
    if part["type"] == "text":
        return len(part["text"]) / LETTERS_A_TOKEN
    data = base64.b64decode(part["image_url"]["url"].partition(",")[2][:64])
    width, height = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])  # PNG's IHDR (RFC 2083, 4.1.1)
    return width * height / PIXELS_A_TOKEN


def _may_be_billed(error: openai.OpenAIError) -> bool:
    """Whether nobody can know if the server did the work: the line broke after the request may have arrived."""
    never_arrived = type(error.__cause__).__name__ == "ConnectError"
    return isinstance(error, openai.APIConnectionError) and not never_arrived


def understood(error: openai.OpenAIError, server: Server) -> ModelError:
    """The SDK's error as ours, named by what whoever asked should do next."""
    where = f"{server.model} at {server.base_url}"
    match error:
        case openai.APITimeoutError():
            return ModelUnreachable(f"{where} gave no answer within {server.seconds:g} s")
        case openai.APIConnectionError():
            return ModelUnreachable(f"{where} cannot be reached")
        case openai.RateLimitError():
            return _busy(error, where)
        case openai.APIStatusError():
            return _denied(error, where) or _by_status(error, where)
    return ModelUnreachable(f"{where} answered what cannot be read ({type(error).__name__})")


def _denied(error: openai.APIStatusError, where: str) -> ModelDenied | None:
    if error.status_code in (401, 403):
        return ModelDenied(f"{where} does not accept the key; set OPENAI_API_KEY")
    if error.status_code == 404:
        return ModelDenied(f"{where}: no such model or address; set SUTURE_MODEL and OPENAI_BASE_URL")
    return None


def _busy(error: openai.APIStatusError, where: str) -> ModelError:
    after = retry_after(error)
    if error.code == "insufficient_quota":
        return ModelDenied(f"{where}: the account is empty")
    if after is not None and after > PATIENCE:
        return ModelDenied(f"{where} wants to be asked again in {after:.0f} s; that is too long to wait")
    return ModelBusy(f"{where} is over its rate limit", after)


def _by_status(error: openai.APIStatusError, where: str) -> ModelError:
    words = _short(error.message)
    if error.status_code >= 500 or error.status_code in (408, 409):
        return ModelUnreachable(f"{where} failed with {error.status_code}: {words}", retry_after(error))
    if error.code == "content_filter" or "content management policy" in words:
        return ModelFiltered(f"a content filter of {where} stopped the question")
    if re.search(r"\b(at most|maximum|max|limit)\b.*\bimage", words, re.IGNORECASE):
        return FewPictures(f"{where} takes fewer pictures at once than a question has: {words}")
    return ModelRejected(f"{where} cannot accept the request ({error.status_code}): {words}")


def retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds until the server wants to be asked again: Retry-After as seconds or as a date (RFC 9110, 10.2.3)."""
    said = error.response.headers.get("retry-after-ms")
    if said is not None and said.isdigit():
        return int(said) / 1000
    said = error.response.headers.get("retry-after", "")
    if re.fullmatch(r"\d+(\.\d+)?", said):
        return float(said)
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 200 else line[:199] + "…"


def _squares() -> Rgb:
    picture = np.full((96, 320, 3), 128, np.uint8)
    for place, name in enumerate(PROBE_ORDER):
        picture[16:80, 16 + 76 * place : 76 + 76 * place] = PROBE_COLOURS[name]
    return picture
