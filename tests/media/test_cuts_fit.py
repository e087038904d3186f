"""Whether and over which frames a dissolve runs, on pictures whose mixture is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tools.media._cuts_fit import best_extent
from tools.media._cuts_odds import Likely, likely
from tools.media._cuts_signs import Sign, sign
from tools.types import Gray

STILL = 22
"""Frames of either scene alone."""


def _scene(seed: int) -> Gray:
    noise = np.random.default_rng(seed).integers(20, 235, (9, 16), np.uint8)
    return np.asarray(cv2.resize(noise, (160, 90), interpolation=cv2.INTER_CUBIC), np.uint8)


def _signs(mixed: int, scenes: tuple[int, int] = (1, 2)) -> list[Sign]:
    """One scene, `mixed` frames of both, the other scene; both drift by a pixel in two frames."""
    shares = np.concatenate([np.zeros(STILL), np.arange(1, mixed + 1) / (mixed + 1), np.ones(STILL)])
    signs: list[Sign] = []
    for index, share in enumerate(shares):
        old, new = (np.roll(_scene(seed), index // 2, 1).astype(np.float32) for seed in scenes)
        small = np.asarray(old * (1 - share) + new * share, np.uint8)
        signs.append(sign(small, signs[-1] if signs else None))
    return signs


def _likeliest(signs: list[Sign]) -> Likely:
    return max(likely(signs, [(0, len(signs) - 1)], range(len(signs)), -np.inf))


@pytest.mark.parametrize("mixed", [8, 20, 40])
def test_a_dissolve_is_likely_where_the_mixture_is(mixed: int) -> None:
    best = _likeliest(_signs(mixed))
    assert best.odds > 2
    assert abs(best.first - STILL) <= 5
    assert abs(best.last - (STILL + mixed - 1)) <= 5


@pytest.mark.parametrize(("mixed", "scenes"), [(0, (1, 2)), (20, (1, 1))])
def test_a_cut_and_a_moving_scene_are_no_dissolve(mixed: int, scenes: tuple[int, int]) -> None:
    assert _likeliest(_signs(mixed, scenes)).odds < 0


def test_a_stretch_keeps_to_one_shot() -> None:
    signs = _signs(20)
    shots = [(0, STILL + 9), (STILL + 10, len(signs) - 1)]
    found = list(likely(signs, shots, range(len(signs)), -np.inf))
    assert found
    assert all(any(a < one.first and one.last < b for a, b in shots) for one in found)


def test_a_short_window_has_no_room() -> None:
    assert not list(likely(_signs(0)[:8], [(0, 7)], range(8), -np.inf))


@pytest.mark.parametrize("mixed", [8, 20, 40])
def test_the_extent_is_where_the_mixture_is(mixed: int) -> None:
    first, last = best_extent(_signs(mixed), STILL - 2, STILL + mixed + 1)
    assert abs(first - STILL) <= 1
    assert abs(last - (STILL + mixed - 1)) <= 1
