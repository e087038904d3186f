"""Errors of the mind, under the tree of `tools.errors`.

SutureError
├── OverBudget           (1)   the edit or question would take the run over its spend cap; nothing was sent
├── Stopped              (4)   a signal came; the message names the command that continues
├── ModelError           (4)   what became of a question to a vision-language model; callers go on without an answer
│   ├── ModelDown              asking this server again in this run is of no use
│   │   ├── ModelUnreachable   no connection, no answer in time, or a fault of the server, twice in a row
│   │   ├── ModelBusy          rate limits that outlast one wait
│   │   ├── ModelDenied        key, account, address or model name are wrong, or the account is empty
│   │   ├── ModelBlind         the server drops pictures
│   │   └── FewPictures        the server takes fewer pictures at once than a question has
│   ├── ModelRejected          the server cannot accept this request
│   ├── ModelRefused           the model declines to answer
│   ├── ModelFiltered          a content filter stopped the question or the answer
│   ├── ModelTruncated         the answer was cut off
│   ├── ModelEmpty             there is no answer in the reply
│   ├── ModelUnreadable        no JSON of the asked shape, even after it was told what was wrong
│   └── NotSent                a dry run wrote the request down instead
└── BadInput             (2)
    └── OtherVersion     (2)   a run that another version of Suture began; it cannot be continued
"""

from __future__ import annotations

from tools.errors import BadInput, SutureError


class OverBudget(SutureError):
    """The edit or question would take the run over its spend cap; nothing was sent."""

    exit_code = 1


class OtherVersion(BadInput):
    """The run's state was written by another version of the graphs or the schema; start a new run."""


class Stopped(SutureError):
    """A signal came; everything done so far is kept and the message names the command that continues."""


class ModelError(SutureError):
    """A question to a model has no usable answer; whoever asked goes on without one and says so."""


class ModelDown(ModelError):
    """Asking this server again in this run is of no use."""


class ModelUnreachable(ModelDown):
    """No connection, no answer in time, or a fault of the server."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class ModelBusy(ModelDown):
    """Rate limited; `after` is when the server wants to be asked again, in seconds from now."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class ModelDenied(ModelDown):
    """Key, account, address or model name are wrong, or the account is empty."""


class ModelBlind(ModelDown):
    """The server drops pictures: what it says of them is invented."""


class FewPictures(ModelDown):
    """The server takes fewer pictures at once than a question has."""


class ModelRejected(ModelError):
    """The server cannot accept this request as it is."""


class ModelRefused(ModelError):
    """The model declines to answer."""


class ModelFiltered(ModelError):
    """A content filter stopped the question or the answer."""


class ModelTruncated(ModelError):
    """The answer was cut off before its end."""


class ModelEmpty(ModelError):
    """There is no answer in the reply."""


class ModelUnreadable(ModelError):
    """No JSON of the asked shape; `said` is what came."""

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class NotSent(ModelError):
    """A dry run wrote the request down instead of sending it."""
