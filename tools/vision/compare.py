"""Shots held against the panels of their characters, and shots of one set-up against each other.

A picture that does not register says nothing: loosely similar sheets and storyboards stay silent.
"""

from __future__ import annotations

from collections.abc import Mapping

from tools.types import Anomaly, Bits, Clip, Evidence, MaskTrack, Rgb
from tools.vision._compare_register import working_view
from tools.vision._compare_shot import Place, gathered, reference_of, sampled, sightings, tight_mask
from tools.vision.track import track

WORKING = 640
SAMPLES = 8
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
    views = {ref: working_view(picture, WORKING) for ref, picture in panels.items()}
    seen = [sightings(index, frame, views, doubts) for index, frame in sampled(clip, SAMPLES)]
    places = gathered([one for one in seen if one is not None])
    return [_anomaly(clip, place, reference_of(place, views, doubts)) for place in places]


def _anomaly(clip: Clip, place: Place, reference: str | None) -> Anomaly:
    followed: MaskTrack = track(clip, place.best.index, tight_mask(place))
    refs = sorted(w.ref for w in place.against)
    return Anomaly(
        kind="panel",
        track=followed,
        category="wardrobe" if followed.coverage[1] > LARGE else "prop",
        expected=f"as {', '.join(refs)} show it",
        observed="a mark that none of them shows" + (f", but {reference} does" if reference else ""),
        confidence=place.confidence,
        evidence=tuple(Evidence(kind="panel", ref=ref) for ref in refs + ([reference] if reference else [])),
        subject=refs[0].split("/")[0] if "/" in refs[0] else None,
        reference=reference,
    )
