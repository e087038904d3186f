"""What a model is shown of a shot: several moments of it, its characters' panels, and marked places close."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from agent.panels import panel_pictures
from agent.schema import Film, Finding, PanelFault, Sheet, Shot
from agent.shown import Shown, shown
from tools.media.stills import still, surround
from tools.types import Rgb

MOMENTS = (0.08, 0.5, 0.92)
"""Where in a shot it is looked at: a first frame alone misjudges what comes late, and the very ends may be blends."""
PANELS = 4
"""Most panels of all characters that a shot is shown beside."""
MARKS = 6
"""Most places of a shot that are shown close."""


def moments_of(shot: Shot, count: int = len(MOMENTS)) -> list[int]:
    """Frames of the shot that stand for it, counted from its first."""
    shares = MOMENTS if count >= len(MOMENTS) else (0.5, 0.92)[-count:]
    return sorted({round(share * (shot.clip.frames - 1)) for share in shares})


def whole_frames(shot: Shot, indices: Iterable[int]) -> list[Shown]:
    """Whole frames of a shot."""
    return [shown(f"{shot.id}@{index}", "whole frame", still(shot.clip, index)) for index in indices]


def close_up(shot: Shot, finding: Finding) -> Shown:
    """A finding's place in its middle frame, with what lies about it."""
    index = sum(finding.frames) // 2
    picture = still(shot.clip, index)
    height, width = picture.shape[:2]
    return shown(f"{shot.id}@{index}", "a marked place close", picture, surround(finding.box, width, height))


def close_ups(shot: Shot, finding: Finding) -> list[Shown]:
    """The place in the middle of its stretch and, where it does not last for the whole shot, beside the stretch."""
    first, last = finding.frames
    beside = first - 2 if first >= 2 else last + 2 if last + 2 < shot.clip.frames else None
    views = [close_up(shot, finding)]
    if beside is not None:
        picture = still(shot.clip, beside)
        area = surround(finding.box, picture.shape[1], picture.shape[0])
        views.append(shown(f"{shot.id}@{beside}", "the same place outside that stretch of time", picture, area))
    return views


def panels_shown(film: Film, shot: Shot, faults: Sequence[PanelFault]) -> list[Shown]:
    """The panels that a shot must follow: those it was made from first, a few of each character, none that is faulty
    where others are left."""
    faulty = {fault.panel for fault in faults}
    subjects = subjects_of(film, shot)
    chosen: list[Shown] = []
    for subject in subjects:
        mine = panel_views([sheet for sheet in film.sheets if sheet.subject == subject])
        right = {ref: picture for ref, picture in mine.items() if ref not in faulty} or mine
        ordered = sorted(right, key=lambda ref: ref not in shot.references)
        chosen += [right[ref] for ref in ordered[: max(1, PANELS // max(1, len(subjects)))]]
    return chosen[: max(PANELS, len(subjects))]


def panel_views(sheets: Iterable[Sheet]) -> dict[str, Shown]:
    """Every panel of some sheets, as it is shown."""
    return {ref: panel_view(ref, picture) for ref, picture in panel_pictures(sheets).items()}


def panel_view(ref: str, picture: Rgb) -> Shown:
    """One panel."""
    return shown(ref, "panel of a sheet", np.ascontiguousarray(picture))


def canon_lines(film: Film, subjects: Iterable[str]) -> list[str]:
    """What is written about subjects, one line each: "mara: …"."""
    wanted = set(subjects)
    told = {sheet.subject: sheet.canon for sheet in film.sheets if sheet.subject in wanted}
    return [f"{subject}: {canon}" if canon else subject for subject, canon in told.items()]


def subjects_of(film: Film, shot: Shot) -> tuple[str, ...]:
    """Who may be in a shot: whom film.toml names; everybody with a sheet, where it names nobody in any shot."""
    if any(one.characters for one in film.shots):
        return shot.characters
    return tuple(dict.fromkeys(sheet.subject for sheet in film.sheets))
