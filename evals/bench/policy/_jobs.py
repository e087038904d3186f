"""One strategy over one lot of faults, as a job of its own for a process: everything it needs is made there."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path

from evals.bench.policy._bidders import Bidder, bidders, blank_shots
from evals.bench.policy._figures import Played
from evals.bench.policy._play import Stage, Strategy, play
from evals.bench.policy._world import World, read_chances, read_drawn, read_mix
from tools.editors.registry import ROSTER, whole_roster
from tools.types import Frozen


class Lot(Frozen):
    """What is played: a strategy over so many faults, with or without the free local editors.

    `regions`, `sound` and `regeneration` stand in for the mix's share and the stated chances.
    """

    strategy: Strategy
    faults: int
    local: bool = False
    blocks: int
    regions: float | None = None
    sound: float | None = None
    regeneration: float | None = None
    seed: int = 0


def played_lots(lots: Sequence[Lot], folder: Path) -> dict[Lot, list[Played]]:
    """All lots, side by side on the machine's cores; the order and the cores change nothing."""
    blank_shots(read_mix(), folder)
    workers = min(len(lots), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        return dict(zip(lots, pool.map(_played, lots, [folder] * len(lots)), strict=True))


def _played(lot: Lot, folder: Path) -> list[Played]:
    stage = _stage(lot, folder)
    faults = list(stage.world.faults(lot.faults, regions=lot.regions, seed=lot.seed))
    return asyncio.run(play(lot.strategy, faults, stage))


def _stage(lot: Lot, folder: Path) -> Stage:
    everybody = {n: one for n, one in _everybody(folder).items() if lot.local or not one.capabilities.local}
    told = {"sound": lot.sound, "regeneration": lot.regeneration}
    chances = read_chances().model_copy(update={name: value for name, value in told.items() if value is not None})
    mix = read_mix()
    world = World(mix, chances, read_drawn(), {name: one.capabilities for name, one in everybody.items()})
    blanks = {seconds: folder / f"{seconds}s.mkv" for seconds in mix.seconds}
    return Stage(world=world, everybody=everybody, blanks=blanks, home=folder, blocks=lot.blocks)


@lru_cache(maxsize=1)
def _everybody(folder: Path) -> dict[str, Bidder]:
    return bidders(whole_roster(ROSTER).editors.values(), folder / "editors")
