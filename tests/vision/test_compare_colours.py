"""Shots of a set-up held against each other by colour: people may move, their clothes may not change colour."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from skimage import data

from tools.types import Box, Clip, MaskTrack, Rgb
from tools.vision.compare import marked_by
from tools.vision.setups import Setups, ShotDigest, digest_shot, followed

pytestmark = pytest.mark.long

WIDTH, HEIGHT = 480, 270
BLUE, GREEN, RED, PINK = (50, 70, 170), (60, 150, 80), (190, 50, 40), (230, 60, 190)
Colour = tuple[int, int, int]


def picture(camera: float, sway: float, coat: Colour, brooch: Colour | None = None) -> Rgb:
    """A person in a coat before a photograph; `camera` pans over the set, `sway` moves the person alone."""
    window = np.array([[1, 0, 30 + camera], [0, 1, 40]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    made = cv2.warpAffine(data.coffee(), window, (WIDTH, HEIGHT), flags=flags)
    x = round(240 + sway - camera)
    cv2.ellipse(made, (x, 265), (52, 95), 0, 0, 360, coat, -1, cv2.LINE_AA)
    cv2.circle(made, (x, 140), 30, (205, 160, 130), -1, cv2.LINE_AA)
    if brooch:
        cv2.circle(made, (x + 20, 210), 13, brooch, -1, cv2.LINE_AA)
    return np.asarray(made, np.uint8)


def shot(number: int, coat: Colour = BLUE, brooch: Colour | None = None) -> ShotDigest:
    rng = np.random.default_rng(number)
    keys = []
    for key in range(4):
        made = picture(3.0 * key + number, float(rng.uniform(-9, 9)), coat, brooch)
        keys.append(np.clip(made + rng.normal(0, 2, made.shape), 0, 255).astype(np.uint8))
    moving = np.zeros((HEIGHT, WIDTH), np.bool_)
    cv2.rectangle(moving.view(np.uint8), (150, 90), (330, HEIGHT), 1, -1)
    return ShotDigest(WIDTH, HEIGHT, 24, (0, 8, 16, 23), tuple(keys), (moving,) * 4)


def test_people_who_move_between_shots_are_no_error() -> None:
    assert Setups({f"SH0{n}0": shot(n) for n in range(1, 5)}).differences() == []


@pytest.mark.parametrize(
    ("odd", "box"),
    [(shot(3, coat=GREEN), Box(185, 170, 104, 100)), (shot(3, brooch=RED), Box(244, 197, 26, 26))],
    ids=["another coat", "something worn"],
)
def test_what_one_person_wears_in_one_shot_alone_is_found(odd: ShotDigest, box: Box) -> None:
    shots = {"SH010": shot(1), "SH020": shot(2), "SH030": odd, "SH040": shot(4)}
    found = [(name, seen) for name, seen in Setups(shots).differences() if seen.confidence >= 0.5]
    assert {name for name, _ in found} == {"SH030"}
    (seen,) = [seen for _, seen in found if seen.kind == "colours"]
    assert seen.track.box.iou(box) > 0.4
    assert {evidence.ref for evidence in seen.evidence} == {"SH010", "SH020", "SH040"}


def test_shots_of_other_people_do_not_vote_on_a_coat() -> None:
    """Two shots with somebody else in them are as many as agree; who is in a shot is known."""
    shots = {"SH010": shot(1), "SH020": shot(2), "SH030": shot(3, coat=GREEN), "SH040": shot(4, coat=GREEN)}
    casts = {"SH010": ("ada",), "SH020": ("ada",), "SH030": ("bela",), "SH040": ("bela",)}
    assert [seen for _, seen in Setups(shots, casts).differences() if seen.kind == "colours"] == []


def worn(at: tuple[int, int], radius: int = 13) -> MaskTrack:
    """A round place that stays where it is in the key frames."""
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    cv2.circle(mask.view(np.uint8), at, radius, 1, -1)
    return MaskTrack.of(dict.fromkeys((0, 8, 16, 23), mask), WIDTH, HEIGHT)


def test_a_place_that_the_other_shots_show_just_so_is_cleared_and_a_foreign_thing_is_not() -> None:
    shots = {"SH010": shot(1), "SH020": shot(2), "SH030": shot(3, brooch=RED), "SH040": shot(4)}
    setups = Setups(shots)
    assert set(setups.clears("SH010", worn((240, 215)))) >= {"SH020", "SH040"}
    assert setups.clears("SH010", worn((240, 215)), suspects=("SH020", "SH030", "SH040")) == ()
    assert setups.clears("SH030", worn((257, 210))) == ()


@pytest.mark.parametrize("key", [0, 3], ids=["from the start", "to the end"])
def test_what_stands_in_a_stretch_of_one_shot_alone_is_followed_to_where_it_comes_or_goes(
    tmp_path: Path, key: int
) -> None:
    """Seen on one key frame only; a thing that slides in is nobody's error."""
    shots = {f"SH0{n}0": shot(n) for n in range(1, 5)}
    there = range(7) if key == 0 else range(17, 24)

    def filmed(slides: bool) -> Clip:
        file = tmp_path / f"{'slides' if slides else 'stands'}.mkv"
        with av.open(str(file), "w") as container:
            stream = container.add_stream("ffv1", rate=24)
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
            for index in range(24):
                made = picture(3.0 * index / 7.7, 0, BLUE)
                away = 0 if index in there else min(abs(index - at) for at in (there[0], there[-1]))
                if slides or index in there:
                    cv2.circle(made, (100 + 9 * slides * away, 180), 16, PINK, -1, cv2.LINE_AA)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(made, format="rgb24")))
            container.mux(stream.encode(None))
        return Clip(media=file, first=0, last=23)

    for slides in (False, True):
        clip = filmed(slides)
        odd = digest_shot(clip)
        found = [a for name, a in Setups(shots | {"SH050": odd}).differences() if name == "SH050"]
        moments = [whole for a in found if a.kind == "moment" and (whole := followed(clip, a)) is not None]
        assert [whole.track.frames for whole in moments] == ([] if slides else [(there[0], there[-1])])


def test_the_panel_that_carries_a_mark_is_named_whatever_the_pose() -> None:
    worn = picture(0, 30, BLUE, PINK)
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    cv2.circle(mask.view(np.uint8), (290, 210), 13, 1, -1)
    panels = {
        "ada/front": picture(8, -6, BLUE),
        "ada/side": picture(4, 0, BLUE),
        "ada/face": picture(0, -20, BLUE, PINK),
    }
    assert marked_by(worn, mask, panels, ["ada/face"]) == "ada/face"
    assert marked_by(worn, mask, panels, ["ada/front"]) is None
    assert marked_by(worn, mask, {"ada/face": panels["ada/face"]}, ["ada/face"]) is None
