"""The one door to providers: what may be repeated, what never, where credentials go, and what may come back.

- A GET, an upload or a cancellation is repeated while the answer says "later" (408, 409, 425, 429, 5xx) or the line
  breaks, with jitter, as long as Retry-After says, up to a deadline.
- A paid POST is repeated only while it is certain that nothing arrived: no connection was made, or the provider said so
  in its own words (429, 503, or a 5xx in its own error form). A line that breaks after the request left, a bare gateway
  error, or an acceptance that cannot be read is `Unknown`, and never sent again from here.
- Credentials go to the provider's own origins only. Downloads carry none unless asked to, are capped, must be what they
  claim to be, and never come from private addresses (those of a loopback provider excepted).
- No secret, in any form, is in an error's words.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import json
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar
from urllib.parse import quote, urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from tools.errors import BadInput, Broken, EditorError, Refused, TryAgain, Unknown
from tools.types import Frozen

Answer = TypeVar("Answer")

LATER = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
GATEWAY = frozenset({500, 502, 504})
"""Statuses that a machine in between may answer although the request arrived."""
HIDDEN = "[hidden]"
SHORTEST_SECRET = 6
MOST_WORDS = 300
"""Characters of a provider's answer that an error repeats."""
MOST_HOPS = 5
"""Redirections of one download that are followed."""
MEGABYTE = 1 << 20
MAGIC: Mapping[str, tuple[bytes, ...]] = {
    "video": (b"ftyp", b"\x1a\x45\xdf\xa3", b"RIFF"),
    "image": (b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8", b"ftyp"),
}


class Patience(Frozen):
    """How long a door waits: tries of one request, the first wait and the longest, and timeouts, in seconds."""

    tries: int = 5
    first: float = 0.5
    most: float = 60.0
    connect: float = 10.0
    answer: float = 120.0


class Reply(NamedTuple):
    """An answer: status, headers (lower case), body; `paid` when it answers a request that may have cost money."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    paid: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON. When it is none: Broken, or Unknown where the job may have been accepted and billed."""
        try:
            return json.loads(self.body)
        except ValueError:
            wrong = f"answered {self.status} with something that is no JSON"
            raise (Unknown(f"{wrong}; the job may be billed") if self.paid and self.ok else Broken(wrong)) from None

    @property
    def words(self) -> str:
        """The beginning of the body, in one line."""
        return " ".join(self.body[: 4 * MOST_WORDS].decode("utf-8", "replace").split())[:MOST_WORDS]


class Sorter(Protocol):
    """A provider's own errors: what an answer means, by the caller's next move; None where it is a success.

    It is called with every answer, since some providers refuse with status 200. `TryAgain` says that nothing happened.
    """

    def __call__(self, reply: Reply) -> EditorError | None: ...


class Secrets:
    """What must never be said: values and the forms they travel in."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.learn(*values)

    def learn(self, *values: str) -> None:
        """More of them: a token that was fetched later."""
        self._forms |= {form for value in values if len(value) >= SHORTEST_SECRET for form in _forms(value)}
        ordered = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def hide(self, text: str) -> str:
        """The text without them, and without anything that looks like a bearer token or a signed address."""
        clean = self._pattern.sub(HIDDEN, text) if self._pattern else text
        clean = re.sub(r"(?i)\b(bearer|key|basic)\s+[\w\-.~+/=:]{12,}", rf"\1 {HIDDEN}", clean)
        return re.sub(r"(https?://[^\s?\"'<>]+)\?[^\s\"'<>]+", r"\1", clean)


def _forms(value: str) -> set[str]:
    raw = value.encode()
    plain = base64.b64encode(raw).decode()
    return {value, plain, plain.rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("="), quote(value, safe="")}


class Door:
    """A provider's door. `headers` makes the credentials of a request; `secrets` are what it must not let out."""

    def __init__(
        self,
        title: str,
        origins: Iterable[str],
        *,
        headers: Callable[[], Mapping[str, str]],
        sort: Sorter,
        secrets: Secrets,
        patience: Patience | None = None,
    ) -> None:
        self.title = title
        self._origins = frozenset(origin_of(one) for one in origins)
        self._headers = headers
        self._sort = sort
        self._secrets = secrets
        self._patience = patience or Patience()

    def trusts(self, url: str) -> bool:
        """Whether credentials may go to this address."""
        return origin_of(url) in self._origins

    def learn(self, secret: str) -> None:
        """One more secret that must not be let out, such as a token that was fetched."""
        self._secrets.learn(secret)

    async def ask(self, method: str, url: str, *, bare: bool = False, **content: Any) -> Reply:
        """A request that may be repeated (reading, uploading, cancelling). `bare` sends no credentials, anywhere.

        `content` is httpx's: json, content, data, files, params, headers. Raises what the provider's sorter says,
        TryAgain after all tries.
        """
        return await self._patiently(lambda: self._once(method, url, bare=bare, repeatable=True, **content))

    async def pay(self, method: str, url: str, *, answer: float | None = None, **content: Any) -> Reply:
        """A request that may cost money: never repeated once it may have arrived. Raises Unknown then.

        `answer` are the seconds that the answer may take, where it is the work itself.
        """
        return await self._patiently(lambda: self._once(method, url, repeatable=False, answer=answer, **content))

    async def download(
        self, url: str, path: Path, *, kind: Literal["video", "image"], most: int = 2048 * MEGABYTE, bare: bool = True
    ) -> str:
        """The file at an address of the provider's giving, at `path`, and its sha256; `most` are bytes.

        Raises Broken when it is too large, cut short, empty or of another kind, Refused when the address has expired
        (401, 403, 404, 410): the caller asks for a fresh one.
        """
        return await self._patiently(lambda: self._downloaded(url, path, kind, most, bare=bare))

    async def _patiently(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        patience = self._patience
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(TryAgain),
            stop=stop_after_attempt(patience.tries),
            wait=_Waits(patience),
            reraise=True,
        ):
            with attempt:
                return await call()
        raise AssertionError("the last try returns or raises")

    async def _once(
        self,
        method: str,
        url: str,
        *,
        repeatable: bool,
        bare: bool = False,
        answer: float | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Reply:
        if bare:
            await self.refuse_private(url)
        sent = {**({} if bare else self._credentials(url)), **(headers or {})}
        try:
            async with self._client(answer) as client:
                reply = _reply(await client.request(method, url, headers=sent, **content))
        except httpx.HTTPError as error:
            raise self._line_broke(error, repeatable=repeatable) from None
        wrong = self._sorted(reply, repeatable=repeatable)
        if wrong is not None:
            raise wrong
        return reply if repeatable else reply._replace(paid=True)

    def _credentials(self, url: str) -> Mapping[str, str]:
        if not self.trusts(url):
            raise Broken(
                f"{self.title} named the address {origin_of(url)}, which is none of its own; no key goes there"
            )
        return self._headers()

    @asynccontextmanager
    async def _client(self, answer: float | None = None) -> AsyncIterator[httpx.AsyncClient]:
        patience = self._patience
        timeout = httpx.Timeout(answer or patience.answer, connect=patience.connect)
        async with httpx.AsyncClient(verify=_tls(), timeout=timeout, trust_env=True, follow_redirects=False) as client:
            yield client

    def _line_broke(self, error: httpx.HTTPError, *, repeatable: bool) -> EditorError:
        what = f"{self.title}: {self._secrets.hide(str(error)) or type(error).__name__}"
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
            return TryAgain(f"{what}; no connection was made")
        if repeatable:
            return TryAgain(what)
        return Unknown(f"{what} after the request had left: it may have been accepted and billed")

    def _sorted(self, reply: Reply, *, repeatable: bool) -> EditorError | None:
        try:
            wrong = self._sort(reply)
        except (Broken, KeyError, TypeError, AttributeError, ValueError):
            wrong = Broken("an answer that cannot be read")
        if wrong is None and reply.ok:
            return None
        if wrong is None or isinstance(wrong, Broken):
            wrong = self._unsorted(reply, wrong, repeatable=repeatable)
        return self._said(wrong, reply)

    def _unsorted(self, reply: Reply, wrong: EditorError | None, *, repeatable: bool) -> EditorError:
        """What an answer means that is not in the provider's own form."""
        words = f"answered {reply.status}: {reply.words}" if wrong is None else f"answered {reply.status}: {wrong}"
        if reply.status in LATER and (repeatable or reply.status not in GATEWAY):
            return TryAgain(words)
        if not repeatable and (reply.status in GATEWAY or reply.ok):
            return Unknown(f"{words}; it may have been accepted and billed")
        if 400 <= reply.status < 500:
            return Refused(words)
        return Broken(words)

    def _said(self, wrong: EditorError, reply: Reply) -> EditorError:
        words = self._secrets.hide(f"{self.title}: {wrong}")
        if isinstance(wrong, TryAgain):
            return TryAgain(words, wrong.after if wrong.after is not None else retry_after(reply.headers))
        return type(wrong)(words, billed=wrong.billed) if isinstance(wrong, Refused) else type(wrong)(words)

    async def _downloaded(self, url: str, path: Path, kind: str, most: int, *, bare: bool, hops: int = 0) -> str:
        if hops > MOST_HOPS:
            raise Broken(f"{self.title}: the result's address leads on and on; the download was given up")
        await self.refuse_private(url)
        headers = {} if bare or not self.trusts(url) else self._headers()
        try:
            async with self._client() as client, client.stream("GET", url, headers=headers) as response:
                if response.has_redirect_location:
                    onward = str(response.url.join(response.headers["location"]))
                    return await self._downloaded(onward, path, kind, most, bare=bare, hops=hops + 1)
                if response.status_code >= 300:
                    raise self._no_file(response)
                return await self._written(response, path, kind, most)
        except httpx.HTTPError as error:
            raise TryAgain(f"{self.title}: the download broke off ({type(error).__name__})") from None

    def _no_file(self, response: httpx.Response) -> EditorError:
        status = response.status_code
        if status in LATER:
            return TryAgain(f"{self.title}: the download answered {status}", retry_after(response.headers))
        if status in (401, 403, 404, 410):
            return Refused(f"{self.title}: the result's address answers {status}; it has expired or never was")
        return Broken(f"{self.title}: the download answered {status}")

    async def _written(self, response: httpx.Response, path: Path, kind: str, most: int) -> str:
        partial, digest, size = path.with_name(f".{path.name}.part"), hashlib.sha256(), 0
        try:
            with partial.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    if not size and not any(mark in chunk[:16] for mark in MAGIC[kind]):
                        raise Broken(f"{self.title}: the result is no {kind} ({chunk[:12]!r}…)")
                    size += len(chunk)
                    if size > most:
                        raise Broken(f"{self.title}: the result is over {most // MEGABYTE} MB; it was not kept")
                    digest.update(chunk)
                    file.write(chunk)
            if not size:
                raise Broken(f"{self.title}: the result is empty")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return digest.hexdigest()

    async def refuse_private(self, url: str) -> None:
        """Raises Broken for an address inside a private network, unless it is the provider's own as configured."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Broken(f"{self.title}: an address that is no web address")
        if self.trusts(url):
            return
        if parts.scheme != "https":
            raise Broken(f"{self.title}: an address that is not encrypted (http)")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(parts.hostname, parts.port or 443)
        except OSError:
            raise TryAgain(f"{self.title}: {parts.hostname} cannot be found") from None
        if not all(ipaddress.ip_address(address[4][0]).is_global for address in found):
            raise Broken(f"{self.title}: the address {parts.hostname} is in a private network; refused")


class _Waits:
    """Tenacity's wait: what the provider asked for, else exponential with jitter; nothing when `first` is 0."""

    def __init__(self, patience: Patience) -> None:
        self._most = patience.most if patience.first else 0.0
        self._jitter = wait_random_exponential(multiplier=patience.first, max=patience.most)

    def __call__(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        after = error.after if isinstance(error, TryAgain) else None
        if after is not None and after > self._most > 0:
            assert error is not None
            raise error
        return min(self._most, max(after or 0.0, float(self._jitter(state))))


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds that Retry-After (seconds or a date) or retry-after-ms asks to wait; None when it says nothing."""
    with_ms = headers.get("retry-after-ms")
    said = headers.get("retry-after")
    try:
        if with_ms is not None:
            return max(0.0, float(with_ms) / 1000)
        if said is None:
            return None
        if re.fullmatch(r"\d+(\.\d+)?", said.strip()):
            return float(said)
        return max(0.0, parsedate_to_datetime(said).timestamp() - (time.time() if now is None else now))
    except (ValueError, TypeError):
        return None


def origin_of(url: str) -> str:
    """ "https://queue.fal.run:443" """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


def _reply(response: httpx.Response) -> Reply:
    return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


def required(environment: Mapping[str, str], name: str, title: str) -> str:
    """A setting that must be there; BadInput names it."""
    value = environment.get(name, "")
    if not value:
        raise BadInput(f"{title}: set {name}")
    return value
