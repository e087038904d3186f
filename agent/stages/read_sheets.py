"""Read sheets: a model names the pictures of a designed page and copies the facts that are written on it.

Only what film.toml does not say is asked for. The model's boxes are snapped to measured borders, its names are made fit
for references, and facts are kept as they are written, each with its place: text of the film, compared and never
obeyed. Where the model cannot be asked, the pictures that pixels found stay.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from agent.answers import Fact, PanelRead, SheetReading
from agent.deps import Deps
from agent.errors import ModelError
from agent.film_text import hijacks
from agent.mind import Mind
from agent.schema import Film, Sheet, SheetFact
from agent.shown import LONGEST, Shown, shown
from prompts import Prompt, render
from tools.media.borders import Snapped, snap_boxes
from tools.media.sheets import read_picture
from tools.types import Box, Panel, Rgb

SMALL_PRINT = 1.4
"""A page this much larger than it can be shown is shown in quarters as well."""
OVERLAP = 0.06
"""Share of the page that a quarter reaches beyond its own, so that no line of text is cut in all of them."""
LONGEST_NAME, MOST_WORDS = 32, 4
"""Characters and words of a panel's name; longer captions are sentences."""
LONGEST_FACT, MOST_FACTS = 300, 80
SAME = 0.5
"""IoU of a panel that was read with one that pixels found, where they are the same picture."""
APART = 0.2
"""Share of a found panel that may lie on a panel that was read, where it is another picture."""
LARGE = 0.5
"""Area of a found panel against the median of those read, where the model may have passed it over."""
ENDS = (".", "!", "?", ";", "。", "！", "？", "।", "؟")
"""Ends of sentences, in several scripts."""


class Page(NamedTuple):
    """A sheet that is to be read: its pixels, how it is shown (the whole first), and what film.toml leaves open."""

    sheet: Sheet
    picture: Rgb
    pictures: tuple[Shown, ...]
    wants: tuple[str, ...]

    def source_box(self, box: Box) -> Box:
        return self.pictures[0].to_source(box)


async def read_sheets(film: Film, deps: Deps) -> tuple[Film, tuple[str, ...]]:
    """The film with what its sheets show and say, and what a reader should know of the reading; unchanged without a
    model."""
    mind, unread = deps.mind, [sheet for sheet in film.sheets if wanted(sheet)]
    if mind is None or not unread:
        return film, ()
    answers = await asyncio.gather(*(_asked(sheet, mind, deps) for sheet in unread))
    readings = {page.sheet.key: (page, said) for page, said in answers if isinstance(said, SheetReading)}
    notices = [said for _, said in answers if isinstance(said, str)]
    async with deps.cpu:
        sheets, told = await asyncio.to_thread(_with_readings, film, readings)
    return film.model_copy(update={"sheets": sheets}), tuple(dict.fromkeys([*notices, *told]))


def wanted(sheet: Sheet) -> tuple[str, ...]:
    """What film.toml does not say of a sheet: its "pictures", the "facts" on it."""
    open_questions = {"pictures": not sheet.given, "facts": not sheet.canon}
    return tuple(name for name, is_open in open_questions.items() if is_open)


async def _asked(sheet: Sheet, mind: Mind, deps: Deps) -> tuple[Page, SheetReading | str]:
    """The page, and what was read or why nothing was."""
    async with deps.cpu:
        page = await asyncio.to_thread(page_of, sheet)
    try:
        return page, await read_sheet(page, mind)
    except ModelError as error:
        return page, f"{sheet.image.name} was not read: {error}"


async def read_sheet(page: Page, mind: Mind) -> SheetReading:
    """What a model reads on a page. Raises ModelError."""
    return await mind.ask(question(page), SheetReading, page.pictures, about=page.sheet.key)


def question(page: Page) -> Prompt:
    """read-sheet, for what is open."""
    parts = list(range(2, len(page.pictures) + 1))
    return render("read-sheet", subject=page.sheet.subject, wants=list(page.wants), parts=parts)


def page_of(sheet: Sheet) -> Page:
    """The page as it came in, whole, and in quarters where its small print would be lost."""
    picture = read_picture(sheet.source or sheet.image)
    height, width = picture.shape[:2]
    whole = shown(sheet.key, "the whole page", picture)
    parts: list[Shown] = []
    if max(height, width) > SMALL_PRINT * LONGEST:
        parts = [shown(sheet.key, "a part of the page, larger", picture, box) for box in _quarters(width, height)]
    return Page(sheet, picture, (whole, *parts), wanted(sheet))


def _quarters(width: int, height: int) -> list[Box]:
    w, h = round(width * (0.5 + OVERLAP)), round(height * (0.5 + OVERLAP))
    return [Box(x, y, w, h) for y in (0, height - h) for x in (0, width - w)]


def _with_readings(
    film: Film, readings: dict[str, tuple[Page, SheetReading]]
) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """The film's sheets with everything that was read; the sheets of one subject share names and canon."""
    used = {ref for shot in film.shots for ref in shot.references}
    sheets: list[Sheet] = []
    notices: list[str] = []
    for sheet in film.sheets:
        if sheet.key in readings:
            siblings = [other for other in sheets if other.subject == sheet.subject]
            taken = {panel.view for other in siblings for panel in other.panels}
            read = with_reading(*readings[sheet.key], used=used, taken=taken)
            sheets.append(read.sheet)
            notices += [read.notice] if read.notice else []
        else:
            sheets.append(sheet)
    return tuple(_with_canon(sheet, sheets) for sheet in sheets), tuple(notices)


def _with_canon(sheet: Sheet, sheets: Iterable[Sheet]) -> Sheet:
    """With what is written on any sheet of its subject, unless film.toml says it."""
    facts = [fact.text for other in sheets if other.subject == sheet.subject for fact in other.read]
    return sheet if sheet.canon or not facts else sheet.model_copy(update={"canon": canon_of(facts)})


class ReadSheet(NamedTuple):
    """A sheet with what was read of it, and what a reader should know; empty where all boxes show measured pictures."""

    sheet: Sheet
    notice: str = ""


def with_reading(
    page: Page, said: SheetReading, *, used: Collection[str] = (), taken: Collection[str] = ()
) -> ReadSheet:
    """The sheet with the panels and facts of a reading.

    `used` are references that shots make already: such a panel keeps its name. `taken` are names of the subject's other
    sheets. Panels stay as they were where no box of the reading shows a picture; `canon` is left to `canon_of`.
    """
    sheet, notice = page.sheet, ""
    if "pictures" in page.wants:
        boxes = [page.source_box(one.box.box) for one in said.panels]
        snapped = snap_boxes(page.picture, boxes)
        panels = _panels(sheet, said.panels, snapped, _Names(used, set(taken)))
        sheet, notice = sheet.model_copy(update={"panels": panels}), _notice(sheet, snapped)
    if "facts" in page.wants:
        sheet = sheet.model_copy(update={"read": _facts(page, said.facts)})
    return ReadSheet(sheet, notice)


def _notice(sheet: Sheet, snapped: Sequence[Snapped]) -> str:
    dropped = sum(one.box is None for one in snapped)
    loose = sum(one.box is not None and not one.measured for one in snapped)
    words = [f"{dropped} of {len(snapped)} boxes show no picture of their own"] * bool(dropped)
    words += [f"{loose} have no measured border"] * bool(loose)
    return f"{sheet.image.name}, as it was read: {'; '.join(words)}" if words else ""


class _Names:
    """Names of a subject's panels, each given once; `used` are references that shots make, `taken` names in use."""

    def __init__(self, used: Collection[str], taken: set[str]) -> None:
        self._used, self._taken = used, taken

    def are_used(self, panel: Panel) -> bool:
        return panel.ref in self._used

    def keep(self, name: str) -> str:
        self._taken.add(name)
        return name

    def new(self, wanted_name: str) -> str:
        """The name, or the first of name-2, name-3, … that is free."""
        name, n = wanted_name, 2
        while name in self._taken:
            name, n = f"{wanted_name}-{n}", n + 1
        return self.keep(name)


def _panels(sheet: Sheet, said: Sequence[PanelRead], snapped: Sequence[Snapped], names: _Names) -> tuple[Panel, ...]:
    """The panels that were read, and those that only pixels found where they stand apart from them."""
    read = [(one, place.box) for one, place in zip(said, snapped, strict=True) if place.box is not None]
    if not read:
        return sheet.panels
    old = [panel for panel in sheet.panels if names.are_used(panel)]
    kept = {box: names.keep(panel.view) for panel in old for box in _meant(panel, [box for _, box in read])}
    found = [panel for panel in sheet.panels if _stands_apart(panel, [box for _, box in read], used=panel in old)]
    extra = [(names.keep(panel.view) if panel in old else names.new(panel.view), panel.box) for panel in found]
    named = [(kept[box] if box in kept else names.new(safe_name(one, n)), box) for n, (one, box) in enumerate(read, 1)]
    return tuple(Panel(sheet=sheet.image, subject=sheet.subject, view=view, box=box) for view, box in [*named, *extra])


def _meant(panel: Panel, boxes: Sequence[Box]) -> list[Box]:
    """The box that shows what a found panel shows, if any."""
    best = max(boxes, key=panel.box.iou)
    return [best] if panel.box.iou(best) >= SAME else []


def _stands_apart(panel: Panel, boxes: Sequence[Box], *, used: bool) -> bool:
    """Whether a found panel is another picture than those read; one that shots are made from stays in any case."""
    if used:
        return not _meant(panel, boxes)
    large = panel.box.area >= LARGE * median(box.area for box in boxes)
    return large and all(panel.box.common(box) <= APART * min(panel.box.area, box.area) for box in boxes)


def safe_name(one: PanelRead, number: int) -> str:
    """A panel's name for references: "3/4 VIEW" becomes "3-4-view"; letters of any script stay.

    A caption that is a sentence, or speaks to a machine, is no name; then the view is, else the panel's number.
    """
    for words in (one.name, one.view):
        name = _slug(words)
        if name and len(name) <= LONGEST_NAME and name.count("-") < MOST_WORDS and not hijacks(words):
            return name
    return f"panel-{number}"


def _slug(words: str) -> str:
    """Lower case, letters, marks and digits of any script, everything between them one hyphen."""
    text = unicodedata.normalize("NFKC", words).casefold()
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else "-" for c in text)
    return "-".join(part for part in kept.split("-") if part)


def _facts(page: Page, said: Sequence[Fact]) -> tuple[SheetFact, ...]:
    """The facts as they are written, each once."""
    read: dict[str, SheetFact] = {}
    for fact in said:
        text = _one_line(fact.text)
        if text:
            place = f"{(page.sheet.source or page.sheet.image).name} {list(page.source_box(fact.box.box))}"
            read.setdefault(text, SheetFact(text=text, place=place))
    return tuple(read.values())[:MOST_FACTS]


def _one_line(text: str) -> str:
    """Without line breaks and invisible characters, within a fact's length."""
    shown_only = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(shown_only.split())[:LONGEST_FACT]


def canon_of(facts: Iterable[str]) -> str:
    """Facts as one text, a sentence each; it goes into prompts as quoted data only."""
    return " ".join(fact if fact.endswith(ENDS) else f"{fact}." for fact in dict.fromkeys(facts))
