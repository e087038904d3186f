"""The studio's cast: films that come out the same, labels that agree with pixels, figures that cannot be confused."""

from __future__ import annotations

import hashlib
from itertools import combinations
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from agent.project import load_film, open_project
from evals.labels import Labels, read_labels
from evals.studio.cast import FAMILIES, render_film
from evals.studio.cast._design import Split, character_seed, draw_character
from evals.studio.cast._doll import draw_doll
from evals.studio.cast._paint import Light
from evals.studio.cast._sitter import Layer
from tools.errors import BadInput
from tools.media.decode import frames
from tools.media.sheets import read_picture
from tools.types import Rgb

pytestmark = pytest.mark.long

SIZE, LENGTH = (320, 184), 6
ERRORS = {f"SH{10 * (n + 1):03d}": family for n, family in enumerate(FAMILIES)}


def _render(out: Path, kind: str = "rendered", seed: int = 5) -> Path:
    assert kind in {"rendered", "photographic"}
    photographic = kind == "photographic"
    return render_film(
        out,
        seed=seed,
        split="tune",
        kind="photographic" if photographic else "rendered",
        frames=LENGTH,
        size=SIZE,
        errors=ERRORS,
    )


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _render(tmp_path_factory.mktemp("cast") / "film")


@pytest.fixture(scope="module")
def labels(film: Path) -> Labels:
    return read_labels(film)


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_same_film(film: Path, tmp_path: Path) -> None:
    assert _digest(film) == _digest(_render(tmp_path / "again"))


def test_every_ordered_error_is_labelled_and_no_other(labels: Labels) -> None:
    faulty = {shot for shot, label in labels.shots.items() if label.errors}
    assert faulty == set(ERRORS)
    assert set(labels.shots) - faulty == {"SH070", "SH080"}


def test_film_opens_as_a_project(film: Path) -> None:
    opened = load_film(open_project(film))
    assert [shot.id for shot in opened.shots] == [f"SH{n:03d}" for n in range(10, 90, 10)]


def test_origins_are_where_the_film_says(film: Path, labels: Labels) -> None:
    shots = {shot.id: shot for shot in load_film(open_project(film)).shots}
    for shot, label in labels.shots.items():
        for error in label.errors:
            if error.origin.kind in {"sheet-panel", "reference"}:
                assert error.origin.ref in shots[shot].references
    panels = {e.origin.ref for label in labels.shots.values() for e in label.errors if e.origin.kind == "sheet-panel"}
    assert panels == set(labels.panels)


def _pictures(path: Path) -> list[NDArray[np.int16]]:
    """Frames of a file as stacks (h / 2, w / 2, 3): luma averaged down to where chroma lies."""
    halves = [
        (cv2.resize(f.planes[0], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), *f.planes[1:])
        for f in frames(path)
    ]
    return [np.dstack(planes).astype(np.int16) for planes in halves]


def test_mask_covers_all_that_differs(film: Path, labels: Labels) -> None:
    """The coded film departs from the clean take by the codec outside the mask, and by more inside."""
    shown = _pictures(film / "film.mp4")
    for index, shot in enumerate(sorted(labels.shots)):
        for error in labels.shots[shot].errors:
            away = [
                np.abs(a - b).sum(axis=2) for a, b in zip(shown[index * LENGTH :], _takes(film, shot), strict=False)
            ]
            masks = [frame.planes[0][::2, ::2] > 127 for frame in frames(film / error.mask)]
            near = [cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in masks]
            within = range(error.frames[0], error.frames[1] + 1)
            assert {n for n, mask in enumerate(masks) if mask.any()} == set(within)
            inside = np.mean([away[n][masks[n]].mean() for n in within])
            outside = np.mean([away[n][~near[n]].mean() for n in range(LENGTH)])
            assert inside > 1.5 * outside, error


def _takes(film: Path, shot: str) -> list[NDArray[np.int16]]:
    return _pictures(film / "clean" / f"{shot}.mkv")


def test_sheets_differ_only_in_the_faulty_panel(film: Path, labels: Labels) -> None:
    for label in labels.panels.values():
        sheet = read_picture(film / "sheets" / f"{label.subject}.png")
        clean, mask = read_picture(film / label.clean_sheet), read_picture(film / label.mask)[..., 0] > 0
        assert np.array_equal(sheet[~mask], clean[~mask])
        assert not np.array_equal(sheet[mask], clean[mask])


def test_photographic_film_is_labelled_alike(tmp_path: Path) -> None:
    labels = read_labels(_render(tmp_path / "photo", "photographic"))
    assert {shot for shot, label in labels.shots.items() if label.errors} == set(ERRORS)


def test_wrong_orders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="SH990"):
        render_film(tmp_path / "a", seed=1, split="tune", kind="rendered", errors={"SH990": "stray-object"})
    with pytest.raises(BadInput, match="no family"):
        render_film(tmp_path / "b", seed=1, split="tune", kind="rendered", errors={"SH010": "gremlins"})


def _portrait(layers: list[Layer]) -> Rgb:
    """A figure's front on grey, small."""
    canvas = np.full((1500, 800, 3), 128, np.float32)
    for layer in layers:
        if layer.group == "lids":
            continue
        x, y = round(layer.cel.x) + 400, round(layer.cel.y) + 450
        height, width = layer.cel.rgba.shape[:2]
        place = canvas[y : y + height, x : x + width]
        place *= 1 - layer.cel.rgba[..., 3:]
        place += layer.cel.rgba[..., :3]
    return cv2.resize(canvas[60:900], (80, 84), interpolation=cv2.INTER_AREA).astype(np.uint8)


def test_two_dozen_characters_cannot_be_confused() -> None:
    cast = [draw_character(character_seed(number, "test")) for number in range(24)]
    assert len({character.look for character in cast}) == 24
    pictures = [_portrait(draw_doll(character.look, "front", Light())).astype(float) for character in cast]
    closest = min(np.abs(a - b).mean() for a, b in combinations(pictures, 2))
    assert closest > 6


def test_splits_share_no_character() -> None:
    tune, test = ({character_seed(number, split) for number in range(100)} for split in get_args(Split))
    assert not tune & test
