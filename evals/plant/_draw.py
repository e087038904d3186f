"""From a recipe and a seed to one task per chosen shot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from zlib import crc32

import numpy as np

from agent.schema import Shot
from evals.plant._planting import Task
from evals.plant._recipe import FAMILIES, SIZES, STRETCHED, PlantTable, Recipe
from tools.errors import BadInput
from tools.types import MediaInfo

Infos = Mapping[str, MediaInfo]
"""What the media of each shot is."""
LEAST = 4
"""Frames of the shortest stretch."""


def recipe_of(errors: Mapping[str, str] | Recipe) -> Recipe:
    """A mapping from shot to family as a recipe. BadInput for a family that there is not."""
    if isinstance(errors, Recipe):
        return errors
    for shot, family in errors.items():
        if family not in FAMILIES:
            raise BadInput(f"{shot}: there is no family {family!r}; choose one of {', '.join(FAMILIES)}")
    tables = [{"family": family, "shots": [shot]} for shot, family in errors.items()]
    return Recipe.model_validate({"plant": tables})


def draw_tasks(recipe: Recipe, shots: Sequence[Shot], infos: Infos, faulty: set[str], seed: int) -> dict[str, Task]:
    """A task for each shot that gets an error, none for the others; tables that name their shots choose first."""
    rng = np.random.default_rng([seed, 0x91A7])
    clips = {shot.id: shot for shot in shots}
    tasks: dict[str, Task] = {}
    for table in sorted(recipe.plant, key=lambda table: not table.shots):
        for name in table.shots:
            _check_shot(name, clips, faulty)
        for _ in range(table.count):
            free = [name for name in table.shots or clips if name not in tasks and name not in faulty]
            if not free:
                where = f"of {', '.join(table.shots)}" if table.shots else "of the film"
                raise BadInput(f"{table.family}: no clean shot {where} is left for it; ask for fewer errors")
            name = str(rng.choice(free))
            tasks[name] = _task(table, clips[name], infos[name], seed)
    return tasks


def _check_shot(name: str, clips: Mapping[str, Shot], faulty: set[str]) -> None:
    if name not in clips:
        raise BadInput(f"{name!r} is not a shot of this film; it has {', '.join(clips)}")
    if name in faulty:
        raise BadInput(f"{name}: carries a labelled error already; plant into a clean shot")


def _task(table: PlantTable, shot: Shot, info: MediaInfo, seed: int) -> Task:
    """What a shot gets depends on the seed, its name and the table alone, not on the other shots."""
    own = (seed, crc32(shot.id.encode()), FAMILIES.index(table.family))
    rng = np.random.default_rng((*own, 1))
    low, high = table.size or SIZES.get(table.family, (1.0, 1.0))
    return Task(
        family=table.family,
        clip=shot.clip,
        info=info,
        strength=float(rng.uniform(*table.strength)),
        size=float(np.exp(rng.uniform(np.log(low), np.log(high)))),
        life=_life(table, shot.clip.frames, rng),
        speed=table.speed,
        seed=own,
    )


def _life(table: PlantTable, frames: int, rng: np.random.Generator) -> tuple[int, int]:
    """First and last frame, counting from the shot's first."""
    if table.family == "frame-pop":
        inner = min(2, (frames - 1) // 2)
        first = int(rng.integers(inner, frames - inner))
        return first, first
    stretched = rng.uniform() < STRETCHED.get(table.family, 0.0)
    if table.life != "any" and table.family in STRETCHED:
        stretched = table.life == "stretch"
    if not stretched or frames < 2 * LEAST:
        return 0, frames - 1
    length = int(rng.integers(LEAST, max(LEAST + 1, round(0.5 * frames))))
    first = int(rng.integers(0, frames - length + 1))
    return first, first + length - 1
