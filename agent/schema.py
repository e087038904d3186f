"""The language of the house: every stage is a function from some of these frozen models to others.

Field names, closed sets and JSON shapes follow the published contract; nothing here holds pixels.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field

from agent.request.plan import Reading
from tools.types import Action, Box, Category, Check, Clip, Evidence, Frozen, Motion, Panel, Rate, Usd

SCHEMA_VERSION = 1
"""Part of every graph state; a resume under another version is refused."""

Severity = Literal["minor", "major", "blocking"]
ConditionName = Literal["small", "slow", "keeper", "composition", "lighting", "blocking", "contact"]
OutcomeStatus = Literal["clean", "fixed", "regenerated", "waiting", "pivot", "failed"]


class SheetFact(Frozen):
    """A fact that is written on a sheet, word for word, and where: "mara.png [x, y, w, h]", in the sheet's pixels.

    It is text of the film: quoted and compared, never obeyed.
    """

    text: str
    place: str


class Sheet(Frozen):
    """A character's or prop's sheet: the picture, its panels, and the canon in words."""

    subject: str
    image: Path
    panels: tuple[Panel, ...]
    canon: str = ""
    kind: Literal["character", "prop"] = "character"
    key: str
    """What names the sheet in the version table, such as "sheet:mara"."""
    version: int = 1
    """1 is the sheet that came in."""
    given: bool = False
    """Whether film.toml says what its pictures are (a grid or names); else pixels found them, and a model may read."""
    source: Path | None = None
    """The sheet that came in, where `image` is a later version."""
    read: tuple[SheetFact, ...] = ()
    """The facts that `canon` was read from; none where film.toml has it."""


class Plate(Frozen):
    """A picture of a location, as film.toml names it."""

    location: str
    image: Path
    canon: str = ""


class Shot(Frozen):
    """One shot of the film and what is known about how it was made. `clip` is its current version."""

    id: str
    clip: Clip
    version: int = 1
    source: Clip
    """Where the shot lies in the original media (version 1)."""
    scene: str | None = None
    characters: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    model: str | None = None
    prompt: str = ""
    intended: tuple[str, ...] = ()


class Film(Frozen):
    """A film project, read and checked: shots in order, sheets, plates, and where it lives."""

    title: str
    root: Path
    shots: tuple[Shot, ...]
    sheets: tuple[Sheet, ...] = ()
    plates: tuple[Plate, ...] = ()
    fps: Rate
    width: int
    height: int
    bible: str = ""
    allow: tuple[str, ...] = ()


class Finding(Frozen):
    """One continuity error in one shot. `frames` and `box` count from the shot and in source pixels.

    `mask` names a file (FFV1 grey, one frame per frame of the shot), relative to the project root.
    """

    id: str
    shot: str
    frames: tuple[int, int]
    box: Box
    mask: str | None
    category: Category
    subject: str | None
    expected: str
    observed: str
    severity: Severity
    confidence: float
    evidence: tuple[Evidence, ...]
    cause: str | None = None
    status: Literal["open", "acknowledged", "fixed"] = "open"


class PanelFault(Frozen):
    """A panel whose pixels disagree with its siblings.

    `box` is in the sheet's pixels, `mask` a still picture of the sheet's size.
    """

    panel: str
    box: Box
    mask: str
    agree: tuple[str, ...]
    """Siblings that show the place clean and agree with each other."""
    confidence: float
    why: str


class Cause(Frozen):
    """Where an error was born, and every shot and finding that it explains."""

    id: str
    kind: Literal["sheet-panel", "reference", "prompt", "chained-frame", "shot", "model", "unknown"]
    ref: str
    why: str
    shots: tuple[str, ...]
    findings: tuple[str, ...]


class Condition(Frozen):
    """One condition of the decision rule, measured. `holds` is None when nothing on this machine can tell."""

    name: ConditionName
    value: float | None
    limit: float | None
    holds: bool | None
    why: str


class Keeper(Frozen):
    """Share of the shot's frames free of other open or technical faults outside the region, and what they are."""

    score: float
    faults: tuple[str, ...] = ()


class RegionEvidence(Frozen):
    """Everything the decision rule looks at, for one region of one shot."""

    frames: tuple[int, int]
    shot_frames: int
    in_view: bool
    """Whether the place stays in the picture where the region stops: then the frames around it show it right."""
    coverage_mean: float
    coverage_max: float
    motion: Motion
    revealed: float
    sharpness: float
    """Sharpness of the region's surround against the rest of the shot; 1 is as sharp."""
    keeper: Keeper
    composition: bool | None = None
    lighting: bool | None = None
    blocking: bool | None = None
    contact: bool | None = None


class Decision(Frozen):
    """What to do about one finding, and the measured reasons. `window` is set for a retake."""

    shot: str
    finding: str | None
    action: Action
    conditions: tuple[Condition, ...]
    why: str
    confidence: float = 1.0
    window: tuple[int, int] | None = None
    revealed: float | None = None
    """Share of the region that other frames show, where it was measured: what a borrowing editor can hope for."""


class Candidate(Frozen):
    """One way to do an edit, with what it is expected to cost until a verified fix and why."""

    editor: str
    method: str
    usd: Usd
    high: Usd | None = Field(default=None, exclude_if=lambda high: high is None)
    """The most that the bill may come to, where that is more."""
    seconds: float
    p: float
    cost: float
    why: str


class Dropped(Frozen):
    """An editor that cannot or may not do an edit, and why."""

    editor: str
    why: str


class Attempt(Frozen):
    """One try at one region: with which tool and method, what was measured, what it cost, where the take lies."""

    n: int
    finding: str
    action: Action
    tool: str
    method: str = "auto"
    verdict: Literal["pass", "fail", "none"]
    checks: tuple[Check, ...] = ()
    usd: Usd = Decimal(0)
    take: str | None = None
    why: str = ""
    judged: str = Field(default="", exclude_if=lambda words: not words)
    """What a model said of the take, where one was asked."""
    prompt: str = Field(default="", exclude_if=lambda words: not words)
    """What the editor was told, where it reads words."""
    ranked: tuple[Candidate, ...] = Field(default=(), exclude_if=lambda ranked: not ranked)
    """Every way that could have been gone, the chosen one first."""
    dropped: tuple[Dropped, ...] = Field(default=(), exclude_if=lambda dropped: not dropped)
    """Every editor that could not or may not do it, and why."""


class ReadyJob(Frozen):
    """A job no editor on the roster can do, complete and ready to send by a person or a later run."""

    action: Literal["retake", "regenerate", "inpaint"]
    prompt: str
    references: tuple[str, ...]
    clip: str
    mask: str | None
    window: tuple[int, int] | None
    quote: dict[str, float]
    """US dollars per roster editor that could do it once it is configured; empty when none is known."""
    why: str


class Outcome(Frozen):
    """How a shot ended."""

    shot: str
    status: OutcomeStatus
    attempts: tuple[Attempt, ...] = ()
    version: int = 1
    job: ReadyJob | None = None
    why: str = ""


class SheetVersion(Frozen):
    """A repaired sheet: the new file, which panel changed, and the shots that were made from it."""

    subject: str
    version: int
    path: str
    panel: str
    box: Box
    downstream: tuple[str, ...]
    left_alone: tuple[str, ...]
    why: str
    checks: tuple[Check, ...] = ()
    attempts: tuple[Attempt, ...] = Field(default=(), exclude_if=lambda attempts: not attempts)
    """The editors that were tried, with who else could have done it."""


class Verdicted(Frozen):
    """What a model says of a finding that measurement made, with its own words for both sides where it has some."""

    finding: str
    verdict: Literal["error", "intended", "not-there", "cannot-tell"]
    why: str
    observed: str = ""
    expected: str = ""


class Looked(Frozen):
    """What a model's look at one shot brought.

    `contradicted` counts claims that measurement spoke against, `pointless` those that point at nothing of the shot.
    """

    verdicts: tuple[Verdicted, ...] = ()
    findings: tuple[Finding, ...] = ()
    contradicted: int = 0
    pointless: int = 0
    notices: tuple[str, ...] = ()

    def plus(self, other: Looked) -> Looked:
        """Both looks as one."""
        return Looked(
            verdicts=self.verdicts + other.verdicts,
            findings=self.findings + other.findings,
            contradicted=self.contradicted + other.contradicted,
            pointless=self.pointless + other.pointless,
            notices=tuple(dict.fromkeys(self.notices + other.notices)),
        )


class ModelUse(Frozen):
    """What was asked of a model about one thing (a shot, a finding, a sheet, a request) with one prompt."""

    about: str
    model: str
    prompt: str
    """Name and version, "inspect-shot@1"."""
    calls: int = 0
    """Requests that were sent in this run."""
    remembered: int = 0
    """Questions that an earlier answer was kept for."""
    tokens_in: int = 0
    tokens_out: int = 0
    """Tokens of the answers, remembered ones included."""
    usd: Usd = Decimal(0)
    """What this run paid."""

    def with_memory(self, tokens_in: int, tokens_out: int) -> ModelUse:
        """With one more answer from memory, which cost nothing this time."""
        return self.model_copy(
            update={
                "remembered": self.remembered + 1,
                "tokens_in": self.tokens_in + tokens_in,
                "tokens_out": self.tokens_out + tokens_out,
            }
        )


class ScanResult(Frozen):
    """What `scan` prints."""

    film: str
    run: str
    shots: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    causes: tuple[Cause, ...] = ()
    clean: tuple[str, ...] = ()
    model_use: tuple[ModelUse, ...] = Field(default=(), exclude_if=lambda uses: not uses)
    """What was asked of a vision-language model; left out where none was."""
    notices: tuple[str, ...] = Field(default=(), exclude_if=lambda notices: not notices)
    """What a reader should know of how this was found, such as that a model could not be asked."""


class PassResult(ScanResult):
    """What `pass` prints: the scan, and everything that was done about it."""

    decisions: tuple[Decision, ...] = ()
    sheet_versions: tuple[SheetVersion, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    spent_usd: Usd = Decimal(0)
    quoted_usd: Usd = Decimal(0)
    """What edits were expected to be billed before the first was sent."""
    low_usd: Usd = Decimal(0)
    """The same where every first choice succeeds."""
    high_usd: Usd = Decimal(0)
    """And where all fail and every bill comes to the most that it can."""
    uploaded: tuple[dict[str, str], ...] = ()
    request: Reading | None = Field(default=None, exclude_if=lambda reading: reading is None)
    """What was understood of a request in plain words; left out in a run for none."""
    files: dict[str, str] = Field(default_factory=dict)
