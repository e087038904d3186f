"""The prompt of a fill by an editor's own rules: what should be there, what surrounds it, what must not change.

What is measured is put into words by tables, so that the words agree with the pixels; a model may rewrite them, and is
held to them (`agent.fill_answer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from agent.film_text import cleaned, describes, is_negated, shortened, told_lines
from agent.schema import Film, Finding
from prompts import render
from tools.editors.base import Words
from tools.errors import BadInput
from tools.media.masks import read_track
from tools.types import Clip, MaskTrack, Reference
from tools.vision.surroundings import Drifting, Light, Surroundings, Swatch, Temperature, measure_surroundings

ANY_READER = Words(style="instruction", negative=True)
"""Rules of a job that no editor here can do: whoever takes it can read."""
AS_AROUND = "what the frames around it show"
MOSTLY = 0.5
"""Share of the ring from which one colour is most of it."""
CONTINUED = "The place goes on as it is around it, whole and unbroken"
WARMTHS = {
    "candle": "candle-warm orange light",
    "tungsten": "warm yellow light",
    "warm": "slightly warm light",
    "daylight": "neutral daylight",
    "cool": "cool light",
    "shade": "cool blue light",
    "unknown": "light",
}
SIDES = {"even": "even over the place", "above": "from above", "below": "from below", "unknown": ""}
LEVELS = {"dark": "The place is dark", "dim": "The place is dim", "medium": "", "bright": "The place is bright"}
GRAINS = {"none": "a clean image", "fine": "fine film grain", "strong": "strong film grain"}
FOCUS = {"sharp": "as sharp as the rest", "softer": "a little softer than the rest", "out of focus": "out of focus"}


class Fill(NamedTuple):
    """What a fill's prompt is written from. `panel` names the picture that shows it right; "" for none."""

    expected: str
    observed: str
    canon: tuple[str, ...]
    panel: str
    around: Surroundings
    names: frozenset[str]
    """Shots and panels of the film: words that mean nothing to an image model."""


def fill_of(film: Film, clip: Clip, findings: Sequence[Finding], references: Sequence[Reference]) -> Fill:
    """What is known for a fill of the findings' regions in a clip of their shot; measures the surroundings."""
    subjects = {finding.subject for finding in findings}
    canon = [sheet.canon for sheet in film.sheets if sheet.canon and sheet.subject in subjects]
    panels = [reference.what for reference in references if reference.kind == "panel"]
    repaired = [what for what in panels if what.endswith("repaired")]
    names = {shot.id for shot in film.shots} | {panel.ref for sheet in film.sheets for panel in sheet.panels}
    return Fill(
        expected="; ".join(dict.fromkeys(finding.expected for finding in findings)),
        observed="; ".join(dict.fromkeys(finding.observed for finding in findings)),
        canon=tuple(dict.fromkeys(canon)),
        panel=next(iter([*repaired, *panels]), ""),
        around=_measured(film, clip, findings),
        names=frozenset(names),
    )


def _measured(film: Film, clip: Clip, findings: Sequence[Finding]) -> Surroundings:
    """The surroundings of all the regions at once; unknown where there is no mask or it cannot be read."""
    try:
        tracks = [read_track(film.root / finding.mask) for finding in findings if finding.mask]
        whole = _joined(tracks)
        return measure_surroundings(clip, whole) if whole else Surroundings()
    except BadInput:
        return Surroundings()


def _joined(tracks: Sequence[MaskTrack]) -> MaskTrack | None:
    if not tracks:
        return None
    first, *rest = tracks
    for track in rest:
        first = first.joined(track)
    return first


def fill_prompt(fill: Fill, words: Words) -> str:
    """The measured words, in the style and length that an editor asks for; "" for one that reads none."""
    if words.style == "none":
        return ""
    text = render(
        "fill",
        style=words.style,
        expected=expected_words(fill, words),
        observed=" ".join(told_lines(fill.observed)).rstrip(".;, "),
        panel=cleaned(fill.panel),
        canon=[line for text in fill.canon for line in told_lines(text) if _may_say(line, words)],
        around=list(surroundings_words(fill.around)),
    ).text
    return shortened(" ".join(text.split()), words.max_characters)


def expected_words(fill: Fill, words: Words) -> str:
    """What should be there, without a full stop."""
    said = [line for line in told_lines(fill.expected) if _may_say(line, words)]
    if words.style == "description":
        said = [line for line in said if describes(line, fill.names)]
    return " ".join(said).rstrip(".;, ") or (CONTINUED if words.style == "description" else AS_AROUND)


def _may_say(line: str, words: Words) -> bool:
    """An editor that draws what is named is not told what is missing."""
    return words.negative or not is_negated(line)


def surroundings_words(around: Surroundings) -> tuple[str, ...]:
    """Sentences on what surrounds the region, the most telling first; what was not measured is not spoken of."""
    lines = [
        light_words(around.light, around.temperature),
        _palette_words(around.palette),
        LEVELS[around.level.word] if around.level else "",
        _surface_words(around),
        _motion_words(around.motion),
    ]
    return tuple(f"{line}." for line in lines if line)


def light_words(light: Light, temperature: Temperature) -> str:
    """ "Soft warm yellow light from the left, about 3200 K, like the surrounding frames" """
    hardness = "" if light.hardness == "unknown" else f"{light.hardness} "
    side = SIDES.get(light.direction, f"from the {light.direction}")
    parts = [f"{hardness}{WARMTHS[temperature.word]} {side}".strip()]
    if temperature.kelvin is not None:
        parts.append(f"about {round(temperature.kelvin, -2)} K")
    if temperature.tint in ("green", "magenta"):
        parts.append(f"a {temperature.tint} tint")
    line = ", ".join([*parts, "like the surrounding frames"])
    return line[0].upper() + line[1:]


def _palette_words(palette: Sequence[Swatch]) -> str:
    """ "Colours around it: mostly light brown, with brown and tan" """
    if not palette:
        return ""
    first, *rest = (swatch.name for swatch in palette)
    if rest and palette[0].share >= MOSTLY:
        return f"Colours around it: mostly {first}, with {_listed(rest)}"
    return f"Colours around it: {_listed([first, *rest])}"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _surface_words(around: Surroundings) -> str:
    """ "Coarse texture running across, fine film grain, as sharp as the rest" """
    parts = []
    if around.texture is not None:
        runs = "" if around.texture.runs == "no way" else f" running {around.texture.runs}"
        parts.append("smooth surfaces" if around.texture.word == "smooth" else f"{around.texture.word} texture{runs}")
    if around.grain is not None:
        parts.append(GRAINS[around.grain.word])
    if around.focus is not None:
        parts.append(FOCUS[around.focus.word])
    line = ", ".join(parts)
    return line[:1].upper() + line[1:]


def _motion_words(motion: Drifting | None) -> str:
    """ "It moves slowly to the left with the camera" """
    if motion is None:
        return ""
    if motion.speed == "static":
        return "It stays still in the picture"
    towards = " and ".join(
        f"to the {way}" if way in ("left", "right") else way for way in motion.towards.split(" and ")
    )
    speed = "slowly" if motion.speed == "slow" else "fast"
    return f"It moves {speed} {towards}{' with the camera' if motion.with_camera else ''}"
