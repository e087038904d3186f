"""A retake is judged at its joins and by what it kept, a shot made again by its scene, its ends and itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.media.made import texture
from tools.errors import BadInput
from tools.media._layouts import layout_of
from tools.media.encode import write_video
from tools.types import Check, Clip, ColourTags, Frame, MediaInfo, Rgb, Verdict
from tools.vision.look import grade, look_of
from tools.vision.remade import verify_regeneration
from tools.vision.retaken import verify_retake

Plane = NDArray[np.float32]
Change = Callable[[Plane, int], Plane]

WIDTH, HEIGHT, COUNT = 192, 128, 12
WINDOW = (4, 7)
GRAIN = 2.5


@lru_cache(maxsize=1)
def _still() -> Plane:
    rng = np.random.default_rng(5)
    wide = rng.normal(0, 1, (HEIGHT, WIDTH + 32)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), 12) * 500 + cv2.GaussianBlur(wide[::-1], (0, 0), 2.0) * 50)


@lru_cache(maxsize=128)
def scene(index: int, seed: int = 0, grain: float = GRAIN) -> Plane:
    """(H, W) luma: clouds and cloth that drift by 1.5 pixels a frame, under fresh grain."""
    moved = np.array([[1, 0, -1.5 * index], [0, 1, 0]], np.float32)
    picture = cv2.warpAffine(_still(), moved, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    noise = np.random.default_rng([seed, index]).normal(0, grain, picture.shape)
    return np.asarray(110 + picture + noise, np.float32)


def film(path: Path, lumas: Iterator[Plane]) -> Path:
    """Luma planes over even chroma, as FFV1."""
    layout = layout_of("yuv420p")
    assert layout is not None
    chroma = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
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
    write_video(path, made, like, codec="ffv1")
    return path


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    media = film(tmp_path_factory.mktemp("joins") / "clean.mkv", (scene(index) for index in range(COUNT)))
    return Clip(media=media, first=0, last=COUNT - 1)


def retake(path: Path, change: Change, window: tuple[int, int] = WINDOW, seed: int = 1) -> Path:
    """The scene with other grain, changed in the window."""

    def luma(index: int) -> Plane:
        inside = window[0] <= index <= window[1]
        return change(scene(index, seed=seed), index) if inside else scene(index)

    return film(path, (luma(index) for index in range(COUNT)))


def named(verdict: Verdict) -> dict[str, Check]:
    return {check.name: check for check in verdict.checks}


def same(luma: Plane, index: int) -> Plane:
    return luma


def test_a_true_retake_passes(tmp_path: Path, clean: Clip) -> None:
    verdict = verify_retake(clean, retake(tmp_path / "take.mkv", same), WINDOW)
    assert [check.name for check in verdict.checks] == ["flicker", "colour", "grain", "outside", "stream", "landed"]
    assert verdict.verdict == "pass"


def lifted(luma: Plane, index: int) -> Plane:
    return luma + 8


def moved(luma: Plane, index: int) -> Plane:
    return np.roll(luma, 4, axis=1)


def frozen(luma: Plane, index: int) -> Plane:
    return scene(WINDOW[0] - 1)


def replaced(luma: Plane, index: int) -> Plane:
    return luma[::-1].copy()


@pytest.mark.parametrize(
    ("change", "check"), [(lifted, "flicker"), (moved, "flicker"), (frozen, "flicker"), (replaced, "flicker")]
)
def test_a_window_that_jumps_at_its_joins_fails(tmp_path: Path, clean: Clip, change: Change, check: str) -> None:
    verdict = verify_retake(clean, retake(tmp_path / "take.mkv", change), WINDOW)
    assert verdict.verdict == "fail"
    assert not named(verdict)[check].holds
    assert named(verdict)["outside"].holds


def test_a_window_lit_otherwise_jumps_in_colour(tmp_path: Path, clean: Clip) -> None:
    checks = named(verify_retake(clean, retake(tmp_path / "take.mkv", lambda luma, index: luma * 0.8 + 4), WINDOW))
    assert not checks["colour"].holds
    assert checks["colour"].unit == "dE"


def test_a_window_without_its_grain_is_told(tmp_path: Path, clean: Clip) -> None:
    smooth = retake(tmp_path / "take.mkv", lambda luma, index: scene(index, grain=0))
    assert not named(verify_retake(clean, smooth, WINDOW))["grain"].holds


def test_a_frame_that_was_to_be_kept_and_was_not_is_seen(tmp_path: Path, clean: Clip) -> None:
    wider = retake(tmp_path / "take.mkv", same, (WINDOW[0], WINDOW[1] + 1))
    checks = named(verify_retake(clean, wider, WINDOW))
    assert not checks["outside"].holds
    assert checks["flicker"].holds


def test_a_window_at_the_cut_is_judged_at_its_one_join(tmp_path: Path, clean: Clip) -> None:
    assert verify_retake(clean, retake(tmp_path / "true.mkv", same, (0, 5)), (0, 5)).verdict == "pass"
    late = retake(tmp_path / "late.mkv", moved, (0, 5))
    assert not named(verify_retake(clean, late, (0, 5)))["flicker"].holds
    whole = named(verify_retake(clean, retake(tmp_path / "whole.mkv", same, (0, COUNT - 1)), (0, COUNT - 1)))
    assert "no join" in whole["flicker"].note


def test_a_finding_that_is_still_there_did_not_land(tmp_path: Path, clean: Clip) -> None:
    take = retake(tmp_path / "take.mkv", same)
    assert not named(verify_retake(clean, take, WINDOW, still_there=lambda path: path == take))["landed"].holds
    assert named(verify_retake(clean, take, WINDOW, still_there=lambda path: False))["landed"].holds
    with pytest.raises(BadInput, match="4-12"):
        verify_retake(clean, take, (4, COUNT))


# Shots made again.


def remade(path: Path, luma: Callable[[int], Plane]) -> Path:
    return film(path, (luma(index) for index in range(COUNT)))


def grey(luma: Plane) -> Rgb:
    """A picture of limited-range luma."""
    full = np.clip((luma - 16) * (255 / 219), 0, 255).astype(np.uint8)
    return np.repeat(full[..., None], 3, axis=2)


def test_another_take_of_the_scene_passes_and_its_ends_are_held(tmp_path: Path, clean: Clip) -> None:
    take = remade(tmp_path / "take.mkv", lambda index: scene(index, seed=3))
    pictures = [grey(scene(index)) for index in (0, 6, 11)]
    ends = {"first": pictures[0], "last": pictures[2]}
    verdict = verify_regeneration(clean, take, scene=pictures, ends=ends, still_there=lambda path: False)
    assert [check.name for check in verdict.checks] == ["stream", "colour", "seam", "landed"]
    assert verdict.verdict == "pass"
    elsewhere = {"first": grey(scene(0)[::-1] * 0.4), "last": pictures[2]}
    seam = named(verify_regeneration(clean, take, ends=elsewhere))["seam"]
    assert (seam.holds, seam.note) == (False, "the first frame against the one it must be")


def test_what_nothing_tells_is_not_claimed(tmp_path: Path, clean: Clip) -> None:
    verdict = verify_regeneration(clean, remade(tmp_path / "take.mkv", scene), still_there=lambda path: False)
    assert [check.name for check in verdict.checks] == ["stream", "landed"]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda index: scene(index) * (index < 8) + 16 * (index >= 8), "4 black frames"),
        (lambda index: scene(3), "the picture stands still"),
        (lambda index: scene(index) if index < 6 else 230 - scene(index)[::-1], "a cut inside the shot"),
    ],
)
def test_a_take_that_is_no_shot_fails_the_stream(
    tmp_path: Path, clean: Clip, fault: Callable[[int], Plane], words: str
) -> None:
    stream = named(verify_regeneration(clean, remade(tmp_path / "take.mkv", fault)))["stream"]
    assert not stream.holds
    assert words in stream.note


def test_a_take_of_another_look_fails_by_its_colour(tmp_path: Path, clean: Clip) -> None:
    dark = remade(tmp_path / "dark.mkv", lambda index: scene(index) * 0.5)
    colour = named(verify_regeneration(clean, dark, scene=[grey(scene(0)), grey(scene(9))]))["colour"]
    assert not colour.holds
    assert colour.unit == "dE"


def test_a_look_is_moved_within_bounds_and_not_where_it_is_right() -> None:
    warm, cold = (texture(96, 64, 0) * np.array(tint) for tint in ([1, 0.9, 0.85], [0.9, 0.9, 0.95]))
    a, b = (np.clip(picture, 0, 255).astype(np.uint8) for picture in (warm, cold))
    assert grade(look_of([a]), look_of([a])) is None
    change = grade(look_of([b]), look_of([a]))
    assert change is not None
    assert abs(change.shift).max() <= 15
    graded = look_of([change.graded(b)])
    assert np.linalg.norm(graded.middle - look_of([a]).middle) < 0.4 * np.linalg.norm(
        look_of([b]).middle - look_of([a]).middle
    )
