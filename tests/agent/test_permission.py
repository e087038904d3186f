"""Who may see footage: whom the film allows, and whom a person on a terminal said yes to."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from agent.deps import RunOptions
from agent.runs import strangers
from tests.agent.films import shot_file, sketch
from tools.editors.registry import whole_roster

KEYS = {"LUMA_API_KEY": "luma-1", "RUNWAYML_API_SECRET": "runway-1"}


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clean film of twelve frames in a house with two providers' keys."""
    for provider in whole_roster().providers.values():
        for key in (key for group in provider.keys for key in group):
            monkeypatch.delenv(key, raising=False)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("SUTURE_MODEL", raising=False)
    shot_file(tmp_path / "shot.mp4", sketch(1, 12))
    (tmp_path / "film.toml").write_text('[film]\nmedia = "shot.mp4"\n')
    return tmp_path


def names(film: Path, **options: object) -> list[str]:
    return [one.name for one in strangers(film, RunOptions.model_validate(options))]


def test_whoever_could_be_sent_footage_is_asked_about_once(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names(film) == ["luma", "runway"]
    assert names(film, only=("ray-3.2", "plate")) == ["luma"]
    for nobody in ({"goal": "plan"}, {"offline": True}, {"rehearse": True}):
        assert names(film, **nobody) == []
    monkeypatch.setenv("SUTURE_MODEL", "gpt-5.2")
    assert names(film, goal="scan") == ["openai"]
    assert names(film, goal="scan", inspector="pixels") == []
    (film / "film.toml").write_text('[film]\nmedia = "shot.mp4"\nallow = ["luma", "openai"]\n')
    assert names(film) == ["runway"]


def test_on_a_terminal_each_is_asked_about_and_the_answers_hold_for_the_run(film: Path) -> None:
    terminal, end = pty.openpty()
    argv = [sys.executable, "-c", "from agent.cli import main; main()", "pass", str(film), "--json", "--quiet"]
    os.write(terminal, b"y\nn\n")
    done = subprocess.run(argv, stdin=end, stdout=subprocess.PIPE, stderr=end, text=True, check=False)
    os.close(end)
    asked = os.read(terminal, 65536).decode()
    os.close(terminal)
    assert done.returncode == 0, asked
    assert json.loads(done.stdout)["clean"] == ["SH010"]
    assert asked.count("be sent footage") == 2
    assert asked.index("Luma") < asked.index("Runway")
    with closing(connect(film / ".suture" / "suture.db")) as base:
        (options,) = base.execute("select options from runs").fetchone()
    assert json.loads(options)["allowed"] == ["luma"]
