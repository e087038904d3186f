"""Mark origins: a model chooses, among candidates that evidence supports, where an untraced error came from.

Candidates are what the shot is known to have been given: the panels it was made from, the faulty panels of its
characters, and the frame before it in its scene. A choice becomes evidence that the trace reads; a panel that is no
candidate can never be named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from agent.answers import CauseChoice
from agent.claims import quoted
from agent.errors import ModelError
from agent.mind import Mind
from agent.panels import panel_pictures
from agent.schema import Film, Finding, PanelFault, Shot
from agent.shown import Shown, shown
from agent.views import close_up, panel_view
from prompts import Prompt, render
from tools.media.stills import still
from tools.types import SAME_MARK, Evidence

MOST = 4
"""Candidates that one question carries."""


class Candidate(NamedTuple):
    """One possible origin: its kind in words, its reference, and its picture."""

    kind: str
    ref: str
    picture: Shown


class Marked(NamedTuple):
    """The findings, those whose origin was chosen with evidence for it, and notices."""

    findings: tuple[Finding, ...]
    notices: tuple[str, ...] = ()


async def mark_origins(film: Film, findings: Sequence[Finding], faults: Sequence[PanelFault], mind: Mind) -> Marked:
    """Asks about every open finding that no panel's mark explains yet."""
    made, notices = [], []
    for finding in findings:
        try:
            made.append(await _marked(film, finding, faults, mind))
        except ModelError as error:
            made.append(finding)
            notices.append(str(error))
    return Marked(tuple(made), tuple(dict.fromkeys(notices)))


async def _marked(film: Film, finding: Finding, faults: Sequence[PanelFault], mind: Mind) -> Finding:
    explained = any(e.ref.endswith(SAME_MARK) for e in finding.evidence)
    if explained or finding.status != "open" or not finding.mask:
        return finding
    candidates = await asyncio.to_thread(candidates_of, film, finding, faults)
    if not candidates:
        return finding
    prompt, pictures = await asyncio.to_thread(cause_question, film, finding, candidates)
    said = await mind.ask(prompt, CauseChoice, pictures, about=finding.id)
    if said.candidate is None or not 1 <= said.candidate <= len(candidates):
        return finding
    chosen = candidates[said.candidate - 1]
    mark = Evidence(kind="frame" if chosen.kind == "frame" else "panel", ref=chosen.ref + SAME_MARK)
    words = Evidence(kind="text", ref=f"{mind.model}, {prompt.name}@{prompt.version}: {quoted(said.why)}")
    return finding.model_copy(update={"evidence": (mark, *finding.evidence, words)})


def candidates_of(film: Film, finding: Finding, faults: Sequence[PanelFault]) -> list[Candidate]:
    """What evidence supports as an origin. A panel that contradicts the finding is none."""
    shot = next(s for s in film.shots if s.id == finding.shot)
    contradicts = {e.ref for e in finding.evidence if e.kind == "panel"}
    pictures = panel_pictures(film.sheets)
    faulty = [f.panel for f in faults if f.panel.partition("/")[0] in {finding.subject, *shot.characters}]
    refs = [ref for ref in dict.fromkeys((*faulty, *shot.references)) if ref in pictures and ref not in contradicts]
    found = [Candidate("panel", ref, panel_view(ref, pictures[ref])) for ref in refs]
    return [*found, *_chained(film, shot, finding)][:MOST]


def _chained(film: Film, shot: Shot, finding: Finding) -> list[Candidate]:
    """The last frame of the shot before, where the error is there from the first frame on within a scene."""
    place = film.shots.index(shot)
    before = film.shots[place - 1] if place else None
    if before is None or before.scene != shot.scene or shot.scene is None or finding.frames[0] > 0:
        return []
    last = before.clip.frames - 1
    name = f"{before.id}@{last}"
    return [Candidate("frame", name, shown(name, "last frame of the shot before", still(before.clip, last)))]


def cause_question(film: Film, finding: Finding, candidates: Sequence[Candidate]) -> tuple[Prompt, list[Shown]]:
    """trace-cause, with the error close and every candidate."""
    shot = next(s for s in film.shots if s.id == finding.shot)
    lines = [f"Candidate {n}: {c.kind} {c.ref} (picture {n + 1})" for n, c in enumerate(candidates, start=1)]
    words = {"observed": finding.observed, "expected": finding.expected}
    prompt = render("trace-cause", shot=finding.shot, candidates=lines, **words)
    return prompt, [close_up(shot, finding), *(c.picture for c in candidates)]
