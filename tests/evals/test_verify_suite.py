"""The verify suite: nothing shared between the splits, faults of every check, figures in the contract's words."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from evals.runner import CaseLine, Plan
from evals.suites._verify_shots import CLIPS, PHOTOGRAPHS, Shot, case_names, make_shot
from evals.suites._verify_visible import colour_contrast, detail_change, edge_contrast
from evals.suites.verify import SUBJECTS, VerifySuite, badness
from tools.types import Check

PLAN = Plan(suite="verify", split="test", seed=3)


def test_splits_share_no_source() -> None:
    assert not set(PHOTOGRAPHS["tune"]) & set(PHOTOGRAPHS["test"])
    assert not set(CLIPS["tune"]) & set(CLIPS["test"])
    names = case_names("test", 72)
    assert len(set(names)) == 72


def test_a_seed_always_makes_the_same_shot() -> None:
    one, two, other = (make_shot("test", "photo_coins_00", seed) for seed in (3, 3, 4))
    assert all(np.array_equal(a, b) for a, b in zip(one.pictures, two.pictures, strict=True))
    assert one.pictures[0].shape != other.pictures[0].shape or not np.array_equal(one.pictures[0], other.pictures[0])


def test_visibility_is_told_from_clean_pixels() -> None:
    columns = np.tile(np.where(np.arange(80) < 40, 60, 100).astype(np.uint8), (60, 1))
    mask = np.zeros((60, 80), np.bool_)
    mask[10:50, 10:40] = True
    shot = Shot((np.dstack([columns] * 3),), (mask,))
    assert edge_contrast(shot) == pytest.approx(0)
    noise = np.random.default_rng(0).normal(0, 4, (60, 80, 1))
    octaves, levels = detail_change(shot, [np.clip(shot.pictures[0] + noise, 0, 255).astype(np.uint8)])
    assert octaves > 0.6
    assert levels == pytest.approx(4, abs=1)


def test_what_lies_across_a_fade_hides_lightness_but_no_cast() -> None:
    mask = np.zeros((60, 80), np.bool_)
    mask[10:50, 10:60] = True
    deep = cv2.erode(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    shot = Shot((np.dstack([np.where(deep, 60, 100).astype(np.uint8)] * 3),), (mask,))
    lightness, cast = (colour_contrast(shot, 5.0, np.array(direction)) for direction in ([1.0, 0, 0], [0, 1.0, 0]))
    assert edge_contrast(shot) == pytest.approx(0)
    assert lightness > 10
    assert cast == pytest.approx(0, abs=0.5)


def test_a_case_and_its_summary(tmp_path: Path) -> None:
    suite = VerifySuite()
    line = suite.run(PLAN, "photo_coins_00", tmp_path)
    assert {row["subject"] for row in line.rows} == {None, *SUBJECTS}
    true = next(row for row in line.rows if row["kind"] == "true")
    assert all(true["holds"].values()), true
    result = suite.summary(PLAN, [CaseLine.model_validate_json(line.model_dump_json())])
    assert result["verify"].keys() == set(SUBJECTS)
    for figures in result["verify"].values():
        assert {"auc", "good_failed", "bad_passed", "n_good", "n_bad", "ci95"} <= figures.keys()
        assert figures["n_good"] >= 5


def test_badness_grows_whatever_the_unit() -> None:
    def outside(value: float, limit: float, unit: str) -> float:
        return badness(Check(name="outside", value=value, limit=limit, unit=unit, holds=value >= limit))

    exact, gate, coded = outside(0, 0, "levels"), outside(51, 50, "dB"), outside(40, 36, "dB")
    changed, moved = outside(1, 0, "levels"), outside(40, 44, "dB")
    assert max(exact, gate, coded) < 0 < min(changed, moved)
