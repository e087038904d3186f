"""The rule on truth: the action that geometry asks for, and when a case is too near a limit to count."""

from __future__ import annotations

import pytest

from evals.truth import action_by_rule
from tools.types import Action


@pytest.mark.parametrize(
    ("coverage", "speed", "span", "action", "near"),
    [
        (0.02, 0.001, (0, 29), "inpaint", False),
        (0.19, 0.001, (0, 29), "inpaint", True),
        (0.21, 0.001, (0, 29), "regenerate", True),
        (0.35, 0.001, (0, 29), "regenerate", False),
        (0.02, 0.0063, (0, 29), "regenerate", True),
        (0.02, 0.012, (0, 29), "regenerate", False),
        (0.02, 0.012, (0, 9), "retake", False),
        (0.02, 0.012, (8, 23), "regenerate", True),
        (0.35, 0.001, (20, 29), "retake", False),
    ],
)
def test_action(coverage: float, speed: float, span: tuple[int, int], action: Action, near: bool) -> None:
    decided = action_by_rule(coverage_max=coverage, speed=speed, first=span[0], last=span[1], frames=30)
    assert decided == (action, near)


def test_what_other_frames_show_may_be_fast() -> None:
    assert action_by_rule(coverage_max=0.02, speed=0.02, first=0, last=29, frames=30, revealed=1.0)[0] == "inpaint"


def test_a_stretch_out_of_view_is_no_retake() -> None:
    decided = action_by_rule(coverage_max=0.02, speed=0.02, first=0, last=9, frames=30, in_view=False)
    assert decided[0] == "regenerate"
