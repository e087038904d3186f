"""Policy economics: what a verified fix costs by Suture's decision, router and escalation, and by simpler strategies.

Faults are drawn from a versioned mix (mix.toml, sizes and motions in faults.toml), success from versioned chances
(chances.toml), prices are the roster's own quotes. Suture starts from the roster's priors, which differ from the truth.
Everything that decides is the product's code; no picture is made.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from evals.bench._rows import BenchRow, Measured
from evals.bench.policy._figures import Account, Figure, Played, figure, ratio_row
from evals.bench.policy._gap import draw_gap
from evals.bench.policy._jobs import Lot, played_lots
from evals.bench.policy._play import Strategy
from evals.bench.policy._surface import cells_of, draw_surface, surface_lots
from evals.bench.policy._world import Mix, read_mix

Tell = Callable[[str], None]
Plays = Mapping[Strategy, Sequence[Played]]

STRATEGIES: tuple[Strategy, ...] = ("suture", "regenerate", "inpaint", "oracle")
AGAINST: Mapping[Strategy, str] = {
    "regenerate": "always regenerate",
    "inpaint": "always inpaint",
    "oracle": "an oracle",
}


KINDS = (
    ("usd", "USD", "dollars per fix"),
    ("generations", "jobs", "generations per fix"),
    ("whole", "USD", "dollars per fault with waiting and persons"),
)


def measure(folder: Path, tell: Tell) -> Measured:
    """The headline without the free local editor, the same with it, the gap as the ledger grows, and the surface.

    Leaves gap.png, surface.png and surface.json in the folder.
    """
    mix = read_mix()
    remote, local, cells = _remote(mix), _local(mix), surface_lots(mix.surface)
    lots = [*remote.values(), *local.values(), *cells]
    tell(f"{sum(lot.faults for lot in lots)} faults under {len(lots)} strategies and worlds")
    with tempfile.TemporaryDirectory(prefix="suture-policy-") as work:
        made = played_lots(lots, Path(work))
    headline = {name: made[remote[name]] for name in STRATEGIES}
    draw_gap(folder / "gap.png", {name: made[lot] for name, lot in remote.items()}, mix.faults // mix.blocks)
    draw_surface(folder, cells_of(mix.surface, made))
    rows = [
        *rows_of(headline, ""),
        *rows_of({name: made[lot] for name, lot in local.items()}, ", with the free local editor"),
    ]
    return Measured(rows=tuple(rows), figures=figures_of(headline))


def _remote(mix: Mix) -> dict[Strategy, Lot]:
    lots = {name: Lot(strategy=name, faults=mix.faults, blocks=mix.blocks) for name in STRATEGIES}
    without = Lot(strategy="unlearned", faults=mix.faults_unlearned, blocks=1)
    return {**lots, "unlearned": without}


def _local(mix: Mix) -> dict[Strategy, Lot]:
    count = mix.faults_with_local
    return {name: Lot(strategy=name, faults=count, blocks=mix.blocks, local=True) for name in STRATEGIES}


def rows_of(made: Plays, where: str) -> list[BenchRow]:
    """Dollars and generations per verified fix beside every other strategy's, and the share that was fixed."""
    accounts = {name: Account.of(one) for name, one in made.items()}
    ours, rows = accounts.pop("suture"), []
    for what, unit, words in KINDS:
        mine = figure(what, ours)
        for name, theirs in accounts.items():
            ratio = figure(what, ours, theirs)
            beside = float(theirs.taken(what))
            rows.append(ratio_row(f"{words}, against {AGAINST[name]}{where}", unit, mine, beside, ratio))
    rows += [_fixed_row(f"share fixed, against {AGAINST[n]}{where}", ours, theirs) for n, theirs in accounts.items()]
    return rows


def _fixed_row(what: str, ours: Account, theirs: Account) -> BenchRow:
    value, baseline = ours.share_fixed, theirs.share_fixed
    ratio = Figure(value / max(baseline, 1e-9), 0, 0, 0)
    return ratio_row(what, "share", Figure(value, 0, 0, 0), baseline, ratio)


def figures_of(made: Plays) -> dict[str, object]:
    """The headline as the contract names it."""
    accounts = {name: Account.of(one) for name, one in made.items()}
    ours = accounts["suture"]
    found = {
        "usd_per_fix": figure("usd", ours),
        "generations_per_fix": figure("generations", ours),
        "vs_regenerate": figure("usd", ours, accounts["regenerate"]),
        "vs_inpaint": figure("usd", ours, accounts["inpaint"]),
        "vs_oracle": figure("usd", ours, accounts["oracle"]),
    }
    values: dict[str, object] = {name: round(one.value, 4) for name, one in found.items()}
    return {**values, "ci95": {name: one.ci95 for name, one in found.items()}}
