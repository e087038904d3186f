"""An OpenAI-compatible endpoint on loopback: it answers from a script, records requests, and misbehaves on demand.

    with ModelServer(Fixed({"inspect-shot": {...}}), faults={"compare-shots": ["error"]}) as server:
        ...  # server.base_url is what OPENAI_BASE_URL takes

It serves real HTTP on 127.0.0.1 and nothing else, on the standard library's own server.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, NamedTuple, Self

from tools.sandbox._loopback import LoopbackServer
from tools.sandbox.asked import Asked, read_request
from tools.sandbox.replies import REFUSALS, WITHOUT_ANSWER, Refusal, completion, read_under
from tools.sandbox.script import Fault, Fixed, Quirks, Script
from tools.sandbox.strict import Unacceptable


class Record(NamedTuple):
    """One request that could be read, and what became of it."""

    asked: Asked
    said: str
    """The content of the reply; empty where the request was refused or a fault stood in for an answer."""
    fault: Fault | None
    refused: str = ""
    """The words of the 400 that it earned."""


class ModelServer:
    """The server; use it as a context manager. Raises BadInput where the port is taken.

    `faults` are taken in order, one per request of a task; "*" stands for every task without its own. None in the list
    is a request that is answered; `itertools.repeat("error")` is a fault for good.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        faults: Mapping[str, Iterable[Fault | None]] | None = None,
        quirks: Quirks | None = None,
        port: int = 0,
    ) -> None:
        self.script: Script = script or Fixed()
        self.quirks = quirks or Quirks()
        self._faults = {task: iter(some) for task, some in (faults or {}).items()}
        self._records: list[Record] = []
        self._problems: list[str] = []
        self._lock = threading.Lock()
        self.closing = threading.Event()
        self._server = _Server(port, self)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}/v1"

    @property
    def requests(self) -> list[Record]:
        """Every request so far that could be read."""
        with self._lock:
            return list(self._records)

    @property
    def problems(self) -> list[str]:
        """What was wrong with requests so far, and errors of the script; what a kind of server cannot do is none."""
        with self._lock:
            return list(self._problems)

    def asked(self, task: str) -> list[Record]:
        """What was asked of one task."""
        return [record for record in self.requests if record.asked.task == task]

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.__exit__(kind, error, trace)

    def next_fault(self, task: str) -> Fault | None:
        with self._lock:
            return next(self._faults.get(task, self._faults.get("*", iter(()))), None)

    def keep(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)

    def complain(self, words: str) -> None:
        with self._lock:
            self._problems.append(words)


class _Server(LoopbackServer):
    """The web server, which knows its model."""

    def __init__(self, port: int, model: ModelServer) -> None:
        self.model = model
        super().__init__(port, _Handler, model.complain)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: what was asked is in `requests`."""

    def do_GET(self) -> None:
        if self.path.rstrip("/").endswith("/models"):
            self._send(200, {"object": "list", "data": [{"id": "sandbox", "object": "model", "owned_by": "suture"}]})
        else:
            self._refuse(Refusal(404, f"no such address: {self.path}"))

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.path.rstrip("/").endswith("/chat/completions"):
            self._refuse(Refusal(404, f"no such address: {self.path}"))
            return
        model = self.server.model
        try:
            asked = read_request(json.loads(data))
        except (ValueError, Unacceptable) as error:
            model.complain(str(error))
            self._refuse(Refusal(400, str(error)))
            return
        against = self._against(asked)
        fault = None if against else model.next_fault(asked.task)
        if against:
            self._reject(asked, against)
        elif fault in WITHOUT_ANSWER:
            model.keep(Record(asked, "", fault))
            self._misbehave(str(fault))
        else:
            self._answer(asked, fault)

    def _against(self, asked: Asked) -> str:
        """What a server of this kind has against a request; empty for nothing."""
        quirks = self.server.model.quirks
        if asked.rung not in quirks.rungs:
            return f"response_format type {asked.rung!r} is not supported"
        if quirks.most_pictures is not None and len(asked.pictures) > quirks.most_pictures:
            return f"At most {quirks.most_pictures} image(s) may be provided in one request."
        return ""

    def _answer(self, asked: Asked, fault: Fault | None) -> None:
        model = self.server.model
        try:
            said = model.script.answer(read_under(asked, model.quirks))
        except Unacceptable as error:
            model.complain(str(error))
            self._reject(asked, str(error))
            return
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        model.keep(Record(asked, text, fault))
        self._send(200, completion(asked, text, fault, model.quirks))

    def _misbehave(self, fault: str) -> None:
        if fault == "hang":
            self.server.model.closing.wait()
        if fault in REFUSALS:
            date = {"retry-after": formatdate(time.time(), usegmt=True)} if fault == "rate-limit-date" else {}
            refusal = REFUSALS[fault]
            self._refuse(refusal._replace(headers={**refusal.headers, **date}))
            return
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _reject(self, asked: Asked, words: str) -> None:
        self.server.model.keep(Record(asked, "", None, words))
        self._refuse(Refusal(400, words))

    def _refuse(self, refusal: Refusal) -> None:
        self._send(refusal.status, refusal.body, refusal.headers)

    def _send(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
