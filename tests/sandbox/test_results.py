"""What the sandbox's models make: the truth where a labelled film has it, honest edits elsewhere, faults as ordered."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media.made import texture
from tools.sandbox.providers import Job, Rule, Work
from tools.sandbox.providers._footage import read_footage, read_picture, write_footage, write_picture
from tools.sandbox.providers._results import Results
from tools.sandbox.providers._truth import Truth
from tools.types import Bits, Rgb

pytestmark = pytest.mark.long

SIZE = (320, 192)
"""Wider than the sample film's 16:9, so that what is sent has bars."""


def psnr(a: Rgb, b: Rgb, where: Bits) -> float:
    gap = a.astype(np.float64)[where] - b.astype(np.float64)[where]
    return float(10 * np.log10(255**2 / max(1e-9, float(np.mean(gap * gap)))))


def barred(picture: Rgb) -> Rgb:
    """A 16:9 picture in the middle of a frame of SIZE."""
    small = cv2.resize(picture, (SIZE[0], 180), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyMakeBorder(small, 6, 6, 0, 0, cv2.BORDER_REPLICATE), np.uint8)


def result(film: Path | None, work: Work, folder: Path, rule: Rule | None = None) -> Path:
    return Results(film).make(Job("job-1", "fal", "model", work, Decimal(1), rule), folder)


@pytest.fixture
def moving(tmp_path: Path) -> Work:
    """A masked edit of footage that no film knows."""
    frames = [texture(160, 96, index) for index in range(10)]
    mask = np.zeros((96, 160, 3), np.uint8)
    mask[30:60, 50:90] = 255
    video = write_footage(tmp_path / "sent.mp4", frames, Fraction(24)).read_bytes()
    return Work("inpaint", video=video, mask=write_picture(tmp_path / "mask.png", mask).read_bytes())


def test_a_masked_edit_of_a_labelled_film_shows_its_clean_take(launch_day: Path, tmp_path: Path) -> None:
    truth = Truth(launch_day)
    error = truth.errors("SH020")[0]
    faulty, clean = ([barred(one) for one in some] for some in (truth.current("SH020"), truth.clean("SH020")))
    sent = faulty[8:20]
    mask = np.zeros((720, 1280, 3), np.uint8)
    mask[error.box.grown(24, 1280, 720).slices] = 255
    inside = barred(mask)[..., 0] > 127
    work = Work(
        "inpaint",
        video=write_footage(tmp_path / "sent.mp4", sent, Fraction(24)).read_bytes(),
        mask=write_picture(tmp_path / "mask.png", barred(mask)).read_bytes(),
    )
    made = read_footage(result(launch_day, work, tmp_path).read_bytes()).frames
    assert len(made) == len(sent)
    assert psnr(sent[6], clean[14], inside) < 25
    assert psnr(made[6], clean[14], inside) > 33
    assert psnr(made[6], sent[6], ~inside) > 33


def test_a_shot_that_is_named_is_made_again_as_it_should_have_been(launch_day: Path, tmp_path: Path) -> None:
    work = Work("regenerate", "Make shot SH040 again.", seconds=1.0, size=SIZE)
    made = read_footage(result(launch_day, work, tmp_path).read_bytes())
    assert (len(made.frames), made.rate, made.size) == (24, Fraction(24), SIZE)
    clean = Truth(launch_day).clean("SH040")
    assert psnr(made.frames[9], barred(clean[9])[: SIZE[1]], np.ones(SIZE[::-1], np.bool_)) > 25


def test_a_faulty_panel_comes_back_clean(launch_day: Path, tmp_path: Path) -> None:
    truth = Truth(launch_day)
    (ref, clean), *_ = truth.clean_panels().items()
    panel = truth.panel(ref)
    sent = write_picture(tmp_path / "panel.png", panel).read_bytes()
    made = read_picture(result(launch_day, Work("still", pictures=(sent,)), tmp_path).read_bytes())
    everywhere = np.ones(clean.shape[:2], np.bool_)
    assert psnr(made, clean, everywhere) > 60 > psnr(panel, clean, everywhere)


def test_unknown_footage_is_filled_inside_the_mask_alone(moving: Work, tmp_path: Path) -> None:
    made = read_footage(result(None, moving, tmp_path).read_bytes()).frames
    assert moving.video is not None
    sent = read_footage(moving.video).frames
    inside = np.zeros((96, 160), np.bool_)
    inside[30:60, 50:90] = True
    assert psnr(made[5], sent[5], ~inside) > 34
    assert not np.array_equal(made[5][inside], sent[5][inside])


@pytest.mark.parametrize("fault", ["seam", "flicker", "colour", "grain"])
def test_a_fault_spoils_the_inside_as_strongly_as_it_was_ordered(fault: str, moving: Work, tmp_path: Path) -> None:
    inside = np.zeros((96, 160), np.bool_)
    inside[30:60, 50:90] = True
    honest = read_footage(result(None, moving, tmp_path).read_bytes()).frames
    levels = []
    for strength in (0.4, 0.9):
        rule = Rule.model_validate({"fault": fault, "strength": strength})
        spoilt = read_footage(result(None, moving, tmp_path, rule).read_bytes()).frames
        levels.append(np.mean([psnr(a, b, inside) for a, b in zip(spoilt, honest, strict=True)]))
        assert min(psnr(a, b, ~inside) for a, b in zip(spoilt, honest, strict=True)) > 28
    assert levels[1] < levels[0] < 33


def test_what_is_ordered_to_be_no_result_is_none(moving: Work, tmp_path: Path) -> None:
    black = read_footage(result(None, moving, tmp_path, Rule(fault="black")).read_bytes()).frames
    assert max(int(frame.max()) for frame in black) < 3
    wrong = read_footage(result(None, moving, tmp_path, Rule(fault="wrong-size")).read_bytes())
    assert (wrong.size, len(wrong.frames)) == ((80, 96), 5)
    with pytest.raises(ValueError, match="cannot be read"):
        read_footage(result(None, moving, tmp_path, Rule(fault="truncated")).read_bytes())
    with pytest.raises(ValueError, match="cannot be read"):
        result(None, Work("inpaint", video=b"no video"), tmp_path)
