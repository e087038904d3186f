"""A pass that can pay for no edit ends before anything is sent, and says in one line what would do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from agent.deps import RunOptions
from agent.runs import start
from tests.agent.films import popped, shot_file, sketch
from tools.errors import BadInput
from tools.sandbox.providers import ProviderSandbox
from tools.types import Box


def test_a_pass_that_can_pay_for_no_edit_ends_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shot_file(tmp_path / "a.mp4", popped(sketch(2, 24, pan=0), Box(70, 40, 22, 18), 8, 16, pan=0))
    (tmp_path / "film.toml").write_text('[film]\nmedia = "a.mp4"\nallow = ["fal"]\n')
    options = RunOptions(inspector="pixels", only=("fal-vace-14b",), budget=Decimal("0.01"))
    with ProviderSandbox() as sandbox:
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        with pytest.raises(
            BadInput, match=r"\(fal-vace-14b in SH010\) may cost .* over the budget of 0.01 .* --budget"
        ):
            start(tmp_path, options)
        planned = start(tmp_path, options.model_copy(update={"goal": "plan"}))
        assert sandbox.bench.requests == []
    assert "no edit can be paid" in planned.notices[0]
    assert not list(tmp_path.glob(".suture/runs/*/film_v*"))
