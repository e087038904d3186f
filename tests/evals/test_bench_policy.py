"""The policy benchmark: its world is as its files say, its oracle knows the truth, its figures are sums over fixes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from agent.routes import replay
from evals.bench.policy import figures_of
from evals.bench.policy._bidders import Bidder, bidders, blank_shots
from evals.bench.policy._figures import Account, Played, figure
from evals.bench.policy._gap import gap
from evals.bench.policy._play import Stage, Strategy, memory, play
from evals.bench.policy._world import Fault, World, read_chances, read_drawn, read_mix
from tools.editors.registry import roster

MIX = read_mix().model_copy(update={"seconds": (3,), "width": 640, "height": 360})


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = tmp_path_factory.mktemp("policy")
    return _stage(folder, local=False)


def _stage(folder: Path, *, local: bool) -> Stage:
    everybody = {n: b for n, b in bidders(roster().values(), folder).items() if local or not b.capabilities.local}
    capabilities = {name: bidder.capabilities for name, bidder in everybody.items()}
    world = World(MIX, read_chances(), read_drawn(), capabilities)
    return Stage(world=world, everybody=everybody, blanks=blank_shots(MIX, folder), home=folder, blocks=4)


def _played(stage: Stage, strategy: Strategy, count: int, db: sessionmaker[Session] | None = None) -> list[Played]:
    return asyncio.run(play(strategy, list(stage.world.faults(count)), stage, db))


def test_the_mix_has_its_shares_and_is_the_same_again(stage: Stage) -> None:
    faults = list(stage.world.faults(2000))
    regions = sum(fault.drawn.action == "inpaint" for fault in faults) / len(faults)
    assert regions == pytest.approx(0.85, abs=0.025)
    assert faults == list(stage.world.faults(2000))
    assert all(fault.drawn.share <= 1 for fault in faults if fault.drawn.action == "inpaint")


def test_reference_editors_have_the_stated_chances_and_others_differ_from_their_priors(stage: Stage) -> None:
    chances = stage.world.chances
    fault = next(f for f in stage.world.faults(99) if f.drawn.action == "inpaint")
    whole = next(f for f in stage.world.faults(99) if f.drawn.coverage_max > 0.9)
    fill, maker = chances.reference["inpaint"], chances.reference["regenerate"]
    assert stage.world.chance(fill, "inpaint", fault) == pytest.approx(0.8)
    assert stage.world.chance(fill, "inpaint", whole) == pytest.approx(0.15)
    assert stage.world.chance(maker, "regenerate", whole) == pytest.approx(1 / 3, abs=1e-3)
    wrong = [
        abs(stage.world.chance(name, "inpaint", fault) - one.capabilities.priors["inpaint"].mean)
        for name, one in stage.everybody.items()
        if "inpaint" in one.capabilities.priors
    ]
    assert max(wrong) > 0.1


@pytest.mark.parametrize(("share", "chance"), [(0.0, 0.8), (1.0, 0.8), (1.25, 0.475), (1.5, 0.15), (9.0, 0.15)])
def test_a_region_edit_falls_outside_the_rule(share: float, chance: float) -> None:
    assert read_chances().of_fill(share) == pytest.approx(chance)


def test_per_fix_is_a_sum_over_the_fixes() -> None:
    played = [Played(1.0, 1, 10, True, True, "a"), Played(3.0, 2, 20, False, True, "a")]
    twice = [one._replace(usd=2 * one.usd) for one in played]
    assert float(Account.of(played).per_fix("usd")) == 4.0
    assert figure("generations", Account.of(played)).value == 3.0
    ratio = figure("usd", Account.of(twice), Account.of(played))
    assert (ratio.value, ratio.ci95) == (2.0, (2.0, 2.0))


def test_strategies_meet_the_same_faults_and_suture_is_the_cheaper_one(stage: Stage) -> None:
    names: tuple[Strategy, ...] = ("suture", "regenerate", "inpaint", "oracle")
    made = {name: _played(stage, name, 40) for name in names}
    found = figures_of(made)
    assert 0 < found["vs_regenerate"] < 0.7  # type: ignore[operator]
    assert 0.8 < found["vs_oracle"] < 1.6  # type: ignore[operator]
    assert {one.first for one in made["inpaint"]} & {one.first for one in made["regenerate"]} <= {""}
    assert max(one.generations for one in made["regenerate"]) <= 3
    assert max(one.generations for one in made["suture"]) <= 5
    assert len(gap(made["suture"], made["oracle"], 20)) == 2


def test_every_route_of_a_played_run_can_be_made_again(stage: Stage) -> None:
    db = memory()
    assert _played(stage, "suture", 40, db) == _played(stage, "suture", 40)
    again = [one for number in range(1, 5) for one in replay(f"run-{number:03d}", db)]
    assert len(again) >= 40
    assert all(one.same for one in again)


def test_the_free_editor_is_asked_where_it_can_borrow(tmp_path: Path) -> None:
    made = _played(_stage(tmp_path, local=True), "suture", 40)
    assert sum(one.first == "plate" for one in made) > 5


def test_an_oracle_ranks_by_the_truth(stage: Stage) -> None:
    bidder: Bidder = stage.everybody["aleph-2"]
    fault: Fault = next(iter(stage.world.faults(1)))
    p = stage.world.chance("aleph-2", "inpaint", fault)
    assert bidder.knowing({"inpaint": p}).capabilities.priors["inpaint"].mean == pytest.approx(p)
