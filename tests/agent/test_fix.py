"""`suture fix` on four shots of the sample film: exactly what was asked for, its cause named, the rest offered."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.agent.small_film import cut_down
from tools.media.decode import frames
from tools.media.masks import read_track
from tools.media.pixels import luma8
from tools.types import Clip

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
REQUEST = "remove Mara's earpiece in SH020, keep everything else"
STRETCHES = dict.fromkeys(("SH010", "SH020", "SH030", "SH040"), (24, 8))
"""What is taken of each shot: a stretch in which every earpiece is seen."""
MIDDLE = 4


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
def small(launch_day: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample film's first four shots at half their size and for eight frames each, with labels and sheets."""
    return cut_down(launch_day, tmp_path_factory.mktemp("small") / "film", STRETCHES)


@pytest.fixture(scope="module")
def fixed(small: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, dict[str, Any]]:
    """The film after the request, read by the grammar, looked at and judged by the scripted model."""
    film = tmp_path_factory.mktemp("fix") / "film"
    shutil.copytree(small, film)
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
        mask = read_track(film / finding["mask"]).at(MIDDLE)
        far = ~_grown(mask)
        source, take = film / "shots" / f"{outcome['shot']}.mp4", film / attempt["take"]
        before, after = (
            luma8(next(iter(frames(Clip(media=one, first=MIDDLE, last=MIDDLE))))) for one in (source, take)
        )
        assert np.array_equal(before[far], after[far])
        assert not np.array_equal(before[mask], after[mask])


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
def test_what_is_no_plan_touches_nothing(small: Path, tmp_path: Path, request_words: str, code: int, says: str) -> None:
    film = tmp_path / "film"
    shutil.copytree(small, film)
    got, out, _ = suture("fix", str(film), request_words, "--inspector", "pixels")
    assert got == code
    assert says in " ".join(out.split())
    assert not list((film / ".suture" / "runs").rglob("*.mp4"))
