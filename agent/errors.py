"""Errors of the mind, under the tree of `tools.errors`.

SutureError
├── OverBudget           (1)   the edit would take the run over its spend cap; nothing was sent
├── Stopped              (4)   a signal came; the message names the command that continues
└── BadInput             (2)
    └── OtherVersion     (2)   a run that another version of Suture began; it cannot be continued
"""

from __future__ import annotations

from tools.errors import BadInput, SutureError


class OverBudget(SutureError):
    """The edit would take the run over its spend cap; nothing was sent."""

    exit_code = 1


class OtherVersion(BadInput):
    """The run's state was written by another version of the graphs or the schema; start a new run."""


class Stopped(SutureError):
    """A signal came; everything done so far is kept and the message names the command that continues."""
