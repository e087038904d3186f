"""One suite for every editor on the roster that runs on this machine."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media.made import make_film
from tools.editors.base import Editor
from tools.editors.registry import House, build, roster, whole_roster
from tools.errors import BadInput, Broken, Refused
from tools.media.probe import probe
from tools.types import Clip, Edit, Job

LOCAL = [name for name, entry in roster().items() if entry.capabilities.local and not entry.capabilities.weights]
"""Editors that need weights are held to the same in their own tests, with tiny ones."""


@pytest.fixture(params=LOCAL)
def editor(request: pytest.FixtureRequest, tmp_path: Path) -> Editor:
    return build(request.param, House(tmp_path / "home"))


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    film = make_film(tmp_path / "source.mkv", codec="ffv1")
    mask = np.zeros((64, 96), np.uint8)
    mask[20:40, 30:60] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    clip = Clip(media=film, first=2, last=9)
    return Edit(key="film/SH010/1", action="inpaint", clip=clip, mask=tmp_path / "mask.png", method="spatial")


def test_a_quote_spends_nothing(editor: Editor, edit: Edit) -> None:
    quote = editor.quote(edit)
    assert quote.usd == Decimal(0)
    assert quote.seconds > 0


def test_a_job_can_be_finished_by_another_process(editor: Editor, edit: Edit, tmp_path: Path) -> None:
    job = asyncio.run(editor.submit(edit))
    assert asyncio.run(editor.submit(edit)) == job
    later = build(editor.name, House(tmp_path / "home"))
    assert asyncio.run(later.poll(job)).state == "done"
    takes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        take = asyncio.run(later.fetch(job, tmp_path / name))
        assert (probe(take.media).frames, probe(take.media).width) == (8, 96)
        takes.append(take.media.read_bytes())
    assert takes[0] == takes[1]


def test_a_cancelled_or_unknown_job_says_so(editor: Editor, edit: Edit, tmp_path: Path) -> None:
    job = asyncio.run(editor.submit(edit))
    asyncio.run(editor.cancel(job))
    asyncio.run(editor.cancel(job))
    for lost in (job, Job(editor=editor.name, handle="nobody")):
        assert asyncio.run(editor.poll(lost)).state == "failed"
        with pytest.raises(Broken):
            asyncio.run(editor.fetch(lost, tmp_path))


def test_what_it_cannot_do_is_refused_before_it_is_sent(editor: Editor, edit: Edit) -> None:
    for impossible in (
        edit.model_copy(update={"action": "regenerate"}),
        edit.model_copy(update={"mask": None}),
        edit.model_copy(update={"method": "prayer"}),
    ):
        with pytest.raises(Refused):
            editor.quote(impossible)
        with pytest.raises(Refused):
            asyncio.run(editor.submit(impossible))


def test_the_roster_is_read_strictly(tmp_path: Path) -> None:
    assert roster()["plate"].capabilities.priors["inpaint"].mean == pytest.approx(0.7)
    odd = tmp_path / "roster.toml"
    odd.write_text('[editors.wish]\nmodule = "x"\nlocal = true\nactions = ["inpaint"]\nspeed = 3\n')
    with pytest.raises(BadInput, match=r"\[editors\.wish\] speed"):
        whole_roster(odd)
    with pytest.raises(BadInput, match="'wish'"):
        build("wish", House(tmp_path))
