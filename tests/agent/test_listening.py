"""A run listens for webhooks where the house says so, and says in one line when it cannot."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from agent.deps import RunOptions
from agent.runs import start
from tests.agent.films import shot_file, sketch
from tools.errors import BadInput

OPTIONS = RunOptions(goal="scan", inspector="pixels")


def test_a_run_listens_while_it_lasts_and_names_an_address_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    film = shot_file(tmp_path / "shot.mp4", sketch(1, 12))
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.setenv("SUTURE_WEBHOOK_LISTEN", address)
        monkeypatch.setenv("SUTURE_WEBHOOK_URL", "https://hooks.example.org")
        with pytest.raises(BadInput, match=f"cannot listen at '{address}'"):
            start(film, OPTIONS)
    assert start(film, OPTIONS).run == "run-002"
    socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))).close()
