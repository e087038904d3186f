"""One region of one clip, without a film project: a tracked mask, the measurement of a region, a single edit."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from agent.evidence import region_evidence
from agent.policy import Policy, decide
from agent.schema import Condition, Finding, Keeper
from tools.editors import gate
from tools.editors.support import feather_width
from tools.errors import BadInput
from tools.media._container import picture_kind
from tools.media.decode import frames
from tools.media.masks import read_mask, write_mask
from tools.media.pixels import rgb8
from tools.media.probe import probe
from tools.media.sheets import read_picture
from tools.types import Action, Bits, Box, Clip, Frozen, MaskTrack, MediaInfo, Motion, Rgb, Verdict
from tools.vision import checks
from tools.vision.mover import Mark, follow_mover
from tools.vision.region import mask_from_box, mask_from_difference, mask_from_points, mask_from_scribble, soft_reach
from tools.vision.temporal import inspect_time
from tools.vision.track import Track, follow


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


Way = Literal["motion", "look", "sam"]
"""A thing is told from the rest by its motion before a still scene, by its colours and edges, or by SAM 2."""


class Masked(Frozen):
    """What `mask` prints. `coverage` is over the frames that show the thing, `confidence` per frame of the clip, and
    `lost` the stretches in which it is gone, hidden or out of the picture; `way` is what it was told apart by,
    `grown` by how many pixels its masks were then grown."""

    media: str
    mask: str
    way: Way
    grown: int
    frames: tuple[int, int]
    box: Box
    coverage: Coverage
    confidence: tuple[float, ...]
    lost: tuple[tuple[int, int], ...]


HALF = 127


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


class Marked(Frozen):
    """How a person says in one frame what the thing is: one of the four."""

    box: Box | None = None
    points: tuple[tuple[int, int], ...] = ()
    scribble: Path | None = None
    against: Path | None = None


class Following(Frozen):
    """How what is marked is followed: by SAM 2 video with these weights, where given; and by how many pixels its masks
    then grow; None: by what an edit of Suture's own masks reaches beyond them, and as far as the thing's edge is soft
    in the marked frame."""

    weights: str | None = None
    grow: int | None = 0


def make_mask(media: Path, at: int, marked: Marked, out: Path, following: Following | None = None) -> Masked:
    """A mask of what is marked in frame `at`, followed through the clip and written as FFV1 grey.

    What moves before a still scene is followed by its motion, all else by its look.
    """
    info = check_frame(media, at)
    for place in (marked.box, *marked.points):
        if place is not None:
            _inside(place, info, media)
    how = following or Following()
    way, found = _followed(whole(info), at, marked, how.weights)
    by = how.grow
    if by is None:
        by = feather_width(info.width) + soft_reach(_still(media, at), found.masks.at(at))
    masks = _grown(found.masks, by)
    write_mask(out, masks, info.frames, info.fps)
    mean, largest = masks.coverage
    return Masked(
        media=str(media),
        mask=str(out),
        way=way,
        grown=by,
        frames=masks.frames,
        box=masks.box,
        coverage=Coverage(mean=mean, max=largest),
        confidence=tuple(round(found.confidence[index], 3) for index in range(info.frames)),
        lost=_stretches(found.lost),
    )


def check_frame(media: Path, at: int) -> MediaInfo:
    """The media's probe. Raises BadInput where it has no frame `at`."""
    info = probe(media)
    if not 0 <= at < info.frames:
        raise BadInput(f"{media}: has frames 0 to {info.frames - 1}; --at {at} is none of them")
    return info


def _grown(masks: MaskTrack, by: int) -> MaskTrack:
    """Masks that reach so many pixels further."""
    if by == 0:
        return masks
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    crops = {}
    for index, (box, bits) in masks.crops.items():
        wide = box.grown(by, masks.width, masks.height)
        placed = np.zeros((wide.h, wide.w), np.uint8)
        placed[box.y - wide.y :, box.x - wide.x :][: box.h, : box.w] = bits
        crops[index] = (wide, cv2.dilate(placed, kernel) > 0)
    return MaskTrack(masks.width, masks.height, crops)


def _followed(clip: Clip, at: int, marked: Marked, weights: str | None) -> tuple[Way, Track]:
    """What is marked in frame `at` of a clip, followed through it."""
    first = _first_mask(_still(clip.media, at), marked, at)
    if weights is not None:
        from tools.editors.local.sam import Sam  # noqa: PLC0415 - heavy, and an extra

        return "sam", Sam(weights).follow(clip, at, first)
    if marked.box is not None:
        moving = follow_mover(clip, at, Mark.inside(marked.box, first.shape[1], first.shape[0]))
    elif marked.against is None:
        moving = follow_mover(clip, at, Mark(first, within=False))
    else:
        moving = None
    return ("look", follow(clip, at, first)) if moving is None else ("motion", moving)


def _still(media: Path, at: int) -> Rgb:
    return rgb8(next(frames(Clip(media=media, first=at, last=at))))


def _first_mask(picture: Rgb, marked: Marked, at: int) -> Bits:
    """The mask of the marked frame. Raises BadInput where nothing is marked or differs."""
    if marked.box is not None:
        return mask_from_box(picture, marked.box)
    if marked.scribble is not None:
        return _scribbled(picture, marked.scribble)
    if marked.against is not None:
        return _differing(picture, marked.against, at)
    return mask_from_points(picture, marked.points)


def _scribbled(picture: Rgb, scribble: Path) -> Bits:
    """White or green strokes lie on the thing, red ones on what is not the thing; the rest is black."""
    strokes = _same_size(read_picture(scribble), picture, scribble)
    bright = strokes > HALF
    off = bright[..., 0] & ~bright[..., 1] & ~bright[..., 2]
    on = bright.any(axis=2) & ~off
    if not on.any():
        raise BadInput(f"{scribble}: marks nothing; draw white or green strokes on the thing, on black")
    return mask_from_scribble(picture, on, off)


def _differing(picture: Rgb, clean: Path, at: int) -> Bits:
    is_still = clean.is_file() and picture_kind(clean) is not None
    if not is_still and at >= probe(clean).frames:
        raise BadInput(f"{clean}: has no frame {at} to compare with; give a clip as long as the other, or a picture")
    other = read_picture(clean) if is_still else _still(clean, at)
    found = mask_from_difference(picture, _same_size(other, picture, clean))
    if not found.any():
        raise BadInput(f"{clean}: frame {at} does not differ from it; choose a frame that shows the thing with --at")
    return found


def _same_size(given: Rgb, picture: Rgb, path: Path) -> Rgb:
    if given.shape != picture.shape:
        sizes = [f"{one.shape[1]}x{one.shape[0]}" for one in (given, picture)]
        raise BadInput(f"{path}: {sizes[0]} pixels for a clip of {sizes[1]}; make it the clip's size")
    return given


def _stretches(indices: Collection[int]) -> tuple[tuple[int, int], ...]:
    """First and last of each run of frames."""
    firsts = sorted(i for i in indices if i - 1 not in indices)
    lasts = sorted(i for i in indices if i + 1 not in indices)
    return tuple(zip(firsts, lasts, strict=True))


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
    method: str = "auto",
    grain: bool = True,
) -> Edited:
    """One region edit with one editor; the mask is the exact limit and everything else stays as it is."""
    given_track(mask, probe(media))
    made = gate.inpaint_media(
        media, mask, out, tool=tool, prompt=prompt, references=references, method=method, grain=grain
    )
    return Edited.model_validate({**made, "source": str(media)})


def check(before: Path, after: Path, mask: Path) -> Verdict:
    """The checks of an edit that was made anywhere."""
    info = probe(before)
    probe(after)
    given_track(mask, info)
    return checks.verify(whole(info), after, mask)
