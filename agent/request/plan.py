"""What a request in plain words becomes: typed fixes with their constraints, one question back, or an answer.

Nothing in here acts. Every fix quotes the words of the request that asked for it, so that a plan can be held against
the request, and text from anywhere else (a frame, a file name, canon) can never put one in.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tools.types import Frozen, Usd

Operation = Literal["remove", "add", "change", "repair", "match", "regenerate"]
"""remove: it must go. add: it is missing and must be there. change: it must look otherwise (`wanted`). repair: it is
broken (melted, flickering, warped) and must be whole. match: it must look as in `like`. regenerate: the shot again."""

Keep = Literal[
    "everything-else", "performance", "camera", "framing", "light", "colour", "audio", "background", "timing"
]
"""What the person said must stay."""

Forbidden = Literal["regenerate", "retake", "upload"]
"""What the person said must not be done; upload: no footage leaves the machine."""


class Fix(Frozen):
    """One fix: what, where, since when, and what should be there instead."""

    operation: Operation
    shots: tuple[str, ...]
    """Ids in the film's order; never empty."""
    span: tuple[int, int] | None = None
    """First and last frame of the film that the person named, both ends included; one frame where a moment was named.
    None: wherever it is in these shots."""
    subject: str | None = None
    """Id of a character or prop of the film."""
    thing: str = ""
    """What it is about, as a noun in the person's words and singular, such as "earpiece"; "" for a whole shot."""
    place: str = ""
    """Where in the picture, in the person's words, such as "top left" or "on her left ear"."""
    wanted: str = ""
    """What should be there, in the person's words; "" for remove and repair."""
    like: str | None = None
    """A shot id or panel ("mara/face") that shows it right, where one was named."""
    quote: str
    """The words of the request that ask for this fix, verbatim."""


class Constraints(Frozen):
    """What the person said about how."""

    keep: tuple[Keep, ...] = ()
    """Sorted, without repeats."""
    budget_usd: Usd | None = None
    spare: tuple[str, ...] = ()
    """Shots that must not be touched."""
    forbid: tuple[Forbidden, ...] = ()
    only: tuple[str, ...] = ()
    """Editors by name, where the person named one."""
    ask_first: bool = False
    """Whether nothing may be done before the person has seen the plan."""


class Reading(Frozen):
    """What was understood. `kind` is plan when there are fixes, question when one thing must be asked first, answer
    when it is no fix."""

    kind: Literal["plan", "question", "answer"]
    fixes: tuple[Fix, ...] = ()
    constraints: Constraints = Constraints()
    words: str = ""
    """The question back, or the answer."""
    not_understood: tuple[str, ...] = ()
    """Words of the request that nothing was made of; a plan has none."""
    reader: str = "grammar"
    """Who read it: "grammar", or a model and its prompt, "gpt-x, understand-request@1"."""


class ShotNote(Frozen):
    """What a reader may know of a shot. Frames count from the film's first; both ends are included."""

    id: str
    first: int
    last: int
    scene: str | None = None
    characters: tuple[str, ...] = ()
    props: tuple[str, ...] = ()
    prompt: str = ""
    """What the shot was made from: tells its size ("Close on Mara") and its action."""


class Outline(Frozen):
    """A film as far as its words and times go: what a request's references are resolved against."""

    title: str
    fps: float = Field(gt=0)
    shots: tuple[ShotNote, ...]
    characters: dict[str, str] = Field(default_factory=dict)
    """Id → canon."""
    props: dict[str, str] = Field(default_factory=dict)
    panels: tuple[str, ...] = ()
    """"mara/face", …"""
    editors: tuple[str, ...] = ()
    """Editors that may be named."""
