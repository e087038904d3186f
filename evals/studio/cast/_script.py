"""What a film of a seed shows: who, where, from which camera positions, and what goes wrong in which shot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from evals.labels import Origin
from evals.studio._matte import Pixels
from evals.studio.cast import _design as design
from evals.studio.cast._camera import Acting, CameraPath, MoveKind, draw_acting, draw_camera
from evals.studio.cast._design import Character, Look, Split, Thing, character_seed, draw_character, draw_thing
from evals.studio.cast._figure import Wardrobe
from evals.studio.cast._photo import SUBJECTS, Photo, draw_subject, photo_of
from evals.studio.cast._sets import Place, draw_place
from evals.studio.cast._sheets import Layout, draw_layout
from evals.studio.cast._sitter import Layer
from evals.studio.cast._stage import Confounder, Setup, Stage, Stand, Wrong
from tools.errors import BadInput
from tools.types import Category

Family = Literal["stray-object", "missing-prop", "recoloured-garment", "swapped-prop", "wrong-panel", "stale-reference"]
Kind = Literal["rendered", "photographic"]

FAMILIES: tuple[Family, ...] = (
    "stray-object",
    "missing-prop",
    "recoloured-garment",
    "swapped-prop",
    "wrong-panel",
    "stale-reference",
)

LEAST, MOST = 0.002, 0.1
"""Shares of the frame that an error covers."""

CONFOUNDERS: tuple[Confounder, ...] = ("exposure", "focus", "occluder")


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for."""

    seed: int
    split: Split
    kind: Kind
    shots: int
    frames: int
    size: tuple[int, int]
    errors: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A figure's wrong look, and what a label says about it."""

    family: Family
    look: Look
    category: Category
    what: str
    strength: float


@dataclass(frozen=True, slots=True)
class ShotPlan:
    """One shot: what film.toml tells about it and how it is staged."""

    id: str
    stage: Stage
    characters: tuple[str, ...]
    references: tuple[str, ...]
    prompt: str
    fault: Fault | None = None
    origin: Origin | None = None
    intended: tuple[str, ...] = ()


@dataclass
class Sheeted:
    """A character's sheets: layout, the wrong panel if one is wrong, and the older design if one is in use."""

    layout: Layout
    wrong_panel: tuple[str, Fault] | None = None
    older: dict[str, Fault] = field(default_factory=dict)
    """By character id of the old version, e.g. "ada04-v1"."""


@dataclass
class Script:
    """Everything that the seed decides."""

    order: Order
    place: Place
    cast: tuple[Character, ...]
    setups: tuple[Setup, ...]
    wardrobe: Wardrobe
    sheets: tuple[Sheeted, ...] = ()
    shots: tuple[ShotPlan, ...] = ()


def shot_id(index: int) -> str:
    return f"SH{10 * (index + 1):03d}"


def write_script(order: Order) -> Script:
    """The film of an order; BadInput for an order that cannot be filmed."""
    _check(order)
    rng = np.random.default_rng([order.seed, order.split == "test", order.kind == "photographic"])
    photographic = order.kind == "photographic" or rng.uniform() < 0.2
    place = draw_place(rng, order.split, photographic=photographic)
    cast = _draw_cast(rng, order)
    setups = _draw_setups(rng, cast, order)
    script = Script(order, place, cast, setups, Wardrobe(place.light))
    script.sheets = tuple(_draw_sheeted(rng, script, index) for index in range(len(cast)))
    script.shots = tuple(_Shot(script, index).plan() for index in range(order.shots))
    return script


def _check(order: Order) -> None:
    known = {shot_id(index) for index in range(order.shots)}
    for shot, family in order.errors.items():
        if shot not in known:
            raise BadInput(f"{shot}: a film of {order.shots} shots has SH010 to {shot_id(order.shots - 1)}")
        if family not in FAMILIES:
            raise BadInput(f"{shot}: {family!r} is no family of the studio; there are {', '.join(FAMILIES)}")
    if order.size[0] % 16 or order.size[1] % 8:
        raise BadInput(f"size {order.size[0]}x{order.size[1]}: give a width divisible by 16 and a height by 8")


def _draw_cast(rng: np.random.Generator, order: Order) -> tuple[Character, ...]:
    """One or two figures that cannot be taken for each other."""
    if order.kind == "photographic":
        return (draw_subject(rng, str(rng.choice(SUBJECTS[order.split]))),)
    first = draw_character(character_seed(int(rng.integers(100_000)), order.split))
    if rng.uniform() < 0.4:
        return (first,)
    while True:
        second = draw_character(character_seed(int(rng.integers(100_000)), order.split))
        a, b = first.look, second.look
        if a.garment.pattern != b.garment.pattern and a.hair.style != b.hair.style and first.id != second.id:
            return (first, second)


def setup_of(index: int, count: int) -> int:
    """Which of `count` camera positions a shot returns to: A-B-A-B, and every fifth the third where there is one."""
    return 2 if count > 2 and index % 5 == 4 else index % 2


def _draw_setups(rng: np.random.Generator, cast: tuple[Character, ...], order: Order) -> tuple[Setup, ...]:
    """Two or three camera positions in one set, none looking where another does.

    Only a position that no faulty shot returns to may show profiles, which hide much of what is worn and carried.
    """
    places, count, setups = rng.permutation([0.3, 0.5, 0.7]), 2 + int(rng.integers(2)), []
    faulty = {setup_of(index, count) for index in range(order.shots) if shot_id(index) in order.errors}
    for n, name in enumerate("ABC"[:count]):
        who = (0, 1) if len(cast) == 2 and n == 2 else (n % len(cast),)
        close = bool(n == 1 or rng.uniform() < 0.35) and len(who) == 1
        views = (0.55, 0.45, 0.0) if n in faulty else (0.4, 0.35, 0.25)
        stands = tuple(
            _stand(rng, cast[figure], figure, close=close, x=(k + 1) / (len(who) + 1), views=views)
            for k, figure in enumerate(who)
        )
        zoom = float(rng.uniform(1.15, 1.5)) if close else float(rng.uniform(0.85, 1.1))
        defocus = float(rng.uniform(2.5, 5)) if close else float(rng.uniform(0.6, 2.2))
        setups.append(Setup(name, stands, (float(places[n]), float(rng.uniform(0.46, 0.54))), zoom, defocus))
    return tuple(setups)


def _stand(
    rng: np.random.Generator,
    character: Character,
    figure: int,
    *,
    close: bool,
    x: float,
    views: tuple[float, float, float],
) -> Stand:
    """Where a figure stands; `views` are the odds of front, three-quarter and profile."""
    height = float(rng.uniform(620, 720)) if close else float(rng.uniform(850, 1080))
    scale = 9 / 16 / height
    view = str(rng.choice(["front", "three-quarter", "profile"], p=views)) if character.subject == "doll" else "front"
    x = x + float(rng.uniform(-0.06, 0.06))
    y = (345 + float(rng.uniform(0, 25))) / height
    if character.subject != "doll":
        x, y = _photo_spot(photo_of(character.subject), height, x, y)
    return Stand(figure, view, x, y, scale)


def _photo_spot(photo: Photo, height: float, x: float, y: float) -> tuple[float, float]:
    """Where a cut-out stands: its cut edges lie outside the frame, one that has none in the middle of it."""
    if not photo.cut:
        return x, 0.52
    lowest = 1.04 - photo.floor / height
    if photo.pinned:
        x = -photo.corner[0] * 9 / 16 / height - 0.05
    return x, lowest if photo.floor < 0.7 * height else max(y, lowest)


def _main_view(script: Script, figure: int) -> str:
    """The side that most set-ups show of a figure."""
    views = [stand.view for setup in script.setups for stand in setup.stands if stand.figure == figure]
    return max(sorted(set(views)), key=views.count) if views else "front"


def _draw_sheeted(rng: np.random.Generator, script: Script, figure: int) -> Sheeted:
    """A character's sheet; where a panel will be wrong, it shows every place at least three times."""
    character, view = script.cast[figure], _main_view(script, figure)
    views = ("front", "three-quarter", "profile", "back") if character.subject == "doll" else ("front", "three-quarter")
    wrong = "wrong-panel" in script.order.errors.values()
    return Sheeted(draw_layout(rng, view, views, rich=wrong or bool(rng.uniform() < 0.4)))


@dataclass
class _Shot:
    """Plans one shot; every shot has random numbers of its own."""

    script: Script
    index: int

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.script.order.seed, self.script.order.split == "test", 9, self.index])

    @property
    def id(self) -> str:
        return shot_id(self.index)

    @property
    def setup(self) -> Setup:
        setups = self.script.setups
        return setups[setup_of(self.index, len(setups))]

    @property
    def family(self) -> Family | None:
        name = self.script.order.errors.get(self.id)
        return next((family for family in FAMILIES if family == name), None)

    def plan(self) -> ShotPlan:
        order, rng = self.script.order, self.rng
        camera = draw_camera(rng, self._move(), order.frames)
        lively = float(rng.choice([0.15, 0.6, 1.0, 1.6]))
        acting = tuple(draw_acting(rng, order.frames, lively=lively) for _ in self.script.cast)
        gain = np.asarray(rng.uniform(0.93, 1.05) * (1 + rng.uniform(-0.012, 0.012, 3)), np.float32)
        wrong, fault, origin, references = self._wrong(camera)
        intended: tuple[str, ...] = ()
        looks = tuple(character.look for character in self.script.cast)
        confounder: Confounder | None = None
        if fault is None and rng.uniform() < 0.45:
            confounder = CONFOUNDERS[int(rng.integers(len(CONFOUNDERS)))]
        elif fault is None and rng.uniform() < 0.2:
            looks, intended = self._change(looks)
        stage = self._stage(camera=camera, acting=acting, gain=gain, looks=looks, wrong=wrong, confounder=confounder)
        names = tuple(self.script.cast[stand.figure].id for stand in self.setup.stands)
        prompt = f"{' and '.join(names)} before the {self.script.place.name}, set-up {self.setup.name}; {camera.kind}."
        return ShotPlan(self.id, stage, names, references, prompt, fault, origin, intended)

    def _stage(
        self,
        *,
        camera: CameraPath,
        acting: tuple[Acting, ...],
        gain: Pixels,
        looks: tuple[Look, ...],
        wrong: Wrong | None,
        confounder: Confounder | None,
    ) -> Stage:
        order = self.script.order
        return Stage(
            size=order.size,
            frames=order.frames,
            place=self.script.place,
            setup=self.setup,
            camera=camera,
            cast=self.script.cast,
            acting=acting,
            wardrobe=self.script.wardrobe,
            gain=gain,
            looks=looks,
            wrong=wrong,
            confounder=confounder,
            seed=order.seed * 1000 + self.index,
        )

    def _move(self) -> MoveKind:
        kinds: tuple[MoveKind, ...] = ("static", "push", "pan", "handheld", "track", "whip")
        odds = (0.24, 0.24, 0.2, 0.2, 0.08, 0.04) if self.family is None else (0.18, 0.18, 0.15, 0.15, 0.26, 0.08)
        return kinds[int(self.rng.choice(6, p=odds))]

    # What is wrong

    def _wrong(self, camera: CameraPath) -> tuple[Wrong | None, Fault | None, Origin | None, tuple[str, ...]]:
        stands = self.setup.stands
        at = int(self.rng.integers(len(stands)))
        references = tuple(self._reference(stand) for stand in stands)
        if self.family is None:
            return None, None, None, references
        fault = self._fault(self.family, stands[at])
        origin, reference = self._origin(fault, stands[at])
        references = tuple(reference if n == at else ref for n, ref in enumerate(references))
        return Wrong(at, fault.look, self._frames(camera)), fault, origin, references

    def _frames(self, camera: CameraPath) -> tuple[int, int]:
        """Mostly the whole shot; a stretch at its end or start now and then, more often when the camera is fast."""
        frames = self.script.order.frames
        odds = 0.65 if camera.kind in {"track", "whip"} else 0.1
        if self.family in {"wrong-panel", "stale-reference"} or self.rng.uniform() > odds:
            return 0, frames - 1
        part = int(frames * self.rng.uniform(0.25, 0.42))
        return (0, part - 1) if self.rng.uniform() < 0.5 else (frames - part, frames - 1)

    def _reference(self, stand: Stand) -> str:
        """A right panel of the side that the shot shows, where panels have names."""
        character, sheeted = self.script.cast[stand.figure], self.script.sheets[stand.figure]
        wrong = sheeted.wrong_panel[0] if sheeted.wrong_panel else None
        names = [cell.name for cell in sheeted.layout.cells if cell.view == stand.view and cell.name != wrong]
        if not names:
            return character.id
        return f"{character.id}/{names[int(self.rng.integers(len(names)))]}"

    def _origin(self, fault: Fault, stand: Stand) -> tuple[Origin, str]:
        character, sheeted = self.script.cast[stand.figure], self.script.sheets[stand.figure]
        if fault.family == "wrong-panel" and sheeted.wrong_panel:
            ref = f"{character.id}/{sheeted.wrong_panel[0]}"
            return Origin(kind="sheet-panel", ref=ref), ref
        if fault.family == "stale-reference":
            old = f"{character.id}-v1"
            named = [cell.name for cell in sheeted.layout.cells if cell.view == stand.view]
            ref = f"{old}/{named[0]}" if named else old
            return Origin(kind="reference", ref=ref), ref
        return Origin(kind="shot", ref=self.id), self._reference(stand)

    def _fault(self, family: Family, stand: Stand) -> Fault:
        """The shot's fault; one that was born on a sheet is the same in all of the figure's shots."""
        sheeted = self.script.sheets[stand.figure]
        if family == "wrong-panel":
            if sheeted.wrong_panel is None:
                sheeted.wrong_panel = self._panel_fault(stand)
            return sheeted.wrong_panel[1]
        if family == "stale-reference":
            old = f"{self.script.cast[stand.figure].id}-v1"
            return sheeted.older.setdefault(old, self._stale(stand))
        return self._drawn(family, stand)

    def _panel_fault(self, stand: Stand) -> tuple[str, Fault]:
        """A wrong panel: one of the side that shots show, and what is wrong with it."""
        sheeted = self.script.sheets[stand.figure]
        cells = [cell for cell in sheeted.layout.cells if cell.view == stand.view]
        cells = [cell for cell in cells if cell.crop in {"full", "half", "bust"}] or cells or list(sheeted.layout.cells)
        born: tuple[Family, ...] = ("stray-object", "stray-object", "recoloured-garment", "swapped-prop")
        fault = self._drawn(born[int(self.rng.integers(len(born)))], stand)
        return cells[int(self.rng.integers(len(cells)))].name, replace(fault, family="wrong-panel")

    def _drawn(self, family: Family, stand: Stand) -> Fault:
        strength, look = float(self.rng.uniform()), self.script.cast[stand.figure].look
        prop = look.prop
        if family == "recoloured-garment" or prop is None:
            garment = design.recoloured(self.rng, look.garment, strength)
            return Fault(family, replace(look, garment=garment), "wardrobe", "another colour", strength)
        if family == "missing-prop":
            return Fault(family, replace(look, prop=None), "prop", f"no {prop.kind}", strength)
        if family == "swapped-prop":
            other = self._other(prop, photographed=self._photographed(stand))
            return Fault(family, replace(look, prop=other), "prop", f"{other.kind} for {prop.kind}", strength)
        thing = self._stray(stand, look, strength)
        category: Category = "wardrobe" if thing.kind in {"scarf", "tie", "headband"} else "prop"
        return Fault(family, replace(look, worn=(*look.worn, thing)), category, f"a {thing.kind}", strength)

    def _other(self, prop: Thing, *, photographed: bool) -> Thing:
        alike = design.LAID if photographed else design.CARRIED if prop.kind in design.CARRIED else design.HELD
        kinds = [kind for kind in alike if kind != prop.kind]
        return draw_thing(self.rng, str(self.rng.choice(kinds)), 1.0)

    def _stale(self, stand: Stand) -> Fault:
        look, strength = self.script.cast[stand.figure].look, float(self.rng.uniform())
        if not self._photographed(stand) and self.rng.uniform() < 0.4:
            fresh = design.restyled(self.rng, look.hair)
            return Fault("stale-reference", replace(look, hair=fresh), "hair-makeup", "an older hair design", strength)
        garment = design.repatterned(self.rng, look.garment, strength)
        return Fault("stale-reference", replace(look, garment=garment), "wardrobe", "an older garment", strength)

    def _photographed(self, stand: Stand) -> bool:
        return self.script.cast[stand.figure].subject != "doll"

    def _stray(self, stand: Stand, look: Look, strength: float) -> Thing:
        """Something worn, sized for a share of the frame between `LEAST` and a few percent."""
        taken = {thing.kind for thing in (*look.worn, *([look.prop] if look.prop else []))}
        target = LEAST * 1.3 * float(np.exp(self.rng.uniform(0, np.log(8)) * (0.3 + 0.7 * strength)))
        if self._photographed(stand):
            taken.add("headband")
        kinds = [kind for kind in self.rng.permutation(design.WORN) if kind not in taken]
        best: tuple[float, Thing] | None = None
        for kind in kinds[:4]:
            thing = self._toned(draw_thing(self.rng, str(kind), 1.0), look, strength)
            share = self._share(stand, look, thing)
            if share == 0:
                continue
            factor = float(np.clip(np.sqrt(target / share), 0.75, 1.7))
            miss = abs(np.log(share * factor**2 / target))
            if best is None or miss < best[0]:
                best = float(miss), replace(thing, size=factor)
            if miss < 0.1:
                break
        return best[1] if best else replace(draw_thing(self.rng, "scarf", 1.0))

    def _toned(self, thing: Thing, look: Look, strength: float) -> Thing:
        """The weaker, the closer to the colour of what it lies on."""
        under = look.face.skin if thing.kind in design.ON_HEAD else look.garment.base
        share = 0.55 * (1 - strength)
        return replace(
            thing,
            colour=design.mixed(thing.colour, under, share),
            accent=design.mixed(thing.accent, under, share * 0.6),
        )

    def _share(self, stand: Stand, look: Look, thing: Thing) -> float:
        """The share of the frame that a thing covers where the figure stands."""
        character = self.script.cast[stand.figure]
        layers: list[Layer] = self.script.wardrobe.layers(
            character, replace(look, worn=(*look.worn, thing)), stand.view
        )
        area = sum(float((layer.cel.rgba[..., 3] > 0.5).sum()) for layer in layers if layer.key == thing)
        return area * stand.scale**2 * 16 / 9

    def _change(self, looks: tuple[Look, ...]) -> tuple[tuple[Look, ...], tuple[str, ...]]:
        """A change that the story asks for, and film.toml says so."""
        figure = self.setup.stands[0].figure
        thing = draw_thing(self.rng, "scarf", 1.0)
        if any(worn.kind == "scarf" for worn in looks[figure].worn):
            return looks, ()
        changed = replace(looks[figure], worn=(*looks[figure].worn, thing))
        text = f"{self.script.cast[figure].id} puts on a scarf"
        return tuple(changed if n == figure else look for n, look in enumerate(looks)), (text,)
