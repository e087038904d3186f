"""Film projects out of the labelled pictures beside the repository: what a real model is asked about real material.

elara is a character sheet, the sliders are two stories whose panels are shots of one frame each, pizza-collab a clip
beside the storyboards that it was made from. Everything is copied or cut into the case's folder; nothing is kept.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.suites._sheets_boxes import panel_box
from tools.media.sheets import read_picture, write_picture
from tools.types import Frozen

STORY_PANELS = range(1, 7)


class RealError(Frozen):
    """One labelled error: who or what, what is wrong in words, and the shot or sheet that shows it."""

    who: str
    what: str
    where: str


class RealCase(Frozen):
    """A project and its truth."""

    project: Path
    errors: tuple[RealError, ...]
    clean: tuple[str, ...] = ()
    """Shots that are labelled to have none."""


def labels_of(data: Path) -> Mapping[str, Any]:
    labels: Mapping[str, Any] = json.loads((data / "labels.json").read_text(encoding="utf-8"))["continuity"]
    return labels


def elara(data: Path, folder: Path) -> RealCase:
    """The character sheet, with one frame of it as the film that a project needs."""
    label = labels_of(data)["elara"]
    (folder / "sheets").mkdir(parents=True)
    shutil.copyfile(data / label["reference"], folder / "sheets" / "elara.png")
    write_picture(folder / "shots" / "SH010" / "0001.png", read_picture(data / "elara" / "storyboard.png"))
    _write_toml(folder, "Elara", ["shots/SH010"], [("elara", "sheets/elara.png", "")])
    errors = tuple(RealError(who="elara", what=one["what"], where="sheet") for one in label["errors"])
    return RealCase(project=folder, errors=errors)


def slider(name: str, data: Path, folder: Path) -> RealCase:
    """A story of six panels, each a shot of one frame in one scene; the bible says what people wear."""
    label = labels_of(data)[f"audit_repair_{name}"]
    picture = read_picture(data / "audit-repair" / f"{name}.png")
    shots = []
    for number in STORY_PANELS:
        shot = f"SH{10 * number:03d}"
        write_picture(folder / "shots" / shot / "0001.png", picture[panel_box(number, "before").slices])
        shots.append(f"shots/{shot}")
    bible = "; ".join(f"{who}: {words}" for who, words in label["bible"].items())
    _write_toml(folder, name, shots, [], bible=bible, scene="SC010")
    errors = tuple(
        RealError(who=words.split()[0], what=words, where=f"SH{10 * int(number):03d}")
        for number, told in label["before_errors"].items()
        for words in told
    )
    clean = tuple(f"SH{10 * number:03d}" for number in label["clean_before"])
    return RealCase(project=folder, errors=errors, clean=clean)


def pizza(data: Path, folder: Path) -> RealCase:
    """The clip with the storyboards as sheets of those who are in it."""
    label = labels_of(data)["pizza-collab"]
    (folder / "sheets").mkdir(parents=True)
    shutil.copyfile(data / label["shot"], folder / "film.mp4")
    boards = []
    for file in label["reference"]:
        shutil.copyfile(data / file, folder / "sheets" / Path(file).name)
        boards.append(f"sheets/{Path(file).name}")
    _write_toml(folder, "Pizza", [], [("story", boards, "")], media="film.mp4")
    errors = tuple(
        RealError(who=one["who"], what=one["what"], where="SH010" if one["origin"] == "propagation" else "sheet")
        for one in label["errors"]
    )
    return RealCase(project=folder, errors=errors)


def _write_toml(
    folder: Path,
    title: str,
    shots: Sequence[str],
    sheets: Sequence[tuple[str, str | list[str], str]],
    *,
    media: str = "",
    bible: str = "",
    scene: str = "",
) -> None:
    where = f"media = {json.dumps(media)}" if media else f"shots = {json.dumps(list(shots))}"
    lines = ["[film]", f"title = {json.dumps(title)}", where, f"bible = {json.dumps(bible)}"]
    for subject, sheet, canon in sheets:
        lines += ["[[character]]", f"id = {json.dumps(subject)}", f"sheet = {json.dumps(sheet)}"]
        lines += [f"canon = {json.dumps(canon)}"] if canon else []
    if scene:
        lines += [
            line
            for number, _ in enumerate(shots, start=1)
            for line in ("[[shot]]", f'id = "SH{10 * number:03d}"', f"scene = {json.dumps(scene)}")
        ]
    (folder / "film.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
