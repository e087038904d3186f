"""One shot compared with itself over time: what is planted is found where it is, and clean footage stays clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from skimage import data

from tools.types import Anomaly, Bits, Box, Clip, Rgb
from tools.vision.temporal import inspect_time

pytestmark = pytest.mark.long

WIDTH, HEIGHT, FRAMES = 448, 256, 48
Spoil = Callable[[int, Rgb], Rgb]


def camera(frames: int = FRAMES, pan: float = 1.2) -> Iterator[Rgb]:
    """A photograph under a slow pan, with sensor noise."""
    rng = np.random.default_rng(3)
    scene = cv2.resize(data.coffee(), (600, 400), interpolation=cv2.INTER_AREA)
    for index in range(frames):
        window = np.array([[1, 0, 20 + pan * index], [0, 1, 60 + 0.3 * pan * index]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture = cv2.warpAffine(scene, window, (WIDTH, HEIGHT), flags=flags).astype(np.float32)
        yield np.clip(picture + rng.normal(0, 2, (HEIGHT, WIDTH, 1)), 0, 255).astype(np.uint8)


def filmed(path: Path, pictures: Iterator[Rgb], spoil: Spoil = lambda _, picture: picture) -> Clip:
    """The pictures, spoiled one by one, as an H.264 file."""
    count = 0
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "20", "preset": "veryfast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index, picture in enumerate(pictures):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(spoil(index, picture), format="rgb24")))
            count = index + 1
        container.mux(stream.encode(None))
    return Clip(media=path, first=0, last=count - 1)


def painted(picture: Rgb, middle: tuple[float, float], axes: tuple[int, int]) -> Rgb:
    """A soft-edged blue ellipse over the picture."""
    mask = oval(middle, axes).astype(np.float32)
    alpha = cv2.GaussianBlur(mask, (0, 0), 0.8)[..., None]
    return np.asarray(picture * (1 - alpha) + np.array([40.0, 80.0, 190.0]) * alpha, np.uint8)


def oval(middle: tuple[float, float], axes: tuple[int, int]) -> Bits:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray(((x - middle[0]) / axes[0]) ** 2 + ((y - middle[1]) / axes[1]) ** 2 <= 1)


def sure(anomalies: list[Anomaly]) -> list[Anomaly]:
    return [anomaly for anomaly in anomalies if anomaly.confidence >= 0.5]


def overlap(a: Bits, b: Bits) -> float:
    return float((a & b).sum()) / float((a | b).sum())


@pytest.mark.parametrize("drift", [(0.0, 0.0), (-1.2, -0.36)], ids=["in the picture", "on the surface"])
def test_a_thing_painted_into_a_stretch_is_followed_through_every_frame(
    tmp_path: Path, drift: tuple[float, float]
) -> None:
    def place(index: int) -> tuple[float, float]:
        return 300 + drift[0] * (index - 10), 120 + drift[1] * (index - 10)

    def spoil(index: int, picture: Rgb) -> Rgb:
        return painted(picture, place(index), (24, 17)) if 10 <= index <= 33 else picture

    (pop,) = sure(inspect_time(filmed(tmp_path / "pop.mp4", camera(), spoil)))
    assert (pop.kind, pop.category, pop.confidence > 0.8) == ("pop", "prop", True)
    assert list(pop.track) == list(range(10, 34))
    assert min(overlap(pop.track.at(index), oval(place(index), (24, 17))) for index in pop.track) > 0.75
    assert [evidence.ref for evidence in pop.evidence] == ["@9", "@10", "@33", "@34"]


def test_a_thing_whose_coming_drowns_in_a_flash_beside_it_is_followed_back_from_its_end(tmp_path: Path) -> None:
    """Where it comes the whole place around it lights up; it is known from where it goes."""

    def spoil(index: int, picture: Rgb) -> Rgb:
        lit = picture
        if index >= 10:
            glow = cv2.GaussianBlur(oval((300, 120), (60, 45)).astype(np.float32), (0, 0), 9)[..., None]
            lit = np.asarray(np.clip(picture + 90 * glow, 0, 255), np.uint8)
        return painted(lit, (300, 120), (24, 17)) if 10 <= index <= 33 else lit

    found = sure(inspect_time(filmed(tmp_path / "lit.mp4", camera(pan=0.0), spoil)))
    assert (10, 33) in [pop.track.frames for pop in found]
    (pop,) = [pop for pop in found if pop.track.frames == (10, 33)]
    assert min(overlap(pop.track.at(index), oval((300, 120), (24, 17))) for index in pop.track) > 0.6


def test_a_thing_there_from_the_start_is_followed_back_as_it_moves(tmp_path: Path) -> None:
    def place(index: int) -> tuple[float, float]:
        return 200 + 0.9 * index, 150 - 0.7 * index

    def spoil(index: int, picture: Rgb) -> Rgb:
        return painted(picture, place(index), (24, 17)) if index <= 14 else picture

    (pop,) = sure(inspect_time(filmed(tmp_path / "early.mp4", camera(), spoil)))
    assert pop.track.frames == (0, 14)
    assert min(overlap(pop.track.at(index), oval(place(index), (24, 17))) for index in pop.track) > 0.7


def test_it_stays_open_whether_a_thing_is_too_much_or_missing(tmp_path: Path) -> None:
    """There for three quarters of the shot and gone for the rest, which is named: shown to a person, never acted on."""

    def spoil(index: int, picture: Rgb) -> Rgb:
        return painted(picture, (300, 120), (24, 17)) if index < 36 else picture

    (pop,) = sure(inspect_time(filmed(tmp_path / "gone.mp4", camera(), spoil)))
    assert pop.confidence < 0.6
    assert "open" in pop.observed
    assert pop.track.frames == (36, 47)
    assert overlap(pop.track.at(36), oval((300, 120), (24, 17))) > 0.6


def test_a_thing_there_until_the_end_is_the_shorter_stretch(tmp_path: Path) -> None:
    def spoil(index: int, picture: Rgb) -> Rgb:
        return painted(picture, (300, 120), (40, 30)) if index >= 34 else picture

    pop = inspect_time(filmed(tmp_path / "late.mp4", camera(), spoil))[0]
    box = Box.around(oval((300, 120), (40, 30)))
    assert box is not None
    assert (pop.kind, pop.track.frames) == ("pop", (34, 47))
    assert pop.track.box.iou(box) > 0.75


def test_a_region_that_wobbles_to_the_end_is_a_glitch(tmp_path: Path) -> None:
    rng, region = np.random.default_rng(5), oval((200, 130), (130, 95))

    def spoil(index: int, picture: Rgb) -> Rgb:
        if index < 36:
            return picture
        slide = cv2.resize(rng.normal(0, 6, (6, 10, 2)).astype(np.float32), (WIDTH, HEIGHT))
        x, y = np.meshgrid(np.arange(WIDTH, dtype=np.float32), np.arange(HEIGHT, dtype=np.float32))
        melted = cv2.remap(picture, x + slide[..., 0], y + slide[..., 1], cv2.INTER_LINEAR)
        return np.asarray(np.where(region[..., None], melted, picture), np.uint8)

    (glitch,) = sure(inspect_time(filmed(tmp_path / "glitch.mp4", camera(), spoil)))
    assert (glitch.kind, glitch.category, glitch.track.frames) == ("glitch", "temporal", (36, 47))
    assert overlap(glitch.track.at(40), region) > 0.6


def test_eyes_that_close_for_a_while_are_no_stray_things(tmp_path: Path) -> None:
    def spoil(index: int, picture: Rgb) -> Rgb:
        if not 12 <= index <= 35:
            return picture
        return painted(painted(picture, (280, 120), (15, 7)), (335, 121), (15, 7))

    assert sure(inspect_time(filmed(tmp_path / "eyes.mp4", camera(), spoil))) == []


def test_a_region_whose_light_jumps_up_and_down_flickers(tmp_path: Path) -> None:
    region = cv2.GaussianBlur(oval((250, 130), (70, 60)).astype(np.float32), (0, 0), 4)[..., None]

    def spoil(index: int, picture: Rgb) -> Rgb:
        gain = 0.1 * (-1) ** index if 20 <= index <= 29 else 0.0
        return np.asarray(np.clip(picture * (1 + gain * region), 0, 255), np.uint8)

    (flicker,) = sure(inspect_time(filmed(tmp_path / "flicker.mp4", camera(), spoil)))
    assert (flicker.kind, flicker.category, flicker.track.frames) == ("flicker", "temporal", (20, 29))
    assert overlap(flicker.track.at(25), oval((250, 130), (70, 60))) > 0.6


def test_light_that_comes_up_and_stays_does_not_flicker(tmp_path: Path) -> None:
    region = cv2.GaussianBlur(oval((250, 130), (70, 60)).astype(np.float32), (0, 0), 12)[..., None]

    def spoil(index: int, picture: Rgb) -> Rgb:
        return np.asarray(np.clip(picture * (1 + 0.012 * index * region), 0, 255), np.uint8)

    assert sure(inspect_time(filmed(tmp_path / "dawn.mp4", camera(), spoil))) == []


def test_one_spoiled_frame_is_a_flash(tmp_path: Path) -> None:
    def spoil(index: int, picture: Rgb) -> Rgb:
        return painted(picture, (220, 130), (50, 40)) if index == 20 else picture

    (flash,) = sure(inspect_time(filmed(tmp_path / "flash.mp4", camera(), spoil)))
    assert (flash.kind, list(flash.track)) == ("flash", [20])
    assert overlap(flash.track.at(20), oval((220, 130), (50, 40))) > 0.75


@pytest.mark.parametrize("gain", [0.4, 0.6, 1.5])
def test_a_frame_in_a_wholly_other_exposure_is_a_flash_however_strong(tmp_path: Path, gain: float) -> None:
    def spoil(index: int, picture: Rgb) -> Rgb:
        return np.asarray(np.clip(picture * gain, 0, 255), np.uint8) if index == 20 else picture

    found = sure(inspect_time(filmed(tmp_path / "exposed.mp4", camera(), spoil)))
    assert [(one.kind, one.track.frames) for one in found] == [("flash", (20, 20))]


def test_a_frame_that_jumps_as_a_whole_is_a_flash(tmp_path: Path) -> None:
    def spoil(index: int, picture: Rgb) -> Rgb:
        return np.roll(picture, (3, 9), axis=(0, 1)) if index == 20 else picture

    found = sure(inspect_time(filmed(tmp_path / "jumps.mp4", camera(pan=1.0), spoil)))
    assert [(one.kind, one.track.frames, one.track.box) for one in found] == [
        ("flash", (20, 20), Box(0, 0, WIDTH, HEIGHT))
    ]


@pytest.mark.parametrize(("kind", "first", "last"), [("black", 20, 22), ("frozen", 20, 25), ("level-jump", 20, 27)])
def test_faults_of_whole_frames(tmp_path: Path, kind: str, first: int, last: int) -> None:
    kept: list[Rgb] = []

    def spoil(index: int, picture: Rgb) -> Rgb:
        if not first <= index <= last:
            kept[:] = [picture]
            return picture
        lifted = np.clip(picture * 1.12 + 8, 0, 255).astype(np.uint8)
        spoiled: dict[str, Rgb] = {"black": np.zeros_like(picture), "frozen": kept[0], "level-jump": lifted}
        return spoiled[kind]

    (fault,) = sure(inspect_time(filmed(tmp_path / f"{kind}.mp4", camera(pan=3.0), spoil)))
    assert (fault.kind, fault.category, fault.track.frames) == (kind, "technical", (first, last))
    assert fault.track.box == Box(0, 0, WIDTH, HEIGHT)


@pytest.mark.parametrize("pan", [0.0, 0.4, 6.0], ids=["locked off", "slow", "fast"])
def test_a_clean_move_is_clean(tmp_path: Path, pan: float) -> None:
    assert sure(inspect_time(filmed(tmp_path / "clean.mp4", camera(24, pan=pan)))) == []


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("clips/tears-of-steel.mp4", 21, 64),
        ("clips/tears-of-steel.mp4", 185, 239),
        ("clips/caminandes.mp4", 95, 130),
        ("clips/juggle.mp4", 60, 140),
        ("clips/carphone.mp4", 0, 119),
        ("vace/boxing-cats.mp4", 20, 59),
        ("vace/kitten.mp4", 0, 24),
    ],
)
def test_people_animals_cars_and_light_are_no_errors(shared_data: Path, name: str, first: int, last: int) -> None:
    assert sure(inspect_time(Clip(media=shared_data / name, first=first, last=last))) == []


def test_a_shot_of_one_frame_has_nothing_to_compare(tmp_path: Path) -> None:
    assert inspect_time(filmed(tmp_path / "one.mp4", camera(1))) == []


@pytest.mark.parametrize("running", [False, True], ids=["at once", "melting on"])
def test_a_warped_patch_is_named_with_its_frames(tmp_path: Path, running: bool) -> None:
    """Its shapes jump where it begins and ends; or it melts further from frame to frame and snaps back."""
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    window = np.exp(-((((x - 250) / 60) ** 2 + ((y - 130) / 45) ** 2) ** 2))
    waves = window * np.sin(x / 14 + 1), window * np.cos(y / 12)

    def spoil(index: int, picture: Rgb) -> Rgb:
        if not 20 <= index <= 31:
            return picture
        much = np.float32(7 * ((index - 19) / 12 if running else 1))
        return np.asarray(cv2.remap(picture, x + much * waves[0], y + much * waves[1], cv2.INTER_CUBIC), np.uint8)

    (warp,) = sure(inspect_time(filmed(tmp_path / "warp.mp4", camera(pan=0.4), spoil)))
    assert (warp.kind, warp.category) == ("warp", "temporal")
    assert (abs(warp.track.frames[0] - 20) <= 3 * running, warp.track.frames[1]) == (True, 31)
    assert warp.track.box.iou(Box(190, 85, 120, 90)) > 0.5


def test_a_picture_that_starts_to_move_is_no_warp(tmp_path: Path) -> None:
    """A thing that jumps as one, its shapes kept."""

    def spoil(index: int, picture: Rgb) -> Rgb:
        y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
        there = ((x - 250) / 60) ** 2 + ((y - 130) / 45) ** 2 < 1
        return np.asarray(cv2.remap(picture, x + np.float32(3) * there * (index >= 20), y, cv2.INTER_CUBIC), np.uint8)

    assert [seen for seen in inspect_time(filmed(tmp_path / "moves.mp4", camera(), spoil)) if seen.kind == "warp"] == []
