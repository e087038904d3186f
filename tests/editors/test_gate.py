"""Through the gate: outside the support nothing changes, whatever an editor returns; films keep what they declared."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.media.made import all_frames, audio_packets, luma_psnr, make_film, same_pixels
from tools.editors.gate import composite, inpaint_media
from tools.errors import BadInput, Broken
from tools.media.encode import write_video
from tools.media.pixels import rgb8
from tools.media.probe import probe
from tools.types import Bits, Clip, Edit, Frame, Reference, Take

SIZE, COUNT = (96, 64), 12


def still_mask(path: Path, width: int = SIZE[0], height: int = SIZE[1]) -> Path:
    mask = np.zeros((height, width), np.uint8)
    mask[height // 3 : height // 2, width // 3 : width // 2] = 255
    cv2.imwrite(str(path), mask)
    return path


def inside_of(mask: Path) -> Bits:
    picture = cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return np.asarray(picture > 0, np.bool_)


def beginning(film: Path, path: Path, seconds: float) -> Path:
    """The film's packets up to a time, picture and sound untouched."""
    with av.open(str(film)) as source, av.open(str(path), "w") as out:
        streams = {s.index: out.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)}
        for packet in source.demux(*source.streams.video, *source.streams.audio):
            if packet.dts is not None and packet.time_base and packet.dts * packet.time_base < seconds:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    return path


def edit_of(film: Path, mask: Path, *, hard_edge: bool = True, count: int = COUNT) -> Edit:
    clip = Clip(media=film, first=0, last=count - 1)
    return Edit(key="gate", action="inpaint", clip=clip, mask=mask, hard_edge=hard_edge)


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le", "yuv444p"])
def test_an_editor_that_changes_everything_changes_only_the_mask(tmp_path: Path, pixels: str) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", pixels=pixels, size=SIZE)
    take = make_film(tmp_path / "take.mp4", size=(64, 48), options={"crf": "40"})
    edit = edit_of(film, still_mask(tmp_path / "mask.png"))
    done = composite(edit, Take(media=take), tmp_path / "out.mkv", codec="ffv1")
    assert done.outside_before_encode == 0
    mask = inside_of(tmp_path / "mask.png")
    for before, after in zip(all_frames(film), all_frames(done.media), strict=True):
        assert np.array_equal(before.planes[0][~mask], after.planes[0][~mask])
        assert not np.array_equal(before.planes[0][mask], after.planes[0][mask])


def test_a_mask_of_its_own_is_feathered_and_no_further(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", size=SIZE)
    take = make_film(tmp_path / "take.mkv", codec="ffv1", size=SIZE, count=COUNT)
    edit = edit_of(film, still_mask(tmp_path / "mask.png"), hard_edge=False)
    done = composite(edit, Take(media=take), tmp_path / "out.mkv", codec="ffv1")
    assert all(same_pixels(a, b) for a, b in zip(all_frames(film), all_frames(done.media), strict=True))
    assert (done.outside_before_encode, done.luma_psnr_outside) == (0, 100.0)


def test_a_take_at_another_rate_is_fitted_and_a_short_one_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", size=SIZE)
    edit = edit_of(film, still_mask(tmp_path / "mask.png"))
    half = make_film(tmp_path / "half.mkv", codec="ffv1", size=SIZE, count=6, rate=probe(film).fps / 2)
    assert composite(edit, Take(media=half), tmp_path / "out.mkv", codec="ffv1").frames == COUNT
    short = make_film(tmp_path / "short.mkv", codec="ffv1", size=SIZE, count=5)
    with pytest.raises(Broken, match=r"short\.mkv: 5 frames"):
        composite(edit, Take(media=short), tmp_path / "none.mkv")
    assert not (tmp_path / "none.mkv").exists()


def test_inpaint_keeps_what_a_real_film_declares(tmp_path: Path, shared_data: Path) -> None:
    film = beginning(shared_data / "clips" / "toy-frog.mp4", tmp_path / "frog.mp4", 0.8)
    info = probe(film)
    mask = still_mask(tmp_path / "mask.png", info.width, info.height)
    small = np.zeros((info.height, info.width), np.uint8)
    small[200:240, 300:350] = 255
    cv2.imwrite(str(mask), small)
    told: list[tuple[int, int]] = []
    result = inpaint_media(
        film, mask, tmp_path / "out.mp4", method="spatial", progress=lambda done, of: told.append((done, of))
    )
    after = probe(tmp_path / "out.mp4")
    for name in ("width", "height", "fps", "frames", "colour", "sample_aspect", "rotation"):
        assert getattr(after, name) == getattr(info, name)
    assert audio_packets(tmp_path / "out.mp4") == audio_packets(film)
    assert result["outside_before_encode"] == 0
    assert float(str(result["luma_psnr_outside"])) >= 50
    assert told[-1] == (info.frames, info.frames)


def test_a_folder_stays_a_folder(tmp_path: Path, shared_data: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(4):
        source = shared_data / "bmx-trees" / "frames" / f"{index:05d}.jpg"
        (folder / source.name).write_bytes(source.read_bytes())
    mask = shared_data / "bmx-trees" / "mask_square.png"
    inpaint_media(folder, mask, tmp_path / "out", grain=False)
    inside = inside_of(mask)
    made = all_frames(tmp_path / "out")
    for before, after in zip(all_frames(folder), made, strict=True):
        assert all(np.array_equal(a[~inside], b[~inside]) for a, b in zip(before.planes, after.planes, strict=True))
    assert [p.name for p in sorted((tmp_path / "out").iterdir())] == [f"{i:05d}.png" for i in range(4)]


def test_wrong_calls_write_nothing(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mp4", size=SIZE)
    wrong = still_mask(tmp_path / "wrong.png", 50, 50)
    right = still_mask(tmp_path / "mask.png")
    with pytest.raises(BadInput, match=r"wrong\.png"):
        inpaint_media(film, wrong, tmp_path / "out.mp4")
    with pytest.raises(BadInput, match="'magic'"):
        inpaint_media(film, right, tmp_path / "out.mp4", tool="magic")
    with pytest.raises(BadInput, match="source itself"):
        inpaint_media(film, right, film)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mask.png", "source.mp4", "wrong.png"]


def test_luma_outside_holds_after_a_lossy_encode(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mp4", size=(192, 128))
    result = inpaint_media(film, still_mask(tmp_path / "mask.png", 192, 128), tmp_path / "out.mp4")
    assert float(str(result["luma_psnr_outside"])) >= 50
    assert luma_psnr(all_frames(film)[0], all_frames(tmp_path / "out.mp4")[0]) > 20


def retake_of(film: Path, window: tuple[int, int], count: int = COUNT) -> Edit:
    return Edit(key="gate", action="retake", clip=Clip(media=film, first=0, last=count - 1), window=window)


def tinted(source: Path, path: Path, gain: float, lift: float) -> Path:
    """The film with its luma changed, in every frame."""
    info = probe(source)
    frames = all_frames(source)
    lumas = (np.clip(np.rint(f.planes[0] * gain + lift), 0, 255).astype(np.uint8) for f in frames)
    made = (Frame(f.index, (y, *f.planes[1:]), f.layout, f.colour) for f, y in zip(frames, lumas, strict=True))
    write_video(path, made, info, codec="ffv1")
    return path


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le"])
def test_a_retake_changes_its_window_and_not_a_bit_beside_it(tmp_path: Path, pixels: str) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", pixels=pixels, size=SIZE)
    take = make_film(tmp_path / "take.mp4", size=(64, 48), options={"crf": "35"})
    done = composite(retake_of(film, (4, 7)), Take(media=take), tmp_path / "out.mkv", codec="ffv1")
    assert (done.frames, done.outside_before_encode, done.luma_psnr_outside) == (COUNT, 0, 100.0)
    pairs = list(zip(all_frames(film), all_frames(done.media), strict=True))
    assert [a.index for a, b in pairs if not same_pixels(a, b)] == [4, 5, 6, 7]
    made = probe(done.media)
    assert (made.fps, made.frames, made.pixel_format) == (probe(film).fps, COUNT, pixels)


def test_a_retake_of_other_colours_is_brought_to_the_frames_beside_it(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", size=SIZE)
    take = tinted(film, tmp_path / "take.mkv", 0.9, 22)
    done = composite(retake_of(film, (3, 8)), Take(media=take), tmp_path / "out.mkv", codec="ffv1")
    for before, raw, after in zip(all_frames(film), all_frames(take), all_frames(done.media), strict=True):
        assert luma_psnr(before, raw) < 30
        assert luma_psnr(before, after) > 34


def test_a_retake_that_is_right_already_is_not_touched(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", size=SIZE)
    done = composite(retake_of(film, (0, 5)), Take(media=film), tmp_path / "out.mkv", codec="ffv1")
    assert all(same_pixels(a, b) for a, b in zip(all_frames(film), all_frames(done.media), strict=True))


def remade_of(film: Path, *, keeps_look: bool = True, references: tuple[Reference, ...] = ()) -> Edit:
    clip = Clip(media=film, first=0, last=COUNT - 1)
    return Edit(key="gate", action="regenerate", clip=clip, keeps_look=keeps_look, references=references)


def test_a_shot_made_again_takes_its_scene_s_look_and_nothing_of_the_old_picture(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", size=SIZE)
    other = tinted(film, tmp_path / "take.mkv", 0.8, 48)
    done = composite(remade_of(film), Take(media=other), tmp_path / "out.mkv", codec="ffv1")
    middle = [float(np.median(all_frames(one)[6].planes[0])) for one in (film, other, done.media)]
    assert abs(middle[1] - middle[0]) > 18
    assert abs(middle[2] - middle[0]) < 6
    alone = composite(remade_of(film, keeps_look=False), Take(media=other), tmp_path / "alone.mkv", codec="ffv1")
    assert all(same_pixels(a, b) for a, b in zip(all_frames(other), all_frames(alone.media), strict=True))
    cv2.imwrite(str(tmp_path / "scene.png"), rgb8(all_frames(film)[3])[..., ::-1])
    scene = (Reference(path=tmp_path / "scene.png", kind="frame", what="SH010@3"),)
    told = remade_of(film, keeps_look=False, references=scene)
    lit = composite(told, Take(media=other), tmp_path / "lit.mkv", codec="ffv1")
    assert abs(float(np.median(all_frames(lit.media)[6].planes[0])) - middle[0]) < 6


def test_a_remade_shot_has_the_source_s_size_rate_length_and_sound(tmp_path: Path, shared_data: Path) -> None:
    film = beginning(shared_data / "clips" / "toy-frog.mp4", tmp_path / "frog.mp4", 0.4)
    info = probe(film)
    take = make_film(tmp_path / "take.mp4", size=(128, 96), count=12, rate=Fraction(24))
    clip = Clip(media=film, first=0, last=info.frames - 1)
    edit = Edit(key="gate", action="regenerate", clip=clip)
    made = composite(edit, Take(media=take), tmp_path / "out.mp4").media
    for name in ("width", "height", "fps", "frames", "colour", "sample_aspect"):
        assert getattr(probe(made), name) == getattr(info, name)
    assert audio_packets(made) == audio_packets(film)


def test_a_retake_without_a_window_is_refused(tmp_path: Path) -> None:
    film = make_film(tmp_path / "source.mkv", codec="ffv1", size=SIZE)
    edit = retake_of(film, (1, 2)).model_copy(update={"window": None})
    with pytest.raises(BadInput, match="needs the window"):
        composite(edit, Take(media=film), tmp_path / "out.mkv")
