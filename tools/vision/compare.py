"""Shots held against the panels of their characters, and shots of one set-up against each other.

A picture that does not register says nothing: loosely similar sheets and storyboards stay silent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import cv2
import numpy as np

from tools.media.decode import frames
from tools.media.pixels import rgb8
from tools.types import Anomaly, Bits, Box, Clip, Evidence, MaskTrack, Rgb
from tools.vision._compare_colours import Oddity, odd_colours, palettes_of
from tools.vision._compare_kin import KIN, related
from tools.vision._compare_marks import marked_by
from tools.vision._compare_register import View, working_view
from tools.vision._compare_setups import Odd, Setting, ShotDigest, digest_shot, odd_places
from tools.vision._compare_shot import Place, gathered, reference_of, sampled, sightings, snapped, tight_mask
from tools.vision._compare_whole import Whole, looks_of, mirrored, odd_look
from tools.vision.track import track

__all__ = [
    "ShotDigest",
    "compare_setups",
    "compare_shot_to_panels",
    "digest_shot",
    "followed",
    "marked_by",
    "picture_at",
]

WORKING = 640
SAMPLES = 4
VIEWS = 24
"""Panels whose features are kept from shot to shot: about 5 MB each."""
WORTH = 0.35
"""Confidence from which a contradicted place is followed through its shot; less is not saved by being seen twice."""
SETTINGS = 2 * (KIN + 1)
"""Shots held at once with their key frames' features; more would save time and cost memory."""
SAME_PLACE = 0.3
"""Box IoU from which two claims of one shot tell of one thing."""
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


def compare_setups(
    digests: Mapping[str, ShotDigest], casts: Mapping[str, Sequence[str]] | None = None
) -> list[tuple[str, Anomaly]]:
    """Differences between shots of one set-up that nothing explains, as (shot id, anomaly), surest first.

    Shots need not be neighbours. Where three or more shots show a place the majority tells which is odd; with two,
    the shot that shows more there is named with confidence under 0.5. `casts` says who is in a shot, where that is
    known: people are held against shots of the same people only. The track holds the mask of one key frame, the seed
    from which `track` follows it.
    """
    setting = lru_cache(maxsize=SETTINGS)(lambda shot: Setting.of(digests[shot]))
    looks = lru_cache(maxsize=4 * SETTINGS)(lambda shot: looks_of(digests[shot]))
    palettes = lru_cache(maxsize=4 * SETTINGS)(lambda shot: palettes_of(digests[shot]))
    claims: list[tuple[str, Anomaly]] = []
    coloured: list[tuple[str, Anomaly]] = []
    found: list[Odd] = []
    for shot, kin in related(digests).items():
        near = kin[:KIN]
        if near:
            found += odd_places(shot, {one: setting(one) for one in (shot, *near)})
        whole = odd_look(shot, {one: looks(one) for one in (shot, *kin)})
        claims += [(shot, _whole_anomaly(whole, digests[shot]))] if whole else []
        company = [one for one in kin if _may_show_the_same(one, shot, casts or {})]
        odd = odd_colours(shot, {one: palettes(one) for one in (shot, *company)})
        coloured += [(shot, _colour_anomaly(one, digests[shot])) for one in odd]
    claims += [(whole.shot, _whole_anomaly(whole, digests[whole.shot])) for whole in mirrored(digests)]
    kept = [odd for odd in found if not any(_outdone(odd, other) for other in found)]
    placed = [(odd.shot, _setup_anomaly(odd, digests[odd.shot])) for odd in kept]
    claims += [(shot, _backed(one, [c for name, c in coloured if name == shot])) for shot, one in placed]
    claims += [c for c in coloured if not any(name == c[0] and _same_place(one, c[1]) for name, one in placed)]
    return sorted(claims, key=lambda claim: -claim[1].confidence)


def _may_show_the_same(one: str, other: str, casts: Mapping[str, Sequence[str]]) -> bool:
    """Whether two shots show the same people, as far as is known."""
    a, b = casts.get(one), casts.get(other)
    return not a or not b or sorted(a) == sorted(b)


def _backed(one: Anomaly, colours: Sequence[Anomaly]) -> Anomaly:
    """Surer, and in their words, where colours alone say the same of the place."""
    for other in (other for other in colours if _same_place(one, other)):
        both = min(0.97, 1 - (1 - one.confidence) * (1 - other.confidence))
        evidence = tuple(dict.fromkeys((*one.evidence, *other.evidence)))
        one = replace(one, confidence=round(both, 3), observed=other.observed, evidence=evidence)
    return one


def _same_place(one: Anomaly, other: Anomaly) -> bool:
    """Boxes that mostly cover each other; their key frames may differ."""
    return one.track.box.iou(other.track.box) > SAME_PLACE


def followed(clip: Clip, found: Anomaly) -> Anomaly:
    """What `compare_setups` saw on one key frame, snapped to the picture's edges and followed through the shot."""
    if found.kind not in {"setup", "colours"}:
        return found
    (index,) = found.track
    mask = snapped(picture_at(clip, index), found.track.at(index))
    return replace(found, track=track(clip, index, mask))


def picture_at(clip: Clip, index: int) -> Rgb:
    """One frame (H, W, 3) of a clip, counted from its first."""
    return rgb8(next(frames(Clip(media=clip.media, first=clip.first + index, last=clip.first + index))))


def _colour_anomaly(odd: Oddity, digest: ShotDigest) -> Anomaly:
    """A finding of the place on one key frame; the more shots agree and the stronger it is, the surer."""
    size = (digest.width, digest.height)
    mask = cv2.resize(odd.blob.astype("float32"), size, interpolation=cv2.INTER_LINEAR) > 0.5
    agreed = len(odd.against)
    strong = min(1.0, 0.4 + odd.size / 30)
    place = min(1.0, 0.6 + odd.share / 0.01)
    confidence = (0.98 - 0.6**agreed) * (0.5 + 0.5 * agreed / odd.asked) * strong * place
    return Anomaly(
        kind="colours",
        track=MaskTrack.of({digest.indices[odd.key]: mask}, *size),
        category="wardrobe" if odd.share > LARGE else "prop",
        expected=f"the colours that {', '.join(odd.against)} show at the place and around it",
        observed=f"a colour that they do not show, ΔE {odd.size:.0f} from the nearest one"
        if odd.gained
        else f"a colour that they show is missing, ΔE {odd.size:.0f} to the nearest one",
        confidence=round(confidence, 3),
        evidence=tuple(Evidence(kind="shot", ref=shot) for shot in odd.against),
    )


def _whole_anomaly(whole: Whole, digest: ShotDigest) -> Anomaly:
    """A finding of all pixels of all frames."""
    full = Box(0, 0, digest.width, digest.height)
    bits = np.ones((digest.height, digest.width), np.bool_)
    others = ", ".join(whole.against)
    turned = whole.kind == "mirrored"
    apart = f"ΔE {whole.size:.1f}, {'uneven over the picture' if whole.uneven else 'even over the picture'}"
    return Anomaly(
        kind=whole.kind,
        track=MaskTrack(digest.width, digest.height, dict.fromkeys(range(digest.frames), (full, bits))),
        category="screen-direction" if turned else "lighting" if whole.uneven or whole.warmer else "colour",
        expected=f"the same way round as {others}" if turned else f"light and colour as in {others}",
        observed="the shot matches the others of its set-up in the mirror only"
        if turned
        else f"the whole shot looks different, {apart}; the others agree among themselves",
        confidence=whole.confidence,
        evidence=tuple(Evidence(kind="shot", ref=shot) for shot in whole.against),
    )


def _outdone(odd: Odd, other: Odd) -> bool:
    """Of two shots that only contradict each other, the one that shows less at the place is not named."""
    undecided = len(odd.against) == len(other.against) == 1
    mutual = other.shot in odd.against and odd.shot in other.against
    return undecided and mutual and (odd.weight, odd.shot) < (other.weight, other.shot)


def _setup_anomaly(odd: Odd, digest: ShotDigest) -> Anomaly:
    size = (digest.width, digest.height)
    mask = cv2.resize(odd.blob.astype("float32"), size, interpolation=cv2.INTER_LINEAR) > 0.5
    decided = len(odd.against) > 1
    contrast = min(1.0, 0.4 + odd.contrast / 50)
    confidence = (0.95 - 0.5 ** len(odd.against)) * contrast if decided else 0.45 * contrast
    return Anomaly(
        kind="setup",
        track=MaskTrack.of({digest.indices[odd.key]: mask}, *size),
        category="set-dressing",
        expected=f"as {', '.join(odd.against)} show the set",
        observed="a place of the set that looks different"
        + ("" if decided else "; no third shot tells which is right"),
        confidence=round(confidence, 3),
        evidence=tuple(Evidence(kind="shot", ref=shot) for shot in odd.against),
    )
