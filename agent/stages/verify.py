"""Verify: every check of a repair, and a second look for the finding in the gated take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tools.types import Check, Edit, Verdict
from tools.vision import checks

StillThere = Callable[[Path], bool]
"""Whether the finding, or something new in its place, is seen in a take."""


def verify(edit: Edit, take: Path, still_there: StillThere) -> Verdict:
    """The verdict on a take that went through the gate, against the clip the edit was made from.

    It has landed when something changed in the region and the finding is not seen there any more.
    """
    measured = checks.verify(edit.clip, take, edit.mask)
    others = [check for check in measured.checks if check.name != "landed"]
    changed = next((check for check in measured.checks if check.name == "landed" and not check.holds), None)
    everything = (*others, changed or _landed(still_there(take)))
    return Verdict(verdict="pass" if all(c.holds for c in everything) else "fail", checks=everything)


def _landed(seen_again: bool) -> Check:
    return Check(name="landed", value=float(seen_again), limit=0.0, unit="findings", holds=not seen_again)
