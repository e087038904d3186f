"""Versions append, the newest word says which is current, and one process writes a film."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agent.db import open_database
from agent.lock import one_writer
from agent.versions import ShotVersion, Versions
from tools.errors import BadInput, Busy


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(open_database(tmp_path))


def committed(versions: Versions, run: str) -> ShotVersion:
    number = versions.next_number("SH020", run)
    version = ShotVersion(shot="SH020", number=number, path=f"runs/{run}/SH020_v{number:03d}.mp4", lineage=run)
    versions.commit(version, run)
    return version


def test_commits_append_and_revert_only_points(versions: Versions) -> None:
    second, third = committed(versions, "run-001"), committed(versions, "run-002")
    assert (second.number, third.number) == (2, 3)
    assert versions.current() == {"SH020": third}
    assert versions.revert("SH020") == 2
    assert versions.current() == {"SH020": second}
    assert versions.revert("SH020", 1) == 1
    assert versions.current() == {}
    assert versions.next_number("SH020", "run-003") == 4
    assert versions.revert("SH020", 3) == 3
    assert versions.current() == {"SH020": third}


def test_a_second_life_commits_the_same_version(versions: Versions) -> None:
    assert committed(versions, "run-001") == committed(versions, "run-001")
    assert versions.next_number("SH020", "run-001") == 2


@pytest.mark.parametrize(("number", "why"), [(None, "nothing older"), (7, "no version v007")])
def test_reverting_to_nothing_is_refused(versions: Versions, number: int | None, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        versions.revert("SH020", number)


HOLDER = (
    "import sys; from pathlib import Path; from agent.lock import one_writer\n"
    "with one_writer(Path(sys.argv[1]), 'run-007'): print('held', flush=True); sys.stdin.read()"
)


def test_a_second_process_is_told_who_writes(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOLDER, str(tmp_path)]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Busy, match="run-007"), one_writer(tmp_path, "run-008"):
        pass
    holder.kill()
    holder.communicate()
    with one_writer(tmp_path, "run-008"):
        pass
