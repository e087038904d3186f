"""Shots held against the panels of their characters.

A picture that does not register says nothing: loosely similar sheets and storyboards stay silent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.types import Anomaly, Bits, Clip, Evidence, MaskTrack, Rgb
from tools.vision._compare_marks import AS_MUCH, marked_by
from tools.vision._compare_register import View, working_view
from tools.vision._compare_shot import Place, gathered, reference_of, sampled, sightings, tight_mask
from tools.vision.track import track

__all__ = ["AS_MUCH", "compare_shot_to_panels", "marked_by", "picture_at"]

WORKING = 640
SAMPLES = 4
VIEWS = 24
"""Panels whose features are kept from shot to shot: about 5 MB each."""
WORTH = 0.35
"""Confidence from which a contradicted place is followed through its shot; less is not saved by being seen twice."""
LARGE = 0.05
"""Share of the frame from which a difference is called wardrobe rather than a thing."""


def compare_shot_to_panels(
    clip: Clip, panels: Mapping[str, Rgb], untrusted: Mapping[str, Bits] | None = None
) -> list[Anomaly]:
    """Places of a shot that its character's panels contradict, each followed through the whole shot.

    `panels` are pictures (H, W, 3) by reference ("mara/face"); `untrusted` are full-size masks of places where a panel
    is known to be wrong: they do not speak, but a fault they share with the shot is named in `Anomaly.reference`.
    """
    doubts = untrusted or {}
    views = {ref: _view_of(_Picture.of(picture)) for ref, picture in panels.items()}
    seen = [sightings(index, frame, views, doubts) for index, frame in sampled(clip, SAMPLES)]
    places = [one for one in gathered([one for one in seen if one is not None]) if one.confidence >= WORTH]
    return [_anomaly(clip, place, reference_of(place, views, doubts)) for place in places]


@dataclass(frozen=True, slots=True)
class _Picture:
    """A panel's picture (H, W, 3), alike when its pixels are."""

    content: bytes
    rgb: Rgb = field(compare=False, repr=False)

    @classmethod
    def of(cls, rgb: Rgb) -> _Picture:
        return cls(hashlib.sha256(repr(rgb.shape).encode() + rgb.tobytes()).digest(), rgb)


@lru_cache(maxsize=VIEWS)
def _view_of(panel: _Picture) -> View:
    return working_view(panel.rgb, WORKING)


def _anomaly(clip: Clip, place: Place, reference: str | None) -> Anomaly:
    followed: MaskTrack = track(clip, place.best.index, tight_mask(place))
    refs = sorted(w.ref for w in place.against)
    return Anomaly(
        kind="panel",
        track=followed,
        category="wardrobe" if followed.coverage[1] > LARGE else "prop",
        expected=f"as {', '.join(refs)} show it",
        observed=f"a mark that {reference} carries and the other panels do not"
        if reference
        else "a mark that no panel shows",
        confidence=place.confidence,
        evidence=tuple(Evidence(kind="panel", ref=ref) for ref in refs + ([reference] if reference else [])),
        subject=refs[0].split("/")[0] if "/" in refs[0] else None,
        reference=reference,
    )


def picture_at(clip: Clip, index: int) -> Rgb:
    """One frame (H, W, 3) of a clip, counted from its first."""
    return rgb8(next(frames(Clip(media=clip.media, first=clip.first + index, last=clip.first + index))))
