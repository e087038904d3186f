"""The content-addressed store: files named by the hash of their bytes, so that a name never lies and a copy is free.

Everything a graph state points at lives here; states hold the relative names only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Store:
    """Files by content under `home`/store. Names are POSIX paths relative to the project's `root`."""

    root: Path
    home: Path

    @property
    def folder(self) -> Path:
        return self.home / "store"

    def put(self, path: Path, suffix: str | None = None) -> str:
        """Stores a copy of a file; the name is the same for the same bytes and suffix. Appears whole or not at all."""
        name = self._name(digest(path), path.suffix if suffix is None else suffix)
        return self._place(name, lambda partial: shutil.copyfile(path, partial))

    def take(self, path: Path, suffix: str | None = None) -> str:
        """Stores a file, or a folder of pictures, by moving it here; it must lie on the store's file system."""
        name = self._name(digest(path), path.suffix if suffix is None else suffix)
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_dir():
            path.replace(target)
        return name

    def put_bytes(self, data: bytes, suffix: str) -> str:
        """Stores bytes."""
        name = self._name(hashlib.sha256(data).hexdigest(), suffix)
        return self._place(name, lambda partial: partial.write_bytes(data))

    def path(self, name: str) -> Path:
        """Where a stored (or any project-relative) name lies."""
        return self.root / name

    def _name(self, sha: str, suffix: str) -> str:
        return (self.folder / sha[:2] / f"{sha[2:40]}{suffix}").relative_to(self.root).as_posix()

    def _place(self, name: str, write: Callable[[Path], object]) -> str:
        target = self.path(name)
        if target.exists():
            return name
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=".part")
        os.close(handle)
        try:
            write(Path(partial))
            Path(partial).replace(target)
        finally:
            Path(partial).unlink(missing_ok=True)
        return name


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, or of a folder's names and bytes, in hex."""
    if path.is_dir():
        lines = [f"{file.name} {digest(file)}" for file in sorted(path.iterdir())]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
