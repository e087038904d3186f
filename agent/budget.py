"""What may be spent, and what a run is expected to cost: pure arithmetic of US dollars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from pydantic import Field

from agent.economics import ESCALATE_AT, REGENERATE_TRIES
from agent.schema import Candidate
from tools.types import Frozen, Usd

CapName: TypeAlias = Literal["action", "shot", "run", "day"]

WHAT: Mapping[CapName, str] = {
    "action": "one edit",
    "shot": "one shot in a run",
    "run": "the run",
    "day": "the film's day (UTC)",
}


class Caps(Frozen):
    """The most that one edit, a shot in a run, a run, and a film's runs of a UTC day may cost; None: no limit."""

    action: Usd | None = Field(default=None, ge=0)
    shot: Usd | None = Field(default=None, ge=0)
    run: Usd | None = Field(default=None, ge=0)
    day: Usd | None = Field(default=None, ge=0)

    def within(self, other: Caps) -> Caps:
        """Both: of each limit the smaller one holds."""
        return Caps(**{name: _least(getattr(self, name), getattr(other, name)) for name in WHAT})

    def for_run(self, budget: Decimal | None) -> Caps:
        """With what the caller said that this run may spend."""
        return self.within(Caps(run=budget))


def _least(*limits: Decimal | None) -> Decimal | None:
    known = [limit for limit in limits if limit is not None]
    return min(known) if known else None


NO_CAPS = Caps()


class Sums(NamedTuple):
    """What counts so far against the limit of a shot, a run and a day; an action starts at nothing."""

    shot: Decimal = Decimal(0)
    run: Decimal = Decimal(0)
    day: Decimal = Decimal(0)
    action: Decimal = Decimal(0)


def broken_cap(caps: Caps, spent: Sums, asked: Decimal) -> CapName | None:
    """The first limit that `asked` more would break; what is free breaks none."""
    for name in WHAT:
        cap: Decimal | None = getattr(caps, name)
        if asked > 0 and cap is not None and getattr(spent, name) + asked > cap:
            return name
    return None


def left(caps: Caps, spent: Sums) -> Decimal | None:
    """The most that one more edit may cost; None where nothing limits it."""
    limits: dict[CapName, Decimal | None] = {name: getattr(caps, name) for name in WHAT}
    return _least(*(max(Decimal(0), cap - getattr(spent, name)) for name, cap in limits.items() if cap is not None))


def over_words(name: CapName, caps: Caps, spent: Sums, what: str, asked: Decimal) -> str:
    """ "SH010: luma may cost 0.5 USD, over the budget of 1 USD for the run (0.8 USD count already); …" """
    cap: Decimal = getattr(caps, name)
    already = getattr(spent, name)
    so_far = f" ({plain(already)} USD count already)" if already else ""
    flag = "--budget, " if name == "run" else ""
    raising = f"raise it with {flag}film.toml [budget] {name} or SUTURE_BUDGET_{name.upper()} (the smallest holds)"
    return (
        f"{what} may cost {plain(asked)} USD, over the budget of {plain(cap)} USD for {WHAT[name]}{so_far}; {raising}"
    )


class Estimate(Frozen):
    """What repairs are expected to be billed, in US dollars.

    `low` where every first choice succeeds at its price, `expected` by the chances that the router gives, `high` where
    all tries fail and every bill comes to the most that it can.
    """

    low: Usd = Decimal(0)
    expected: Usd = Decimal(0)
    high: Usd = Decimal(0)


def estimate(repairs: Sequence[Sequence[Candidate]], again: Sequence[Candidate]) -> Estimate:
    """The estimate of one shot: the ranked ways of each repair, and those of making the shot again where they fail.

    Without repairs the shot is made again from the start. A way that failed is not tried a second time; making again
    is tried up to three times.
    """
    tried = [ways[:ESCALATE_AT] for ways in repairs if ways]
    low = sum((ways[0].usd for ways in tried or [again] if ways), Decimal(0))
    expected, fails = Decimal(0), Decimal(1 if not tried else 0)
    for ways in tried:
        usd, failed = _in_turn(ways)
        expected, fails = expected + usd, 1 - (1 - fails) * (1 - failed)
    made_again = [*again[:1]] * REGENERATE_TRIES
    dearest = (sorted((most_of(one) for one in ways), reverse=True)[:ESCALATE_AT] for ways in repairs)
    high = sum((sum(one, Decimal(0)) for one in dearest), Decimal(0))
    high += REGENERATE_TRIES * max((most_of(one) for one in again), default=Decimal(0))
    return Estimate(low=low, expected=expected + fails * _in_turn(made_again)[0], high=high)


def _in_turn(ways: Sequence[Candidate]) -> tuple[Decimal, Decimal]:
    """What ways are expected to cost that are tried in turn until one succeeds, and the chance that none does."""
    usd, failed = Decimal(0), Decimal(1)
    for way in ways:
        usd += failed * way.usd
        failed *= 1 - Decimal(str(way.p))
    return usd, failed


def most_of(way: Candidate) -> Decimal:
    """The most that a way may be billed."""
    return way.usd if way.high is None else max(way.usd, way.high)


def total(estimates: Iterable[Estimate]) -> Estimate:
    """The estimate of all shots together."""
    low = expected = high = Decimal(0)
    for one in estimates:
        low, expected, high = low + one.low, expected + one.expected, high + one.high
    return Estimate(low=low, expected=expected, high=high)


def plain(usd: Decimal) -> str:
    """Dollars without trailing zeros: "0.5", "12"."""
    return f"{round(usd, 6).normalize():f}"
