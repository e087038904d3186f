"""Which finding a person means, what must stay, and the offer to go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.asked import heeded, offers, stays_words
from agent.meant import ASKED_AGAIN, asked_for, category_of, meant_by
from agent.request.plan import Constraints, Fix, Reading
from agent.schema import Cause, Decision, Film, Finding, Shot
from tests.agent.samples import sample
from tools.types import Box, Category

SIZE = (1280, 720)


def fix(**changes: object) -> Fix:
    known = {"operation": "remove", "shots": ("SH020",), "subject": "mara", "thing": "earpiece", "quote": "remove it"}
    return Fix.model_validate({**known, **changes})


def finding(one: str, category: Category = "prop", **changes: object) -> Finding:
    known = {"shot": "SH020", "subject": "mara", "status": "open", "frames": (0, 20), "box": Box(100, 100, 40, 40)}
    words = {"observed": "a mark that no panel shows", "expected": "as mara/face shows it"}
    return sample(Finding).model_copy(update={"id": one, "category": category, **known, **words, **changes})


def ids(meant_fix: Fix, *findings: Finding, first: int = 0) -> list[str]:
    return [one.id for one in meant_by(meant_fix, "SH020", findings, first, SIZE).findings]


def test_a_thing_is_not_a_flicker_and_not_the_light() -> None:
    found = finding("F-1"), finding("F-2", "temporal"), finding("F-3", "lighting")
    assert ids(fix(), *found) == ["F-1"]
    assert ids(fix(operation="repair", thing="hand", quote="fix the melted hand"), *found) == ["F-2"]
    assert ids(fix(operation="change", thing="light", quote="the light is wrong"), *found) == ["F-3"]


def test_another_persons_thing_is_not_meant() -> None:
    assert ids(fix(), finding("F-1", subject="joe"), finding("F-2", subject=None)) == ["F-2"]


def test_words_that_a_model_gave_a_finding_decide() -> None:
    assert ids(fix(), finding("F-1"), finding("F-2", observed="a black earpiece on her ear")) == ["F-2"]


def test_a_side_of_the_picture_decides_and_a_side_of_a_body_does_not() -> None:
    left, right = finding("F-1"), finding("F-2", box=Box(1100, 100, 40, 40))
    assert ids(fix(place="top right"), left, right) == ["F-2"]
    assert ids(fix(place="her right ear"), left, right) == ["F-1", "F-2"]


def test_a_moment_of_the_film_decides() -> None:
    early, late = finding("F-1", frames=(0, 10)), finding("F-2", frames=(30, 40))
    assert ids(fix(span=(135, 135)), early, late, first=100) == ["F-2"]


@pytest.mark.parametrize(
    ("thing", "category"),
    [
        ("orange jacket", "wardrobe"),
        ("hand", "anatomy"),
        ("watermark", "text"),
        ("window", "set-dressing"),
        ("mug", "prop"),
    ],
)
def test_nouns_have_categories(thing: str, category: Category) -> None:
    assert category_of(thing) == category


def test_a_person_who_names_a_fault_is_believed() -> None:
    asked = asked_for(finding("F-1", confidence=0.4), fix(wanted="a bare ear"))
    assert asked.confidence >= 0.95
    assert asked.expected == "a bare ear"
    assert any("remove it" in one.ref for one in asked.evidence)


@pytest.mark.parametrize(
    ("constraints", "action"),
    [
        (Constraints(), "regenerate"),
        (Constraints(keep=("performance",)), "ask"),
        (Constraints(forbid=("regenerate",)), "ask"),
        (Constraints(forbid=("upload",)), "regenerate"),
    ],
)
def test_nothing_is_made_again_where_something_must_stay(constraints: Constraints, action: str) -> None:
    reading = Reading(kind="plan", fixes=(fix(),), constraints=constraints)
    decision = sample(Decision).model_copy(update={"action": "regenerate", "finding": "F-1"})
    assert heeded(decision, finding("F-1"), reading).action == action


def test_a_shot_that_is_to_be_made_again_is() -> None:
    reading = Reading(kind="plan", fixes=(fix(operation="regenerate"),))
    decision = sample(Decision).model_copy(update={"action": "inpaint", "finding": "F-1"})
    assert heeded(decision, finding("F-1", observed=ASKED_AGAIN), reading).action == "regenerate"


def test_what_must_stay_is_said_in_words() -> None:
    said = Constraints(keep=("everything-else",), forbid=("regenerate", "upload"))
    assert stays_words(said) == "to keep everything else and not to regenerate it"


def test_the_rest_of_a_panels_shots_is_offered() -> None:
    shots = tuple(
        sample(Shot).model_copy(update={"id": shot, "references": refs})
        for shot, refs in (("SH020", ("mara/face",)), ("SH030", ("mara/face",)), ("SH040", ("mara/front",)))
    )
    film = sample(Film).model_copy(update={"shots": shots})
    cause = sample(Cause).model_copy(update={"kind": "sheet-panel", "ref": "mara/face", "findings": ("F-1",)})
    (offer,) = offers(Reading(kind="plan", fixes=(fix(),)), [cause], film, Path("launch"))
    assert "SH030 was made from" in offer
    assert 'suture fix launch "remove mara\'s earpiece in SH030"' in offer
    assert "SH040" not in offer
