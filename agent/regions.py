"""One region of one clip, without a film project: a tracked mask, the measurement of a region, a single edit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agent.evidence import region_evidence
from agent.policy import Policy, decide
from agent.schema import Condition, Finding, Keeper
from tools.editors import gate
from tools.errors import BadInput
from tools.media.decode import frames
from tools.media.masks import read_mask, write_mask
from tools.media.pixels import rgb8
from tools.media.probe import probe
from tools.types import Action, Box, Clip, Frozen, MaskTrack, MediaInfo, Motion, Verdict
from tools.vision import checks
from tools.vision.temporal import inspect_time
from tools.vision.track import mask_from_box, mask_from_point, track


class Coverage(Frozen):
    """Mean and largest share of the frame."""

    mean: float
    max: float


class RegionDecision(Frozen):
    """The rule's answer for one region."""

    action: Action
    conditions: tuple[Condition, ...]
    why: str


class Measured(Frozen):
    """What `measure` prints."""

    media: str
    frames: int
    coverage: Coverage
    motion: Motion
    revealed: float
    keeper: Keeper
    decision: RegionDecision


class Edited(Frozen):
    """What `inpaint` prints. `outside_before_encode` is in code values, `luma_psnr_outside` in dB (100: identical)."""

    source: str
    media: str
    tool: str
    frames: int
    outside_before_encode: int
    luma_psnr_outside: float
    how: dict[str, str | float | int | bool]


class Masked(Frozen):
    """What `mask` prints. `coverage` is over the frames that show the region."""

    media: str
    mask: str
    frames: tuple[int, int]
    box: Box
    coverage: Coverage


def given_track(mask: Path, info: MediaInfo) -> MaskTrack:
    """A person's mask as a track. Raises BadInput when it marks nothing."""
    crops = {}
    for index, bits in enumerate(read_mask(mask, info, info.frames)):
        box = Box.around(bits)
        if box is not None:
            crops[index] = (box, bits[box.slices].copy())
    if not crops:
        raise BadInput(f"{mask}: marks nothing; non-zero pixels are the region")
    return MaskTrack(info.width, info.height, crops)


def measure(media: Path, mask: Path, policy: Policy) -> Measured:
    """Evidence and decision for one region."""
    info = probe(media)
    clip = whole(info)
    region = given_track(mask, info)
    evidence = region_evidence(clip, region, _keeper_of(clip, region))
    decision = decide(_finding_of(region), evidence, policy)
    return Measured(
        media=str(media),
        frames=info.frames,
        coverage=Coverage(mean=evidence.coverage_mean, max=evidence.coverage_max),
        motion=evidence.motion,
        revealed=evidence.revealed,
        keeper=evidence.keeper,
        decision=RegionDecision(action=decision.action, conditions=decision.conditions, why=decision.why),
    )


def _keeper_of(clip: Clip, region: MaskTrack) -> Keeper:
    """1 − the share of frames that carry a fault of their own outside the region."""
    others = [seen for seen in inspect_time(clip) if not _meets(seen.track, region)]
    bad = {index for other in others for index in other.track}
    named = tuple(f"{o.kind} at frames {o.track.frames[0]}-{o.track.frames[1]}" for o in others)
    return Keeper(score=1 - len(bad) / clip.frames, faults=named)


def _meets(one: MaskTrack, other: MaskTrack) -> bool:
    common = sorted(set(one.crops) & set(other.crops))
    return any(bool((one.at(index) & other.at(index)).any()) for index in common)


def _finding_of(region: MaskTrack) -> Finding:
    """The region as a person's finding: certain, and nothing known of what it is."""
    return Finding(
        id="region",
        shot="SH010",
        frames=region.frames,
        box=region.box,
        mask=None,
        category="prop",
        subject=None,
        expected="what the frames around it show",
        observed="what a person marked",
        severity="major",
        confidence=1.0,
        evidence=(),
    )


def whole(info: MediaInfo) -> Clip:
    """All frames of a media file."""
    return Clip(media=info.path, first=0, last=info.frames - 1)


def make_mask(media: Path, at: int, seed: Box | tuple[int, int], out: Path) -> Masked:
    """A mask from a box or a point in frame `at`, tracked through the clip and written as FFV1 grey."""
    info = probe(media)
    if not 0 <= at < info.frames:
        raise BadInput(f"{media}: has frames 0 to {info.frames - 1}; --at {at} is none of them")
    _inside(seed, info, media)
    picture = rgb8(next(frames(Clip(media=media, first=at, last=at))))
    bits = mask_from_box(picture, seed) if isinstance(seed, Box) else mask_from_point(picture, seed)
    region = track(whole(info), at, bits)
    write_mask(out, region, info.frames, info.fps)
    mean, largest = region.coverage
    cover = Coverage(mean=mean, max=largest)
    return Masked(media=str(media), mask=str(out), frames=region.frames, box=region.box, coverage=cover)


def _inside(seed: Box | tuple[int, int], info: MediaInfo, media: Path) -> None:
    x, y = seed[0], seed[1]
    right, bottom = (seed.x + seed.w, seed.y + seed.h) if isinstance(seed, Box) else (x + 1, y + 1)
    if min(x, y) < 0 or right > info.width or bottom > info.height or right <= x or bottom <= y:
        raise BadInput(f"{media}: {tuple(seed)} does not lie inside its {info.width}×{info.height} pixels")


def inpaint(
    media: Path,
    mask: Path,
    out: Path,
    *,
    tool: str = "plate",
    prompt: str = "",
    references: Sequence[Path] = (),
    grain: bool = True,
) -> Edited:
    """One region edit with one editor; the mask is the exact limit and everything else stays as it is."""
    given_track(mask, probe(media))
    made = gate.inpaint_media(media, mask, out, tool=tool, prompt=prompt, references=references, grain=grain)
    return Edited.model_validate({**made, "source": str(media)})


def check(before: Path, after: Path, mask: Path) -> Verdict:
    """The checks of an edit that was made anywhere."""
    info = probe(before)
    probe(after)
    given_track(mask, info)
    return checks.verify(whole(info), after, mask)
