"""What Google's APIs share: their errors, and what the codes of the safety filter mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tools.editors.http import Reply
from tools.errors import EditorError, Refused, TryAgain

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "child": ("58061214", "17301594"),
    "celebrity": ("29310472", "15236754"),
    "people or face": ("39322892",),
    "dangerous": ("62263041",),
    "hate": ("57734940", "22137204"),
    "personal data": ("92201652",),
    "prohibited": ("89371032", "49114662", "72817394"),
    "sexual": ("90789179", "63429089", "43188360"),
    "toxic": ("78610348",),
    "violence": ("61493863", "56562880"),
    "other": ("74803281", "29578790", "42876398"),
}
"""Support codes of the safety filter by what it saw (docs.cloud.google.com, gemini-image-responsible-ai)."""
DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


def google_error(reply: Reply, *, key: str, model: str) -> EditorError | None:
    """What an answer means: {"error": {"code", "message", "status", "details"}}; `key` is the variable that is wrong.

    A 404 is a model that is gone; a bare 504 says nothing about whether the request arrived and is left to the door.
    """
    if reply.ok:
        return None
    error = _error_of(reply)
    words = f"{error['message']} ({error.get('status') or error.get('code')})"
    if reply.status in (401, 403) or _bad_key(error):
        return Refused(f"{key} is not accepted, or has no right to {model}: {words}")
    if reply.status == 404:
        return Refused(f"model retired or unknown: {model}: {words}")
    if reply.status in (429, 500, 503):
        return TryAgain(words, _delay(error))
    return None if reply.status >= 500 else Refused(words)


def _error_of(reply: Reply) -> Mapping[str, Any]:
    told = reply.json()
    found = (told[0] if isinstance(told, list) else told)["error"]
    if not isinstance(found, dict):
        raise TypeError("an error that is no object")
    return found


def _bad_key(error: Mapping[str, Any]) -> bool:
    """A wrong key is a 400 with a reason of its own."""
    return any(one.get("reason") == "API_KEY_INVALID" for one in error.get("details") or ())


def _delay(error: Mapping[str, Any]) -> float | None:
    """Seconds that a RetryInfo asks to wait."""
    said = next((one["retryDelay"] for one in error.get("details") or () if "retryDelay" in one), "")
    found = DELAY.fullmatch(str(said))
    return float(found[1]) if found else None


def judged(reasons: Iterable[str]) -> str:
    """Why the safety filter held something back: the categories of its support codes, and its words."""
    told = [str(one) for one in reasons]
    codes = set(re.findall(r"\b\d{8}\b", " ".join(told)))
    named = [name for name, known in CATEGORIES.items() if codes & set(known)]
    return f"{', '.join(named) or 'no category given'}: {' '.join(told) or 'no reason given'}"
