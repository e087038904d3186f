"""The arithmetic of expected cost: how likely an editor is to succeed, and what a verified fix will cost from here.

C(editor, k) = price + time × rate + (1 − p) × C*(k + 1), where k counts failed tries in a row and C*(2) is the expected
cost of regenerating the shot. An editor is never repeated with identical inputs, so C*(k + 1) looks at the others only.
Making a shot again draws anew, so there the same editor may be asked again; after three tries a person does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import exp, log
from random import Random
from typing import NamedTuple

USD_PER_SECOND = 315 / 60
"""A finished second that is made again, in US dollars: the low end of what finished minutes cost (domain.md)."""
PERSON_USD = 17.0
"""Half an hour of the person who takes over a shot that no try could save, at 34 US dollars: the median hourly pay of
film and video editors and camera operators (US Bureau of Labor Statistics, Occupational Outlook, 70,570 a year)."""
ESCALATE_AT = 2
"""Failed verdicts in a row at which repairing stops."""
REGENERATE_TRIES = 3
"""Failed regenerations at which a person takes over."""
OTHERS_WEIGH = 12.0
"""Verdicts of an editor's action at other categories count for at most this many at the category at hand."""
EXPLORE = 0.1
"""Most by which what is tried to learn may cost more than the best, as a share of the best's expected cost."""


class Option(NamedTuple):
    """One way to do an edit: its price, seconds of work, and chance of a verified fix."""

    usd: float
    seconds: float
    p: float

    def now(self, usd_per_hour: float) -> float:
        """US dollars of this try alone, the waiting included."""
        return self.usd + self.seconds * usd_per_hour / 3600


class Belief(NamedTuple):
    """A Beta posterior of success at evidence that moves nothing; `centre` is the log-odds by which the evidence of
    what it was learned from moved on average."""

    right: float
    wrong: float
    centre: float = 0.0

    @property
    def mean(self) -> float:
        return self.right / (self.right + self.wrong)

    def drawn(self, seed: str) -> float:
        """A chance drawn from the posterior; the same seed draws the same."""
        return min(1 - 1e-6, max(1e-6, Random(seed).betavariate(self.right, self.wrong)))  # noqa: S311 - no secret


class Verdicts(NamedTuple):
    """Counted verdicts, and the sum of the log-odds by which the evidence of each moved its chance."""

    passed: int = 0
    failed: int = 0
    moved: float = 0.0

    @property
    def total(self) -> int:
        return self.passed + self.failed

    def plus(self, other: Verdicts) -> Verdicts:
        return Verdicts(self.passed + other.passed, self.failed + other.failed, self.moved + other.moved)


def posterior(right: float, wrong: float, here: Verdicts, elsewhere: Verdicts) -> Belief:
    """The belief at one category, from the roster's imagined verdicts, the real ones of the category (`here`) and those
    of the same editor and action at other categories (`elsewhere`).

    What is known of the action as a whole is the prior at the category, worth at most OTHERS_WEIGH verdicts: a category
    never seen starts from the editor's record, one often seen from its own.
    """
    known_right, known_wrong = right + elsewhere.passed, wrong + elsewhere.failed
    known = known_right + known_wrong
    kept = min(1.0, max(right + wrong, OTHERS_WEIGH) / known)
    weight = known * kept + here.total
    moved_by = (elsewhere.moved * kept + here.moved) / weight
    return Belief(known_right * kept + here.passed, known_wrong * kept + here.failed, moved_by)


def evidence_moves(*, size: float | None, speed: float | None, revealed: float | None) -> float:
    """The log-odds by which what was measured about a region moves the chance of filling it.

    `size` and `speed` are shares of their limits (1: at the limit); `revealed` is the share of the region that other
    frames show and is given for editors that borrow pixels only. A region half shown moves nothing; one never shown
    takes two units, as does each full limit beyond the first; what is shown elsewhere is not stopped by its speed.
    """
    odds = 0.0 if revealed is None else 4 * (revealed - 0.5)
    hidden = 1 - (revealed or 0.0)
    return odds - 2 * (_beyond(size) + hidden * _beyond(speed))


def _beyond(share: float | None) -> float:
    return 0.0 if share is None else max(0.0, share - 1)


def moved(p: float, by: float) -> float:
    """A chance moved by log-odds."""
    return 1 / (1 + exp(-(log(p / (1 - p)) + by)))


def cost_to_go(options: Sequence[Option], chosen: int, failures: int, usd_per_hour: float, regenerate: float) -> float:
    """Expected US dollars until a verified fix when `chosen` is tried after `failures` failed tries in a row."""
    option = options[chosen]
    after = regenerate
    if failures + 1 < ESCALATE_AT and len(options) > 1:
        rest = [other for place, other in enumerate(options) if place != chosen]
        after = min(cost_to_go(rest, place, failures + 1, usd_per_hour, regenerate) for place in range(len(rest)))
    return option.now(usd_per_hour) + (1 - option.p) * after


def cost_of_remaking(options: Sequence[Option], failures: int, usd_per_hour: float, person: float) -> float:
    """Expected US dollars until the shot is made again and verified, after `failures` failed regenerations; the best
    editor may be asked each time. Where there is none, the person does it."""
    cost = person
    for _ in range(REGENERATE_TRIES - failures if options else 0):
        cost = min(option.now(usd_per_hour) + (1 - option.p) * cost for option in options)
    return cost


def footage_made_again(seconds: float) -> float:
    """Expected US dollars of making `seconds` of footage again, where no editor here can."""
    return seconds * USD_PER_SECOND


def usd(value: float) -> Decimal:
    """Money with four decimals."""
    return Decimal(f"{value:.4f}")
