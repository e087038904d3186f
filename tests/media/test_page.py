"""Designed pages: pictures are told from lists, captions, cards and chips, and rough boxes snap to their borders."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evals.studio.page import Page, draw_page
from tools.media.borders import snap_boxes
from tools.media.sheets import find_panels, read_picture
from tools.types import Box

pytestmark = pytest.mark.long

SEEDS = range(3000, 3016)


@pytest.fixture(scope="module")
def pages() -> dict[int, Page]:
    """A page of each seed."""
    return {seed: draw_page(seed) for seed in SEEDS}


def taken_for_pictures(found: list[Box], page: Page) -> list[Box]:
    return [box for box in found if max(box.iou(true) for true in page.pictures) < 0.5]


def rough(rng: np.random.Generator, box: Box, page: tuple[int, ...]) -> Box:
    """A box as a model gives it: sides off by up to a tenth, at times with the caption or without a hand."""
    left, top, right, bottom = rng.uniform(-0.1, 0.1, 4)
    bottom += 0.12 * (rng.random() < 0.2)
    left += 0.1 * (rng.random() < 0.2)
    x, y = max(0, round(box.x + left * box.w)), max(0, round(box.y + top * box.h))
    across, down = round(box.x + box.w * (1 + right)), round(box.y + box.h * (1 + bottom))
    return Box(x, y, min(page[1], across) - x, min(page[0], down) - y)


def test_pictures_are_found_and_words_and_chips_left_out(pages: dict[int, Page]) -> None:
    found = [find_panels(page.picture) for page in pages.values()]
    hits = [
        max((box.iou(true) for box in boxes), default=0.0) >= 0.8
        for boxes, page in zip(found, pages.values(), strict=True)
        for true in page.pictures
    ]
    assert sum(hits) >= 0.95 * len(hits)
    assert sum(len(taken_for_pictures(boxes, page)) for boxes, page in zip(found, pages.values(), strict=True)) <= 2


def test_a_drawn_page_is_the_same_for_the_same_seed() -> None:
    one, other = draw_page(5), draw_page(5)
    assert one.pictures == other.pictures
    assert (one.picture == other.picture).all()


def test_rough_boxes_snap_to_measured_borders(pages: dict[int, Page]) -> None:
    before, after = [], []
    for seed, page in pages.items():
        rng = np.random.default_rng(seed)
        given = [rough(rng, box, page.picture.shape) for box in page.pictures]
        for true, box, snapped in zip(page.pictures, given, snap_boxes(page.picture, given), strict=True):
            before.append(box.iou(true))
            after.append(snapped.box.iou(true) if snapped.box else 0.0)
    assert np.median(before) < 0.85
    assert np.median(after) > 0.95
    assert np.mean(np.array(after) > 0.8) > 0.95


def test_boxes_on_words_and_chips_are_dropped(pages: dict[int, Page]) -> None:
    dropped = [
        snapped.box is None
        for page in pages.values()
        for snapped in snap_boxes(page.picture, [box for box in (*page.texts, *page.chips) if box.area > 2000])
    ]
    assert np.mean(dropped) > 0.95


def test_a_box_without_a_border_is_kept_and_marked_and_one_picture_is_not_taken_twice() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (600, 900, 3)).astype(np.uint8)
    (kept,) = snap_boxes(noise, [Box(200, 150, 300, 200)])
    assert kept == (Box(200, 150, 300, 200), 0.0, False)
    page = draw_page(3001)
    one = page.pictures[0]
    first, second = snap_boxes(page.picture, [one, Box(one.x + one.w // 10, one.y, one.w, one.h)])
    assert first.measured
    assert second.box is None


def test_elaras_views_snap_to_their_outlines(shared_data: Path) -> None:
    truth = json.loads((shared_data / "labels.json").read_text())["continuity"]["elara"]["panels"].values()
    picture, rng = read_picture(shared_data / "elara" / "character-sheet.png"), np.random.default_rng(0)
    given = [rough(rng, Box(*box), picture.shape) for box in truth]
    title = Box(200, 10, 640, 90)
    *views, words = snap_boxes(picture, [*given, title])
    assert all(view.box and view.box.iou(Box(*box)) > 0.9 for view, box in zip(views, truth, strict=True))
    assert words.box is None
