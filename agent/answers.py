"""What a vision-language model answers to each prompt: closed, flat models that every server can be held to.

A prompt file names its model here (`answer = "ShotLook"`). Boxes are in pixels of the picture as it was shown, pictures
go by the numbers in their captions. No mapping, no tuple and no default: strict JSON schema has none of them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from tools.types import Box, Category, Frozen


class Answer(Frozen):
    """Base of what models answer: what is said of a field here goes into the schema that the model is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Rect(Answer):
    """A rectangle in pixels of a picture as it was shown, from its top left corner."""

    x: int
    y: int
    w: int
    h: int

    @property
    def box(self) -> Box:
        return Box(self.x, self.y, self.w, self.h)


class MarkVerdict(Answer):
    """What the model says of a place that a measurement proposed."""

    mark: int
    """Number of the mark, as the caption gives it."""
    verdict: Literal["error", "intended", "not-there", "cannot-tell"]
    why: str


class Difference(Answer):
    """One thing that is not as a reference shows it, both sides quoted."""

    category: Category
    subject: str | None
    """A character's or prop's id from the prompt; null where it is of nobody."""
    picture: int
    """The picture that shows what is wrong."""
    box: Rect
    observed: str
    against: int
    """The picture that shows what should be there."""
    expected: str
    moments: list[int]
    """All pictures of the same shot that show it, `picture` among them."""
    confidence: float = Field(ge=0, le=1)
    intended: bool
    """Whether the story may mean it."""
    why: str


class ShotLook(Answer):
    """Answer to inspect-shot."""

    marks: list[MarkVerdict]
    differences: list[Difference]


class PairDifference(Answer):
    """One thing that is not the same in two shots of one scene."""

    category: Category
    subject: str | None
    first: str
    """What the first shot shows, quoted."""
    first_picture: int
    first_box: Rect
    second: str
    second_picture: int
    second_box: Rect
    odd: Literal["first", "second", "cannot-tell"]
    """The shot that is wrong."""
    confidence: float = Field(ge=0, le=1)
    intended: bool
    why: str


class PairLook(Answer):
    """Answer to compare-shots."""

    differences: list[PairDifference]


class Disagreement(Answer):
    """One panel of a sheet that does not agree with its siblings."""

    panel: str
    """As the caption names it, such as "mara/face"."""
    box: Rect
    observed: str
    expected: str
    agree: list[str]
    """Panels that show the place as it should be."""
    category: Category
    confidence: float = Field(ge=0, le=1)
    why: str


class SheetLook(Answer):
    """Answer to inspect-sheet."""

    disagreements: list[Disagreement]


class PanelRead(Answer):
    """One picture on a sheet's page."""

    name: str
    """The caption written at it, else what it shows in two words."""
    view: str
    """Front, three-quarter, profile, back, face, detail, expression, pose, or the like."""
    box: Rect


class Fact(Answer):
    """One fact that is written on the page, as it is written."""

    text: str
    box: Rect


class SheetReading(Answer):
    """Answer to read-sheet."""

    panels: list[PanelRead]
    facts: list[Fact]


class CauseChoice(Answer):
    """Answer to trace-cause: the number of one of the candidates, or null for none of them."""

    candidate: int | None
    why: str


class FillWords(Answer):
    """Answer to write-fill."""

    prompt: str


YesNo = Literal["yes", "no", "cannot-tell"]


class RepairLook(Answer):
    """Answer to judge-repair. Pictures "1" and "2" are the states of one place, in an order that is not told."""

    first_shows_fault: YesNo
    second_shows_fault: YesNo
    first_shows_expected: YesNo
    second_shows_expected: YesNo
    new_in_first: str | None
    """What only the first shows and nobody asked for; null for nothing."""
    new_in_second: str | None
    why: str


class ListShots(Answer):
    """See every shot: id, film frames, scene, who is in it, what it was made from."""

    tool: Literal["list-shots"]


class LookAt(Answer):
    """See one frame of a shot."""

    tool: Literal["look"]
    shot: str
    frame: int
    """Counted from the shot's first frame."""


class FindThing(Answer):
    """Let a thing be found in a frame of a shot; the answer is a box in source pixels, or that it is not seen."""

    tool: Literal["find"]
    shot: str
    frame: int
    thing: str


class MeasurePlace(Answer):
    """Measure a place of a shot: its size, motion, and what other frames show of it."""

    tool: Literal["measure"]
    shot: str
    frame: int
    box: Rect
    """In source pixels."""


class ShowPanel(Answer):
    """See one panel of a sheet."""

    tool: Literal["show-panel"]
    panel: str


class TraceShot(Answer):
    """Learn what earlier scans found in a shot and where it came from."""

    tool: Literal["trace"]
    shot: str


class FixSaid(Answer):
    """One fix that the request asks for."""

    operation: Literal["remove", "add", "change", "repair", "match", "regenerate"]
    """remove: it must go. add: it is missing. change: it must look otherwise. repair: it is broken (melted, flickering,
    warped). match: it must look as somewhere else. regenerate: the whole shot again, only where that is asked for."""
    shots: list[str]
    first_frame: int | None
    """Of the film, where the request names a moment or a stretch of time; else null."""
    last_frame: int | None
    subject: str | None
    """Id of a character or prop of the film, or null."""
    thing: str
    """The noun, in the request's own words and singular."""
    place: str
    """Where in the picture, in the request's own words; else empty."""
    wanted: str
    """What should be there, in the request's own words; empty for remove and repair."""
    like: str | None
    """A shot or panel that shows it right, where the request names one."""
    quote: str
    """The words of the request that ask for this fix, letter by letter."""


class Propose(Answer):
    """End with a plan."""

    tool: Literal["propose"]
    fixes: list[FixSaid]
    keep: list[
        Literal[
            "everything-else", "performance", "camera", "framing", "light", "colour", "audio", "background", "timing"
        ]
    ]
    budget_usd: float | None
    spare_shots: list[str]
    """Shots that the request says must not be touched."""
    forbid: list[Literal["regenerate", "retake", "upload"]]
    only_editors: list[str]
    ask_first: bool


class AskBack(Answer):
    """End with one question, where the request can be meant in more than one way."""

    tool: Literal["ask"]
    question: str


class TellInstead(Answer):
    """End with an answer, where the request is no fix or asks for what you must not do."""

    tool: Literal["answer"]
    words: str


class Step(Answer):
    """Answer to understand-request: one step."""

    why: str
    """In one short sentence."""
    act: ListShots | LookAt | FindThing | MeasurePlace | ShowPanel | TraceShot | Propose | AskBack | TellInstead


class ThingFound(Answer):
    """Answer to find-thing: where a thing is in picture 1; null where it is not seen."""

    box: Rect | None
    confidence: float = Field(ge=0, le=1)
    why: str
