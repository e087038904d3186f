"""Round trips: what a source declares is declared again, luma holds 50 dB, and nothing half written is left."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.media.made import all_frames, audio_packets, luma_psnr, make_film, same_pixels, texture
from tools.errors import BadInput, MachineFailed
from tools.media._codecs import Codec
from tools.media.decode import frames
from tools.media.encode import Writer, open_writer, write_video
from tools.media.probe import probe
from tools.types import Frame, MediaInfo

KEPT = ("width", "height", "fps", "frames", "sample_aspect", "rotation", "colour", "variable_rate", "timecode")


def _copy(source: Path, out: Path, codec: str = "auto") -> MediaInfo:
    info = probe(source)
    write_video(out, frames(source), info, source if info.has_audio else None, codec)  # type: ignore[arg-type]
    copy = probe(out)
    assert {k: getattr(copy, k) for k in KEPT} == {k: getattr(info, k) for k in KEPT}
    assert copy.has_audio == info.has_audio
    return copy


def _lowest_psnr(source: Path, out: Path) -> float:
    return min(luma_psnr(a, b) for a, b in zip(frames(source), frames(out), strict=True))


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "coded"),
    [
        ("a.mp4", "libx264", "yuv420p", "h264"),
        ("a.mp4", "libx264", "yuv420p10le", "h264"),
        ("a.mov", "libx264", "yuv422p10le", "h264"),
        ("a.mkv", "libx264", "yuv444p", "h264"),
        ("a.mkv", "libx264", "gray", "h264"),
        ("a.mov", "prores_ks", "yuv422p10le", "prores"),
        ("a.mov", "prores_ks", "yuv444p10le", "prores"),
        ("a.mkv", "ffv1", "yuv420p", "ffv1"),
        ("a.mkv", "ffv1", "gbrp10le", "ffv1"),
        ("a.mkv", "ffv1", "bgr0", "ffv1"),
        ("a.webm", "libvpx-vp9", "yuv420p", "h264"),
    ],
)
def test_codec_by_the_source(tmp_path: Path, name: str, codec: str, pixels: str, coded: str) -> None:
    out = tmp_path / f"out-{Path(name).stem}{Path(name).suffix.replace('webm', 'mkv')}"
    tags = None if pixels in {"gbrp10le", "bgr0"} else (9, 16, 9, 1)
    source = make_film(
        tmp_path / name, codec=codec, pixels=pixels, rate=Fraction(30000, 1001), aspect=Fraction(12, 11), tags=tags
    )
    copy = _copy(source, out)
    assert (copy.codec, copy.pixel_format) == (coded, probe(source).pixel_format)
    assert _lowest_psnr(source, out) >= (np.inf if coded == "ffv1" else 50)


@pytest.mark.parametrize("codec", ["h264", "prores", "ffv1"])
def test_every_codec_from_eight_bits(tmp_path: Path, codec: str) -> None:
    source = make_film(tmp_path / "a.mp4", tags=(1, 1, 1, 1))
    copy = _copy(source, tmp_path / "b.mov", codec)
    assert copy.codec == codec
    assert _lowest_psnr(source, tmp_path / "b.mov") >= 50


def test_noise_holds_fifty_decibels_where_it_is_worst(tmp_path: Path) -> None:
    """Half of the frame is flat, which must not pay for the noise in the other half."""
    info = probe(make_film(tmp_path / "a.mp4", size=(128, 96), count=20))
    sources = list(_noisy(tmp_path / "a.mp4"))
    write_video(tmp_path / "b.mp4", sources, info)
    for source, coded in zip(sources, frames(tmp_path / "b.mp4"), strict=True):
        assert luma_psnr(_left(source), _left(coded)) >= 50


def _noisy(path: Path) -> Iterator[Frame]:
    for frame in frames(path):
        rng = np.random.default_rng(frame.index)
        luma = np.full_like(frame.planes[0], 90)
        luma[:, :64] = rng.integers(16, 235, (96, 64))
        yield replace(frame, planes=(luma, *frame.planes[1:]))


def _left(frame: Frame) -> Frame:
    return replace(frame, planes=(frame.planes[0][:, :64], *frame.planes[1:]))


def test_many_groups_stitch_to_one_stream(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mkv", codec="ffv1", count=130)
    _copy(source, tmp_path / "b.mp4", "h264")
    late = all_frames(tmp_path / "b.mp4")
    with av.open(str(tmp_path / "b.mp4")) as film:
        assert len({p.pts for p in film.demux(video=0) if p.size}) == 130
    assert min(luma_psnr(a, b) for a, b in zip(frames(source), late, strict=True)) >= 50


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation(tmp_path: Path, rotation: int) -> None:
    assert _copy(make_film(tmp_path / "a.mp4", rotation=rotation), tmp_path / "b.mov").rotation == rotation


def test_time_stamps_of_a_variable_rate(tmp_path: Path) -> None:
    stamps = [0, 600, 1100, 1900, 2400, 3000, 3777, 4100, 5000, 5600, 6200, 6300]
    source = make_film(tmp_path / "a.mp4", stamps=stamps, clock=Fraction(1, 15360), rate=Fraction(25))
    assert _copy(source, tmp_path / "b.mp4").variable_rate
    times = [[f.pts * f.time_base for f in frames(p)] for p in (source, tmp_path / "b.mp4")]  # type: ignore[operator]
    assert times[0] == times[1]


def test_odd_sizes(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.webm", codec="libvpx-vp9", size=(97, 61), count=4)
    copy = _copy(source, tmp_path / "b.mp4")
    assert (copy.codec, copy.pixel_format) == ("h264", "yuv444p")
    assert _lowest_psnr(source, tmp_path / "b.mp4") >= 50


def test_one_frame(tmp_path: Path) -> None:
    assert _copy(make_film(tmp_path / "a.mp4", count=1), tmp_path / "b.mp4").frames == 1


def test_a_name_for_webm_still_gets_a_film(tmp_path: Path) -> None:
    assert _copy(make_film(tmp_path / "a.webm", codec="libvpx-vp9"), tmp_path / "b.webm").container == "matroska"


@pytest.mark.parametrize("out", ["b.mp4", "b.mov", "b.mkv"])
def test_audio_packets_are_the_source_s_own(shared_data: Path, tmp_path: Path, out: str) -> None:
    source = shared_data / "clips" / "bigbuckbunny.mp4"
    info = probe(source)
    tiny = (_shrunk(frame) for frame in frames(source))
    write_video(tmp_path / out, tiny, info.model_copy(update={"width": 320, "height": 180}), source)
    assert audio_packets(tmp_path / out) == audio_packets(source)
    assert probe(tmp_path / out).frames == 132


def _shrunk(frame: Frame) -> Frame:
    return replace(frame, planes=tuple(p[::4, ::4].copy() for p in frame.planes))


@pytest.mark.parametrize("name", ["carphone.mp4", "bt709_full_range.mp4"])
def test_real_tags_ranges_and_aspects(shared_data: Path, tmp_path: Path, name: str) -> None:
    _copy(shared_data / "clips" / name, tmp_path / name)
    assert _lowest_psnr(shared_data / "clips" / name, tmp_path / name) >= 50


def test_timecode(shared_data: Path, tmp_path: Path) -> None:
    info = probe(shared_data / "clips" / "dog.mp4").model_copy(update={"width": 96, "height": 64})
    film = make_film(tmp_path / "a.mp4", rate=info.fps)
    write_video(tmp_path / "b.mov", frames(film), info)
    assert probe(tmp_path / "b.mov").timecode == "00:00:00:00"


def test_the_same_bytes_twice(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4", count=30)
    for name in ("b.mp4", "c.mp4"):
        _copy(source, tmp_path / name)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


@pytest.mark.parametrize("deep", [False, True])
def test_a_folder_comes_out_as_a_folder(tmp_path: Path, deep: bool) -> None:
    (tmp_path / "in").mkdir()
    for index in range(3):
        picture = texture(40, 30, index)
        deeper = picture.astype(np.uint16) * 257 + 3 if deep else picture
        cv2.imwrite(str(tmp_path / "in" / f"shot_{index:03d}.png"), deeper)
    info = probe(tmp_path / "in")
    for _ in range(2):
        write_video(tmp_path / "out", frames(tmp_path / "in"), info)
    assert [p.name for p in sorted((tmp_path / "out").iterdir())] == [f"shot_{n:03d}.png" for n in range(3)]
    assert all(same_pixels(a, b) for a, b in zip(frames(tmp_path / "in"), frames(tmp_path / "out"), strict=True))


def test_a_failure_half_way_leaves_nothing(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mp4")
    (tmp_path / "out").mkdir()

    def stop_after_five() -> Iterator[Frame]:
        yield from all_frames(source)[:5]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(tmp_path / "out" / "b.mp4", stop_after_five(), probe(source))
    assert list((tmp_path / "out").iterdir()) == []


def test_originals_and_other_folders_are_refused(tmp_path: Path) -> None:
    info = probe(make_film(tmp_path / "a.mp4"))
    with pytest.raises(BadInput, match="originals"):
        open_writer(tmp_path / "a.mp4", info)
    with pytest.raises(BadInput, match="is a folder"):
        open_writer(tmp_path, info)
    with pytest.raises(BadInput, match="cannot be made"):
        open_writer(tmp_path / "a.mp4" / "b.mp4", info)


FULL_DISK = """
import sys
from pathlib import Path
from tools.errors import MachineFailed
from tools.media.decode import frames
from tools.media.encode import write_video
from tools.media.probe import probe
source, out = Path(sys.argv[1]), Path(sys.argv[2])
try:
    write_video(out, frames(source), probe(source), codec="ffv1")
except MachineFailed as why:
    sys.exit(f"exit {why.exit_code}: {why}")
"""


def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on file sizes stands for the disk that fills up."""
    source = make_film(tmp_path / "a.mp4", size=(320, 240), count=30)
    (tmp_path / "out").mkdir()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [sys.executable, "-c", FULL_DISK, str(source), str(tmp_path / "out" / "b.mkv")]
    done = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert "exit 4" in done.stderr, done.stderr
    assert "could not be written" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(("name", "codec"), [("b.mp4", "h264"), ("b.mkv", "h264"), ("b.mov", "prores")])
def test_a_watch_is_told_what_a_player_sees(tmp_path: Path, name: str, codec: Codec) -> None:
    pixels = "yuv420p" if codec == "h264" else "yuv422p10le"
    source = make_film(tmp_path / "a.mkv", codec="ffv1", pixels=pixels, count=60)
    told: list[tuple[Frame, Frame]] = []

    def watch(frame: Frame, coded: Frame) -> None:
        told.append((frame, coded))

    with Writer(tmp_path / name, probe(source), codec=codec, watch=watch) as writer:
        for frame in frames(source):
            writer.write(frame)
    for (frame, coded), before, after in zip(told, frames(source), frames(tmp_path / name), strict=True):
        assert same_pixels(frame, before)
        assert same_pixels(coded, after)


def test_a_file_that_holds_other_than_was_measured_does_not_appear(tmp_path: Path) -> None:
    source = make_film(tmp_path / "a.mkv", codec="ffv1", size=(640, 360), count=1)
    (blank,) = frames(source)
    noise = np.random.default_rng(1)

    def spoilt() -> None:
        with Writer(tmp_path / "b.mp4", probe(source), codec="h264", watch=lambda _, __: None) as writer:
            for _ in range(50):
                planes = tuple(noise.integers(16, 235, plane.shape, np.uint8) for plane in blank.planes)
                writer.write(replace(blank, planes=planes))
            (part,) = tmp_path.glob(".b.mp4.*.part")
            with part.open("rb+") as file:
                file.seek(1_000_000)
                (byte,) = file.read(1)
                file.seek(1_000_000)
                file.write(bytes([byte ^ 1]))

    with pytest.raises(MachineFailed, match="does not hold"):
        spoilt()
    assert [one.name for one in tmp_path.iterdir()] == ["a.mkv"]
