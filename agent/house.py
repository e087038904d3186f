"""What this machine has: the roster with what was learned of each editor, and whether the parts work."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import select

from agent.config import load_settings
from agent.db import LedgerRow, close, open_database
from tools.editors.base import Capabilities
from tools.editors.registry import roster
from tools.types import Frozen

FREE_GB = 2.0
"""Disk that a pass over a few minutes of film needs for its lossless takes."""


class EditorLine(Frozen):
    """An editor as `tools` lists it."""

    name: str
    actions: tuple[str, ...]
    methods: tuple[str, ...]
    local: bool
    price: str
    success: str
    ready: str


class EditorLines(Frozen):
    """What `tools` prints."""

    editors: tuple[EditorLine, ...]


class Finding(Frozen):
    """One thing that was looked at. `needed` is false for what only widens what Suture can do."""

    what: str
    works: bool
    why: str
    needed: bool = True


class Examination(Frozen):
    """What `doctor` prints."""

    checks: tuple[Finding, ...]


def editors(root: Path | None) -> tuple[EditorLine, ...]:
    """Every editor of the roster, with the verdicts of the project at `root`."""
    verdicts = _verdicts(root)
    return tuple(
        EditorLine(
            name=name,
            actions=tuple(sorted(entry.capabilities.actions)),
            methods=entry.capabilities.methods,
            local=entry.capabilities.local,
            price=_price(entry.capabilities),
            success=_success(entry.capabilities, *verdicts.get(name, (0, 0))),
            ready=entry.missing(os.environ) or "ready",
        )
        for name, entry in roster().items()
    )


def _verdicts(root: Path | None) -> dict[str, tuple[int, int]]:
    if root is None or not (root / ".suture" / "suture.db").exists():
        return {}
    sessions = open_database(root / ".suture")
    with sessions() as session:
        rows = session.execute(select(LedgerRow.editor, LedgerRow.verdict)).all()
    close(sessions)
    counted = Counter((row.editor, row.verdict) for row in rows)
    return {name: (counted[name, "pass"], counted[name, "fail"]) for name, _ in counted}


def _price(can: Capabilities) -> str:
    if can.price.free:
        return "free"
    return f"{can.price.per_job:.4f} USD a job, {can.price.per_second:.4f} USD a second"


def _success(can: Capabilities, passed: int, failed: int) -> str:
    prior = next(iter(can.priors.values()), None)
    expected = f"{prior.mean:.0%} expected" if prior else "nothing known"
    return f"{passed} of {passed + failed} verified; {expected} before"


def examine() -> Examination:
    """Looks at everything a pass needs, and at what would widen it."""
    return Examination(checks=(_python(), _packages(), _disk(), _writable(), _cores(), _gpu(), _model()))


def _python() -> Finding:
    return Finding(what="Python", works=sys.version_info >= (3, 11), why=platform.python_version())


def _packages() -> Finding:
    missing = [name for name in ("av", "cv2", "langgraph", "scenedetect", "skimage") if find_spec(name) is None]
    why = f"missing: {', '.join(missing)}" if missing else "media, vision and graph packages are here"
    return Finding(what="packages", works=not missing, why=why)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding(what="disk", works=free >= FREE_GB, why=f"{free:.1f} GB free here, {FREE_GB:.0f} GB wanted")


def _writable() -> Finding:
    works = os.access(Path.cwd(), os.W_OK) and os.access(tempfile.gettempdir(), os.W_OK)
    return Finding(
        what="writing", works=works, why="this folder and the temporary one can be written" if works else "no"
    )


def _cores() -> Finding:
    return Finding(what="processor", works=True, why=f"{os.cpu_count()} cores")


def _gpu() -> Finding:
    has = shutil.which("nvidia-smi") is not None
    why = "an NVIDIA driver is here" if has else "none; editors that need one stay out"
    return Finding(what="GPU", works=has, why=why, needed=False)


def _model() -> Finding:
    settings = load_settings(Path.cwd())
    if settings.model is None:
        why = "SUTURE_MODEL is not set; the inspector is pixels"
    else:
        why = f"{settings.model} at {settings.openai_base_url} looks and reads"
    return Finding(what="vision model", works=settings.model is not None, why=why, needed=False)
