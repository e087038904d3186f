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
    ordered: Path | None = None,
    lies: bool = False,
    swaps: bool = False,
    obeys: bool = False,
) -> None:
    """Serves the model and all providers until SIGINT or SIGTERM, and says how to point Suture at them.

    With a labelled film the model answers from the labels, and is wrong in the ways that are asked for, and providers'
    results are the film's clean takes; `kind` is one of SERVERS, `ordered` a file of the providers' faults. The model
    listens at `port`, the providers at the one after it (0: both anywhere). Raises BadInput for a film without labels,
    an unknown kind, a file that cannot be read, and a port that is taken.
    """
    from tools.sandbox.providers import ProviderSandbox, read_faults  # noqa: PLC0415 - editors' libraries load for it

    if kind not in SERVERS:
        raise BadInput(f"{kind!r} is no kind of server; there are {', '.join(SERVERS)}")
    rules = read_faults(ordered) if ordered else []
    script = Fixed() if film is None else LabelledFilm(film, lies=lies, swaps=swaps, obeys=obeys)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with (
        ModelServer(script, port=port, quirks=SERVERS[kind], faults=faults) as server,
        ProviderSandbox(film, faults=rules, port=port + 1 if port else 0) as providers,
    ):
        settings = {"OPENAI_BASE_URL": server.base_url, "SUTURE_MODEL": "sandbox", **providers.environment()}
        print("\n".join(f"export {name}={value}" for name, value in settings.items()), flush=True)
        print("serving; Ctrl-C ends it", file=sys.stderr)
        stop.wait()
        jobs, usd = providers.bench.accepted(), providers.bench.billed()
        said = f"{len(server.requests)} questions were answered, {jobs} jobs accepted for {usd:.4f} USD of no money"
        print(said, file=sys.stderr)
