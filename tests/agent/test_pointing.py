"""A mask from words: the model is asked once for the frame, only where it may see it, and its box is followed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.agent.films import WIDTH, shot_file, sketch
from tools.sandbox.asked import Asked
from tools.sandbox.script import Fixed
from tools.sandbox.server import ModelServer
from tools.types import Box

BOX = Box(60, 40, 30, 20)
Masked = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return shot_file(tmp_path / "still.mp4", [sketch(3, 1)[0]] * 6)


@pytest.fixture
def masked(tmp_path: Path, film: Path) -> Masked:
    """`suture mask` of the film, with settings of its own."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", "from agent.cli import main; main()", "mask", str(film), "--at", "2", *arguments]
        names = ("SUTURE_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY")
        clean = {name: value for name, value in os.environ.items() if name not in names}
        environment = {**clean, "XDG_CONFIG_HOME": str(tmp_path / "own"), **settings}
        return subprocess.run(argv, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)

    return run


def answering(box: Box | None) -> ModelServer:
    """A model that sees something in a place of the film's frame, or nothing."""

    def found(asked: Asked) -> Mapping[str, Any]:
        scale = asked.pictures[0].pixels.shape[1] / WIDTH
        place = None if box is None else dict(zip("xywh", (round(side * scale) for side in box), strict=True))
        return {"box": place, "confidence": 0.9, "why": "as asked"}

    return ModelServer(Fixed({"find-thing": found}))


def test_words_are_asked_about_once_and_their_box_is_followed(tmp_path: Path, masked: Masked) -> None:
    with answering(BOX) as server:
        settings = {"SUTURE_MODEL": "m", "OPENAI_BASE_URL": server.base_url}
        said = masked("--text", "the red cup", "-o", str(tmp_path / "a.mkv"), "--json", **settings)
        assert said.returncode == 0, said
        asked = len([one for one in server.requests if one.asked.task == "find-thing"])
        again = masked("--text", "the red cup", "-o", str(tmp_path / "b.mkv"), "--json", **settings)
        assert again.returncode == 0, again
        assert asked == len([one for one in server.requests if one.asked.task == "find-thing"]) == 1
    boxed = masked("--box", "60,40,30,20", "-o", str(tmp_path / "c.mkv"), "--json")
    found, drawn = json.loads(said.stdout), json.loads(boxed.stdout)
    assert {**found, "mask": ""} == {**drawn, "mask": ""}
    assert (tmp_path / "a.mkv").read_bytes() == (tmp_path / "b.mkv").read_bytes()


def test_where_nothing_is_seen_nothing_is_written(tmp_path: Path, masked: Masked) -> None:
    with answering(None) as server:
        settings = {"SUTURE_MODEL": "m", "OPENAI_BASE_URL": server.base_url}
        said = masked("--text", "a ghost", "-o", str(tmp_path / "a.mkv"), **settings)
    assert said.returncode == 2
    assert "m sees no “a ghost” in frame 2" in said.stderr
    assert not (tmp_path / "a.mkv").exists()


def test_a_frame_goes_to_nobody_who_was_not_allowed_to_see_it(tmp_path: Path, masked: Masked) -> None:
    far = {"SUTURE_MODEL": "m", "OPENAI_BASE_URL": "https://models.example.org/v1"}
    said = masked("--text", "the cup", "-o", str(tmp_path / "a.mkv"), **far)
    assert said.returncode == 2
    assert "lies in no project whose film.toml allows that" in said.stderr
    (tmp_path / "film.toml").write_text('[film]\nmedia = "still.mp4"\n')
    said = masked("--text", "the cup", "-o", str(tmp_path / "a.mkv"), **far)
    assert said.returncode == 2
    assert "allow = ['models.example.org']" in said.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--text", "the cup"), "SUTURE_MODEL is not set"),
        (("--text", "  "), "say what the mask is to follow"),
        (("--text", "the cup", "--box", "1,1,9,9"), "in one way"),
    ],
)
def test_without_a_model_or_words_it_says_so(
    arguments: tuple[str, ...], words: str, tmp_path: Path, masked: Masked
) -> None:
    said = masked(*arguments, "-o", str(tmp_path / "a.mkv"))
    assert said.returncode == 2
    assert words in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1
