"""The cuts suite: its films are what their truth says, the same again by seed, and scores count what they should."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.cuts import CutTruth, case_names, judged, make_case, score_cuts, summary
from tools.media.decode import luma_frames
from tools.media.probe import probe

pytestmark = pytest.mark.long

FILM = case_names(None)[0]


def test_the_same_seed_gives_the_same_film(tmp_path: Path) -> None:
    one, again = (make_case(FILM, 5, "tune", tmp_path / name, None) for name in ("a", "b"))
    assert one.cuts == again.cuts
    assert one.media.read_bytes() == again.media.read_bytes()


def test_a_film_shows_its_joints(tmp_path: Path) -> None:
    case = make_case(FILM, 7, "test", tmp_path, None)
    pictures = [picture.astype(np.float32) for _, picture in luma_frames(case.media, longest=40)]
    assert len(pictures) == probe(case.media).frames
    assert len(case.cuts) == 5
    for cut in case.cuts:
        first, last = cut.over or (cut.frame, cut.frame)
        assert cut.frame == (first + last) // 2
        assert _correlation(pictures[first - 1], pictures[last + 1]) < 0.8


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_splits_share_no_film(tmp_path: Path) -> None:
    tune, test = (make_case(FILM, 5, split, tmp_path, None) for split in ("tune", "test"))
    assert tune.cuts != test.cuts


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        ([], (0, 0, 2)),
        ([CutTruth(frame=11), CutTruth(frame=41, over=(36, 47))], (2, 0, 0)),
        ([CutTruth(frame=13), CutTruth(frame=30)], (0, 2, 2)),
        ([CutTruth(frame=10), CutTruth(frame=10)], (1, 1, 1)),
        ([CutTruth(frame=44)], (1, 0, 1)),
    ],
)
def test_counts(found: list[CutTruth], counts: tuple[int, int, int]) -> None:
    score = score_cuts([CutTruth(frame=10), CutTruth(frame=41, over=(36, 47))], found)
    assert (score.tp, score.fp, score.fn) == counts


def test_extent_is_an_intersection_over_union() -> None:
    truth, found = CutTruth(frame=24, over=(20, 29)), CutTruth(frame=27, over=(25, 34))
    assert score_cuts([truth], [found]).extent_iou == pytest.approx(5 / 15)


def test_the_summary_sets_the_baseline_beside(tmp_path: Path) -> None:
    rows = [judged(make_case(name, 7, "tune", tmp_path, None)) for name in case_names(None)[:2]]
    result = summary(rows, 7, "tune")
    assert (result["suite"], result["joints"], result["labelled"]) == ("cuts", 10, None)
    assert result["cuts"]["f1"] > result["baseline"]["f1"]
