"""The real suite without a model: what one would be asked about real material is written down, pictures and all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evals.runner import Plan
from evals.suites._real_projects import RealError
from evals.suites.real import MAKERS, Real, _tells
from tools.media.sheets import read_picture

pytestmark = pytest.mark.long

ASKED = {
    "elara": {"read-sheet", "inspect-sheet", "inspect-shot"},
    "slider2": {"inspect-shot", "compare-shots"},
    "slider4": {"inspect-shot", "compare-shots"},
    "pizza-collab": {"read-sheet", "inspect-sheet", "inspect-shot"},
}


@pytest.mark.parametrize("case", sorted(MAKERS))
def test_every_request_is_saved_with_its_pictures(case: str, shared_data: Path, tmp_path: Path) -> None:
    del shared_data
    folder = tmp_path / case
    folder.mkdir()
    line = Real().run(Plan(suite="real"), case, folder)
    (row,) = line.rows
    saved = sorted(one for one in (folder / "requests").iterdir() if one.is_dir())
    assert {one.name.partition("-")[2] for one in saved} == ASKED[case]
    assert row["requests"] == len(saved)
    for one in saved:
        request = json.loads((one / "request.json").read_text(encoding="utf-8"))
        parts = request["messages"][1]["content"]
        captions = [part["text"] for part in parts if part["type"] == "text"][1:]
        named = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
        assert len(captions) == len(named) > 0
        for caption, name in zip(captions, named, strict=True):
            height, width = read_picture(one / name).shape[:2]
            assert caption.endswith(f"{width} x {height} pixels.")
    page = (folder / "requests" / "index.html").read_text(encoding="utf-8")
    assert page.count("<section") == len(saved)


def test_words_tell_an_error_when_they_say_most_of_it() -> None:
    error = RealError(who="girl", what="girl dress pink", where="SH020")
    assert _tells("SH020 girl a pink dress an orange striped dress", error)
    assert not _tells("SH030 girl a pink dress", error)
    assert not _tells("SH020 grandpa a grey shirt", error)
