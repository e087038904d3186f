"""The plate borrows what other frames and references show, never looks at what a mask hides, and repeats itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage import data

from tools.editors.local.cleanplate.blocks import Blocks
from tools.editors.local.cleanplate.inpaint import Filled, Method, Settings, inpaint
from tools.editors.local.cleanplate.reference import Tracked
from tools.editors.local.cleanplate.sides import Sights, told_by
from tools.editors.local.cleanplate.views import graded
from tools.editors.local.cleanplate.window import Window
from tools.editors.local.plate import tracked
from tools.media.sheets import write_picture
from tools.types import Bits, ColourTags, Frame, PixelLayout, Reference

WIDTH, HEIGHT, COUNT = 240, 160, 16
RGB = PixelLayout(name="rgb24", family="rgb", depth=8)
DEEP = PixelLayout(name="yuv420p10le", family="yuv", depth=10, chroma_x=1, chroma_y=1)
Picture = NDArray[np.uint8]


def view(x: float, y: float, scale: float = 1.0) -> Picture:
    """A camera's look at a photograph, (HEIGHT, WIDTH, 3)."""
    matrix = np.array([[scale, 0, -x], [0, scale, -y]], np.float64)
    return np.asarray(cv2.warpAffine(data.astronaut(), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_AREA), np.uint8)


def pan(index: int) -> Picture:
    return view(100 + 4.3 * index, 200 + 0.7 * index)


def hole(_: int) -> Bits:
    mask = np.zeros((HEIGHT, WIDTH), np.bool_)
    mask[60:96, 100:140] = True
    return mask


def rgb(index: int, picture: Picture) -> Frame:
    return Frame(index, tuple(np.ascontiguousarray(picture[..., i]) for i in range(3)), RGB, ColourTags(range=2))


def film(clean: Callable[[int], Picture], hidden: int, count: int = COUNT) -> Iterator[Frame]:
    for index in range(count):
        picture = clean(index).copy()
        picture[hole(index)] = hidden
        yield rgb(index, picture)


def fill(
    clean: Callable[[int], Picture], method: Method = "auto", references: Sequence[Tracked] = (), hidden: int = 0
) -> list[Filled]:
    settings = Settings(method=method, grain=False)
    return list(inpaint(film(clean, hidden), map(hole, range(COUNT)), references, settings))


def psnr_in_hole(made: Sequence[Filled], clean: Callable[[int], Picture]) -> float:
    errors = [
        (np.dstack(one.frame.planes)[hole(i)].astype(float) - clean(i)[hole(i)]) ** 2 for i, one in enumerate(made)
    ]
    return float(10 * np.log10(255**2 / np.mean(errors)))


def test_a_pan_gives_its_own_pixels_back() -> None:
    made = fill(pan)
    assert psnr_in_hole(made, pan) > 36
    assert np.mean([one.borrowed for one in made]) > 0.95
    for index, one in enumerate(made):
        outside = ~hole(index)
        assert np.array_equal(np.dstack(one.frame.planes)[outside], pan(index)[outside])


def test_what_lies_under_the_mask_is_never_looked_at() -> None:
    one, other = (fill(pan, hidden=hidden) for hidden in (0, 255))
    assert all(
        np.array_equal(np.dstack(a.frame.planes), np.dstack(b.frame.planes)) for a, b in zip(one, other, strict=True)
    )


def test_a_locked_camera_borrows_nothing_and_stays_calm() -> None:
    made = fill(lambda _: view(150, 40))
    assert max(one.borrowed for one in made) == 0
    pictures = [np.dstack(one.frame.planes).astype(int) for one in made]
    assert max(np.abs(a - b).max() for a, b in pairwise(pictures)) <= 1


BROAD = np.zeros((HEIGHT, WIDTH), np.bool_)
BROAD[40:130, 60:190] = True
HIDDEN = (7, 8)
"""What something large hides, and the two frames in which it does."""


def nodding(index: int) -> Picture:
    """A thing before a still scene that has moved when it is seen again."""
    picture, ball = view(100, 200), cv2.resize(data.coffee(), (44, 44), interpolation=cv2.INTER_AREA)
    x, y = (100, 62) if index <= HIDDEN[0] else (118, 74)
    disc = cv2.circle(np.zeros((44, 44), np.uint8), (22, 22), 21, 1, -1) > 0
    picture[y : y + 44, x : x + 44][disc] = ball[disc]
    return picture


def test_what_moved_while_it_was_hidden_stands_in_one_place() -> None:
    masks = [BROAD if index in HIDDEN else np.zeros_like(BROAD) for index in range(COUNT)]
    source = [rgb(n, np.where(mask[..., None], 0, nodding(n)).astype(np.uint8)) for n, mask in enumerate(masks)]
    made = list(inpaint(source, masks, (), Settings(grain=False)))
    for index in HIDDEN:
        picture = np.dstack(made[index].frame.planes).astype(float)
        near, far = sorted(np.square(picture - nodding(stand))[BROAD].mean() for stand in HIDDEN)
        assert near < 20
        assert near < far / 20


def drifting(index: int) -> Picture:
    """A still scene, before whose right side a veil drifts."""
    picture = view(100, 200).astype(np.float64)
    veil = np.zeros((HEIGHT, WIDTH), np.float64)
    cv2.circle(veil, (200 + 2 * (index % 5), 120), 24, 1.0, -1)
    share = 0.5 * cv2.GaussianBlur(veil, (0, 0), 8)[..., None]
    return np.asarray(picture * (1 - share) + 150 * share, np.uint8)


def test_what_hides_most_of_the_picture_draws_nothing_out_of_place() -> None:
    """Up to the picture's border, far from the strip that is left to be seen."""
    most = np.zeros((HEIGHT, WIDTH), np.bool_)
    most[:, :185] = True
    masks = [most if index in HIDDEN else np.zeros_like(most) for index in range(COUNT)]
    source = [rgb(n, np.where(mask[..., None], 0, drifting(n)).astype(np.uint8)) for n, mask in enumerate(masks)]
    made = list(inpaint(source, masks, (), Settings(grain=False)))
    for index in HIDDEN:
        gaps = np.square(np.dstack(made[index].frame.planes).astype(float) - drifting(index))
        assert gaps[:, :150].mean() < 10
        assert gaps[:, :4].mean() < 40


def test_a_sight_of_something_else_counts_for_little() -> None:
    """Its ring fits as well as the others', but it shows something that they do not."""
    blocks = Blocks.touching(np.ones((16, 16), np.bool_))
    codes = torch.full((5, 3, 4, 64), 100.0)
    codes[4] = 180.0
    every = torch.ones(5, 1, 4, 64)
    told = told_by(Sights(codes, torch.ones(5, 1, 4, 1), every, every), torch.full((1, 4, 64), 4.0), blocks)
    agreement = told.agreement(torch.full((5, 1, 4, 4), 4.0))
    assert agreement[4].max() < 0.01
    assert agreement[:4].min() > 0.2


def test_a_view_is_not_believed_where_it_shows_nothing_of_the_ring() -> None:
    """It fits the right of the ring very well; little says that it would the left, where others fit badly."""
    ring = torch.ones(2, 1, 12, 40)
    ring[1, :, :, :24] = 0
    error = torch.full_like(ring, 40.0)
    error[..., 24:], error[1, :, :, 24:] = 4.0, 1.0
    expected = graded(error * ring, ring, 6.0)
    assert expected[1, 0, 6, 4] > 0.3 * expected[0, 0, 6, 4]
    assert expected[1, 0, 6, 36] < expected[0, 0, 6, 36]


def worn(index: int) -> Picture:
    """The mask sits on the head and moves with it: nothing but a reference shows the place."""
    return view(170 + 0.3 * np.sin(index / 3), 20 + 0.2 * index, 1.0)


@pytest.mark.parametrize(("scale", "least"), [(1.0, 30), (0.6, 26)])
def test_a_reference_shows_what_no_frame_does(scale: float, least: float) -> None:
    panel = data.astronaut()[:320, 60:380]
    panel = np.asarray(cv2.resize(panel, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    relit = np.clip(panel * np.array([1.06, 1.0, 0.92]) + 4, 0, 255).astype(np.uint8)
    trusted = np.ones(relit.shape[:2], np.bool_)
    with_panel = psnr_in_hole(fill(worn, references=[Tracked(relit, trusted)]), worn)
    without = psnr_in_hole(fill(worn), worn)
    assert with_panel > least
    assert with_panel > without + 5


OVAL = cv2.ellipse(np.zeros((HEIGHT, WIDTH), np.uint8), (78, 84), (45, 66), 0, 0, 360, 1, -1) > 0
"""A figure's outline, which runs through the hole."""


def figure_before(behind: Picture) -> Picture:
    return np.where(OVAL[..., None], view(170, 20), behind).astype(np.uint8)


def standing(index: int) -> Picture:
    """Somebody stands still before a set that the camera's turn moves by; nothing but a panel shows the place."""
    coffee = cv2.resize(data.coffee(), (WIDTH + 60, HEIGHT), interpolation=cv2.INTER_AREA)
    return figure_before(np.asarray(coffee[:, 2 * index : 2 * index + WIDTH], np.uint8))


def test_a_panels_backdrop_is_not_taken_for_what_is_behind_its_figure(tmp_path: Path) -> None:
    grey = np.linspace(150, 185, HEIGHT)[:, None, None] * np.ones((1, WIDTH, 3))
    write_picture(tmp_path / "panel.png", figure_before(grey.astype(np.uint8)))

    def behind(kind: Literal["panel", "person"], *, footage: bool = True) -> float:
        reference = Reference(path=tmp_path / "panel.png", kind=kind, what="mara/front")
        made = fill(standing, references=[tracked(reference, footage=footage)])
        outside = hole(0) & ~OVAL
        gaps = [np.dstack(one.frame.planes)[outside] - standing(i)[outside].astype(float) for i, one in enumerate(made)]
        return float(np.mean(np.square(gaps)))

    as_given = behind("person")
    assert behind("panel") < 0.7 * as_given
    assert behind("panel", footage=False) == as_given


def test_a_strange_reference_is_left_alone() -> None:
    stranger = Tracked(np.asarray(data.coffee(), np.uint8), np.ones(data.coffee().shape[:2], np.bool_))
    with_stranger, without = (fill(worn, method, [stranger]) for method in ("auto", "temporal"))
    for a, b in zip(with_stranger, without, strict=True):
        assert np.array_equal(np.dstack(a.frame.planes), np.dstack(b.frame.planes))


def deep(index: int) -> Frame:
    yuv = cv2.cvtColor(pan(index), cv2.COLOR_RGB2YUV).astype(np.uint16) * 4 + 2
    chroma = tuple(np.ascontiguousarray(yuv[::2, ::2, i]) for i in (1, 2))
    return Frame(index, (np.ascontiguousarray(yuv[..., 0]), *chroma), DEEP, ColourTags(matrix=1, range=1))


def test_ten_bits_stay_ten_bits() -> None:
    made = list(inpaint(map(deep, range(COUNT)), map(hole, range(COUNT)), (), Settings(grain=False)))
    luma = np.concatenate([one.frame.planes[0][hole(i)] for i, one in enumerate(made)])
    assert {int(code) % 4 for code in luma} == {0, 1, 2, 3}
    for index, one in enumerate(made):
        truth, outside = deep(index), ~hole(index)
        assert np.array_equal(one.frame.planes[0][outside], truth.planes[0][outside])
        assert np.array_equal(one.frame.planes[1][~hole(index)[::2, ::2]], truth.planes[1][~hole(index)[::2, ::2]])
    error = np.mean(
        [(one.frame.planes[0][hole(i)] - deep(i).planes[0][hole(i)].astype(float)) ** 2 for i, one in enumerate(made)]
    )
    assert 10 * np.log10(1023**2 / error) > 34


def test_grain_is_matched_and_repeats_with_its_seed() -> None:
    def grainy(index: int) -> Picture:
        soft = cv2.GaussianBlur(view(150, 40), (0, 0), 6)
        noise = np.random.default_rng(index).normal(0, 5, soft.shape)
        return np.asarray(np.clip(soft + noise, 0, 255), np.uint8)

    def run(seed: int) -> list[Picture]:
        settings = Settings(method="spatial", grain=True, seed=seed)
        made = inpaint(film(grainy, 0, 4), map(hole, range(4)), (), settings)
        return [np.dstack(one.frame.planes) for one in made]

    one, again, other = run(1), run(1), run(2)
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])
    fine = [np.asarray(p[..., 1].astype(float) - cv2.medianBlur(np.ascontiguousarray(p[..., 1]), 3)) for p in one]
    inside = np.std([p[hole(0)] for p in fine])
    outside = np.std([p[~hole(0)] for p in fine])
    assert 0.75 < inside / outside < 1.3


def test_grain_is_that_of_its_tone() -> None:
    """A codec leaves grain on the dark ground and none on the bright sky; so does the fill."""
    upper = np.arange(HEIGHT)[:, None, None] < 78

    def half_grainy(index: int) -> Picture:
        noise = np.random.default_rng(index).normal(0, 5, (HEIGHT, WIDTH, 3))
        return np.asarray(np.clip(np.where(upper, 210, 60 + noise), 0, 255), np.uint8)

    made = list(inpaint(film(half_grainy, 0, 4), map(hole, range(4)), (), Settings(method="spatial")))
    for one in made:
        picture = np.dstack(one.frame.planes).astype(np.float32)
        detail = picture - cv2.GaussianBlur(picture, (0, 0), 1)
        assert detail[62:74, 102:138].std() < 0.6
        assert 2 < detail[84:94, 102:138].std() < 6


def test_motion_is_the_same_whoever_asks_first() -> None:
    """Frames are filled by threads that run ahead of each other, and a resumed run must end like one that was not."""

    def asked(order: Sequence[tuple[int, int]]) -> list[NDArray[np.float32]]:
        window = Window()
        for frame in film(pan, 0, 4):
            window.add(frame, hole(frame.index))
        found = {step: window.step(*step).field for step in order}
        return [found[step] for step in sorted(found)]

    steps = [(0, 1), (1, 1), (2, 1), (1, -1), (2, -1), (3, -1)]
    for one, other in zip(asked(steps), asked(steps[::-1]), strict=True):
        assert np.array_equal(one, other)


def test_texture_is_drawn_from_the_surround_and_stays() -> None:
    """A pattern that no frame shows whole goes on through the hole, alike in every frame."""
    ys, xs = np.mgrid[0:120, 0:160]
    weave = np.where((xs // 4 + ys // 4) % 2, 170, 90).astype(np.uint8)
    picture = np.dstack([weave, weave, weave])
    still = np.zeros((120, 160), np.bool_)
    still[44:76, 60:100] = True
    source = [np.where(still[..., None], 0, picture).astype(np.uint8) for _ in range(4)]
    made = inpaint((rgb(n, one) for n, one in enumerate(source)), [still] * 4, (), Settings("texture", grain=False))
    films = [np.dstack(one.frame.planes).astype(float) for one in made]
    smooth = np.abs(np.full(picture.shape, 130.0) - picture)[still].mean()
    wrong = [np.abs(film - picture)[still].mean() for film in films]
    assert max(wrong) < 0.4 * smooth
    assert max(np.abs(a - b)[still].mean() for a, b in pairwise(films)) < 4


def test_a_still_is_given_texture_too() -> None:
    noise = np.random.default_rng(3).normal(0, 40, (60, 80, 1)).repeat(3, axis=2)
    picture = np.clip(128 + cv2.resize(noise, (160, 120)), 0, 255).astype(np.uint8)
    still = np.zeros((120, 160), np.bool_)
    still[48:72, 64:96] = True
    (made,) = inpaint([rgb(0, np.where(still[..., None], 0, picture).astype(np.uint8))], [still])
    inside = np.dstack(made.frame.planes)[still].std()
    assert 0.6 < inside / picture[~still].std() < 1.4
