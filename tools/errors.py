"""Every error Suture raises on purpose, named by what the caller should do next.

SutureError                    one clear line; the command ends with its exit code
├── BadInput            (2)    the file, the call or the project is wrong; nothing was changed
│   └── Busy            (2)    another process is writing this film
├── MachineFailed       (4)    disk full, no permission half way, a codec that dies; `suture resume` continues
└── EditorError         (4)    what a model tool answered
    ├── TryAgain               nothing happened; the same request may be sent again
    ├── Unknown                the request may have been accepted and billed; never send it again blindly
    │   └── StillRunning       the job was accepted and is not done in time; ask for it later
    ├── Refused                the tool will never accept this edit (policy, size, format); choose another
    └── Broken                 the tool answered something that cannot be read
"""

from __future__ import annotations

from typing import ClassVar


class SutureError(Exception):
    """Base of all errors that end in one line for the user."""

    exit_code: ClassVar[int] = 4


class BadInput(SutureError):
    """The input or the call is wrong; the message names the file, shot or field and what to do."""

    exit_code = 2


class Busy(BadInput):
    """Another process is writing this film; the message names the run that holds it."""


class MachineFailed(SutureError):
    """The machine failed half way (disk full, unwritable, codec died); nothing is half written."""


class EditorError(SutureError):
    """Base of everything an editor raises."""


class TryAgain(EditorError):
    """Nothing happened; the same request may be sent again, `after` seconds from now when known."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class Unknown(EditorError):
    """The request may have been accepted and billed; ask the provider or a person before sending again."""


class StillRunning(Unknown):
    """The job was accepted and still runs at the deadline; a later pass asks for it and pays nothing again."""


class Refused(EditorError):
    """The tool will never accept this edit; choose another tool.

    `billed` is false where the provider says that it bills nothing for a job that it had accepted.
    """

    def __init__(self, message: str, *, billed: bool = True) -> None:
        super().__init__(message)
        self.billed = billed


class Broken(EditorError):
    """The tool answered something that cannot be read: a bug here or a change there."""
