"""The track suite: overlap and outline as DAVIS has them, losses that count only where they are real, a judged film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.page import write_page
from evals.runner import CaseLine, Plan
from evals.studio.cast import render_film
from evals.suites._track_scores import boundary_f, overlap, scored
from evals.suites.track import CARRIERS, TrackSuite, follow_film, marked_frame, summary_of
from tools.types import Bits, Box, MaskTrack
from tools.vision.track import Track

pytestmark = pytest.mark.long

WIDTH, HEIGHT = 160, 96


def square(x: int, y: int, side: int = 20) -> Bits:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[Box(x, y, side, side).slices] = True
    return mask


def masks(found: dict[int, Bits]) -> MaskTrack:
    return MaskTrack.of(found, WIDTH, HEIGHT)


def test_overlap_and_outline() -> None:
    empty = np.zeros((HEIGHT, WIDTH), np.bool_)
    assert overlap(square(10, 10), square(20, 10)) == pytest.approx(1 / 3)
    assert overlap(empty, empty) == boundary_f(empty, empty) == 1.0
    assert boundary_f(square(10, 10), empty) == 0.0
    assert boundary_f(square(10, 10), square(11, 11)) == 1.0
    assert 0.0 < boundary_f(square(10, 10), square(20, 10)) < 0.7


def test_a_loss_is_right_where_the_thing_is_gone_or_the_guess_misses_it() -> None:
    truth = masks({0: square(10, 10), 1: square(10, 10), 2: square(10, 10)})
    track = Track(
        masks({0: square(12, 10), 4: square(10, 10)}),
        dict.fromkeys(range(5), 1.0),
        frozenset({1, 2, 3}),
        masks({1: square(11, 10), 2: square(80, 10)}),
    )
    scores = scored(track, truth, range(5))
    assert [score.declared for score in scores] == [False, True, True, True, False]
    assert [score.lost for score in scores] == [False, False, True, True, True]
    assert [score.iou for score in scores] == [pytest.approx(0.818, abs=0.001), 0.0, 0.0, None, None]


def test_the_marked_frame_shows_the_thing_well() -> None:
    truth = masks({0: square(10, 10, 4), 1: square(10, 10, 20), 2: square(10, 10, 18)})
    assert {marked_frame(truth, np.random.default_rng(seed)) for seed in range(20)} == {1, 2}


def test_a_film_is_followed_and_summed_up(tmp_path: Path) -> None:
    film = tmp_path / "work" / "film-00" / "film"
    families = {"SH010": "recoloured-garment", "SH020": "stray-object"}
    render_film(film, seed=4, split="tune", kind="rendered", shots=2, frames=8, size=(320, 184), errors=families)
    rows = follow_film(film, families, "rendered", planted=(), seed=3)
    assert [row["shot"] for row in rows] == ["SH010", "SH020"]
    assert {row["carrier"] for row in rows} == {"worn"}
    for row in rows:
        assert row["iou"] > 0.6
        assert (tmp_path / row["picture"]).stat().st_size > 1000
    result = summary_of(rows)
    assert result["regions"] == result["follow"]["n"] == result["families"]["worn"]["n"] == 2
    plan, line = Plan(suite="track"), CaseLine(case="film-00", rows=tuple({**row, "case": "film-00"} for row in rows))
    assert "worn" in write_page(plan, result, [line], tmp_path).read_text()


def test_every_film_has_regions_of_the_families() -> None:
    assert len(TrackSuite().cases(Plan(suite="track"))) == 24
    assert set(CARRIERS.values()) == {"carried", "worn", "unsteady", "missing"}
