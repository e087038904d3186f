"""What the scripted server sends back: completions, errors in OpenAI's shape, and what a fault makes of either."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from tools.sandbox.asked import Asked
from tools.sandbox.script import Fault, Quirks

LETTERS_A_TOKEN, PIXELS_A_TOKEN = 4, 750


class Refusal(NamedTuple):
    """An error that a server answers with instead of a completion."""

    status: int
    words: str
    kind: str = "invalid_request_error"
    code: str | int | None = None
    headers: Mapping[str, str] = {}

    @property
    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.words, "type": self.kind, "param": None, "code": self.code}}


_LIMITED = Refusal(429, "Rate limit reached", "requests", "rate_limit_exceeded")
REFUSALS: Mapping[str, Refusal] = {
    "rate-limit": _LIMITED._replace(headers={"retry-after": "0"}),
    "rate-limit-date": _LIMITED,
    "rate-limit-long": _LIMITED._replace(headers={"retry-after": "600"}),
    "quota": Refusal(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota"),
    "error": Refusal(500, "The server had an error while processing your request", "server_error"),
    "loading": Refusal(503, "Loading model", "unavailable_error", 503),
    "denied": Refusal(401, "Incorrect API key provided", code="invalid_api_key"),
    "no-model": Refusal(404, "The model does not exist or you do not have access to it", code="model_not_found"),
    "filtered-question": Refusal(400, "The prompt was stopped by the content management policy", code="content_filter"),
}
"""The refusal of each fault that is one; the date of "rate-limit-date" is the moment it is sent."""
WITHOUT_ANSWER = frozenset({"drop", "hang", *REFUSALS})
"""Faults for which the script is not even asked."""


def read_under(asked: Asked, quirks: Quirks) -> Asked:
    """The request as a model behind such a server gets to see it."""
    changes: dict[str, Any] = {} if quirks.sees else {"pictures": ()}
    if quirks.most_tokens is not None:
        changes["text"] = asked.text[-LETTERS_A_TOKEN * quirks.most_tokens :]
    return asked.model_copy(update=changes)


def completion(asked: Asked, text: str, fault: Fault | None, quirks: Quirks) -> dict[str, Any]:
    """The body of a chat completion that says `text`."""
    reasons = {"filtered": "content_filter", "truncated": "length"}
    choice = {"index": 0, "message": _message(text, fault, quirks), "finish_reason": reasons.get(str(fault), "stop")}
    body: dict[str, Any] = {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [choice],
    }
    if quirks.usage and fault != "no-usage":
        read, written = tokens_in(asked), max(1, len(text) // LETTERS_A_TOKEN)
        body["usage"] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return body


def _message(text: str, fault: Fault | None, quirks: Quirks) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": _content(text, fault), "refusal": None}
    if fault == "refusal":
        message |= {"content": None, "refusal": "I can't help with identifying people."}
    if fault == "reasoning" or quirks.reasons:
        message["reasoning_content"] = "First I look at picture 1."
    return message


def _content(text: str, fault: Fault | None) -> str | None:
    changed: dict[str, str | None] = {
        "filtered": "",
        "truncated": text[: len(text) // 2],
        "empty": "",
        "null": None,
        "chatter": "Sure! I had a look and everything seems fine to me.",
        "fenced": f"Here is what I see:\n```json\n{text}\n```\nLet me know if you need more.",
        "wrong-shape": '{"verdict": "fine"}',
    }
    return changed.get(str(fault), text)


def tokens_in(asked: Asked) -> int:
    """Tokens of a request, by its words and the sizes of its pictures."""
    pixels = sum(width * height for width, height in (picture.size for picture in asked.pictures))
    return (len(asked.rules) + len(asked.text)) // LETTERS_A_TOKEN + pixels // PIXELS_A_TOKEN + 100
