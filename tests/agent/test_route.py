"""The router: who may do an edit, in which order, and why."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent.db import open_database
from agent.deps import Deps, RunOptions
from agent.economics import Option, cost_to_go, moved, posterior
from agent.ledger import Entry, Ledger
from agent.policy import Policy
from agent.stages.route import Need, route
from agent.store import Store
from tools.editors.base import Capabilities, Editor, Prior
from tools.types import Clip, Edit, Job, Progress, Quote, Take

NEED = Need(action="inpaint", category="prop", seconds=2.0, width=1280, height=720, rate="24/1", frames=48, masked=True)
DRAFT = Edit(key="k", action="inpaint", clip=Clip(media=Path("shot.mp4"), first=0, last=47))


class PricedEditor:
    """An editor that quotes its price and is never sent anything here."""

    def __init__(self, name: str, usd: str, **can: Any) -> None:
        self._name, self._usd = name, Decimal(usd)
        self._can = Capabilities(**{"actions": frozenset({"inpaint"}), "local": True, **can})

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return self._can

    def quote(self, edit: Edit) -> Quote:
        return Quote(usd=self._usd, seconds=10)

    async def submit(self, edit: Edit) -> Job:
        raise AssertionError("the router sends nothing")

    async def poll(self, job: Job) -> Progress:
        raise AssertionError("the router sends nothing")

    async def fetch(self, job: Job, folder: Path) -> Take:
        raise AssertionError("the router sends nothing")

    async def cancel(self, job: Job) -> None:
        raise AssertionError("the router sends nothing")


def desk(folder: Path, *editors: Editor, **options: Any) -> Deps:
    sessions = open_database(folder / ".suture")
    return Deps(
        run="run-009",
        root=folder,
        home=folder / ".suture",
        run_folder=folder / ".suture" / "runs" / "run-009",
        store=Store(folder, folder / ".suture"),
        ledger=Ledger(sessions),
        db=sessions,
        events=lambda event: None,
        cpu=asyncio.Semaphore(2),
        policy=Policy(),
        editors={editor.name: editor for editor in editors},
        options=RunOptions(**options),
    )


def asked(deps: Deps, **changes: Any) -> Any:
    given: dict[str, Any] = {"draft": DRAFT, "allow": (), "barred": {}, "tried": (), "failures": 0, **changes}
    return route(NEED, deps, **given)


def test_a_free_editor_that_will_fail_is_not_free(tmp_path: Path) -> None:
    hopeless = PricedEditor("hopeless", "0", priors={"inpaint": Prior(right=1, wrong=99)})
    good = PricedEditor("good", "0.4", priors={"inpaint": Prior(right=9, wrong=1)})
    found = asked(desk(tmp_path, hopeless, good))
    assert [c.editor for c in found.ranked] == ["good", "hopeless"]
    assert "good (auto): 0.4000 USD now" in found.why
    assert "hopeless (auto)" in found.why


def test_verdicts_of_earlier_runs_change_the_order(tmp_path: Path) -> None:
    a = PricedEditor("a", "0.1", priors={"inpaint": Prior(right=2, wrong=1)})
    b = PricedEditor("b", "0.1", priors={"inpaint": Prior(right=2, wrong=2)})
    deps = desk(tmp_path, a, b)
    assert asked(deps).choice.editor == "a"
    for n in range(6):
        entry = Entry(
            key=str(n),
            run="run-001",
            shot="SH010",
            finding="F",
            category="prop",
            action="inpaint",
            editor="a",
            method="auto",
            usd=Decimal(0),
        )
        deps.ledger.claim(entry)
        deps.ledger.settled(str(n), "fail")
    assert asked(deps).choice.editor == "b"


@pytest.mark.parametrize(
    ("editor", "options", "changes", "why"),
    [
        (PricedEditor("x", "0", actions=frozenset({"retake"})), {}, {}, "cannot inpaint"),
        (PricedEditor("x", "0", max_seconds=1.0), {}, {}, "takes at most 1.0 s"),
        (PricedEditor("x", "0", max_width=640), {}, {}, "at most 640 pixels"),
        (PricedEditor("x", "0", rates=("30/1",)), {}, {}, "takes only 30/1"),
        (PricedEditor("x", "2"), {"budget": Decimal(1)}, {}, "1 USD of the budget"),
        (PricedEditor("x", "0", local=False), {"offline": True}, {"allow": ("x",)}, "--offline"),
        (PricedEditor("x", "0", local=False), {}, {}, "does not allow it"),
        (PricedEditor("x", "0"), {"only": ("y",)}, {}, "not among --only"),
        (PricedEditor("x", "0"), {}, {"barred": {"x": "refused: a face"}}, "refused: a face"),
        (PricedEditor("x", "0"), {}, {"tried": {("x", "auto")}}, "every way has been tried"),
    ],
)
def test_who_is_left_out_and_why(
    tmp_path: Path, editor: PricedEditor, options: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    found = asked(desk(tmp_path, editor, **options), **changes)
    assert found.choice is None
    assert why in found.why


def test_another_method_is_another_try(tmp_path: Path) -> None:
    editor = PricedEditor("x", "0", methods=("auto", "spatial"))
    found = asked(desk(tmp_path, editor), tried={("x", "auto")})
    assert (found.choice.editor, found.choice.method) == ("x", "spatial")


def test_a_preferred_editor_comes_first(tmp_path: Path) -> None:
    cheap, dear = PricedEditor("cheap", "0"), PricedEditor("dear", "3")
    assert asked(desk(tmp_path, cheap, dear)).choice.editor == "cheap"
    assert asked(desk(tmp_path, cheap, dear, prefer="dear")).choice.editor == "dear"


def test_cost_to_go_is_the_recursion_of_the_architecture() -> None:
    options = [Option(1.0, 0, 0.5), Option(2.0, 0, 0.8)]
    last_of_b = 2.0 + 0.2 * 10
    assert cost_to_go(options, 0, 0, 0, regenerate=10) == pytest.approx(1.0 + 0.5 * last_of_b)
    assert cost_to_go(options, 0, 1, 0, regenerate=10) == pytest.approx(1.0 + 0.5 * 10)
    assert cost_to_go(options[:1], 0, 0, 0, regenerate=10) == pytest.approx(1.0 + 0.5 * 10)


def test_evidence_moves_the_chance_and_verdicts_outweigh_the_roster() -> None:
    assert moved(0.7, size=0.5, speed=0.1, revealed=0.5) == pytest.approx(0.7)
    assert moved(0.7, size=None, speed=None, revealed=1.0) > 0.9
    assert moved(0.7, size=0.5, speed=2.0, revealed=None) < 0.3
    assert posterior(7, 3, 0, 90) < 0.1
