"""The router: who may do an edit, in which order, and why."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from agent.db import LedgerRow, RouteRow, open_database
from agent.deps import Deps, RunOptions
from agent.economics import (
    PERSON_USD,
    Option,
    Verdicts,
    cost_of_remaking,
    cost_to_go,
    evidence_moves,
    moved,
    posterior,
)
from agent.experience import learned
from agent.graph import PixelHands
from agent.ledger import Entry, Ledger
from agent.policy import Policy
from agent.purpose import purpose_of
from agent.ranking import Case, Offer, rank
from agent.routes import replay
from agent.schema import Attempt, Finding
from agent.stages.route import Need, methods_for, route
from agent.state import Route
from agent.store import Store
from tools.editors.areas import blocked_area
from tools.editors.base import Capabilities, Editor, Prior
from tools.errors import Refused
from tools.types import Box, Clip, Edit, Job, Progress, Quote, Take

NEED = Need(
    action="inpaint",
    category="prop",
    shot="SH010",
    finding="F-1",
    seconds=2.0,
    width=1280,
    height=720,
    rate=Fraction(24),
    masked=True,
)
DRAFT = Edit(key="k", action="inpaint", clip=Clip(media=Path("shot.mp4"), first=0, last=47), mask=Path("mask.mkv"))


class PricedEditor:
    """An editor that quotes its price, or refuses, and is never sent anything here."""

    def __init__(self, name: str, usd: str, *, high: str | None = None, refuses: str = "", **can: Any) -> None:
        self._name, self._refuses = name, refuses
        self._quote = Quote(usd=Decimal(usd), seconds=10, high=Decimal(high) if high else None)
        self._can = Capabilities(**{"actions": frozenset({"inpaint"}), "local": True, **can})

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return self._can

    def quote(self, edit: Edit) -> Quote:
        if self._refuses:
            raise Refused(self._refuses)
        return self._quote

    async def submit(self, edit: Edit) -> Job:
        raise AssertionError("the router sends nothing")

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        raise AssertionError("the router sends nothing")

    async def poll(self, job: Job) -> Progress:
        raise AssertionError("the router sends nothing")

    async def fetch(self, job: Job, folder: Path) -> Take:
        raise AssertionError("the router sends nothing")

    async def cancel(self, job: Job) -> None:
        raise AssertionError("the router sends nothing")


def priors(right: float, wrong: float) -> dict[str, Prior]:
    return {action: Prior(right=right, wrong=wrong) for action in ("inpaint", "retake", "regenerate")}


def desk(folder: Path, *editors: Editor, region: str | None = None, **options: Any) -> Deps:
    sessions = open_database(folder / ".suture")
    return Deps(
        run="run-009",
        root=folder,
        home=folder / ".suture",
        run_folder=folder / ".suture" / "runs" / "run-009",
        store=Store(folder, folder / ".suture"),
        ledger=Ledger(sessions),
        db=sessions,
        events=lambda event: None,
        cpu=asyncio.Semaphore(2),
        policy=Policy(),
        editors={editor.name: editor for editor in editors},
        options=RunOptions(**options),
        region=region,
        hands=PixelHands(),
        experience=learned(sessions, before="run-009"),
    )


def asked(deps: Deps, need: Need = NEED, **changes: Any) -> Route:
    given: dict[str, Any] = {"draft": DRAFT, "allow": (), "barred": {}, "tried": (), "failures": 0, **changes}
    return route(need, deps, **given)


def settled(deps: Deps, editor: str, verdicts: str, *, run: str = "run-001", category: str = "prop") -> Deps:
    """The desk after an earlier run with these verdicts: P for pass, F for fail."""
    for n, verdict in enumerate(verdicts):
        key = f"{run}-{editor}-{category}-{n}"
        deps.ledger.claim(
            Entry(
                key=key,
                run=run,
                shot="SH010",
                finding="F",
                category=category,
                action="inpaint",
                editor=editor,
                method="auto",
                usd=Decimal(0),
            )
        )
        deps.ledger.settled(key, "pass" if verdict == "P" else "fail")
    return replace(deps, experience=learned(deps.db, before=deps.run))


def chosen(found: Route) -> str:
    assert found.choice is not None, found.why
    return found.choice.editor


def test_a_free_editor_that_will_fail_is_not_free(tmp_path: Path) -> None:
    hopeless = PricedEditor("hopeless", "0", priors=priors(1, 99))
    good = PricedEditor("good", "0.4", priors=priors(9, 1))
    found = asked(desk(tmp_path, hopeless, good))
    assert [c.editor for c in found.ranked] == ["good", "hopeless"]
    assert "good (auto): 0.4000 USD now, 90% likely" in found.why
    assert "hopeless (auto)" in found.why


def test_waiting_has_its_price(tmp_path: Path) -> None:
    quick = PricedEditor("quick", "0.1", priors=priors(8, 2))
    slow = PricedEditor("slow", "0.1", priors=priors(8, 2))
    slow._quote = Quote(usd=Decimal("0.1"), seconds=3600)
    assert [c.editor for c in asked(desk(tmp_path, slow, quick)).ranked] == ["quick", "slow"]


def test_verdicts_of_earlier_runs_change_the_order(tmp_path: Path) -> None:
    a = PricedEditor("a", "0.1", priors=priors(4, 1))
    b = PricedEditor("b", "0.1", priors=priors(2, 2))
    deps = desk(tmp_path, a, b)
    assert chosen(asked(deps)) == "a"
    found = asked(settled(deps, "a", "FFFFFF"), failures=1)
    assert chosen(found) == "b"
    assert "a (auto): 0.1000 USD now, 36% likely (0 of 6 verified at this)" in found.why


def test_what_a_run_learns_in_another_shot_waits_for_the_next_run(tmp_path: Path) -> None:
    a = PricedEditor("a", "0.1", priors=priors(2, 1))
    deps = desk(tmp_path, a)
    before = asked(deps)
    assert asked(settled(deps, "a", "FFFF", run="run-009")) == before
    assert asked(settled(deps, "a", "FFFF", run="run-010")) == before


def test_what_the_shot_itself_saw_counts_at_once(tmp_path: Path) -> None:
    deps = desk(tmp_path, PricedEditor("a", "0.1", priors=priors(2, 2)), PricedEditor("b", "0.1", priors=priors(2, 2)))
    failed = Attempt(n=1, finding="F-0", action="inpaint", tool="a", verdict="fail")
    assert chosen(asked(deps, attempts=[failed] * 8, failures=1)) == "b"


@pytest.mark.parametrize(
    ("editor", "options", "changes", "why"),
    [
        (PricedEditor("x", "0", actions=frozenset({"retake"})), {}, {}, "cannot inpaint"),
        (PricedEditor("x", "0", refuses="takes at most 1 s, the shot has 2 s"), {}, {}, "takes at most 1 s"),
        (PricedEditor("x", "0", medium="still"), {}, {}, "edits stills, not videos"),
        (PricedEditor("x", "0", purposes=frozenset({"remove"})), {}, {}, "only removes"),
        (PricedEditor("x", "0", retired="use y"), {}, {}, "retired: use y"),
        (PricedEditor("x", "0.5", high="2"), {"budget": Decimal(1)}, {}, "may cost 2 USD, 1 USD of the budget"),
        (PricedEditor("x", "0", local=False), {"offline": True}, {"allow": ("x",)}, "--offline"),
        (PricedEditor("x", "0", local=False, provider="fal"), {}, {"allow": ("kling",)}, "allow = ['fal', …]"),
        (
            PricedEditor("x", "0", local=False, blocked_regions=("EEA", "CH")),
            {"region": "de"},
            {"allow": ("x",)},
            "EEA",
        ),
        (PricedEditor("x", "0"), {"only": ("y",)}, {}, "not among --only"),
        (PricedEditor("x", "0"), {}, {"barred": {"x": "refused: a face"}}, "refused: a face"),
        (PricedEditor("x", "0"), {}, {"tried": {("x", "auto")}}, "every way has been tried"),
    ],
)
def test_who_is_left_out_and_why(
    tmp_path: Path, editor: PricedEditor, options: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    found = asked(desk(tmp_path, editor, **options), **changes)
    assert found.choice is None
    assert why in found.why


def test_a_film_allows_providers_or_editors_by_name(tmp_path: Path) -> None:
    remote = PricedEditor("wan-vace", "0", local=False, provider="fal", blocked_regions=("CH",))
    assert chosen(asked(desk(tmp_path, remote, region="US"), allow=("fal",))) == "wan-vace"
    assert chosen(asked(desk(tmp_path, remote), allow=("wan-vace",))) == "wan-vace"
    assert chosen(asked(desk(tmp_path, remote, allowed=("fal",)))) == "wan-vace"


@pytest.mark.parametrize(
    ("region", "blocked", "area"),
    [
        ("GB", ("EEA", "UK"), "UK"),
        ("ch", ("CH",), "CH"),
        ("NO", ("EEA",), "EEA"),
        ("CH", ("EEA",), None),
        ("EEA", ("EEA",), "EEA"),
    ],
)
def test_areas_hold_their_countries(region: str, blocked: tuple[str, ...], area: str | None) -> None:
    assert blocked_area(region, blocked) == area


def test_erasers_take_removals_and_a_panel_goes_to_editors_of_stills(tmp_path: Path) -> None:
    eraser = PricedEditor("eraser", "0", purposes=frozenset({"remove"}))
    painter = PricedEditor("painter", "0.1", medium="still")
    deps = desk(tmp_path, eraser, painter)
    assert [c.editor for c in asked(deps, NEED.model_copy(update={"purpose": "remove"})).ranked] == ["eraser"]
    assert [c.editor for c in asked(deps, NEED.model_copy(update={"medium": "still"})).ranked] == ["painter"]


def test_another_method_is_another_try(tmp_path: Path) -> None:
    editor = PricedEditor("x", "0", methods=("auto", "spatial"))
    found = asked(desk(tmp_path, editor), tried={("x", "auto")})
    assert found.choice is not None
    assert (found.choice.editor, found.choice.method) == ("x", "spatial")


def test_a_preferred_editor_comes_first_among_those_that_can(tmp_path: Path) -> None:
    cheap, dear = PricedEditor("cheap", "0"), PricedEditor("dear", "3")
    assert chosen(asked(desk(tmp_path, cheap, dear))) == "cheap"
    assert chosen(asked(desk(tmp_path, cheap, dear, prefer="dear"))) == "dear"
    other = PricedEditor("other", "3", actions=frozenset({"retake"}))
    assert chosen(asked(desk(tmp_path, cheap, other, prefer="other"))) == "cheap"


def test_repairs_are_weighed_against_what_making_the_shot_again_really_costs(tmp_path: Path) -> None:
    fill = PricedEditor("fill", "0.5", priors=priors(1, 1))
    maker = PricedEditor("maker", "0.2", actions=frozenset({"regenerate"}), priors=priors(9, 1))
    with_maker = asked(desk(tmp_path, fill, maker), failures=1).choice
    alone = asked(desk(tmp_path, fill), failures=1).choice
    assert with_maker is not None
    assert alone is not None
    again = cost_of_remaking([Option(0.2, 10, 0.9)], 0, 3.0, PERSON_USD)
    assert with_maker.cost == pytest.approx(0.5 + 30 / 3600 + 0.5 * again, abs=1e-4)
    assert alone.cost == pytest.approx(0.5 + 30 / 3600 + 0.5 * 2.0 * 5.25, abs=1e-4)


def test_the_last_try_before_a_person_goes_to_the_surest(tmp_path: Path) -> None:
    dear = PricedEditor("dear", "4", actions=frozenset({"regenerate"}), priors=priors(9, 1))
    cheap = PricedEditor("cheap", "0.5", actions=frozenset({"regenerate"}), priors=priors(1, 3))
    deps, need = desk(tmp_path, dear, cheap), NEED.model_copy(update={"action": "regenerate"})
    assert chosen(asked(deps, need)) == "cheap"
    assert chosen(asked(deps, need, remade=2)) == "dear"


def test_what_is_tried_to_learn_costs_little_more_and_is_the_same_again() -> None:
    known = Offer(editor="known", method="auto", usd=Decimal("0.5"), seconds=0, prior=(80, 20))
    new = Offer(editor="new", method="auto", usd=Decimal("0.55"), seconds=0, prior=(1.5, 0.5))
    far = Offer(editor="far", method="auto", usd=Decimal("1.5"), seconds=0, prior=(1.5, 0.5))
    firsts = [rank(_case(f"{n}", known, new, far))[0] for n in range(60)]
    names = [first.editor for first in firsts]
    assert 10 < names.count("new") < 50
    assert "far" not in names
    assert rank(_case("7", known, new, far))[0] == firsts[7]
    tried = next(first for first in firsts if first.editor == "new" and "tried to learn" in first.why)
    assert tried.cost <= 1.1 * min(c.cost for c in rank(_case("7", known, new, far)))


def _case(seed: str, *offers: Offer) -> Case:
    return Case(
        shot="SH010",
        finding="F-1",
        action="inpaint",
        category="prop",
        offers=offers,
        fallback=6.0,
        usd_per_hour=3.0,
        seed=seed,
    )


def test_cost_to_go_is_the_recursion_of_the_architecture() -> None:
    options = [Option(1.0, 0, 0.5), Option(2.0, 0, 0.8)]
    last_of_b = 2.0 + 0.2 * 10
    assert cost_to_go(options, 0, 0, 0, regenerate=10) == pytest.approx(1.0 + 0.5 * last_of_b)
    assert cost_to_go(options, 0, 1, 0, regenerate=10) == pytest.approx(1.0 + 0.5 * 10)
    assert cost_to_go(options[:1], 0, 0, 0, regenerate=10) == pytest.approx(1.0 + 0.5 * 10)


def test_making_again_is_three_tries_and_then_a_person() -> None:
    third = Option(1.0, 0, 1 / 3)
    assert cost_of_remaking([third], 0, 0, 27) == pytest.approx(1 + 2 / 3 * (1 + 2 / 3 * (1 + 2 / 3 * 27)))
    assert cost_of_remaking([third], 2, 0, 27) == pytest.approx(1 + 2 / 3 * 27)
    assert cost_of_remaking([third], 3, 0, 27) == 27
    assert cost_of_remaking([], 0, 0, 27) == 27


def test_texture_is_drawn_first_where_neither_frames_nor_a_reference_show_the_thing() -> None:
    borrower = PricedEditor("plate", "0", methods=("auto", "texture"), borrows=True).capabilities
    hidden, shown = (NEED.model_copy(update={"revealed": share}) for share in (0.2, 0.8))
    assert methods_for(borrower, hidden) == ["texture", "auto"]
    assert methods_for(borrower, hidden, pictured=True) == ["auto", "texture"]
    assert methods_for(borrower, shown) == ["auto", "texture"]


def test_evidence_moves_the_chance_and_speed_does_not_stop_what_borrows() -> None:
    assert evidence_moves(size=0.5, speed=0.1, revealed=0.5) == 0
    assert moved(0.7, evidence_moves(size=None, speed=None, revealed=1.0)) > 0.9
    assert moved(0.7, evidence_moves(size=0.5, speed=2.0, revealed=None)) < 0.3
    assert evidence_moves(size=None, speed=3.0, revealed=1.0) == evidence_moves(size=None, speed=None, revealed=1.0)


def test_a_category_never_seen_starts_from_the_editors_record_and_soon_has_its_own() -> None:
    assert posterior(7, 3, Verdicts(), Verdicts()).mean == pytest.approx(0.7)
    assert posterior(7, 3, Verdicts(0, 90), Verdicts()).mean < 0.1
    elsewhere = Verdicts(10, 190)
    unseen = posterior(7, 3, Verdicts(), elsewhere)
    assert unseen.mean < 0.1
    assert unseen.right + unseen.wrong == pytest.approx(12)
    assert posterior(7, 3, Verdicts(19, 1), elsewhere).mean > 0.55


def test_verdicts_on_easy_regions_do_not_count_twice() -> None:
    easy = Verdicts(95, 5, moved=100 * 2.0)
    belief = posterior(1, 1, easy, Verdicts())
    assert moved(belief.mean, 2.0 - belief.centre) == pytest.approx(0.94, abs=0.01)
    assert moved(belief.mean, 0.0 - belief.centre) < 0.75


def test_a_run_is_routed_again_from_its_database_alone(tmp_path: Path) -> None:
    a, b = PricedEditor("a", "0.1", priors=priors(4, 1)), PricedEditor("b", "0.1", priors=priors(2, 2))
    deps = settled(desk(tmp_path, a, b), "a", "PPF")
    asked(deps, keep=True)
    asked(deps, keep=True)
    asked(deps, failures=1, tried={("a", "auto")}, keep=True)
    settled(deps, "a", "FFFF", run="run-009")
    again = replay("run-009", open_database(tmp_path / ".suture"))
    assert [one.now[0].editor for one in again] == ["a", "b"]
    assert all(one.same and one.why == "" for one in again)


def test_a_replay_says_why_it_differs(tmp_path: Path) -> None:
    a, b = PricedEditor("a", "0.1", priors=priors(4, 1)), PricedEditor("b", "0.1", priors=priors(2, 2))
    deps = settled(desk(tmp_path, a, b), "a", "P")
    asked(deps, keep=True)
    settled(deps, "a", "FFFFFFF", run="run-002")
    (again,) = replay("run-009", deps.db)
    assert not again.same
    assert again.why == "the ledger has 1 of 8 verdicts for a from earlier runs, 1 of 1 were known then"
    with deps.db.begin() as session:
        session.execute(delete(LedgerRow).where(LedgerRow.run == "run-002"))
        kept = session.scalars(select(RouteRow)).one()
        kept.case = json.dumps({**json.loads(kept.case), "usd_per_hour": 99.0})
    (again,) = replay("run-009", deps.db)
    assert "another version" in again.why


@pytest.mark.parametrize(
    ("category", "observed", "expected", "purpose"),
    [
        (
            "prop",
            "something stands there in frames 4-9 only: it comes between frames",
            "the place as before frame 4",
            "remove",
        ),
        (
            "prop",
            "something is there from the start and gone between frames 3 and 4",
            "the place as from frame 4",
            "remove",
        ),
        (
            "prop",
            "something that stands there in frames 0-9 is missing, from one frame",
            "the place as in frames 0-9",
            "repair",
        ),
        ("prop", "a mark that no panel shows", "as mara/face show it", "remove"),
        ("wardrobe", "a mark that no panel shows", "as mara/front show it", "repair"),
        ("temporal", "frame 7 alone differs there, mean difference 30/255", "the place as in frames 6 and 8", "repair"),
        ("set-dressing", "a place of the set that looks different", "as SH020, SH030 show the set", "repair"),
        (
            "colour",
            "a colour that SH020, SH030 do not show, ΔE 12 from the nearest one",
            "the colours that SH020, SH030 show",
            "repair",
        ),
        ("prop", "a white earpiece in her left ear", "no earpiece", "remove"),
        ("prop", "a paper cup on the sill", "an empty sill", "remove"),
        ("prop", "coffee cup", "what lies behind it, as around it", "remove"),
        ("hair-makeup", "a wig", "no wig, her own red hair tied back", "repair"),
        ("wardrobe", "she wears no badge", "a round badge on her chest", "repair"),
        ("prop", "the watch is missing", "no change from SH010", "repair"),
        ("anatomy", "a sixth finger", "no sixth finger", "repair"),
        ("prop", "a red mug", "a blue mug as in SH020", "repair"),
        ("prop", "what a person marked", "what the frames around it show", "repair"),
    ],
)
def test_a_removal_is_told_from_a_repair(category: str, observed: str, expected: str, purpose: str) -> None:
    finding = Finding.model_validate(
        {
            "id": "F-1",
            "shot": "SH010",
            "frames": (0, 9),
            "box": Box(0, 0, 9, 9),
            "mask": None,
            "category": category,
            "subject": None,
            "expected": expected,
            "observed": observed,
            "severity": "major",
            "confidence": 0.9,
            "evidence": (),
        }
    )
    assert purpose_of(finding) == purpose
