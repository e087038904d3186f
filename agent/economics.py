"""The arithmetic of money: how likely an editor is to succeed, and what a verified fix will cost from here.

C(editor, k) = price + time × rate + (1 − p) × C*(k + 1), where k counts failed tries in a row and C*(2) is the expected
cost of regenerating the shot. An editor is never repeated with identical inputs, so C*(k + 1) looks at the others only.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import exp, log
from typing import NamedTuple

USD_PER_SECOND = 315 / 60
"""A finished second that is made again, in US dollars: the low end of what finished minutes cost (domain.md)."""
ESCALATE_AT = 2
"""Failed verdicts in a row at which repairing stops."""


class Option(NamedTuple):
    """One way to do an edit: its price, seconds of work, and chance of a verified fix."""

    usd: float
    seconds: float
    p: float


def posterior(right: float, wrong: float, passed: int, failed: int) -> float:
    """Mean of the Beta posterior: the roster's imagined verdicts and the ledger's real ones."""
    return (right + passed) / (right + wrong + passed + failed)


def moved(p: float, *, size: float | None, speed: float | None, revealed: float | None) -> float:
    """The chance moved by evidence, in log-odds.

    `size` and `speed` are shares of their limits (1: at the limit); `revealed` is the share of the region that other
    frames show and is given for editors that borrow pixels only. A region half shown moves nothing; one never shown
    takes two units, as does each full limit beyond the first.
    """
    odds = log(p / (1 - p))
    odds += 0 if revealed is None else 4 * (revealed - 0.5)
    odds -= sum(2 * max(0.0, share - 1) for share in (size, speed) if share is not None)
    return 1 / (1 + exp(-odds))


def cost_to_go(options: Sequence[Option], chosen: int, failures: int, usd_per_hour: float, regenerate: float) -> float:
    """Expected US dollars until a verified fix when `chosen` is tried after `failures` failed tries in a row."""
    option = options[chosen]
    rest = [other for place, other in enumerate(options) if place != chosen]
    now = option.usd + option.seconds * usd_per_hour / 3600
    return now + (1 - option.p) * _best(rest, failures + 1, usd_per_hour, regenerate)


def _best(options: Sequence[Option], failures: int, usd_per_hour: float, regenerate: float) -> float:
    if failures >= ESCALATE_AT or not options:
        return regenerate
    return min(cost_to_go(options, place, failures, usd_per_hour, regenerate) for place in range(len(options)))


def regenerating(seconds: float) -> float:
    """Expected US dollars of making `seconds` of footage again, when no editor's own price is known."""
    return seconds * USD_PER_SECOND


def usd(value: float) -> Decimal:
    """Money with four decimals."""
    return Decimal(f"{value:.4f}")
