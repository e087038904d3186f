"""The providers' APIs on loopback, with faults on demand: for tests, rehearsals and evaluation."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.errors import BadInput
from tools.sandbox.labels import LabelledFilm
from tools.sandbox.script import SERVERS, Fault, Fixed, Script
from tools.sandbox.server import ModelServer


def script_for(film: Path | None) -> Script:
    """Answers from the labels of a labelled film; of any other, or none, as a model that finds nothing wrong."""
    if film is not None and (film / "labels.json").is_file():
        return LabelledFilm(film)
    return Fixed()


@contextmanager
def scripted_server(film: Path | None = None) -> Iterator[ModelServer]:
    """A server for as long as the context lasts."""
    with ModelServer(script_for(film)) as server:
        yield server


def serve_forever(
    film: Path | None,
    port: int,
    *,
    kind: str = "openai",
    faults: Mapping[str, Iterable[Fault | None]] | None = None,
    lies: bool = False,
    swaps: bool = False,
    obeys: bool = False,
) -> None:
    """Serves until SIGINT or SIGTERM, and says how to point Suture at it.

    With a labelled film it answers from the labels, and is wrong in the ways that are asked for; `kind` is one of
    SERVERS. Raises BadInput for a film without labels, an unknown kind, and a port that is taken.
    """
    if kind not in SERVERS:
        raise BadInput(f"{kind!r} is no kind of server; there are {', '.join(SERVERS)}")
    script = Fixed() if film is None else LabelledFilm(film, lies=lies, swaps=swaps, obeys=obeys)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ModelServer(script, port=port, quirks=SERVERS[kind], faults=faults) as server:
        print(f"export OPENAI_BASE_URL={server.base_url}\nexport SUTURE_MODEL=sandbox", flush=True)
        print("serving; Ctrl-C ends it", file=sys.stderr)
        stop.wait()
        print(f"{len(server.requests)} requests were answered", file=sys.stderr)
