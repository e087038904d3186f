"""What files are told to be, and which are refused with one clear line."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from tests.media.made import make_film, texture
from tools.errors import BadInput
from tools.media.probe import probe
from tools.types import ColourTags


def _refusal(path: Path) -> str:
    with pytest.raises(BadInput) as refusal:
        probe(path)
    line = str(refusal.value)
    assert path.name in line
    assert "\n" not in line
    return line


def test_real_footage(shared_data: Path) -> None:
    carphone = probe(shared_data / "clips" / "carphone.mp4")
    assert (carphone.width, carphone.height, carphone.frames) == (176, 144, 120)
    assert (carphone.fps, carphone.sample_aspect) == (Fraction(30000, 1001), Fraction(128, 117))
    assert probe(shared_data / "clips" / "bt709_full_range.mp4").colour == ColourTags(
        primaries=1, transfer=1, matrix=1, range=2
    )
    bunny = probe(shared_data / "clips" / "bigbuckbunny.mp4")
    assert (bunny.frames, bunny.fps, bunny.has_audio, bunny.variable_rate) == (132, Fraction(25), True, False)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "container"),
    [
        ("a.mp4", "libx264", "yuv420p", "mp4"),
        ("a.mov", "prores_ks", "yuv422p10le", "mov"),
        ("a.mkv", "ffv1", "yuv420p10le", "matroska"),
        ("a.webm", "libvpx-vp9", "yuv420p", "webm"),
    ],
)
def test_containers_and_formats(tmp_path: Path, name: str, codec: str, pixels: str, container: str) -> None:
    rate = Fraction(24000, 1001)
    info = probe(make_film(tmp_path / name, codec=codec, pixels=pixels, rate=rate))
    assert (info.container, info.pixel_format, info.frames, info.fps) == (container, pixels, 12, rate)
    assert not info.variable_rate


def test_content_counts_not_the_name(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4")
    odd = film.rename(tmp_path / "film.txt")
    assert probe(odd).frames == 12


def test_rotation_aspect_and_tags(tmp_path: Path) -> None:
    tags = (9, 16, 9, 1)
    path = make_film(
        tmp_path / "a.mp4", pixels="yuv420p10le", rotation=90, aspect=Fraction(4, 3), tags=tags, rate=Fraction(25)
    )
    info = probe(path)
    assert (info.rotation, info.sample_aspect, info.bit_depth) == (90, Fraction(4, 3), 10)
    assert info.colour == ColourTags(primaries=9, transfer=16, matrix=9, range=1)


def test_variable_rate_is_seen_in_the_stamps(tmp_path: Path) -> None:
    stamps = [0, 40, 80, 130, 150, 210, 250, 300, 360, 390, 440, 500]
    info = probe(make_film(tmp_path / "a.mkv", stamps=stamps, clock=Fraction(1, 1000)))
    assert info.variable_rate
    assert info.frames == 12
    assert info.fps == Fraction(22)


def test_single_frame(tmp_path: Path) -> None:
    info = probe(make_film(tmp_path / "a.mp4", count=1))
    assert (info.frames, info.fps, info.variable_rate) == (1, Fraction(24), False)


def test_folder_of_frames(tmp_path: Path) -> None:
    for index in (2, 10, 1):
        cv2.imwrite(str(tmp_path / f"f{index}.png"), texture(40, 30, index).astype(np.uint16) * 257)
    info = probe(tmp_path)
    assert (info.kind, info.frames, info.fps, info.bit_depth) == ("frames", 3, Fraction(24), 16)
    cv2.imwrite(str(tmp_path / "f3.png"), texture(42, 30, 0))
    assert "40x30" in _refusal_of_folder(tmp_path)


def _refusal_of_folder(folder: Path) -> str:
    with pytest.raises(BadInput) as refusal:
        probe(folder)
    return str(refusal.value)


def test_missing_empty_text_and_picture(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "missing.mp4")
    (tmp_path / "empty.mp4").touch()
    assert "empty" in _refusal(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("These are words, not pictures.\n" * 50)
    assert "not a video" in _refusal(tmp_path / "text.mp4")
    cv2.imwrite(str(tmp_path / "picture.png"), texture(40, 30, 0))
    (tmp_path / "picture.png").rename(tmp_path / "picture.mp4")
    assert "PNG picture" in _refusal(tmp_path / "picture.mp4")
    assert "without pictures" in _refusal_of_folder(_empty_folder(tmp_path))


def _empty_folder(tmp_path: Path) -> Path:
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.995])
def test_cut_off_files(tmp_path: Path, name: str, share: float) -> None:
    data = make_film(tmp_path / name, options={"crf": "10"}).read_bytes()
    (tmp_path / f"short-{name}").write_bytes(data[: int(len(data) * share)])
    assert "cut off" in _refusal(tmp_path / f"short-{name}")


def test_cut_off_after_the_index(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "clips" / "tears-of-steel.mp4"
    copy = shutil.copyfile(source, tmp_path / "short.mp4")
    with copy.open("rb+") as file:
        file.truncate(source.stat().st_size * 2 // 3)
    assert "cut off" in _refusal(copy)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("aac", rate=44100)
        assert isinstance(stream, AudioStream)
        sound = AudioFrame.from_ndarray(np.zeros((1, 4096), dtype=np.float32), format="fltp", layout="mono")
        sound.sample_rate = 44100
        out.mux([*stream.encode(sound), *stream.encode(None)])
    assert "only sound" in _refusal(path)


def test_alpha_is_refused(tmp_path: Path) -> None:
    assert "alpha" in _refusal(make_film(tmp_path / "a.mov", codec="prores_ks", pixels="yuva444p10le"))
