"""The command line from outside: one line and a code for every wrong call, one JSON document for every right one."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.cli import app, flowing, verdict_on
from agent.errors import Stopped
from tests.agent.films import popped, shot_file, sketch
from tools.errors import BadInput, TryAgain
from tools.media.sheets import write_picture
from tools.types import Box

Suture = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def suture(tmp_path: Path) -> Suture:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", "from agent.cli import main; main()", *map(str, arguments)]
        return subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, check=False)

    return run


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return shot_file(tmp_path / "shot.mp4", sketch(1, 12))


def project(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "film.toml").write_text(text)
    return folder


def wrong_calls(root: Path, film: Path) -> dict[str, tuple[tuple[object, ...], str]]:
    (root / "picture.mp4").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    (root / "empty.mp4").touch()
    (root / "cut.mp4").write_bytes(film.read_bytes()[:900])
    return {
        "missing": (("scan", root / "nope.mp4"), "nope.mp4"),
        "empty": (("cuts", root / "empty.mp4"), "empty"),
        "picture": (("cuts", root / "picture.mp4"), "picture.mp4"),
        "truncated": (("cuts", root / "cut.mp4"), "cut.mp4"),
        "unknown key": (("scan", project(root / "a", '[film]\nmedia = "../shot.mp4"\nmodell = "x"\n')), "film.toml:3"),
        "no such media": (("scan", project(root / "b", '[film]\nmedia = "gone.mp4"\n')), "gone.mp4"),
        "no such shot": (("scan", film, "--shots", "SH990"), "SH990"),
        "no such editor": (("pass", film, "--only", "magic"), "magic"),
        "no key": (("pass", film, "--only", "ray-3.2"), "LUMA"),
        "prefers no key": (("fix", film, "x", "--prefer", "aleph-2"), "RUNWAY"),
        "no such run": (("show", f"{film}:run-099"), "run-099"),
        "no such finding": (("acknowledge", film, "F-none", "--why", "x"), "F-none"),
        "no such sample": (("sample", "nothing", "-o", root / "s"), "nothing"),
        "frame outside": (("mask", film, "--at", 99, "--box", "1,1,9,9", "-o", root / "m.mkv"), "--at 99"),
        "box outside": (("mask", film, "--at", 0, "--box", "150,1,99,9", "-o", root / "m.mkv"), "150"),
        "no seed": (("mask", film, "--at", 0, "-o", root / "m.mkv"), "--box"),
        "two seeds": (
            ("mask", film, "--at", 0, "--box", "1,1,9,9", "--point", "4,4", "-o", root / "m.mkv"),
            "in one way",
        ),
        "no difference": (("mask", film, "--at", 0, "--against", film, "-o", root / "m.mkv"), "does not differ"),
        "not a version": (("revert", film, "SH010@two"), "SH010@two"),
        "nothing older": (("revert", film, "SH010"), "v001"),
        "no such command": (("dance",), "dance"),
        "no such option": (("cuts", film, "--loud"), "--loud"),
        "no argument": (("cuts",), "MEDIA"),
    }


def test_wrong_calls_are_one_line_and_two(
    tmp_path: Path, film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = film.read_bytes()
    monkeypatch.chdir(tmp_path)
    for name, (arguments, named) in wrong_calls(tmp_path, film).items():
        with pytest.raises(Exception) as raised:  # noqa: PT011 - the verdict on any error is what is tested
            app([str(argument) for argument in arguments], standalone_mode=False)
        line, code = verdict_on(raised.value)
        assert (code, "\n" in line) == (2, False), (name, line)
        assert named in line, (name, line)
    assert capsys.readouterr().out == ""
    assert film.read_bytes() == original
    assert not (tmp_path / "m.mkv").exists()


def test_a_wrong_call_from_outside(tmp_path: Path, suture: Suture) -> None:
    for arguments in (("scan", tmp_path / "nope.mp4"), ("dance",)):
        got = suture(*arguments)
        assert (got.returncode, got.stdout, got.stderr.count("\n")) == (2, "", 1)


def test_a_traceback_only_with_debug(tmp_path: Path, suture: Suture) -> None:
    assert "Traceback" not in suture("cuts", tmp_path / "nope.mp4").stderr
    assert "Traceback" in suture("cuts", tmp_path / "nope.mp4", "--debug").stderr


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (BadInput("a.mp4: empty"), 2, "a.mp4: empty"),
        (TryAgain("busy"), 4, "busy"),
        (Stopped("stopped; `suture resume run-001`"), 4, "suture resume run-001"),
        (OSError(errno.ENOSPC, "No space left", "out.mp4"), 4, "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "out.mp4"), 2, "no permission"),
        (RuntimeError("two\nlines"), 4, "unexpected RuntimeError: two lines"),
    ],
)
def test_errors_become_a_line_and_a_code(error: Exception, code: int, words: str) -> None:
    line, got = verdict_on(error)
    assert got == code
    assert words in line
    assert "\n" not in line


def test_json_is_one_document_and_nothing_else(tmp_path: Path, film: Path, suture: Suture) -> None:
    def answer(*arguments: object, code: int = 0) -> Any:
        got = suture(*arguments, "--json")
        assert got.returncode == code, got
        return json.loads(got.stdout)

    cuts = answer("cuts", film)
    assert (cuts["fps"], cuts["frames"]) == ("24/1", 12)
    assert cuts["shots"] == [{"id": "SH010", "first": 0, "last": 11, "opens": "start", "over": None}]
    assert "plate" in {editor["name"] for editor in answer("tools")["editors"]}
    assert {check["what"] for check in answer("doctor")["checks"]} >= {"Python", "packages", "disk"}
    assert {check["what"] for check in answer("doctor")["checks"]} >= {"Runway", "Luma"}
    assert answer("init", film, "-o", tmp_path / "p")["root"].endswith("/p")
    assert answer("runs", tmp_path / "p") == {"runs": []}
    assert answer("clean", tmp_path / "p")["files"] == 0


def test_a_mask_follows_its_box_and_measures(tmp_path: Path, suture: Suture) -> None:
    film = shot_file(tmp_path / "still.mp4", [sketch(3, 1)[0]] * 10)
    made = suture("mask", film, "--at", 4, "--box", "60,40,30,20", "-o", tmp_path / "m.mkv", "--json")
    assert made.returncode == 0, made
    said = json.loads(made.stdout)
    assert said["frames"] == [0, 9]
    assert said["lost"] == []
    assert len(said["confidence"]) == 10
    found = json.loads(suture("measure", film, "--mask", tmp_path / "m.mkv", "--json").stdout)
    assert set(found) == {"media", "frames", "coverage", "motion", "revealed", "keeper", "decision"}
    assert set(found["motion"]) == {"image", "subject", "camera", "class"}
    names = [c["name"] for c in found["decision"]["conditions"]]
    assert names == ["small", "slow", "keeper", "composition", "lighting", "blocking", "contact"]
    assert found["motion"]["class"] == "static"


def test_a_region_is_repaired_and_the_rest_stays(tmp_path: Path, suture: Suture) -> None:
    film = shot_file(tmp_path / "b.mp4", popped(sketch(2, 12, pan=0), Box(70, 40, 22, 18), 4, 8, pan=0))
    mask = tmp_path / "mask.png"
    write_picture(mask, np.pad(np.full((26, 32, 3), 255, np.uint8), ((36, 34), (65, 63), (0, 0))))
    out = tmp_path / "out.mp4"
    made = suture("inpaint", film, "--mask", mask, "-o", out, "--grain", "off", "--json")
    assert made.returncode == 0, made
    assert json.loads(made.stdout)["outside_before_encode"] == 0
    checked = suture("verify", film, out, "--mask", mask, "--json")
    checks = {check["name"]: check["holds"] for check in json.loads(checked.stdout)["checks"]}
    assert checks["outside"]
    assert checks["stream"]
    assert checks["landed"]


def test_help_and_version(suture: Suture) -> None:
    shown = suture("--help")
    assert shown.returncode == 0
    assert "suture pass" in shown.stdout
    assert suture("--version").stdout.startswith("suture ")


def test_the_terminal_breaks_the_prose_of_help_and_examples_keep_their_lines() -> None:
    assert flowing("One.\n\n    Two\n    lines.\n\n    \b\n    a  1\n    b  2\n") == "One.\n\nTwo lines.\n\na  1\nb  2"
    assert all(command.help for command in app.registered_commands)


def test_a_mask_of_another_size_is_refused(tmp_path: Path, film: Path, suture: Suture) -> None:
    wrong = shot_file(tmp_path / "wrong.mp4", [np.zeros((48, 80, 3), np.uint8)] * 12)
    got = suture("measure", film, "--mask", wrong)
    assert got.returncode == 2
    assert "80x48" in got.stderr
