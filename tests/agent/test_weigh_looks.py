"""A model's word moves what was measured, adds what it alone saw, and never outweighs a certain measurement."""

from __future__ import annotations

import pytest

from agent.policy import Policy
from agent.schema import Finding, Looked, Verdicted
from agent.stages.weigh_looks import weigh_looks
from tests.agent.samples import sample
from tools.types import Box


def finding(confidence: float, **changes: object) -> Finding:
    known = {"id": "F-1", "shot": "SH020", "frames": (0, 20), "box": Box(10, 10, 40, 40), "evidence": ()}
    return sample(Finding).model_copy(update={**known, "confidence": confidence, **changes})


def verdict(said: str, **changes: str) -> Looked:
    one = Verdicted.model_validate({"finding": "F-1", "verdict": said, "why": "it looks so", **changes})
    return Looked(verdicts=(one,))


@pytest.mark.parametrize(
    ("measured", "said", "kept"),
    [
        (0.9, "not-there", True),
        (0.6, "not-there", False),
        (0.4, "error", True),
        (0.4, "cannot-tell", False),
        (0.6, "intended", False),
    ],
)
def test_a_verdict_moves_the_odds(measured: float, said: str, kept: bool) -> None:
    weighed = weigh_looks([finding(measured)], {"SH020": verdict(said)}, "gpt-x", Policy())
    assert bool(weighed) is kept


def test_what_the_model_quotes_becomes_the_findings_words_and_the_measured_ones_stay() -> None:
    look = verdict("error", observed="a black earpiece", expected="a bare ear")
    (weighed,) = weigh_looks([finding(0.7, observed="a mark that no panel shows")], {"SH020": look}, "gpt-x", Policy())
    assert (weighed.observed, weighed.expected, weighed.id) == ("a black earpiece", "a bare ear", "F-1")
    assert any("a mark that no panel shows" in one.ref for one in weighed.evidence)


def test_two_looks_at_one_place_are_one_finding() -> None:
    seen = finding(0.58, id="F-2")
    looks = {"SH020": Looked(findings=(seen,)), "SH030": Looked(findings=(finding(0.55, id="F-3"),))}
    (weighed,) = weigh_looks([], looks, "gpt-x", Policy())
    assert weighed.id == "F-2"
    assert weighed.confidence == pytest.approx(1 - 0.42 * 0.45, abs=1e-3)


def test_a_claim_at_another_place_stays_its_own() -> None:
    other = finding(0.58, id="F-2", box=Box(200, 10, 40, 40))
    weighed = weigh_looks([finding(0.7)], {"SH020": Looked(findings=(other,))}, "gpt-x", Policy())
    assert {one.id for one in weighed} == {"F-1", "F-2"}
