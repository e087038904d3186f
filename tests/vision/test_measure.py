"""What the rule looks at: other frames show what the camera uncovers, never what a worn thing hides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tests.vision.scenes import HEIGHT, WIDTH, backdrop, film_of, pasted, rectangle, seen
from tools.types import Bits, Clip, Gray, MaskTrack
from tools.vision.measure import RegionMeasure, measure_region

COUNT = 24


def measure(path: Path, picture: Callable[[int], Gray], mask: Callable[[int], Bits | None]) -> RegionMeasure:
    film = film_of(path, [picture(i) for i in range(COUNT)])
    masks = {i: m for i in range(COUNT) if (m := mask(i)) is not None}
    return measure_region(Clip(media=film, first=0, last=COUNT - 1), MaskTrack.of(masks, WIDTH, HEIGHT))


def test_a_pan_reveals_a_mark_on_the_lens(tmp_path: Path) -> None:
    scene = backdrop()
    found = measure(tmp_path / "a.mkv", lambda i: seen(scene, 300 + 6 * i, 250), lambda _: rectangle(300, 150, 60, 60))
    assert found.revealed > 0.95
    assert found.sharpness > 0.8
    assert found.coverage_max == 60 * 60 / (WIDTH * HEIGHT)


def test_a_locked_camera_reveals_nothing(tmp_path: Path) -> None:
    scene = backdrop()
    found = measure(tmp_path / "a.mkv", lambda _: seen(scene, 400, 250), lambda _: rectangle(300, 150, 60, 60))
    assert found.revealed == 0


def test_a_worn_thing_stays_hidden_while_its_wearer_walks(tmp_path: Path) -> None:
    scene, wearer = backdrop(), backdrop()[500:700, 900:1120]
    found = measure(
        tmp_path / "a.mkv",
        lambda i: pasted(seen(scene, 300, 250), wearer, 60 + 8 * i, 80),
        lambda i: rectangle(60 + 8 * i + 80, 150, 40, 40),
    )
    assert found.revealed < 0.2


def test_what_moves_behind_a_mark_is_not_shown_by_other_frames(tmp_path: Path) -> None:
    """The camera uncovers the place, but what is there looks different every time: half of what is hidden is fire."""
    scene = backdrop()

    def burning(index: int) -> Gray:
        fire = np.random.default_rng(index).integers(0, 256, (12, 20)).astype(np.uint8)
        flames = np.asarray(cv2.resize(fire, (400, 90), interpolation=cv2.INTER_CUBIC), np.uint8)
        return seen(pasted(scene, flames, 600, 430), 300 + 6 * index, 250)

    still = measure(tmp_path / "a.mkv", lambda i: seen(scene, 300 + 6 * i, 250), lambda _: rectangle(330, 120, 60, 120))
    moving = measure(tmp_path / "b.mkv", burning, lambda _: rectangle(330, 120, 60, 120))
    assert still.revealed > 0.95
    assert 0.4 < moving.revealed < 0.75


def test_frames_before_a_glitch_show_what_it_hides(tmp_path: Path) -> None:
    scene = backdrop()
    found = measure(
        tmp_path / "a.mkv",
        lambda i: seen(scene, 400 + 0.5 * i, 250),
        lambda i: rectangle(200, 100, 200, 150) if i >= COUNT - 8 else None,
    )
    assert found.revealed > 0.95


def test_a_smear_is_not_as_sharp(tmp_path: Path) -> None:
    scene = backdrop()
    found = measure(
        tmp_path / "a.mkv", lambda i: seen(scene, 100 + 30 * i, 250, smear=17), lambda _: rectangle(300, 150, 60, 60)
    )
    assert found.sharpness < 0.8
    assert np.isclose(found.motion.image, 30 / np.hypot(WIDTH, HEIGHT), rtol=0.1)
