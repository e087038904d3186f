"""One writer per film: a lock that the kernel frees the moment its process dies, on .suture/lock."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.errors import BadInput, Busy


class Lock:
    """The held lock; its file says who holds it."""

    def __init__(self, file: int) -> None:
        self._file = file

    def rename(self, holder: str) -> None:
        """Writes down who holds the film."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{holder} (process {os.getpid()})".encode(), 0)


@contextmanager
def one_writer(home: Path, holder: str) -> Iterator[Lock]:
    """Holds the film for a run or a command. Raises Busy, naming the holder, when somebody has it."""
    file = _opened(home / "lock")
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(file, 200, 0).decode(errors="replace") or "another process"
            raise Busy(f"{home.parent}: {other} is writing this film; wait for it or stop it") from None
        lock = Lock(file)
        lock.rename(holder)
        yield lock
    finally:
        os.close(file)


def is_written(home: Path) -> bool:
    """Whether a living process holds the film."""
    try:
        with one_writer(home, ""):
            return False
    except Busy:
        return True


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except PermissionError as error:
        raise BadInput(f"{path.parent}: cannot be written ({error.strerror})") from None
