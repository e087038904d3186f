"""Timelines: which frames of which media make up a film, read and written with OpenTimelineIO."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from os.path import relpath
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlparse

import opentimelineio as otio

from tools.errors import BadInput, MachineFailed
from tools.media.encode import temporary_name
from tools.media.probe import probe
from tools.types import Frozen, MediaInfo

PACKAGES = {".edl": "otio-cmx3600-adapter", ".fcpxml": "otio-fcpx-xml-adapter", ".xml": "otio-fcp-adapter"}
"""Python packages that teach OpenTimelineIO to read these files."""
SHOT_ID = re.compile(r"[A-Za-z0-9_-]+")


class TimelineShot(NamedTuple):
    """One event to write: a shot's id and the frames of `media` that show it."""

    id: str
    media: Path
    first: int
    last: int
    fps: Fraction


class Event(Frozen):
    """One event of a timeline: frames `first` to `last` of `media`, counted from the media's frame 0."""

    id: str
    media: Path
    first: int
    last: int


def write_timeline(path: Path, shots: Iterable[TimelineShot], title: str) -> Path:
    """Writes an .otio file with one video track; media are named relative to it. It appears whole or not at all."""
    timeline = otio.schema.Timeline(title)
    track = otio.schema.Track("V1", kind=otio.schema.TrackKind.Video)
    timeline.tracks.append(track)
    track.extend([_clip(shot, path.parent) for shot in shots])
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.parent / temporary_name(path)
    try:
        partial.write_text(otio.adapters.write_to_string(timeline, "otio_json"), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise MachineFailed(f"{path}: cannot be written ({error.strerror}); free space and resume") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _clip(shot: TimelineShot, folder: Path) -> Any:
    rate = float(shot.fps)
    start, length = otio.opentime.RationalTime(shot.first, rate), shot.last - shot.first + 1
    where = quote(Path(relpath(shot.media.resolve(), folder.resolve())).as_posix())
    return otio.schema.Clip(
        name=shot.id,
        media_reference=otio.schema.ExternalReference(target_url=where),
        source_range=otio.opentime.TimeRange(start, otio.opentime.RationalTime(length, rate)),
        metadata={"suture": {"fps": f"{shot.fps.numerator}/{shot.fps.denominator}"}},
    )


def read_timeline(path: Path) -> list[Event]:
    """The events of a timeline in order: .otio, and what installed adapters read (.edl, .fcpxml).

    Ids are the clips' names where those are distinct and plain, else SH010, SH020, … Raises BadInput where the file
    cannot be read, needs a package, names media that do not exist, reaches beyond them, or changes their speed.
    """
    track = _flat_track(_read(path), path)
    clips = [item for item in track if isinstance(item, otio.schema.Clip)]
    media = [_media(clip, path) for clip in clips]
    infos = {file: probe(file) for file in dict.fromkeys(media)}
    spans = [_span(clip, infos[file], path) for clip, file in zip(clips, media, strict=True)]
    ids = _ids([clip.name for clip in clips])
    return [Event(id=i, media=m, first=a, last=b) for i, m, (a, b) in zip(ids, media, spans, strict=True)]


def _read(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix.removeprefix(".") not in otio.adapters.suffixes_with_defined_adapters(read=True):
        need = f"install {PACKAGES[suffix]}" if suffix in PACKAGES else "give an .otio file"
        raise BadInput(f"{path}: no adapter reads {suffix or 'such'} timelines here; {need}")
    try:
        return otio.adapters.read_from_file(str(path))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (otio.exceptions.OTIOError, ValueError) as error:
        raise BadInput(f"{path}: not a timeline that can be read; export it again") from error


def _flat_track(timeline: Any, path: Path) -> Any:
    if not isinstance(timeline, otio.schema.Timeline):
        raise BadInput(f"{path}: holds a {type(timeline).__name__}, not one timeline; export the sequence alone")
    tracks = timeline.video_tracks()
    return otio.algorithms.flatten_stack(tracks) if len(tracks) != 1 else tracks[0]


def _media(clip: Any, path: Path) -> Path:
    url = urlparse(
        str(clip.media_reference.target_url) if isinstance(clip.media_reference, otio.schema.ExternalReference) else ""
    )
    if url.scheme not in ("", "file") or not url.path:
        raise BadInput(f"{path}: clip {clip.name!r} names no media file; relink it")
    media = path.parent / unquote(url.path)
    if not media.exists():
        raise BadInput(f"{path}: clip {clip.name!r} names {media}, which does not exist; relink it")
    return media.resolve()


def _span(clip: Any, info: MediaInfo, path: Path) -> tuple[int, int]:
    """First and last frame of the media that a clip shows; a media's own start time is its frame 0."""
    if any(isinstance(effect, otio.schema.TimeEffect) for effect in clip.effects):
        raise BadInput(f"{path}: clip {clip.name!r} changes speed; render it to its own file first")
    rate, span = float(info.fps), clip.trimmed_range()
    available = clip.media_reference.available_range
    start = span.start_time - available.start_time if available else span.start_time
    first = round(start.rescaled_to(rate).value)
    last = first + round(span.duration.rescaled_to(rate).value) - 1
    if not 0 <= first <= last < info.frames:
        raise BadInput(
            f"{path}: clip {clip.name!r} shows frames {first}-{last} of {info.path}, which has {info.frames}"
        )
    return first, last


def _ids(names: Sequence[str]) -> list[str]:
    plain = all(SHOT_ID.fullmatch(name) for name in names) and len(set(names)) == len(names)
    return list(names) if plain else [f"SH{10 * place:03d}" for place in range(1, len(names) + 1)]
