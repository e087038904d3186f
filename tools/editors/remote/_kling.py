"""What all of Kling's APIs share: tokens, the table of error codes, and verdicts on content wherever they are said."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from tools.editors.http import Reply
from tools.editors.registry import Entry, House
from tools.editors.remote._editor import RemoteEditor
from tools.errors import Broken, EditorError, Refused, TryAgain, Unknown

API_KEY, ACCESS, SECRET = "KLING_API_KEY", "KLING_ACCESS_KEY", "KLING_SECRET_KEY"
WEBHOOK = "SUTURE_WEBHOOK_URL"
LIFE, SLACK, FRESH = 1800, 5, 300
"""Seconds that a token holds, that its beginning lies back, and before whose end it is signed anew."""
AUTH, CLOCK = (1000, 1001, 1002), (1003, 1004)
PARAMETERS, BUSY = (1200, 1201), (1302, 1303)
BLAMES_CONTENT = ("community guideline", "risk control", "content policy", "content safety", "sensitive", "cm_ext")
"""What a refusal of content says where no code does: seen with status 500 and in the message of a failed task."""
MEANINGS: Mapping[int, str] = {
    **dict.fromkeys((1100, 1101, 1102), "the account cannot pay: "),
    1103: "the account has no right to this model: ",
    1202: "the model or the way of asking is unknown or retired there: ",
    **dict.fromkeys((1300, 1301), "will not have the content: "),
    1304: "this machine's address is not on the account's list: ",
}


class NotThere(Refused):
    """No such task (code 1203)."""


class Signer:
    """JSON Web Tokens (HS256) from an access key and its secret; each is used until shortly before its end."""

    def __init__(self, access: str, secret: str) -> None:
        self._access, self._secret = access, secret
        self._skew = 0.0
        self._token, self._ends = "", 0.0

    def token(self) -> str:
        now = time.time() + self._skew
        if now > self._ends - FRESH:
            self._token, self._ends = signed(self._access, self._secret, now), now + LIFE
        return self._token

    def renew(self, date: str) -> None:
        """Makes the next token a new one, by the provider's clock where it told the time."""
        self._ends = 0.0
        try:
            self._skew = parsedate_to_datetime(date).timestamp() - time.time()
        except (ValueError, TypeError):
            self._skew = 0.0


def signed(access: str, secret: str, now: float) -> str:
    """A token that holds from `now` (seconds since 1970) for half an hour."""
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"iss": access, "exp": int(now) + LIFE, "nbf": int(now) - SLACK}
    message = ".".join(_plain(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    return f"{message}.{_plain(hmac.digest(secret.encode(), message.encode(), hashlib.sha256))}"


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class KlingEditor(RemoteEditor):
    """Base of the editors that talk to Kling. An API key is used where there is one, else signed tokens."""

    def __init__(self, house: House, entry: Entry) -> None:
        keys = house.environment
        self._signer = None if keys.get(API_KEY) else Signer(keys[ACCESS], keys[SECRET])
        self._signed_anew = False
        self._said = ""
        super().__init__(house, entry)

    def credentials(self) -> Mapping[str, str]:
        token = self._signer.token() if self._signer else self.environment[API_KEY]
        if token != self._said:
            self.door.learn(token)
            self._said = token
        return {"authorization": f"Bearer {token}"}

    def sort(self, reply: Reply) -> EditorError | None:
        """Answers are {"code", "message"}; only code 0 is a success, whatever the status says."""
        told = reply.json()
        words = str(told.get("message") or told.get("error") or "")
        if not reply.ok and blames_content(words):
            return Refused(f"will not have the content: {words}")
        code = int(told["code"])
        if reply.ok and code == 0:
            self._signed_anew = False
            return None
        return self._meant(code, f"{words} ({code})", reply)

    def _meant(self, code: int, words: str, reply: Reply) -> EditorError:
        if code in CLOCK and self._signer is not None and not self._signed_anew:
            self._signer.renew(reply.headers.get("date", ""))
            self._signed_anew = True
            return TryAgain(f"{words}; the token is signed anew")
        if code in BUSY or 5000 <= code < 6000:
            return TryAgain(words)
        if code == 1203:
            return NotThere(words)
        if code in PARAMETERS and "external_task_id" in words:
            return Unknown(f"a task of this edit may be there already: {words}")
        return Refused(f"{self._why(code)}{words}") if 1000 <= code < 2000 else Broken(words)

    def _why(self, code: int) -> str:
        """What a refusal is about, before the provider's own words."""
        if code in CLOCK:
            return f"{self._keys} not accepted; is this machine's clock right? "
        return f"{self._keys} not accepted: " if code in AUTH else MEANINGS.get(code, "")

    @property
    def _keys(self) -> str:
        return f"{ACCESS} and {SECRET} are" if self._signer else f"{API_KEY} is"

    def hook(self) -> dict[str, str]:
        """Where the provider is to say that a task is over; nothing where nobody listens."""
        base = self.environment.get(WEBHOOK)
        return {"callback_url": f"{base.rstrip('/')}/kling"} if base else {}

    def refuse_judged(self, words: str) -> None:
        """Raises Refused when a failed task's message is a verdict on its content."""
        if blames_content(words):
            raise Refused(f"{self.provider.title} will not have the content: {words}")

    def usd_of(self, units: Any) -> Decimal | None:
        """US dollars of the provider's units; None where they are no number."""
        amount = number(units)
        return None if amount is None else amount * Decimal(str(self.capabilities.settings["usd_per_unit"]))


def number(said: Any) -> Decimal | None:
    """An amount as it is told, in digits or as a number; None where it is none."""
    try:
        amount = Decimal(str(said))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def blames_content(words: str) -> bool:
    return any(mark in words.lower() for mark in BLAMES_CONTENT)
