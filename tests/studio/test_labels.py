"""labels.json is read strictly."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.labels import Labels, read_labels
from tools.errors import BadInput

pytestmark = pytest.mark.long


def test_a_clean_control_has_no_errors(tmp_path: Path) -> None:
    file = tmp_path / "labels.json"
    file.write_text('{"shots": {"SH010": {"errors": [], "clean_take": null}}}', encoding="utf-8")
    assert read_labels(tmp_path) == read_labels(file)
    assert read_labels(file).shots["SH010"].errors == ()


def test_what_is_written_is_read_back(launch_day: Path) -> None:
    labels = read_labels(launch_day)
    assert Labels.model_validate_json(labels.model_dump_json()) == labels


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"labels\.json: cannot be read"):
        read_labels(tmp_path)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"shots": {"SH010": {"flaws": []}}}', encoding="utf-8")
    with pytest.raises(BadInput, match=r"shots\.SH010\.flaws"):
        read_labels(tmp_path)
