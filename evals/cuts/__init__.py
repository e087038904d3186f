"""The cuts suite: films whose joints are known, and what detectors find in them."""

from evals.cuts._edit import CutTruth
from evals.cuts._score import CutScore, score_cuts
from evals.cuts._suite import CutCase, case_names, cut_cases, judged, make_case, run_cuts, summary

__all__ = [
    "CutCase",
    "CutScore",
    "CutTruth",
    "case_names",
    "cut_cases",
    "judged",
    "make_case",
    "run_cuts",
    "score_cuts",
    "summary",
]
