"""Which findings a comparison of shots answers: the same change read the other way round, and no other one.

And which of its claims are owed to shots that are wrong themselves.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage import data

from agent.schema import Shot
from agent.stages.inspect_setups import is_other_side, is_owed
from tools.types import Anomaly, Box, Clip, Evidence, MaskTrack
from tools.vision.setups import Setups, ShotDigest

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


def missing(*others: str) -> Anomaly:
    """What other shots show at a place and this one does not."""
    evidence = tuple(Evidence(kind="shot", ref=other) for other in others)
    return Anomaly("colours", track(PLACE, 4, 4), "prop", "", "", 0.6, evidence)


def test_a_claim_that_rests_on_shots_that_are_wrong_there_is_owed_to_them() -> None:
    wrong = [("SH020", track(PLACE, 0, 23)), ("SH030", track(PLACE, 0, 23))]

    def everywhere(*_: object) -> bool:
        return True

    def nowhere(*_: object) -> bool:
        return False

    assert is_owed("SH010", missing("SH020", "SH030"), wrong, everywhere)
    assert is_owed("SH010", missing("SH020", "SH030", "SH040"), wrong, everywhere)
    assert not is_owed("SH010", missing("SH020", "SH030"), wrong, nowhere)
    assert not is_owed("SH010", missing("SH020", "SH040", "SH050"), wrong, everywhere)
    assert not is_owed("SH010", missing("SH040", "SH050"), wrong, everywhere)


def test_a_place_is_carried_from_shot_to_shot_by_what_both_show() -> None:
    wide = np.asarray(data.coffee()[:360, :600], np.uint8)
    shown = {"SH010": wide[:, :520], "SH020": wide[:, 80:]}
    digests = {
        shot: ShotDigest(520, 360, 24, (4,), (np.ascontiguousarray(key),), (np.zeros((360, 520), np.bool_),))
        for shot, key in shown.items()
    }
    there, elsewhere = (
        MaskTrack(520, 360, {4: (box, np.ones((box.h, box.w), np.bool_))}) for box in (Box(220, 150, 60, 50), PLACE)
    )
    seed = MaskTrack(520, 360, {4: (Box(300, 150, 60, 50), np.ones((50, 60), np.bool_))})
    setups = Setups(digests)
    assert setups.lies_on("SH020", there, "SH010", seed)
    assert not setups.lies_on("SH020", elsewhere, "SH010", seed)
