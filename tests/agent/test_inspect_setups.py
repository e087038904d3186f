"""Which findings a comparison of shots answers: the same change read the other way round, and no other one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.schema import Shot
from agent.stages.inspect_setups import is_other_side
from tools.types import Anomaly, Box, Clip, MaskTrack

CLIP = Clip(media=Path("film.mp4"), first=0, last=23)
SHOT = Shot(id="SH010", clip=CLIP, source=CLIP)
PLACE = Box(200, 100, 40, 30)


def track(box: Box, first: int, last: int) -> MaskTrack:
    mask = np.ones((box.h, box.w), np.bool_)
    return MaskTrack(640, 360, dict.fromkeys(range(first, last + 1), (box, mask)))


def moment(first: int, last: int) -> Anomaly:
    """What one key frame alone shows against the set-up, followed to where it comes or goes."""
    return Anomaly("moment", track(PLACE, first, last), "prop", "", "", 0.8, ())


def test_what_comes_in_mid_shot_may_be_missing_before() -> None:
    assert is_other_side(moment(0, 8), track(PLACE, 9, 23), SHOT)


@pytest.mark.parametrize(
    "other",
    [
        track(PLACE, 3, 13),  # comes and goes: the frames on both sides agree
        track(Box(40, 20, 560, 320), 0, 13),  # far larger
        track(PLACE, 0, 11),  # not just before
    ],
)
def test_other_changes_are_left_alone(other: MaskTrack) -> None:
    assert not is_other_side(moment(14, 23), other, SHOT)
