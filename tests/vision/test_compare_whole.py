"""Whole shots held against their set-up: another light, another grade, the wrong way round, and what is none of it."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import data

from tools.types import Rgb
from tools.vision.setups import Setups, ShotDigest

pytestmark = pytest.mark.long

Change = Callable[[Rgb], Rgb]


def shot(number: int, change: Change = lambda picture: picture, ramp: float = 0.0) -> ShotDigest:
    """Four key frames of a slow pan over a photograph; `ramp` brightens the later ones."""
    rng = np.random.default_rng(number)
    keys = []
    for key in range(4):
        window = np.array([[1, 0, 30 + 8 * key + 3 * number], [0, 1, 40 + 2 * number]], np.float64)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(data.coffee(), window, (480, 270), flags=flags).astype(np.float32)
        lifted = picture * (1 + ramp * key) + rng.normal(0, 2, picture.shape)
        keys.append(change(np.clip(lifted, 0, 255).astype(np.uint8)))
    still = tuple(np.zeros((270, 480), np.bool_) for _ in keys)
    return ShotDigest(480, 270, 24, (0, 8, 16, 23), tuple(keys), still)


def in_linear_light(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    def changed(picture: Rgb) -> Rgb:
        light = change((picture / 255.0) ** 2.2)
        return np.asarray(255 * np.clip(light, 0, 1) ** (1 / 2.2), np.uint8)

    return changed


warm = in_linear_light(lambda light: light * np.array([1.3, 1.0, 0.7]))
lit_from_the_right = in_linear_light(lambda light: light * np.linspace(0.4, 1.5, light.shape[1])[None, :, None])
lifted = in_linear_light(lambda light: light**0.75)


def turned(picture: Rgb) -> Rgb:
    return np.ascontiguousarray(picture[:, ::-1])


@pytest.mark.parametrize(
    ("change", "kind", "category"),
    [
        (warm, "look", "lighting"),
        (lit_from_the_right, "look", "lighting"),
        (lifted, "look", "colour"),
        (turned, "mirrored", "screen-direction"),
    ],
    ids=["warm", "from the right", "lifted", "mirrored"],
)
def test_the_odd_shot_of_a_setup_is_named(change: Change, kind: str, category: str) -> None:
    found = Setups({"SH010": shot(0), "SH020": shot(1, change), "SH030": shot(2), "SH040": shot(3)}).differences()
    whole = [(name, one.kind, one.category) for name, one in found if one.confidence >= 0.6]
    assert whole == [("SH020", kind, category)]
    assert found[0][1].track.frames == (0, 23)
    assert found[0][1].track.box == (0, 0, 480, 270)


def test_one_against_one_stays_open() -> None:
    found = Setups({"SH010": shot(0), "SH020": shot(1, turned)}).differences()
    assert all(one.confidence < 0.5 for _, one in found)


def test_a_ramp_within_a_shot_is_no_other_light() -> None:
    assert (
        Setups({"SH010": shot(0), "SH020": shot(1, ramp=0.06), "SH030": shot(2), "SH040": shot(3)}).differences() == []
    )


def ramping(number: int, first: float, last: float) -> ShotDigest:
    """A shot whose exposure runs from one factor to another; where it equals the others' lies between key frames."""
    base = shot(number)
    factors = np.linspace(first, last, len(base.keys))
    keys = tuple(
        np.asarray(np.clip(key * factor, 0, 255), np.uint8) for key, factor in zip(base.keys, factors, strict=True)
    )
    return ShotDigest(base.width, base.height, base.frames, base.indices, keys, base.moving)


@pytest.mark.parametrize(("first", "last"), [(0.55, 1.35), (1.4, 0.7)])
def test_a_ramp_that_passes_the_light_of_the_others_between_two_key_frames_is_no_other_light(
    first: float, last: float
) -> None:
    found = Setups(
        {"SH010": shot(0), "SH020": ramping(1, first, last), "SH030": shot(2), "SH040": shot(3)}
    ).differences()
    assert not [name for name, one in found if one.kind == "look" and one.confidence >= 0.5]


def test_something_before_the_middle_key_frame_does_not_hide_that_a_shot_is_mirrored() -> None:
    flipped = shot(1, turned)
    covered = list(flipped.keys)
    covered[2] = covered[2].copy()
    covered[2][40:, 60:420] = (30, 60, 50)
    one = ShotDigest(flipped.width, flipped.height, flipped.frames, flipped.indices, tuple(covered), flipped.moving)
    found = Setups({"SH010": shot(0), "SH020": one, "SH030": shot(2), "SH040": shot(3)}).differences()
    assert [name for name, each in found if each.kind == "mirrored" and each.confidence >= 0.5] == ["SH020"]
