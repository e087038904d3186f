"""The words of the trade's material, shared by eyes and hands: clips, frames, boxes, masks, edits, checks.

Frames count from 0; ranges `(first, last)` include both ends and count from the clip's first frame;
boxes are `(x, y, w, h)` in pixels of the source frame; rates are exact fractions; money is US dollars.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

Bits: TypeAlias = NDArray[np.bool_]
Gray: TypeAlias = NDArray[np.uint8]
Rgb: TypeAlias = NDArray[np.uint8]

Category = Literal[
    "identity",
    "wardrobe",
    "prop",
    "hair-makeup",
    "set-dressing",
    "lighting",
    "colour",
    "anatomy",
    "text",
    "screen-direction",
    "eyeline",
    "staging",
    "time-weather",
    "temporal",
    "technical",
]

Usd = Annotated[Decimal, PlainSerializer(lambda d: float(round(d, 4)), return_type=float, when_used="json")]
"""US dollars; four decimals in JSON."""

Rate = Annotated[
    Fraction,
    BeforeValidator(lambda v: v if isinstance(v, Fraction) else Fraction(str(v))),
    PlainSerializer(lambda f: f"{f.numerator}/{f.denominator}", return_type=str, when_used="json"),
]
"""An exact frame rate or aspect, written "24000/1001" in JSON."""


class Frozen(BaseModel):
    """Base of every model that crosses a boundary: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=False)


class Box(NamedTuple):
    """A rectangle `(x, y, w, h)` in pixels of the source frame; written as a list in JSON."""

    x: int
    y: int
    w: int
    h: int

    @property
    def area(self) -> int:
        return self.w * self.h

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices into a picture; the box must lie inside it."""
        return slice(self.y, self.y + self.h), slice(self.x, self.x + self.w)

    def grown(self, by: int, width: int, height: int) -> Box:
        """The box grown by `by` pixels on each side and clipped to a frame of `width` × `height`."""
        x, y = max(0, self.x - by), max(0, self.y - by)
        return Box(x, y, min(width, self.x + self.w + by) - x, min(height, self.y + self.h + by) - y)

    def union(self, other: Box) -> Box:
        x, y = min(self.x, other.x), min(self.y, other.y)
        return Box(x, y, max(self.x + self.w, other.x + other.w) - x, max(self.y + self.h, other.y + other.h) - y)

    def common(self, other: Box) -> int:
        """Area of the intersection."""
        w = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        h = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        return max(0, w) * max(0, h)

    def iou(self, other: Box) -> float:
        """Intersection over union; 0 for disjoint boxes."""
        both = self.common(other)
        return both / (self.area + other.area - both) if both else 0.0

    @classmethod
    def around(cls, mask: Bits) -> Box | None:
        """The bounding box of a mask's true pixels, or None when it has none."""
        rows = np.flatnonzero(mask.any(axis=1))
        if not rows.size:
            return None
        y, below = int(rows[0]), int(rows[-1]) + 1
        columns = np.flatnonzero(mask[y:below].any(axis=0))
        x, beyond = int(columns[0]), int(columns[-1]) + 1
        return cls(x, y, beyond - x, below - y)


class Clip(Frozen):
    """A stretch of a media file (video or folder of frames); `first` and `last` count from the file's frame 0."""

    media: Path
    first: int
    last: int

    @property
    def frames(self) -> int:
        return self.last - self.first + 1


class ColourTags(Frozen):
    """ISO/IEC 23091-2 code points as FFmpeg numbers them (2: unspecified). `range`: 0 unknown, 1 limited, 2 full."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    range: int = 0


class MediaInfo(Frozen):
    """What a media file is, told by its content."""

    path: Path
    kind: Literal["video", "frames"]
    width: int
    height: int
    fps: Rate
    frames: int
    container: str
    codec: str
    pixel_format: str
    bit_depth: int
    sample_aspect: Rate = Fraction(1)
    rotation: int = 0
    colour: ColourTags = ColourTags()
    variable_rate: bool = False
    has_audio: bool = False
    has_alpha: bool = False
    timecode: str | None = None


class PixelLayout(Frozen):
    """How a frame's planes are laid out: family, bits, and log2 of the chroma subsampling."""

    name: str
    family: Literal["yuv", "rgb", "gray"]
    depth: int
    chroma_x: int = 0
    chroma_y: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture in its source's own pixel format.

    `planes` are (h, w) arrays, uint8 or (over 8 bits) uint16, luma first, chroma planes subsampled as `layout` says;
    rgb families carry R, G, B. `pts` is the source's time stamp in `time_base` units (kept for variable rate).
    """

    index: int
    planes: tuple[NDArray[np.uint8] | NDArray[np.uint16], ...]
    layout: PixelLayout
    colour: ColourTags
    pts: int | None = None
    time_base: Fraction | None = None

    @property
    def height(self) -> int:
        return int(self.planes[0].shape[0])

    @property
    def width(self) -> int:
        return int(self.planes[0].shape[1])


@dataclass(frozen=True, slots=True)
class MaskTrack:
    """A region followed through a clip: per frame a crop of true pixels and where it lies.

    Frames without the region are absent. Sparse on purpose: a long shot's masks cost memory only where the region is.
    """

    width: int
    height: int
    crops: Mapping[int, tuple[Box, Bits]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self.crops))

    def __bool__(self) -> bool:
        return bool(self.crops)

    def at(self, index: int) -> Bits:
        """The full-size (height, width) mask of one frame, all false where the region is absent."""
        full = np.zeros((self.height, self.width), dtype=np.bool_)
        if index in self.crops:
            box, bits = self.crops[index]
            full[box.slices] = bits
        return full

    @property
    def frames(self) -> tuple[int, int]:
        """First and last frame that carry the region."""
        return min(self.crops), max(self.crops)

    @property
    def box(self) -> Box:
        """The median box over the frames: what a finding reports for a region that drifts."""
        middle = np.median(np.array([box for box, _ in self.crops.values()]), axis=0)
        return Box(*(round(float(v)) for v in middle))

    @property
    def coverage(self) -> tuple[float, float]:
        """Mean and largest share of the frame over the region's frames."""
        shares = [float(bits.sum()) / (self.width * self.height) for _, bits in self.crops.values()]
        return (float(np.mean(shares)), max(shares)) if shares else (0.0, 0.0)

    def joined(self, other: MaskTrack) -> MaskTrack:
        """What either of two regions of one clip covers, frame by frame."""
        indices = sorted({*self.crops, *other.crops})
        return MaskTrack.of({index: self.at(index) | other.at(index) for index in indices}, self.width, self.height)

    @classmethod
    def of(cls, masks: Mapping[int, Bits], width: int, height: int) -> MaskTrack:
        """From full-size masks by frame; empty masks are left out."""
        crops = {}
        for index, mask in masks.items():
            box = Box.around(mask)
            if box is not None:
                crops[index] = (box, mask[box.slices].copy())
        return cls(width, height, crops)


SAME_MARK = "#same-mark"


class Evidence(Frozen):
    """Where a claim can be seen: "mara/face" (panel), "SH020@17" (frame), "SH030" (shot) or words.

    A panel alone shows what is expected; "mara/face#same-mark" is a panel that carries the very mark that is wrong.
    """

    kind: Literal["panel", "frame", "shot", "text"]
    ref: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """What the eyes saw in one shot, before anybody judges it.

    `kind` says which eye: "pop" a thing that appears or vanishes between two frames and is still otherwise, "glitch" a
    region that changes incoherently, "warp" one whose shapes jump, "flicker" one whose brightness jumps, "flash" a
    one-frame event; "panel" differs from a character's panels; "setup" differs from another shot of the set-up,
    "colours" in colours alone wherever people moved, "moment" the same in a stretch of the shot only, "look" in light
    or grade as a whole, "mirrored" is the wrong way round; "meaning" is what a vision-language model says; the rest are
    technical.
    `confidence` is 0 to 1. A technical anomaly of whole frames has a track that covers them.
    """

    kind: Literal[
        "pop",
        "glitch",
        "flicker",
        "flash",
        "warp",
        "panel",
        "setup",
        "colours",
        "moment",
        "look",
        "mirrored",
        "meaning",
        "black",
        "frozen",
        "duplicate",
        "level-jump",
    ]
    track: MaskTrack
    category: Category
    expected: str
    observed: str
    confidence: float
    evidence: tuple[Evidence, ...] = ()
    subject: str | None = None
    """A character id, where the region lies on one."""
    reference: str | None = None
    """"panel" kind: the panel that shows the same mark, e.g. "mara/face", when one does."""


class Panel(Frozen):
    """One picture of a sheet: `box` in the sheet's pixels, `view` the name film.toml or the caption gives it."""

    sheet: Path
    subject: str
    view: str
    box: Box

    @property
    def ref(self) -> str:
        return f"{self.subject}/{self.view}"


class Motion(Frozen):
    """Median speeds in a region per 1/24 s as shares of the frame diagonal; `class` follows `image`."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True)

    image: float
    subject: float
    camera: float
    speed: Literal["static", "slow", "fast"] = Field(alias="class")


class Check(Frozen):
    """One measured condition of a repair."""

    name: Literal["seam", "flicker", "colour", "grain", "outside", "stream", "landed"]
    value: float
    limit: float
    unit: str
    holds: bool
    note: str = Field(default="", exclude_if=lambda note: not note)
    """What a reader should know although the check holds."""


class Verdict(Frozen):
    """All checks of one repair; `verdict` is "pass" only when every check holds."""

    verdict: Literal["pass", "fail"]
    checks: tuple[Check, ...]


Action = Literal["inpaint", "retake", "regenerate", "leave", "ask"]
"""What to do about a shot."""


class Reference(Frozen):
    """A picture handed to an editor: the file and what it shows."""

    path: Path
    kind: Literal["panel", "frame", "location", "person"]
    what: str
    role: Literal["look", "first", "last"] = "look"
    """"first" and "last" are the very frames that a generated clip must open and close with."""
    box: Box | None = None
    mask: Path | None = None
    """Where the reference itself must not be trusted (non-zero)."""


Purpose = Literal["repair", "remove"]
"""What a region edit is for: to show a thing right, or to have the thing gone."""


class Edit(Frozen):
    """One job for one editor. `key` names the edit (film, shot, plan, attempt), never the run.

    `mask` is a mask file, one frame per frame of the clip, non-zero is the region; `window` limits a retake to those
    frames of the clip; `stretch` says in which frames of the clip something is wrong (None: anywhere). A still picture
    is a clip of one frame. `method` is the editor's own choice of way ("auto" or one of its capabilities' methods).
    """

    key: str
    action: Literal["inpaint", "retake", "regenerate"]
    clip: Clip
    mask: Path | None = None
    window: tuple[int, int] | None = None
    stretch: tuple[int, int] | None = None
    purpose: Purpose = "repair"
    method: str = "auto"
    prompt: str = ""
    references: tuple[Reference, ...] = ()
    seed: int = 0
    grain: bool = True
    hard_edge: bool = False
    """True when a person gave the mask: it is the exact limit and nothing is feathered outside or across it."""
    keeps_look: bool = True
    """False when light or colour is what is wrong: the clip does not tell how what is made anew should look."""


class Quote(Frozen):
    """What an edit would cost with an editor: the expected bill, and the most it can come to (None: the same)."""

    usd: Usd
    seconds: float
    why: str = ""
    high: Usd | None = None
    hurry: float = 1.0
    """How many times faster the result is shown than it was made: footage of 4 s between frames half a second apart
    is hurried 8 times, and looks it."""

    @property
    def most(self) -> Decimal:
        return self.usd if self.high is None else self.high


class Job(Frozen):
    """A submitted edit: which editor, and the handle that finds the job again in any later process."""

    editor: str
    handle: str


class Progress(Frozen):
    """How a job stands."""

    state: Literal["running", "done", "failed"]
    fraction: float = 0.0
    why: str = ""
    billed: bool = True
    """Of a failed job: false where the provider says that it does not bill it."""


class Take(Frozen):
    """What an editor made: a media file of the clip's length, before the gate; `how` says what was measured."""

    media: Path
    how: dict[str, str | float | int | bool] = {}
