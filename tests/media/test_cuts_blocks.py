"""Whether frames show two scenes at once, told from frames of one scene that moves."""

from __future__ import annotations

import cv2
import numpy as np

from tools.media._cuts_blocks import AT, blended
from tools.types import Gray


def _scene(seed: int, moved: int = 0) -> Gray:
    noise = np.random.default_rng(seed).integers(20, 235, (9, 16), np.uint8)
    return np.roll(np.asarray(cv2.resize(noise, (160, 90), interpolation=cv2.INTER_CUBIC), np.uint8), moved, 1)


def test_a_mixture_is_likelier_than_motion_and_than_a_third_scene() -> None:
    before, after = _scene(1), _scene(2, 4)
    mixed = [np.asarray((1 - s) * _scene(1, round(4 * s)) + s * _scene(2, round(4 * s)), np.uint8) for s in AT]
    dissolve = blended(0.0, before, mixed, after)
    assert dissolve > 2
    moving = [_scene(1, round(10 * share)) for share in AT]
    assert blended(0.0, before, moving, _scene(1, 10)) < dissolve - 2
    assert blended(0.0, before, [_scene(3)] * len(AT), after) < dissolve - 2


def test_flat_pictures_say_nothing() -> None:
    flat = np.full((90, 160), 120, np.uint8)
    assert np.isfinite(blended(0.0, flat, [flat] * len(AT), flat))
    assert blended(0.0, _scene(1), [flat] * len(AT), _scene(2)) < 0
