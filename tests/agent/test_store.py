"""The store names files by their bytes and never shows half of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, tmp_path / ".suture")


def test_the_same_bytes_have_one_name(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"picture")
    copied = store.put(tmp_path / "a.png")
    assert copied == store.put_bytes(b"picture", ".png") != store.put_bytes(b"other", ".png")
    assert copied.startswith(".suture/store/")
    assert store.path(copied).read_bytes() == b"picture"
    assert (tmp_path / "a.png").exists()


def test_taking_a_file_moves_it(store: Store, tmp_path: Path) -> None:
    store.home.mkdir()
    (store.home / "take.mkv").write_bytes(b"take")
    name = store.take(store.home / "take.mkv")
    assert store.path(name).read_bytes() == b"take"
    assert not (store.home / "take.mkv").exists()


def test_a_failed_put_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.put(tmp_path / "missing.png")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
