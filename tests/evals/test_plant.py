"""Planting: every family leaves what is outside its mask alone, and says the truth about what is inside."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from agent.project import load_film, open_project
from evals.labels import read_labels
from evals.plant import FAMILIES, plant_film, read_recipe, requality
from evals.plant._draw import draw_tasks, recipe_of
from evals.plant._families import KINDS
from evals.plant._follow import Wish, find_place
from tests.agent.films import shot_file, sketch
from tools.errors import BadInput
from tools.media.decode import frames
from tools.media.masks import read_track
from tools.media.pixels import luma8, support_planes
from tools.media.probe import probe
from tools.types import Clip

FRAMES = 14
EACH: Mapping[str, str] = {f"SH{10 * n:03d}": family for n, family in enumerate(FAMILIES, start=1)}
"""A shot per family."""


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean film of one shot more than there are families."""
    root = tmp_path_factory.mktemp("footage")
    for n in range(len(FAMILIES) + 1):
        shot_file(root / f"shot-{n:02d}.mp4", sketch(n, FRAMES, pan=0.4 * n))
    (root / "film.toml").write_text(
        '[film]\ntitle = "Nine"\nshots = ["shot-*.mp4"]\n[[shot]]\nid = "SH020"\nmodel = "m"\n'
    )
    return root


@pytest.fixture(scope="module")
def planted(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant_film(footage, tmp_path_factory.mktemp("planted") / "film", seed=3, errors=EACH)


def digest(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_outside_the_mask_changes(footage: Path, family: str) -> None:
    shots = load_film(open_project(footage)).shots
    infos = {shot.id: probe(shot.clip.media) for shot in shots}
    task = draw_tasks(recipe_of({"SH040": family}), shots, infos, set(), 5)["SH040"]
    planting, touched = KINDS[task.family].prepare(task), 0
    for frame in frames(task.clip):
        shown, crop = planting.show(frame)
        mask = np.zeros((frame.height, frame.width), np.bool_)
        if crop is not None:
            mask[crop[0].slices] = crop[1]
        for inside, new, old in zip(support_planes(mask, frame.layout), shown.planes, frame.planes, strict=True):
            assert np.array_equal(new[~inside], old[~inside])
            touched += int((new != old).sum())
    assert touched > 0


def test_labels_say_what_the_masks_show(planted: Path) -> None:
    labels = read_labels(planted)
    assert set(labels.shots) == {*EACH, "SH100"}
    assert labels.shots["SH100"].errors == ()
    for shot, family in EACH.items():
        (error,) = labels.shots[shot].errors
        track = read_track(planted / error.mask)
        assert error.category == KINDS[family].category  # type: ignore[index]
        assert (error.box, error.frames) == (track.box, track.frames)
        assert probe(planted / error.mask).frames == FRAMES
    actions = {family: labels.shots[shot].errors[0].action for shot, family in EACH.items()}
    assert {actions[family] for family in ("light-shift", "grade-mismatch", "mirrored")} == {"regenerate"}


def test_a_planted_film_is_a_film_and_its_clean_takes_are_the_source(planted: Path, footage: Path) -> None:
    film, source = load_film(open_project(planted)), load_film(open_project(footage))
    assert [(shot.id, shot.model) for shot in film.shots] == [(shot.id, shot.model) for shot in source.shots]
    for shot, clean in zip(film.shots, source.shots, strict=True):
        take = read_labels(planted).shots[shot.id].clean_take
        if take is None:
            continue
        for a, b in zip(frames(planted / take), frames(clean.clip), strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a.planes, b.planes, strict=True))


def test_an_error_can_be_seen(planted: Path) -> None:
    labels = read_labels(planted)
    for shot in load_film(open_project(planted)).shots:
        for error in labels.shots[shot.id].errors:
            inside = read_track(planted / error.mask)
            clean = frames(planted / str(labels.shots[shot.id].clean_take))
            change = [
                np.abs(luma8(a).astype(int) - luma8(b))[inside.at(a.index)].mean()
                for a, b in zip(frames(shot.clip), clean, strict=True)
                if a.index in inside.crops
            ]
            assert max(change) > 2, shot.id


def test_the_same_seed_gives_the_same_folder(footage: Path, tmp_path: Path) -> None:
    errors = {"SH010": "stray-object", "SH020": "melt"}
    one, two, other = (plant_film(footage, tmp_path / str(n), seed=n // 2, errors=errors) for n in range(3))
    assert digest(one) == digest(two)
    assert digest(one)["labels.json"] != digest(other)["labels.json"]


def test_labels_of_other_shots_are_kept(planted: Path, tmp_path: Path) -> None:
    twice = plant_film(planted, tmp_path / "twice", seed=9, errors={"SH100": "text-logo"})
    before, after = read_labels(planted), read_labels(twice)
    assert {shot: after.shots[shot] for shot in EACH} == {shot: before.shots[shot] for shot in EACH}
    assert len(after.shots["SH100"].errors) == 1
    assert digest(twice)["masks/SH010.mkv"] == digest(planted)["masks/SH010.mkv"]
    with pytest.raises(BadInput, match="SH010: carries a labelled error"):
        plant_film(planted, tmp_path / "again", seed=9, errors={"SH010": "melt"})


def test_bare_media_keeps_its_shots_even_where_a_cut_cannot_be_found_again(tmp_path: Path) -> None:
    media = shot_file(tmp_path / "take.mp4", sketch(4, 24))
    out = plant_film(media, tmp_path / "out", seed=1, errors={"SH010": "frame-pop"})
    assert [shot.id for shot in load_film(open_project(out)).shots] == ["SH010"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "take.mp4"]


def test_requality_changes_the_pictures_and_nothing_else(planted: Path, tmp_path: Path) -> None:
    worse = requality(planted, tmp_path / "worse", 38)
    assert read_labels(worse) == read_labels(planted)
    pairs = zip(load_film(open_project(worse)).shots, load_film(open_project(planted)).shots, strict=True)
    for a, b in pairs:
        change = [
            float(np.abs(luma8(x).astype(int) - luma8(y)).mean())
            for x, y in zip(frames(a.clip), frames(b.clip), strict=True)
        ]
        assert 0.3 < min(change) <= max(change) < 12


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[plant]]\nfamily = "melt"\ncuont = 2\n', "recipe.toml:3: plant.0.cuont: unknown key"),
        ('[[plant]]\nfamily = "melt"\n[[plant]]\nfamily = "mold"\n', "recipe.toml:4: plant.1.family"),
        ('[[plant]]\nfamily = "melt"\nstrength = [1.0, 0.2]\n', "recipe.toml:1: plant.0: strength: say"),
        ('[[plant]]\nfamly = "melt"\n', "recipe.toml:2: plant.0.famly: unknown key"),
        ("", "recipe.toml:1: plant"),
        ('[[plant]\nfamily = "melt"', "not valid TOML"),
    ],
)
def test_a_wrong_recipe_is_named_by_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "recipe.toml"
    file.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_recipe(file)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_plants_and_refuses(footage: Path, tmp_path: Path) -> None:
    recipe, out = tmp_path / "recipe.toml", tmp_path / "out"
    recipe.write_text('[[plant]]\nfamily = "stray-object"\ncount = 2\nlife = "stretch"\nsize = [0.01, 0.02]\n')

    def suture(*more: object) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", "from agent.cli import main; main()", "plant", footage, recipe, "-o", out, *more]
        return subprocess.run([*map(str, argv)], capture_output=True, text=True, cwd=tmp_path, check=False)

    done = suture("--json", "--seed", 4)
    assert done.returncode == 0, done.stderr
    assert sum(len(shot["errors"]) for shot in json.loads(done.stdout)["shots"].values()) == 2
    again = suture()
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr.splitlines() == [f"suture: {out}: exists and is not an empty folder; choose a new one"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "recipe.toml"]


def test_a_place_moves_as_its_surface_does(tmp_path: Path) -> None:
    pan, media = 1.5, tmp_path / "pan.mp4"
    shot_file(media, sketch(8, FRAMES, pan=pan))
    clip = Clip(media=media, first=0, last=FRAMES - 1)
    place = find_place(clip, probe(media), Wish((20.0, 16.0), (2, 12)), np.random.default_rng(1))
    there = place.turns * place.centre + place.shifts - place.centre
    assert np.abs(there + pan * np.arange(len(there))).max() < 0.35
    assert place.speed == pytest.approx(pan / float(np.hypot(160, 96)), rel=0.05)
