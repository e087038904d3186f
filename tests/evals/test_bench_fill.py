"""The fill benchmark: nothing of the truth reaches a way, its floors work, its cases and scores are what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.bench.fill._alone import alone, peak_memory
from evals.bench.fill._clips import GUTTER, MARGIN, TITLES, photographed, write_sheet
from evals.bench.fill._completion import Completed, completion_figures, completion_rows
from evals.bench.fill._cost import ellipse, stretches_of
from evals.bench.fill._flow import grown
from evals.bench.fill._moving import FRAMES, GROW, plant
from evals.bench.fill._removal import Removed, hole_psnr, removal_figures, removal_rows
from evals.bench.fill._scores import decibel, squared_error, truth_moves, warp_error, whole_psnr
from evals.bench.fill._ways import WAYS
from tools.media.masks import read_track
from tools.media.sheets import read_picture
from tools.types import Bits, Rgb

SIZE, COUNT = (192, 128), 12
FLOORS = ["Telea", "Navier-Stokes", "flow propagation", "homography plate"]


@pytest.fixture(scope="module")
def film() -> list[Rgb]:
    return list(photographed("coffee", SIZE, COUNT))


@pytest.fixture(scope="module")
def masks() -> list[Bits]:
    """A hole that the camera's move reveals."""
    hole = np.zeros(SIZE[::-1], np.bool_)
    hole[50:74, 90:102] = True
    return [hole] * COUNT


@pytest.mark.parametrize("way", [*FLOORS, "plate"])
def test_what_the_hole_holds_changes_nothing(way: str, film: list[Rgb], masks: list[Bits]) -> None:
    noise = np.random.default_rng(1).integers(0, 256, film[0].shape, np.uint8)
    black = [np.where(mask[..., None], 0, picture).astype(np.uint8) for picture, mask in zip(film, masks, strict=True)]
    loud = [np.where(mask[..., None], noise, picture) for picture, mask in zip(film, masks, strict=True)]
    quiet, disturbed = (np.stack(list(WAYS[way](pictures, masks))) for pictures in (black, loud))
    np.testing.assert_array_equal(quiet[:, masks[0]], disturbed[:, masks[0]])


@pytest.mark.parametrize("way", ["flow propagation", "homography plate", "plate"])
def test_ways_that_borrow_find_what_other_frames_show(way: str, film: list[Rgb], masks: list[Bits]) -> None:
    black = [np.where(mask[..., None], 0, picture).astype(np.uint8) for picture, mask in zip(film, masks, strict=True)]
    grown_in = hole_psnr(list(WAYS["Telea"](black, masks)), film, masks)
    assert hole_psnr(list(WAYS[way](black, masks)), film, masks) > grown_in + 4


def test_a_removal_case_is_its_truth_but_well_inside_its_mask_and_always_the_same(tmp_path: Path) -> None:
    planted = plant("set-0", tmp_path)
    before, truth = planted.pictures(planted.before), planted.pictures(planted.truth)
    assert len(before) == len(truth) == FRAMES
    for one, two, mask in zip(before, truth, planted.masks, strict=True):
        changed = (one != two).any(axis=2)
        assert changed.any()
        assert not (grown(changed, GROW - 2) & ~mask).any()
    assert set(read_track(planted.mask)) == set(planted.track)
    (tmp_path / "again").mkdir()
    assert plant("set-0", tmp_path / "again").before.read_bytes() == planted.before.read_bytes()


def test_scores_are_the_papers() -> None:
    """20 log10(255 / 5) where everything is 5 off; the hole's pixels count alike, whichever frame they are in."""
    truth = [np.full((64, 64, 3), 100, np.uint8)] * 2
    five, ten = np.full((64, 64, 3), 105, np.uint8), np.full((64, 64, 3), 110, np.uint8)
    assert whole_psnr([five, five], truth) == pytest.approx(20 * np.log10(255 / 5))
    small, large = np.zeros((2, 64, 64), np.bool_)
    small[:1, :10], large[:3, :10] = True, True
    assert hole_psnr([five, ten], truth, [small, large]) == pytest.approx(decibel((25 + 3 * 100) / 4))
    assert squared_error(five, truth[0], small) == 25
    assert warp_error(truth, truth_moves(truth)) == 0
    assert warp_error([five, ten], truth_moves(truth)) == pytest.approx(1000 * (5 / 255) ** 2)


def test_memory_is_that_of_the_work_alone() -> None:
    """A process that holds much leaves nothing in the figure of the next."""
    held = np.ones(200 << 20, np.uint8)
    assert peak_memory() > held.nbytes >> 20
    assert alone(peak_memory) < peak_memory() - 100


def test_masks_of_the_cost_cover_what_they_say(tmp_path: Path) -> None:
    assert ellipse((1920, 1080), 0.02).mean() == pytest.approx(0.02, rel=0.02)
    once, often = (sorted(read_track(stretches_of(tmp_path / f"{n}.mkv", (64, 48), n))) for n in (1, 10))
    assert len(often) == 3 * len(once)
    assert often[-1] == 9 * 160 + once[-1]


def test_a_contact_sheet_names_its_films_and_frames(tmp_path: Path) -> None:
    grey = [[np.full((40, 90, 3), level + index, np.uint8) for index in range(12)] for level in (40, 140)]
    write_sheet(tmp_path / "sheet.png", dict(zip(("before", "after"), grey, strict=True)), shown=2)
    sheet = read_picture(tmp_path / "sheet.png")
    for down, index in enumerate((4, 7)):
        for across, level in enumerate((40, 140)):
            top, left = TITLES + down * (40 + GUTTER), MARGIN + across * (90 + GUTTER)
            assert (sheet[top : top + 40, left : left + 90] == level + index).all()
        assert (sheet[top : top + 40, :MARGIN] < 128).any()
    assert (sheet[:TITLES, MARGIN : MARGIN + 90] < 128).any()
    assert (sheet[:TITLES, MARGIN + 90 + GUTTER :] < 128).any()


def _completed(clip: str, way: str, psnr: float) -> Completed:
    return Completed(
        clip=clip, way=way, psnr=psnr, ssim=0.9, warp_error=1.0, frames_per_second=4.0, cost=2.5, peak_mb=300.0
    )


def test_completion_is_told_against_the_best_floor_of_each_clip() -> None:
    scores = {"plate": 36.0, "plate with grain": 35.7, "homography plate": 34.0, "flow propagation": 32.0}
    found = [_completed("a", way, scores.get(way, 25.0)) for way in WAYS]
    rows = {row.what: row for row in completion_rows(found)}
    assert rows["completion of a, against the best floor"].baseline == 34
    assert rows["plate's time against two passes of DIS flow"].ratio == 2.5
    figures = completion_figures(found)
    assert figures["gain_over_telea"] == 11
    assert figures["grain_drop"] == {"a": 0.3}


def _removed(case: str, revealed: float, plate: float, failed: tuple[str, ...] = ()) -> Removed:
    psnr = {"plate": plate, "flow propagation": 30.0, "homography plate": 28.0}
    return Removed(case=case, coverage=0.02, revealed=revealed, psnr=psnr, outside=0, failed=failed)


def test_removals_are_split_by_what_other_frames_show() -> None:
    found = [_removed("a", 0.95, 36.0), _removed("b", 0.9, 34.0, ("grain",)), _removed("c", 0.2, 20.0, ("seam",))]
    values = {row.what: [row.value, row.baseline] for row in removal_rows(found)}
    assert values["removal, revealed at least 0.9, against flow propagation"] == [35, 30]
    assert values["removal, all, against homography plate"] == [30, 28]
    assert removal_figures(found)["checks_hold"] == 0.5
