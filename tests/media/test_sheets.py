"""Sheets are read, written and cut into the panels a person would cut them into."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from tools.errors import BadInput
from tools.media.sheets import cut_grid, find_panels, read_picture, write_picture
from tools.types import Box, Rgb

Sheet = tuple[Rgb, list[Box]]
PHOTOGRAPHS = (data.astronaut(), data.chelsea(), data.coffee())


def found_all(found: list[Box], true: list[Box]) -> bool:
    return len(found) == len(true) and all(max(f.iou(t) for f in found) >= 0.7 for t in true)


def photograph(rng: np.random.Generator, width: int, height: int) -> Rgb:
    """A crop of a photograph; never the same twice."""
    picture = PHOTOGRAPHS[rng.integers(len(PHOTOGRAPHS))]
    scale = max(width / picture.shape[1], height / picture.shape[0]) * rng.uniform(1.0, 1.6)
    size = int(np.ceil(picture.shape[1] * scale)), int(np.ceil(picture.shape[0] * scale))
    grown = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    y, x = rng.integers(grown.shape[0] - height + 1), rng.integers(grown.shape[1] - width + 1)
    return np.asarray(grown[y : y + height, x : x + width], dtype=np.uint8)


def graded(rng: np.random.Generator, width: int, height: int) -> Rgb:
    """A backdrop that runs from one light colour to another."""
    first, last = rng.uniform(80, 240, 3), rng.uniform(80, 240, 3)
    along = np.linspace(0, 1, height)[:, None, None]
    return np.broadcast_to(first * (1 - along) + last * along, (height, width, 3)).astype(np.uint8)


def draw_figure(rng: np.random.Generator, page: Rgb, box: Box) -> Box:
    """A standing body with a head, cut from a photograph; the box it fills."""
    x, y, w, h = box
    mask = np.zeros((h, w), np.uint8)
    cv2.ellipse(mask, (w // 2, round(h * 0.12)), (round(w * 0.2), round(h * 0.12)), 0, 0, 360, 255, -1)
    body = [(0.5, 0.18), (0.99, 0.45), (0.7, 0.45), (0.75, 0.99), (0.25, 0.99), (0.3, 0.45), (0.01, 0.45)]
    cv2.fillPoly(mask, [np.array([(w * a, h * b) for a, b in body]).astype(np.int32)], (255,))
    page[box.slices][mask > 0] = photograph(rng, w, h)[mask > 0]
    tight = Box.around(mask > 0)
    assert tight is not None
    return Box(x + tight.x, y + tight.y, tight.w, tight.h)


def as_jpeg(page: NDArray[np.uint8]) -> Rgb:
    _, data = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, 88])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def letter(page: Rgb, words: str, x: int, y: int, size: float) -> None:
    ink = (235,) * 3 if page.mean() < 110 else (20,) * 3
    cv2.putText(page, words, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, ink, max(1, round(2 * size)), cv2.LINE_AA)


def grid_with_gutters(rng: np.random.Generator) -> Sheet:
    rows, cols, gutter = rng.integers(1, 4), rng.integers(2, 5), int(rng.integers(3, 30))
    width, height = int(rng.integers(200, 400)), int(rng.integers(200, 400))
    margin = gutter * int(rng.integers(2))
    size = 2 * margin + rows * (height + gutter) - gutter, 2 * margin + cols * (width + gutter) - gutter
    page = np.full((*size, 3), rng.choice([255, 128, 0]), np.uint8)
    boxes = [
        Box(margin + int(j) * (width + gutter), margin + int(i) * (height + gutter), width, height)
        for i in range(rows)
        for j in range(cols)
    ]
    for box in boxes:
        page[box.slices] = photograph(rng, width, height)
    return as_jpeg(page), boxes


def touching_cells(rng: np.random.Generator) -> Sheet:
    width, height = int(rng.integers(240, 420)), int(rng.integers(240, 420))
    boxes = cut_grid(3 * width, 2 * height, 2, 3)
    page = np.zeros((2 * height, 3 * width, 3), np.uint8)
    for box in boxes:
        page[box.slices] = graded(rng, width, height)
        w, h = int(width * rng.uniform(0.35, 0.7)), int(height * rng.uniform(0.7, 0.95))
        draw_figure(rng, page, Box(box.x + (width - w) // 2, box.y + height - h, w, h))
    return as_jpeg(page), boxes


def turnaround_with_captions(rng: np.random.Generator) -> Sheet:
    count, width, height = int(rng.integers(2, 6)), int(rng.integers(900, 1600)), int(rng.integers(700, 1100))
    page = graded(rng, width, height) if rng.random() < 0.5 else np.full((height, width, 3), rng.choice([255, 40]))
    page = np.ascontiguousarray(page, dtype=np.uint8)
    letter(page, "CHARACTER MODEL SHEET", width // 5, height // 12, height / 900)
    slot, boxes = width // count, []
    for index, view in enumerate(("FRONT", "3/4 VIEW", "PROFILE", "BACK", "FACE")[:count]):
        h = int(height * rng.uniform(0.62, 0.7))
        w = int(min(slot * 0.86, h * rng.uniform(0.3, 0.5)))
        box = Box(index * slot + (slot - w) // 2, int(height * 0.85) - h, w, h)
        boxes.append(draw_figure(rng, page, box))
        letter(page, view, box.x + w // 4, int(height * 0.93), height / 1100)
    return as_jpeg(page), boxes


def portrait_and_details(rng: np.random.Generator) -> Sheet:
    width, height = int(rng.integers(1000, 1600)), int(rng.integers(800, 1200))
    page = np.full((height, width, 3), rng.choice([255, 150, 40]), np.uint8)
    boxes = [
        draw_figure(rng, page, Box(width // 20, height // 12, width // 3, int(height * 0.86))),
    ]
    side = min(width // 5, height // 3)
    for name, (column, row) in {"hands": (0, 0), "shoes": (1, 0), "eyes": (0, 1), "bag": (1, 1)}.items():
        box = Box(int(width * (0.45 + 0.25 * column)), int(height * (0.1 + 0.45 * row)), side, side)
        page[box.slices] = photograph(rng, side, side)
        letter(page, name, box.x, box.y + side + height // 25, height / 1500)
        boxes.append(box)
    return as_jpeg(page), boxes


LAYOUTS = (grid_with_gutters, touching_cells, turnaround_with_captions, portrait_and_details)


@pytest.mark.long
@pytest.mark.parametrize("layout", LAYOUTS)
def test_panels_of_rendered_sheets_are_found(layout: Callable[[np.random.Generator], Sheet]) -> None:
    sheets = [layout(np.random.default_rng(seed)) for seed in range(8)]
    assert sum(found_all(find_panels(page), true) for page, true in sheets) >= 7


def test_panels_of_a_model_sheet_with_captions_and_guides(shared_data: Path) -> None:
    truth = json.loads((shared_data / "labels.json").read_text())["continuity"]["elara"]["panels"]
    found = find_panels(read_picture(shared_data / "elara" / "character-sheet.png"))
    assert found_all(found, [Box(*box) for box in truth.values()])


@pytest.mark.parametrize("name", ["C01 3", "C02 1", "C03 3", "C04 10", "C05 3", "C07 5", "C08 5", "C09 3", "C10 1"])
def test_figures_on_plain_paper_are_counted(shared_data: Path, name: str) -> None:
    sheet, count = name.split()
    assert len(find_panels(read_picture(shared_data / "rabbit-fox" / f"{sheet}.png"))) == int(count)


def test_captioned_and_ruled_grids_are_cut(shared_data: Path) -> None:
    slider = [Box(63 + 240 * k, y, 236, 236) for y in (63, 303) for k in range(6)]
    assert found_all(find_panels(read_picture(shared_data / "audit-repair" / "slider2.png")), slider)
    assert len(find_panels(read_picture(shared_data / "elara" / "storyboard.png"))) == 6


@pytest.mark.parametrize("name", ["elara/showcase-lab.png", "pizza-collab/01-storyboard-establishing.jpg"])
def test_a_single_scene_is_one_panel(shared_data: Path, name: str) -> None:
    picture = read_picture(shared_data / name)
    assert find_panels(picture) == [Box(0, 0, picture.shape[1], picture.shape[0])]


def test_a_known_grid_covers_the_sheet_and_leaves_visible_gutters_out() -> None:
    cells = cut_grid(1000, 667, 2, 3)
    assert sum(cell.area for cell in cells) == 1000 * 667
    rng = np.random.default_rng(4)
    page = np.zeros((2 * 240 + 30, 3 * 200 + 40, 3), np.uint8)
    boxes = [Box(10 + 210 * j, 10 + 250 * i, 200, 240) for i in range(2) for j in range(3)]
    for box in boxes:
        page[box.slices] = np.maximum(photograph(rng, 200, 240), 60)
    assert cut_grid(640, 510, 2, 3, page) == boxes


def test_a_grid_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match=r"grid \[0, 3\]"):
        cut_grid(100, 100, 0, 3)


def test_pictures_go_round_and_are_told_by_content(tmp_path: Path) -> None:
    picture = photograph(np.random.default_rng(1), 61, 43)
    write_picture(tmp_path / "new" / "a.png", picture)
    assert np.array_equal(read_picture(tmp_path / "new" / "a.png"), picture)
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.png"]
    (tmp_path / "b.png").write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    assert read_picture(tmp_path / "b.png").shape == (43, 61, 3)


def test_transparent_pixels_lie_over_white(tmp_path: Path) -> None:
    samples = np.zeros((4, 4, 4), np.uint8)
    samples[:2, :, 3] = 255
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", samples)[1].tobytes())
    assert read_picture(tmp_path / "a.png")[:, 0, 0].tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("content", [b"", b"no picture", None, "short"])
def test_what_is_no_whole_picture_is_refused_in_one_line(tmp_path: Path, content: bytes | str | None) -> None:
    path = tmp_path / "a.png"
    if content == "short":
        content = cv2.imencode(".png", photograph(np.random.default_rng(1), 64, 64))[1].tobytes()[:2000]
    if isinstance(content, bytes):
        path.write_bytes(content)
    with pytest.raises(BadInput, match=r"a\.png") as refused:
        read_picture(path)
    assert "\n" not in str(refused.value)
