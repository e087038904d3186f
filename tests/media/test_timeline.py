"""Timelines go round, and what cannot be cut from is refused in one line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import opentimelineio as otio
import pytest

from tests.media.made import make_film
from tools.errors import BadInput
from tools.media.timeline import Event, TimelineShot, read_timeline, write_timeline

NTSC = Fraction(24000, 1001)


def test_a_timeline_goes_round_with_exact_frames(tmp_path: Path) -> None:
    media = make_film(tmp_path / "my film #1.mp4", count=30, rate=NTSC)
    shots = [TimelineShot("SH010", media, 0, 11, NTSC), TimelineShot("SH020", media, 12, 29, NTSC)]
    cut = write_timeline(tmp_path / "runs" / "timeline.otio", shots, "Launch <Day>")
    assert read_timeline(cut) == [Event(id=s.id, media=media, first=s.first, last=s.last) for s in shots]
    assert [file.name for file in cut.parent.iterdir()] == ["timeline.otio"]


def test_media_that_start_at_a_time_code_count_from_zero(tmp_path: Path) -> None:
    media = make_film(tmp_path / "a.mp4", count=20)
    hour = otio.opentime.RationalTime(86400, 24)
    clip = otio.schema.Clip(
        "not plain!",
        otio.schema.ExternalReference(str(media), otio.opentime.TimeRange(hour, otio.opentime.RationalTime(20, 24))),
        otio.opentime.TimeRange(hour + otio.opentime.RationalTime(5, 24), otio.opentime.RationalTime(10, 24)),
    )
    timeline = otio.schema.Timeline("t")
    timeline.tracks.append(otio.schema.Track("V1", [clip]))
    otio.adapters.write_to_file(timeline, str(tmp_path / "t.otio"))
    assert read_timeline(tmp_path / "t.otio") == [Event(id="SH010", media=media, first=5, last=14)]


def test_an_adapter_that_is_not_installed_is_named(tmp_path: Path) -> None:
    (tmp_path / "cut.edl").write_text("TITLE: x\n")
    with pytest.raises(BadInput, match=r"cut\.edl.*install otio-cmx3600-adapter"):
        read_timeline(tmp_path / "cut.edl")


@pytest.mark.parametrize("last", [20, 400])
def test_events_beyond_their_media_are_refused(tmp_path: Path, last: int) -> None:
    media = make_film(tmp_path / "a.mp4", count=20)
    cut = write_timeline(tmp_path / "t.otio", [TimelineShot("SH010", media, 0, last, Fraction(24))], "t")
    with pytest.raises(BadInput, match="which has 20"):
        read_timeline(cut)


def test_missing_media_and_broken_files_are_refused(tmp_path: Path) -> None:
    cut = write_timeline(tmp_path / "t.otio", [TimelineShot("SH010", tmp_path / "gone.mp4", 0, 1, Fraction(24))], "t")
    with pytest.raises(BadInput, match=r"gone\.mp4, which does not exist"):
        read_timeline(cut)
    (tmp_path / "b.otio").write_text("{")
    with pytest.raises(BadInput, match="not a timeline"):
        read_timeline(tmp_path / "b.otio")
    with pytest.raises(BadInput, match=r"none\.otio"):
        read_timeline(tmp_path / "none.otio")
