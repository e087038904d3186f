"""Fixtures for all rooms, and the guard that keeps tests on this machine."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evals.studio import render_sample

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = ("127.", "::1", "localhost")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


def pytest_configure(config: pytest.Config) -> None:
    """Workers side by side (`-n`), and the programs that they start, compute with one thread each."""
    if config.getoption("numprocesses", None):
        os.environ.update(dict.fromkeys(THREADS, "1"))


@pytest.fixture
def shared_data() -> Path:
    """Real footage beside the checkout; tests that need it are skipped where it is missing."""
    data = ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("real footage is not beside this checkout (../shared/data)")
    return data


@pytest.fixture(scope="session")
def launch_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample film of seed 7, rendered once for all rooms and workers. Nobody writes into it; copy it to do so."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    film = folder / "launch-day"
    with (folder / "launch-day.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return film if film.exists() else render_sample("launch-day", film, seed=7)


def _is_loopback(address: Any) -> bool:
    return not isinstance(address, tuple) or str(address[0]).startswith(LOOPBACK)


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """Any connection beyond loopback fails the test that tried it."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(self: socket.socket, address: Any) -> None:
        if not _is_loopback(address):
            raise PermissionError(f"a test tried to reach {address!r}; tests stay on loopback")
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        if not _is_loopback(address):
            raise PermissionError(f"a test tried to reach {address!r}; tests stay on loopback")
        return connect_ex(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = guarded_ex  # type: ignore[method-assign, assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]
    socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
