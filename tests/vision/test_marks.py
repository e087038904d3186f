"""The mask of a mark that panels contradict, at the outline of the figure that carries it."""

from __future__ import annotations

import cv2
import numpy as np

from tools.vision._compare_difference import Difference
from tools.vision._compare_register import Registration, working_view
from tools.vision._compare_shot import Place, Sighting, Witness, tight_mask

HEIGHT, WIDTH, OUTLINE = 240, 320, 200


def test_the_soft_rim_of_a_mark_ends_where_panels_show_their_backdrop() -> None:
    """A dark mark on a flat figure, a set behind that differs from the panel's plain backdrop as weakly as a shadow."""
    frame = np.full((HEIGHT, WIDTH, 3), 150, np.uint8)
    frame[:, OUTLINE:] = 120
    blob = cv2.ellipse(np.zeros((HEIGHT, WIDTH), np.uint8), (OUTLINE - 22, 120), (20, 14), 0, 0, 360, 1, -1) > 0
    frame[blob] = 30
    behind, nothing = np.zeros((2, HEIGHT, WIDTH), np.bool_)
    behind[:, OUTLINE:] = True
    shadow = cv2.dilate(blob.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    score = np.where(blob, 6, np.where(shadow | behind, 1.6, 0)).astype(np.float32)
    found = Difference(score, ~blob & ~behind, ~behind, behind, blob, blob, blob)
    registration = Registration(np.eye(3), 100, np.zeros((0, 2), np.float32), ~nothing)
    seen = Sighting(0, frame, working_view(frame), (Witness("a/face", registration, found),), blob, ~nothing, {})
    mask = tight_mask(Place(seen, blob, blob.astype(np.float32), 1.0))
    assert mask[blob].all()
    assert mask[shadow & ~behind].mean() > 0.9
    assert not mask[behind].any()
