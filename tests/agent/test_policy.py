"""The rule on evidence made by hand: each condition alone turns the decision, at its limit."""

from __future__ import annotations

import numpy as np
import pytest

from agent.evidence import keeper, stays_in_view
from agent.policy import Policy, decide
from agent.schema import Finding, Keeper, RegionEvidence
from tools.types import Box, MaskTrack, Motion

FINDING = Finding(
    id="F-1",
    shot="SH010",
    frames=(0, 47),
    box=Box(10, 10, 20, 20),
    mask=None,
    category="prop",
    subject=None,
    expected="a bare ear",
    observed="an earpiece",
    severity="major",
    confidence=0.9,
    evidence=(),
)


def speed(image: float) -> Motion:
    name = "fast" if image >= 0.006 else "slow"
    return Motion.model_validate({"image": image, "subject": 0.0, "camera": image, "class": name})


def evidence(**changes: object) -> RegionEvidence:
    fine = RegionEvidence(
        frames=(0, 47),
        shot_frames=48,
        in_view=False,
        coverage_mean=0.01,
        coverage_max=0.01,
        motion=speed(0.001),
        revealed=0.0,
        sharpness=1.0,
        keeper=Keeper(score=1.0),
    )
    return fine.model_copy(update=changes)


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, "inpaint"),
        ({"coverage_max": 0.20}, "inpaint"),
        ({"coverage_max": 0.201}, "regenerate"),
        ({"motion": speed(0.0059)}, "inpaint"),
        ({"motion": speed(0.006)}, "regenerate"),
        ({"motion": speed(0.02), "revealed": 0.95}, "inpaint"),
        ({"motion": speed(0.02), "revealed": 0.95, "sharpness": 0.5}, "regenerate"),
        ({"keeper": Keeper(score=0.8)}, "inpaint"),
        ({"keeper": Keeper(score=0.79)}, "regenerate"),
        ({"contact": False}, "regenerate"),
        ({"contact": True}, "inpaint"),
        ({"coverage_max": 0.3, "frames": (36, 47), "in_view": True}, "retake"),
        ({"coverage_max": 0.3, "frames": (36, 47), "in_view": False}, "regenerate"),
        ({"coverage_max": 0.3, "frames": (20, 47), "in_view": True}, "regenerate"),
        ({"coverage_max": 0.3, "frames": (36, 47), "in_view": True, "contact": False}, "regenerate"),
    ],
)
def test_each_condition_turns_the_decision(changes: dict[str, object], action: str) -> None:
    decision = decide(FINDING, evidence(**changes), Policy())
    assert decision.action == action
    assert (decision.window is not None) == (action == "retake")


def test_the_reason_says_which_way_fast_was_allowed() -> None:
    slow = next(c for c in decide(FINDING, evidence(), Policy()).conditions if c.name == "slow")
    clean_pan = decide(FINDING, evidence(motion=speed(0.02), revealed=0.95), Policy())
    fast = next(c for c in clean_pan.conditions if c.name == "slow")
    assert "slow in the picture" in slow.why
    assert "other frames show 95%" in fast.why


def test_unknown_conditions_lower_confidence_and_never_block() -> None:
    unknown = decide(FINDING, evidence(), Policy())
    known = decide(FINDING, evidence(composition=True, lighting=True, blocking=True, contact=True), Policy())
    assert unknown.action == known.action == "inpaint"
    assert unknown.confidence < known.confidence
    assert [c.name for c in unknown.conditions if c.holds is None] == ["composition", "lighting", "blocking", "contact"]


def test_a_doubtful_finding_goes_to_a_person() -> None:
    assert decide(FINDING.model_copy(update={"confidence": 0.55}), evidence(), Policy()).action == "ask"


def test_a_film_may_override_a_limit() -> None:
    assert decide(FINDING, evidence(coverage_max=0.3), Policy(small=0.35)).action == "inpaint"


def test_keeper_counts_frames_of_other_open_faults_once() -> None:
    other = FINDING.model_copy(update={"frames": (0, 11)})
    overlapping = FINDING.model_copy(update={"frames": (6, 17)})
    closed = FINDING.model_copy(update={"frames": (30, 47), "status": "acknowledged"})
    assert keeper(48, [other, overlapping, closed]).score == pytest.approx(1 - 18 / 48)


def sliding(start: int, step: int, frames: range) -> MaskTrack:
    """A 10×10 region that slides sideways through a 100×60 picture."""
    masks = {}
    for n, index in enumerate(frames):
        mask = np.zeros((60, 100), dtype=np.bool_)
        left = start + n * step
        mask[20:30, max(0, left) : max(0, left + 10)] = True
        masks[index] = mask
    return MaskTrack.of(masks, 100, 60)


def test_a_region_that_leaves_through_the_edge_is_not_in_view() -> None:
    assert not stays_in_view(sliding(40, 10, range(6)), 20)
    assert stays_in_view(sliding(40, 1, range(6)), 20)
    assert not stays_in_view(sliding(40, 0, range(20)), 20)
