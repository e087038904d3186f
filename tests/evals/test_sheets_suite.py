"""The sheets suite: what it draws is what it says, the same again by seed, and real pictures rank as labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.studio.cast import draw_pair
from evals.suites._sheets_labelled import JITTER, jittered, labelled_rows
from evals.thresholds import missed
from tools.types import Box

pytestmark = pytest.mark.long


def test_the_same_seed_draws_the_same_pictures_and_the_splits_differ() -> None:
    one, again, other = draw_pair(3, "tune"), draw_pair(3, "tune"), draw_pair(3, "test")
    assert np.array_equal(one.wrong.picture, again.wrong.picture)
    assert not np.array_equal(one.wrong.picture, other.wrong.picture)


def test_a_box_is_drawn_anew_inside_its_picture() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        box = jittered(Box(0, 10, 100, 190), rng, 100, 200)
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.w <= 100
        assert box.y + box.h <= 200
        assert box.w >= (1 - 2 * JITTER) * 100 - 1


def test_labelled_figures_are_asked_only_where_the_pictures_are(tmp_path: Path) -> None:
    file = tmp_path / "thresholds.toml"
    file.write_text('[sheets]\n"sliders.above" = { least = 0.8, labelled = true }\n', encoding="utf-8")
    assert missed({"labelled": "no pictures", "sliders": None}, "sheets", file) == []
    assert missed({"labelled": True, "sliders": None}, "sheets", file) != []
    assert missed({"labelled": True, "sliders": {"above": 0.5}}, "sheets", file) != []


def test_the_stray_scarf_of_a_real_turnaround_is_found(shared_data: Path) -> None:
    (row,) = labelled_rows("elara", shared_data)
    assert row["right"] == 1
    assert row["covered"] > 0.9


def test_most_recoloured_garments_of_a_real_story_differ_more_than_any_clean_one(shared_data: Path) -> None:
    rows = [row for row in labelled_rows("slider4", shared_data) if row["draw"] == 0]
    clean = max(row["value"] for row in rows if not row["wrong"])
    above = [row["value"] > clean for row in rows if row["wrong"]]
    assert len(above) == 5
    assert np.mean(above) >= 0.8
