"""What Google's APIs of the sandbox share: the form of errors, checks of fields, and lengths of footage."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import Any

import av

from tools.sandbox.providers._wire import Reply

STATUS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
JUDGED = "The prompt could not be submitted. This prompt contains words that violate the usage policy."


def google_error(status: int, words: str, *, reason: str = "") -> Reply:
    """An error in Google's form."""
    error: dict[str, Any] = {"code": status, "message": words, "status": STATUS.get(status, "UNKNOWN")}
    if reason:
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return Reply(status, {"error": error})


def check(body: Any, allowed: Collection[str], where: str) -> dict[str, Any]:
    """An object with no fields but those; the error names the first unknown one, as Google does."""
    if not isinstance(body, dict):
        raise TypeError(f"Invalid value at {where!r}: an object is expected.")
    unknown = next((name for name in body if name not in allowed), None)
    if unknown is not None:
        raise ValueError(f'Invalid JSON payload received. Unknown name "{unknown}" at {where!r}: Cannot find field.')
    return body


def one_of(value: Any, allowed: Collection[Any], where: str) -> Any:
    """A value of a closed set, of its very type ("8" is not 8)."""
    if not any(value == one and type(value) is type(one) for one in allowed):
        raise ValueError(f"Invalid value at {where!r}: {value!r}; one of {', '.join(map(str, allowed))} is expected.")
    return value


def seconds_of(video: bytes) -> float:
    """How long footage is, by its container. ValueError when it is none."""
    try:
        with av.open(io.BytesIO(video), "r") as file:
            stream = file.streams.video[0]
            return float((stream.duration or 0) * (stream.time_base or 0))
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"The video cannot be processed ({error}).") from None
