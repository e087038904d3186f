"""Signing in at Google Cloud: a service account's file, or what this machine is signed in with.

google-auth waits where it is called, so it is called in a thread. No word of its errors is repeated: they may hold
what was sent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.errors import Refused, TryAgain

PROJECT, FILE = "GOOGLE_CLOUD_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
HINT = f"set {FILE} to a service account's file, or run `gcloud auth application-default login`"


class CloudLogin:
    """Access tokens, fetched when there is none that lives; safe for many threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._file = environment.get(FILE, "")
        self._account: Any = None
        self._lock = threading.Lock()

    @property
    def token(self) -> str:
        """The token that was fetched last."""
        return str(self._account.token)

    def missing(self) -> str | None:
        """What must be set, as far as it can be told without asking anybody."""
        if self._file and not Path(self._file).is_file():
            return f"{FILE}: there is no file {self._file}"
        return None

    def refresh(self) -> str:
        """A token that lives. Refused where the credentials are wrong, TryAgain where nobody answers."""
        from google.auth import exceptions  # noqa: PLC0415 - loaded only where Google Cloud is used

        with self._lock:
            try:
                self._account = self._account or self._found()
                if not self._account.valid:
                    _fetch(self._account)
            except exceptions.TransportError:
                raise TryAgain("Google Cloud's sign-in does not answer") from None
            except (exceptions.GoogleAuthError, ValueError, OSError) as error:
                raise _wrong(error) from None
            return self.token

    def _found(self) -> Any:
        """The service account of the file that is named, else whatever this machine is signed in with."""
        import google.auth  # noqa: PLC0415
        from google.oauth2 import service_account  # noqa: PLC0415

        told = json.loads(Path(self._file).read_bytes()) if self._file else {}
        if told.get("type") == "service_account":
            read: Any = service_account.Credentials.from_service_account_info  # the library leaves it untyped
            return read(told, scopes=SCOPES)
        return google.auth.default(scopes=SCOPES)[0]


def _fetch(account: Any) -> None:
    import requests  # noqa: PLC0415
    from google.auth.transport.requests import Request  # noqa: PLC0415

    with requests.Session() as session:
        account.refresh(Request(session))


def _wrong(error: Exception) -> TryAgain | Refused:
    if getattr(error, "retryable", False):
        return TryAgain("Google Cloud's sign-in is busy")
    return Refused(f"Google Cloud does not let us in ({type(error).__name__}): {HINT}")
