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
