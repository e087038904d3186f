"""Repairs of sheets say where their pixels are from."""

from __future__ import annotations

import numpy as np
import pytest

from agent.schema import Attempt, Film, PanelFault, Sheet
from agent.stages.repair_sheets import SheetBench, origin_words, version_of
from tests.agent.samples import sample


@pytest.mark.parametrize(
    ("borrowed", "words"),
    [
        (None, ""),
        (1.0, "100% of it is what siblings show"),
        (0.87, "87% of it is what siblings show, the rest is drawn from the panel's own surround"),
        (0.0, "no sibling shows the place: it is drawn from the panel's own surround"),
    ],
)
def test_the_share_that_siblings_show_is_said_in_words(borrowed: float | None, words: str) -> None:
    assert origin_words(borrowed) == words


def test_a_version_says_who_repaired_it_and_from_what() -> None:
    fault = sample(PanelFault)
    picture = np.zeros((8, 8, 3), np.uint8)
    bench = SheetBench(sample(Film), sample(Sheet), {fault.panel: picture}, {})
    bench.tried[fault.panel] = [sample(Attempt).model_copy(update={"tool": "plate"})]
    bench.origins[fault.panel] = origin_words(0.5)
    why = version_of(bench, fault, [], number=2, path="a.png", faulty=False).why
    assert why.startswith(f"{fault.panel} repaired by plate")
    assert "; 50% of it is what siblings show" in why
    assert why.endswith("every other pixel is untouched")
