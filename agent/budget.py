"""What may be spent, and what a run is expected to cost: pure arithmetic of US dollars."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, NamedTuple, TypeAlias

from pydantic import Field

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


def plain(usd: Decimal) -> str:
    """Dollars without trailing zeros: "0.5", "12"."""
    return f"{round(usd, 6).normalize():f}"
