"""Route: which editor, told to work which way, is expected to cost least until a verified fix; with reasons for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from agent.briefing import plan_edit
from agent.deps import Deps
from agent.economics import Option, cost_to_go, moved, posterior, regenerating, usd
from agent.schema import Candidate, Condition, Decision, Dropped, Film, Finding, Shot
from agent.state import Route
from tools.editors.base import Capabilities, Editor, PaidAction
from tools.editors.registry import roster
from tools.errors import Refused
from tools.types import Edit, Frozen, Quote, Reference


class Need(Frozen):
    """What a job asks of an editor, and what was measured about it. `size` and `speed` are shares of their limits."""

    action: PaidAction
    category: str
    seconds: float
    width: int
    height: int
    rate: str
    frames: int
    masked: bool
    size: float | None = None
    speed: float | None = None
    revealed: float | None = None


def need_of(film: Film, shot: Shot, finding: Finding, decision: Decision | None, action: PaidAction) -> Need:
    """The need of one finding's repair."""
    conditions = {c.name: c for c in decision.conditions} if decision else {}
    return Need(
        action=action,
        category=finding.category,
        seconds=float(shot.clip.frames / film.fps),
        width=film.width,
        height=film.height,
        rate=f"{film.fps.numerator}/{film.fps.denominator}",
        frames=shot.clip.frames,
        masked=finding.mask is not None,
        size=_share(conditions.get("small")),
        speed=_share(conditions.get("slow")),
        revealed=decision.revealed if decision else None,
    )


def _share(condition: Condition | None) -> float | None:
    if condition is None or condition.value is None or not condition.limit:
        return None
    return condition.value / condition.limit


def route(
    need: Need,
    deps: Deps,
    *,
    draft: Edit,
    allow: Collection[str],
    barred: Mapping[str, str],
    tried: Collection[tuple[str, str]],
    failures: int,
) -> Route:
    """Ranks what can and may do the edit. `tried` are (editor, method) pairs that failed on the same inputs."""
    house = _House(deps, allow, barred, _budget_left(deps))
    fit: list[_Fit] = []
    dropped = []
    for name, editor in sorted(deps.editors.items()):
        untried = [m for m in editor.capabilities.methods if (name, m) not in tried]
        why = house.forbids(editor) or incapable(editor.capabilities, need)
        found = [] if why else [house.quoted(editor, draft.model_copy(update={"method": m})) for m in untried]
        fits = [one for one in found if isinstance(one, _Fit)]
        fit += fits
        if not fits:
            refused = next((one for one in found if isinstance(one, str)), "every way has been tried on these inputs")
            dropped.append(Dropped(editor=name, why=why or refused))
    ranked = _rank(fit, need, deps, failures)
    return Route(ranked=ranked, dropped=tuple(dropped))


class _Fit(NamedTuple):
    """An editor that can and may do the job, told to work one way, and what it asks."""

    editor: Editor
    method: str
    quote: Quote


class _House(NamedTuple):
    """What decides who may do a job here."""

    deps: Deps
    allow: Collection[str]
    barred: Mapping[str, str]
    left: Decimal | None

    def forbids(self, editor: Editor) -> str | None:
        """Why the editor may not do it; None when it may."""
        options = self.deps.options
        if options.only and editor.name not in options.only:
            return "not among --only"
        if editor.name in self.barred or editor.capabilities.local:
            return self.barred.get(editor.name)
        if options.offline:
            return "footage may not leave the machine (--offline)"
        if editor.name not in self.allow:
            return f"the film does not allow it ([film] allow = [{editor.name!r}, …])"
        return None

    def quoted(self, editor: Editor, draft: Edit) -> _Fit | str:
        """What the editor asks for the job done this way, or why it will not."""
        try:
            quote = editor.quote(draft)
        except Refused as refusal:
            return str(refusal)
        if self.left is not None and quote.usd > self.left:
            return f"asks {quote.usd} USD, {self.left} USD of the budget are left"
        return _Fit(editor, draft.method, quote)


def incapable(can: Capabilities, need: Need) -> str | None:
    """Why an editor cannot do a job; None when it can."""
    over = {
        f"cannot {need.action}": need.action not in can.actions,
        "needs a mask": can.mask == "required" and need.action == "inpaint" and not need.masked,
    }
    return next((why for why, holds in over.items() if holds), None)


def _budget_left(deps: Deps) -> Decimal | None:
    cap = deps.options.budget
    return None if cap is None else cap - deps.ledger.spent(deps.run)


def _rank(fit: Sequence[_Fit], need: Need, deps: Deps, failures: int) -> tuple[Candidate, ...]:
    options = [Option(float(quote.usd), quote.seconds, _chance(editor, need, deps)) for editor, _, quote in fit]
    fallback = regenerating(need.seconds)
    made = []
    for place, (editor, method, quote) in enumerate(fit):
        cost = cost_to_go(options, place, failures, deps.usd_per_hour, fallback)
        made.append(_candidate(editor.name, method, quote, options[place].p, cost))
    return tuple(sorted(made, key=lambda c: (c.editor != deps.options.prefer, c.cost)))


def _chance(editor: Editor, need: Need, deps: Deps) -> float:
    """The Beta posterior of a verified fix, moved by what was measured about this region."""
    prior = editor.capabilities.priors.get(need.action)
    right, wrong = (prior.right, prior.wrong) if prior else (1.0, 1.0)
    tally = deps.ledger.tally(editor.name, need.action, need.category, before=deps.run)
    revealed = need.revealed if editor.capabilities.borrows else None
    p = posterior(right, wrong, tally.passed, tally.failed)
    return moved(p, size=need.size, speed=need.speed, revealed=revealed)


def _candidate(editor: str, method: str, quote: Quote, p: float, cost: float) -> Candidate:
    why = f"{editor} ({method}): {quote.usd:.4f} USD now, {p:.0%} likely, {cost:.2f} USD expected until a verified fix"
    return Candidate(
        editor=editor,
        method=method,
        usd=usd(float(quote.usd)),
        seconds=round(quote.seconds, 3),
        p=round(p, 4),
        cost=round(cost, 4),
        why=why,
    )


def draft_of(
    film: Film,
    shot: Shot,
    finding: Finding,
    action: PaidAction,
    *,
    window: tuple[int, int] | None,
    references: Sequence[Reference],
) -> Edit:
    """The edit as far as a quote needs it."""
    return plan_edit(
        film,
        shot,
        finding,
        action=action,
        editor="",
        method="auto",
        attempt=0,
        clip=shot.clip,
        lineage="",
        window=window,
        references=references,
    )


def roster_quotes(need: Need, configured: Collection[str]) -> dict[str, float]:
    """What each editor of the roster that is not configured here would ask, if it could do the job once it is."""
    quotes = {}
    for name, entry in roster().items():
        can = entry.capabilities
        if name not in configured and incapable(can, need) is None:
            quotes[name] = float(usd(float(can.price.per_job) + float(can.price.per_second) * need.seconds))
    return quotes
