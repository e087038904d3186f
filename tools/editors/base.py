"""What every editor promises: a name, its capabilities as data, and the calls that carry one edit.

An editor is one file. `submit` may cost money and returns as soon as the job is accepted; `poll` and `fetch` work from
the `Job` alone, in any later process. Errors are the four kinds of `tools.errors`, named by the caller's next move.
What an editor makes is never used directly: it goes through `tools.editors.gate`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from tools.types import Edit, Frozen, Job, Progress, Purpose, Quote, Rate, Take, Usd

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


class Limits(Frozen):
    """What pictures and lengths a model takes and gives; None and empty mean no limit.

    A clip that is too short is padded and cut back, one of another size is scaled and padded; one that is longer than
    the longest, or cannot be scaled into the sizes, is refused (`tools.editors.fitting`).
    """

    seconds: tuple[float, float] | None = None
    """Shortest and longest footage, as it is sent (or made, where nothing is sent)."""
    durations: tuple[int, ...] = ()
    """Whole seconds that a made clip may be asked to last."""
    frames: tuple[int, int] | None = None
    """Fewest and most frames."""
    frame_step: int = Field(default=1, ge=1)
    frame_offset: int = Field(default=0, ge=0)
    """Counts are `frame_step` × n + `frame_offset`: 4n+1 is 4 and 1."""
    rates: tuple[Rate, Rate] | None = None
    """Slowest and fastest frame rate that is taken; footage outside is sent at the nearest of the two."""
    output_rate: Rate | None = None
    """The rate at which it answers whatever came; None: the rate that was sent."""
    side: tuple[int, int] | None = None
    """Shortest and longest side in pixels."""
    pixels: tuple[int, int] | None = None
    """Fewest and most pixels of a frame."""
    aspect: tuple[float, float] | None = None
    """Least and largest width ÷ height."""
    sizes: tuple[tuple[int, int], ...] = ()
    """The only sizes (width, height) that it takes or makes; the one nearest in aspect is used."""
    multiple: int = Field(default=1, ge=1)
    """Both sides are multiples of this."""
    megabytes: float | None = None
    """Most of an uploaded file."""


class Price(Frozen):
    """US dollars, added up over what a job has of each; where it was read, and when.

    `per_second` counts seconds that come out, `per_input_second` seconds that go in, `per_frame` frames that go in,
    `per_megapixel` the frame's 1,000,000 pixels (stills), `per_token` tokens as width × height × rate × seconds / 1024.
    `sure` is false where no provider's page was found for it. `high` is the most that a bill may be, as a factor.
    """

    per_job: Usd = Decimal(0)
    per_second: Usd = Decimal(0)
    per_input_second: Usd = Decimal(0)
    per_frame: Usd = Decimal(0)
    per_megapixel: Usd = Decimal(0)
    per_token: Decimal = Decimal(0)
    least: Usd = Decimal(0)
    high: float = Field(default=1.0, ge=1)
    on: date | None = None
    source: str = ""
    sure: bool = True

    @property
    def free(self) -> bool:
        parts = (self.per_job, self.per_second, self.per_input_second, self.per_frame, self.per_megapixel)
        return not any(parts) and not self.per_token and not self.least


class Capabilities(Frozen):
    """What an editor can do, as roster.toml says it.

    `borrows` is true for an editor that fills only with pixels found elsewhere (other frames, references): motion of
    the picture does not stop it where other frames show the region. `methods` are ways it can be told to work.
    """

    actions: frozenset[PaidAction]
    local: bool
    """True when no footage leaves the machine."""
    provider: str | None = None
    """Whose machines do the work; what `[film] allow` names."""
    medium: Literal["video", "still"] = "video"
    """A "still" editor takes clips of one frame: panels of sheets."""
    stills: bool = False
    """True for an editor of videos that takes clips of one frame too."""
    purposes: frozenset[Purpose] = frozenset({"repair", "remove"})
    methods: tuple[str, ...] = ("auto",)
    mask: Literal["required", "optional", "none"] = "none"
    mask_white: Literal["edit", "keep"] = "edit"
    mask_exact: bool = True
    """False where the model may change pixels outside the mask too (the gate puts them back)."""
    borrows: bool = False
    between: bool = False
    """True when a retake is made from the kept frames at its two ends; the footage itself is not sent."""
    references: int = 0
    """Most pictures it looks at beside the footage."""
    limits: Limits = Limits()
    blocked_regions: tuple[str, ...] = ()
    """Countries and areas (CH, UK, EEA) whose users may not use it."""
    price: Price = Price()
    seconds_per_second: float = 0.0
    """Wall-clock seconds of work per second of footage, for the quote."""
    seconds_per_job: float = 0.0
    poll_seconds: float = 1.0
    """Shortest wait between two questions how a job stands."""
    deadline_seconds: float = 3600.0
    """After this a job that still runs is left to a later pass."""
    priors: dict[PaidAction, Prior] = Field(default_factory=dict)
    words: Words = Words()
    model: str | None = None
    """The provider's model id or endpoint."""
    weights: str | None = None
    """What a local model loads: a folder, or a repository's id on the hub (`tools.editors.local.models`)."""
    settings: dict[str, str | int | float | bool] = Field(default_factory=dict)
    """Fields that every request to this model carries."""
    retired: str | None = None
    """Why it can no longer be used, and what took its place."""


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

    async def find(self, edit: Edit, since: datetime, known: Collection[str]) -> Job | None:
        """The job of an edit whose submit was lost at or after `since` (UTC); `known` are handles of other edits.

        None: the tool is sure that it never came, so it may be sent again. Unknown: the tool cannot tell.
        """
        ...

    async def poll(self, job: Job) -> Progress:
        """How the job stands; safe to repeat. Refused when the provider judged its content, Broken when it is lost."""
        ...

    async def fetch(self, job: Job, folder: Path) -> Take:
        """The finished take as a file inside `folder`; safe to repeat."""
        ...

    async def cancel(self, job: Job) -> None:
        """Stops the job where it can be stopped; a job that is over is left as it is."""
        ...
