"""A provider that answers from a list, on loopback: for what one exchange at a time must show."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import NamedTuple

from tools.sandbox._loopback import LoopbackServer


class Said(NamedTuple):
    """One answer; `cut` is how many bytes of the body are kept back, although they were promised."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = {}
    cut: int = 0


class Heard(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Scripted(LoopbackServer):
    """Answers in order, the last one for ever; None hangs up without an answer."""

    def __init__(self, *answers: Said | None) -> None:
        super().__init__(0, _Handler, lambda words: None)
        self.answers: list[Said | None] = list(answers)
        self.heard: list[Heard] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def next(self) -> Said | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def of(self, methods: Sequence[str]) -> list[Heard]:
        return [one for one in self.heard if one.method in methods]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing."""

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {key.lower(): value for key, value in self.headers.items()}
        self.server.heard.append(Heard(self.command, self.path, headers, body))
        said = self.server.next()
        if said is None:
            self._hang_up()
            return
        self.send_response(said.status)
        for name, value in {**said.headers, "content-length": str(len(said.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body[: len(said.body) - said.cut])
        if said.cut:
            self._hang_up()

    def do_POST(self) -> None:
        self.do_GET()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
