"""What a boxed figure wears, on figures drawn here: other sets, crops and poses are no change, another coat is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tools.types import Box, Rgb
from tools.vision.appearance import figure_in, garment_disagreement
from tools.vision.turnaround import unexplained_colours

GREEN, RED, BLUE, SKIN = (40, 120, 60), (190, 40, 40), (40, 60, 130), (224, 180, 150)


def person(coat: tuple[int, int, int], seed: int, scale: float = 1.0) -> tuple[Rgb, Box]:
    """A head, a coat and trousers in a set and a light of the seed, and the box around them."""
    rng = np.random.default_rng(seed)
    wall = cv2.resize(rng.integers(60, 200, (6, 8, 3)).astype(np.uint8), (400, 320), interpolation=cv2.INTER_CUBIC)
    x, y, u = int(rng.integers(150, 250)), int(rng.integers(20, 50)), scale
    picture = np.ascontiguousarray(wall)
    cv2.rectangle(picture, (x - round(26 * u), y + round(130 * u)), (x + round(26 * u), y + round(230 * u)), BLUE, -1)
    cv2.ellipse(picture, (x, y + round(95 * u)), (round(38 * u), round(60 * u)), 0, 0, 360, coat, -1)
    cv2.circle(picture, (x, y + round(24 * u)), round(24 * u), SKIN, -1)
    lit = picture * rng.uniform(0.9, 1.05) + rng.normal(0, 2, picture.shape)
    return np.clip(lit, 0, 255).astype(np.uint8), Box(x - round(40 * u), y, round(80 * u), round(232 * u))


def disagreement(one: tuple[Rgb, Box], other: tuple[Rgb, Box]) -> float:
    return garment_disagreement(figure_in(*one), figure_in(*other))


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_another_coat_differs_more_than_another_set_light_and_size(seed: int) -> None:
    reference = person(GREEN, 1)
    assert disagreement(reference, person(RED, seed)) > 2 * disagreement(reference, person(GREEN, seed, 0.8)) + 0.1


def test_a_figure_agrees_with_itself() -> None:
    assert disagreement(person(GREEN, 1), person(GREEN, 1)) < 0.01


def test_a_box_outside_the_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="does not lie in a picture"):
        figure_in(person(GREEN, 1)[0], Box(500, 10, 40, 40))


def turned(view: int, *, tail: bool) -> Rgb:
    """A panel of a turnaround on plain paper; a red tail hangs beside the figure, or not."""
    panel = np.full((480, 240, 3), 215, np.uint8)
    cv2.rectangle(panel, (90, 290), (150, 450), BLUE, -1)
    cv2.ellipse(panel, (120, 200), (50, 105), 0, 0, 360, GREEN, -1)
    cv2.rectangle(panel, (85, 95), (155, 120), RED, -1)
    cv2.circle(panel, (120 + 4 * view, 60), 36, SKIN, -1)
    if tail:
        cv2.rectangle(panel, (185, 150), (210, 300), RED, -1)
    return panel


def test_the_panel_with_a_stray_scarf_has_the_most_unexplained_colour() -> None:
    found = unexplained_colours({f"ada/{view}": turned(view, tail=view == 2) for view in range(4)})
    assert found[0].panel == "ada/2"
    assert found[0].share > 10 * found[1].share
    assert found[0].box is not None
    assert found[0].box.iou(Box(185, 150, 26, 151).grown(6, 240, 480)) > 0.8


def test_a_right_turnaround_leaves_nothing_unexplained() -> None:
    assert all(
        one.box is None and one.share < 0.002
        for one in unexplained_colours({f"ada/{view}": turned(view, tail=False) for view in range(4)})
    )


def test_one_panel_has_nothing_to_be_held_against() -> None:
    assert unexplained_colours({"ada/front": turned(0, tail=False)}) == []
