"""Faults on demand: which requests go wrong, how, and how often.

A file of rules (TOML, tables [[fault]]) or the header `X-Sandbox-Fault: NAME` on a request orders them. A rule matches
by provider, model (a pattern such as "fal-ai/*") and moment, is passed over `after` times, then holds `times` times.
"""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from tools.errors import BadInput
from tools.sandbox.providers._wire import Moment
from tools.types import Frozen

HEADER = "x-sandbox-fault"

Fault = Literal[
    "rate-limit",
    "server-error",
    "unavailable",
    "gateway",
    "lost-before",
    "lost-after",
    "changed-schema",
    "no-json",
    "unauthorised",
    "no-money",
    "refused",
    "never",
    "failed",
    "refused-later",
    "truncated",
    "wrong-size",
    "black",
    "no-video",
    "expired-url",
    "duplicate-webhook",
    "forged-webhook",
    "unsigned-webhook",
    "no-webhook",
    "seam",
    "flicker",
    "colour",
    "grain",
    "collateral",
    "nothing",
]
"""The first line up to "refused" spoils one exchange; from "never" on a submit carries the fault for its whole job.

"lost-before" and "lost-after" end the connection without an answer, before and after the job was accepted; "nothing"
gives the source back as it was."""

ON_THE_WIRE: frozenset[Fault] = frozenset(
    {"rate-limit", "server-error", "unavailable", "gateway", "lost-before", "lost-after", "changed-schema", "no-json",
     "unauthorised", "no-money", "refused"}
)  # fmt: skip
STATUS: dict[Fault, int] = {
    "rate-limit": 429,
    "server-error": 500,
    "unavailable": 503,
    "unauthorised": 401,
    "no-money": 402,
}
IN_THE_RESULT: frozenset[Fault] = frozenset(
    {"truncated", "wrong-size", "black", "seam", "flicker", "colour", "grain", "collateral", "nothing"}
)
"""Faults of the file that comes back."""


class Rule(Frozen):
    """One fault that is ordered. `times` None: always. `strength` (0 to 1) is how strongly a result is spoilt."""

    fault: Fault
    provider: str = "*"
    model: str = "*"
    moment: Moment = "submit"
    after: int = Field(default=0, ge=0)
    times: int | None = Field(default=1, ge=1)
    strength: float = Field(default=0.7, gt=0, le=1)


class Faults:
    """The rules with how often each was met; safe for many threads."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self._rules = list(rules)
        self._met = [0] * len(self._rules)
        self._lock = threading.Lock()

    def order(self, *rules: Rule) -> None:
        """Adds rules."""
        with self._lock:
            self._rules += rules
            self._met += [0] * len(rules)

    def clear(self) -> None:
        with self._lock:
            self._rules, self._met = [], []

    def next(self, provider: str, model: str, moment: Moment, *, wire: bool) -> Rule | None:
        """The rule that holds for a request now, counted; `wire` chooses between faults of exchanges and of jobs."""
        with self._lock:
            for place, rule in enumerate(self._rules):
                if (rule.fault in ON_THE_WIRE) is wire and self._holds(place, rule, provider, model, moment):
                    return rule
        return None

    def _holds(self, place: int, rule: Rule, provider: str, model: str, moment: Moment) -> bool:
        if not (fnmatch(provider, rule.provider) and fnmatch(model, rule.model) and rule.moment == moment):
            return False
        self._met[place] += 1
        met = self._met[place] - rule.after
        return met > 0 and (rule.times is None or met <= rule.times)


def read_faults(path: Path) -> list[Rule]:
    """The rules of a file; BadInput names the one that cannot be read."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path}: {error}; give a file of [[fault]] tables") from None
    rules = []
    for place, fields in enumerate(told.get("fault", []), start=1):
        try:
            rules.append(Rule.model_validate(fields))
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInput(f"{path}: fault {place}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return rules
