"""Each way an edit fails is caught by its own check, and a true fill passes them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.suites._verify_shots import as_picture, film_of
from tools.errors import BadInput
from tools.media._layouts import layout_of
from tools.media.encode import write_video
from tools.types import Bits, Clip, ColourTags, Frame, MaskTrack, MediaInfo, Verdict
from tools.vision.checks import analysed, verify
from tools.vision.motion import warp

Plane = NDArray[np.float32]
Fill = Callable[[Plane, Bits, int], Plane]

WIDTH, HEIGHT, COUNT = 480, 320, 12
SIZES = [(30, 40), (190, 170)]
GRAIN = 2.5


def scene(index: int, seed: int = 0) -> Plane:
    """(H, W) luma: clouds and cloth that drift by 1.5 pixels a frame, under fresh grain."""
    rng = np.random.default_rng(5)
    wide = rng.normal(0, 1, (HEIGHT, WIDTH + 64)).astype(np.float32)
    still = cv2.GaussianBlur(wide, (0, 0), 18) * 700 + cv2.GaussianBlur(wide[::-1], (0, 0), 2.0) * 40
    moved = np.array([[1, 0, -1.5 * index], [0, 1, 0]], np.float32)
    picture = cv2.warpAffine(still, moved, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    grain = np.random.default_rng([seed, index]).normal(0, GRAIN, picture.shape)
    return np.asarray(110 + picture + grain, np.float32)


def region(size: tuple[int, int]) -> Bits:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (210, 150), (size[0] // 2, size[1] // 2), 20, 0, 360, 1, -1)
    return mask > 0


def film(path: Path, lumas: Iterator[Plane], tint: Bits | None = None, by: int = 0, codec: str = "ffv1") -> Path:
    """Writes luma planes over even chroma; `tint` shifts Cb and Cr by `by` where true."""
    layout = layout_of("yuv420p")
    assert layout is not None
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    if tint is not None:
        chroma[tint[::2, ::2]] += by
    like = MediaInfo(
        path=path.with_name("made"),
        kind="video",
        width=WIDTH,
        height=HEIGHT,
        fps=Fraction(24),
        frames=COUNT,
        container="matroska",
        codec="ffv1",
        pixel_format="yuv420p",
        bit_depth=8,
    )
    pictures = (np.clip(np.rint(luma), 16, 235).astype(np.uint8) for luma in lumas)
    made = (Frame(n, (luma, chroma, chroma), layout, ColourTags()) for n, luma in enumerate(pictures))
    write_video(path, made, like, codec=codec)  # type: ignore[arg-type]
    return path


def filled(fill: Fill, mask: Bits) -> Iterator[Plane]:
    for index in range(COUNT):
        clean = scene(index)
        yield np.where(mask, fill(clean, mask, index), clean)


def planted(clean: Plane, mask: Bits, index: int) -> Plane:
    return np.full_like(clean, 45) + 0.2 * (clean - 110)


def own_grain(clean: Plane, mask: Bits, index: int) -> Plane:
    return scene(index, seed=1)


def patch(clean: Plane, mask: Bits, index: int) -> Plane:
    return clean + 20


def outline(clean: Plane, mask: Bits, index: int) -> Plane:
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    return clean + np.where(depth <= 2, 14, 0).astype(np.float32)


def smooth(clean: Plane, mask: Bits, index: int) -> Plane:
    return np.asarray(cv2.GaussianBlur(clean, (0, 0), 1.4), np.float32)


def noisy(clean: Plane, mask: Bits, index: int) -> Plane:
    return np.asarray(clean + np.random.default_rng([9, index]).normal(0, 2 * GRAIN, clean.shape), np.float32)


def pumping(clean: Plane, mask: Bits, index: int) -> Plane:
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(clean + (-1) ** index * 5 * np.clip(depth / 6, 0, 1), np.float32)


def blurred_pumping(clean: Plane, mask: Bits, index: int) -> Plane:
    return pumping(np.asarray(cv2.GaussianBlur(clean, (0, 0), 3), np.float32), mask, index)


def jumping(clean: Plane, mask: Bits, index: int) -> Plane:
    return np.roll(scene(index, seed=1), int(2 * (-1) ** index), axis=0)


def swimming(clean: Plane, mask: Bits, index: int) -> Plane:
    """Bent by a smooth field of the frame's own."""
    field = np.random.default_rng([5, index]).normal(0, 1, (*clean.shape, 2)).astype(np.float32)
    bend = cv2.GaussianBlur(field, (0, 0), 6)
    return warp(scene(index, seed=1), 1.2 * bend / bend.std(), cv2.INTER_CUBIC)


def checked(tmp_path: Path, fill: Fill, size: tuple[int, int], *, tint: int = 0, codec: str = "ffv1") -> Verdict:
    mask = region(size)
    before = film(tmp_path / "before.mkv", filled(planted, mask))
    after = film(tmp_path / "after.mkv", filled(fill, mask), mask if tint else None, tint, codec)
    cv2.imwrite(str(tmp_path / "mask.png"), mask.astype(np.uint8) * 255)
    return verify(Clip(media=before, first=0, last=COUNT - 1), after, tmp_path / "mask.png")


def failed(verdict: Verdict) -> set[str]:
    return {check.name for check in verdict.checks if not check.holds}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("codec", ["ffv1", "h264"])
def test_a_true_fill_with_grain_of_its_own_passes(tmp_path: Path, size: tuple[int, int], codec: str) -> None:
    verdict = checked(tmp_path, own_grain, size, codec=codec)
    assert failed(verdict) == set(), verdict
    assert verdict.verdict == "pass"
    units = {check.name: check.unit for check in verdict.checks}
    assert units["outside"] == ("levels" if codec == "ffv1" else "dB")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("fill", "tint", "caught"),
    [
        (outline, 0, {"seam"}),
        (own_grain, 9, {"colour"}),
        (smooth, 0, {"grain"}),
        (noisy, 0, {"grain"}),
        (pumping, 0, {"flicker"}),
        (jumping, 0, {"flicker"}),
        (swimming, 0, {"flicker"}),
        (blurred_pumping, 0, {"flicker", "grain"}),
    ],
)
def test_each_failure_fails_its_check(
    tmp_path: Path, size: tuple[int, int], fill: Fill, tint: int, caught: set[str]
) -> None:
    verdict = checked(tmp_path, fill, size, tint=tint)
    assert failed(verdict) == caught, verdict


@pytest.mark.parametrize("size", SIZES)
def test_a_bright_patch_is_a_seam_and_a_shift_of_colour(tmp_path: Path, size: tuple[int, int]) -> None:
    assert {"seam", "colour"} <= failed(checked(tmp_path, patch, size))


def test_doing_nothing_has_not_landed(tmp_path: Path) -> None:
    assert "landed" in failed(checked(tmp_path, planted, SIZES[0]))


def test_a_single_changed_pixel_outside_is_caught(tmp_path: Path) -> None:
    mask = region(SIZES[0])
    before = film(tmp_path / "before.mkv", filled(planted, mask))
    pictures = list(filled(own_grain, mask))
    pictures[7][300, 11] += 1
    after = film(tmp_path / "after.mkv", iter(pictures))
    track = MaskTrack.of(dict.fromkeys(range(COUNT), mask), WIDTH, HEIGHT)
    verdict = verify(Clip(media=before, first=0, last=COUNT - 1), after, track)
    outside = next(check for check in verdict.checks if check.name == "outside")
    assert failed(verdict) == {"outside"}
    assert (outside.value, outside.unit) == (1, "levels")


def foreign(path: Path, change: Callable[[Plane], Plane]) -> Path:
    """A take that somebody else re-encoded as a whole, after a change everywhere."""
    mask = region(SIZES[0])
    pictures = [np.dstack([change(luma)] * 3) for luma in filled(own_grain, mask)]
    path.write_bytes(film_of([as_picture((picture - 16) * 255 / 219) for picture in pictures], 18))
    return path


def dotted(luma: Plane) -> Plane:
    return np.asarray(luma + cv2.circle(np.zeros_like(luma), (400, 60), 12, 12.0, -1), np.float32)


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        (lambda luma: luma + 0.7, True),
        (lambda luma: luma + 5, False),
        (lambda luma: np.roll(luma, 1, axis=1), False),
        (lambda luma: luma + 1.5 * (luma - cv2.GaussianBlur(luma, (0, 0), 1.5)), False),
        (dotted, False),
    ],
    ids=["codec", "grade", "move", "sharpened", "spot"],
)
def test_a_foreign_take_may_differ_by_its_codec_only(
    tmp_path: Path, change: Callable[[Plane], Plane], holds: bool
) -> None:
    before = film(tmp_path / "before.mkv", filled(planted, region(SIZES[0])))
    track = MaskTrack.of(dict.fromkeys(range(COUNT), region(SIZES[0])), WIDTH, HEIGHT)
    verdict = verify(Clip(media=before, first=0, last=COUNT - 1), foreign(tmp_path / "after.mkv", change), track)
    outside = next(check for check in verdict.checks if check.name == "outside")
    assert outside.value < 50
    assert (outside.holds, bool(outside.note)) == (holds, holds), outside


def test_growth_of_the_support_is_allowed_for(tmp_path: Path) -> None:
    mask = region(SIZES[0])
    wider = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    before = film(tmp_path / "before.mkv", filled(planted, mask))
    after = film(tmp_path / "after.mkv", filled(own_grain, wider))
    clip = Clip(media=before, first=0, last=COUNT - 1)
    track = MaskTrack.of(dict.fromkeys(range(COUNT), mask), WIDTH, HEIGHT)
    assert "outside" in failed(verify(clip, after, track))
    assert "outside" not in failed(verify(clip, after, track, feather=4))


def test_a_clip_inside_a_film_and_a_shorter_take(tmp_path: Path) -> None:
    mask = region(SIZES[0])
    before = film(tmp_path / "before.mkv", filled(planted, mask))
    after = film(tmp_path / "after.mkv", filled(own_grain, mask))
    track = MaskTrack.of(dict.fromkeys(range(6), mask), WIDTH, HEIGHT)
    stretch = Clip(media=before, first=4, last=9)
    assert failed(verify(stretch, Clip(media=after, first=4, last=9), track)) == set()
    assert failed(verify(stretch, after, track)) == {"stream"}


def test_an_unreadable_take_is_bad_input(tmp_path: Path) -> None:
    before = film(tmp_path / "before.mkv", filled(planted, region(SIZES[0])))
    (tmp_path / "after.mkv").write_bytes(b"not a film")
    with pytest.raises(BadInput, match=r"after\.mkv"):
        verify(Clip(media=before, first=0, last=COUNT - 1), tmp_path / "after.mkv", None)


def test_long_shots_are_looked_at_in_runs_spread_over_them() -> None:
    chosen = sorted(analysed(range(1000)))
    assert len(chosen) == 48
    assert (chosen[0], chosen[-1]) == (0, 999)
    assert sum(b == a + 1 for a, b in pairwise(chosen)) == 40
