"""Scoring: a reading held against a case's truth."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from agent.request.plan import Constraints, Fix, Reading
from evals.requests.cases import Case, FixTruth
from evals.runner import Row

ROUNDING = 1
"""Frames by which an end of a span may be off: a time need not fall on a frame."""
BARE = re.compile(r"[^\W_]+")
SMALL = {"a", "an", "the", "of", "on", "in", "at", "to", "its", "her", "his", "their", "with"}
"""Words of a place or of what is wanted that carry nothing."""


def score(case: Case, reading: Reading) -> Row:
    """One case as a row: what was expected, what came, whether it is exact, and whether it acts wrongly.

    Exact: the kind, every fix and the constraints agree. A wrong action is a plan where none was expected, or a plan
    with a fix for something that the truth does not ask for.
    """
    matched = _all_met(case.fixes, reading.fixes)
    same = _sums(case.constraints) == _sums(reading.constraints) or reading.kind != "plan"
    return {
        "case": case.id,
        "class": case.class_,
        "aside": case.aside,
        "request": case.request,
        "expected": _expected(case),
        "got": _got(reading),
        "exact": reading.kind == case.kind and matched and same,
        "asked": reading.kind == "question",
        "wrong_action": reading.kind == "plan" and not _warranted(case, reading.fixes),
    }


def _sums(constraints: Constraints) -> tuple[Any, ...]:
    """Constraints in a form in which equal ones are equal."""
    said = constraints.model_dump(exclude={"budget_usd"})
    budget = None if constraints.budget_usd is None else Decimal(constraints.budget_usd).normalize()
    return budget, *(tuple(sorted(value)) if isinstance(value, tuple) else value for value in said.values())


def _all_met(truths: Iterable[FixTruth], fixes: tuple[Fix, ...]) -> bool:
    """Whether every truth has a fix of its own and no fix is left over; the order is free."""
    left = list(fixes)
    for truth in truths:
        found = next((fix for fix in left if agrees(truth, fix)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


def agrees(truth: FixTruth, fix: Fix) -> bool:
    """Whether a fix is the one that is meant."""
    return (
        (fix.operation, fix.shots, fix.subject, fix.like) == (truth.operation, truth.shots, truth.subject, truth.like)
        and same_span(truth.span, fix.span)
        and same_thing(truth.thing, fix.thing)
        and said_in(truth.place, fix.place)
        and said_in(truth.wanted, fix.wanted)
    )


def _warranted(case: Case, fixes: Iterable[Fix]) -> bool:
    """Whether everything that a plan would do is asked for, if not all that is asked for is in it."""
    return case.kind == "plan" and all(any(_within(fix, truth) for truth in case.fixes) for fix in fixes)


def _within(fix: Fix, truth: FixTruth) -> bool:
    same = fix.operation == truth.operation and same_thing(truth.thing, fix.thing)
    return same and set(fix.shots) <= set(truth.shots)


def same_span(truth: tuple[int, int] | None, got: tuple[int, int] | None) -> bool:
    if truth is None or got is None:
        return truth is got
    return all(abs(a - b) <= ROUNDING for a, b in zip(truth, got, strict=True))


def same_thing(truth: str, got: str) -> bool:
    """Whether two nouns are about one thing: one's words are all in the other's, the head of either among them."""
    a, b = _nouns(truth), _nouns(got)
    if not a or not b:
        return a == b
    short, long = sorted((a, b), key=len)
    return set(short) <= set(long) and (long[-1] in short or long[0] in short)


def _nouns(words: str) -> list[str]:
    return [singular(word) for word in BARE.findall(words.casefold())]


def singular(word: str) -> str:
    """A noun without an ending of the plural: enough to hold two spellings of one noun against each other."""
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    for ending, single in (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("xes", "x"), ("sses", "ss"), ("s", "")):
        if word.endswith(ending):
            return word.removesuffix(ending) + single
    return word


def said_in(truth: str, got: str) -> bool:
    """Whether all words of the truth that carry something are said."""
    wanted = {singular(word) for word in BARE.findall(truth.casefold())} - SMALL
    return wanted <= {singular(word) for word in BARE.findall(got.casefold())}


def _expected(case: Case) -> dict[str, Any]:
    fixes = [truth.model_dump(exclude_defaults=True) for truth in case.fixes]
    return {
        "kind": case.kind,
        "fixes": fixes,
        "constraints": case.constraints.model_dump(exclude_defaults=True, mode="json"),
    }


def _got(reading: Reading) -> dict[str, Any]:
    fixes = [fix.model_dump(exclude_defaults=True, mode="json") for fix in reading.fixes]
    constraints = reading.constraints.model_dump(exclude_defaults=True, mode="json")
    return {
        "kind": reading.kind,
        "fixes": fixes,
        "constraints": constraints,
        "words": reading.words,
        "not_understood": list(reading.not_understood),
    }
