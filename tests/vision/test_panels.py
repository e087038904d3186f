"""Panels of one character against each other, on a photograph that ships with scikit-image."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from tools.types import Bits, Rgb
from tools.vision.panels import compare_panels

VIEWS = {
    "cat/wide": (0, 0, 451, 300),
    "cat/face": (60, 0, 300, 250),
    "cat/eyes": (100, 40, 220, 150),
    "cat/left": (40, 20, 260, 220),
}
SPOT = (190, 150)


def _panels(faulty: str | None, seed: int) -> tuple[dict[str, Rgb], Bits]:
    """Crops of Chelsea at three scales with their own light, a dark disc painted on one of them; the disc's mask."""
    rng = np.random.default_rng(seed)
    clean = data.chelsea()
    marked = cv2.circle(clean.copy(), SPOT, 8, (30, 40, 90), -1)
    disc = cv2.circle(np.zeros(clean.shape[:2], np.uint8), SPOT, 8, 255, -1)
    panels, mask = {}, np.zeros((1, 1), np.bool_)
    for ref, (x, y, w, h) in VIEWS.items():
        cut = (marked if ref == faulty else clean)[y : y + h, x : x + w]
        size = (400, round(400 * h / w))
        lit = cv2.resize(cut, size, interpolation=cv2.INTER_CUBIC) * rng.uniform(0.85, 1.1) + rng.normal(
            0, 1, (size[1], size[0], 3)
        )
        panels[ref] = np.clip(lit, 0, 255).astype(np.uint8)
        if ref == faulty:
            mask = cv2.resize(disc[y : y + h, x : x + w], size) > 127
    return panels, np.asarray(mask, np.bool_)


@pytest.mark.parametrize("faulty", ["cat/eyes", "cat/wide"])
def test_the_panel_that_contradicts_agreeing_siblings_is_named(faulty: str) -> None:
    panels, disc = _panels(faulty, seed=5)
    (found,) = compare_panels(panels)
    assert found.panel == faulty
    assert len(found.agree) >= 2
    assert faulty not in found.agree
    assert (found.mask & disc).sum() > 0.6 * (found.mask | disc).sum()


def test_clean_panels_say_nothing() -> None:
    assert compare_panels(_panels(None, seed=6)[0]) == []


def test_two_panels_leave_it_undecided() -> None:
    panels, _ = _panels("cat/eyes", seed=7)
    (found,) = compare_panels({ref: panels[ref] for ref in ("cat/eyes", "cat/face")})
    assert found.agree == ()
    assert {found.panel, *found.disagree} == {"cat/eyes", "cat/face"}
    assert found.confidence <= 0.4


def test_pictures_of_different_things_are_not_comparable() -> None:
    assert compare_panels({"a/one": data.coffee(), "a/two": data.rocket(), "a/three": data.astronaut()}) == []
