"""Over which frames a dissolve runs, on pictures whose mixture is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tools.media._cuts_fit import Span, best_span
from tools.media._cuts_signs import Sign, sign
from tools.types import Gray

STILL = 22
"""Frames of either scene alone."""


def _scene(seed: int) -> Gray:
    noise = np.random.default_rng(seed).integers(20, 235, (9, 16), np.uint8)
    return np.asarray(cv2.resize(noise, (160, 90), interpolation=cv2.INTER_CUBIC), np.uint8)


def _signs(mixed: int) -> list[Sign]:
    """One scene, `mixed` frames of both, the other scene; both drift by a pixel in two frames."""
    shares = np.concatenate([np.zeros(STILL), np.arange(1, mixed + 1) / (mixed + 1), np.ones(STILL)])
    signs: list[Sign] = []
    for index, share in enumerate(shares):
        old, new = (np.roll(_scene(seed), index // 2, 1).astype(np.float32) for seed in (1, 2))
        small = np.asarray(old * (1 - share) + new * share, np.uint8)
        signs.append(sign(small, signs[-1] if signs else None))
    return signs


def _best(signs: list[Sign]) -> Span | None:
    everywhere = range(len(signs))
    return best_span(signs, everywhere, everywhere, range(4, 61))


@pytest.mark.parametrize("mixed", [8, 20, 40])
def test_the_extent_is_where_the_mixture_is(mixed: int) -> None:
    span = _best(_signs(mixed))
    assert span is not None
    assert abs(span.first - STILL) <= 2
    assert abs(span.last - (STILL + mixed - 1)) <= 2
    assert span.likeness < 0.5


def test_no_extent_holds_a_cut() -> None:
    span = _best(_signs(0))
    assert span is None or span.last < STILL - 1 or span.first > STILL


def test_a_short_window_has_no_room() -> None:
    assert _best(_signs(20)[:7]) is None
