"""The cuts suite: films whose joints are known."""

from evals.cuts._edit import CutTruth
from evals.cuts._score import CutScore, score_cuts
from evals.cuts._suite import CutCase, cut_cases

__all__ = ["CutCase", "CutScore", "CutTruth", "cut_cases", "score_cuts"]
