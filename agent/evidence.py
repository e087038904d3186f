"""Measures everything the decision rule looks at, for one region of one shot."""

from __future__ import annotations

from collections.abc import Iterable

from agent.schema import Film, Finding, Keeper, RegionEvidence
from tools.media.masks import read_track
from tools.types import Clip, MaskTrack
from tools.vision.measure import measure_region


def region_evidence(clip: Clip, track: MaskTrack, keeper: Keeper) -> RegionEvidence:
    """Coverage, motion, what other frames show, sharpness: measured on the pixels of `clip` under `track`."""
    measured = measure_region(clip, track)
    return RegionEvidence(
        frames=track.frames,
        shot_frames=clip.frames,
        in_view=stays_in_view(track, clip.frames),
        coverage_mean=track.coverage[0],
        coverage_max=track.coverage[1],
        motion=measured.motion,
        revealed=measured.revealed,
        sharpness=measured.sharpness,
        keeper=keeper,
    )


def track_of(film: Film, finding: Finding) -> MaskTrack:
    """The finding's region, read from its mask file."""
    assert finding.mask is not None, f"{finding.id} has no mask"
    return read_track(film.root / finding.mask)


def keeper(frames: int, others: Iterable[Finding]) -> Keeper:
    """1 − the share of the shot's frames that carry another open fault outside the region."""
    open_faults = [other for other in others if other.status == "open"]
    bad = {index for other in open_faults for index in range(other.frames[0], other.frames[1] + 1)}
    named = tuple(f"{o.category} at frames {o.frames[0]}-{o.frames[1]}" for o in open_faults)
    return Keeper(score=1 - len(bad) / frames, faults=named)


def stays_in_view(track: MaskTrack, frames: int) -> bool:
    """Whether the place is still in the picture where the region begins or stops inside the shot.

    A region that enters or leaves through the edge of the frame has no frames around it that show the place; one that
    starts or stops in the middle of the picture has. Extrapolated two frames ahead by the region's own speed.
    """
    first, last = track.frames
    inner = [(first, 1)] if first > 0 else []
    inner += [(last, -1)] if last < frames - 1 else []
    return bool(inner) and all(_far_from_edge(track, index, step) for index, step in inner)


def _far_from_edge(track: MaskTrack, index: int, step: int) -> bool:
    box = track.crops[index][0]
    inward = track.crops.get(index + step, track.crops[index])[0]
    dx, dy = 2 * (box.x - inward.x), 2 * (box.y - inward.y)
    centre_x, centre_y = box.x + dx + box.w / 2, box.y + dy + box.h / 2
    touches = box.x <= 1 or box.y <= 1 or box.x + box.w >= track.width - 1 or box.y + box.h >= track.height - 1
    inside = 0 < centre_x < track.width and 0 < centre_y < track.height
    moving_out = touches and (abs(dx) + abs(dy)) > 0.01 * (track.width + track.height)
    return inside and not moving_out
