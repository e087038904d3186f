"""An OpenAI-compatible endpoint on loopback: it answers from a script, records requests, and misbehaves on demand.

    with ModelServer(Fixed({"inspect-shot": {...}}), faults={"compare-shots": ["error"]}) as server:
        ...  # server.base_url is what OPENAI_BASE_URL takes

It serves real HTTP on 127.0.0.1 and nothing else, on the standard library's own server.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from tools.sandbox.asked import Asked, Unacceptable, read_request
from tools.sandbox.script import Fault, Fixed, Quirks, Script

LETTERS_A_TOKEN, PIXELS_A_TOKEN = 4, 750


class Record(NamedTuple):
    """One request and what became of it."""

    asked: Asked
    said: str
    """The content of the reply; empty where a fault answered."""
    fault: Fault | None


class ModelServer:
    """The server; use it as a context manager.

    `faults` are taken in order, one per request of a task; "*" stands for every task without its own. None in the list
    is a request that is answered.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        faults: Mapping[str, Sequence[Fault | None]] | None = None,
        quirks: Quirks | None = None,
        port: int = 0,
    ) -> None:
        self.script: Script = script or Fixed()
        self.quirks = quirks or Quirks()
        self._faults = {task: list(some) for task, some in (faults or {}).items()}
        self._records: list[Record] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.model = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def requests(self) -> list[Record]:
        """Everything that was asked so far."""
        with self._lock:
            return list(self._records)

    def asked(self, task: str) -> list[Record]:
        """What was asked of one task."""
        return [record for record in self.requests if record.asked.task == task]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def next_fault(self, task: str) -> Fault | None:
        with self._lock:
            mine = self._faults.get(task, self._faults.get("*", []))
            return mine.pop(0) if mine else None

    def keep(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    model: ModelServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: what was asked is in `requests`."""

    def do_GET(self) -> None:
        if self.path.rstrip("/").endswith("/models"):
            self._json(200, {"object": "list", "data": [{"id": "sandbox", "object": "model", "owned_by": "suture"}]})
        else:
            self._error(404, f"no such address: {self.path}")

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.rstrip("/").endswith("/chat/completions"):
            self._error(404, f"no such address: {self.path}")
            return
        try:
            asked = read_request(json.loads(data))
            self._accept(asked)
        except (ValueError, Unacceptable) as error:
            self._error(400, str(error))
            return
        model = self.server.model
        fault = model.next_fault(asked.task)
        if fault in WITHOUT_ANSWER:
            model.keep(Record(asked, "", fault))
            self._misbehave(fault)
            return
        self._answer(asked, fault)

    def _accept(self, asked: Asked) -> None:
        quirks = self.server.model.quirks
        if asked.rung not in quirks.rungs:
            raise Unacceptable(f"response_format type {asked.rung!r} is not supported")
        if quirks.most_pictures is not None and len(asked.pictures) > quirks.most_pictures:
            raise Unacceptable(f"At most {quirks.most_pictures} image(s) may be provided in one request.")

    def _answer(self, asked: Asked, fault: Fault | None) -> None:
        model = self.server.model
        seen = asked if model.quirks.sees else asked.model_copy(update={"pictures": ()})
        try:
            said = model.script.answer(seen)
        except Unacceptable as error:
            self._error(400, str(error))
            return
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        model.keep(Record(asked, text, fault))
        self._json(200, reply(asked, text, fault, usage=model.quirks.usage))

    def _misbehave(self, fault: Fault | None) -> None:
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault == "hang":
            self.server.model.closing.wait(60)
            self.close_connection = True
        else:
            status, code, words, headers = ERRORS[str(fault)]
            date = {"retry-after": formatdate(time.time(), usegmt=True)} if fault == "rate-limit-date" else {}
            self._error(status, words, code, {**headers, **date})

    def _error(
        self, status: int, words: str, code: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        error = {"message": words, "type": "invalid_request_error", "param": None, "code": code}
        self._json(status, {"error": error}, headers)

    def _json(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


ERRORS: Mapping[str, tuple[int, str | None, str, Mapping[str, str]]] = {
    "rate-limit": (429, "rate_limit_exceeded", "Rate limit reached", {"retry-after": "0"}),
    "rate-limit-date": (429, "rate_limit_exceeded", "Rate limit reached", {}),
    "rate-limit-long": (429, "rate_limit_exceeded", "Rate limit reached", {"retry-after": "600"}),
    "quota": (429, "insufficient_quota", "You exceeded your current quota", {}),
    "error": (500, None, "The server had an error", {}),
    "loading": (503, None, "Loading model", {}),
    "denied": (401, "invalid_api_key", "Incorrect API key provided", {}),
    "no-model": (404, "model_not_found", "The model does not exist", {}),
    "filtered-question": (400, "content_filter", "The prompt was stopped by the content management policy", {}),
}
WITHOUT_ANSWER = {"drop", "hang", *ERRORS}


def reply(asked: Asked, text: str, fault: Fault | None, *, usage: bool) -> dict[str, Any]:
    """The body of a reply, with what a fault makes of it."""
    message: dict[str, Any] = {"role": "assistant", "content": _content(text, fault), "refusal": None}
    if fault == "refusal":
        message |= {"content": None, "refusal": "I can't help with identifying people."}
    if fault == "reasoning":
        message["reasoning_content"] = "First I look at picture 1."
    reasons = {"filtered": "content_filter", "truncated": "length"}
    body: dict[str, Any] = {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": reasons.get(str(fault), "stop")}],
    }
    if usage:
        read, written = tokens_in(asked), max(1, len(text) // LETTERS_A_TOKEN)
        body["usage"] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return body


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
    pixels: int = sum(picture.pixels.shape[0] * picture.pixels.shape[1] for picture in asked.pictures)
    return len(asked.text) // LETTERS_A_TOKEN + pixels // PIXELS_A_TOKEN + 100
