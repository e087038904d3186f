"""A clip goes out as each model takes it and comes back frame for frame; what is no answer is refused in one line."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.media.made import all_frames, luma_psnr, make_film, same_pixels, texture
from tools.editors.base import Capabilities, Limits, PaidAction
from tools.editors.fitting import (
    Fit,
    calm_window,
    first_frame,
    fitted_take,
    frame_png,
    last_frame,
    plan_fit,
    reference_png,
    refuse_bad,
    send_clip,
    send_mask,
    send_still_mask,
)
from tools.errors import Broken, Refused
from tools.media._layouts import layout_of
from tools.media.decode import frames
from tools.media.encode import write_video
from tools.media.pixels import from_444, luma8, rgb8, rgb8_to_444
from tools.media.probe import probe
from tools.media.sheets import read_picture
from tools.types import Box, Clip, ColourTags, Edit, Frame, Gray, MediaInfo, Reference, Rgb

SIZE, COUNT = (96, 64), 18
BITS = 5
"""Squares along the top of a numbered picture, each a bit of the frame's number."""


def numbered(index: int, width: int = SIZE[0], height: int = SIZE[1]) -> Rgb:
    """A picture that carries its number in black and white squares."""
    picture = texture(width, height, index)
    for bit in range(BITS):
        x = 8 + bit * 16
        picture[8:20, x : x + 12] = 235 if index >> bit & 1 else 20
    return picture


def number_in(frame: Frame) -> int:
    """The number that a picture of the source's size carries."""
    luma: Gray = luma8(frame)
    return sum(int(luma[11:17, 11 + bit * 16 : 17 + bit * 16].mean() > 127) << bit for bit in range(BITS))


def film(path: Path, pictures: Iterator[Rgb], rate: Fraction = Fraction(24), codec: str = "ffv1") -> Path:
    """Pictures as a film of yuv420p, BT.709."""
    layout = layout_of("yuv420p")
    assert layout is not None
    made = []
    for index, picture in enumerate(pictures):
        like = Frame(index, (picture[..., 0],), layout, ColourTags(primaries=1, transfer=1, matrix=1, range=1))
        made.append(from_444(rgb8_to_444(picture, like), like))
    info = MediaInfo(
        path=path.with_name("made"),
        kind="video",
        width=made[0].width,
        height=made[0].height,
        fps=rate,
        frames=len(made),
        container="matroska",
        codec=codec,
        pixel_format="yuv420p",
        bit_depth=8,
        colour=made[0].colour,
    )
    write_video(path, made, info, codec=codec)  # type: ignore[arg-type]
    return path


def source_film(folder: Path, rate: Fraction = Fraction(24), count: int = COUNT) -> Path:
    return film(folder / "shot.mkv", (numbered(index) for index in range(count)), rate)


def mask_file(folder: Path) -> Path:
    mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
    mask[32:52, 40:64] = 255
    cv2.imwrite(str(folder / "mask.png"), mask)
    return folder / "mask.png"


def can(*actions: PaidAction, medium: Any = "video", between: bool = False, **limits: Any) -> Capabilities:
    told: dict[str, Any] = {"actions": actions or ("inpaint", "retake"), "local": False, "medium": medium}
    told |= {"between": between, "limits": limits}
    return Capabilities.model_validate(told)


def edit_of(media: Path, action: PaidAction = "inpaint", count: int = COUNT, **more: Any) -> Edit:
    clip = Clip(media=media, first=0, last=count - 1)
    return Edit.model_validate({"key": "film/SH010/1", "action": action, "clip": clip, "hard_edge": True, **more})


def fit_of(edit: Edit, able: Capabilities) -> Fit:
    """The fit as a later process reads it."""
    return Fit.model_validate_json(plan_fit(edit, probe(edit.clip.media), able).model_dump_json())


def resampled(path: Path, raw: Path, rate: Fraction, count: int | None = None) -> Path:
    """What a model that answers at its own rate makes of footage: the nearest frames in time."""
    sent, had = [rgb8(frame) for frame in frames(raw)], probe(raw).fps
    made = count or round(len(sent) / had * rate)
    return film(path, (sent[min(len(sent) - 1, round(i * had / rate))] for i in range(made)), rate)


VACE: dict[str, Any] = {"frames": (81, 241), "frame_step": 4, "frame_offset": 1, "multiple": 16, "side": (128, 1280)}
LIMITS: dict[str, dict[str, Any]] = {
    "any": {},
    "4n+1": {"frame_step": 4, "frame_offset": 1},
    "81 frames, sides of 16": VACE,
    "fixed sizes of another aspect": {"sizes": ((160, 160), (320, 160))},
    "least seconds": {"seconds": (2, 10)},
    "5 or 10 s": {"seconds": (5, 10), "durations": (5, 10)},
    "most pixels": {"pixels": (100, 4000)},
}


@pytest.mark.parametrize("named", LIMITS)
def test_what_is_sent_keeps_the_limits_and_comes_back_frame_for_frame(tmp_path: Path, named: str) -> None:
    media, able = source_film(tmp_path), can(**LIMITS[named])
    fit = fit_of(edit_of(media), able)
    raw = send_clip(edit_of(media), fit, tmp_path)
    info = probe(raw)
    assert (info.width, info.height, info.frames, info.fps) == (fit.width, fit.height, fit.count, fit.rate)
    assert (info.codec, info.pixel_format, info.has_audio) == ("h264", "yuv420p", False)
    assert info.colour == ColourTags(primaries=1, transfer=1, matrix=1, range=1)
    take = fitted_take(raw, fit, tmp_path)
    made = probe(take)
    assert (made.width, made.height, made.frames, made.fps, made.codec) == (*SIZE, COUNT, Fraction(24), "ffv1")
    least = 24 if named == "most pixels" else 34
    for before, after in zip(all_frames(media), all_frames(take), strict=True):
        assert number_in(after) == before.index
        assert luma_psnr(before, after) > least


def test_counts_sizes_and_paddings_are_what_the_limits_say(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    fit = fit_of(edit_of(media), can(**VACE))
    assert (fit.count, fit.tail, fit.width, fit.height, fit.box) == (81, 63, 192, 128, Box(0, 0, 192, 128))
    assert fit_of(edit_of(media), can(**LIMITS["4n+1"])).count == 21
    wide = fit_of(edit_of(media), can(**LIMITS["fixed sizes of another aspect"]))
    assert (wide.width, wide.height, wide.box) == (320, 160, Box(40, 0, 240, 160))
    assert wide.box.w * SIZE[1] == wide.box.h * SIZE[0]
    assert fit_of(edit_of(media), can(**LIMITS["5 or 10 s"])).count == 120
    small = fit_of(edit_of(media), can(**LIMITS["most pixels"]))
    assert small.width * small.height <= 4000


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30), Fraction(24000, 1001)])
def test_a_model_of_24_frames_a_second_gives_every_frame_of_another_rate_back(tmp_path: Path, rate: Fraction) -> None:
    media, able = source_film(tmp_path, rate), can(output_rate="24/1")
    fit = fit_of(edit_of(media), able)
    raw = send_clip(edit_of(media), fit, tmp_path)
    assert (probe(raw).fps, probe(raw).frames) == (Fraction(24), COUNT)
    take = fitted_take(raw, fit, tmp_path)
    assert probe(take).fps == rate
    assert [number_in(frame) for frame in all_frames(take)] == list(range(COUNT))


def test_a_rate_far_off_is_sent_and_brought_back_by_the_nearest_frame_in_time(tmp_path: Path) -> None:
    media = source_film(tmp_path, Fraction(60), 20)
    edit = edit_of(media, count=20)
    fit = fit_of(edit, can(rates=("8/1", "24/1")))
    raw = send_clip(edit, fit, tmp_path)
    assert (probe(raw).fps, [number_in(f) for f in all_frames(raw)]) == (Fraction(24), [0, 3, 5, 8, 10, 13, 15, 18])
    take = fitted_take(raw, fit, tmp_path)
    shown = [number_in(frame) for frame in all_frames(take)]
    assert len(shown) == 20
    assert all(abs(number - index) <= 1 for index, number in enumerate(shown[:19]))


def test_a_result_at_a_rate_of_its_own_is_picked_by_time(tmp_path: Path) -> None:
    media = source_film(tmp_path, Fraction(12))
    fit = fit_of(edit_of(media), can())
    raw = resampled(tmp_path / "raw.mkv", send_clip(edit_of(media), fit, tmp_path), Fraction(24))
    assert [number_in(frame) for frame in all_frames(fitted_take(raw, fit, tmp_path))] == list(range(COUNT))


def test_only_the_wrong_stretch_is_sent_with_what_lies_around_it(tmp_path: Path) -> None:
    media = film(tmp_path / "long.mkv", (numbered(i % 32) for i in range(60)))
    edit = edit_of(media, count=60, stretch=(28, 31), mask=mask_file(tmp_path))
    fit = fit_of(edit, can())
    assert (fit.first, fit.last, fit.count) == (16, 43, 28)
    raw = send_clip(edit, fit, tmp_path)
    assert number_in(all_frames(raw)[0]) == 16
    grey = film(tmp_path / "grey.mkv", (np.full((SIZE[1], SIZE[0], 3), 90, np.uint8) for _ in range(28)))
    take = all_frames(fitted_take(grey, fit, tmp_path))
    changed = [a.index for a, b in zip(all_frames(media), take, strict=True) if not same_pixels(a, b)]
    assert changed == [28, 29, 30, 31]
    minimum = fit_of(edit, can(frames=(41, 241)))
    assert (minimum.frames, minimum.tail) == (41, 0)


def test_a_mask_goes_out_in_step_with_the_clip_and_survives_the_coding(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    moving = tmp_path / "masks"
    moving.mkdir()
    for index in range(COUNT):
        mask = np.zeros((SIZE[1], SIZE[0]), np.uint8)
        mask[30:50, 2 * index : 2 * index + 24] = 255
        cv2.imwrite(str(moving / f"{index:03d}.png"), mask)
    edit = edit_of(media, mask=moving)
    fit = fit_of(edit, can(**VACE))
    sent = [luma8(frame) for frame in frames(send_mask(edit, fit, tmp_path, "edit"))]
    assert len(sent) == fit.count
    for number in (0, 9, 17, 20):
        left = 2 * fit.source_index(number) * 2
        wanted = np.zeros((fit.height, fit.width), np.bool_)
        wanted[60:100, left : left + 48] = True
        assert np.array_equal(sent[number] > 127, wanted)
    kept = luma8(next(frames(send_mask(edit, fit, tmp_path, "keep"))))
    assert np.array_equal(kept < 128, sent[0] > 127)


def test_a_tint_of_the_whole_result_is_taken_back(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    edit = edit_of(media, mask=mask_file(tmp_path))
    fit = fit_of(edit, can())
    tinted = film(
        tmp_path / "raw.mkv",
        (np.clip(numbered(i) * np.array([0.85, 0.95, 1.0]) + 10, 0, 255).astype(np.uint8) for i in range(COUNT)),
    )
    for before, after in zip(all_frames(media), all_frames(fitted_take(tinted, fit, tmp_path)), strict=True):
        assert luma_psnr(before, after) > 36


@pytest.mark.parametrize("grain", [True, False])
def test_a_soft_result_is_given_its_detail_back_where_grain_is_wanted(tmp_path: Path, grain: bool) -> None:
    rng = np.random.default_rng(3)
    still = np.clip(cv2.GaussianBlur(rng.normal(0, 1, (128, 192, 1)), (0, 0), 1.2) * 90 + 120, 0, 255).astype(np.uint8)
    sharp = np.repeat(still[..., None], 3, axis=2)
    media = film(tmp_path / "sharp.mkv", (sharp for _ in range(4)))
    mask = np.zeros((128, 192), np.uint8)
    mask[40:80, 60:120] = 255
    cv2.imwrite(str(tmp_path / "region.png"), mask)
    edit = edit_of(media, count=4, mask=tmp_path / "region.png", grain=grain)
    soft = film(tmp_path / "soft.mkv", (np.asarray(cv2.GaussianBlur(sharp, (0, 0), 0.7), np.uint8) for _ in range(4)))
    take = luma8(all_frames(fitted_take(soft, fit_of(edit, can()), tmp_path))[2])[40:80, 60:120]
    before = luma8(all_frames(media)[2])[40:80, 60:120]
    fine = [float((one - cv2.GaussianBlur(one.astype(np.float32), (0, 0), 1.0)).std()) for one in (before, take)]
    assert (fine[1] > 0.85 * fine[0]) == grain


def test_a_clip_too_long_too_small_or_too_wide_is_refused_with_the_limit(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    info = probe(media).model_copy(update={"frames": 298})
    long = edit_of(media, count=298)
    with pytest.raises(Refused, match=r"takes at most 10 s of footage; this clip has 298 frames \(12\.4 s\) to send"):
        plan_fit(long, info, can(seconds=(1, 10)))
    with pytest.raises(Refused, match=r"takes at most 241 frames of footage; this clip has 298"):
        plan_fit(long, info, can(frames=(81, 241)))
    with pytest.raises(Refused, match=r"makes at most 10 s; this clip lasts 12\.4 s"):
        plan_fit(edit_of(media, "regenerate", 298), info, can("regenerate", durations=(5, 10)))
    with pytest.raises(Refused, match="takes pictures of 256 to 300 pixels a side; this clip is 96x64"):
        plan_fit(edit_of(media), info, can(side=(256, 300)))
    stretch = plan_fit(edit_of(media, count=298, stretch=(100, 110)), info, can(frames=(5, 13)))
    assert (stretch.first, stretch.last) == (99, 111)


@pytest.mark.parametrize("retime", [96, 97])
def test_a_retake_made_between_two_frames_is_retimed_to_its_window(tmp_path: Path, retime: int) -> None:
    media, able = source_film(tmp_path), can("retake", between=True, durations=(4, 6, 8), output_rate="24/1")
    edit = edit_of(media, "retake", window=(6, 11))
    fit = fit_of(edit, able)
    assert (fit.first, fit.last, fit.seconds_asked, fit.pinned) == (5, 12, 4, "both")
    assert fit.speed == Fraction(4 * 24, 7)
    opens, closes = first_frame(edit, fit, tmp_path), last_frame(edit, fit, tmp_path)
    assert opens is not None
    assert closes is not None
    assert np.array_equal(read_picture(opens), rgb8(all_frames(media)[5]))
    slow = film(tmp_path / "slow.mkv", (numbered(round(5 + 7 * i / (retime - 1))) for i in range(retime)))
    assert [number_in(f) for f in all_frames(fitted_take(slow, fit, tmp_path))] == list(range(COUNT))
    cut = edit_of(media, "retake", window=(10, COUNT - 1))
    assert fit_of(cut, able).pinned == "first"
    assert last_frame(cut, fit_of(cut, able), tmp_path) is None


def test_a_timed_editor_is_sent_the_footage_and_told_the_seconds(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    fit = fit_of(edit_of(media, "retake", window=(6, 11)), can("inpaint", "retake", rates=("12/1", "12/1")))
    assert (fit.first, fit.made) == (0, False)
    assert (fit.second_of(6), fit.second_of(12)) == (Fraction(1, 4), Fraction(1, 2))
    assert (fit.sent_index(6), fit.source_index(3)) == (3, 6)
    with pytest.raises(ValueError, match="frame 18"):
        fit.sent_index(18)


def test_a_clip_that_is_made_asks_for_whole_seconds_and_is_cut_back(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    fit = fit_of(edit_of(media, "regenerate"), can("regenerate", seconds=(4, 15)))
    assert (fit.seconds_asked, fit.seconds, fit.speed) == (4, Fraction(4), Fraction(1))
    raw = film(tmp_path / "raw.mkv", (numbered(min(i, 31)) for i in range(96)))
    assert [number_in(f) for f in all_frames(fitted_take(raw, fit, tmp_path))] == list(range(COUNT))


def test_results_that_are_none_are_broken_with_one_clear_line(tmp_path: Path) -> None:
    media = source_film(tmp_path)
    fit = fit_of(edit_of(media), can())
    black = film(tmp_path / "black.mkv", (np.zeros((SIZE[1], SIZE[0], 3), np.uint8) for _ in range(COUNT)))
    with pytest.raises(Broken, match="the result is black"):
        refuse_bad(black, fit)
    narrow = make_film(tmp_path / "narrow.mp4", size=(48, 64), count=COUNT)
    with pytest.raises(Broken, match="48x64 where 96x64 was asked for"):
        refuse_bad(narrow, fit)
    short = make_film(tmp_path / "short.mp4", size=SIZE, count=COUNT // 2)
    with pytest.raises(Broken, match=r"lasts 0\.4 s \(9 frames\) where 0\.8 s \(18 frames\)"):
        refuse_bad(short, fit)
    whole = send_clip(edit_of(media), fit, tmp_path)
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(Broken, match="cannot be read"):
        fitted_take(cut, fit, tmp_path)
    (tmp_path / "nothing.mp4").touch()
    with pytest.raises(Broken, match="empty"):
        refuse_bad(tmp_path / "nothing.mp4", fit)


def test_a_still_goes_out_and_comes_back_as_png(tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    folder.mkdir()
    cv2.imwrite(str(folder / "mara.png"), numbered(3)[..., ::-1])
    edit = edit_of(folder, count=1, mask=mask_file(tmp_path))
    fit = fit_of(edit, can("inpaint", medium="still", multiple=16, side=(128, 2048), frames=(81, 241)))
    assert (fit.width, fit.height, fit.count) == (192, 128, 1)
    out = tmp_path / "out"
    out.mkdir()
    sent = frame_png(edit, fit, 0, out)
    assert read_picture(send_still_mask(edit, fit, out, "edit"))[90, 100].tolist() == [255, 255, 255]
    take = fitted_take(sent, fit, tmp_path)
    assert [path.name for path in sorted(take.iterdir())] == ["mara.png"]
    made = read_picture(take / "mara.png")
    assert np.abs(made.astype(int) - numbered(3)).mean() < 3


def test_a_reference_keeps_the_side_limits(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "sheet.png"), texture(200, 120, 0)[..., ::-1])
    panel = Reference(path=tmp_path / "sheet.png", kind="panel", what="mara/face", box=Box(10, 10, 60, 90))
    whole = read_picture(reference_png(panel, tmp_path, Limits()))
    assert np.array_equal(whole, texture(200, 120, 0)[10:100, 10:70])
    assert min(read_picture(reference_png(panel, tmp_path, Limits(side=(300, 6000)))).shape[:2]) == 300
    assert max(read_picture(reference_png(panel, tmp_path, Limits(side=(10, 45)))).shape[:2]) == 45


def test_a_window_grows_to_where_little_moves(tmp_path: Path) -> None:
    steps = [0, 1, 1, 5, 5, 5, 5, 5, 5, 5, 5, 1, 5, 5, 5]
    places = np.cumsum(steps)
    media = film(tmp_path / "pan.mkv", (texture(256, 64, 0)[:, place : place + 96] for place in places))
    clip = Clip(media=media, first=0, last=len(steps) - 1)
    assert calm_window(clip, (5, 8)) == (2, 10)
    assert calm_window(clip, (0, len(steps) - 1)) == (0, len(steps) - 1)
