"""Repair sheets: the faulty panel is filled from its siblings and stored as a new version of the sheet.

Every pixel outside the fault is the sheet's own. The original file is never written to; shots that were made from the
panel are named, and those that are right stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from agent.deps import Deps
from agent.panels import panel_pictures, untrusted_places
from agent.schema import Cause, Film, PanelFault, Sheet, SheetVersion
from agent.versions import ShotVersion, Versions
from tools.editors.stills import repair_still
from tools.media.sheets import read_picture, write_picture
from tools.types import Bits, Box, Check, Rgb
from tools.vision.panels import compare_panels

FEATHER = 0.2
"""Share of a fault's longer side by which it is grown before it is filled (at least 5 pixels): no shadow may stay."""


def repair_sheets(
    film: Film, faults: Sequence[PanelFault], causes: Sequence[Cause], deps: Deps
) -> tuple[SheetVersion, ...]:
    """A new version of every sheet with faulty panels, one entry per panel; current only where the fault is gone.

    A fault that is not sure enough to act on is left to a person, who finds it among the causes.
    """
    made: list[SheetVersion] = []
    sure = [fault for fault in faults if fault.confidence >= deps.policy.act]
    for sheet in film.sheets:
        mine = [fault for fault in sure if any(panel.ref == fault.panel for panel in sheet.panels)]
        if mine:
            made += _repair_sheet(film, sheet, mine, causes, deps)
    return tuple(made)


def _repair_sheet(
    film: Film, sheet: Sheet, faults: Sequence[PanelFault], causes: Sequence[Cause], deps: Deps
) -> list[SheetVersion]:
    family = [one for one in film.sheets if one.subject == sheet.subject]
    pictures = panel_pictures(family)
    holes = {panel: _grown(hole) for panel, hole in untrusted_places(film.root, family, faults).items()}
    for place, fault in enumerate(faults):
        pictures[fault.panel] = _repaired(fault, pictures, holes, seed=place)
    whole = read_picture(sheet.image).copy()
    for panel in sheet.panels:
        if panel.ref in holes:
            whole[panel.box.slices][holes[panel.ref]] = pictures[panel.ref][holes[panel.ref]]
    left = _still_faulty(pictures, holes)
    number = Versions(deps.db).next_number(sheet.key, deps.run)
    name = sheet.key.removeprefix("sheet:")
    path = deps.run_folder / "sheets" / f"{name}_v{number:03d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, whole)
    kept = path.relative_to(deps.root).as_posix()
    if not any(left.values()):
        Versions(deps.db).commit(ShotVersion(shot=sheet.key, number=number, path=kept), deps.run)
    return [_version(film, fault, causes, number=number, path=kept, faulty=left[fault.panel]) for fault in faults]


def _grown(hole: Bits) -> Bits:
    box = Box.around(hole)
    by = max(5, round(FEATHER * max(box.w, box.h))) if box else 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(hole.astype(np.uint8), disc), np.bool_)


def _repaired(fault: PanelFault, pictures: dict[str, Rgb], holes: dict[str, Bits], seed: int) -> Rgb:
    """The faulty panel filled from its siblings, those that agree with each other first."""
    siblings = sorted((ref for ref in pictures if ref != fault.panel), key=lambda ref: ref not in fault.agree)
    believed = [(pictures[ref], ~holes.get(ref, np.zeros(pictures[ref].shape[:2], np.bool_))) for ref in siblings]
    return repair_still(pictures[fault.panel], holes[fault.panel], believed, seed)


def _still_faulty(pictures: dict[str, Rgb], holes: dict[str, Bits]) -> dict[str, bool]:
    """Whether the panels, compared again, still disagree where a fault was."""
    seen = compare_panels(pictures)
    return {ref: any(d.panel == ref and bool((d.mask & hole).any()) for d in seen) for ref, hole in holes.items()}


def _version(
    film: Film, fault: PanelFault, causes: Sequence[Cause], *, number: int, path: str, faulty: bool
) -> SheetVersion:
    cause = next((c for c in causes if c.kind == "sheet-panel" and c.ref == fault.panel), None)
    marked = cause.shots if cause else ()
    made_from = [shot.id for shot in film.shots if fault.panel in shot.references]
    downstream = tuple(shot.id for shot in film.shots if shot.id in {*made_from, *marked})
    landed = Check(name="landed", value=float(faulty), limit=0.0, unit="findings", holds=not faulty)
    why = f"{fault.panel} filled from {', '.join(fault.agree)}; its siblings' pixels are untouched"
    return SheetVersion(
        subject=fault.panel.partition("/")[0],
        version=number,
        path=path,
        panel=fault.panel,
        box=fault.box,
        downstream=downstream,
        left_alone=tuple(shot for shot in downstream if shot not in marked),
        why=f"{why}, but the panels still disagree: the old sheet stays current" if faulty else why,
        checks=(landed,),
    )
