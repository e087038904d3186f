"""Readings held against the truth."""

from __future__ import annotations

from typing import Any

from agent.request.plan import Constraints, Fix, Reading
from evals.requests.cases import Case, FixTruth
from evals.requests.scoring import agrees, same_thing, score

TRUTH = FixTruth(operation="remove", shots=("SH020",), subject="mara", thing="earpiece")


def case(**changes: Any) -> Case:
    known = {"id": "one", "film": "f", "class": "plain", "request": "r", "kind": "plan", "fixes": (TRUTH,)}
    return Case.model_validate({**known, **changes})


def plan(*fixes: Fix, **constraints: Any) -> Reading:
    return Reading(kind="plan", fixes=fixes, constraints=Constraints(**constraints))


def test_a_plan_that_says_the_same_is_exact() -> None:
    assert score(case(), plan(TRUTH.as_fix("q")))["exact"]
    assert not score(case(), plan(TRUTH.as_fix("q"), keep=("camera",)))["exact"]
    assert score(case(budget_usd="2.00"), plan(TRUTH.as_fix("q"), budget_usd="2"))["exact"]


def test_a_fix_that_nobody_asked_for_is_a_wrong_action() -> None:
    other = TRUTH.as_fix("q").model_copy(update={"shots": ("SH020", "SH030")})
    row = score(case(), plan(other))
    assert (row["exact"], row["wrong_action"]) == (False, True)
    assert not score(case(), Reading(kind="question"))["wrong_action"]


def test_any_plan_is_wrong_where_none_is_wanted() -> None:
    unclear = case(kind="question", fixes=(), **{"class": "ambiguous"})
    assert score(unclear, plan(TRUTH.as_fix("q")))["wrong_action"]
    asked = score(unclear, Reading(kind="question"))
    assert asked["asked"]
    assert asked["exact"]


def test_what_is_wanted_needs_its_words_and_a_span_its_frames() -> None:
    truth = TRUTH.model_copy(update={"operation": "change", "wanted": "dark green", "span": (100, 120)})
    fix = truth.as_fix("q").model_copy(update={"wanted": "a dark, green one", "span": (101, 120)})
    assert agrees(truth, fix)
    assert not agrees(truth, fix.model_copy(update={"wanted": "green"}))
    assert not agrees(truth, fix.model_copy(update={"span": (110, 120)}))


def test_things_are_told_by_their_head() -> None:
    assert same_thing("earpiece", "Black earpieces")
    assert not same_thing("hand", "handle")
    assert not same_thing("", "hand")
