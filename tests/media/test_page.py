"""Designed pages: pictures are told from lists, captions, cards and chips."""

from __future__ import annotations

from evals.studio.page import Page, draw_page
from tools.media.sheets import find_panels
from tools.types import Box

SEEDS = range(3000, 3016)


def taken_for_pictures(found: list[Box], page: Page) -> list[Box]:
    return [box for box in found if max(box.iou(true) for true in page.pictures) < 0.5]


def test_pictures_are_found_and_words_and_chips_left_out() -> None:
    pages = [draw_page(seed) for seed in SEEDS]
    found = [find_panels(page.picture) for page in pages]
    hits = [
        max((box.iou(true) for box in boxes), default=0.0) >= 0.8
        for boxes, page in zip(found, pages, strict=True)
        for true in page.pictures
    ]
    assert sum(hits) >= 0.95 * len(hits)
    assert sum(len(taken_for_pictures(boxes, page)) for boxes, page in zip(found, pages, strict=True)) <= 2


def test_a_drawn_page_is_the_same_for_the_same_seed() -> None:
    one, other = draw_page(5), draw_page(5)
    assert one.pictures == other.pictures
    assert (one.picture == other.picture).all()
