"""Route: which editor, told to work which way, is expected to cost least until a verified fix; with reasons for all.

First everybody goes who cannot or may not do the job, each with the limit that stands in the way; the others are ranked
by `agent.ranking` from what is known, and the choice is kept with all of it (`agent.routes`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from math import log2
from typing import Literal, NamedTuple

from agent import routes
from agent.briefing import plan_edit
from agent.budget import NO_CAPS, left
from agent.deps import Deps
from agent.economics import Verdicts, evidence_moves, footage_made_again
from agent.experience import Skill
from agent.purpose import purpose_of
from agent.ranking import Case, Offer, rank
from agent.schema import Attempt, Condition, Decision, Dropped, Film, Finding, Shot
from agent.state import Route
from tools.editors.areas import blocked_area
from tools.editors.base import Capabilities, Editor, PaidAction
from tools.editors.pricing import Footage, bill
from tools.editors.registry import roster
from tools.errors import Refused
from tools.types import Category, Edit, Frozen, Purpose, Quote, Rate, Reference

UNSEEN = 0.5
"""Share of a region that other frames show, below which what they do not show is drawn rather than left smooth."""
HURRIED = 0.5
"""Log-odds that a retake loses with every doubling of the pace at which what was made is shown. Set by judgement: no
real model's retakes were at hand."""
MIDDLING = (1.0, 1.0)
"""Imagined verdicts of an editor of which the roster says nothing."""


class Need(Frozen):
    """What a job asks of an editor, and what was measured about it. `size` and `speed` are shares of their limits.

    `seconds` are those of the whole shot; of a retake the editor's quote knows the window.
    """

    action: PaidAction
    category: Category
    shot: str = ""
    finding: str = ""
    seconds: float
    width: int
    height: int
    rate: Rate
    masked: bool
    medium: Literal["video", "still"] = "video"
    purpose: Purpose = "repair"
    size: float | None = None
    speed: float | None = None
    revealed: float | None = None
    borrowed: bool = False
    """The region is fast, and a repair holds only because other frames show it: for a fill that borrows from them."""


def need_of(film: Film, shot: Shot, finding: Finding, decision: Decision | None, action: PaidAction) -> Need:
    """The need of one finding's repair."""
    conditions = {c.name: c for c in decision.conditions} if decision else {}
    return Need(
        action=action,
        category=finding.category,
        shot=shot.id,
        finding=finding.id,
        seconds=float(shot.clip.frames / film.fps),
        width=film.width,
        height=film.height,
        rate=film.fps,
        masked=finding.mask is not None,
        purpose=purpose_of(finding) if action == "inpaint" else "repair",
        size=_share(conditions.get("small")),
        speed=_share(conditions.get("slow")),
        revealed=decision.revealed if decision else None,
        borrowed=action == "inpaint" and _holds_by_exception(conditions.get("slow")),
    )


def _share(condition: Condition | None) -> float | None:
    if condition is None or condition.value is None or not condition.limit:
        return None
    return condition.value / condition.limit


def _holds_by_exception(slow: Condition | None) -> bool:
    return slow is not None and slow.holds is True and (_share(slow) or 0) > 1


def route(
    need: Need,
    deps: Deps,
    *,
    draft: Edit,
    allow: Collection[str],
    barred: Mapping[str, str],
    tried: Collection[tuple[str, str]],
    failures: int,
    remade: int = 0,
    attempts: Sequence[Attempt] = (),
    keep: bool = False,
) -> Route:
    """Ranks what can and may do the edit.

    `tried` are (editor, method) pairs that failed on the same inputs, `failures` counts failed tries in a row, `remade`
    failed regenerations, `attempts` are all of the shot's so far. With `keep` the choice is written down.
    """
    house = _House(deps, allow, barred, _budget_left(need.shot, deps))
    found = house.offers(need, draft, tried)
    case = Case(
        shot=need.shot,
        finding=need.finding,
        action=need.action,
        category=need.category,
        failures=failures,
        remade=remade,
        offers=_known(found.fit, need, attempts, deps),
        remaking=_remaking(need, draft, house, attempts),
        fallback=footage_made_again(need.seconds),
        usd_per_hour=deps.usd_per_hour,
        person_usd=deps.person_usd,
        prefer=deps.options.prefer,
        seed=f"{need.shot}|{need.finding}|{need.action}|{len(attempts)}",
    )
    ranked = rank(case)
    if keep:
        routes.keep(case, ranked, deps.run, deps.db)
    return Route(ranked=ranked, dropped=found.dropped)


class _Fit(NamedTuple):
    """An editor that can and may do the job, told to work one way, and what it asks."""

    editor: Editor
    method: str
    quote: Quote


class _Found(NamedTuple):
    fit: tuple[_Fit, ...]
    dropped: tuple[Dropped, ...]


class _House(NamedTuple):
    """What decides who may do a job here."""

    deps: Deps
    allow: Collection[str]
    barred: Mapping[str, str]
    left: Decimal | None

    def offers(self, need: Need, draft: Edit, tried: Collection[tuple[str, str]]) -> _Found:
        """Who can and may do the job, by name, and everybody else with the reason."""
        fit: list[_Fit] = []
        dropped = []
        for name, editor in sorted(self.deps.editors.items()):
            why = self.forbids(editor) or incapable(editor.capabilities, need)
            methods = methods_for(editor.capabilities, need, pictured=bool(draft.references))
            untried = [method for method in methods if (name, method) not in tried]
            asked = [] if why else [self.quoted(editor, draft.model_copy(update={"method": m})) for m in untried]
            fits = [one for one in asked if isinstance(one, _Fit)]
            fit += fits
            if not fits:
                refused = next(
                    (one for one in asked if isinstance(one, str)), "every way has been tried on these inputs"
                )
                dropped.append(Dropped(editor=name, why=why or refused))
        return _Found(tuple(fit), tuple(dropped))

    def forbids(self, editor: Editor) -> str | None:
        """Why the editor may not do it; None when it may."""
        options, can = self.deps.options, editor.capabilities
        if options.only and editor.name not in options.only:
            return "not among --only"
        if editor.name in self.barred or can.local:
            return self.barred.get(editor.name)
        if options.rehearse:
            return None
        if options.offline:
            return "footage may not leave the machine (--offline)"
        if not {can.provider, editor.name} & {*self.allow, *options.allowed}:
            return f"the film does not allow it ([film] allow = [{(can.provider or editor.name)!r}, …])"
        area = blocked_area(self.deps.region, can.blocked_regions) if self.deps.region else None
        return f"may not be used in {area} (SUTURE_REGION = {self.deps.region})" if area else None

    def quoted(self, editor: Editor, draft: Edit) -> _Fit | str:
        """What the editor asks for the job done this way, or why it will not."""
        try:
            quote = editor.quote(draft)
        except Refused as refusal:
            return str(refusal)
        if self.left is not None and quote.most > self.left:
            return f"may cost {quote.most} USD, {self.left} USD of the budget are left"
        return _Fit(editor, draft.method, quote)


def incapable(can: Capabilities, need: Need) -> str | None:
    """Why an editor cannot do a job, whatever its footage; None when it can."""
    over = {
        f"retired: {can.retired}": can.retired is not None,
        f"cannot {need.action}": need.action not in can.actions,
        f"edits {can.medium}s, not {need.medium}s": can.medium != need.medium and not can.stills,
        f"only {' or '.join(sorted(can.purposes))}s": need.action == "inpaint" and need.purpose not in can.purposes,
        "the region is fast: only a fill that borrows from other frames may": need.borrowed and not can.borrows,
        "needs a mask": can.mask == "required" and need.action == "inpaint" and not need.masked,
    }
    return next((why for why, holds in over.items() if holds), None)


def _budget_left(shot: str, deps: Deps) -> Decimal | None:
    """The most that one more edit of the shot may cost; None where nothing limits it."""
    return None if deps.caps == NO_CAPS else left(deps.caps, deps.ledger.sums(deps.run, shot))


def _remaking(need: Need, draft: Edit, house: _House, attempts: Sequence[Attempt]) -> tuple[Offer, ...]:
    """What those ask who could make the shot again, for when repairing stops; nobody makes a still again."""
    if need.action == "regenerate" or need.medium == "still":
        return ()
    whole = {"action": "regenerate", "mask": None, "window": None, "stretch": None, "purpose": "repair"}
    again = need.model_copy(update={"action": "regenerate", "purpose": "repair"})
    free = house._replace(left=None)
    return _known(free.offers(again, draft.model_copy(update=whole), ()).fit, again, attempts, house.deps)


def _known(fit: Iterable[_Fit], need: Need, attempts: Sequence[Attempt], deps: Deps) -> tuple[Offer, ...]:
    return tuple(_offer(one, need, attempts, deps) for one in fit)


def _offer(fit: _Fit, need: Need, attempts: Sequence[Attempt], deps: Deps) -> Offer:
    """What an editor asks, with all that is known of it."""
    name, can = fit.editor.name, fit.editor.capabilities
    skill = Skill(name, need.action, need.category)
    prior = can.priors.get(need.action)
    return Offer(
        editor=name,
        method=fit.method,
        usd=fit.quote.usd,
        high=fit.quote.high,
        seconds=fit.quote.seconds,
        prior=(prior.right, prior.wrong) if prior else MIDDLING,
        here=deps.experience.here(skill),
        elsewhere=deps.experience.elsewhere(skill),
        own=_own(name, need.action, attempts),
        moved=_moved(need, can) - HURRIED * log2(fit.quote.hurry),
    )


def _moved(need: Need, can: Capabilities) -> float:
    """What was measured about a region says how hard it is to fill, and nothing of making footage anew."""
    if need.action != "inpaint":
        return 0.0
    return evidence_moves(size=need.size, speed=need.speed, revealed=need.revealed if can.borrows else None)


def _own(editor: str, action: PaidAction, attempts: Sequence[Attempt]) -> Verdicts:
    mine = [a.verdict for a in attempts if (a.tool, a.action) == (editor, action)]
    return Verdicts(mine.count("pass"), mine.count("fail"))


def methods_for(can: Capabilities, need: Need, *, pictured: bool = False) -> list[str]:
    """An editor's methods, first that which suits best: texture where the editor borrows, frames show too little and no
    reference is given that pictures the thing: it leaves little open, and that little is what lies behind the thing.
    """
    unseen = can.borrows and not pictured and need.revealed is not None and need.revealed < UNSEEN
    return sorted(can.methods, key=lambda method: not (unseen and method == "texture"))


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
        purpose=purpose_of(finding) if action == "inpaint" else "repair",
    )


def roster_quotes(need: Need, configured: Collection[str]) -> dict[str, float]:
    """What each editor of the roster that is not configured here would ask, if it could do the job once it is."""
    seconds = Fraction(need.seconds).limit_denominator(100_000)
    taken = Fraction(0) if need.action == "regenerate" else seconds
    footage = Footage(width=need.width, height=need.height, rate=need.rate, seconds_in=taken, seconds_out=seconds)
    return {name: float(bill(can.price, footage)) for name, can in able(need).items() if name not in configured}


def able(need: Need) -> dict[str, Capabilities]:
    """Everybody on the roster who could do a job, set up here or not, whatever its footage."""
    known = {name: entry.capabilities for name, entry in roster().items()}
    return {name: can for name, can in known.items() if incapable(can, need) is None}
