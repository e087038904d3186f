"""From the frames of one shot and trusted panels to places that the panels contradict, agreed on by several frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import cv2
import numpy as np

from tools.media.decode import frames as decoded
from tools.media.pixels import luma8, rgb8
from tools.types import Bits, Box, Clip, Rgb
from tools.vision._compare_difference import (
    Difference,
    carried,
    components,
    difference,
    disc,
    filled,
    moved_only,
    placed,
    show_alike,
)
from tools.vision._compare_register import Floats, Pair, Registration, View, laid_on, register, working_view
from tools.vision.align import Matrix
from tools.vision.motion import working
from tools.vision.region import grab_cut

LEAST_SHARE = 0.4
"""Weighted share of the sampled frames that show a place in which the contradiction must be seen."""
LEAST_AREA = 0.0002
"""Of the frame; smaller things drown in the residual of a registration at working size."""
SMALL = 0.0015
"""Share of the frame under which a place is less sure."""
LARGE = 0.04
"""Share of the frame from which an area may run beyond what the panels can judge."""
SPREADS = 3
"""Times that such an area may run on by half its size."""
MOST_PANELS = 4
"""Panels that are held against a frame: those that register best."""
AROUND = 0.3
"""How far beyond the place where a panel is believed it is laid on a frame, as a share of that place's size."""
DOUBT = 7
"""Pixels at working size by which an untrusted region is grown."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What one panel says about one frame."""

    ref: str
    registration: Registration
    found: Difference


@dataclass(frozen=True, slots=True)
class Laid:
    """A witness with its pictures, which are dropped once the frame is judged."""

    pair: Pair
    witness: Witness

    @property
    def found(self) -> Difference:
        return self.witness.found


@dataclass(frozen=True, slots=True)
class Sighting:
    """One sampled frame with the panels that register: `odd` is where their majority contradicts the frame."""

    index: int
    frame: Rgb
    view: View
    witnesses: tuple[Witness, ...]
    odd: Bits
    judged: Bits
    registered: Mapping[str, Registration]
    """All panels that register, also those that were not laid on it."""

    @property
    def weight(self) -> float:
        """How much the frame's word counts: a blurred one registers with few features and sees worst."""
        return float(np.sqrt(sum(w.registration.inliers for w in self.witnesses)))


def _contradicts(found: Difference, blob: Bits) -> bool:
    """Whether most of what a panel says about a place is no."""
    no, said = found.odd[blob], (found.odd | found.same | found.backdrop)[blob]
    return bool(no.any() and no.sum() > 0.5 * said.sum())


@dataclass(frozen=True, slots=True)
class Place:
    """A contradicted place on the grid of its best frame; `votes` (H, W) and `share` tell how far the frames agree."""

    best: Sighting
    blob: Bits
    votes: Floats
    share: float

    @property
    def against(self) -> tuple[Witness, ...]:
        """The panels that contradict the best frame here."""
        return tuple(w for w in self.best.witnesses if _contradicts(w.found, self.blob))

    @property
    def confidence(self) -> float:
        """More panels, more frames, more contrast, a larger place: surer. One panel alone stays under 0.5.

        On two rendered films whose figures move their arms, gaps between limbs and body had one or two panels against
        them and under 0.001 of the frame; planted things had three and over 0.003.
        """
        contrast = max((float(np.median(w.found.score[self.blob & w.found.odd])) for w in self.against), default=0.0)
        panels = 0.98 - 0.5 ** len(self.against)
        frames = 0.4 + 0.6 * self.share
        size = float(np.clip(self.blob.mean() / SMALL, 0.5, 1))
        return round(float(min(0.97, panels * min(1.0, 0.4 + contrast / 8) * frames * size)), 3)


def sampled(clip: Clip, count: int) -> Iterator[tuple[int, Rgb]]:
    """The sharpest frame (H, W, 3) of each of `count` equal stretches, with its index from the clip's first frame."""
    bounds = np.linspace(0, clip.frames, min(count, clip.frames) + 1).astype(int)[1:]
    best: tuple[float, int, Rgb] | None = None
    part = 0
    for index, frame in enumerate(decoded(clip)):
        sharp = float(np.abs(cv2.Laplacian(working(luma8(frame), 320), cv2.CV_32F)).mean())
        if best is None or sharp > best[0]:
            best = (sharp, index, rgb8(frame))
        if part < len(bounds) and index + 1 >= bounds[part]:
            yield best[1], best[2]
            best, part = None, part + 1


def sightings(index: int, frame: Rgb, views: Mapping[str, View], untrusted: Mapping[str, Bits]) -> Sighting | None:
    """What the panels say about one frame; None when none registers."""
    view = working_view(frame, 640)
    found = {ref: one for ref in views if (one := register(view, views[ref])) is not None}
    best = sorted(found, key=lambda ref: -found[ref].inliers)[:MOST_PANELS]
    laid = [_laid(ref, view, views[ref], untrusted.get(ref), found[ref]) for ref in views if ref in best]
    if not laid:
        return None
    odd, judged = _majority(laid)
    return Sighting(index, frame, view, tuple(one.witness for one in laid), odd, judged, found)


def _majority(laid: list[Laid]) -> tuple[Bits, Bits]:
    """Where most of the panels contradict the frame, and where any says something.

    A panel that shows its backdrop at a place speaks against a mark on the character there. A place that is not ringed
    by agreement (it runs to the frame's edge or a backdrop) counts only when two panels show the same thing there and
    all of it is large and compact: rims and scraps of a backdrop that panels share are neither.
    """
    votes = np.sum([w.found.odd for w in laid], axis=0)
    spoken = np.sum([w.found.odd | w.found.same | w.found.backdrop for w in laid], axis=0)
    odd = np.zeros(votes.shape, np.bool_)
    for blob in components(cast(Bits, (votes > 0) & (2 * votes > spoken))):
        against = [w for w in laid if float(w.found.odd[blob].mean()) > 0.5]
        if all(moved_only(w.pair, blob) for w in against):
            continue
        closed = any(float(w.found.closed[blob].mean()) > 0.5 for w in against)
        shared = any(show_alike(a.pair, b.pair, blob) for a, b in pairwise(against))
        whole = _whole(blob, against) if closed or shared else blob
        if closed or (shared and _massive(whole)):
            odd |= whole
    return odd, cast(Bits, spoken > 0)


def _massive(blob: Bits) -> bool:
    """At least half of `LARGE`, and no band: its thickest place is a good part of its size."""
    radius = float(cv2.distanceTransform(np.pad(blob.astype(np.uint8), 1), cv2.DIST_L2, 3).max())
    return bool(blob.mean() > LARGE / 2 and radius > 0.2 * np.sqrt(blob.sum()))


def _whole(blob: Bits, against: list[Laid]) -> Bits:
    """A blob that runs into the edge of what is believed, grown to all disagreement around it that two panels share."""
    rim = cv2.dilate(blob.astype(np.uint8), disc(3)) > 0
    cut = np.mean([~w.pair.registration.hull[rim] for w in against])
    if cut < 0.02:
        return blob
    speak = np.sum([w.pair.valid for w in against], axis=0)
    votes = np.sum([w.found.beyond for w in against], axis=0)
    wide = cast(Bits, ((votes > 1) & (2 * votes > speak)) | blob)
    wide = cv2.morphologyEx(wide.astype(np.uint8), cv2.MORPH_OPEN, disc(4)) > 0
    parts = [part for part in components(wide) if (part & blob).sum() > 0.5 * min(part.sum(), blob.sum())]
    return filled(cast(Bits, np.logical_or.reduce([blob, *parts])))


def _laid(ref: str, frame: View, panel: View, untrusted: Bits | None, registration: Registration) -> Laid:
    """One panel laid on a frame, its backdrop and untrusted places ignored; only around what it may speak of."""
    believed = Box.around(registration.hull)
    assert believed is not None
    area = believed.grown(int(AROUND * np.sqrt(believed.area)), *frame.size)
    here = registration.within(area)
    backdrop, doubted = (
        carried(mask, here.matrix, (area.w, area.h)) for mask in (panel.backdrop, _doubted(untrusted, panel))
    )
    pair = laid_on(frame.within(area), panel, here)
    found = difference(pair, backdrop, doubted)
    a, b, valid = (placed(part, area, frame.size) for part in (pair.a, pair.b, pair.valid))
    whole = Pair(a, b, valid, registration)
    return Laid(whole, Witness(ref, registration, found.placed(area, frame.size)))


def _doubted(untrusted: Bits | None, panel: View) -> Bits:
    if untrusted is None:
        return np.zeros(panel.backdrop.shape, np.bool_)
    small = cv2.resize(untrusted.astype(np.uint8) * 255, panel.size, interpolation=cv2.INTER_AREA) > 0
    return cv2.dilate(small.astype(np.uint8), np.ones((2 * DOUBT + 1, 2 * DOUBT + 1), np.uint8)) > 0


def gathered(seen: list[Sighting]) -> list[Place]:
    """Contradicted places that enough of the sampled frames share, largest first."""
    proposals = [(one, blob) for one in seen for blob in components(one.odd) if blob.mean() >= LEAST_AREA]
    proposals.sort(key=lambda p: -float(p[1].sum()))
    places: list[Place] = []
    for one, blob in proposals:
        if not any(_overlap(_brought(place.blob, place.best, one), blob) > 0.3 for place in places):
            place = _voted(one, blob, seen)
            if place is not None:
                places.append(place)
    return places


def _voted(one: Sighting, blob: Bits, seen: list[Sighting]) -> Place | None:
    """The place with the votes of all frames, or None when too few share it."""
    votes, asked, weights = blob.astype(np.float32), one.weight, [one.weight]
    for other in seen:
        link = None if other is one else _link(other, one)
        if link is None:
            continue
        judged, odd = (carried(mask, link, one.view.size) for mask in (other.judged, other.odd))
        support = bool(odd[blob].mean() > 0.3)
        if support or judged[blob].mean() > 0.8:
            asked += other.weight
            votes += odd
        if support:
            weights.append(other.weight)
    share = sum(weights) / asked
    if share < LEAST_SHARE or (len(weights) < 2 <= len(seen)):
        return None
    return Place(one, blob, (votes / len(weights)).astype(np.float32), share)


def _link(other: Sighting, one: Sighting) -> Matrix | None:
    """The homography from one frame's grid to another's, through the panel that both register best."""
    shared = [
        (min(a.inliers, one.registered[ref].inliers), a, one.registered[ref])
        for ref, a in other.registered.items()
        if ref in one.registered
    ]
    if not shared:
        return None
    _, a, b = max(shared, key=lambda s: s[0])
    return b.matrix @ a.inverse


def _brought(blob: Bits, source: Sighting, target: Sighting) -> Bits:
    link = np.eye(3) if source is target else _link(source, target)
    return np.zeros_like(blob) if link is None else carried(blob, link, target.view.size)


def _overlap(a: Bits, b: Bits) -> float:
    """Intersection over the smaller of two masks."""
    least = min(a.sum(), b.sum())
    return float((a & b).sum() / least) if least else 0.0


def tight_mask(place: Place) -> Bits:
    """The place's mask at the frame's own size, its edge snapped to the picture's."""
    blob = place.blob & (place.votes > 0.5)
    blob = blob if blob.sum() > 0.5 * place.blob.sum() else place.blob
    if blob.mean() > LARGE:
        return _enlarged(_spread(place, blob), place.best.frame)
    edged = snapped(place.best.frame, _enlarged(blob, place.best.frame))
    return edged | _enlarged(_faint(place, blob), place.best.frame)


def _faint(place: Place, blob: Bits, reach: int = 5, least: float = 1.2) -> Bits:
    """The blob with the weak disagreement that touches it (a shadow, a soft edge), averaged over the panels.

    What lies behind the figure is no part of it: a panel's backdrop is never what a shot shows there.
    """
    behind = np.logical_or.reduce([w.found.backdrop for w in place.against])
    near = (cv2.dilate(blob.astype(np.uint8), disc(reach)) > 0) & ~behind
    score = cv2.blur(np.mean([w.found.score for w in place.against], axis=0), (3, 3))
    parts = components((near & (score > least)) | blob)
    return filled(max(parts, key=lambda part: (part & blob).sum()))


def _enlarged(blob: Bits, frame: Rgb) -> Bits:
    size = (frame.shape[1], frame.shape[0])
    return cv2.resize(blob.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5


def _spread(place: Place, blob: Bits) -> Bits:
    """A large area let run, at working size, to the picture's edges beyond what the panels can judge.

    What a panel confirms stays out. It runs on while an edge is found within reach, and stays where the picture offers
    no plausible one.
    """
    confirmed = np.logical_or.reduce([w.found.same for w in place.best.witnesses])
    known = blob
    for _ in range(SPREADS):
        wider = _one_spread(place.best.view.rgb, known, confirmed)
        if wider is None:
            return known
        grown, known = wider.sum() / known.sum(), wider
        if grown < 1.05:
            return known
    return known


def _one_spread(rgb: Rgb, known: Bits, confirmed: Bits) -> Bits | None:
    """The area moved to the edges within half its size; None when it has to let go of itself or finds no end."""
    far = cv2.distanceTransform((~known).astype(np.uint8), cv2.DIST_L2, 3)
    reach = 0.5 * np.sqrt(known.sum())
    labels = np.where(far < reach, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    labels[known] = cv2.GC_PR_FGD
    labels[cv2.erode(known.astype(np.uint8), disc(6)) > 0] = cv2.GC_FGD
    labels[confirmed & ~known] = cv2.GC_BGD
    rough = grab_cut(rgb, labels)
    cut = cv2.morphologyEx(rough.astype(np.uint8), cv2.MORPH_OPEN, disc(3)) > 0
    cut = filled(max(components(cut), key=lambda part: (part & known).sum(), default=known))
    plausible = (cut & known).sum() > 0.85 * known.sum() and cut.sum() < 3 * known.sum()
    return cut if plausible else None


def snapped(frame: Rgb, coarse: Bits) -> Bits:
    """A coarse mask moved to the nearest edges (GrabCut in a band); the coarse one where the two differ much."""
    box = Box.around(coarse)
    if box is None:
        return coarse
    band = int(np.clip(0.12 * np.sqrt(coarse.sum()), 3, 12))
    area = box.grown(4 * band, frame.shape[1], frame.shape[0])
    inside = coarse[area.slices].astype(np.uint8)
    labels = np.where(inside > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[cv2.erode(inside, disc(band)) > 0] = cv2.GC_FGD
    labels[cv2.dilate(inside, disc(band)) == 0] = cv2.GC_BGD
    cut = grab_cut(frame[area.slices], labels)
    agreement = (cut & (inside > 0)).sum() / max(1, (cut | (inside > 0)).sum())
    full = np.zeros_like(coarse)
    full[area.slices] = cut if agreement > 0.6 else inside > 0
    return full


def reference_of(place: Place, views: Mapping[str, View], untrusted: Mapping[str, Bits]) -> str | None:
    """The panel that shows the same mark at the place: an untrusted one first, then the one most alike."""
    against = {w.ref for w in place.against}
    rated = [
        (_alike(place, ref, views[ref], untrusted.get(ref)), ref)
        for ref in views
        if ref not in against or ref in untrusted
    ]
    alike = [(likeness, ref) for likeness, ref in rated if likeness > 0.6]
    return max(alike)[1] if alike else None


def _alike(place: Place, ref: str, panel: View, untrusted: Bits | None) -> float:
    """Share of the place that the panel shows as the frame does; more than 1 when its fault is known to lie there."""
    registration = register(place.best.view, panel)
    if registration is None:
        return 0.0
    held = _laid(ref, place.best.view, panel, None, registration).witness
    share = float((held.found.same & ~held.found.odd)[place.blob].mean())
    if untrusted is None:
        return share
    doubted = carried(_doubted(untrusted, panel), held.registration.matrix, place.best.view.size)
    return share + float(share > 0.6 and doubted[place.blob].mean() > 0.5)
