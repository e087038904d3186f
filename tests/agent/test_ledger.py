"""The ledger: an edit is claimed once, whoever asks, and never over the budget."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from agent.budget import Caps
from agent.db import open_database
from agent.economics import Verdicts
from agent.errors import OverBudget
from agent.experience import Skill, learned
from agent.ledger import Entry, Ledger, edit_key


def entry(key: str = "k", run: str = "run-001", usd: str = "0.5") -> Entry:
    return Entry(
        key=key,
        run=run,
        shot="SH010",
        finding="F-1",
        category="prop",
        action="inpaint",
        editor="plate",
        method="auto",
        usd=Decimal(usd),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(open_database(tmp_path))


def test_one_caller_ever_is_fresh(ledger: Ledger) -> None:
    assert ledger.claim(entry()).fresh
    assert not ledger.claim(entry(run="run-002")).fresh
    ledger.submitted("k", "job-7")
    ledger.submitted("k", "job-8")
    assert ledger.claim(entry()).handle == "job-7"


def test_four_processes_claim_one_edit_once(tmp_path: Path) -> None:
    open_database(tmp_path)
    script = (
        "import sys; from pathlib import Path; from tests.agent.test_ledger import entry; "
        "from agent.db import open_database; from agent.ledger import Ledger; "
        "print(Ledger(open_database(Path(sys.argv[1]))).claim(entry()).fresh)"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    lives = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [life.communicate()[0].strip() for life in lives]
    assert sorted(answers) == ["False"] * 3 + ["True"]


def test_a_withdrawn_intent_may_be_sent_again_but_a_submitted_one_not(ledger: Ledger) -> None:
    ledger.claim(entry())
    ledger.withdraw("k")
    assert ledger.claim(entry()).fresh
    ledger.submitted("k", "job-1")
    ledger.withdraw("k")
    assert ledger.claim(entry()).handle == "job-1"


def test_the_first_verdict_stays(ledger: Ledger) -> None:
    ledger.claim(entry())
    ledger.settled("k", "fail")
    ledger.settled("k", "pass")
    assert learned(ledger.sessions, before="run-002").here(Skill("plate", "inpaint", "prop")) == Verdicts(0, 1)


def test_a_run_does_not_learn_from_itself_and_none_from_a_rehearsal(ledger: Ledger) -> None:
    rehearsal = Ledger(ledger.sessions, rehearsed=True)
    for one, run in ((ledger, "run-002"), (rehearsal, "run-001")):
        one.claim(entry(run=run))
        one.settled("k", "pass")
    assert learned(ledger.sessions, before="run-002").verdicts == {}


def test_nothing_is_written_over_the_budget(ledger: Ledger) -> None:
    caps = Caps(run=Decimal("0.8"))
    ledger.claim(entry("a"), caps)
    with pytest.raises(OverBudget, match=r"over the budget of 0.8 USD for the run .0.5 USD count already.; .*--budget"):
        ledger.claim(entry("b"), caps)
    assert ledger.spent("run-001") == Decimal("0.5")
    assert not ledger.claim(entry("a"), caps).fresh


def test_the_key_names_the_edit() -> None:
    plan = {"finding": "F-1", "editor": "plate", "method": "auto"}
    assert edit_key("film", "SH010", plan, 1) == edit_key("film", "SH010", dict(reversed(plan.items())), 1)
    assert edit_key("film", "SH010", plan, 1) != edit_key("film", "SH010", plan, 2)
    assert edit_key("film", "SH010", plan, 1) != edit_key("film", "SH010", {**plan, "method": "spatial"}, 1)
