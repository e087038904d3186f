"""A film of the studio on disk: film.mp4, its timeline, film.toml, sheets, labels, masks and clean takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from evals.labels import ErrorLabel, Labels, PanelLabel, ShotLabel
from evals.studio._picture import Picture
from evals.studio._reel import GRAIN, RATE, take_info
from evals.studio._sheet import write_png
from evals.studio.cast._design import Split
from evals.studio.cast._script import Kind, Order, Script, ShotPlan, write_script
from evals.studio.cast._sheets import draw_sheet
from evals.studio.cast._stock import SilentReel, exposed, grain, planted
from evals.truth import action_by_rule, is_revealed
from tools.errors import BadInput
from tools.media.encode import Writer
from tools.media.masks import write_mask
from tools.media.timeline import TimelineShot, write_timeline
from tools.types import Action, Bits, Box, Clip, Frame, MaskTrack

TIMELINE = "cut.otio"
"""Says where shots begin, so that a film can be judged whatever is thought of its cuts."""
CASES = "cases.json"
"""Beside labels.json: per shot what it tests (family, strength, true coverage and speed, confounder)."""


def render_film(
    out: Path,
    *,
    seed: int,
    split: Split,
    kind: Kind,
    shots: int = 8,
    frames: int = 30,
    size: tuple[int, int] = (640, 360),
    errors: Mapping[str, str] | None = None,
) -> Path:
    """Renders a labelled film into `out`, which must be new or empty, and returns it.

    `errors` gives shots (SH010, SH020, …) a family of `FAMILIES`; every other shot is a clean control. The splits share
    neither characters nor places nor photographs. Raises BadInput for an order that cannot be filmed.
    """
    if out.exists() and any(out.iterdir()):
        raise BadInput(f"{out}: not empty; render into a new folder")
    script = write_script(Order(seed, split, kind, shots, frames, size, dict(errors or {})))
    for name in ("sheets", "masks", "clean"):
        (out / name).mkdir(parents=True, exist_ok=True)
    _Filming(script, out).run()
    return out


class _Filming:
    """Writes one script to disk."""

    def __init__(self, script: Script, out: Path) -> None:
        self.script, self.out = script, out
        rng = np.random.default_rng([script.order.seed, 3])
        self.strength = float(GRAIN * rng.uniform(0.6, 1.1))
        self.quality = int(rng.choice([15, 18, 22]))
        self.cases: dict[str, dict[str, object]] = {}

    def run(self) -> None:
        labels: dict[str, ShotLabel] = {}
        with SilentReel(self.out / "film.mp4", self.script.order.size, self.quality) as reel:
            for shot in self.script.shots:
                labels[shot.id] = self._film(shot, reel)
        write_timeline(self.out / TIMELINE, self._events(), f"Studio {self.script.order.seed}")
        panels = self._sheets()
        written = Labels(shots=labels, panels=panels).model_dump_json(indent=1)
        (self.out / "labels.json").write_text(written + "\n", encoding="utf-8")
        (self.out / CASES).write_text(json.dumps(self.cases, indent=1) + "\n", encoding="utf-8")
        (self.out / "film.toml").write_text(film_toml(self.script), encoding="utf-8")

    def _events(self) -> list[TimelineShot]:
        length, media = self.script.order.frames, self.out / "film.mp4"
        return [
            TimelineShot(shot.id, media, n * length, (n + 1) * length - 1, RATE)
            for n, shot in enumerate(self.script.shots)
        ]

    def _film(self, shot: ShotPlan, reel: SilentReel) -> ShotLabel:
        """Streams one shot into the film and, where something is wrong, into its clean take."""
        order = self.script.order
        take, masks = f"clean/{shot.id}.mkv", dict[int, Bits]()
        with ExitStack() as files:
            writer = None
            if shot.fault:
                like = take_info(self.out / "film.mp4", order.frames, order.size)
                writer = files.enter_context(Writer(self.out / take, like, codec="ffv1"))
            for index, picture in enumerate(shot.stage.pictures()):
                clean, shown = self._exposed(shot, index, picture)
                reel.write(shown, opens=index == 0)
                if writer:
                    writer.write(clean)
                if picture.mask is not None:
                    masks[index] = picture.mask
        self.cases[shot.id] = {"family": None, "confounder": shot.stage.confounder, "move": shot.stage.camera.kind}
        if not masks:
            (self.out / take).unlink(missing_ok=True)
            return ShotLabel()
        return ShotLabel(errors=(self._error(shot, masks),), clean_take=take)

    def _exposed(self, shot: ShotPlan, index: int, picture: Picture) -> tuple[Frame, Frame]:
        """A frame on film, right and as shown: the same grain, and equal outside the mask."""
        order = self.script.order
        noise = grain((order.seed, int(shot.id[2:]), index, 2), order.size, self.strength)
        clean = exposed(picture.clean, noise, index)
        if picture.faulty is None or picture.mask is None:
            return clean, clean
        return clean, planted(clean, exposed(picture.faulty, noise, index), picture.mask)

    def _error(self, shot: ShotPlan, masks: dict[int, Bits]) -> ErrorLabel:
        assert shot.fault is not None
        assert shot.origin is not None
        assert shot.stage.wrong is not None
        order = self.script.order
        track, mask = MaskTrack.of(masks, *order.size), f"masks/{shot.id}.mkv"
        write_mask(self.out / mask, track, order.frames, RATE)
        figure = shot.stage.setup.stands[shot.stage.wrong.stand].figure
        return ErrorLabel(
            category=shot.fault.category,
            subject=self.script.cast[figure].id,
            box=track.box,
            frames=track.frames,
            mask=mask,
            origin=shot.origin,
            action=self._action(shot, track),
        )

    def _action(self, shot: ShotPlan, track: MaskTrack) -> Action:
        """The right action by true geometry; what was measured goes into the cases."""
        assert shot.fault is not None
        speed = float(np.median(shot.stage.speeds)) if shot.stage.speeds else 0.0
        first, last = track.frames
        stops_in_view = shot.stage.wrong is not None and shot.stage.wrong.frames == track.frames
        clean = Clip(media=self.out / f"clean/{shot.id}.mkv", first=0, last=self.script.order.frames - 1)
        action, near = action_by_rule(
            coverage_max=track.coverage[1],
            speed=speed,
            first=first,
            last=last,
            frames=self.script.order.frames,
            revealed=float(is_revealed(clean, track, speed, in_view=stops_in_view)),
            in_view=stops_in_view,
        )
        self.cases[shot.id] |= {
            "family": shot.fault.family,
            "what": shot.fault.what,
            "strength": round(shot.fault.strength, 3),
            "coverage_max": round(track.coverage[1], 5),
            "speed": round(speed, 6),
            "near_limit": near,
        }
        return action

    # Sheets

    def _sheets(self) -> dict[str, PanelLabel]:
        labels: dict[str, PanelLabel] = {}
        for index, (character, sheeted) in enumerate(zip(self.script.cast, self.script.sheets, strict=True)):
            wrong, seed = sheeted.wrong_panel, self.script.order.seed * 10 + index
            faults = {wrong[0]: wrong[1].look} if wrong else {}
            drawn = draw_sheet(seed, sheeted.layout, character, self.script.wardrobe, faults=faults)
            write_png(str(self.out / "sheets" / f"{character.id}.png"), drawn.picture)
            for old, fault in sheeted.older.items():
                aged = draw_sheet(seed, sheeted.layout, character, self.script.wardrobe, look=fault.look)
                write_png(str(self.out / "sheets" / f"{old}.png"), aged.picture)
            box = Box.around(drawn.mask)
            if wrong and box:
                for place, picture in (("clean", drawn.clean), ("masks", drawn.mask)):
                    write_png(str(self.out / place / f"{character.id}.png"), picture)
                labels[f"{character.id}/{wrong[0]}"] = PanelLabel(
                    category=wrong[1].category,
                    subject=character.id,
                    box=box,
                    mask=f"masks/{character.id}.png",
                    clean_sheet=f"clean/{character.id}.png",
                )
        return labels


def film_toml(script: Script) -> str:
    """film.toml as the contract describes it; a JSON string or list is also a TOML one."""
    order = script.order
    tables: list[tuple[str, dict[str, object]]] = [
        (
            "[film]",
            {"title": f"Studio {order.split} {order.seed}", "timeline": TIMELINE, "bible": "One scene, one day."},
        )
    ]
    for character, sheeted in zip(script.cast, script.sheets, strict=True):
        layout = sheeted.layout
        names = [cell.name for cell in layout.cells] if layout.grid else ()
        for name in (character.id, *sheeted.older):
            canon = "As the sheet shows." if name == character.id else f"Superseded by {character.id}."
            values: dict[str, object] = {
                "id": name,
                "sheet": f"sheets/{name}.png",
                "grid": layout.grid or (),
                "panels": names,
                "canon": canon,
            }
            tables.append(("[[character]]", values))
    for shot in script.shots:
        entry: dict[str, object] = {
            "id": shot.id,
            "scene": "SC010",
            "characters": shot.characters,
            "references": shot.references,
            "model": "studio-1",
            "prompt": shot.prompt,
            "intended": shot.intended,
        }
        tables.append(("[[shot]]", entry))
    return "\n".join(_table(name, values) for name, values in tables)


def _table(name: str, values: dict[str, object]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if value != ()]
    return "\n".join([name, *lines, ""])
