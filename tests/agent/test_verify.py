"""What a take is judged by depends on what was done: a region, a stretch of time, or the whole shot."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from agent.stages.verify import verify
from tests.media.made import make_film, texture
from tools.types import Clip, Edit, Reference

SIZE, COUNT = (96, 64), 12


def judged(edit: Edit, take: Path) -> list[str]:
    return [check.name for check in verify(edit, take, lambda media: False).checks]


def test_each_action_is_judged_by_its_own_checks(tmp_path: Path) -> None:
    film = make_film(tmp_path / "shot.mkv", codec="ffv1", size=SIZE, count=COUNT)
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[20:40, 30:60] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    cv2.imwrite(str(tmp_path / "first.png"), texture(*SIZE, 0)[..., ::-1])
    opens = Reference(path=tmp_path / "first.png", kind="frame", what="SH010@11", role="first")
    clip = Clip(media=film, first=0, last=COUNT - 1)
    region = Edit(key="a", action="inpaint", clip=clip, mask=tmp_path / "mask.png")
    stretch = Edit(key="b", action="retake", clip=clip, window=(4, 7))
    again = Edit(key="c", action="regenerate", clip=clip, references=(opens,))
    unlike = Edit(key="d", action="regenerate", clip=clip, keeps_look=False)
    assert judged(region, film) == ["seam", "flicker", "colour", "grain", "outside", "stream", "landed"]
    assert judged(stretch, film) == ["flicker", "colour", "grain", "outside", "stream", "landed"]
    assert judged(again, film) == ["stream", "colour", "seam", "landed"]
    assert judged(unlike, film) == ["stream", "landed"]
    assert verify(again, film, lambda media: False).verdict == "pass"
    assert verify(again, film, lambda media: True).verdict == "fail"
