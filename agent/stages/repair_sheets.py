"""Repair sheets: a faulty panel is put right by the editor that the router chooses, and stored as a new version.

A panel is a clip of one frame: free editors borrow from its siblings, image editors are asked like any other provider.
Every pixel outside the fault is the sheet's own. The original file is never written to; shots that were made from the
panel are named, and those that are right stay as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from agent.briefing import plan_edit
from agent.deps import Deps
from agent.errors import OverBudget
from agent.fill_words import fill_of, fill_prompt
from agent.panels import panel_pictures, untrusted_places
from agent.schema import Attempt, Candidate, Cause, Film, Finding, PanelFault, Sheet, SheetVersion, Shot
from agent.stages import edit as editing
from agent.stages import route as routing
from agent.state import Route
from agent.versions import ShotVersion, Versions
from tools.errors import BadInput, EditorError
from tools.media.sheets import read_picture, write_picture
from tools.types import Bits, Box, Check, Clip, Edit, Reference, Rgb
from tools.vision.panels import compare_panels

FEATHER = 0.2
"""Share of a fault's longer side by which it is grown before it is filled (at least 5 pixels): no shadow may stay."""
TRIES = 2
"""Editors that are tried at one panel."""


async def repair_sheets(
    film: Film, faults: Sequence[PanelFault], causes: Sequence[Cause], deps: Deps
) -> tuple[SheetVersion, ...]:
    """A new version of every sheet with faulty panels, one entry per panel; current only where the fault is gone.

    A fault that is not sure enough to act on is left to a person, who finds it among the causes. Safe to repeat: what
    was paid for is found in the ledger.
    """
    made: list[SheetVersion] = []
    sure = [fault for fault in faults if fault.confidence >= deps.policy.act]
    for sheet in film.sheets:
        mine = [fault for fault in sure if any(panel.ref == fault.panel for panel in sheet.panels)]
        if mine:
            made += await _repair_sheet(film, sheet, mine, causes, deps)
    return tuple(made)


@dataclass(slots=True)
class _Bench:
    """One sheet under repair: its panels' pictures as they stand, and where they are wrong."""

    film: Film
    sheet: Sheet
    pictures: dict[str, Rgb]
    holes: dict[str, Bits]
    tried: dict[str, list[Attempt]] = field(default_factory=dict)

    def faulty(self, panel: str) -> bool:
        """Whether a panel, compared again, still disagrees with its siblings where it was wrong."""
        return any(d.panel == panel and bool((d.mask & self.holes[panel]).any()) for d in compare_panels(self.pictures))


async def _repair_sheet(
    film: Film, sheet: Sheet, faults: Sequence[PanelFault], causes: Sequence[Cause], deps: Deps
) -> list[SheetVersion]:
    family = [one for one in film.sheets if one.subject == sheet.subject]
    holes = {panel: _grown(hole) for panel, hole in untrusted_places(film.root, family, faults).items()}
    bench = _Bench(film, sheet, panel_pictures(family), holes)
    for fault in faults:
        await _repair_panel(bench, fault, deps)
    left = {fault.panel: await asyncio.to_thread(bench.faulty, fault.panel) for fault in faults}
    number = Versions(deps.db).next_number(sheet.key, deps.run)
    path = await asyncio.to_thread(_written, bench, number, deps)
    kept = path.relative_to(deps.root).as_posix()
    if not any(left.values()):
        made = ShotVersion(shot=sheet.key, number=number, path=kept)
        Versions(deps.db).commit(made, deps.run, rehearsed=deps.options.rehearse)
    return [_version(bench, fault, causes, number=number, path=kept, faulty=left[fault.panel]) for fault in faults]


def _written(bench: _Bench, number: int, deps: Deps) -> Path:
    whole = read_picture(bench.sheet.image).copy()
    for panel in bench.sheet.panels:
        if panel.ref in bench.holes:
            hole = bench.holes[panel.ref]
            whole[panel.box.slices][hole] = bench.pictures[panel.ref][hole]
    name = bench.sheet.key.removeprefix("sheet:")
    path = deps.run_folder / "sheets" / f"{name}_v{number:03d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, whole)
    return path


def _grown(hole: Bits) -> Bits:
    box = Box.around(hole)
    by = max(5, round(FEATHER * max(box.w, box.h))) if box else 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(hole.astype(np.uint8), disc), np.bool_)


@dataclass(slots=True)
class _Panel:
    """One panel under repair: as a shot of one frame with a finding, the pictures to follow, and what was tried."""

    finding: Finding
    still: Shot
    references: tuple[Reference, ...]
    attempts: list[Attempt]
    barred: dict[str, str] = field(default_factory=dict)


async def _repair_panel(bench: _Bench, fault: PanelFault, deps: Deps) -> None:
    """Tries editors at one panel until it agrees with its siblings; the last picture stays where none does."""
    finding, still = await asyncio.to_thread(_laid_out, bench, fault, deps)
    references = await asyncio.to_thread(_siblings, bench, fault, deps)
    panel = _Panel(finding, still, references, bench.tried.setdefault(fault.panel, []))
    while len(panel.attempts) < TRIES:
        found = _routed(bench, panel, deps)
        if found.choice is None:
            return
        edit = await _planned(bench.film, panel, found.choice, deps)
        try:
            job = await editing.submit(edit, found.choice, finding, still.id, deps)
            await editing.poll(job, deps)
            take = await editing.fetch(edit, job, deps)
        except (EditorError, OverBudget, BadInput) as error:
            panel.barred[found.choice.editor] = str(error)
            continue
        bench.pictures[fault.panel] = await asyncio.to_thread(_shown, deps.store.path(take.media))
        faulty = await asyncio.to_thread(bench.faulty, fault.panel)
        deps.ledger.settled(edit.key, "fail" if faulty else "pass")
        panel.attempts.append(_attempt(finding, found, edit, take.media, faulty=faulty))
        if not faulty:
            return


def _laid_out(bench: _Bench, fault: PanelFault, deps: Deps) -> tuple[Finding, Shot]:
    """The panel as a shot of one frame, and its fault as a finding of that shot."""
    picture, hole = bench.pictures[fault.panel], bench.holes[fault.panel]
    name = hashlib.sha256(picture.tobytes() + hole.tobytes()).hexdigest()[:24]
    folder = deps.run_folder / "panels" / name
    frames, mask = folder / "picture", folder / "mask.png"
    frames.mkdir(parents=True, exist_ok=True)
    write_picture(frames / "000000.png", picture)
    write_picture(mask, np.repeat(hole[..., None].astype(np.uint8) * 255, 3, axis=2))
    clip, box = Clip(media=frames, first=0, last=0), Box.around(hole)
    assert box is not None, f"{fault.panel}: a fault lies somewhere"
    finding = Finding(
        id=f"panel:{fault.panel}",
        shot=bench.sheet.key,
        frames=(0, 0),
        box=box,
        mask=mask.relative_to(deps.root).as_posix(),
        category="prop",
        subject=fault.panel.partition("/")[0],
        expected=f"what {', '.join(fault.agree)} show there",
        observed=fault.why,
        severity="major",
        confidence=fault.confidence,
        evidence=(),
    )
    return finding, Shot(id=bench.sheet.key, clip=clip, source=clip)


def _siblings(bench: _Bench, fault: PanelFault, deps: Deps) -> tuple[Reference, ...]:
    """The other panels, those that agree with each other first; faulty ones with a mask of what not to believe."""
    order = sorted((ref for ref in bench.pictures if ref != fault.panel), key=lambda ref: ref not in fault.agree)
    return tuple(_sibling(ref, bench, deps) for ref in order)


def _sibling(ref: str, bench: _Bench, deps: Deps) -> Reference:
    picture, hole = bench.pictures[ref], bench.holes.get(ref)
    folder = deps.run_folder / "panels" / "siblings"
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(picture.tobytes()).hexdigest()[:24]
    write_picture(folder / f"{name}.png", picture)
    mask = None
    if hole is not None:
        mask = folder / f"{name}_mask.png"
        write_picture(mask, np.repeat(hole[..., None].astype(np.uint8) * 255, 3, axis=2))
    return Reference(path=folder / f"{name}.png", kind="panel", what=ref, mask=mask)


def _routed(bench: _Bench, panel: _Panel, deps: Deps) -> Route:
    finding, still, attempts = panel.finding, panel.still, panel.attempts
    height, width = bench.pictures[finding.id.removeprefix("panel:")].shape[:2]
    need = routing.Need(
        action="inpaint",
        category=finding.category,
        shot=still.id,
        finding=finding.id,
        seconds=0.0,
        width=width,
        height=height,
        rate=bench.film.fps,
        masked=True,
        medium="still",
    )
    plan = partial(plan_edit, bench.film, still, finding, action="inpaint", editor="", method="auto", attempt=0)
    draft = plan(clip=still.clip, lineage="", references=panel.references)
    return routing.route(
        need,
        deps,
        draft=draft.model_copy(update={"hard_edge": True}),
        allow=bench.film.allow,
        barred=panel.barred,
        tried={(one.tool, method) for one in attempts for method in (one.method, "auto")},
        failures=len(attempts),
        attempts=attempts,
        keep=True,
    )


async def _planned(film: Film, panel: _Panel, choice: Candidate, deps: Deps) -> Edit:
    """The edit of one try: the mask is exact, since it was grown already."""
    still, finding, can = panel.still, panel.finding, deps.editors[choice.editor].capabilities
    shown, prompt = panel.references[: can.references], ""
    if can.words.style != "none":
        fill = await asyncio.to_thread(fill_of, film, still.clip, [finding], shown)
        prompt = fill_prompt(fill, can.words)
    plan = partial(plan_edit, film, still, finding, action="inpaint", editor=choice.editor, method=choice.method)
    lineage, attempt = still.clip.media.parent.name, len(panel.attempts) + 1
    edit = plan(attempt=attempt, clip=still.clip, lineage=lineage, references=shown, prompt=prompt)
    return edit.model_copy(update={"hard_edge": True})


def _shown(media: Path) -> Rgb:
    """The picture that an editor made of a panel."""
    return read_picture(next(iter(sorted(media.iterdir()))) if media.is_dir() else media)


def _attempt(finding: Finding, found: Route, edit: Edit, take: str, *, faulty: bool) -> Attempt:
    assert found.choice is not None
    return Attempt(
        n=1,
        finding=finding.id,
        action="inpaint",
        tool=found.choice.editor,
        method=edit.method,
        verdict="fail" if faulty else "pass",
        checks=(_landed(faulty=faulty),),
        usd=found.choice.usd,
        take=take,
        why=found.why,
        prompt=edit.prompt,
        ranked=found.ranked,
        dropped=found.dropped,
    )


def _landed(*, faulty: bool) -> Check:
    return Check(name="landed", value=float(faulty), limit=0.0, unit="findings", holds=not faulty)


def _version(
    bench: _Bench, fault: PanelFault, causes: Sequence[Cause], *, number: int, path: str, faulty: bool
) -> SheetVersion:
    cause = next((c for c in causes if c.kind == "sheet-panel" and c.ref == fault.panel), None)
    marked = cause.shots if cause else ()
    made_from = [shot.id for shot in bench.film.shots if fault.panel in shot.references]
    downstream = tuple(shot.id for shot in bench.film.shots if shot.id in {*made_from, *marked})
    attempts = tuple(one.model_copy(update={"n": n}) for n, one in enumerate(bench.tried[fault.panel], start=1))
    return SheetVersion(
        subject=fault.panel.partition("/")[0],
        version=number,
        path=path,
        panel=fault.panel,
        box=fault.box,
        downstream=downstream,
        left_alone=tuple(shot for shot in downstream if shot not in marked),
        why=_why(fault, attempts, faulty=faulty),
        checks=(_landed(faulty=faulty),),
        attempts=attempts,
    )


def _why(fault: PanelFault, attempts: Sequence[Attempt], *, faulty: bool) -> str:
    if not attempts:
        return f"no editor here can repair {fault.panel}: the old sheet stays current"
    last = attempts[-1]
    done = f"{fault.panel} repaired by {last.tool} after {', '.join(fault.agree)}; every other pixel is untouched"
    return f"{done}, but the panels still disagree: the old sheet stays current" if faulty else done
