"""A rendered film project on disk: film.mp4, film.toml, the sheet, labels, masks and clean takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from evals.labels import ErrorLabel, Labels, PanelLabel, ShotLabel
from evals.studio._launch_day import BIBLE, CANON, MODEL, TITLE, Fault, Film, ShotPlan
from evals.studio._picture import Picture
from evals.studio._reel import RATE, Reel, exposed, grain, planted, take_info
from evals.studio._sheet import GRID, PANELS, draw_sheet, write_png
from tools.media.encode import Writer
from tools.media.masks import write_mask
from tools.types import Bits, Frame, MaskTrack

Progress = Callable[[str], None]


def write_project(film: Film, folder: Path, progress: Progress) -> None:
    """Renders everything into an empty folder."""
    for name in ("sheets", "masks", "clean"):
        (folder / name).mkdir()
    panels = _write_sheet(film, folder)
    (folder / "film.toml").write_text(film_toml(film), encoding="utf-8")
    shots = {}
    with Reel(folder / "film.mp4", film.seed) as reel:
        for number, shot in enumerate(film.shots, start=1):
            progress(f"{shot.id} ({number} of {len(film.shots)})")
            shots[shot.id] = _write_shot(film, shot, folder, reel)
    labels = Labels(shots=shots, panels=panels).model_dump_json(indent=1)
    (folder / "labels.json").write_text(labels + "\n", encoding="utf-8")


def _write_sheet(film: Film, folder: Path) -> dict[str, PanelLabel]:
    drawn = draw_sheet(np.random.default_rng([film.seed, 1]), film.planted, film.earpiece)
    for place, picture in (("sheets", drawn.faulty), ("clean", drawn.clean), ("masks", drawn.mask)):
        write_png(str(folder / place / "mara.png"), picture)
    label = PanelLabel(
        category="prop", subject="mara", box=drawn.box, mask="masks/mara.png", clean_sheet="clean/mara.png"
    )
    return {f"mara/{film.planted}": label}


def _write_shot(film: Film, shot: ShotPlan, folder: Path, reel: Reel) -> ShotLabel:
    """Streams one shot into the film and, where it has a fault, into its clean take; writes its mask."""
    clean_take = f"clean/{shot.id}.mkv"
    masks: dict[int, Bits] = {}
    with ExitStack() as open_files:
        take = None
        if shot.fault:
            take = open_files.enter_context(
                Writer(folder / clean_take, take_info(folder / "film.mp4", shot.frames), codec="ffv1")
            )
        for index, picture in enumerate(shot.pictures()):
            clean, shown = expose(film, shot, index, picture)
            reel.write(shown, opens=index == 0)
            if take:
                take.write(clean)
            if picture.mask is not None and picture.mask.any():
                masks[index] = picture.mask
    if shot.fault is None:
        return ShotLabel()
    return ShotLabel(errors=(_write_error(shot, shot.fault, masks, folder),), clean_take=clean_take)


def expose(film: Film, shot: ShotPlan, index: int, picture: Picture) -> tuple[Frame, Frame]:
    """A picture on film, without and with its fault: the same grain, and equal outside the mask."""
    noise = grain((film.seed, int(shot.id[2:]), index, 2))
    clean = exposed(picture.clean, noise, index)
    if picture.faulty is None or picture.mask is None:
        return clean, clean
    return clean, planted(clean, exposed(picture.faulty, noise, index), picture.mask)


def _write_error(shot: ShotPlan, fault: Fault, masks: dict[int, Bits], folder: Path) -> ErrorLabel:
    height, width = next(iter(masks.values())).shape
    track = MaskTrack.of(masks, width, height)
    mask = f"masks/{shot.id}.mkv"
    write_mask(folder / mask, track, shot.frames, RATE)
    return ErrorLabel(
        category=fault.category,
        subject=fault.subject,
        box=track.box,
        frames=track.frames,
        mask=mask,
        origin=fault.origin,
        action=fault.action,
    )


def film_toml(film: Film) -> str:
    """film.toml as the contract describes it; a JSON string or list is also a TOML one."""
    head: dict[str, object] = {"title": TITLE, "media": "film.mp4", "bible": BIBLE}
    character: dict[str, object] = {
        "id": "mara",
        "sheet": "sheets/mara.png",
        "grid": GRID,
        "panels": PANELS,
        "canon": CANON,
    }
    shots: list[dict[str, object]] = [
        {
            "id": shot.id,
            "scene": "SC010",
            "characters": shot.characters,
            "references": shot.references,
            "model": MODEL,
            "prompt": shot.prompt,
        }
        for shot in film.shots
    ]
    tables: list[tuple[str, dict[str, object]]] = [
        ("[film]", head),
        ("[[character]]", character),
        *(("[[shot]]", shot) for shot in shots),
    ]
    return "\n".join(_table(name, values) for name, values in tables)


def _table(name: str, values: dict[str, object]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if value != ()]
    return "\n".join([name, *lines, ""])
