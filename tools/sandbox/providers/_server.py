"""One loopback server for all providers: each has a mount (/fal, /ark, …), results and uploads lie under /files."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self, get_args
from urllib.parse import unquote, urlsplit

from tools.sandbox._loopback import LoopbackServer
from tools.sandbox.providers._bench import Bench
from tools.sandbox.providers._faults import HEADER, ON_THE_WIRE, STATUS, Fault, Faults, Rule
from tools.sandbox.providers._results import Results
from tools.sandbox.providers._wire import App, Reply, Request, query_of

KINDS: Mapping[str, str] = {
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".json": "application/json",
    ".mkv": "video/x-matroska",
}
RETRY_AFTER = "1"


class ProviderSandbox:
    """All providers' APIs on 127.0.0.1, as a context manager. Raises BadInput where the port is taken.

    `film` is a labelled film project whose clean takes stand in for what the models would make; without one, results
    are honest local edits. `bench` counts what was accepted and keeps what was asked; `faults` go wrong on demand.
    """

    def __init__(self, film: Path | None = None, *, faults: Iterable[Rule] = (), port: int = 0, steps: int = 2) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="suture-sandbox-"))
        results = Results(film)
        self.bench = Bench(self._folder, results.make, Faults(faults), steps=steps, things=results.things)
        self.apps: dict[str, App] = {app.name: app for app in apps(self.bench)}
        self._server = LoopbackServer(port, _Handler, self.bench.complain)
        self._server.sandbox = self  # type: ignore[attr-defined]
        self.bench.base_url = self.base_url

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    @property
    def faults(self) -> Faults:
        return self.bench.faults

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self.bench.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def environment(self) -> dict[str, str]:
        """Settings under which Suture's editors talk to this sandbox and nobody else."""
        from tools.editors.registry import whole_roster  # noqa: PLC0415 - the roster need not be read to serve

        providers = whole_roster().providers.values()
        known = {one.name: {key: self.bench.key_of(one.name) for key in one.keys[0]} for one in providers}
        made = self.bench.environment(known)
        for app in self.apps.values():
            made |= getattr(app, "environment", dict)()
        return made

    def answer(self, request: Request) -> Reply | None:
        """The answer to a request; None hangs up."""
        self.bench.record(request)
        if request.provider == "files":
            return self._file(request)
        app = self.apps.get(request.provider)
        if app is None:
            return Reply(404, {"error": f"the sandbox has no provider {request.provider!r}"})
        asked = app.asked(request)
        rule = _ordered(request) or self.faults.next(app.name, asked.model, asked.moment, wire=True)
        return self._spoilt(app, request, rule.fault if rule else None)

    def _spoilt(self, app: App, request: Request, fault: Fault | None) -> Reply | None:
        if fault in STATUS:
            error = app.error(STATUS[fault], f"the sandbox was told to answer {fault} to {_claimed(request)}")
            slow = {"retry-after": RETRY_AFTER} if fault == "rate-limit" else {}
            return Reply(error.status, error.body, {**error.headers, **slow})
        if fault == "gateway":
            return Reply(502, b"<html>502 Bad Gateway</html>", {"content-type": "text/html"})
        if fault == "refused":
            return app.refusal(request)
        return None if fault == "lost-before" else _mangled(app.answer(request), fault)

    def _file(self, request: Request) -> Reply | None:
        name = request.parts[-1] if request.parts else ""
        owner = self.bench.owner(name)
        rule = self.faults.next(owner, "", "fetch", wire=True) if owner else None
        if rule is not None and rule.fault in ("lost-before", "lost-after"):
            return None
        if rule is not None and rule.fault in STATUS:
            return Reply(STATUS[rule.fault], {"error": rule.fault}, {"retry-after": RETRY_AFTER})
        path = self.bench.file(name)
        if path is None:
            return Reply(403, {"error": "the address has expired"})
        return Reply(200, path.read_bytes(), {"content-type": KINDS.get(path.suffix, "application/octet-stream")})


def apps(bench: Bench) -> list[App]:
    """Every provider there is."""
    from tools.sandbox.providers import APPS  # noqa: PLC0415 - they are made of what is in this package

    return [make(bench) for make in APPS]


def _claimed(request: Request) -> str:
    """Who asks, as careless providers repeat it in their errors."""
    return request.headers.get("authorization") or request.headers.get("x-goog-api-key") or "nobody"


def _ordered(request: Request) -> Rule | None:
    """The fault that a request's own header orders."""
    said = request.headers.get(HEADER, "")
    return Rule(fault=said) if said in get_args(Fault) and said in ON_THE_WIRE else None


def _mangled(reply: Reply, fault: Fault | None) -> Reply | None:
    """An answer after a fault that came when the work was done."""
    if fault == "lost-after":
        return None
    if fault == "no-json":
        return Reply(reply.status, b"<html>it works</html>", {"content-type": "text/html"})
    return Reply(reply.status, _renamed(reply.body), reply.headers) if fault == "changed-schema" else reply


def _renamed(body: Any) -> Any:
    """The same document with every key called something else."""
    if isinstance(body, dict):
        return {f"{key}_v2": _renamed(value) for key, value in body.items()}
    return [_renamed(one) for one in body] if isinstance(body, list) else body


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: what was asked is on record."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        sandbox: ProviderSandbox = self.server.sandbox  # type: ignore[attr-defined]
        reply = sandbox.answer(self._request(sandbox))
        if reply is None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)
            return
        data = reply.data
        (self.send_response_only if "date" in reply.headers else self.send_response)(reply.status)
        for name, value in {"content-type": reply.kind, **reply.headers, "content-length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _request(self, sandbox: ProviderSandbox) -> Request:
        parts = urlsplit(self.path)
        host = self.headers.get("host", "").partition(":")[0]
        mounted = _mounted(sandbox, host, unquote(parts.path))
        provider, _, path = mounted.lstrip("/").partition("/")
        return Request(
            provider=provider,
            method=self.command,
            host=host,
            path=f"/{path}",
            query=query_of(parts.query),
            headers={key.lower(): value for key, value in self.headers.items()},
            body=self._body(),
        )

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def _chunks(self) -> bytes:
        read = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            read += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return bytes(read)


def _mounted(sandbox: ProviderSandbox, host: str, path: str) -> str:
    """The path below the mounts; a real host's name (through a proxy) stands for its own."""
    for app in sandbox.apps.values():
        if host in app.hosts:
            return f"/{app.name}{app.hosts[host]}{path}"
    return path


def as_json(request: Request) -> dict[str, Any] | None:
    """The body of a request as a JSON object; None when it is none."""
    try:
        body = json.loads(request.body)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None
