"""The sample film cut down: some of its shots at half their size and for a few frames, with labels and sheets."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from evals.labels import Labels, ShotLabel, read_labels
from tests.agent.films import FPS, shot_file
from tests.studio.shots import OPENINGS
from tools.media.decode import rgb_frames
from tools.media.masks import read_track, write_mask
from tools.types import Clip, MaskTrack, Rgb

WIDTH, HEIGHT = 640, 360
Stretch = tuple[int, int]
"""First frame of a shot that is taken, and how many."""


def cut_down(large: Path, film: Path, stretches: Mapping[str, Stretch]) -> Path:
    """Writes the film project `film` of the shots named, which must be the first ones of `large`; its folder."""
    for name in ("shots", "clean", "masks"):
        (film / name).mkdir(parents=True)
    shutil.copytree(large / "sheets", film / "sheets")
    after = f'[[shot]]\nid = "SH{10 * (len(stretches) + 1):03d}"'
    told = (large / "film.toml").read_text(encoding="utf-8").partition(after)[0]
    (film / "film.toml").write_text(told.replace('media = "film.mp4"', 'shots = ["shots/*.mp4"]'), encoding="utf-8")
    labels = read_labels(large)
    shots = {
        shot: _small_shot(large, film, labels.shots[shot], shot=shot, opens=OPENINGS[shot], stretch=stretch)
        for shot, stretch in stretches.items()
    }
    for name in (name for panel in labels.panels.values() for name in (panel.mask, panel.clean_sheet)):
        shutil.copyfile(large / name, film / name)
    written = Labels(shots=shots, panels=labels.panels).model_dump_json()
    (film / "labels.json").write_text(written, encoding="utf-8")
    return film


def _small_shot(large: Path, film: Path, label: ShotLabel, *, shot: str, opens: int, stretch: Stretch) -> ShotLabel:
    """Writes a shot and, where it is faulty, its clean take and its mask; returns its label."""
    first, count = stretch
    shot_file(film / "shots" / f"{shot}.mp4", _pictures(large / "film.mp4", opens + first, count))
    if label.clean_take is None:
        return label
    (error,) = label.errors
    shot_file(film / label.clean_take, _pictures(large / label.clean_take, first, count))
    track = read_track(large / error.mask)
    masks = {index: track.at(first + index)[::2, ::2] for index in range(count)}
    marked = MaskTrack.of(masks, WIDTH, HEIGHT)
    write_mask(film / error.mask, marked, count, FPS)
    small = error.model_copy(update={"box": marked.box, "frames": marked.frames})
    return label.model_copy(update={"errors": (small,)})


def _pictures(media: Path, first: int, count: int) -> list[Rgb]:
    stretch = Clip(media=media, first=first, last=first + count - 1)
    return [picture for _, picture in rgb_frames(stretch, longest=WIDTH)]
