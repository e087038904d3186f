"""Judge a repair: a model sees the place before and after, in both orders and without being told which is which.

Its word can fail a repair that the measured checks passed, where it says the same in both orders. It can never pass one
that they failed: it is not asked about those.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from agent.answers import RepairLook
from agent.claims import quoted
from agent.errors import ModelError
from agent.mind import Mind
from agent.panels import panel_pictures
from agent.schema import Film, Finding
from agent.shown import Shown, shown
from agent.views import panel_view
from prompts import Prompt, render
from tools.media.stills import still, surround
from tools.types import SAME_MARK, Clip, Frozen, Verdict

MOST = 3
"""Findings of a take that are looked at close."""
REFERENCES = 2


class Judged(Frozen):
    """What the model says of a take: whether it fails it, and its words for the attempt."""

    fails: bool
    words: str


async def judge_repair(film: Film, findings: Sequence[Finding], before: Clip, take: Clip, mind: Mind) -> Judged:
    """The model's judgement of one take; a model that cannot be asked fails nothing and says so."""
    faults: list[str] = []
    try:
        for finding in findings[:MOST]:
            faults += await _faults(film, finding, before, take, mind)
    except ModelError as error:
        return Judged(fails=False, words=f"no model judged it: {error}")
    prompt = _prompt(findings[0], [])
    by = f"{mind.model}, {prompt.name}@{prompt.version}, asked in both orders"
    return Judged(
        fails=bool(faults), words=f"{by}: {'; '.join(faults) or 'the fault is gone and nothing new is there'}"
    )


async def _faults(film: Film, finding: Finding, before: Clip, take: Clip, mind: Mind) -> list[str]:
    """What both orders agree is wrong with the take at a finding's place."""
    pictures = await asyncio.to_thread(repair_pictures, film, finding, before, take)
    references = pictures[2:]
    prompt = _prompt(finding, list(range(3, 3 + len(references))))
    straight = await mind.ask(prompt, RepairLook, pictures, about=finding.id)
    swapped = await mind.ask(prompt, RepairLook, [pictures[1], pictures[0], *references], about=finding.id)
    one = _against(straight.second_shows_fault, straight.second_shows_expected, straight.new_in_second)
    two = _against(swapped.first_shows_fault, swapped.first_shows_expected, swapped.new_in_first)
    return [one[kind] for kind in one if kind in two]


def _against(fault: str, expected: str, new: str | None) -> dict[str, str]:
    """What an answer holds against a state, by kind."""
    said = {}
    if fault == "yes":
        said["fault"] = "the fault is still there"
    if expected == "no":
        said["expected"] = "what should be there is not"
    if new is not None and new.strip():
        said["new"] = f"new: {quoted(new)}"
    return said


def _prompt(finding: Finding, references: list[int]) -> Prompt:
    words = {"observed": finding.observed, "expected": finding.expected}
    return render("judge-repair", shot=finding.shot, pairs=["Pictures 1 and 2"], references=references, **words)


def repair_pictures(film: Film, finding: Finding, before: Clip, take: Clip) -> list[Shown]:
    """The place before and after, cut alike and named alike, then the panels that show it right."""
    index = sum(finding.frames) // 2
    states = []
    for clip in (before, take):
        picture = still(clip, index)
        height, width = picture.shape[:2]
        area = surround(finding.box, width, height)
        states.append(shown(f"{finding.shot}@{index}", "one place in one of two states", picture, area))
    right = [e.ref for e in finding.evidence if e.kind == "panel" and not e.ref.endswith(SAME_MARK)]
    panels = panel_pictures(sheet for sheet in film.sheets if sheet.subject == finding.subject)
    shown_right = [ref for ref in dict.fromkeys(right) if ref in panels][:REFERENCES]
    return [*states, *(panel_view(ref, np.ascontiguousarray(panels[ref])) for ref in shown_right)]


def with_judgement(verdict: Verdict, judged: Judged) -> Verdict:
    """The verdict, failed where the model fails the take: the repair has not landed."""
    if not judged.fails:
        return verdict
    checks = tuple(
        check.model_copy(update={"holds": False, "value": max(1.0, check.value), "note": judged.words})
        if check.name == "landed"
        else check
        for check in verdict.checks
    )
    return Verdict(verdict="fail", checks=checks)
