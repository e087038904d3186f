"""Asks a scripted server as Suture does: its own messages, over the real SDK."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar, cast

import openai
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from agent.llm import Rung, messages_of, response_form
from agent.shown import Shown
from prompts import Prompt
from tools.sandbox.server import ModelServer

Reply = TypeVar("Reply", bound=BaseModel)


def client_of(server: ModelServer, seconds: float = 20.0) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0, timeout=seconds)


def sent(server: ModelServer, body: dict[str, Any], seconds: float = 20.0) -> ChatCompletion:
    """One request; raises the SDK's errors."""
    with client_of(server, seconds) as client:
        return cast(ChatCompletion, cast(Any, client.chat.completions.create)(**body))


def body_of(
    prompt: Prompt, answer: type[BaseModel], pictures: Sequence[Shown] = (), rung: Rung = "json_schema"
) -> dict[str, Any]:
    form = response_form(answer, rung)
    return {"model": "m", "messages": messages_of(prompt, answer, pictures, rung), **form}


def asked(server: ModelServer, prompt: Prompt, answer: type[Reply], pictures: Sequence[Shown] = ()) -> Reply:
    """The answer to one question, checked."""
    said = sent(server, body_of(prompt, answer, pictures)).choices[0].message.content
    assert said is not None
    return answer.model_validate_json(said)
