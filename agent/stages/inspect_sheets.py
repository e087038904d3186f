"""Inspect sheets: panels that disagree with their siblings, written down as faults."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from agent.deps import Deps
from agent.panels import panel_pictures
from agent.schema import Film, PanelFault, Sheet
from tools.media.sheets import read_picture, write_picture
from tools.vision.panels import PanelDisagreement, compare_panels

MIN_SIBLINGS = 2
"""Panels that must agree against one before it is called faulty; one against one is a draw."""


def inspect_sheets(film: Film, deps: Deps) -> tuple[PanelFault, ...]:
    """Panels whose pixels disagree with siblings that agree among themselves."""
    faults: list[PanelFault] = []
    for subject in dict.fromkeys(sheet.subject for sheet in film.sheets):
        sheets = [sheet for sheet in film.sheets if sheet.subject == subject]
        seen = compare_panels(panel_pictures(sheets))
        decided = [d for d in seen if len(d.agree) >= MIN_SIBLINGS and d.confidence >= deps.policy.report]
        faults += [_fault(sheets, disagreement, deps) for disagreement in decided]
    return tuple(faults)


def _fault(sheets: Sequence[Sheet], seen: PanelDisagreement, deps: Deps) -> PanelFault:
    sheet, panel = next((s, p) for s in sheets for p in s.panels if p.ref == seen.panel)
    height, width = read_picture(sheet.image).shape[:2]
    mask = np.zeros((height, width), dtype=np.uint8)
    mask[panel.box.slices] = np.where(seen.mask, 255, 0)
    box = seen.box._replace(x=seen.box.x + panel.box.x, y=seen.box.y + panel.box.y)
    with TemporaryDirectory(dir=deps.home) as folder:
        file = Path(folder) / "mask.png"
        write_picture(file, np.repeat(mask[..., None], 3, axis=2))
        kept = deps.store.put(file, ".png")
    return PanelFault(
        panel=seen.panel, box=box, mask=kept, agree=seen.agree, confidence=round(seen.confidence, 4), why=seen.why
    )
