"""The `verify` suite: whether the checks of a repair fail what an eye fails, and pass what is good.

A case is one region on one clean shot. Each of its repairs is written as a film and goes through
`tools.vision.checks.verify` as any take does. How strong a fault has to be before it counts is written down in
`_verify_visible`. For `outside`, a re-encoded repair in which only the codec differs is good.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from evals.runner import CaseLine, Plan, Row
from evals.statistics import auc, interval
from evals.suites._verify_repairs import Repair, Subject, bad_repairs, broken, good_repairs
from evals.suites._verify_shots import Shot, as_frames, case_names, film_of, make_shot
from tools.media.encode import Writer
from tools.media.pixels import composite
from tools.types import Check, Clip, Frame, MediaInfo
from tools.vision.checks import verify

CASES = 72
SUBJECTS: tuple[Subject, ...] = ("seam", "flicker", "colour", "grain", "outside")


class VerifySuite:
    """Good and bad repairs of photographs under moving cameras, and of real footage where it is."""

    name = "verify"

    def cases(self, plan: Plan) -> Sequence[str]:
        """Names of regions, over the split's sources in turn."""
        return plan.cases or case_names(plan.split, CASES)

    def run(self, plan: Plan, case: str, folder: Path) -> CaseLine:
        """Makes the case's repairs and checks each; one row per repair."""
        shot = make_shot(plan.split, case, plan.seed)
        rng = np.random.default_rng([plan.seed, zlib.crc32(case.encode()), 1])
        before = _written(folder / "before.mkv", as_frames(broken(shot, rng)), "lossless")
        turn = int(case.rsplit("_", 1)[1]) + zlib.crc32(case.encode())
        repairs = [*good_repairs(shot, rng), *bad_repairs(shot, rng, turn)]
        return CaseLine(case=case, rows=tuple(_judged(case, shot, before, repair, folder) for repair in repairs))

    def summary(self, plan: Plan, lines: Sequence[CaseLine]) -> dict[str, Any]:
        """Per check: how well it ranks, and how many good and clearly bad repairs its limit gets wrong."""
        rows = [row for line in lines for row in line.rows]
        figures = {name: _figures(name, rows) for name in SUBJECTS}
        return {
            "suite": self.name,
            "split": plan.split,
            "seed": plan.seed,
            "cases": len(lines),
            "shots": len(lines),
            "verify": figures,
        }


def _written(path: Path, made: Sequence[Frame], carrier: str) -> Path:
    """A film of the frames: exact, or as the gate codes it."""
    like = MediaInfo(
        path=path.with_name("made"),
        kind="video",
        width=made[0].width,
        height=made[0].height,
        fps=Fraction(24),
        frames=len(made),
        container="matroska",
        codec="ffv1",
        pixel_format="yuv420p",
        bit_depth=8,
    )
    path.unlink(missing_ok=True)
    with Writer(path, like, codec="h264" if carrier == "gate" else "ffv1") as writer:
        for frame in made:
            writer.write(frame)
    return path


def _judged(case: str, shot: Shot, before: Path, repair: Repair, folder: Path) -> Row:
    """What the checks say of one repair."""
    after = _delivered(folder / "after.mkv", shot, repair)
    clip = Clip(media=before, first=0, last=len(shot.masks) - 1)
    checks = {check.name: check for check in verify(clip, after, list(shot.masks)).checks}
    return {
        "clip": case,
        "kind": repair.kind,
        "subject": repair.subject,
        "strength": round(repair.strength, 2),
        "visible": repair.visible,
        "carrier": repair.carrier,
        "values": {name: checks[name].value for name in SUBJECTS},
        "worse": {name: badness(checks[name]) for name in SUBJECTS},
        "holds": {name: checks[name].holds for name in SUBJECTS},
    }


def _delivered(path: Path, shot: Shot, repair: Repair) -> Path:
    """The repair as its carrier brings it: re-encoded as a whole, or composited over the clean frames."""
    if repair.carrier == "foreign":
        path.write_bytes(film_of(repair.pictures, repair.quality))
        return path
    clean, edited = as_frames(shot.pictures), as_frames(repair.pictures)
    made = [composite(old, new, mask) for old, new, mask in zip(clean, edited, shot.masks, strict=True)]
    return _written(path, made, repair.carrier)


def badness(check: Check) -> float:
    """A figure that grows as a repair gets worse; for `outside` dB under the limit, or levels of an exact take."""
    if check.unit == "dB":
        return round(check.limit - check.value, 4)
    if check.name == "outside":
        return check.value or EXACT
    return check.value


EXACT = -100.0
"""Stands for an outside that is the source's own, bit for bit."""


def _figures(name: Subject, rows: Sequence[Row]) -> dict[str, Any]:
    good = [row for row in rows if row["subject"] is None and (name == "outside" or row["carrier"] != "foreign")]
    bad = [row for row in rows if row["subject"] == name]
    clear = [row for row in bad if row["visible"] == "clearly"]
    return {
        "auc": _auc(name, [*good, *bad]),
        "ci95": interval([*good, *bad], lambda drawn: _auc(name, drawn)),
        "auc_clearly": _auc(name, [*good, *clear]),
        "good_failed": _share([not row["holds"][name] for row in good]),
        "bad_passed": _share([row["holds"][name] for row in clear]),
        "just_visible_passed": _share([row["holds"][name] for row in bad if row["visible"] == "just"]),
        "n_good": len(good),
        "n_bad": len(clear),
        "n_just_visible": len(bad) - len(clear),
        "passed_by_kind": {
            kind: _share([row["holds"][name] for row in clear if row["kind"] == kind])
            for kind in sorted({row["kind"] for row in clear})
        },
    }


def _auc(name: Subject, rows: Sequence[Row]) -> float | None:
    sides = [[row["worse"][name] for row in rows if (row["subject"] == name) == bad] for bad in (True, False)]
    return auc(sides[0], sides[1])


def _share(marks: Sequence[bool]) -> float | None:
    return round(sum(marks) / len(marks), 4) if marks else None
