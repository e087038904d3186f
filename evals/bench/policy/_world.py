"""The world of the benchmark: faults drawn from a versioned mix, and every editor's true chance to repair each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from math import log
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeVar

from pydantic import Field

from agent.economics import moved
from agent.policy import Policy
from agent.schema import Finding, Keeper, RegionEvidence
from agent.stages.decide import WRONG
from tools.editors.base import Capabilities, PaidAction
from tools.errors import BadInput
from tools.types import Box, Category, Frozen, Motion, Rate
from tools.vision.motion import speed_class

HERE = Path(__file__).parent
SUBJECT = "mara"
"""Whom every fault is about."""
REMOVALS = ("stray-object", "text-logo")
"""Families of things that should simply not be there."""
DIFFERENT, STRAY = (
    ("the clean take", "the place looks otherwise"),
    ("nothing there", "a thing that is not in the script"),
)


class Surface(Frozen):
    """The mixes and chances over which the benchmark is repeated, with `faults` a cell."""

    faults: int
    regions: tuple[float, ...]
    sound: tuple[float, ...]
    regeneration: tuple[float, ...]


class Mix(Frozen):
    """mix.toml: which faults come up."""

    version: int
    faults: int = Field(gt=0)
    faults_with_local: int = Field(gt=0)
    faults_unlearned: int = Field(gt=0)
    regions: float = Field(ge=0, le=1)
    blocks: int = Field(gt=0)
    seconds: tuple[int, ...]
    width: int
    height: int
    rate: Rate
    surface: Surface


class Spread(Frozen):
    """Standard deviations, in log-odds, by which the roster's priors are wrong."""

    editor: float
    category: float
    seed: int


class Chances(Frozen):
    """chances.toml: the truth about success."""

    version: int
    sound: float
    falls_from: float
    outside_from: float
    outside: float
    shown: float
    hidden: float
    regeneration: float
    retake: float
    reference: dict[PaidAction, str]
    spread: Spread

    def of_fill(self, share: float) -> float:
        """A region edit whose coverage or speed is `share` of the rule's limit."""
        fallen = (share - self.falls_from) / (self.outside_from - self.falls_from)
        return self.sound + (self.outside - self.sound) * min(1.0, max(0.0, fallen))


class Drawn(Frozen):
    """One row of faults.toml: a fault of the continuity suite, as it is measured, and its label's action."""

    family: str
    category: Category
    action: Literal["inpaint", "retake", "regenerate"]
    frames: tuple[int, int]
    shot_frames: int
    in_view: bool
    coverage_mean: float
    coverage_max: float
    image: float
    subject: float
    camera: float
    revealed: float
    sharpness: float

    @property
    def share(self) -> float:
        """Coverage or speed over the rule's limit, whichever is worse."""
        policy = Policy()
        return max(self.coverage_max / policy.small, self.image / policy.slow)


class Fault(Frozen):
    """One simulated fault in a shot of its own, `seconds` long."""

    number: int
    drawn: Drawn
    seconds: int
    frames: int

    @property
    def shot(self) -> str:
        return f"SH{10 * (self.number + 1):05d}"

    def evidence(self) -> RegionEvidence:
        """What would be measured: the drawn fault's values, its stretch of time in a shot of this length."""
        drawn = self.drawn
        longer = self.frames / drawn.shot_frames
        first, last = round(drawn.frames[0] * longer), round((drawn.frames[1] + 1) * longer) - 1
        speeds = {"image": drawn.image, "subject": drawn.subject, "camera": drawn.camera}
        motion = Motion.model_validate({**speeds, "class": speed_class(drawn.image)})
        measured = RegionEvidence(
            frames=(first, last),
            shot_frames=self.frames,
            in_view=drawn.in_view,
            coverage_mean=drawn.coverage_mean,
            coverage_max=drawn.coverage_max,
            motion=motion,
            revealed=drawn.revealed,
            sharpness=drawn.sharpness,
            keeper=Keeper(score=1.0),
        )
        return measured.model_copy(update=WRONG.get(drawn.category, {}))

    def finding(self) -> Finding:
        """The fault as something that was found, beyond doubt."""
        expected, observed = STRAY if self.drawn.family in REMOVALS else DIFFERENT
        return Finding(
            id=f"F-{self.number:05d}",
            shot=self.shot,
            frames=self.evidence().frames,
            box=Box(0, 0, 16, 16),
            mask="mask.mkv",
            category=self.drawn.category,
            subject=SUBJECT,
            expected=expected,
            observed=observed,
            severity="major",
            confidence=1.0,
            evidence=(),
        )


class World:
    """The truth: faults of a mix, and the chances of editors. `priors` are the roster's, which the truth is near."""

    def __init__(self, mix: Mix, chances: Chances, drawn: Sequence[Drawn], roster: Mapping[str, Capabilities]) -> None:
        self.mix, self.chances, self.drawn, self.roster = mix, chances, drawn, roster

    def faults(self, count: int, *, regions: float | None = None, seed: int = 0) -> Iterator[Fault]:
        """Faults of the mix: region edits, and shots to be made again.

        One that asks for a retake is neither; a fast one that is a region edit only because other frames show it is
        one only where somebody borrows.
        """
        rng = Random(f"{self.mix.version}|{seed}")  # noqa: S311 - no secret
        borrowing = any(can.borrows for can in self.roster.values())
        kinds = {
            "inpaint": [one for one in self.drawn if one.action == "inpaint" and (one.share <= 1 or borrowing)],
            "regenerate": [one for one in self.drawn if one.action == "regenerate"],
        }
        share = self.mix.regions if regions is None else regions
        for number in range(count):
            drawn = rng.choice(kinds["inpaint" if rng.random() < share else "regenerate"])
            seconds = rng.choice(self.mix.seconds)
            yield Fault(number=number, drawn=drawn, seconds=seconds, frames=round(seconds * self.mix.rate))

    def chance(self, editor: str, action: PaidAction, fault: Fault) -> float:
        """The true chance that an editor's take of a fault is verified."""
        can = self.roster[editor]
        odds = self._better(editor, action) + self._by_category(editor, action, fault.drawn.category)
        return moved(self._base(can, action, fault), odds)

    def _base(self, can: Capabilities, action: PaidAction, fault: Fault) -> float:
        chances = self.chances
        if action == "regenerate":
            return chances.regeneration
        if action == "retake":
            return chances.retake if fault.drawn.action != "regenerate" else chances.outside
        if can.borrows and fault.drawn.action != "regenerate":
            return chances.hidden + (chances.shown - chances.hidden) * fault.drawn.revealed
        return chances.of_fill(fault.drawn.share) if fault.drawn.action == "inpaint" else chances.outside

    def _better(self, editor: str, action: PaidAction) -> float:
        """How much better than the reference an editor is, in log-odds."""
        reference = self.chances.reference.get(action, "")
        if editor == reference:
            return 0.0
        known = _prior_odds(self.roster[editor], action)
        alike = reference in self.roster and not self.roster[editor].borrows
        against = _prior_odds(self.roster[reference], action) if alike else known
        return known - against + _normal(self.chances.spread.editor, self.chances.spread.seed, editor, action)

    def _by_category(self, editor: str, action: PaidAction, category: Category) -> float:
        if editor == self.chances.reference.get(action):
            return 0.0
        return _normal(self.chances.spread.category, self.chances.spread.seed, editor, action, category)


def _prior_odds(can: Capabilities, action: PaidAction) -> float:
    prior = can.priors.get(action)
    return log(prior.right / prior.wrong) if prior else 0.0


@lru_cache(maxsize=4096)
def _normal(spread: float, *names: object) -> float:
    return Random("|".join(map(str, names))).gauss(0, spread)  # noqa: S311 - no secret


Model = TypeVar("Model", bound=Frozen)


def read_mix(path: Path = HERE / "mix.toml") -> Mix:
    """The mix; BadInput where the file is wrong."""
    return _read(path, Mix, _toml(path))


def read_chances(path: Path = HERE / "chances.toml") -> Chances:
    """The chances; BadInput where the file is wrong."""
    return _read(path, Chances, _toml(path))


def read_drawn(path: Path = HERE / "faults.toml") -> tuple[Drawn, ...]:
    """The measured faults; BadInput where the file is wrong."""
    return tuple(_read(path, Drawn, row) for row in _toml(path)["fault"])


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _read(path: Path, model: type[Model], fields: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(fields)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error
