"""What an editor is told about one edit: the references it may look at, the words, and the edit itself with its key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from agent.ledger import edit_key
from agent.schema import Film, Finding, PanelFault, SheetVersion, Shot
from prompts import render
from tools.types import Action, Clip, Edit, Panel, Purpose, Reference

PaidActions = ("inpaint", "retake", "regenerate")
LOOKS = ("lighting", "colour", "time-weather", "technical")
"""Categories of fault after which the old take does not tell how the shot should look."""


class FrameOf(NamedTuple):
    """A frame of another shot, which a reference is to be made of."""

    shot: str
    frame: int


def references_for(
    film: Film,
    finding: Finding,
    sheet_versions: Iterable[SheetVersion],
    faults: Iterable[PanelFault],
    action: Action = "inpaint",
) -> tuple[Reference, ...]:
    """The pictures that an edit may follow: panels of the finding's character, and for new footage plates of its place.

    A fill borrows pixels, so it looks first at panels that show the place right; a repaired panel comes last, since
    what it shows at the fault was borrowed itself. New footage follows what the shot was made from, so the panels that
    are attached to it come first, repaired where they were faulty. A faulty panel that nobody repaired keeps a mask
    where it must not be trusted, and comes last.
    """
    repaired = {version.panel: version for version in sheet_versions}
    faulty = {fault.panel: fault for fault in faults}
    shot = next((shot for shot in film.shots if shot.id == finding.shot), None)
    attached = shot.references if shot else ()
    showing = {evidence.ref for evidence in finding.evidence if evidence.kind == "panel"}
    panels = [panel for sheet in film.sheets if sheet.subject in _subjects(finding, shot) for panel in sheet.panels]
    if action == "inpaint":
        panels = [panel for panel in panels if panel.subject == finding.subject]
        panels.sort(key=lambda panel: (panel.ref in repaired, panel.ref not in showing, panel.ref not in attached))
    else:
        spoilt = faulty.keys() - repaired.keys()
        panels.sort(key=lambda panel: (panel.ref in spoilt, panel.ref not in attached, panel.ref not in showing))
    found = tuple(_panel(film, panel, repaired.get(panel.ref), faulty.get(panel.ref)) for panel in panels)
    return found if action == "inpaint" or shot is None else _with_plates(found, film, shot)


def _subjects(finding: Finding, shot: Shot | None) -> set[str | None]:
    """Whose panels an edit may need: the finding's subject, and whoever else is in the shot."""
    return {finding.subject, *(shot.characters if shot else ())}


def _with_plates(panels: tuple[Reference, ...], film: Film, shot: Shot) -> tuple[Reference, ...]:
    """The panels with the shot's place second: an editor that takes few pictures still sees where it is."""
    plates = tuple(
        Reference(path=plate.image, kind="location", what=f"{plate.location}, the place")
        for plate in film.plates
        if plate.location == shot.scene or plate.location in shot.references
    )
    return panels[:1] + plates + panels[1:]


def _panel(film: Film, panel: Panel, repaired: SheetVersion | None, fault: PanelFault | None) -> Reference:
    if repaired is not None:
        what = f"{panel.ref}, repaired"
        return Reference(path=film.root / repaired.path, kind="panel", what=what, box=panel.box)
    mask = film.root / fault.mask if fault else None
    return Reference(path=panel.sheet, kind="panel", what=panel.ref, box=panel.box, mask=mask)


def frames_for(film: Film, finding: Finding) -> tuple[FrameOf, ...]:
    """Frames of other shots that the finding's evidence names as showing the place right."""
    shots = {shot.id: shot for shot in film.shots if shot.id != finding.shot}
    named = []
    for evidence in finding.evidence:
        shot, _, index = evidence.ref.partition("@")
        if evidence.kind in ("frame", "shot") and shot in shots:
            named.append(FrameOf(shot, int(index) if index else shots[shot].clip.frames // 2))
    return tuple(dict.fromkeys(named))


def request(
    film: Film,
    shot: Shot,
    action: Action,
    *,
    findings: Sequence[Finding],
    references: Sequence[Reference],
    window: tuple[int, int] | None,
    failed: Sequence[str] = (),
) -> str:
    """The words of a retake or of a shot made again: what was wrong, what must be right, what to follow.

    `failed` says why earlier takes of a shot made again were not accepted.
    """
    wrong = [f"frames {f.frames[0]}-{f.frames[1]}: {f.observed}; expected: {f.expected}" for f in findings]
    named = [reference.what for reference in references]
    if action == "retake" and window is not None:
        return _retake(film, shot, window, wrong, named)
    subjects = {*shot.characters, *(f.subject for f in findings)}
    canon = list(dict.fromkeys(sheet.canon for sheet in film.sheets if sheet.canon and sheet.subject in subjects))
    return render(
        "regenerate",
        shot=shot.id,
        seconds=float(shot.clip.frames / film.fps),
        width=film.width,
        height=film.height,
        rate=str(film.fps),
        prompt=shot.prompt,
        canon=canon,
        bible=film.bible,
        wrong=wrong,
        references=named,
        failed=list(failed),
    ).text


def _retake(film: Film, shot: Shot, window: tuple[int, int], wrong: list[str], references: list[str]) -> str:
    first, last = window
    opens = f"frame {first - 1} as it is" if first > 0 else "the cut"
    closes = f"frame {last + 1} as it is" if last < shot.clip.frames - 1 else "the cut"
    return render(
        "retake",
        shot=shot.id,
        first=first,
        last=last,
        frames=last - first + 1,
        rate=str(film.fps),
        before=opens,
        after=closes,
        prompt=shot.prompt,
        wrong=wrong,
        references=references,
    ).text


def plan_edit(
    film: Film,
    shot: Shot,
    finding: Finding,
    *,
    action: Action,
    editor: str,
    method: str,
    attempt: int,
    clip: Clip,
    lineage: str,
    references: Sequence[Reference] = (),
    prompt: str = "",
    window: tuple[int, int] | None = None,
    purpose: Purpose = "repair",
) -> Edit:
    """The edit, with the key that names it in the ledger: the same wish has the same key in any run and any copy."""
    assert action in PaidActions, f"{action!r} is no edit"
    plan = {
        "base": lineage,
        "finding": finding.id,
        "mask": finding.mask and Path(finding.mask).name,
        "action": action,
        "editor": editor,
        "method": method,
        "purpose": purpose,
        "window": window,
        "prompt": prompt,
        "references": [_identity(reference) for reference in references],
    }
    key = edit_key(film.title, shot.id, plan, attempt)
    return Edit(
        key=key,
        action=action,  # type: ignore[arg-type]  # narrowed by the assertion
        clip=clip,
        mask=film.root / finding.mask if finding.mask and action == "inpaint" else None,
        window=window if action == "retake" else None,
        stretch=None if action == "regenerate" else finding.frames,
        purpose=purpose,
        method=method,
        prompt=prompt,
        references=tuple(references),
        seed=int(key[:7], 16),
        keeps_look=finding.category not in LOOKS,
    )


def _identity(reference: Reference) -> tuple[str, str, object, str]:
    data = reference.path.read_bytes()
    mask = reference.mask.name if reference.mask else ""
    return reference.what, hashlib.sha256(data).hexdigest(), reference.box, mask


def sent_again(edit: Edit) -> Edit:
    """The same edit under another key: for when a person has it sent although its first sending may have come."""
    return edit.model_copy(update={"key": hashlib.sha256(f"{edit.key} again".encode()).hexdigest()[:32]})


def after(lineage: str, key: str) -> str:
    """The lineage of what an edit makes of a take: stands for its pixels in later keys."""
    return hashlib.sha256(f"{lineage}+{key}".encode()).hexdigest()[:32]
