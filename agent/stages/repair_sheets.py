"""Repair sheets: a panel laid out as a clip of one frame, and the sheet that its repair makes.

Every pixel outside the fault is the sheet's own. The original file is never written to; shots that were made from the
panel are named, and those that are right stay as they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from agent.deps import Deps
from agent.schema import Attempt, Cause, Film, Finding, PanelFault, Sheet, SheetVersion, Shot
from tools.media.sheets import read_picture, write_picture
from tools.types import Bits, Box, Check, Clip, Reference, Rgb
from tools.vision.panels import compare_panels

FEATHER = 0.2
"""Share of a fault's longer side by which it is grown before it is filled (at least 5 pixels): no shadow may stay."""


@dataclass(slots=True)
class SheetBench:
    """One sheet under repair: its panels' pictures as they stand, and where they are wrong."""

    film: Film
    sheet: Sheet
    pictures: dict[str, Rgb]
    holes: dict[str, Bits]
    tried: dict[str, list[Attempt]] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    """Per panel, where its new pixels are from; empty words where the editor does not say."""

    def faulty(self, panel: str) -> bool:
        """Whether a panel, compared again, still disagrees with its siblings where it was wrong."""
        return any(d.panel == panel and bool((d.mask & self.holes[panel]).any()) for d in compare_panels(self.pictures))


def written(bench: SheetBench, number: int, deps: Deps) -> Path:
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


def grown(hole: Bits) -> Bits:
    box = Box.around(hole)
    by = max(5, round(FEATHER * max(box.w, box.h))) if box else 0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(hole.astype(np.uint8), disc), np.bool_)


def laid_out(bench: SheetBench, fault: PanelFault, deps: Deps) -> tuple[Finding, Shot]:
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


def siblings(bench: SheetBench, fault: PanelFault, deps: Deps) -> tuple[Reference, ...]:
    """The other panels, those that agree with each other first; faulty ones with a mask of what not to believe."""
    order = sorted((ref for ref in bench.pictures if ref != fault.panel), key=lambda ref: ref not in fault.agree)
    return tuple(_sibling(ref, bench, deps) for ref in order)


def _sibling(ref: str, bench: SheetBench, deps: Deps) -> Reference:
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


def origin_words(borrowed: object) -> str:
    """Where a fill is from, by the share that its editor borrowed from siblings; nothing where it does not say."""
    if not isinstance(borrowed, float):
        return ""
    if borrowed < 0.005:
        return "no sibling shows the place: it is drawn from the panel's own surround"
    rest = ", the rest is drawn from the panel's own surround" if borrowed < 0.995 else ""
    return f"{borrowed:.0%} of it is what siblings show{rest}"


def shown(media: Path) -> Rgb:
    """The picture that an editor made of a panel."""
    return read_picture(next(iter(sorted(media.iterdir()))) if media.is_dir() else media)


def landed(*, faulty: bool) -> Check:
    return Check(name="landed", value=float(faulty), limit=0.0, unit="findings", holds=not faulty)


def version_of(
    bench: SheetBench, fault: PanelFault, causes: Sequence[Cause], *, number: int, path: str, faulty: bool
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
        why=_why(fault, attempts, bench.origins.get(fault.panel, ""), faulty=faulty),
        checks=(landed(faulty=faulty),),
        attempts=attempts,
    )


def _why(fault: PanelFault, attempts: Sequence[Attempt], origin: str, *, faulty: bool) -> str:
    if not attempts:
        return f"no editor here can repair {fault.panel}: the old sheet stays current"
    last = attempts[-1]
    done = "; ".join(
        words
        for words in (
            f"{fault.panel} repaired by {last.tool} after {', '.join(fault.agree)}",
            origin,
            "every other pixel is untouched",
        )
        if words
    )
    return f"{done}, but the panels still disagree: the old sheet stays current" if faulty else done
