"""The studio renders labelled sample films from photographs that ship inside scikit-image."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tools.errors import BadInput, MachineFailed

SAMPLES = ("launch-day",)
"""The sample films there are."""


def render_sample(name: str, out: Path, seed: int = 7, progress: Callable[[str], None] | None = None) -> Path:
    """Renders a sample film project into the folder `out` and returns it; the same seed gives the same film.

    `progress` is told each shot as it begins. The folder appears whole or not at all. Raises BadInput when there is no
    such sample or `out` holds something already, MachineFailed when it cannot be written.
    """
    if name not in SAMPLES:
        raise BadInput(f"no sample named {name!r}; choose one of: {', '.join(SAMPLES)}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: exists and is not an empty folder; choose a new one")
    try:
        _render(out, seed, progress)
    except OSError as error:
        raise MachineFailed(f"{out}: the sample could not be written ({error.strerror or error})") from error
    return out


def _render(out: Path, seed: int, progress: Callable[[str], None] | None) -> None:
    from evals.studio._launch_day import write_script  # noqa: PLC0415 - pictures load only when something is rendered
    from evals.studio._project import write_project  # noqa: PLC0415

    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        write_project(write_script(seed), folder, progress or _silent)
        folder.chmod(0o755)
        folder.replace(out)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _silent(_: str) -> None:
    """Nobody is listening."""
