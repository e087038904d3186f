"""What a job's model would have made: real footage, from the truth of a labelled film where it has it.

First version of the file: replaced piece by piece below.
"""

from __future__ import annotations

from pathlib import Path

from tools.sandbox.providers._bench import Job


class Results:
    """Makes the files of results."""

    def __init__(self, film: Path | None) -> None:
        self._film = film

    def make(self, job: Job, folder: Path) -> Path:
        """The result of a job as a file in `folder`."""
        raise NotImplementedError
