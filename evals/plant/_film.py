"""A labelled film folder made from a film and its tasks: media coded once, masks, clean takes, labels, film.toml."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from agent.project import PROJECT_FILE, Project
from agent.schema import Film, Shot
from evals.labels import ErrorLabel, Labels, Origin, ShotLabel
from evals.plant._families import KINDS
from evals.plant._planting import Crop, Planting, Task
from evals.plant._requality import recompressed
from evals.truth import action_by_rule, is_revealed
from tools.media.cuts import find_cuts
from tools.media.decode import frames
from tools.media.encode import Writer
from tools.media.masks import read_track
from tools.media.timeline import TimelineShot, write_timeline
from tools.types import Action, Box, Clip, ColourTags, Frame, MediaInfo, PixelLayout

MEDIA, CUT = "film.mp4", "cut.otio"
MASK, CLEAN = "masks/{}.mkv", "clean/{}.mkv"
GRAY = PixelLayout(name="gray", family="gray", depth=8)
Tell = Callable[[str], None]
Put = Callable[[Iterable[Frame]], None]


@dataclass(frozen=True, slots=True)
class Source:
    """The film that is planted into: its project, shots, media and the labels that it has already."""

    project: Project
    film: Film
    infos: Mapping[str, MediaInfo]
    labels: Labels


@dataclass(slots=True)
class _Seen:
    """Where an error was: its boxes by frame, and its largest share of the frame."""

    boxes: dict[int, Box] = field(default_factory=dict)
    coverage: float = 0.0

    def add(self, index: int, crop: Crop, area: int) -> None:
        box, bits = crop
        self.boxes[index] = box
        self.coverage = max(self.coverage, float(bits.sum()) / area)

    @property
    def span(self) -> tuple[int, int]:
        return min(self.boxes), max(self.boxes)

    @property
    def box(self) -> Box:
        """The median box, as a mask track gives it."""
        middle = np.median(np.array(list(self.boxes.values())), axis=0)
        return Box(*(round(float(v)) for v in middle))


def write_film(source: Source, tasks: Mapping[str, Task], folder: Path, tell: Tell, crf: int | None = None) -> None:
    """Writes everything into an empty folder; with `crf`, what is shown went through H.264 at that quality."""
    for name in ("masks", "clean"):
        (folder / name).mkdir()
    kept = _kept_labels(source, folder)
    made = _write_media(source, tasks, folder, tell, crf)
    faulty = {name: label for name, label in kept.shots.items() if label.errors}
    labels = Labels(shots={**made, **faulty}, panels=kept.panels)
    (folder / "labels.json").write_text(labels.model_dump_json(indent=1) + "\n", encoding="utf-8")
    (folder / PROJECT_FILE).write_text(_film_toml(source, folder), encoding="utf-8")


def _kept_labels(source: Source, folder: Path) -> Labels:
    """The labels that the film had, with their files carried over."""
    files = [error.mask for label in source.labels.shots.values() for error in label.errors]
    files += [label.clean_take for label in source.labels.shots.values() if label.clean_take]
    files += [name for panel in source.labels.panels.values() for name in (panel.mask, panel.clean_sheet)]
    for name in dict.fromkeys(files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.project.root / name, folder / name)
    return source.labels


def _write_media(
    source: Source, tasks: Mapping[str, Task], folder: Path, tell: Tell, crf: int | None
) -> dict[str, ShotLabel]:
    labels: dict[str, ShotLabel] = {}
    count = len(source.film.shots)
    for name, shots in _reels(source):
        info = source.infos[shots[0].id]
        with Writer(folder / name, info, codec="h264", audio_from=_audio(info, shots)) as writer:
            for shot in shots:
                what = f", {tasks[shot.id].family}" if shot.id in tasks else ""
                tell(f"{shot.id} ({len(labels) + 1} of {count}){what}")
                labels[shot.id] = _write_shot(shot, tasks.get(shot.id), folder, partial(_put, writer, info, crf))
    return labels


def _reels(source: Source) -> Iterator[tuple[str, Sequence[Shot]]]:
    """The media files to write, and the shots in each: one for a film that is one file, else one per shot."""
    if source.project.toml.film.media is not None:
        yield MEDIA, source.film.shots
        return
    for number, shot in enumerate(source.film.shots):
        yield f"shots/{number:05d}.mp4", (shot,)


def _audio(info: MediaInfo, shots: Sequence[Shot]) -> Path | None:
    """The sound that belongs to the shots: where they are all of their file."""
    whole = shots[0].clip.first == 0 and shots[-1].clip.last == info.frames - 1
    return info.path if info.has_audio and whole else None


def _put(writer: Writer, info: MediaInfo, crf: int | None, pictures: Iterable[Frame]) -> None:
    """Writes a shot's frames, worsened first where that is asked for."""
    for frame in pictures if crf is None else recompressed(pictures, info, crf):
        writer.write(frame)


def _write_shot(shot: Shot, task: Task | None, folder: Path, put: Put) -> ShotLabel:
    if task is None:
        put(frames(shot.clip))
        return ShotLabel()
    planting = KINDS[task.family].prepare(task)
    mask, clean = MASK.format(shot.id), CLEAN.format(shot.id)
    like = task.info.model_copy(update={"frames": shot.clip.frames, "container": "matroska", "timecode": None})
    with ExitStack() as files:
        takes = files.enter_context(Writer(folder / clean, like, codec="ffv1"))
        masks = files.enter_context(Writer(folder / mask, _mask_info(like), codec="ffv1"))
        seen = _Seen()
        put(_shown(shot.clip, planting, seen, takes, masks))
    return ShotLabel(errors=(_label(shot, task, planting, seen, folder),), clean_take=clean)


def _shown(clip: Clip, planting: Planting, seen: _Seen, takes: Writer, masks: Writer) -> Iterator[Frame]:
    """The shot with its error; on the way, without it into its clean take, and the error's place into the masks."""
    for frame in frames(clip):
        shown, crop = planting.show(frame)
        takes.write(frame)
        masks.write(_mask_frame(frame, crop))
        if crop is not None:
            seen.add(frame.index, crop, frame.width * frame.height)
        yield shown


def _mask_info(like: MediaInfo) -> MediaInfo:
    plain = {"pixel_format": "gray", "bit_depth": 8, "colour": ColourTags(), "variable_rate": False, "rotation": 0}
    return like.model_copy(update=plain | {"has_alpha": False})


def _mask_frame(frame: Frame, crop: Crop | None) -> Frame:
    plane = np.zeros((frame.height, frame.width), np.uint8)
    if crop is not None:
        plane[crop[0].slices] = crop[1].astype(np.uint8) * 255
    return Frame(frame.index, (plane,), GRAY, ColourTags())


def _label(shot: Shot, task: Task, planting: Planting, seen: _Seen, folder: Path) -> ErrorLabel:
    kind = KINDS[task.family]
    by_model = kind.generated and shot.model
    return ErrorLabel(
        category=kind.category,
        subject=None,
        box=seen.box,
        frames=seen.span,
        mask=MASK.format(shot.id),
        origin=Origin(kind="model", ref=str(shot.model)) if by_model else Origin(kind="shot", ref=shot.id),
        action="regenerate" if kind.staged else _action(shot, planting, seen, folder),
    )


def _action(shot: Shot, planting: Planting, seen: _Seen, folder: Path) -> Action:
    """By the rule on what is known of the error."""
    first, last = seen.span
    clean = Clip(media=folder / CLEAN.format(shot.id), first=0, last=shot.clip.frames - 1)
    track = read_track(folder / MASK.format(shot.id))
    action, _ = action_by_rule(
        coverage_max=seen.coverage,
        speed=planting.speed,
        first=first,
        last=last,
        frames=shot.clip.frames,
        revealed=float(is_revealed(clean, track, planting.speed, in_view=planting.in_view)),
        in_view=planting.in_view,
    )
    return action


def _film_toml(source: Source, folder: Path) -> str:
    """The film's own film.toml with the new media and the copied pictures in their places."""
    tables = source.project.toml.model_dump(mode="json", exclude_unset=True)
    tables["film"] = _film_table(source, folder)
    for table in (*tables.get("character", ()), *tables.get("prop", ())):
        table["sheet"] = [_copied(source, name, folder, "sheets") for name in _list(table.get("sheet", ()))]
    for table in tables.get("location", ()):
        table["plates"] = [_copied(source, name, folder, "plates") for name in table.get("plates", ())]
    return "\n".join(part for name, values in tables.items() for part in _tables(name, values))


def _film_table(source: Source, folder: Path) -> dict[str, Any]:
    """[film]: names the cut list where detection would not find the same shots in the planted film again."""
    table = source.project.toml.film.model_dump(mode="json", exclude_unset=True)
    for name in ("media", "timeline", "shots"):
        table.pop(name, None)
    if source.project.toml.film.shots:
        return table | {"shots": ["shots/*.mp4"]}
    if source.project.toml.film.media is not None and _found_again(source, folder):
        return table | {"media": MEDIA}
    shots = [
        TimelineShot(shot.id, folder / name, *_range(shot, len(reel)), source.film.fps)
        for name, reel in _reels(source)
        for shot in reel
    ]
    write_timeline(folder / CUT, shots, source.film.title)
    return table | {"timeline": CUT}


def _found_again(source: Source, folder: Path) -> bool:
    found = [(shot.id, shot.first, shot.last) for shot in find_cuts(folder / MEDIA).shots]
    return found == [(shot.id, shot.clip.first, shot.clip.last) for shot in source.film.shots]


def _range(shot: Shot, together: int) -> tuple[int, int]:
    return (shot.clip.first, shot.clip.last) if together > 1 else (0, shot.clip.frames - 1)


def _list(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value


def _copied(source: Source, name: str, folder: Path, room: str) -> str:
    """A picture that film.toml names, copied under its name, or under a numbered one where that is taken."""
    origin = source.project.path(name)
    inside = Path(name) if origin.is_relative_to(source.project.root.resolve()) else Path(room) / origin.name
    target, number = folder / inside, 1
    while target.exists() and target.read_bytes() != origin.read_bytes():
        number += 1
        target = folder / inside.with_stem(f"{inside.stem}-{number}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(origin, target)
    return target.relative_to(folder).as_posix()


def _tables(name: str, values: dict[str, Any] | list[dict[str, Any]]) -> Iterator[str]:
    """TOML tables; JSON strings, numbers and lists are TOML ones."""
    heading, rows = (f"[{name}]", [values]) if isinstance(values, dict) else (f"[[{name}]]", values)
    for row in rows:
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in row.items() if value is not None]
        yield "\n".join([heading, *lines, ""])
