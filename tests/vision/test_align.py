"""Alignment finds the matrix that made the second picture, and nothing where there is nothing."""

from __future__ import annotations

import cv2
import numpy as np
from skimage import data

from tests.vision.scenes import HEIGHT, WIDTH, backdrop, rectangle, seen
from tools.vision.align import align, plausible, project

CORNERS = np.array([[40.0, 40.0], [600.0, 40.0], [600.0, 320.0], [40.0, 320.0]])


def test_a_perspective_is_recovered_to_a_fraction_of_a_pixel() -> None:
    a = seen(backdrop(), 400, 250)
    moved = CORNERS + np.array([[12.0, -8.0], [-20.0, 15.0], [8.0, 22.0], [-5.0, -12.0]])
    truth = cv2.getPerspectiveTransform(CORNERS.astype(np.float32), moved.astype(np.float32))
    b = np.asarray(cv2.warpPerspective(a, truth, (WIDTH, HEIGHT)), np.uint8)
    found = align(a, b, refined=True)
    assert found is not None
    assert found.model == "homography"
    assert np.abs(project(found.matrix, CORNERS) - moved).max() < 0.2
    assert found.spread > 0.5
    assert found.residual < 1


def test_a_smaller_copy_is_a_similarity() -> None:
    a = seen(backdrop(), 400, 250)
    b = cv2.resize(a, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    found = align(a, np.asarray(b, np.uint8))
    assert found is not None
    assert found.model == "similarity"
    assert np.abs(project(found.matrix, CORNERS) - CORNERS / 2).max() < 1


def test_only_what_a_mask_allows_is_looked_at() -> None:
    scene, half = backdrop(), rectangle(0, 0, WIDTH // 2, HEIGHT)
    a, b = seen(scene, 400, 250), seen(scene, 400, 250)
    b[half] = seen(scene, 430, 250)[half]
    left, right = align(a, b, half, half), align(a, b, ~half, ~half)
    assert left is not None
    assert right is not None
    assert abs(left.matrix[0, 2] + 30) < 1
    assert abs(right.matrix[0, 2]) < 1


def test_strangers_do_not_align() -> None:
    coffee = cv2.cvtColor(data.coffee(), cv2.COLOR_RGB2GRAY)
    assert align(seen(backdrop(), 400, 250), coffee) is None
    assert align(np.full((90, 160), 128, np.uint8), coffee) is None


def test_a_folded_matrix_is_not_plausible() -> None:
    assert plausible(np.eye(3), 64, 64)
    assert not plausible(np.diag([-1.0, 1.0, 1.0]), 64, 64)
    assert not plausible(np.diag([1e-6, 1.0, 1.0]), 64, 64)
