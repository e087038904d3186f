"""What all providers of the sandbox share: accounts, jobs that move with every question, files, and records."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

from tools.sandbox.providers._faults import IN_THE_RESULT, Faults, Rule
from tools.sandbox.providers._wire import Request
from tools.types import Bits, Rgb

State = Literal["queued", "running", "done", "failed", "refused", "cancelled"]
Way = Literal["inpaint", "remove", "edit", "retake", "between", "regenerate", "extend", "continue", "still"]
URL_SAFE = str.maketrans("-_", "+/")
"""Google's own client writes base64 in the alphabet of addresses, and is understood."""
KEY = "sandbox-key-{provider}"
"""The key of the account that every provider has, as `key_of` spells it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a job is to make, whoever was asked.

    `video`, `mask` and pictures are files' bytes; `mask_white` says what white means there. "between" makes footage
    from `first` to `last`; "retake" makes the seconds `window` of the video anew; "regenerate" makes footage from words
    and pictures; "extend" and "continue" make what comes after the video, with it and alone; "still" edits the first
    picture (under the mask, where there is one).
    """

    way: Way
    prompt: str = ""
    video: bytes | None = field(default=None, repr=False)
    mask: bytes | None = field(default=None, repr=False)
    mask_white: Literal["edit", "keep"] = "edit"
    pictures: tuple[bytes, ...] = field(default=(), repr=False)
    first: bytes | None = field(default=None, repr=False)
    last: bytes | None = field(default=None, repr=False)
    window: tuple[float, float] | None = None
    seconds: float | None = None
    size: tuple[int, int] | None = None
    rate: Fraction | None = None
    """The rate at which the model answers; None: the video's."""


@dataclass(slots=True)
class Job:
    """One accepted job. It is queued, then running, then over: one step further with every question how it stands."""

    id: str
    provider: str
    model: str
    work: Work
    usd: Decimal
    rule: Rule | None = None
    external: str = ""
    asked: int = 0
    cancelled: bool = False
    created: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


class Bench:
    """The memory of one sandbox. `make` writes the file of a job's result; after `steps` questions a job is over.

    `things` tells where something is known to be wrong in a frame that was sent.
    """

    def __init__(
        self,
        folder: Path,
        make: Callable[[Job, Path], Path],
        faults: Faults,
        *,
        steps: int = 2,
        things: Callable[[Rgb], Sequence[Bits]] = lambda _: (),
    ) -> None:
        self.folder = folder
        self.things = things
        self.faults = faults
        self.base_url = ""
        self.steps = steps
        self.keys: dict[str, str] = {}
        self._make = make
        self._jobs: dict[str, Job] = {}
        self._blobs: dict[str, Path] = {}
        self._owners: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self._made: dict[tuple[str, Rule | None], Path] = {}
        self._expired: set[str] = set()
        self._records: list[Request] = []
        self._problems: list[str] = []
        self._lock = threading.Lock()
        self._making = threading.Lock()

    # Accounts.

    def key_of(self, provider: str) -> str:
        """The key of a provider's one account; `keys` names another."""
        return self.keys.get(provider) or KEY.format(provider=provider)

    def knows(self, provider: str, key: str) -> bool:
        """Whether a key is the provider's account's."""
        return key == self.key_of(provider)

    # Jobs.

    def accept(self, provider: str, model: str, work: Work, usd: Decimal = Decimal(0), external: str = "") -> Job:
        """Takes a job on; from here on it is billed."""
        rule = self.faults.next(provider, model, "submit", wire=False)
        with self._lock:
            number = len(self._jobs) + 1
            job = Job(f"{provider}-{number:05d}-{secrets.token_hex(4)}", provider, model, work, usd, rule, external)
            job.created = time.time()
            self._jobs[job.id] = job
        return job

    def job(self, name: str) -> Job | None:
        return self._jobs.get(name)

    def jobs(self, provider: str | None = None) -> list[Job]:
        """Every job that was accepted, in order."""
        with self._lock:
            return [job for job in self._jobs.values() if provider in (None, job.provider)]

    def accepted(self, provider: str | None = None) -> int:
        """How many jobs were accepted."""
        return len(self.jobs(provider))

    def billed(self, provider: str | None = None) -> Decimal:
        """US dollars of all jobs that were accepted."""
        return sum((job.usd for job in self.jobs(provider)), Decimal(0))

    def again(self, job: Job, rule: Rule | None) -> None:
        """Lets an accepted job begin anew, with a fault or without one: one submit shows many endings."""
        with self._lock:
            job.rule, job.asked, job.cancelled = rule, 0, False
            job.facts.pop("refreshed", None)

    def step(self, job: Job) -> State:
        """How a job stands, asked once more."""
        with self._lock:
            job.asked += 1
        return self.state(job)

    def state(self, job: Job) -> State:
        """How a job stands, without a step."""
        if job.cancelled:
            return "cancelled"
        fault = job.rule.fault if job.rule else None
        if fault == "never":
            return "running"
        if job.asked <= self.steps:
            return "queued" if job.asked <= 1 else "running"
        if fault in ("failed", "refused-later"):
            return "failed" if fault == "failed" else "refused"
        return "done"

    def cancel(self, job: Job) -> bool:
        """Stops a job that is not over; whether it could be."""
        with self._lock:
            if self.state(job) not in ("queued", "running"):
                return False
            job.cancelled = True
        return True

    # Files.

    def keep(self, data: bytes, suffix: str = "") -> str:
        """Keeps an upload; its address."""
        name = f"{secrets.token_hex(12)}{suffix}"
        path = self.folder / name
        path.write_bytes(data)
        with self._lock:
            self._blobs[name] = path
        return f"{self.base_url}/files/{name}"

    def alias(self, name: str, address: str) -> None:
        """Lets a kept file be found by another last part of its address too."""
        with self._lock:
            self._blobs[name] = self._blobs[address.rsplit("/", 1)[-1]]

    def result(self, job: Job) -> Path:
        """The file of a job's result, made when it is first asked for; one that a fault spoils is a file of its own."""
        spoils = job.rule if job.rule is not None and job.rule.fault in IN_THE_RESULT else None
        with self._making:
            if (job.id, spoils) not in self._made:
                self._made[job.id, spoils] = self._make(job, self.folder)
            return self._made[job.id, spoils]

    def result_url(self, job: Job) -> str:
        """An address for the result; with the fault "expired-url" the first one is dead and a second one lives."""
        path = self.result(job)
        expired = job.rule is not None and job.rule.fault == "expired-url" and not job.facts.get("refreshed")
        name = f"{secrets.token_hex(12)}{path.suffix}"
        with self._lock:
            self._blobs[name] = path
            self._owners[name] = job.provider
            if expired:
                self._expired.add(name)
                job.facts["refreshed"] = True
        return f"{self.base_url}/files/{name}"

    def file(self, name: str) -> Path | None:
        """A kept file by the last part of its address; None where it is unknown or expired."""
        with self._lock:
            known = None if name in self._expired else self._blobs.get(name)
        public = self.public / name
        return known or (public if name and public.is_file() else None)

    @property
    def public(self) -> Path:
        """A store whose files can be read under /files, for providers that take addresses only."""
        return self.folder / "public"

    def owner(self, name: str) -> str:
        """The provider whose result a kept file is; "" for an upload."""
        return self._owners.get(name, "")

    def read(self, said: Any) -> bytes:
        """The bytes of what a request gives: an address of this sandbox, a data URI, or base64. ValueError else."""
        if not isinstance(said, str) or not said:
            raise ValueError("a file is missing")
        if said.startswith("data:"):
            return _decoded(said.partition("base64,")[2])
        if re.match(r"https?://", said):
            path = self.file(urlsplit(said).path.rsplit("/", 1)[-1])
            if path is None:
                raise ValueError("the address of a file cannot be reached")
            return path.read_bytes()
        return _decoded(said)

    # Webhooks.

    def notify(self, job: Job, url: str, body: bytes, sign: Callable[[bytes], Mapping[str, str]]) -> None:
        """Ends the job and tells `url`, once, from a thread of its own; a fault of moment "webhook" changes that.

        `sign` makes the headers that prove the body.
        """
        with self._lock:
            job.asked = max(job.asked, self.steps)
        rule = self.faults.next(job.provider, job.model, "webhook", wire=False)
        fault = rule.fault if rule else None
        if fault == "no-webhook":
            return
        headers = {} if fault == "unsigned-webhook" else dict(sign(body))
        sent = body.replace(b"{", b'{"forged": true, ', 1) if fault == "forged-webhook" else body
        thread = threading.Thread(
            target=self._deliver, args=(url, sent, headers, 2 if fault == "duplicate-webhook" else 1)
        )
        self._threads.append(thread)
        thread.start()

    def _deliver(self, url: str, body: bytes, headers: Mapping[str, str], times: int) -> None:
        request = UrlRequest(url, body, {"content-type": "application/json", **headers}, method="POST")  # noqa: S310
        for _ in range(times):
            with suppress(OSError), urlopen(request, timeout=5):  # noqa: S310 - the client named the address
                pass

    def close(self) -> None:
        """Waits for webhooks that are under way."""
        for thread in self._threads:
            thread.join()

    # Records.

    def record(self, request: Request) -> None:
        with self._lock:
            self._records.append(request)

    @property
    def requests(self) -> list[Request]:
        """Every request so far."""
        with self._lock:
            return list(self._records)

    def complain(self, words: str) -> None:
        with self._lock:
            self._problems.append(words)

    @property
    def problems(self) -> list[str]:
        """Errors of the sandbox itself."""
        with self._lock:
            return list(self._problems)

    def environment(self, providers: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
        """Settings under which Suture's editors talk to this sandbox; `providers` are each one's key variables."""
        self.public.mkdir(exist_ok=True)
        made = {
            "SUTURE_RETRY_SECONDS": "0",
            "SUTURE_POLL_SECONDS": "0",
            "SUTURE_PUBLIC_STORE": str(self.public),
            "SUTURE_PUBLIC_URL": f"{self.base_url}/files",
        }
        for name, keys in providers.items():
            made[f"SUTURE_{name.upper().replace('-', '_')}_BASE_URL"] = f"{self.base_url}/{name}"
            made |= keys
        return made


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(URL_SAFE), validate=True)
    except binascii.Error:
        raise ValueError("a file is neither an address nor base64") from None
