"""Spend caps: nothing that asks at once passes one together, what is not known counts, rehearsals count for nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from agent.budget import Caps, Estimate, estimate, total
from agent.config import caps_of, editors_environment, load_settings
from agent.db import open_database
from agent.errors import OverBudget
from agent.ledger import Ledger, Question, Spent
from agent.project import open_project
from agent.schema import Candidate
from tests.agent.test_ledger import entry
from tools.errors import BadInput

DOLLAR = Decimal(1)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(open_database(tmp_path))


def taken(ledger: Ledger, names: str, caps: Caps) -> int:
    """How many of the edits were let through, each asking 0.3 USD."""
    let = 0
    for name in names:
        try:
            let += ledger.claim(entry(name, usd="0.3"), caps).fresh
        except OverBudget:
            continue
    return let


def test_threads_that_ask_at_once_never_pass_a_cap_together(ledger: Ledger) -> None:
    with ThreadPoolExecutor(8) as pool:
        let = list(pool.map(lambda name: taken(ledger, name, Caps(run=DOLLAR)), "abcdefgh"))
    assert sum(let) == 3
    assert ledger.spent("run-001") == Decimal("0.9")


def test_processes_that_ask_at_once_never_pass_a_cap_together(tmp_path: Path) -> None:
    ledger = Ledger(open_database(tmp_path))
    script = (
        "import sys; from pathlib import Path; from tests.agent.test_budget import taken, DOLLAR; "
        "from agent.budget import Caps; from agent.db import open_database; from agent.ledger import Ledger; "
        "print(taken(Ledger(open_database(Path(sys.argv[1]))), sys.argv[2], Caps(day=DOLLAR)))"
    )
    argv = [sys.executable, "-c", script, str(tmp_path)]
    lives = [subprocess.Popen([*argv, names], stdout=subprocess.PIPE, text=True) for names in ("abcd", "efgh")]
    assert sum(int(life.communicate()[0]) for life in lives) == 3
    assert ledger.sums("run-001", "SH010").day == Decimal("0.9")


def test_an_edit_counts_at_the_most_it_can_cost_until_its_bill_is_known(ledger: Ledger) -> None:
    dear = entry("a").model_copy(update={"most": Decimal(2)})
    ledger.claim(dear, Caps(action=Decimal(2)))
    assert ledger.spent("run-001") == 2
    ledger.unknown("a")
    assert ledger.spent("run-001") == 2
    ledger.submitted("a", "job-1")
    ledger.billed("a", None)
    assert ledger.spent("run-001") == Decimal("0.5")
    ledger.billed("a", Decimal("0.75"))
    assert ledger.spent("run-001") == Decimal("0.75")


@pytest.mark.parametrize("name", ["action", "shot", "run", "day"])
def test_the_cap_that_is_broken_is_named_with_how_to_raise_it(ledger: Ledger, name: str) -> None:
    ledger.claim(entry("a"), Caps())
    caps = Caps.model_validate({name: "0.4" if name == "action" else "0.9"})
    with pytest.raises(OverBudget, match=rf"may cost 0.5 USD.*\[budget\] {name} or SUTURE_BUDGET_{name.upper()}"):
        ledger.claim(entry("b"), caps)
    assert ledger.claim(entry("free", usd="0"), caps).fresh


def test_another_shot_and_another_run_have_caps_of_their_own(ledger: Ledger) -> None:
    caps = Caps(shot=Decimal("0.5"), run=DOLLAR)
    ledger.claim(entry("a"), caps)
    ledger.claim(entry("b").model_copy(update={"shot": "SH020"}), caps)
    assert ledger.claim(entry("c", run="run-002"), caps).fresh


def test_questions_to_a_model_count_against_run_and_day(ledger: Ledger) -> None:
    asked = Question(run="run-001", about="SH010", model="m", prompt="look@1")
    ledger.ask(asked, Spent(tokens_in=1, tokens_out=1, usd=Decimal("0.8")), Caps(run=DOLLAR))
    for caps in (Caps(run=DOLLAR), Caps(day=DOLLAR)):
        with pytest.raises(OverBudget, match="count already"):
            ledger.claim(entry("a"), caps)
        with pytest.raises(OverBudget, match="asking m may cost"):
            ledger.ask(asked, Spent(tokens_in=1, tokens_out=1, usd=Decimal("0.3")), caps)


def test_a_rehearsal_and_a_real_run_know_nothing_of_each_others_rows(ledger: Ledger) -> None:
    rehearsal = Ledger(ledger.sessions, rehearsed=True)
    rehearsal.claim(entry("a"))
    rehearsal.submitted("a", "job-1", "SH010")
    assert ledger.claim(entry("a"), Caps(day=Decimal("0.5"))).fresh
    assert ledger.handles("plate", but="b") == ()
    assert rehearsal.handles("plate", but="b") == ("job-1",)
    assert ledger.uploads("run-001") == ()
    assert rehearsal.sums("run-001", "SH010").day == Decimal("0.5")


def test_an_edit_that_never_came_is_paid_by_the_run_that_sends_it_again(ledger: Ledger) -> None:
    first = ledger.claim(entry("a"))
    with pytest.raises(OverBudget):
        ledger.claim(entry("a", run="run-002"), Caps(run=Decimal("0.4")), again=True)
    assert ledger.spent("run-001") == Decimal("0.5")
    again = ledger.claim(entry("a", run="run-002"), again=True)
    assert (again.fresh, again.since) == (True, first.since)
    assert ledger.spent("run-001") == 0
    assert ledger.spent("run-002") == Decimal("0.5")


def test_a_database_from_before_the_caps_is_read_on(tmp_path: Path) -> None:
    Ledger(open_database(tmp_path)).claim(entry("a"))
    with closing(sqlite3.connect(tmp_path / "suture.db")) as raw:
        for column in ("quoted", "reserved", "rehearsed"):
            raw.execute(f"alter table ledger drop column {column}")
    ledger = Ledger(open_database(tmp_path))
    assert ledger.spent("run-001") == Decimal("0.5")
    ledger.billed("a", None)
    assert ledger.spent("run-001") == Decimal("0.5")


def test_of_film_owner_and_call_the_smallest_cap_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "film.toml").write_text('[film]\nmedia = "a.mp4"\n[budget]\nrun = 5\nshot = 0.1\n')
    monkeypatch.setenv("SUTURE_BUDGET_RUN", "3")
    monkeypatch.setenv("SUTURE_BUDGET_DAY", "20")
    caps = caps_of(open_project(tmp_path), load_settings(tmp_path))
    assert caps == Caps(shot=Decimal("0.1"), run=Decimal(3), day=Decimal(20))
    assert caps.for_run(Decimal(2)).run == 2
    monkeypatch.setenv("SUTURE_BUDGET_DAY", "-1")
    with pytest.raises(BadInput, match="budget_day"):
        load_settings(tmp_path)


def test_keys_come_from_both_files_under_the_environment_and_are_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "suture").mkdir()
    (tmp_path / "suture" / "suture.toml").write_text('[keys]\nFAL_KEY = "fal-of-the-user"\nLUMA_API_KEY = "luma-1"\n')
    (tmp_path / "suture.toml").write_text('poll_seconds = 2\n[keys]\nFAL_KEY = "fal-of-the-film"\n')
    settings = load_settings(tmp_path)
    found = editors_environment(settings, {"LUMA_API_KEY": "luma-of-the-shell"})
    assert found["FAL_KEY"] == "fal-of-the-film"
    assert found["LUMA_API_KEY"] == "luma-of-the-shell"
    assert found["SUTURE_POLL_SECONDS"] == "2.0"
    assert "fal-of" not in repr(settings) + settings.model_dump_json()


def way(usd: str, p: float, high: str | None = None) -> Candidate:
    most = None if high is None else Decimal(high)
    return Candidate(editor="e", method="auto", usd=Decimal(usd), high=most, seconds=1, p=p, cost=0, why="")


def test_a_quote_is_low_when_all_goes_well_and_high_when_nothing_does() -> None:
    repair, again = [way("1", 0.5, high="1.5"), way("2", 0.5), way("4", 0.5)], [way("8", 0.5, high="10")]
    made_again = 8 + Decimal("0.5") * 8 + Decimal("0.25") * 8
    expected = Estimate(low=DOLLAR, expected=1 + Decimal("0.5") * 2 + made_again / 4, high=Decimal(36))
    assert estimate([repair], again) == expected
    assert estimate([], again) == Estimate(low=Decimal(8), expected=made_again, high=Decimal(30))
    assert total([estimate([[way("0", 1.0)]], []), expected]) == expected
    assert estimate([], []) == Estimate()


def test_weights_of_local_models_reach_their_editors(tmp_path: Path) -> None:
    (tmp_path / "suture.toml").write_text('download = true\n[weights]\n"wan-vace-1.3b" = "/models/vace"\n')
    found = editors_environment(load_settings(tmp_path), {})
    assert (found["SUTURE_WAN_VACE_1_3B_WEIGHTS"], found["SUTURE_DOWNLOAD"]) == ("/models/vace", "1")
