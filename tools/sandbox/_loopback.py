"""A web server on this machine, one thread per connection, that can leave a client without an answer."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tools.errors import BadInput


class LoopbackServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1; closing waits for all connections. `complain` hears of errors that are no client's."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler], complain: Callable[[str], None]) -> None:
        self._open: set[socket.socket] = set()
        self._complain = complain
        try:
            super().__init__(("127.0.0.1", port), handler)
        except OSError as error:
            why = f"port {port}: cannot listen there ({error.strerror}); give another, or 0 for any"
            raise BadInput(why) from None
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.hang_up()
        self.server_close()
        self._thread.join()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        self._open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        """Ends connections that clients keep for later."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            self._complain(f"{type(error).__name__}: {error}")
            super().handle_error(request, client_address)
