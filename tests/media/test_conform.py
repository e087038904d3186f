"""A new cut holds the new shots, keeps every other frame, and declares what its source declares."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.made import all_frames, audio_packets, luma_psnr, make_film, same_pixels
from tools.errors import BadInput
from tools.media.conform import Stretch, conform
from tools.media.encode import write_video
from tools.media.probe import probe
from tools.types import Clip

NTSC = Fraction(24000, 1001)
HDR = (9, 16, 9, 1)


def new_take(film: Path, first: int, last: int, path: Path) -> Path:
    """A version of a shot: the same frames upside down."""
    turned = [
        replace(f, planes=tuple(np.flipud(plane).copy() for plane in f.planes))
        for f in all_frames(Clip(media=film, first=first, last=last))
    ]
    write_video(path, turned, probe(film).model_copy(update={"variable_rate": False}))
    return path


def video_packets(film: Path) -> list[bytes]:
    with av.open(str(film)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.video[0]) if packet.size]


def declared(film: Path) -> dict[str, object]:
    return probe(film).model_dump(exclude={"path"})


@pytest.mark.parametrize("b_frames", [0, 2])
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_untouched_groups_are_copied_and_all_frames_kept(tmp_path: Path, suffix: str, b_frames: int) -> None:
    closed = {"x264-params": "open-gop=0:scenecut=0"}
    film = make_film(
        tmp_path / f"film{suffix}", count=40, group=10, b_frames=b_frames, rate=NTSC, tags=(1, 1, 1, 1), options=closed
    )
    take = new_take(film, 12, 24, tmp_path / "take.mp4")
    made = conform(
        film, [Stretch(0, 11, None), Stretch(12, 24, take), Stretch(25, 39, None)], tmp_path / f"new{suffix}"
    )
    assert made is not None
    assert (made.copied, made.encoded, made.why) == (33, 7, "")
    assert declared(made.path) == declared(film)
    assert video_packets(made.path)[:10] == video_packets(film)[:10]
    assert video_packets(made.path)[-10:] == video_packets(film)[-10:]
    before, after, replaced = all_frames(film), all_frames(made.path), all_frames(take)
    assert all(same_pixels(before[n], after[n]) for n in (*range(10), *range(30, 40)))
    assert all(same_pixels(new, after[12 + n]) for n, new in enumerate(replaced))
    assert min(luma_psnr(before[n], after[n]) for n in (10, 11, *range(25, 30))) >= 50


@pytest.mark.parametrize("first", [3, 10, 15, 33])
def test_a_new_cut_can_be_entered_anywhere(tmp_path: Path, first: int) -> None:
    film = make_film(tmp_path / "film.mp4", count=40, group=10, b_frames=2)
    made = conform(film, [Stretch(10, 19, new_take(film, 10, 19, tmp_path / "take.mp4"))], tmp_path / "new.mp4")
    assert made is not None
    whole = all_frames(made.path)
    entered = all_frames(Clip(media=made.path, first=first, last=39))
    assert all(same_pixels(a, b) for a, b in zip(whole[first:], entered, strict=True))


@pytest.mark.long
def test_real_footage_keeps_its_sound_and_its_other_shots(shared_data: Path, tmp_path: Path) -> None:
    film = shared_data / "clips" / "bigbuckbunny.mp4"
    take = new_take(film, 100, 131, tmp_path / "take.mp4")
    made = conform(film, [Stretch(100, 131, take)], tmp_path / "new.mp4")
    assert made is not None
    assert declared(made.path) == declared(film)
    assert audio_packets(made.path) == audio_packets(film)
    kept, after = Clip(media=film, first=90, last=99), Clip(media=made.path, first=90, last=99)
    assert min(luma_psnr(a, b) for a, b in zip(all_frames(kept), all_frames(after), strict=True)) >= 50


@pytest.mark.parametrize(
    ("name", "how", "copied"),
    [
        ("rotated.mp4", {"rotation": 90, "aspect": Fraction(4, 3)}, 12),
        ("variable.mkv", {"stamps": [0, 3, 5, 9, 10, 14, 15, 17, 20, 28, 29, 33], "clock": Fraction(1, 100)}, 12),
        ("deep.mp4", {"pixels": "yuv420p10le", "tags": HDR}, 12),
        ("intra.mov", {"codec": "prores_ks", "pixels": "yuv422p10le"}, 12),
        ("lossless.mkv", {"codec": "ffv1"}, 0),
        ("other.mp4", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}, 0),
    ],
)
def test_what_the_source_declares_survives(tmp_path: Path, name: str, how: dict[str, object], copied: int) -> None:
    film = make_film(tmp_path / name, group=4, **how)  # type: ignore[arg-type]
    take = new_take(film, 4, 7, tmp_path / f"take.{'mov' if name.endswith('mov') else 'mkv'}")
    made = conform(film, [Stretch(4, 7, take)], tmp_path / f"new-{name}")
    assert made is not None
    assert made.copied == copied
    assert bool(made.why) == (copied == 0)
    ignored = {"path", "codec", "pixel_format"}
    assert probe(made.path).model_dump(exclude=ignored) == probe(film).model_dump(exclude=ignored)
    stamps = [
        [f.pts * f.time_base for f in all_frames(p) if f.pts is not None and f.time_base] for p in (film, made.path)
    ]
    assert np.abs(np.array(stamps[0]) - np.array(stamps[1])).max() < Fraction(1, 1000)
    before, after = all_frames(film), all_frames(made.path)
    assert min(luma_psnr(before[n], after[n]) for n in (0, 3, 8, 11)) >= 50
    assert luma_psnr(all_frames(take)[0], after[4]) >= 50


def test_nothing_changed_makes_no_file(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    assert conform(film, [Stretch(0, 11, None)], tmp_path / "new.mp4") is None
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]


def test_a_version_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    take = new_take(film, 2, 5, tmp_path / "take.mp4")
    with pytest.raises(BadInput, match=r"take\.mp4: 4 frames"):
        conform(film, [Stretch(2, 6, take)], tmp_path / "new.mp4")
    with pytest.raises(BadInput, match=r"film\.mp4: has no frames 9-12"):
        conform(film, [Stretch(9, 12, take)], tmp_path / "new.mp4")
    with pytest.raises(BadInput, match="replaced twice"):
        conform(film, [Stretch(2, 5, take), Stretch(4, 7, take)], tmp_path / "new.mp4")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["film.mp4", "take.mp4"]
