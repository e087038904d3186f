"""The films of the continuity suite: every family comes up, and each error can be told from something in the film."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import pytest

from evals.runner import Plan
from evals.suites.continuity import ALONE, ERRORS, TOLD_BY_OTHERS, film_cases


@pytest.mark.parametrize("split", ["tune", "test"])
@pytest.mark.parametrize("seed", [7, 11, 4321])
def test_what_only_other_shots_contradict_is_not_put_into_the_shot_that_may_stand_alone(
    split: Literal["tune", "test"], seed: int
) -> None:
    for case in film_cases(Plan(suite="continuity", split=split, seed=seed)):
        assert case.families.get(ALONE) not in TOLD_BY_OTHERS


@pytest.mark.parametrize("seed", [7, 11])
def test_families_come_up_often_enough_and_errors_are_kept(seed: int) -> None:
    cases = film_cases(Plan(suite="continuity", split="test", seed=seed))
    families = Counter(family for case in cases for family in case.families.values())
    assert all(len(case.families) == ERRORS for case in cases)
    assert min(families.values()) >= 15
