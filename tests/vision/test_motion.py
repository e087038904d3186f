"""Speeds are what the camera and the subject were made to do, at any frame rate."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.vision.scenes import DIAGONAL, HEIGHT, WIDTH, backdrop, film_of, pasted, rectangle, seen
from tools.types import Clip, MaskTrack, Motion
from tools.vision.motion import flow, global_motion, region_motion, speed_class

REGION = rectangle(280, 140, 90, 70)


def measured(path: Path, count: int) -> Motion:
    track = MaskTrack.of(dict.fromkeys(range(count), REGION), WIDTH, HEIGHT)
    return region_motion(Clip(media=path, first=0, last=count - 1), track)


def test_a_still_camera_is_static_under_grain(tmp_path: Path) -> None:
    scene = backdrop()
    film = film_of(tmp_path / "still.mkv", [seen(scene, 400, 250, grain=3, seed=i) for i in range(8)])
    assert measured(film, 8).speed == "static"


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(50), Fraction(12)])
def test_a_pan_has_one_speed_at_every_rate(tmp_path: Path, rate: Fraction) -> None:
    scene, pixels_per_tick = backdrop(), 3.0
    step = pixels_per_tick * float(Fraction(24) / rate)
    film = film_of(tmp_path / "pan.mkv", [seen(scene, 300 + step * i, 250, grain=2, seed=i) for i in range(9)], rate)
    motion = measured(film, 9)
    assert motion.image == pytest.approx(pixels_per_tick / DIAGONAL, rel=0.05)
    assert motion.camera == pytest.approx(motion.image, rel=0.05)
    assert motion.subject < 0.0005


def test_a_subject_moves_apart_from_its_camera(tmp_path: Path) -> None:
    scene, thing = backdrop(), backdrop()[500:640, 900:1080]
    pictures = [pasted(seen(scene, 300 + 2 * i, 250), thing, 240 + 3 * i, 110) for i in range(8)]
    motion = measured(film_of(tmp_path / "walk.mkv", pictures), 8)
    assert motion.camera == pytest.approx(2 / DIAGONAL, rel=0.1)
    assert motion.image == pytest.approx(3 / DIAGONAL, rel=0.1)
    assert motion.subject == pytest.approx(5 / DIAGONAL, rel=0.1)


@pytest.mark.parametrize("speed", [45, 120, 190])
def test_a_whip_pan_is_followed_through_its_smear(speed: int) -> None:
    scene = backdrop()
    a, b = (seen(scene, x, 250, smear=speed // 2 | 1, grain=2, seed=x) for x in (300, 300 + speed))
    camera = global_motion(a, b, REGION).at(np.array([[320.0, 175.0]]))
    assert camera[0, 0] == pytest.approx(-speed, abs=2)
    assert np.median(flow(a, b)[REGION][:, 0]) == pytest.approx(-speed, abs=2)


def test_a_turn_is_a_matrix() -> None:
    scene = backdrop()
    found = global_motion(seen(scene, 400, 250), seen(scene, 400, 250, turn=2.0), REGION)
    corner = found.at(np.array([[WIDTH - 1.0, HEIGHT / 2]]))[0]
    assert corner == pytest.approx([0, -np.sin(np.radians(2)) * WIDTH / 2], abs=0.8)
    assert found.support > 0.8


def test_the_classes_end_where_the_rule_says() -> None:
    assert [speed_class(v) for v in (0.00049, 0.0005, 0.0059, 0.006)] == ["static", "slow", "slow", "fast"]
