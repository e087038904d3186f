"""The ranking of editors as a pure function of what was known: the same case gives the same ranking, in any process.

A route is the case and its ranking; both are kept in the database, so that every choice can be made again from it alone
(`agent.routes`). What is drawn at random is drawn by the shot and the edit, never by the run or the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.economics import (
    EXPLORE,
    PERSON_USD,
    Belief,
    Option,
    Verdicts,
    cost_of_remaking,
    cost_to_go,
    moved,
    posterior,
    usd,
)
from agent.schema import Candidate
from tools.editors.base import PaidAction
from tools.types import Category, Frozen, Usd

MARGIN = 1e-9
"""US dollars under which two costs are the same."""


class Offer(Frozen):
    """One way of one editor to do an edit, what it asks, and what is known of it."""

    editor: str
    method: str
    usd: Usd
    high: Usd | None = None
    """The most that the bill may come to, where that is more."""
    seconds: float
    prior: tuple[float, float]
    """The roster's imagined verdicts, right and wrong."""
    here: Verdicts = Verdicts()
    """Verdicts of earlier runs at the finding's category."""
    elsewhere: Verdicts = Verdicts()
    """And at all others."""
    own: Verdicts = Verdicts()
    """Verdicts that the shot itself saw in this run, whatever they were about."""
    moved: float = 0.0
    """Log-odds by which the evidence of this region moves the chance."""

    @property
    def belief(self) -> Belief:
        return posterior(*self.prior, self.here.plus(self.own), self.elsewhere)

    @property
    def p(self) -> float:
        """The expected chance of a verified fix."""
        belief = self.belief
        return moved(belief.mean, self.moved - belief.centre)

    def drawn(self, seed: str) -> float:
        """A chance drawn from the belief: one editor's methods share the draw."""
        belief = self.belief
        return moved(belief.drawn(f"{seed}|{self.editor}"), self.moved - belief.centre)


class Case(Frozen):
    """Everything that a choice of editor depends on. `failures` counts failed tries in a row of the shot, `remade` its
    failed regenerations; `remaking` is what regenerating editors ask, for when repairing stops."""

    shot: str
    finding: str
    action: PaidAction
    category: Category
    failures: int = 0
    remade: int = 0
    offers: tuple[Offer, ...] = ()
    remaking: tuple[Offer, ...] = ()
    fallback: float
    """Expected US dollars of making the shot again where no editor here can."""
    usd_per_hour: float
    person_usd: float = PERSON_USD
    explore: float = EXPLORE
    prefer: str | None = None
    seed: str
    """What random draws are made by: the shot and the edit."""


def rank(case: Case) -> tuple[Candidate, ...]:
    """The candidates, best first: the preferred editor, else what is chosen, else by expected cost."""
    if not case.offers:
        return ()
    ways = _Ways.of(case)
    costs = [ways.cost(n) for n in range(len(case.offers))]
    chosen = _chosen(case, ways, costs)
    order = sorted(range(len(costs)), key=lambda n: (case.offers[n].editor != case.prefer, n != chosen, costs[n], n))
    return tuple(_candidate(case, n, costs, first=n == order[0]) for n in order)


class _Ways(NamedTuple):
    """The offers as options; `after` is what follows when they are over: the shot made again, or its next try."""

    case: Case
    options: list[Option]
    after: float

    @classmethod
    def of(cls, case: Case) -> _Ways:
        options = [_option(offer) for offer in case.offers]
        if case.action == "regenerate":
            after = cost_of_remaking(options, case.remade + 1, case.usd_per_hour, case.person_usd)
        elif case.remaking:
            again = [_option(offer) for offer in case.remaking]
            after = cost_of_remaking(again, 0, case.usd_per_hour, case.person_usd)
        else:
            after = case.fallback
        return cls(case, options, after)

    def cost(self, place: int, p: float | None = None) -> float:
        """Expected US dollars until a verified fix when that offer is tried now; `p` stands in for its chance."""
        case, options = self.case, self.options
        if p is not None:
            options = [*options[:place], options[place]._replace(p=p), *options[place + 1 :]]
        if case.action == "regenerate":
            return options[place].now(case.usd_per_hour) + (1 - options[place].p) * self.after
        return cost_to_go(options, place, case.failures, case.usd_per_hour, self.after)


def _option(offer: Offer) -> Option:
    return Option(float(offer.usd), offer.seconds, offer.p)


def _chosen(case: Case, ways: _Ways, costs: Sequence[float]) -> int:
    """The offer that is tried: of those expected to cost hardly more than the best (EXPLORE), the one that is cheapest
    by a chance drawn from what is believed of it. What is well known is drawn as it is; what is not gets its turn."""
    within = [n for n, cost in enumerate(costs) if cost <= min(costs) * (1 + case.explore) + MARGIN]
    drawn = {n: round(ways.cost(n, case.offers[n].drawn(case.seed)), 9) for n in within}
    return min(within, key=lambda n: (drawn[n], costs[n], n))


def _candidate(case: Case, place: int, costs: Sequence[float], *, first: bool) -> Candidate:
    offer, cost = case.offers[place], costs[place]
    return Candidate(
        editor=offer.editor,
        method=offer.method,
        usd=usd(float(offer.usd)),
        high=offer.high,
        seconds=round(offer.seconds, 3),
        p=round(offer.p, 4),
        cost=round(cost, 4),
        why=_why(case, offer, cost, min(costs)) if first else _words(offer, cost),
    )


def _words(offer: Offer, cost: float) -> str:
    """ "plate (auto): 0.0000 USD now, 70% likely (3 of 4 verified at this, 9 of 9 at other things), …" """
    counted = ((offer.here, "at this"), (offer.elsewhere, "at other things"), (offer.own, "in this shot"))
    known = ", ".join(f"{seen.passed} of {seen.total} verified {what}" for seen, what in counted if seen.total)
    likely = f"{offer.p:.0%} likely{f' ({known})' if known else ''}"
    now = f"{offer.editor} ({offer.method}): {offer.usd:.4f} USD now, {likely}"
    return f"{now}, {cost:.2f} USD expected until a verified fix"


def _why(case: Case, offer: Offer, cost: float, best: float) -> str:
    if offer.editor == case.prefer:
        return f"{_words(offer, cost)}; preferred"
    if cost > best + MARGIN:
        return (
            f"{_words(offer, cost)}; tried to learn, for {cost - best:.2f} USD more than the best is expected to cost"
        )
    return _words(offer, cost)
