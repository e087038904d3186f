"""`suture fix` on the sample film: exactly what was asked for, its cause named, the rest offered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.media.cuts import find_cuts
from tools.media.decode import frames
from tools.media.masks import read_track
from tools.media.pixels import luma8
from tools.types import Clip

ROOT = Path(__file__).resolve().parents[2]
REQUEST = "remove Mara's earpiece in SH020, keep everything else"


def suture(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def fixed(launch_day: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, dict[str, Any]]:
    """The sample film after the request, read by the grammar, looked at and judged by the scripted model."""
    film = tmp_path_factory.mktemp("fix") / "film"
    shutil.copytree(launch_day, film)
    code, out, error = suture("fix", str(film), REQUEST, "--rehearse", "--inspector", "vlm", "--json")
    assert out, error
    return film, code, json.loads(out)


def test_the_shot_is_fixed_and_no_other_is_touched(fixed: tuple[Path, int, dict[str, Any]]) -> None:
    _, code, result = fixed
    assert code == 0
    assert [(o["shot"], o["status"], o["version"]) for o in result["outcomes"]] == [("SH020", "fixed", 2)]
    assert [fix["thing"] for fix in result["request"]["fixes"]] == ["earpiece"]
    assert result["request"]["constraints"]["keep"] == ["everything-else"]
    assert result["sheet_versions"] == []


def test_outside_of_the_mask_the_takes_are_the_same(fixed: tuple[Path, int, dict[str, Any]]) -> None:
    """The verified takes are lossless and were composited by the gate: outside no sample differs."""
    film, _, result = fixed
    for outcome in result["outcomes"]:
        finding = next(f for f in result["findings"] if f["shot"] == outcome["shot"])
        attempt = outcome["attempts"][-1]
        outside = next(check for check in attempt["checks"] if check["name"] == "outside")
        assert outside["holds"]
        cut = next(one for one in find_cuts(film / "film.mp4").shots if one.id == outcome["shot"])
        source = Clip(media=film / "film.mp4", first=cut.first, last=cut.last)
        track = read_track(film / finding["mask"])
        far = ~_grown(track.at(24))
        take = Clip(media=film / attempt["take"], first=0, last=47)
        before, after = (luma8(next(iter(frames(_at(one, 24))))) for one in (source, take))
        assert np.array_equal(before[far], after[far])
        assert not np.array_equal(before[track.at(24)], after[track.at(24)])


def _at(clip: Clip, index: int) -> Clip:
    return Clip(media=clip.media, first=clip.first + index, last=clip.first + index)


def _grown(mask: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    near = np.zeros_like(mask)
    near[max(0, rows[0] - 16) : rows[-1] + 17, max(0, columns[0] - 16) : columns[-1] + 17] = True
    return near


def test_the_panel_is_named_and_the_rest_is_offered(fixed: tuple[Path, int, dict[str, Any]]) -> None:
    _, _, result = fixed
    (cause,) = result["causes"]
    assert cause["kind"] == "sheet-panel"
    (offer,) = [words for words in result["notices"] if "made from too" in words]
    assert cause["ref"] in offer
    assert "in SH030 and SH040" in offer


def test_the_model_looked_and_judged_in_both_orders(fixed: tuple[Path, int, dict[str, Any]]) -> None:
    film, _, result = fixed
    judged = {use["about"]: use for use in result["model_use"] if use["prompt"] == "judge-repair@1"}
    assert {f["id"] for f in result["findings"]} == set(judged)
    assert all(use["calls"] == 2 for use in judged.values())
    assert all("asked in both orders" in o["attempts"][-1]["judged"] for o in result["outcomes"])
    page = (film / result["files"]["report"]).read_text(encoding="utf-8")
    for said in ("rehearsal", "inspect-shot@1", "judge-repair@1", "What was asked for", "tokens"):
        assert said in page


@pytest.mark.parametrize(
    ("request_words", "code", "says"),
    [
        ("remove the earpiece in SH990", 3, "no shot SH990"),
        ("delete the original files", 0, "nothing Suture does"),
    ],
)
def test_what_is_no_plan_touches_nothing(
    launch_day: Path, tmp_path: Path, request_words: str, code: int, says: str
) -> None:
    film = tmp_path / "film"
    film.mkdir()
    for name in ("film.mp4", "film.toml"):
        shutil.copyfile(launch_day / name, film / name)
    shutil.copytree(launch_day / "sheets", film / "sheets")
    got, out, _ = suture("fix", str(film), request_words, "--inspector", "pixels")
    assert got == code
    assert says in " ".join(out.split())
    assert not list((film / ".suture" / "runs").rglob("*.mp4"))
