"""Channels of the two graphs, and their reducers.

Channels hold frozen models, plain words and numbers, never pixels: files lie in the store and are named. Everything
that parallel nodes write is a mapping merged by id, so that any order and any replay give the same state.
"""

from __future__ import annotations

from typing import Annotated, Literal, Required, TypedDict, TypeVar

from agent.budget import Estimate
from agent.schema import (
    Attempt,
    Candidate,
    Cause,
    Decision,
    Dropped,
    Finding,
    Looked,
    Outcome,
    OutcomeStatus,
    PanelFault,
    ReadyJob,
    SheetVersion,
)
from tools.types import Action, Edit, Frozen, Job

GRAPH_VERSION = 4
"""Part of every thread id: a checkpoint of other nodes is never continued by these."""

Value = TypeVar("Value")


def merged(old: dict[str, Value], new: dict[str, Value]) -> dict[str, Value]:
    """Order-independent and idempotent as long as one id always carries one value."""
    return {**old, **new}


class FilmState(TypedDict, total=False):
    """The film graph's channels. `film` names the Film as JSON in the store, `shots` lists its shots in order.

    `whole` is the film with the shots that were not asked for, which the new cut needs too. `measured` is what the
    pixels inspector hands on, `looks` what a model says of each shot, `findings` what came of both and of a person's
    request; `missing` says of shots where what was asked for was not found what to do. `notices` are what a reader
    should know, by what they are about.
    """

    schema_version: Required[int]
    goal: Required[Literal["scan", "plan", "pass"]]
    film: str
    whole: str
    shots: list[str]
    lineages: dict[str, str]
    faults: Annotated[dict[str, PanelFault], merged]
    seen: Annotated[dict[str, Finding], merged]
    measured: Annotated[dict[str, Finding], merged]
    findings: Annotated[dict[str, Finding], merged]
    missing: Annotated[dict[str, str], merged]
    looks: Annotated[dict[str, Looked], merged]
    notices: Annotated[dict[str, str], merged]
    causes: Annotated[dict[str, Cause], merged]
    decisions: Annotated[dict[str, Decision], merged]
    quotes: Annotated[dict[str, Estimate], merged]
    sheet_versions: Annotated[dict[str, SheetVersion], merged]
    outcomes: Annotated[dict[str, Outcome], merged]
    files: Annotated[dict[str, str], merged]


class InspectTask(TypedDict):
    """What one Send of the inspection carries."""

    film: str
    shot: str
    faults: dict[str, PanelFault]


class LookTask(TypedDict):
    """What one Send of a model's look carries."""

    film: str
    shot: str
    measured: dict[str, Finding]
    faults: dict[str, PanelFault]


class Repair(Frozen):
    """What a shot's thread is told when it starts; nothing of it changes."""

    film: str
    shot: str
    findings: tuple[Finding, ...]
    decisions: tuple[Decision, ...]
    faults: tuple[PanelFault, ...]
    sheet_versions: tuple[SheetVersion, ...]
    lineage: str
    stays: str = ""
    """What the person said must stay, in words: then nothing is made again without asking."""


class Route(Frozen):
    """The router's answer: the ranked candidates, best first, and who was left out."""

    ranked: tuple[Candidate, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def choice(self) -> Candidate | None:
        return self.ranked[0] if self.ranked else None

    @property
    def why(self) -> str:
        """One sentence for the winner and one for each loser."""
        first, *rest = (c.why for c in self.ranked) if self.ranked else ("no editor can do it",)
        losers = [*rest, *(f"not {d.editor}: {d.why}" for d in self.dropped)]
        return "; ".join([first, *losers])


class Gated(Frozen):
    """A take that went through the gate: the file in the store, and what the editor said of how it was made."""

    media: str
    how: dict[str, str | float | int | bool]


class Doubt(Frozen):
    """What only a person, or time, can settle about a job: whether a "lost" one came, or when a "running" one ends."""

    about: Literal["lost", "running"]
    why: str


class ShotState(TypedDict, total=False):
    """A shot thread's channels.

    `todo` are findings still to repair, the first being worked on; `working` names the newest verified take (None: the
    current version) and `lineage` the edits behind it. `consecutive_failures` counts failed verdicts of any kind and
    only a pass resets it; `transport_faults` and `refusals` are no failures of quality: they bar an editor. `asked`
    names every edit that was planned, by what was asked for, with its number: none is asked for twice. `doubt` is what
    a person is asked about the job.
    """

    schema_version: Required[int]
    repair: Required[Repair]
    todo: list[str]
    action: Action
    approved: bool
    consecutive_failures: int
    regenerate_failures: int
    transport_faults: int
    refusals: int
    barred: Annotated[dict[str, str], merged]
    attempts: Annotated[dict[str, Attempt], merged]
    asked: Annotated[dict[str, int], merged]
    route: Route | None
    edit: Edit | None
    job: Job | None
    take: Gated | None
    doubt: Doubt | None
    working: str | None
    lineage: str
    ending: OutcomeStatus | None
    ready: ReadyJob | None
    why: str
    outcome: Outcome | None
