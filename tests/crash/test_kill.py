"""A run that is killed and resumed ends as one that nobody touched: real processes, real SIGKILL, a real film.

Three shots: one clean, one with a small thing that pops in (repaired here), one with a thing too large to fill.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from tests.agent.films import popped, shot_file, sketch
from tools.media.decode import frames
from tools.types import Box

FRAMES = 24
EDGES = (
    "inspect.finished:SH030",
    "trace.finished",
    "repair-shots.started",
    "ledger.intent:SH020",
    "ledger.submitted:SH020",
    "fetch.finished:SH020",
    "verify.finished:SH020",
    "commit.finished:SH020",
    "conform.finished",
    "report.finished",
)
"""Every kind of edge, in the order in which a life of the run passes them."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, with nothing run in it yet."""
    root = tmp_path_factory.mktemp("film")
    (root / "shots").mkdir()
    small, large = Box(70, 40, 22, 18), Box(40, 16, 84, 64)
    shot_file(root / "shots" / "a.mp4", sketch(1, FRAMES))
    shot_file(root / "shots" / "b.mp4", popped(sketch(2, FRAMES, pan=0), small, 8, 16, pan=0))
    shot_file(root / "shots" / "c.mp4", popped(sketch(3, FRAMES, pan=0), large, 6, 18, pan=0))
    (root / "film.toml").write_text('[film]\ntitle = "Three shots"\nshots = ["shots/*.mp4"]\n')
    return root


def suture(*arguments: object, crash_at: str = "") -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", "from agent.cli import main; main()", *map(str, arguments)]
    environment = {**os.environ, "SUTURE_CRASH_AT": crash_at}
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def copy_of(template: Path, folder: Path) -> Path:
    return Path(shutil.copytree(template, folder / "project"))


def rows(project: Path, query: str) -> list[Any]:
    with sqlite3.connect(project / ".suture" / "suture.db") as database:
        found = database.execute(query).fetchall()
    database.close()
    return found


def decoded(file: Path) -> str:
    """A hash of every decoded plane of every frame."""
    whole = hashlib.sha256()
    for frame in frames(file):
        for plane in frame.planes:
            whole.update(plane.tobytes())
    return whole.hexdigest()


def ending(project: Path, printed: str) -> dict[str, Any]:
    """Everything that must not depend on how often the run died."""
    films = sorted((project / ".suture" / "runs").rglob("*_v0*.mp4"))
    return {
        "result": json.loads(printed),
        "ledger": rows(project, "select key, shot, editor, method, state, verdict from ledger order by key"),
        "versions": rows(project, "select shot, number, path, lineage from versions order by shot, number"),
        "frames": {str(film.relative_to(project)): decoded(film) for film in films},
    }


@pytest.fixture(scope="module")
def untouched(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How the run ends when nobody touches it."""
    project = copy_of(template, tmp_path_factory.mktemp("untouched"))
    life = suture("pass", project, "--json")
    printed, said = life.communicate()
    assert life.returncode == 3, said
    return ending(project, printed)


def test_the_film_has_every_kind_of_ending(untouched: dict[str, Any]) -> None:
    outcomes = {one["shot"]: one["status"] for one in untouched["result"]["outcomes"]}
    assert outcomes == {"SH010": "clean", "SH020": "fixed", "SH030": "waiting"}
    job = untouched["result"]["outcomes"][2]["job"]
    assert job["action"] in ("retake", "regenerate")
    assert job["prompt"]


@pytest.mark.long
def test_killed_at_every_edge_it_ends_the_same(template: Path, untouched: dict[str, Any], tmp_path: Path) -> None:
    project = copy_of(template, tmp_path)
    arguments: tuple[object, ...] = ("pass", project, "--json")
    for edge in EDGES:
        life = suture(*arguments, crash_at=edge)
        _, said = life.communicate()
        assert life.returncode == -signal.SIGKILL, (edge, said)
        arguments = ("resume", f"{project}:run-001", "--json")
    last = suture(*arguments)
    printed, said = last.communicate()
    assert last.returncode == 3, said
    assert ending(project, printed) == untouched
    assert rows(project, "select count(*), count(distinct key) from ledger")[0] == (1, 1)


def until(stream: IO[str] | None, words: str) -> None:
    """Reads until a line says so."""
    assert stream is not None
    for line in stream:
        if words in line:
            return
    raise AssertionError(f"the run never said {words!r}")


def test_a_signal_stops_it_and_names_the_way_on(template: Path, untouched: dict[str, Any], tmp_path: Path) -> None:
    project = copy_of(template, tmp_path)
    life = suture("pass", project, "--json")
    until(life.stderr, "editing: SH020")
    life.send_signal(signal.SIGTERM)
    printed, said = life.communicate(timeout=5)
    assert (life.returncode, printed) == (4, "")
    assert said.strip().splitlines()[-1].endswith(f"`suture resume {project}:run-001` continues")
    on = suture("resume", f"{project}:run-001", "--json")
    printed, said = on.communicate()
    assert on.returncode == 3, said
    assert ending(project, printed) == untouched


def test_one_process_writes_a_film(template: Path, tmp_path: Path) -> None:
    project = copy_of(template, tmp_path)
    first = suture("pass", project)
    until(first.stderr, "looking at the shots")
    first.send_signal(signal.SIGSTOP)
    second = suture("scan", project)
    _, said = second.communicate()
    assert second.returncode == 2
    assert "run-001" in said
    first.kill()
    first.communicate()


@pytest.mark.long
def test_a_killed_run_is_listed_as_stopped_and_asks_as_it_was_told(template: Path, tmp_path: Path) -> None:
    project = copy_of(template, tmp_path)
    suture("pass", project, "--approve", "ask", "--shots", "SH020", crash_at="decide.finished").communicate()
    listed = json.loads(suture("runs", project, "--json").communicate()[0])["runs"]
    assert [one["state"] for one in listed] == ["stopped"]
    resumed = suture("resume", f"{project}:run-001", "--json")
    asked = json.loads(resumed.communicate()[0])["outcomes"]
    assert [(one["shot"], one["status"], one["attempts"]) for one in asked] == [("SH020", "waiting", [])]
    answered = suture("answer", f"{project}:run-001", "SH020", "approve", "--json")
    outcomes = json.loads(answered.communicate()[0])["outcomes"]
    assert [(one["shot"], one["status"], one["version"]) for one in outcomes] == [("SH020", "fixed", 2)]
    assert answered.returncode == 0
    again = suture("answer", f"{project}:run-001", "SH020", "reject")
    assert "asks nothing" in again.communicate()[1]
    assert again.returncode == 2
