"""Pictures of what was judged: the frame with truth and finding drawn in, beside the clean take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from agent.project import load_film, open_project
from agent.schema import Shot
from evals.labels import read_labels
from evals.runner import Row
from tools.media.decode import rgb_frames
from tools.media.probe import probe
from tools.types import Rgb

LONGEST = 480
TRUTH, FOUND = (40, 200, 90), (235, 70, 60)
"""Green is the label, red a finding."""


def keep_pictures(film: Path, rows: Sequence[Row], folder: Path) -> None:
    """One JPEG per shot with errors or false alarms, named after the shot; its name goes into the row."""
    shots = {shot.id: shot for shot in load_film(open_project(film)).shots}
    takes = {shot: label.clean_take for shot, label in read_labels(film).shots.items()}
    for row in rows:
        if row["errors"] or row["false"]:
            take = takes.get(row["shot"])
            picture = _drawn(shots[row["shot"]], row, film / take if take else None)
            name = f"{row['shot']}.jpg"
            cv2.imwrite(str(folder / name), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
            row["picture"] = f"work/{folder.name}/{name}"


def _drawn(shot: Shot, row: Row, clean: Path | None) -> Rgb:
    """The middle frame of the first error or false alarm, truth and findings drawn in, the clean take on the right."""
    first, last = (row["errors"] or row["false"])[0]["frames"]
    at = (first + last) // 2
    _, frame = next(iter(rgb_frames(shot.clip, longest=LONGEST, indices=[at])))
    scale = frame.shape[1] / probe(shot.clip.media).width
    frame = frame.copy()
    for error in row["errors"]:
        _box(frame, error["box"], scale, TRUTH)
        if error.get("found"):
            _box(frame, error["found"]["box"], scale, FOUND)
    for alarm in row["false"]:
        _box(frame, alarm["box"], scale, FOUND)
    if clean is None:
        return frame
    _, beside = next(iter(rgb_frames(clean, longest=LONGEST, indices=[at])))
    return np.concatenate([frame, beside], axis=1)


def _box(picture: Rgb, box: Sequence[int], scale: float, colour: tuple[int, int, int]) -> None:
    x, y, w, h = (round(v * scale) for v in box)
    cv2.rectangle(picture, (x, y), (x + w - 1, y + h - 1), colour, 2)
