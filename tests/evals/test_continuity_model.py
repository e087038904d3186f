"""`suture eval continuity --inspector vlm` on a film of one's own: scored, with tokens and dollars per shot."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.agent.films import FPS, HEIGHT, WIDTH, popped, shot_file, sketch
from tools.media.masks import write_mask
from tools.types import Box, MaskTrack

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 24
DISC = Box(60, 34, 36, 30)
FIRST, LAST = 8, 16


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Two shots of one scene, a disc popping into the second one, and the labels that say so."""
    film = tmp_path / "film"
    (film / "shots").mkdir(parents=True)
    second = sketch(2, FRAMES)
    shot_file(film / "shots" / "a.mp4", sketch(1, FRAMES))
    planted = popped(second, DISC, FIRST, LAST)
    shot_file(film / "shots" / "b.mp4", planted)
    masks = {index: np.any(planted[index] != second[index], axis=2) for index in range(FIRST, LAST + 1)}
    write_mask(film / "disc.mkv", MaskTrack.of(masks, WIDTH, HEIGHT), FRAMES, FPS)
    (film / "film.toml").write_text(
        '[film]\ntitle = "Tiny"\nshots = ["shots/*.mp4"]\n'
        '[[shot]]\nid = "SH010"\nscene = "SC010"\n[[shot]]\nid = "SH020"\nscene = "SC010"\n',
        encoding="utf-8",
    )
    error = {
        "category": "prop",
        "subject": None,
        "box": [DISC.x, DISC.y, DISC.w, DISC.h],
        "frames": [FIRST, LAST],
        "mask": "disc.mkv",
        "origin": {"kind": "shot", "ref": "SH020"},
        "action": "inpaint",
    }
    labels = {"shots": {"SH010": {"errors": []}, "SH020": {"errors": [error]}}}
    (film / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
    return film


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_model_is_scored_on_labelled_shots_with_what_it_took(labelled: Path, tmp_path: Path) -> None:
    before = contents(labelled)
    cases = tmp_path / "films.txt"
    cases.write_text(f"{labelled}\n", encoding="utf-8")
    call = ("eval", "continuity", "--inspector", "vlm", "--cases", str(cases))
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", *call, "--out", str(tmp_path / "out"), "--json"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith(("SUTURE_MODEL", "OPENAI_"))},
        check=False,
    )
    result = json.loads(done.stdout)
    assert result["failed_cases"] == [], done.stderr
    assert result["missed"] == ["trace.accuracy is None, not at least 0.9"]  # nothing of this film leads to a sheet
    assert done.returncode == 1
    assert (result["shots"], result["clean"]) == (2, 1)
    assert result["detect"]["recall"] == 1.0
    assert result["detect"]["false_alarms_per_10_clean"] == 0.0
    assert result["model"]["tokens_per_shot"] > 0
    assert result["model"]["usd_per_shot"] == 0.0  # the scripted model costs nothing
    assert contents(labelled) == before
