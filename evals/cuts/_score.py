"""Found shots against the truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from evals.cuts._edit import CutTruth
from tools.types import Frozen

TOLERANCE = 2


class CutScore(Frozen):
    """Counts of joints, and for gradual ones that were found how well their extent agrees (mean of IoU)."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    gradual: int = 0
    extent_iou: float = 0.0

    @property
    def precision(self) -> float:
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 1.0

    @property
    def recall(self) -> float:
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 1.0

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def score_cuts(truth: Sequence[CutTruth], found: Sequence[CutTruth], tolerance: int = TOLERANCE) -> CutScore:
    """True and false joints: each truth takes the nearest opening within `tolerance` frames, or within its stretch."""
    pairs, left = matched(truth, found, tolerance)
    extents = [_iou(t.over, f.over) for t, f in pairs if t.over and f]
    return CutScore(
        tp=sum(f is not None for _, f in pairs),
        fp=len(left),
        fn=sum(f is None for _, f in pairs),
        gradual=len(extents),
        extent_iou=sum(extents) / len(extents) if extents else 0.0,
    )


def matched(
    truth: Sequence[CutTruth], found: Sequence[CutTruth], tolerance: int = TOLERANCE
) -> tuple[list[tuple[CutTruth, CutTruth | None]], list[CutTruth]]:
    """Every true joint with what was found for it, and the found ones that are none."""
    left = list(found)
    pairs: list[tuple[CutTruth, CutTruth | None]] = []
    for joint in truth:
        first, last = joint.over or (joint.frame, joint.frame)
        near = [one for one in left if first - tolerance <= one.frame <= last + tolerance]
        best = min(near, key=lambda one: abs(one.frame - joint.frame), default=None)
        if best is not None:
            left.remove(best)
        pairs.append((joint, best))
    return pairs, left


def total(scores: Iterable[CutScore]) -> CutScore:
    """The sum over films; extents weigh by joint."""
    scores = list(scores)
    gradual = sum(score.gradual for score in scores)
    return CutScore(
        tp=sum(score.tp for score in scores),
        fp=sum(score.fp for score in scores),
        fn=sum(score.fn for score in scores),
        gradual=gradual,
        extent_iou=sum(score.extent_iou * score.gradual for score in scores) / gradual if gradual else 0.0,
    )


def _iou(a: tuple[int, int], b: tuple[int, int] | None) -> float:
    if b is None:
        return 0.0
    both = min(a[1], b[1]) - max(a[0], b[0]) + 1
    return max(0, both) / (a[1] - a[0] + b[1] - b[0] + 2 - max(0, both))
