"""film.toml read strictly: every mistake is one line with file, line and field."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from agent.project import bare_root, init, line_of, load_film, open_project
from tools.errors import BadInput
from tools.media.sheets import write_picture

GOOD = """
[film]
title = "Tiny"
media = "film"

[[character]]
id = "mara"
sheet = "mara.png"
grid = [1, 2]
panels = ["front", "back"]

[[shot]]
id = "SH010"
characters = ["mara"]
references = ["mara/front"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    noise = np.random.default_rng(1)
    (tmp_path / "film").mkdir()
    picture = noise.integers(0, 255, (64, 96, 3), dtype=np.uint8)
    for index in range(6):
        write_picture(tmp_path / "film" / f"{index:04d}.png", picture)
    write_picture(tmp_path / "mara.png", noise.integers(0, 255, (60, 100, 3), dtype=np.uint8))
    return tmp_path


def test_a_film_is_read_whole(folder: Path) -> None:
    (folder / "film.toml").write_text(GOOD)
    film = load_film(open_project(folder))
    (shot,) = film.shots
    assert (shot.id, shot.clip.frames, shot.characters, film.fps) == ("SH010", 6, ("mara",), Fraction(24))
    assert [panel.ref for panel in film.sheets[0].panels] == ["mara/front", "mara/back"]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('media = "film"', 'media = "film"\nmedai = 1', 5, "film.medai: unknown key"),
        ('id = "SH010"', 'id = "SH011"', 13, "'SH011' is not a shot of this film"),
        ('sheet = "mara.png"', 'sheet = "gone.png"', 8, "'gone.png' does not exist"),
        ('references = ["mara/front"]', 'references = ["mara/frnt"]', 15, "'mara/frnt' is no panel"),
        ('characters = ["mara"]', 'characters = ["mia"]', 14, "'mia' has no [[character]]"),
        ('panels = ["front", "back"]', 'panels = ["front"]', 10, "1 names for 2 pictures"),
        ('media = "film"', 'media = "film"\nshots = ["film"]', 2, "exactly one of media, timeline and shots"),
        ('media = "film"', 'media = "nowhere"', 4, "'nowhere' does not exist"),
    ],
)
def test_each_mistake_names_its_line_and_field(folder: Path, old: str, new: str, line: int, says: str) -> None:
    (folder / "film.toml").write_text(GOOD.replace(old, new))
    with pytest.raises(BadInput) as caught:
        load_film(open_project(folder))
    message = str(caught.value)
    assert says in message
    assert f"film.toml:{line}:" in message
    assert "\n" not in message


def test_a_line_is_found_in_the_right_table() -> None:
    text = '[[shot]]\nid = "a"\n\n[[shot]]\nid = "b"\nscene = "x"\n'
    assert line_of(text, ("shot", 1, "id")) == 5
    assert line_of(text, ("shot", 1, "nope")) == 4


def test_init_refers_to_media_where_it_lies(folder: Path) -> None:
    project = init([folder / "film"], sheets=[("mara", folder / "mara.png")], out=folder / "made")
    assert project.path(project.toml.film.media or "") == folder / "film"
    assert sorted(p.name for p in (folder / "made").iterdir()) == ["film.toml"]
    with pytest.raises(BadInput, match="there is a project here already"):
        init([folder / "film"], out=folder / "made")


def test_init_copies_when_asked_and_takes_several_sheets(folder: Path) -> None:
    write_picture(folder / "mara2.png", np.full((40, 40, 3), 128, dtype=np.uint8))
    sheets = [("mara", folder / "mara.png"), ("mara", folder / "mara2.png")]
    project = init([folder / "film"], sheets=sheets, out=folder / "made", copy=True)
    film = load_film(project)
    assert all(path.is_relative_to(folder / "made") for path in (film.shots[0].clip.media, film.sheets[1].image))
    assert len({panel.ref for sheet in film.sheets for panel in sheet.panels}) == sum(
        len(s.panels) for s in film.sheets
    )


def test_bare_media_gets_a_project_in_the_working_directory(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert bare_root(folder / "film").name == "film.suture-film"
    assert bare_root(folder / "film").parent == Path.cwd()
