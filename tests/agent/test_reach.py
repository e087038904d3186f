"""Why nobody may take an edit, in one line: the limit that all have, and who comes nearest; or the user's area."""

from __future__ import annotations

from pathlib import Path

from agent.reach import in_short, out_of_reach
from agent.schema import Dropped, Film
from tests.agent.samples import sample
from tools.editors.base import Capabilities, Limits
from tools.types import Clip, Edit

FILM = sample(Film).model_copy(update={"width": 640, "height": 360, "fps": 24})
LONG = Edit(key="k", action="regenerate", clip=Clip(media=Path("a.mp4"), first=0, last=479))


def able(**limits: Limits) -> dict[str, Capabilities]:
    made = {"actions": frozenset({"regenerate"}), "local": False}
    return {name: Capabilities.model_validate({**made, "limits": limit}) for name, limit in limits.items()}


def test_a_clip_too_long_for_all_names_the_limit_of_who_comes_nearest() -> None:
    known = able(short=Limits(durations=(10, 5)), nearest=Limits(seconds=(1, 15)), shorter=Limits(seconds=(1, 5)))
    words = out_of_reach(known, LONG, FILM, None)
    assert words is not None
    assert "nearest comes nearest and makes at most 15 s; this clip lasts 20 s" in words
    assert out_of_reach({**known, **able(any=Limits())}, LONG, FILM, None) is None


def test_a_clip_of_a_size_that_nobody_takes_names_the_limit() -> None:
    tall = able(tall=Limits(side=(720, 1000)))
    words = out_of_reach(tall, LONG, FILM, None)
    assert words is not None
    assert "tall comes nearest and takes pictures of 720 to 1000 pixels a side; this clip is 640x360" in words


def test_an_area_in_which_nobody_may_be_used_is_named() -> None:
    barred = {name: can.model_copy(update={"blocked_regions": ("EEA", "CH")}) for name, can in able(a=Limits()).items()}
    assert (
        out_of_reach(barred, LONG, FILM, "de") == "a may not be used in EEA (SUTURE_REGION = de), and nobody else can"
    )
    assert out_of_reach(barred, LONG, FILM, "US") is None
    assert out_of_reach({**barred, **able(b=Limits())}, LONG, FILM, "de") is None
    assert out_of_reach({}, LONG, FILM, "de") is None


def test_what_is_said_of_many_is_said_once_and_last() -> None:
    others = [Dropped(editor=f"e{n}", why="cannot inpaint") for n in range(5)]
    keys = [Dropped(editor=name, why="FAL_KEY is not accepted") for name in ("vace", "void")]
    assert in_short([*others, *keys]) == "vace, void FAL_KEY is not accepted; 5 editors cannot inpaint"
