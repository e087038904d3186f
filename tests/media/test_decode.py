"""Streams of frames: exact clips, native planes, matrices and ranges, the composite."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media.made import all_frames, make_film, same_pixels, texture
from tools.errors import BadInput
from tools.media import pixels
from tools.media._layouts import layout_of
from tools.media.decode import frames, luma_frames, rgb_frames
from tools.types import Clip, ColourTags, Frame

OPEN_GROUPS = {"x264-params": "open-gop=1:keyint=8:min-keyint=8:b-pyramid=normal:scenecut=0"}


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("closed.mp4", "libx264", {}),
        ("open.mp4", "libx264", OPEN_GROUPS),
        ("open.mkv", "libx264", OPEN_GROUPS),
        ("hevc.mp4", "libx265", {"x265-params": "open-gop=1:keyint=8:min-keyint=8:log-level=none"}),
        ("vp9.webm", "libvpx-vp9", {"auto-alt-ref": "1", "lag-in-frames": "16"}),
    ],
)
def test_clips_start_exactly(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    path = make_film(tmp_path / name, codec=codec, count=40, b_frames=3, group=8, options=options)
    whole = all_frames(path)
    assert len(whole) == 40
    for first in (0, 1, 6, 7, 8, 9, 15, 17, 23, 24, 31, 39):
        last = min(39, first + 2)
        clip = all_frames(Clip(media=path, first=first, last=last))
        assert [f.index for f in clip] == list(range(last - first + 1))
        assert all(same_pixels(got, want) for got, want in zip(clip, whole[first:], strict=False)), first


def test_edit_list_hides_frames(tmp_path: Path) -> None:
    """A remux that starts in the middle of a group hides the frames before it by an edit list."""
    source = make_film(tmp_path / "a.mp4", count=24, group=24)
    cut = tmp_path / "cut.mp4"
    with av.open(str(source)) as film, av.open(str(cut), "w") as out:
        copy = out.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is not None and packet.pts is not None:
                step = packet.duration or 1
                packet.pts, packet.dts, packet.stream = packet.pts - 5 * step, packet.dts - 5 * step, copy
                out.mux(packet)
    whole, shown = all_frames(source), all_frames(cut)
    assert all(same_pixels(a, b) for a, b in zip(shown, whole[24 - len(shown) :], strict=True))
    late = all_frames(Clip(media=cut, first=10, last=12))
    assert all(same_pixels(a, b) for a, b in zip(late, shown[10:13], strict=True))


def test_a_clip_beyond_the_end_is_refused(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mp4")
    with pytest.raises(BadInput, match="it has 12"):
        next(frames(Clip(media=path, first=4, last=12)))


@pytest.mark.parametrize(
    "name", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv444p12le", "gray", "gbrp10le", "bgr0", "yuv411p"]
)
def test_native_planes(tmp_path: Path, name: str) -> None:
    path = make_film(tmp_path / "a.mkv", codec="ffv1", pixels=name, size=(50, 38), count=2)
    first = next(frames(path))
    with av.open(str(path)) as film:
        picture = next(film.decode(video=0))
    layout = layout_of(name)
    assert first.layout == layout
    if name == "bgr0":
        assert np.array_equal(np.dstack(first.planes), picture.to_ndarray(format="rgb24"))
    if name == "yuv420p":
        assert np.array_equal(np.concatenate([p.ravel() for p in first.planes]), picture.to_ndarray().ravel())
    assert same_pixels(first, pixels.from_444(pixels.to_444(first), first))


def _flat(codes: tuple[int, int, int], matrix: int, depth: int, full: bool) -> Frame:
    layout = layout_of("yuv444p" if depth == 8 else f"yuv444p{depth}le")
    assert layout is not None
    planes = tuple(np.full((4, 4), c, dtype=np.uint8 if depth == 8 else np.uint16) for c in codes)
    return Frame(0, planes, layout, ColourTags(matrix=matrix, range=2 if full else 1))


@pytest.mark.parametrize(
    ("frame", "rgb"),
    [
        (_flat((16, 128, 128), 1, 8, full=False), (0, 0, 0)),
        (_flat((235, 128, 128), 1, 8, full=False), (255, 255, 255)),
        (_flat((0, 128, 128), 1, 8, full=True), (0, 0, 0)),
        (_flat((63, 102, 240), 1, 8, full=False), (255, 0, 0)),
        (_flat((81, 90, 240), 6, 8, full=False), (255, 0, 0)),
        (_flat((250, 409, 960), 1, 10, full=False), (255, 0, 0)),
    ],
)
def test_matrix_and_range(frame: Frame, rgb: tuple[int, int, int]) -> None:
    """Codes of black, white and pure red after ITU-R BT.601 and BT.709."""
    assert np.abs(pixels.rgb8(frame)[0, 0].astype(int) - rgb).max() <= 1
    assert np.abs(pixels.rgb8_to_444(pixels.rgb8(frame), frame).astype(int) - pixels.to_444(frame)).max() <= 3


def test_composite_keeps_the_outside_bit_for_bit(tmp_path: Path) -> None:
    source = next(frames(make_film(tmp_path / "a.mkv", codec="ffv1", size=(51, 37), count=1)))
    edited = pixels.from_444(pixels.rgb8_to_444(texture(51, 37, 0, seed=5), source), source)
    mask = np.zeros((37, 51), dtype=np.bool_)
    mask[11:20, 13:30] = True
    mask[36, 50] = True
    done = pixels.composite(source, edited, mask)
    luma, blue, _ = pixels.support_planes(mask, source.layout)
    assert np.array_equal(luma, mask)
    assert blue[5:10, 6:15].all()
    assert blue[18, 25]
    assert blue.sum() == 5 * 9 + 1
    for got, old, new, inside in zip(
        done.planes, source.planes, edited.planes, pixels.support_planes(mask, source.layout), strict=True
    ):
        assert np.array_equal(got[~inside], old[~inside])
        assert np.array_equal(got[inside], new[inside])


def test_small_pictures(tmp_path: Path) -> None:
    path = make_film(tmp_path / "a.mp4", size=(320, 200), count=6, rate=Fraction(30))
    small = dict(rgb_frames(path, longest=80, indices=[1, 4]))
    assert {index: picture.shape for index, picture in small.items()} == {1: (50, 80, 3), 4: (50, 80, 3)}
    reference = texture(320, 200, 4).reshape(50, 4, 80, 4, 3).mean(axis=(1, 3))
    assert np.abs(small[4] - reference).mean() < 4
    assert [p.shape for _, p in luma_frames(path, longest=80)] == [(50, 80)] * 6
