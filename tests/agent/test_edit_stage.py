"""The edit stage: what may have been sent is asked for before anything is sent again, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from agent.budget import Estimate
from agent.db import open_database
from agent.deps import Deps, RunOptions
from agent.errors import OverBudget
from agent.graph.film import quotes_of, too_dear
from agent.ledger import Ledger
from agent.policy import Policy
from agent.schema import Candidate, Decision, Film, Finding, Shot
from agent.stages import edit as editing
from agent.store import Store
from tests.agent.samples import sample
from tools.editors.base import Capabilities
from tools.errors import Broken, Refused, StillRunning, TryAgain, Unknown
from tools.types import Box, Clip, Edit, Job, Progress, Quote, Take

EDIT = Edit(key="k", action="inpaint", clip=Clip(media=Path("shot.mp4"), first=0, last=7), mask=Path("mask.mkv"))
HALF = Decimal("0.5")
CHOICE = Candidate(editor="shop", method="auto", usd=HALF, high=Decimal(1), seconds=1, p=0.5, cost=1, why="")
FINDING = Finding(
    id="F-1",
    shot="SH010",
    frames=(0, 7),
    box=Box(0, 0, 8, 8),
    mask=None,
    category="prop",
    subject=None,
    expected="",
    observed="",
    severity="major",
    confidence=0.9,
    evidence=(),
)


class Shop:
    """An editor whose accepted jobs are lines of a file, as a provider's are in its own books."""

    name = "shop"

    def __init__(self, book: Path, *, fault: str = "", lists: bool = True, questions: int = 0) -> None:
        self.book, self.fault, self.lists, self.questions = book, fault, lists, questions
        self.asked = 0
        self.since: list[datetime] = []
        self.known: list[str] = []
        self.capabilities = Capabilities(actions=frozenset({"inpaint"}), local=False, poll_seconds=0)

    @property
    def jobs(self) -> list[str]:
        return self.book.read_text().split() if self.book.exists() else []

    def quote(self, edit: Edit) -> Quote:
        return Quote(usd=Decimal("0.5"), seconds=1, high=Decimal(1))

    async def submit(self, edit: Edit) -> Job:
        if self.fault in ("later", "refused", "never came"):
            wrong = {"later": TryAgain, "refused": Refused, "never came": Unknown}[self.fault]
            raise wrong(self.fault)
        handle = f"{edit.key}-{len(self.jobs) + 1}"
        self.book.write_text("\n".join([*self.jobs, handle]))
        if self.fault == "killed":
            signal.raise_signal(signal.SIGKILL)
        if self.fault == "line broke":
            raise Unknown("the line broke")
        return Job(editor=self.name, handle=handle)

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        self.since.append(since)
        self.known += known
        if not self.lists:
            raise Unknown("no list of jobs")
        mine = next((one for one in self.jobs if one.startswith(f"{edit.key}-")), None)
        return Job(editor=self.name, handle=mine) if mine else None

    async def poll(self, job: Job) -> Progress:
        self.asked += 1
        if self.fault in ("lost", "unbilled"):
            return Progress(state="failed", why="it fell over", billed=self.fault == "lost")
        if self.fault == "judged":
            raise Refused("not such things", billed=False)
        return Progress(state="done" if 0 < self.questions <= self.asked else "running")

    async def fetch(self, job: Job, folder: Path) -> Take:
        raise NotImplementedError

    async def cancel(self, job: Job) -> None:
        raise NotImplementedError


def desk(folder: Path, shop: Shop, **options: object) -> Deps:
    sessions = open_database(folder / ".suture")
    return Deps(
        run="run-001",
        root=folder,
        home=folder / ".suture",
        run_folder=folder / ".suture" / "runs" / "run-001",
        store=Store(folder, folder / ".suture"),
        ledger=Ledger(sessions),
        db=sessions,
        events=lambda event: None,
        cpu=asyncio.Semaphore(1),
        policy=Policy(),
        editors={"shop": shop},
        options=RunOptions.model_validate(options),
    )


def sent(deps: Deps, edit: Edit = EDIT) -> str:
    return asyncio.run(editing.submit(edit, CHOICE, FINDING, "SH010", deps)).handle


def killed_while_sending(folder: Path) -> None:
    """The life of another process that ends right after its edit was accepted."""
    sent(desk(folder, Shop(folder / "book", fault="killed")))


def test_the_edit_of_a_killed_process_is_found_and_not_paid_again(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    script = "import sys; from pathlib import Path; from tests.agent.test_edit_stage import killed_while_sending as k; "
    life = subprocess.run([sys.executable, "-c", f"{script}k(Path(sys.argv[1]))", str(tmp_path)], check=False)
    assert life.returncode == -signal.SIGKILL
    shop = Shop(tmp_path / "book")
    deps = desk(tmp_path, shop)
    assert deps.ledger.spent("run-001") == 1
    assert sent(deps) == "k-1"
    assert sent(deps) == "k-1"
    assert shop.jobs == ["k-1"]
    assert len(shop.since) == 1
    assert began.replace(microsecond=0) <= shop.since[0] <= datetime.now(UTC)


def test_an_edit_whose_answer_was_lost_is_asked_for_at_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "book")
    deps = desk(tmp_path, shop)
    sent(deps, EDIT.model_copy(update={"key": "other"}))
    shop.fault = "line broke"
    assert sent(deps) == "k-2"
    assert shop.known == ["other-1"]


def test_what_nobody_can_tell_is_left_to_a_person_and_counts(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "book", fault="line broke", lists=False)
    deps = desk(tmp_path, shop)
    for _ in range(2):
        with pytest.raises(Unknown, match="no list of jobs"):
            sent(deps)
    assert shop.jobs == ["k-1"]
    assert deps.ledger.spent("run-001") == 1


def test_an_edit_that_surely_never_came_is_sent_again_within_the_budget_of_now(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "book", fault="never came", lists=False)
    deps = desk(tmp_path, shop)
    with pytest.raises(Unknown):
        sent(deps)
    shop.fault, shop.lists = "", True
    later = replace(deps, run="run-002", options=RunOptions(budget=Decimal("0.9")))
    with pytest.raises(OverBudget):
        sent(later)
    assert shop.jobs == []
    assert sent(replace(deps, run="run-002")) == "k-1"
    assert deps.ledger.spent("run-001") == 0
    assert deps.ledger.spent("run-002") == 1


@pytest.mark.parametrize(("fault", "error"), [("later", TryAgain), ("refused", Refused), ("never came", TryAgain)])
def test_what_surely_did_not_happen_leaves_no_row(tmp_path: Path, fault: str, error: type[Exception]) -> None:
    shop = Shop(tmp_path / "book", fault=fault)
    deps = desk(tmp_path, shop)
    with pytest.raises(error):
        sent(deps)
    assert deps.ledger.spent("run-001") == 0
    shop.fault = ""
    assert sent(deps) == "k-1"


def test_a_job_is_asked_for_until_it_is_done_and_at_the_deadline_left_to_a_later_pass(tmp_path: Path) -> None:
    job = Job(editor="shop", handle="k-1")
    asyncio.run(editing.poll(job, desk(tmp_path, Shop(tmp_path / "book", questions=3))))
    for_ever = Shop(tmp_path / "book")
    with pytest.raises(StillRunning, match="pays nothing again"):
        asyncio.run(editing.poll(job, desk(tmp_path, for_ever)))
    assert for_ever.asked == editing.QUESTIONS
    with pytest.raises(Broken, match="fell over"):
        asyncio.run(editing.poll(job, desk(tmp_path, Shop(tmp_path / "book", fault="lost"))))


@pytest.mark.parametrize(("fault", "counts"), [("lost", 1), ("unbilled", 0), ("judged", 0)])
def test_a_failed_job_counts_unless_it_is_known_to_be_free_and_is_then_tried_in_a_later_run(
    tmp_path: Path, fault: str, counts: int
) -> None:
    shop = Shop(tmp_path / "book", fault=fault)
    deps = desk(tmp_path, shop)
    for _ in range(2):
        with pytest.raises((Broken, Refused)):
            asyncio.run(editing.poll(Job(editor="shop", handle=sent(deps)), deps))
    assert shop.jobs == ["k-1"]
    assert deps.ledger.spent("run-001") == counts
    assert sent(replace(deps, run="run-002")) == ("k-1" if counts else "k-2")
    assert deps.ledger.spent("run-002") == 1 - counts


def test_the_deadline_counts_the_waits_and_a_webhook_may_come_sooner(tmp_path: Path) -> None:
    waited: list[float] = []

    async def woken(_job: Job, seconds: float) -> None:
        waited.append(seconds)

    shop = Shop(tmp_path / "book")
    deps = replace(desk(tmp_path, shop), poll_seconds=5.0, deadline_seconds=20.0, woken=woken)
    with pytest.raises(StillRunning):
        asyncio.run(editing.poll(Job(editor="shop", handle="k-1"), deps))
    assert shop.asked == 4
    assert all(5.0 <= seconds <= 5.0 * (1 + editing.JITTER) for seconds in waited)


def test_a_budget_that_allows_no_edit_says_what_the_cheapest_costs(tmp_path: Path) -> None:
    (tmp_path / "mask.mkv").touch()
    clip = EDIT.clip.model_copy(update={"media": tmp_path / "shot.mp4"})
    shot = sample(Shot).model_copy(update={"id": "SH010", "clip": clip, "source": clip})
    film = sample(Film).model_copy(
        update={"root": tmp_path, "shots": (shot,), "sheets": (), "plates": (), "allow": ("shop",)}
    )
    repair = sample(Decision).model_copy(update={"shot": "SH010", "finding": "F-1", "action": "inpaint"})
    told = (film, {"F-1": repair}, {"F-1": FINDING.model_copy(update={"evidence": (), "mask": "mask.mkv"})})
    shop = Shop(tmp_path / "book")
    assert quotes_of(*told, desk(tmp_path, shop))["SH010"] == Estimate(low=HALF, expected=HALF, high=Decimal(1))
    assert too_dear(*told, desk(tmp_path, shop, budget=1)) is None
    poor = desk(tmp_path, shop, budget="0.00001")
    assert quotes_of(*told, poor)["SH010"] == Estimate()
    assert "cheapest first one (shop in SH010) may cost 1 USD, over the budget" in str(too_dear(*told, poor))
    with pytest.raises(OverBudget, match="SUTURE_BUDGET_RUN"):
        sent(poor)
    assert shop.jobs == []
