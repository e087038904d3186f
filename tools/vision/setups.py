"""Shots of one set-up against each other: places, colours, light and direction in which one is odd.

Shots need not be neighbours: A-B-A cutting is compared across. Where three or more shots show a place the majority
tells which is odd.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import cv2
import numpy as np

from tools.types import Anomaly, Box, Clip, Evidence, MaskTrack
from tools.vision._compare_colours import Oddity, Palettes, Shown, lies_on, odd_colours, palettes_of, shown_alike
from tools.vision._compare_kin import KIN, related
from tools.vision._compare_moment import moment
from tools.vision._compare_setups import Odd, Setting, ShotDigest, digest_shot, odd_places
from tools.vision._compare_shot import snapped
from tools.vision._compare_whole import Whole, looks_of, mirrored, odd_look
from tools.vision.compare import picture_at
from tools.vision.track import track

__all__ = ["Setups", "ShotDigest", "digest_shot", "followed"]

SETTINGS = 2 * (KIN + 1)
"""Shots held at once with their key frames' features; more would save time and cost memory."""
SAME_PLACE = 0.3
"""Box IoU from which two claims of one shot tell of one thing."""
LARGE = 0.05
"""Share of the frame from which a difference is called wardrobe rather than a thing."""
OTHER_LIGHT_COSTS = 0.6
"""Confidence in a place is multiplied by this in a shot that looks different as a whole."""
ONCE = 0.8
"""Confidence in what one key frame shows is multiplied by this where no other one could show it."""
AT_ONCE = 0.5
"""How sure the change itself makes of what one key frame alone shows, where it comes and goes from frame to frame."""
LEAST_ALIKE, OUTVOTED = 2, 3
"""Shots that must show a place as it is before that clears it, and how many times those that show it otherwise."""


@dataclass(frozen=True)
class Setups:
    """The shots of a film, to be compared wherever they show the same set-up.

    `casts` says who is in a shot, where that is known: people are held against shots of the same people only.
    """

    digests: Mapping[str, ShotDigest]
    casts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def kin(self) -> dict[str, tuple[str, ...]]:
        """For each shot the shots that look like its set-up."""
        return related(self.digests)

    def differences(self) -> list[tuple[str, Anomaly]]:
        """Differences between shots of one set-up that nothing explains, as (shot id, anomaly), surest first.

        With two shots of a place the one that shows more there is named, with confidence under 0.5. The track holds
        the mask of one key frame, the seed from which `followed` follows it.
        """
        setting = lru_cache(maxsize=SETTINGS)(lambda shot: Setting.of(self.digests[shot]))
        looks = lru_cache(maxsize=4 * SETTINGS)(lambda shot: looks_of(self.digests[shot]))
        claims: list[tuple[str, Anomaly]] = []
        coloured: list[tuple[str, Anomaly]] = []
        found: list[Odd] = []
        for shot, kin in self.kin.items():
            near = kin[:KIN]
            if near:
                found += odd_places(shot, {one: setting(one) for one in (shot, *near)})
            whole = odd_look(shot, {one: looks(one) for one in (shot, *kin)})
            claims += [(shot, _whole_anomaly(whole, self.digests[shot]))] if whole else []
            odd = odd_colours(shot, self._company(shot))
            coloured += [(shot, _colour_anomaly(one, self.digests[shot])) for one in odd]
        claims += [(whole.shot, _whole_anomaly(whole, self.digests[whole.shot])) for whole in mirrored(self.digests)]
        kept = [odd for odd in found if not any(_outdone(odd, other) for other in found)]
        placed = [(odd.shot, _setup_anomaly(odd, self.digests[odd.shot])) for odd in kept]
        relit = {shot for shot, whole in claims if whole.kind == "look"}
        places = [(shot, _backed(one, [c for name, c in coloured if name == shot])) for shot, one in placed]
        places += [c for c in coloured if not any(name == c[0] and _same_place(one, c[1]) for name, one in placed)]
        claims += [(shot, _doubted(one) if shot in relit else one) for shot, one in places]
        return sorted(claims, key=lambda claim: -claim[1].confidence)

    def clears(self, shot: str, place: MaskTrack, suspects: Collection[str] = ()) -> tuple[str, ...]:
        """The shots of the set-up that show a place of `shot` in the very same colours, where they outvote the rest;
        else none. `suspects` may have the same fault and do not count."""
        alike, unlike = shown_alike(shot, place, self.digests[shot].indices, self._company(shot))
        alike = tuple(other for other in alike if other not in suspects)
        return alike if len(alike) >= max(LEAST_ALIKE, OUTVOTED * len(unlike)) else ()

    def lies_on(self, other: str, place: MaskTrack, shot: str, seed: MaskTrack) -> bool:
        """Whether a place that was followed through `other` lies on the seed of a difference in `shot`."""
        return lies_on(place, self._shown(other), seed, self._shown(shot))

    def _shown(self, shot: str) -> Shown:
        return Shown(self._palettes(shot), self.digests[shot].indices)

    def _company(self, shot: str) -> dict[str, Palettes]:
        """The small colours of a shot and of its kin with the same people."""
        company = [one for one in self.kin[shot] if _may_show_the_same(one, shot, self.casts)]
        return {one: self._palettes(one) for one in (shot, *company)}

    @cached_property
    def _palettes(self) -> Callable[[str], Palettes]:
        return lru_cache(maxsize=4 * SETTINGS)(lambda shot: palettes_of(self.digests[shot]))


def followed(clip: Clip, found: Anomaly) -> Anomaly | None:
    """What `Setups` saw on one key frame, snapped to the picture's edges and followed through the shot.

    None for what one key frame alone shows and that comes or goes little by little, as what moves does.
    """
    if found.kind not in {"setup", "colours", "moment"}:
        return found
    (index,) = found.track
    mask = snapped(picture_at(clip, index), found.track.at(index))
    whole = track(clip, index, mask)
    if found.kind != "moment":
        return replace(found, track=whole)
    stretch = moment(clip, whole, index)
    if stretch is None:
        return None
    first, last = stretch
    crops = {at: crop for at, crop in whole.crops.items() if first <= at <= last}
    words = f"{found.observed}, in frames {first}-{last} only, from one frame to the next"
    confidence = round(min(0.97, 1 - (1 - found.confidence) * (1 - AT_ONCE)), 3)
    kept = MaskTrack(whole.width, whole.height, crops)
    return replace(found, track=kept, observed=words, confidence=confidence)


def _may_show_the_same(one: str, other: str, casts: Mapping[str, Sequence[str]]) -> bool:
    """Whether two shots show the same people, as far as is known."""
    a, b = casts.get(one), casts.get(other)
    return not a or not b or sorted(a) == sorted(b)


def _backed(one: Anomaly, colours: Sequence[Anomaly]) -> Anomaly:
    """Surer, and in their words, where colours alone say the same of the place."""
    for other in (other for other in colours if other.kind == "colours" and _same_place(one, other)):
        both = min(0.97, 1 - (1 - one.confidence) * (1 - other.confidence))
        evidence = tuple(dict.fromkeys((*one.evidence, *other.evidence)))
        one = replace(one, confidence=round(both, 3), observed=other.observed, evidence=evidence)
    return one


def _doubted(one: Anomaly) -> Anomaly:
    """Less sure, in a shot that looks different as a whole."""
    return replace(one, confidence=round(OTHER_LIGHT_COSTS * one.confidence, 3))


def _same_place(one: Anomaly, other: Anomaly) -> bool:
    """Boxes that mostly cover each other; their key frames may differ."""
    return one.track.box.iou(other.track.box) > SAME_PLACE


def _colour_anomaly(odd: Oddity, digest: ShotDigest) -> Anomaly:
    """A finding of the place on one key frame; the more shots agree and the stronger it is, the surer.

    Weighed on fifteen films of the tune split (seeds 303 and 404): of what several key frames show and two shots or
    more contradict, without a declared change, 31 of 37 claims were true, with two shots against it no fewer than with
    three.
    """
    size = (digest.width, digest.height)
    mask = cv2.resize(odd.blob.astype("float32"), size, interpolation=cv2.INTER_LINEAR) > 0.5
    agreed, others = len(odd.against), ", ".join(odd.against)
    strong = min(1.0, 0.5 + odd.size / 30 + odd.share)
    place = min(1.0, 0.6 + odd.share / 0.01)
    seen = ONCE if odd.once else 1.0
    confidence = (0.98 - 0.4**agreed) * (0.45 + 0.55 * agreed / odd.asked) * strong * place * seen
    return Anomaly(
        kind="moment" if odd.passing else "colours",
        track=MaskTrack.of({digest.indices[odd.key]: mask}, *size),
        category="wardrobe" if odd.share > LARGE else "prop",
        expected=f"the colours that {others} show at the place and around it",
        observed=f"a colour that {others} do not show, ΔE {odd.size:.0f} from the nearest one"
        if odd.gained
        else f"a colour that {others} show is missing, ΔE {odd.size:.0f} to the nearest one",
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
