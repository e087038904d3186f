"""Webhooks: what proves one, and a small receiver that wakes whoever waits for a job.

A webhook is never believed for what it says: it only brings the next question to the provider forward. One that proves
nothing is dropped; of providers that sign none, it is a hint that wakes a wait which is under way and leaves no trace.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import time
from base64 import b64decode, b64encode, urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tools.editors.http import MEGABYTE, Door, Secrets
from tools.editors.registry import whole_roster
from tools.editors.remote._editor import hosts_of, patience_of
from tools.errors import BadInput, Broken, EditorError
from tools.types import Job

WEBHOOK = "SUTURE_WEBHOOK_URL"
"""The public address that leads here; each provider is given its own name below it (…/fal)."""
LISTEN = "SUTURE_WEBHOOK_LISTEN"
"""host:port on which this machine takes what comes to that address."""
KLING_SIGNS = "KLING_WEBHOOK_SECRET"
"""What Kling signs with, where its console was told to; without it Kling's webhooks are hints."""
FRESH = 300.0
"""Seconds by which the time that a webhook states may be off."""
KEYS_LIVE = 24 * 3600.0
KEYS_AGAIN = 60.0
"""A signature that no known key made has the keys read again, but not more often than this, in seconds."""
MOST_BODY = 16 * MEGABYTE
MOST_KNOWN = 4096
"""How many deliveries and unawaited jobs are remembered."""


class Heard(NamedTuple):
    """A webhook that means something: the job it is about, and what names this delivery ("" for a hint)."""

    job: str
    delivery: str = ""


Reader = Callable[[Mapping[str, str], bytes], Heard | None]
"""From headers (lower case) and the raw body to what was heard; None where nothing is proven.

Raises EditorError where it cannot tell now: the sender is asked to come again.
"""


# What proves a webhook.


def verify_fal(headers: Mapping[str, str], body: bytes, keys: Iterable[bytes], now: float) -> str | None:
    """The request id of a webhook that one of the raw Ed25519 public keys signed within five minutes of `now`.

    The signed message is request id, user id, time stamp and the body's SHA-256, one a line (fal.ai/docs, webhooks).
    """
    told = [headers.get(f"x-fal-webhook-{name}", "") for name in ("request-id", "user-id", "timestamp")]
    try:
        signature = bytes.fromhex(headers.get("x-fal-webhook-signature", ""))
        fresh = abs(now - int(told[2])) <= FRESH
    except ValueError:
        return None
    message = "\n".join([*told, hashlib.sha256(body).hexdigest()]).encode()
    proven = fresh and any(_signed(key, signature, message) for key in keys)
    return told[0] or None if proven else None


def _signed(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify_standard(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str | None:
    """The id of a webhook that `secret` ("whsec_" and base64) signed within five minutes of `now`: Standard Webhooks.

    The signed message is id, time stamp and the raw body, between dots; several signatures may be given, by spaces.
    BadInput when the secret is none.
    """
    name, at, told = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    try:
        fresh = abs(now - int(at)) <= FRESH
    except ValueError:
        return None
    due = hmac.digest(_secret_bytes(secret), f"{name}.{at}.".encode() + body, hashlib.sha256)
    given = [one.removeprefix("v1,") for one in told.split(" ") if one.startswith("v1,")]
    proven = [hmac.compare_digest(b64encode(due), one.encode()) for one in given]
    return name or None if fresh and any(proven) else None


def _secret_bytes(secret: str) -> bytes:
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        raise BadInput(f"{KLING_SIGNS}: give the whole secret as Kling shows it, whsec_ and what follows") from None


def keys_in(jwks: Any) -> list[bytes]:
    """The raw Ed25519 keys of a JWKS document. Broken when it is none."""
    try:
        return [urlsafe_b64decode(f"{one['x']}==") for one in jwks["keys"] if one.get("crv", "Ed25519") == "Ed25519"]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise Broken("the list of keys that sign webhooks cannot be read; it may have changed") from None


class FalReader:
    """Reads fal's webhooks with the keys that fal publishes, read again after a day."""

    def __init__(self, read_keys: Callable[[], list[bytes]], clock: Callable[[], float] = time.time) -> None:
        self._read_keys = read_keys
        self._clock = clock
        self._keys: list[bytes] = []
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Heard | None:
        name = verify_fal(headers, body, self._known(KEYS_LIVE), self._clock())
        if name is None:
            name = verify_fal(headers, body, self._known(KEYS_AGAIN), self._clock())
        return None if name is None else Heard(name, name)

    def _known(self, age: float) -> list[bytes]:
        """The keys, no older than that many seconds."""
        with self._lock:
            if self._clock() - self._read_at > age:
                self._keys, self._read_at = self._read_keys(), self._clock()
            return self._keys


class StandardReader:
    """Reads webhooks that a shared secret signs; each delivery has an id of its own. BadInput when it is none."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        _secret_bytes(secret)
        self._secret = secret
        self._clock = clock

    def __call__(self, headers: Mapping[str, str], body: bytes) -> Heard | None:
        delivery = verify_standard(headers, body, self._secret, self._clock())
        heard = hinted(headers, body)
        return None if delivery is None or heard is None else Heard(heard.job, delivery)


def hinted(headers: Mapping[str, str], body: bytes) -> Heard | None:
    """The job that an unsigned webhook names; None where it names none."""
    del headers
    try:
        told = json.loads(body)
    except ValueError:
        return None
    if isinstance(told, dict) and isinstance(told.get("data"), dict):
        told = told["data"]  # an event around it has an id of its own
    named = [told.get(key) for key in ("request_id", "task_id", "id", "name")] if isinstance(told, dict) else []
    return next((Heard(one) for one in named if isinstance(one, str) and one), None)


# The receiver.


class Inbox:
    """Takes webhooks at `listen` ("127.0.0.1:8790"; port 0 takes any) while it is open, as a context manager.

    The last part of a request's path names the provider, whose reader says what it means. BadInput where the address
    cannot be listened on.
    """

    def __init__(self, listen: str, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._lock = threading.Lock()
        self._deliveries: OrderedDict[str, None] = OrderedDict()
        self._early: OrderedDict[str, None] = OrderedDict()
        self._waits: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
        self._server = _listening(listen, self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    async def woken(self, job: Job, seconds: float) -> None:
        """Waits until something is heard of a job, at most so many seconds; what was heard before counts once."""
        name, event = _name_of(job), asyncio.Event()
        with self._lock:
            if name in self._early:
                del self._early[name]
                return
            self._waits[name] = (asyncio.get_running_loop(), event)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), seconds)
        finally:
            with self._lock:
                self._waits.pop(name, None)

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """The HTTP status that a webhook is answered with; the same one twice is taken and does nothing more."""
        reader = self._readers.get(path.partition("?")[0].rstrip("/").rsplit("/", 1)[-1])
        if reader is None:
            return 404
        try:
            heard = reader(headers, body)
        except EditorError:
            return 503
        if heard is None:
            return 401
        self._note(heard)
        return 200

    def _note(self, heard: Heard) -> None:
        with self._lock:
            if heard.delivery and _known(self._deliveries, heard.delivery):
                return
            wait = self._waits.pop(heard.job, None)
            if wait is not None:
                loop, event = wait
                with suppress(RuntimeError):  # the loop has ended, and its wait with it
                    loop.call_soon_threadsafe(event.set)
            elif heard.delivery:
                _known(self._early, heard.job)


def _known(names: OrderedDict[str, None], name: str) -> bool:
    """Whether a name was there; it is from now on, in the place of the oldest."""
    before = name in names
    names[name] = None
    if len(names) > MOST_KNOWN:
        names.popitem(last=False)
    return before


def _name_of(job: Job) -> str:
    """The provider's id of a job; the whole handle of an editor that has none."""
    with suppress(ValueError):
        told = json.loads(job.handle)
        if isinstance(told, dict) and isinstance(told.get("id"), str):
            return str(told["id"])
    return job.handle


def _listening(listen: str, inbox: Inbox) -> ThreadingHTTPServer:
    host, _, port = listen.rpartition(":")
    try:
        server = ThreadingHTTPServer((host, int(port)), _Handler)
    except (OSError, ValueError, OverflowError) as error:
        raise BadInput(f"{LISTEN}: cannot listen at {listen!r} ({error}); give host:port") from None
    server.inbox = inbox  # type: ignore[attr-defined]
    return server


class _Handler(BaseHTTPRequestHandler):
    """One delivery; the connection ends with it."""

    timeout = 15.0

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Nothing: a webhook that means something wakes its job."""

    def do_POST(self) -> None:
        inbox: Inbox = self.server.inbox  # type: ignore[attr-defined]
        told = self.headers.get("content-length", "")
        if not told.isdecimal() or int(told) > MOST_BODY:
            status = 413 if told.isdecimal() else 411
        else:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status = inbox.take(self.path, headers, self.rfile.read(int(told)))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


# What a run opens.


def inbox_of(environment: Mapping[str, str]) -> Inbox | None:
    """The inbox that the environment asks for; None where it asks for none. BadInput where a setting is missing."""
    listen = environment.get(LISTEN, "")
    if not listen:
        return None
    if not environment.get(WEBHOOK):
        raise BadInput(f"{LISTEN}: set {WEBHOOK} too, to the public address that leads to {listen}")
    return Inbox(listen, readers_of(environment))


def readers_of(environment: Mapping[str, str]) -> dict[str, Reader]:
    """Who is heard, by the last part of the address that each provider was given."""
    secret = environment.get(KLING_SIGNS)
    return {
        "ark": hinted,
        "fal": FalReader(lambda: _published_keys(environment)),
        "google": hinted,
        "kling": StandardReader(secret) if secret else hinted,
    }


def _published_keys(environment: Mapping[str, str]) -> list[bytes]:
    """The keys with which fal signs, from its own address. Raises EditorError."""
    fal = whole_roster().providers["fal"]
    hosts = hosts_of(fal, environment)
    patience = patience_of(environment).model_copy(update={"tries": 2, "connect": 5.0, "answer": 5.0})
    door = Door(fal.title, hosts.values(), headers=dict, sort=lambda _: None, secrets=Secrets(()), patience=patience)
    return keys_in(asyncio.run(door.ask("GET", f"{hosts['rest']}/.well-known/jwks.json", bare=True)).json())
