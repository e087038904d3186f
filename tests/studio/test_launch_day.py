"""The sample film: every promise its labels make is held by its pixels and by its geometry, for more than one seed."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from functools import cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from evals.labels import read_labels
from evals.studio import render_sample
from evals.studio._faults import draw_melt, melted
from evals.studio._launch_day import Film, ShotPlan, write_script
from evals.studio._optics import DIAGONAL, FROM_ENLARGED, HEIGHT, WIDTH, carried
from evals.studio._project import expose
from evals.studio._sheet import PANELS, cell_box
from tests.studio.shots import LENGTHS, OPENINGS
from tools.errors import BadInput
from tools.media.decode import frames
from tools.media.masks import read_mask
from tools.media.probe import probe
from tools.types import Bits, Clip, Frame

pytestmark = pytest.mark.long

SEEDS = (7, 11)
FAULTY = ("SH020", "SH030", "SH040", "SH050", "SH060")
ACTIONS = dict(zip(FAULTY, ("inpaint", "inpaint", "regenerate", "regenerate", "retake"), strict=True))


@cache
def script(seed: int) -> Film:
    return write_script(seed)


def plan(seed: int, shot: str) -> ShotPlan:
    return next(one for one in script(seed).shots if one.id == shot)


def clip(film: Path, shot: str) -> Clip:
    return Clip(media=film / "film.mp4", first=OPENINGS[shot], last=OPENINGS[shot] + LENGTHS[shot] - 1)


def luma_difference(one: Frame, other: Frame) -> NDArray[np.int16]:
    return np.asarray(np.abs(one.planes[0].astype(np.int16) - other.planes[0].astype(np.int16)))


def take(film: Path, shot: str, index: int) -> tuple[Frame, Frame, Bits]:
    """One shot frame as it is in the film, in its clean take, and its mask."""
    label = read_labels(film).shots[shot]
    assert label.clean_take is not None
    media, whole = film / label.clean_take, clip(film, shot)
    mask = read_mask(film / label.errors[0].mask, probe(media), LENGTHS[shot])[index]
    shown = next(frames(Clip(media=whole.media, first=whole.first + index, last=whole.last)))
    return shown, next(frames(Clip(media=media, first=index, last=LENGTHS[shot] - 1))), mask


def test_the_project_is_what_the_contract_describes(launch_day: Path) -> None:
    project = tomllib.loads((launch_day / "film.toml").read_text(encoding="utf-8"))
    info, labels = probe(launch_day / "film.mp4"), read_labels(launch_day)
    assert (info.width, info.height, info.fps, info.frames) == (WIDTH, HEIGHT, Fraction(24), sum(LENGTHS.values()))
    assert info.has_audio
    assert (info.colour.primaries, info.colour.transfer, info.colour.matrix, info.colour.range) == (1, 1, 1, 1)
    assert [shot["id"] for shot in project["shot"]] == list(labels.shots) == list(LENGTHS)
    assert project["character"][0]["panels"] == list(PANELS)
    assert {name: shot.errors[0].action for name, shot in labels.shots.items() if shot.errors} == ACTIONS


def test_the_earpiece_shots_refer_to_the_planted_panel_and_the_others_do_not(launch_day: Path) -> None:
    project, labels = tomllib.loads((launch_day / "film.toml").read_text(encoding="utf-8")), read_labels(launch_day)
    (planted,) = labels.panels
    made_from = {shot["id"] for shot in project["shot"] if planted in shot.get("references", [])}
    assert made_from == {"SH020", "SH030", "SH040"}
    for name, shot in labels.shots.items():
        blamed = {(error.origin.kind, error.origin.ref) for error in shot.errors}
        assert (("sheet-panel", planted) in blamed) == (name in made_from)


def test_the_sheet_is_wrong_in_one_panel_only(launch_day: Path) -> None:
    ((ref, label),) = read_labels(launch_day).panels.items()
    sheet, clean = (cv2.imread(str(launch_day / name)) for name in ("sheets/mara.png", label.clean_sheet))
    mask = cv2.imread(str(launch_day / label.mask), cv2.IMREAD_GRAYSCALE)
    assert sheet is not None
    assert clean is not None
    assert mask is not None
    differs = (sheet != clean).any(axis=2)
    assert not differs[mask == 0].any()
    assert differs[mask > 0].mean() > 0.9
    assert label.box.iou(cell_box(ref.removeprefix("mara/"))) == label.box.area / cell_box("front").area


@pytest.mark.parametrize("shot", FAULTY)
def test_masks_mark_the_planted_pixels_and_nothing_else(launch_day: Path, shot: str) -> None:
    first, last = read_labels(launch_day).shots[shot].errors[0].frames
    for index in {first, (first + last) // 2, last}:
        shown, clean, mask = take(launch_day, shot, index)
        difference = luma_difference(shown, clean)
        # What H.264 changes outside the mask is far below what a fault changes inside it.
        assert difference[~mask].mean() < 2.5
        assert difference[mask].mean() > 2 * difference[~mask].mean()


@pytest.mark.parametrize("shot", FAULTY)
def test_outside_the_labelled_frames_masks_are_empty(launch_day: Path, shot: str) -> None:
    (label,) = read_labels(launch_day).shots[shot].errors
    masks = read_mask(launch_day / label.mask, probe(launch_day / f"clean/{shot}.mkv"), LENGTHS[shot])
    marked = [index for index, mask in enumerate(masks) if mask.any()]
    assert marked == list(range(label.frames[0], label.frames[1] + 1))


@pytest.mark.parametrize("shot", ["SH030", "SH050", "SH060"])
def test_before_the_encode_only_the_mask_differs(shot: str) -> None:
    one = plan(11, shot)
    index, picture = next((i, p) for i, p in enumerate(one.pictures()) if p.mask is not None)
    assert picture.mask is not None
    clean, shown = expose(script(11), one, index, picture)
    difference = luma_difference(shown, clean)
    assert not difference[~picture.mask].any()
    assert (difference[picture.mask] > 0).mean() > 0.75


def test_the_clean_takes_are_the_pictures_of_the_seed(launch_day: Path) -> None:
    """The script written again gives the same decoded frames, bit for bit."""
    one = plan(7, "SH020")
    media = Clip(media=launch_day / "clean/SH020.mkv", first=0, last=2)
    for stored, (index, picture) in zip(frames(media), enumerate(islice(one.pictures(), 3)), strict=True):
        clean, _ = expose(script(7), one, index, picture)
        for plane, same in zip(stored.planes, clean.planes, strict=True):
            np.testing.assert_array_equal(plane, same)


def test_another_seed_is_another_film() -> None:
    assert not np.array_equal(script(7).earpiece.alpha, script(11).earpiece.alpha)
    first, second = (next(iter(plan(seed, "SH020").pictures())) for seed in SEEDS)
    assert not np.array_equal(first.clean, second.clean)


def region_tracks(shot: ShotPlan) -> NDArray[np.float64]:
    """Frame positions of points spread over a worn fault, (frames, points, 2)."""
    assert shot.worn is not None
    assert shot.move is not None
    rows, columns = np.nonzero(shot.worn.alpha)
    points = np.stack([columns, rows], axis=1)[:: max(1, len(rows) // 400)].astype(np.float64)
    return np.array([carried(matrix @ FROM_ENLARGED, points) for matrix in shot.move.character])


def region_speed(shot: ShotPlan) -> tuple[float, NDArray[np.float64]]:
    """Median speed over the frames that show the fault, as a share of the diagonal, and the speed of each of them."""
    tracks = region_tracks(shot)
    inside = np.all((tracks >= 0) & (tracks < (WIDTH, HEIGHT)), axis=2).any(axis=1)
    speed = np.median(np.linalg.norm(np.gradient(tracks, axis=0), axis=2), axis=1) / DIAGONAL
    return float(np.median(speed[inside])), np.asarray(speed[inside])


@pytest.mark.parametrize("seed", SEEDS)
def test_the_small_faults_move_slowly(seed: int) -> None:
    for name in ("SH020", "SH030"):
        median, speed = region_speed(plan(seed, name))
        assert 0.5 / DIAGONAL <= median <= 4 / DIAGONAL, name
        assert len(speed) == 48, name
        assert speed.max() < 0.005, name


@pytest.mark.parametrize("seed", SEEDS)
def test_the_whip_pan_is_fast_and_shows_a_few_sharp_frames(seed: int) -> None:
    shot = plan(seed, "SH040")
    median, speed = region_speed(shot)
    assert median >= 0.012
    assert len(speed) >= 20
    assert (speed < 0.004).sum() >= 4
    assert min(speed[0], speed[-1]) < 0.0015
    assert shot.move is not None
    assert max(shot.move.shutter) / 0.5 / DIAGONAL > 0.03


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("shot", "low", "high"),
    [("SH020", 0.002, 0.015), ("SH030", 0.002, 0.015), ("SH040", 0.002, 0.015), ("SH050", 0.28, 0.45)],
)
def test_worn_faults_cover_what_was_promised(seed: int, shot: str, low: float, high: float) -> None:
    one = plan(seed, shot)
    assert one.worn is not None
    assert one.move is not None
    shares = [
        float((cv2.warpPerspective(one.worn.alpha, matrix @ FROM_ENLARGED, (WIDTH, HEIGHT)) > 0.02).mean())
        for matrix in one.move.character[::4]
    ]
    assert low <= max(shares) <= high


def test_the_melt_takes_the_last_quarter_only(launch_day: Path) -> None:
    assert read_labels(launch_day).shots["SH060"].errors[0].frames == (36, 47)


@pytest.mark.parametrize("seed", range(8))
def test_the_melt_covers_what_was_promised(seed: int) -> None:
    melt = draw_melt(np.random.default_rng(seed))
    for step in (0, 11):
        _, alpha = melted(np.zeros((HEIGHT, WIDTH, 3), np.float32), melt, step)
        assert 0.25 <= (alpha > 0).mean() <= 0.4


def test_an_unknown_sample_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="launch-day"):
        render_sample("moon-day", tmp_path / "film")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(BadInput, match="not an empty folder"):
        render_sample("launch-day", tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]


def test_an_interrupted_render_leaves_nothing(tmp_path: Path) -> None:
    def stop(shot: str) -> None:
        if shot.startswith("SH020"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_sample("launch-day", tmp_path / "film", progress=stop)
    assert not list(tmp_path.iterdir())
