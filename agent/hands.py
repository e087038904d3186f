"""The seam between a shot's graph and everything that looks at pixels or writes files.

The graph decides what happens next, counts, and keeps the ledger; hands do the rest. `agent.graph.pixels` has the real
ones. Whoever drives the same graph without pictures (thousands of faults, random verdicts) brings others: jobs still go
through `agent.stages.edit` and the editors in `Deps`, so that the ledger counts them alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from agent.schema import Attempt, Decision, Film, Finding, ReadyJob, Shot
from agent.state import Gated, Repair
from tools.editors.base import Capabilities, PaidAction
from tools.types import Clip, Edit, Job, Reference, Verdict

if TYPE_CHECKING:
    from agent.deps import Deps


@dataclass(frozen=True, slots=True)
class Place:
    """What a shot's repair works on now.

    `todo` are the findings still to repair, the first being worked on; `clip` is the newest verified take, else the
    shot's current version; `attempts` are all of the shot in this run, in order.
    """

    repair: Repair
    film: Film
    shot: Shot
    todo: tuple[Finding, ...]
    decision: Decision
    action: PaidAction
    clip: Clip
    attempts: tuple[Attempt, ...]

    @property
    def finding(self) -> Finding:
        return self.todo[0]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the edit must put right: the finding, or all open ones of a shot that is made again."""
        if self.action != "regenerate":
            return (self.finding,)
        return tuple(one for one in self.repair.findings if one.status == "open" or one in self.todo)

    @property
    def window(self) -> tuple[int, int] | None:
        return self.decision.window if self.action == "retake" else None


class Judgement(NamedTuple):
    """The verdict on a take, and a model's words about it where one was asked."""

    verdict: Verdict
    words: str = ""


class Hands(Protocol):
    """What a shot's graph has done for it; every call is safe to repeat."""

    async def references(self, at: Place, deps: Deps) -> tuple[Reference, ...]:
        """Pictures that the current edit's editor may look at, the most telling first."""
        ...

    async def prompt(self, at: Place, can: Capabilities, references: Sequence[Reference], deps: Deps) -> str:
        """What an editor is told, by its own rules of words; "" for one that reads none."""
        ...

    async def fetch(self, edit: Edit, job: Job, deps: Deps) -> Gated:
        """The take of a finished job, with the bill in the ledger. Raises EditorError and BadInput."""
        ...

    async def judge(self, at: Place, edit: Edit, take: Gated, deps: Deps) -> Judgement:
        """Whether the take repairs `at.findings` and breaks nothing."""
        ...

    async def commit(self, shot: Shot, working: str, lineage: str, deps: Deps) -> int:
        """Makes a verified take the shot's next version, and says its number."""
        ...

    async def ready_job(
        self, at: Place, references: Sequence[Reference], quote: Mapping[str, float], why: str, deps: Deps
    ) -> ReadyJob:
        """A job that no editor here can do, complete and ready to send; `quote` is US dollars by editor."""
        ...
