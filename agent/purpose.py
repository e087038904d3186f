"""Whether a finding is repaired by having a thing gone, or by showing something right: erasers do the first only."""

from __future__ import annotations

import re

from agent.film_text import is_negated
from agent.schema import Finding
from tools.types import Category, Purpose

THINGS: frozenset[Category] = frozenset(
    ("prop", "wardrobe", "hair-makeup", "set-dressing", "text", "staging", "time-weather")
)
"""What a thing that should not be there is filed under; of a body, of light or of time nothing is ever just erased."""
CAME = re.compile(r"^something (?:stands there|appears|is there from the start)\b")
"""How the eyes say that a thing is in a stretch of the shot only (`tools.vision._temporal_things`)."""
MARKED = re.compile(r"^a mark that\b")
"""And that a figure carries what its panels do not (`tools.vision.compare`). What is small is a thing; what is large is
a garment, and the right garment is expected in its place."""
LACKS = re.compile(r"\b(missing|lacks?|gone|absent|disappeared|vanished)\b", re.IGNORECASE)
BARE = re.compile(
    r"^(?:the |an? |her |his |its |their )?(?:bare|empty|clear|clean|plain|unmarked|uncovered|free of)\b"
    r"|\b(?:is|are|stays?|be|left) (?:bare|empty|clear|clean|plain|unmarked|uncovered|gone|absent|free of)\b"
    r"|^(?:gone|removed|absent)$|\b(?:what (?:lies|is) behind it|the background|the place behind it)\b",
    re.IGNORECASE,
)
"""Words for a place where nothing stands."""
CLAUSES = re.compile(r"[.,;:!?]\s*|\b(?:and|but)\b", re.IGNORECASE)


def purpose_of(finding: Finding) -> Purpose:
    """ "remove" for a thing that should not be there, where nothing is expected in its place; else "repair"."""
    if finding.category not in THINGS or _is_lacking(finding.observed):
        return "repair"
    stray = CAME.match(finding.observed) or (MARKED.match(finding.observed) and finding.category == "prop")
    return "remove" if stray or _is_nothing(finding.expected) else "repair"


def _is_lacking(observed: str) -> bool:
    """Whether what is wrong is that something is not there."""
    return (
        not CAME.match(observed) and not MARKED.match(observed) and bool(LACKS.search(observed) or is_negated(observed))
    )


def _is_nothing(expected: str) -> bool:
    """Whether all that is expected is that nothing is there."""
    clauses = [clause.strip() for clause in CLAUSES.split(expected) if clause.strip()]
    said = [clause for clause in clauses if not clause.lower().startswith(("as ", "like "))]
    return bool(said) and all(is_negated(clause) or BARE.search(clause) for clause in said)
