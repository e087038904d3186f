"""The repair of sheets: a faulty panel is put right by the editor that the router chooses, like any other edit.

Free editors borrow from the panel's siblings, image editors are asked like any other provider; a try that leaves the
panels in disagreement is followed by one other editor's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from agent.briefing import plan_edit
from agent.deps import Deps
from agent.errors import OverBudget
from agent.fill_words import fill_of, fill_prompt
from agent.panels import panel_pictures, untrusted_places
from agent.schema import Attempt, Candidate, Cause, Film, Finding, PanelFault, Sheet, SheetVersion, Shot
from agent.stages import edit as editing
from agent.stages import route as routing
from agent.stages.repair_sheets import (
    SheetBench,
    grown,
    laid_out,
    landed,
    origin_words,
    shown,
    siblings,
    version_of,
    written,
)
from agent.state import Route
from agent.versions import ShotVersion, Versions
from tools.errors import BadInput, EditorError
from tools.types import Edit, Reference

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


async def _repair_sheet(
    film: Film, sheet: Sheet, faults: Sequence[PanelFault], causes: Sequence[Cause], deps: Deps
) -> list[SheetVersion]:
    family = [one for one in film.sheets if one.subject == sheet.subject]
    holes = {panel: grown(hole) for panel, hole in untrusted_places(film.root, family, faults).items()}
    bench = SheetBench(film, sheet, panel_pictures(family), holes)
    for fault in faults:
        await _repair_panel(bench, fault, deps)
    left = {fault.panel: await asyncio.to_thread(bench.faulty, fault.panel) for fault in faults}
    number = Versions(deps.db).next_number(sheet.key, deps.run)
    path = await asyncio.to_thread(written, bench, number, deps)
    kept = path.relative_to(deps.root).as_posix()
    if not any(left.values()):
        made = ShotVersion(shot=sheet.key, number=number, path=kept)
        Versions(deps.db).commit(made, deps.run, rehearsed=deps.options.rehearse)
    return [version_of(bench, fault, causes, number=number, path=kept, faulty=left[fault.panel]) for fault in faults]


@dataclass(slots=True)
class _Panel:
    """One panel under repair: as a shot of one frame with a finding, the pictures to follow, and what was tried."""

    finding: Finding
    still: Shot
    references: tuple[Reference, ...]
    attempts: list[Attempt]
    barred: dict[str, str] = field(default_factory=dict)


async def _repair_panel(bench: SheetBench, fault: PanelFault, deps: Deps) -> None:
    """Tries editors at one panel until it agrees with its siblings; the last picture stays where none does."""
    finding, still = await asyncio.to_thread(laid_out, bench, fault, deps)
    references = await asyncio.to_thread(siblings, bench, fault, deps)
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
        bench.pictures[fault.panel] = await asyncio.to_thread(shown, deps.store.path(take.media))
        faulty = await asyncio.to_thread(bench.faulty, fault.panel)
        deps.ledger.settled(edit.key, "fail" if faulty else "pass")
        bench.origins[fault.panel] = origin_words(take.how.get("borrowed"))
        panel.attempts.append(_attempt(finding, found, edit, take.media, faulty=faulty))
        if not faulty:
            return


def _routed(bench: SheetBench, panel: _Panel, deps: Deps) -> Route:
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


def _attempt(finding: Finding, found: Route, edit: Edit, take: str, *, faulty: bool) -> Attempt:
    assert found.choice is not None
    return Attempt(
        n=1,
        finding=finding.id,
        action="inpaint",
        tool=found.choice.editor,
        method=edit.method,
        verdict="fail" if faulty else "pass",
        checks=(landed(faulty=faulty),),
        usd=found.choice.usd,
        take=take,
        why=found.why,
        prompt=edit.prompt,
        ranked=found.ranked,
        dropped=found.dropped,
    )
