"""What a run hands to every stage: where the project lives, its memory, its tools, and the limits it runs under."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from langgraph.runtime import RunControl
from sqlalchemy.orm import Session, sessionmaker

from agent.budget import NO_CAPS, Caps
from agent.economics import PERSON_USD
from agent.events import Sink
from agent.experience import Experience
from agent.hands import Hands
from agent.ledger import Ledger
from agent.mind import Mind
from agent.policy import Policy
from agent.request.plan import Reading
from agent.store import Store
from tools.editors.base import Editor
from tools.types import Frozen, Job, Usd

Goal = Literal["scan", "plan", "pass"]


class RunOptions(Frozen):
    """What the caller asked of a run; stored with it, so that a resume does the same."""

    goal: Goal = "pass"
    inspector: Literal["pixels", "vlm", "auto"] = "auto"
    shots: tuple[str, ...] = ()
    """Only these shots; empty: all."""
    budget: Usd | None = None
    approve: Literal["auto", "ask"] = "auto"
    offline: bool = False
    prefer: str | None = None
    only: tuple[str, ...] = ()
    """Only these editors; empty: the whole roster."""
    allowed: tuple[str, ...] = ()
    """Who may see footage in this run beside those that the film allows: a person said yes."""
    request: str = ""
    """A fix in plain words; empty: whatever is found."""
    reading: Reading | None = None
    """What was understood of it; set by the run itself."""
    rehearse: bool = False
    """The scripted server of this machine stands in for the model."""
    dry_run: bool = False
    """Requests to a model are written down instead of sent."""


class Woken(Protocol):
    """Waits until a job may be done, at most so many seconds: a webhook may come sooner than the next question."""

    async def __call__(self, job: Job, seconds: float, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Injected into every stage of a run; nothing of it is checkpointed.

    `root` is the project's folder, `home` its .suture, `run_folder` home/runs/RUN. `cpu` bounds heavy work: take it
    around every call that computes on pixels.
    """

    run: str
    root: Path
    home: Path
    run_folder: Path
    store: Store
    ledger: Ledger
    db: sessionmaker[Session]
    events: Sink
    cpu: asyncio.Semaphore
    policy: Policy
    editors: Mapping[str, Editor]
    options: RunOptions
    usd_per_hour: float = 3.0
    """What an hour of waiting for an editor is worth."""
    person_usd: float = PERSON_USD
    """What a person costs who takes over a shot."""
    limits: Caps = NO_CAPS
    """What the film and its owner say may be spent; `caps` are these with the run's own budget."""
    poll_seconds: float | None = None
    """The wait between two questions how a job stands; None: as the editor says."""
    deadline_seconds: float | None = None
    """How long a job is waited for; None: as the editor says."""
    woken: Woken | None = None
    """Waits between two questions where webhooks are listened for; None: nothing cuts the wait short."""
    region: str | None = None
    """Country or area of the user; some models may not be used from everywhere."""
    experience: Experience = field(default_factory=Experience)
    """What earlier runs taught about editors."""
    hands: Hands | None = None
    """What does the work of shot repairs; None where no shot is repaired."""
    mind: Mind | None = None
    """The vision-language model; None when pixels look alone."""
    control: RunControl | None = None
    """Asks the run's graphs to stop at their next step."""

    @property
    def caps(self) -> Caps:
        """The most that may be spent."""
        return self.limits.for_run(self.options.budget)
