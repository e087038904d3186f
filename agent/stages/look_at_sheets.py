"""Look at sheets: a model names panels that disagree with their siblings; measurement says how far it is believed.

A disagreement becomes a fault to repair only where pixels support it: the panel measured as faulty already, or a
sibling that registers at the place and differs there. One that nothing measured is kept as a fault nobody acts on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from agent.answers import Disagreement, SheetLook
from agent.claims import ALONE, MEASURED, MOST_ALONE, quoted
from agent.deps import Deps
from agent.errors import ModelError
from agent.mind import Mind
from agent.panels import panel_pictures
from agent.schema import Film, PanelFault, Sheet
from agent.shown import Shown
from agent.views import panel_views
from prompts import Prompt, render
from tools.media.sheets import read_picture, write_picture
from tools.types import Bits, Box, Rgb
from tools.vision.claims import agreement, thing_in

MIN_SIBLINGS = 2
"""Panels that must agree against one; one against one is a draw, unless what is written decides."""
MOST_PANELS = 9
SURER = 4.0
"""What a model's word multiplies the odds of a fault by that was measured already."""


class SheetsLooked(NamedTuple):
    """All faults, and what a reader should know of how they were looked for."""

    faults: tuple[PanelFault, ...]
    notices: tuple[str, ...] = ()
    contradicted: int = 0


async def look_at_sheets(film: Film, faults: Sequence[PanelFault], mind: Mind, deps: Deps) -> SheetsLooked:
    """The measured faults, judged, with what the model alone saw."""
    known, notices, contradicted = list(faults), [], 0
    for subject in dict.fromkeys(sheet.subject for sheet in film.sheets):
        sheets = [sheet for sheet in film.sheets if sheet.subject == subject]
        prompt, pictures = await asyncio.to_thread(sheet_question, subject, sheets)
        if len(pictures) < MIN_SIBLINGS:
            continue
        try:
            said = await mind.ask(prompt, SheetLook, pictures, about=f"sheet:{subject}")
        except ModelError as error:
            notices.append(str(error))
            continue
        by = f"{mind.model}, {prompt.name}@{prompt.version}"
        contradicted += await asyncio.to_thread(_take_in, said, known, _Sheets.of(sheets, pictures), by, deps)
    return SheetsLooked(tuple(known), tuple(notices), contradicted)


def sheet_question(subject: str, sheets: Sequence[Sheet]) -> tuple[Prompt, list[Shown]]:
    """inspect-sheet, with every panel of the subject."""
    pictures = list(panel_views(sheets).values())[:MOST_PANELS]
    canon = " ".join(dict.fromkeys(sheet.canon for sheet in sheets if sheet.canon))
    return render("inspect-sheet", subject=subject, canon=canon, panels=[p.name for p in pictures]), pictures


class _Sheets(NamedTuple):
    """A subject's sheets, its panels' pictures by reference, and how they were shown."""

    sheets: Sequence[Sheet]
    pictures: Mapping[str, Rgb]
    shown: Mapping[str, Shown]

    @classmethod
    def of(cls, sheets: Sequence[Sheet], pictures: Sequence[Shown]) -> _Sheets:
        return cls(sheets, panel_pictures(sheets), {picture.name: picture for picture in pictures})


def _take_in(said: SheetLook, known: list[PanelFault], at: _Sheets, by: str, deps: Deps) -> int:
    """Adds what was said to the faults that are known; how many claims measurement contradicts."""
    contradicted = 0
    for one in said.disagreements:
        if one.panel not in at.shown:
            continue
        box = at.shown[one.panel].to_source(one.box.box)
        twin = next((f for f in known if f.panel == one.panel and _meets(_on_panel(f, at), box)), None)
        if twin is not None:
            known[known.index(twin)] = _surer(twin, one, by)
            continue
        agree = [ref for ref in dict.fromkeys(one.agree) if ref in at.pictures and ref != one.panel]
        worth = _worth(one, box, agree, at)
        if worth is None:
            contradicted += 1
        elif worth >= deps.policy.report:
            mask = thing_in(at.pictures[one.panel], box, at.pictures[agree[0]] if agree else None)
            known.append(_fault(one, mask, agree, _Kept(at, worth, by, deps)))
    return contradicted


def _on_panel(fault: PanelFault, at: _Sheets) -> Box:
    panel = next(p for sheet in at.sheets for p in sheet.panels if p.ref == fault.panel)
    return fault.box._replace(x=fault.box.x - panel.box.x, y=fault.box.y - panel.box.y)


def _meets(one: Box, other: Box) -> bool:
    return one.common(other) >= 0.3 * min(one.area, other.area)


def _surer(fault: PanelFault, said: Disagreement, by: str) -> PanelFault:
    odds = SURER * fault.confidence / max(1e-6, 1 - fault.confidence)
    words = f"{fault.why}; {by}: “{quoted(said.observed)}”, where it should be “{quoted(said.expected)}”"
    return fault.model_copy(update={"confidence": round(odds / (1 + odds), 4), "why": words})


def _worth(said: Disagreement, box: Box, agree: Sequence[str], at: _Sheets) -> float | None:
    """What the claim is worth; None where a sibling that is said to differ shows the very same."""
    found = {ref: agreement(at.pictures[said.panel], box, at.pictures[ref]) for ref in agree}
    if "same" in found.values():
        return None
    if "different" in found.values() and len(agree) >= MIN_SIBLINGS:
        return MEASURED * said.confidence
    return min(MOST_ALONE, ALONE * said.confidence)


class _Kept(NamedTuple):
    """What a fault is written down with."""

    at: _Sheets
    worth: float
    by: str
    deps: Deps


def _fault(said: Disagreement, mask: Bits, agree: Sequence[str], kept: _Kept) -> PanelFault:
    sheet, panel = next((s, p) for s in kept.at.sheets for p in s.panels if p.ref == said.panel)
    around = Box.around(mask)
    assert around is not None, "a snapped thing has pixels"
    return PanelFault(
        panel=said.panel,
        box=around._replace(x=around.x + panel.box.x, y=around.y + panel.box.y),
        mask=_stored(mask, panel.box, read_picture(sheet.image).shape[:2], kept.deps),
        agree=tuple(agree),
        confidence=round(kept.worth, 4),
        why=f"{kept.by}: “{quoted(said.observed)}”, where {', '.join(agree) or 'what is written'} has "
        f"“{quoted(said.expected)}”",
    )


def _stored(mask: Bits, panel: Box, size: tuple[int, int], deps: Deps) -> str:
    """The mask as a still picture of the sheet's size, in the store."""
    whole = np.zeros((*size, 3), np.uint8)
    whole[panel.slices][mask] = 255
    with TemporaryDirectory(dir=deps.home) as folder:
        file = Path(folder) / "mask.png"
        write_picture(file, whole)
        return deps.store.put(file, ".png")
