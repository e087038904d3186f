"""What every editor promises: a name, its capabilities as data, and five calls that carry one edit.

An editor is one file. `submit` may cost money and returns as soon as the job is accepted; `poll` and `fetch` work from
the `Job` alone, in any later process. Errors are the four kinds of `tools.errors`, named by the caller's next move.
What an editor makes is never used directly: it goes through `tools.editors.gate`.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from tools.types import Edit, Frozen, Job, Progress, Quote, Take, Usd

PaidAction = Literal["inpaint", "retake", "regenerate"]


class Prior(Frozen):
    """A Beta prior of an editor's success at an action: `right` and `wrong` count imagined earlier verdicts."""

    right: float = Field(gt=0)
    wrong: float = Field(gt=0)

    @property
    def mean(self) -> float:
        return self.right / (self.right + self.wrong)


class Words(Frozen):
    """What an editor makes of a prompt.

    "none" reads no words. "description" is told only what the picture shows there, as video inpainters are trained on
    captions; "instruction" is told what to do. An editor that is not `negative` draws what is named, even where it is
    named as missing ("no earpiece"): it is not told such things.
    """

    style: Literal["none", "description", "instruction"] = "none"
    max_characters: int | None = Field(default=None, ge=40)
    negative: bool = False


class Capabilities(Frozen):
    """What an editor can do, as roster.toml says it. None means no limit.

    `borrows` is true for an editor that fills only with pixels found elsewhere (other frames, references): motion of
    the picture does not stop it where other frames show the region. `methods` are ways it can be told to work.
    """

    actions: frozenset[PaidAction]
    local: bool
    """True when no footage leaves the machine."""
    methods: tuple[str, ...] = ("auto",)
    mask: Literal["required", "optional", "none"] = "none"
    mask_white: Literal["edit", "keep"] = "edit"
    borrows: bool = False
    references: int = 0
    max_seconds: float | None = None
    max_width: int | None = None
    max_height: int | None = None
    rates: tuple[str, ...] = ()
    """Frame rates it accepts, as fractions; empty: any."""
    frame_counts: tuple[int, ...] = ()
    blocked_regions: tuple[str, ...] = ()
    usd_per_job: Usd = Decimal(0)
    usd_per_second: Usd = Decimal(0)
    seconds_per_second: float = 0.0
    """Wall-clock seconds of work per second of footage, for the quote."""
    priors: dict[PaidAction, Prior] = Field(default_factory=dict)
    words: Words = Words()
    model: str | None = None
    settings: tuple[str, ...] = ()
    """Environment variables it cannot run without."""


class Editor(Protocol):
    """One tool that edits footage."""

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def quote(self, edit: Edit) -> Quote:
        """What the edit would cost; spends nothing. Refused when the editor cannot do it."""
        ...

    async def submit(self, edit: Edit) -> Job:
        """Starts the edit. The same `edit.key` submitted twice is one job wherever the tool allows it."""
        ...

    async def poll(self, job: Job) -> Progress:
        """How the job stands; safe to repeat."""
        ...

    async def fetch(self, job: Job, folder: Path) -> Take:
        """The finished take as a file inside `folder`; safe to repeat."""
        ...

    async def cancel(self, job: Job) -> None:
        """Stops the job where it can be stopped; a job that is over is left as it is."""
        ...
