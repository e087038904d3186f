"""From donors to one fill: a mean weighted by expected error, and trust calibrated on holes whose truth is known.

No one way of filling wins everywhere. Next to each hole the same shape is hidden where the picture is known; how every
way does there, against what its ring promised, scales its error before the ways are weighed against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tools.editors.local.cleanplate.donors import Donor, Source, Target
from tools.editors.local.cleanplate.fields import Field, square_mean
from tools.types import Bits

SOURCES: tuple[Source, ...] = ("plane", "flow", "reference")
LEAST_RATIO, MOST_RATIO = 0.3, 12.0


@dataclass(frozen=True, slots=True)
class Trust:
    """How each way's true squared error compares with its expectation: donors' grade, the spatial fill's roughness."""

    plane: float = 1.0
    flow: float = 1.0
    reference: float = 1.0
    spatial: float = 1.0

    def of(self, source: Source) -> float:
        return {"plane": self.plane, "flow": self.flow, "reference": self.reference}[source]


@dataclass(frozen=True, slots=True)
class Fused:
    """A fill, where donors reach, the squared error expected of it there, and how much of it donors supply (0 to 1)."""

    codes: Field
    reached: Bits
    error: Field
    share: Field


def borrowed(found: Sequence[Donor], trust: Trust) -> Fused | None:
    """The donors' weighted mean; None without donors. Pixels that no donor reaches are not `reached`."""
    if not found:
        return None
    codes = np.stack([donor.codes for donor in found])
    valid = np.stack([donor.valid for donor in found])
    errors = np.stack(_expected(found, trust))
    weight = valid / errors**2
    total = weight.sum(axis=0)
    mean = np.einsum("nhwc,nhw->hwc", codes, weight) / np.maximum(total, 1e-12)[..., None]
    apart = np.stack([square_mean(c - mean) for c in codes])
    dispersion = (apart * weight).sum(axis=0) / np.maximum(total, 1e-12)
    promised = valid.sum(axis=0) / np.maximum((valid / errors).sum(axis=0), 1e-9)
    reached = np.asarray(valid.any(axis=0), np.bool_)
    return Fused(mean.astype(np.float32), reached, promised + dispersion, np.asarray(reached, np.float32))


def _expected(found: Sequence[Donor], trust: Trust) -> list[Field]:
    """Every donor's expected squared error, with frames held against the reference where there is one.

    What a frame shows in the place of a worn thing may fit the ring and still be the wall behind; a reference was given
    because it shows the thing. A frame that differs from it by d is off by at least d² less the reference's own error.
    """
    errors = [donor.error * trust.of(donor.source) for donor in found]
    named = [(donor, error) for donor, error in zip(found, errors, strict=True) if donor.source == "reference"]
    for reference, own in named[:1]:
        for index, donor in enumerate(found):
            if donor.source != "reference":
                apart = cv2.GaussianBlur(square_mean(donor.codes - reference.codes), (0, 0), 2.0)
                errors[index] = np.maximum(errors[index], np.where(reference.valid, apart - own, 0))
    return errors


def weighed(fused: Fused | None, spatial: Field, roughness: float, trust: Trust) -> Fused:
    """Borrowed and grown pixels, each by the inverse square of its expected error; a clear winner takes all."""
    if fused is None:
        nothing = np.zeros(spatial.shape[:2], np.float32)
        return Fused(spatial, nothing > 0, np.full_like(nothing, roughness * trust.spatial), nothing)
    grown_error = roughness * trust.spatial
    lean = 1.0 / (1.0 + (fused.error / grown_error) ** 2)
    share = (np.clip((lean - 0.15) / 0.7, 0, 1) * fused.reached).astype(np.float32)
    codes = fused.codes * share[..., None] + spatial * (1 - share[..., None])
    error = fused.error * share + grown_error * (1 - share)
    return Fused(codes.astype(np.float32), fused.reached, error.astype(np.float32), share)


@dataclass(slots=True)
class Tally:
    """Sums of true and promised squared error per way, over holes whose truth is known."""

    true: dict[str, float]
    promised: dict[str, float]

    @classmethod
    def empty(cls) -> Tally:
        return cls(dict.fromkeys((*SOURCES, "spatial"), 0.0), dict.fromkeys((*SOURCES, "spatial"), 0.0))

    def count(self, way: str, true: float, promised: float) -> None:
        self.true[way] += true
        self.promised[way] += promised

    def trust(self) -> Trust:
        ratios = {way: self._ratio(way) for way in self.true}
        return Trust(**ratios)

    def _ratio(self, way: str) -> float:
        if self.promised[way] <= 0:
            return 1.0
        return float(np.clip(self.true[way] / self.promised[way], LEAST_RATIO, MOST_RATIO))


def score(tally: Tally, truth: Target, found: Sequence[Donor], spatial: Field, rough: float) -> None:
    """Adds one hidden hole to the tally. `truth` holds the true codes in its hole too."""
    for source in SOURCES:
        fused = borrowed([d for d in found if d.source == source], Trust())
        if fused is not None:
            spot = truth.hole & fused.reached
            true = square_mean(fused.codes - truth.codes)[spot]
            tally.count(source, float(true.sum()), float(fused.error[spot].sum()))
    true = square_mean(spatial - truth.codes)[truth.hole]
    tally.count("spatial", float(true.sum()), rough * float(true.size))
