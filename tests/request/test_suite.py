"""The requests suite: its figures, and case files of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.evaluate import plan_of
from evals.requests.cases import SHIPPED, read_cases
from evals.runner import CaseLine, Plan
from evals.suites.requests import Requests
from evals.thresholds import missed
from tools.errors import BadInput

OWN = """
[[film]]
id = "mine"
title = "Mine"
fps = 24
[[film.shot]]
id = "A1"
frames = [0, 47]

[[case]]
film = "mine"
class = "plain"
request = "remove the cable"
fixes = [{ operation = "remove", thing = "cable", shots = ["A1"] }]

[[case]]
film = "night-ferry"
class = "ambiguous"
request = "fix it"
"""


def run(plan: Plan, tmp_path: Path) -> tuple[Requests, list[CaseLine]]:
    suite, lines = Requests(), []
    for case in suite.cases(plan):
        folder = tmp_path / case
        folder.mkdir()
        lines.append(suite.run(plan, case, folder))
    return suite, lines


def test_the_grammar_reaches_its_thresholds(tmp_path: Path) -> None:
    plan = Plan(suite="requests")
    suite, lines = run(plan, tmp_path)
    result = suite.summary(plan, lines)
    assert missed(result, "requests") == []
    assert result["cases"] >= 150
    assert result["plain"]["n"] >= 50
    assert result["hostile"]["n"] >= 20


def test_a_file_of_ones_own_may_bring_its_films(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(OWN)
    plan = plan_of("requests", "test", 7, "pixels", own)
    suite, lines = run(plan, tmp_path)
    result = suite.summary(plan, lines)
    assert result["plain"] == {"n": 1, "exact": 1.0, "wrong_actions": 0}
    assert result["ambiguous"] == {"n": 1, "asked": 1, "wrong_actions": 0}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (OWN.replace('"A1"] }', '"A2"] }'), "has no 'A2'"),
        (OWN.replace("plain", "simple"), "case 1: class"),
        (OWN.replace('film = "mine"', 'film = "yours"'), "no film 'yours'"),
        (OWN + "[[cases]]\n", "neither"),
        ("", "has no [[case]]"),
    ],
)
def test_a_case_file_that_does_not_fit_says_where(wrong: str, told: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(wrong)
    with pytest.raises(BadInput, match=told.replace("[", r"\[")) as error:
        plan_of("requests", "test", 7, "pixels", own)
    assert str(own) in str(error.value)


def test_a_third_of_every_class_is_kept_aside() -> None:
    cases = list(read_cases(SHIPPED).cases.values())
    for name in {case.class_ for case in cases}:
        mine = [case.aside for case in cases if case.class_ == name]
        assert 0.2 < sum(mine) / len(mine) < 0.4
