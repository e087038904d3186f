"""The same strategies over other mixes and other chances: where editing regions pays, and where it would not.

Each pair of chances is played once, half region faults and half others; a mix weighs the two kinds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

from PIL import Image

from evals.bench.policy._figures import Account, Played
from evals.bench.policy._jobs import Lot
from evals.bench.policy._pictures import Axes, Axis, Line, chart
from evals.bench.policy._play import Strategy
from evals.bench.policy._world import Surface
from tools.types import Frozen

STRATEGIES: tuple[Strategy, ...] = ("suture", "regenerate", "inpaint", "oracle")
HALF = 0.5


class Cell(Frozen):
    """One mix and pair of chances: dollars and generations per fix of Suture, and its dollars over the others'."""

    regions: float
    sound: float
    regeneration: float
    usd_per_fix: float
    generations_per_fix: float
    vs_regenerate: float
    vs_inpaint: float
    vs_oracle: float


def surface_lots(surface: Surface) -> list[Lot]:
    """Everything that the surface needs; what a strategy never does changes nothing for it and is played once."""
    return list(dict.fromkeys(_lots(surface, s, r)[name] for s, r in _pairs(surface) for name in STRATEGIES))


def cells_of(surface: Surface, made: Mapping[Lot, Sequence[Played]]) -> list[Cell]:
    """Every cell, from the lots that were played."""
    return [
        _cell(
            {name: made[lot] for name, lot in _lots(surface, sound, regeneration).items()}, regions, sound, regeneration
        )
        for sound, regeneration in _pairs(surface)
        for regions in surface.regions
    ]


def _pairs(surface: Surface) -> list[tuple[float, float]]:
    return list(product(surface.sound, surface.regeneration))


def _lots(surface: Surface, sound: float, regeneration: float) -> dict[Strategy, Lot]:
    both = Lot(strategy="suture", faults=surface.faults, blocks=4, regions=HALF, seed=1)
    told = {"sound": sound, "regeneration": regeneration}
    return {
        "suture": both.model_copy(update=told),
        "oracle": both.model_copy(update={**told, "strategy": "oracle"}),
        "regenerate": both.model_copy(update={"regeneration": regeneration, "strategy": "regenerate"}),
        "inpaint": both.model_copy(update={"sound": sound, "strategy": "inpaint"}),
    }


def _cell(made: Mapping[Strategy, Sequence[Played]], regions: float, sound: float, regeneration: float) -> Cell:
    usd = {name: _per_fix("usd", one, regions) for name, one in made.items()}
    return Cell(
        regions=regions,
        sound=sound,
        regeneration=regeneration,
        usd_per_fix=round(usd["suture"], 4),
        generations_per_fix=round(_per_fix("generations", made["suture"], regions), 4),
        vs_regenerate=round(usd["suture"] / usd["regenerate"], 4),
        vs_inpaint=round(usd["suture"] / usd["inpaint"], 4),
        vs_oracle=round(usd["suture"] / usd["oracle"], 4),
    )


def _per_fix(what: str, made: Sequence[Played], regions: float) -> float:
    """What a fix takes when this share of the faults is of regions."""
    kinds = [(regions, [one for one in made if one.region]), (1 - regions, [one for one in made if not one.region])]
    accounts = [(share, Account.of(one)) for share, one in kinds if one]
    total = sum(share * float(getattr(account, what).mean()) for share, account in accounts)
    return total / max(1e-9, sum(share * account.share_fixed for share, account in accounts))


def draw_surface(folder: Path, cells: Sequence[Cell]) -> None:
    """surface.json, and surface.png with a chart per chance of regeneration."""
    body = json.dumps([cell.model_dump() for cell in cells], indent=1)
    (folder / "surface.json").write_text(body + "\n", encoding="utf-8")
    charts = [_chart(cells, chance) for chance in dict.fromkeys(cell.regeneration for cell in cells)]
    width, height = charts[0].size
    whole = Image.new("RGB", (width, height * len(charts)))
    for number, one in enumerate(charts):
        whole.paste(one, (0, number * height))
    whole.save(folder / "surface.png")


def _chart(cells: Sequence[Cell], regeneration: float) -> Image.Image:
    mine = [cell for cell in cells if cell.regeneration == regeneration]
    lines = [
        Line(f"region edit {sound:g}", [(c.regions, c.vs_regenerate) for c in mine if c.sound == sound])
        for sound in dict.fromkeys(cell.sound for cell in mine)
    ]
    shares = sorted({cell.regions for cell in mine})
    top = max(1.0, *(cell.vs_regenerate for cell in cells))
    x = Axis("share of region faults in the mix", shares[0], shares[-1], shares)
    y = Axis("dollars per fix over always regenerating", 0, top, [0, 0.25, 0.5, 0.75, 1.0])
    title = f"Where a regeneration succeeds {regeneration:.0%} of the time"
    return chart(title, lines, Axes(x, y), {"0.45, the target": 0.45, "no better": 1.0})
