"""Things that move before a photograph, in its own colours, so that motion alone can part them from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from tools.media.sheets import write_picture
from tools.types import Bits, Clip
from tools.vision.mover import Mark, follow_mover

WIDTH, HEIGHT, FRAMES = 320, 240, 48
Path2 = Callable[[int], tuple[float, float]]


def _disc(x: float, y: float, radius: int = 22) -> Bits:
    return cv2.circle(np.zeros((HEIGHT, WIDTH), np.uint8), (round(x), round(y)), radius, 1, -1) > 0


def _across(index: int) -> tuple[float, float]:
    """Through the picture, bobbing."""
    return 60 + 4 * index, 130 + 10 * float(np.sin(index / 3))


def _away(index: int) -> tuple[float, float]:
    """Out of the picture to the right and back again."""
    return 240 + 150 * float(np.sin(np.pi * index / (FRAMES - 1))), 150


def _above(index: int) -> tuple[float, float]:
    """From right to left, above the first."""
    return 280 - 4 * index, 60


def _filmed(folder: Path, paths: Sequence[Path2], pan: float = 0.0) -> Clip:
    """Discs cut from the photograph's other parts, turned over, that move before it; the camera may travel."""
    ground = cv2.resize(data.astronaut(), (480, 400), interpolation=cv2.INTER_AREA)
    rng = np.random.default_rng(5)
    for index in range(FRAMES):
        view = np.array([[1, 0, -20 - pan * index], [0, 1, -60.0]])
        frame = cv2.warpAffine(ground, view, (WIDTH, HEIGHT))
        for number, path in enumerate(paths):
            x, y = path(index)
            coat = ground[::-1][40 + 90 * number :][: 2 * HEIGHT, :WIDTH]
            shown = cv2.warpAffine(coat, np.array([[1, 0, x - 150], [0, 1, y - 60.0]]), (WIDTH, HEIGHT))
            frame[_disc(x, y)] = shown[_disc(x, y)]
        grained = np.clip(frame + rng.normal(0, 1.5, frame.shape), 0, 255)
        write_picture(folder / f"{index:03d}.png", grained.astype(np.uint8))
    return Clip(media=folder, first=0, last=FRAMES - 1)


def _boxed(thing: Bits, by: int = 5) -> Mark:
    kernel = np.ones((2 * by + 1, 2 * by + 1), np.uint8)
    rows, columns = (np.flatnonzero(cv2.dilate(thing.astype(np.uint8), kernel).any(axis=axis)) for axis in (1, 0))
    on = np.zeros((HEIGHT, WIDTH), np.bool_)
    on[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return Mark(on, within=True)


def _iou(one: Bits, other: Bits) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_thing_in_the_scenes_own_colours_is_followed_both_ways_past_another(tmp_path: Path) -> None:
    found = follow_mover(_filmed(tmp_path, [_across, _above]), 20, _boxed(_disc(*_across(20))))
    assert found is not None
    assert not found.lost
    overlaps = [_iou(found.masks.at(index), _disc(*_across(index))) for index in range(FRAMES)]
    assert np.mean(overlaps) > 0.8
    assert max(int((found.masks.at(index) & _disc(*_above(index))).sum()) for index in range(FRAMES)) < 40


def test_a_travelling_camera_does_not_matter(tmp_path: Path) -> None:
    found = follow_mover(_filmed(tmp_path, [_across], pan=1.7), 20, _boxed(_disc(*_across(20))))
    assert found is not None
    assert np.mean([_iou(found.masks.at(index), _disc(*_across(index))) for index in range(FRAMES)]) > 0.75


def test_what_leaves_the_picture_is_lost_and_found_again_from_its_first_bits_on(tmp_path: Path) -> None:
    found = follow_mover(_filmed(tmp_path, [_away]), 3, _boxed(_disc(*_away(3))))
    assert found is not None
    for index in range(FRAMES):
        seen = int(_disc(*_away(index)).sum())
        assert (index in found.lost) == (index not in found.masks.crops)
        if seen == 0:
            assert index in found.lost
        if seen > 150:
            assert _iou(found.masks.at(index), _disc(*_away(index))) > 0.6, f"frame {index}"


def test_motion_says_nothing_of_what_lies_still_or_is_part_of_a_larger_thing(tmp_path: Path) -> None:
    clip = _filmed(tmp_path, [_across])
    assert follow_mover(clip, 20, _boxed(_disc(60, 60, 20))) is None
    assert follow_mover(clip, 20, _boxed(_disc(*_across(20), 6), by=0)) is None


def test_a_mark_on_the_thing_takes_all_of_it(tmp_path: Path) -> None:
    clip = _filmed(tmp_path, [_across, _above])
    mark = Mark(_disc(*_across(20), 14), within=False)
    found = follow_mover(clip, 20, mark)
    assert found is not None
    assert _iou(found.masks.at(20), _disc(*_across(20))) > 0.8


def test_without_a_still_scene_there_is_no_answer(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for index in range(FRAMES):
        noise = cv2.resize(rng.integers(0, 255, (24, 32, 3), np.uint8), (WIDTH, HEIGHT))
        write_picture(tmp_path / f"{index:03d}.png", noise.astype(np.uint8))
    clip = Clip(media=tmp_path, first=0, last=FRAMES - 1)
    assert follow_mover(clip, 20, _boxed(_disc(160, 120, 20))) is None


def _passing(index: int, when: int) -> tuple[float, float]:
    """From left to right in a few frames, faster than flow follows; frame `when` is that in which it is half way."""
    return 160 + 70 * (index - when), 120


def _standing(index: int) -> tuple[float, float]:
    """In one place, trembling."""
    return 115 + 3 * float(np.sin(2.4 * index)), 140 + 2 * float(np.cos(1.9 * index))


def _square(left: int, half: int) -> Bits:
    square = np.zeros((HEIGHT, WIDTH), np.bool_)
    square[max(0, 120 - half) : min(HEIGHT, 120 + half), max(0, left) : max(0, left + 2 * half)] = True
    return square


def _raced(folder: Path, half: int, *when: int) -> tuple[Clip, list[Bits]]:
    """Blue blocks of that half width that race past a trembling disc, half way in those frames, and raise dust for a
    while; and where they are.
    """
    ground = cv2.resize(data.astronaut(), (480, 400), interpolation=cv2.INTER_AREA)[60:300, 20:340]
    rng = np.random.default_rng(5)
    blue = cv2.resize(rng.integers(0, 60, (12, 16, 3), np.uint8), (2 * half, 2 * half)) + np.array([20, 60, 170])
    blocks = list[Bits]()
    for index in range(FRAMES):
        frame = ground.astype(np.float64)
        x, y = _standing(index)
        disc = _disc(x, y, 20)
        frame[disc] = np.roll(ground[::-1], (round(y), round(x)), (0, 1))[disc]
        block = np.zeros((HEIGHT, WIDTH), np.bool_)
        for one in when:
            left = round(_passing(index, one)[0]) - half
            if -half < left < WIDTH + 200:
                frame[150:190, : left + half] = 0.5 * frame[150:190, : left + half] + 80
            rows, columns = np.nonzero(_square(left, half))
            frame[rows, columns] = blue[rows - 120 + half, columns - left]
            block |= _square(left, half)
        blocks.append(block)
        write_picture(
            folder / f"{index:03d}.png", np.clip(frame + rng.normal(0, 1.5, frame.shape), 0, 255).astype(np.uint8)
        )
    return Clip(media=folder, first=0, last=FRAMES - 1), blocks


def test_what_is_faster_than_flow_is_parted_from_what_it_hid_and_from_its_dust(tmp_path: Path) -> None:
    clip, blocks = _raced(tmp_path, 60, 18)
    seed = next(index for index, block in enumerate(blocks) if block[120, 100])
    found = follow_mover(clip, seed, _boxed(blocks[seed]))
    assert found is not None
    for index, block in enumerate(blocks):
        mask = found.masks.at(index)
        assert (index in found.lost) == (not block.any()), f"frame {index}"
        if block.any():
            assert (mask & block).sum() > 0.95 * block.sum(), f"frame {index}"
            assert (mask & ~block).sum() < 0.25 * 14400, f"frame {index}"
        if index > seed + 1:
            assert not (mask & _disc(*_standing(index), 14) & ~block).any(), f"frame {index}"


def test_a_still_camera_is_still_in_a_frame_that_one_thing_fills(tmp_path: Path) -> None:
    clip, blocks = _raced(tmp_path, 190, 18)
    seed = max(range(FRAMES), key=lambda index: blocks[index].sum())
    found = follow_mover(clip, seed, Mark(np.ones((HEIGHT, WIDTH), np.bool_), within=True))
    assert found is not None
    assert blocks[seed].all()
    assert found.masks.at(seed).mean() > 0.99
    for index in (seed - 1, seed + 1):
        assert _iou(found.masks.at(index), blocks[index]) > 0.7, f"frame {index}"


def test_what_races_out_of_the_picture_is_not_what_races_in_later(tmp_path: Path) -> None:
    clip, blocks = _raced(tmp_path, 45, 10, 34)
    for seed, others in ((10, range(24, FRAMES)), (34, range(20))):
        found = follow_mover(clip, seed, _boxed(blocks[seed]))
        assert found is not None
        assert (found.masks.at(seed) & blocks[seed]).sum() > 0.95 * blocks[seed].sum()
        assert found.lost.issuperset(others), f"frame {seed}"


def test_what_the_picture_cuts_is_masked_up_to_its_border_though_it_fills_the_middle_frame(tmp_path: Path) -> None:
    clip, blocks = _raced(tmp_path, 190, 24)
    found = follow_mover(clip, 24, Mark(np.ones((HEIGHT, WIDTH), np.bool_), within=True))
    assert found is not None
    for index, block in enumerate(blocks):
        missed = block & ~found.masks.at(index)
        assert missed.sum() < 0.02 * block.size, f"frame {index}"
        assert not missed[:, [0, -1]].any(), f"frame {index}"
        assert not missed[[0, -1]].any(), f"frame {index}"


def test_a_box_drawn_too_tight_takes_what_it_cuts_off_but_no_other_thing(tmp_path: Path) -> None:
    clip, blocks = _raced(tmp_path, 60, 19)
    tight = _boxed(blocks[20], by=0)
    tight.on[174:] = False
    found = follow_mover(clip, 20, tight)
    assert found is not None
    assert (found.masks.at(20) & blocks[20]).sum() > 0.98 * blocks[20].sum()
    assert not (found.masks.at(20) & _disc(*_standing(20), 14) & ~blocks[20]).any()
