"""A model's rewriting of a fill's prompt: asked for, and held to what was measured and to what should be there.

Where it strays, or no model can be asked, the measured words stand.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import numpy as np

from agent.answers import FillWords
from agent.errors import ModelError
from agent.fill_words import AS_AROUND, CONTINUED, Fill, expected_words, fill_prompt, light_words, surroundings_words
from agent.film_text import cleaned, describes, hijacks, is_negated, is_order, sentences, told_lines
from agent.mind import Mind
from agent.schema import Finding, Shot
from agent.shown import Shown, shown
from agent.views import close_up
from prompts import Prompt, render
from tools.editors.base import Words
from tools.errors import BadInput
from tools.media.sheets import read_picture
from tools.types import Reference

COMMON = re.compile(
    r"the|and|with|its|her|his|their|that|this|there|from|for|are|was|has|have|had|any|all|one|two|some|into|onto|over|under"
    r"|very|just|only|than|then|them|they|she|him|who|what|which|where|when|while|should|must|shown|seen|like|show"
)
"""Words that carry nothing of what should be there."""
COMMANDS = re.compile(
    r"(?:^|[.!?;]\s+)(?:please\s+)?(?:remove|replace|erase|delete|keep|do not|don[’']t|make|change|fill|add|show|match"
    r"|edit|inpaint|ensure|leave|preserve)\b",
    re.IGNORECASE,
)
EDITING = re.compile(r"\b(mask\w*|inpaint\w*|remov\w+|eras\w+)\b", re.IGNORECASE)
"""Words of a job, which a caption does not use."""
KELVIN = re.compile(r"(\d[\d., ]*)\s*(?:K\b|kelvin)", re.IGNORECASE)
FROM = re.compile(r"\b(upper left|upper right|lower left|lower right|left|right|above|below)\b", re.IGNORECASE)
LIT = re.compile(r"[^.;]*\blights?\b[^.;]*|[^.;]*\blit\b[^.;]*", re.IGNORECASE)


async def written_fill(
    fill: Fill, words: Words, mind: Mind | None, *, shot: Shot, finding: Finding, references: Sequence[Reference]
) -> str:
    """The prompt as an editor is told it: a model's, where one is there and keeps to what was measured."""
    plain = fill_prompt(fill, words)
    if mind is None or words.style == "none" or not wanted_words(fill, words):
        return plain
    try:
        pictures = await asyncio.to_thread(_pictures, shot, finding, references)
        said = await mind.ask(model_prompt(fill, words, plain, pictures), FillWords, pictures, about=finding.id)
    except (ModelError, BadInput):
        return plain
    return kept_answer(said.prompt, fill, words) or plain


def _pictures(shot: Shot, finding: Finding, references: Sequence[Reference]) -> list[Shown]:
    """The place with its surroundings, and the first reference that shows it right."""
    made = [close_up(shot, finding)]
    for reference in references[:1]:
        picture = read_picture(reference.path)
        part = np.ascontiguousarray(picture[reference.box.slices]) if reference.box else picture
        made.append(shown(reference.what, "how it should look", part))
    return made


def model_prompt(fill: Fill, words: Words, measured: str, pictures: Sequence[Shown] = ()) -> Prompt:
    """What a model is asked: film text goes fenced."""
    captions = ["Picture 1 shows the region, close, as it is now."] if pictures else []
    captions += ["Picture 2 shows how it should look."] * (len(pictures) > 1)
    return render(
        "write-fill",
        style=words.style,
        limit=words.max_characters or 0,
        expected=cleaned(fill.expected),
        observed=cleaned(fill.observed),
        canon=[cleaned(line) for line in fill.canon],
        measured=measured,
        pictures=captions,
    )


def kept_answer(answer: str, fill: Fill, words: Words) -> str | None:
    """A model's prompt as it goes out, or None where it does not keep to its rules: then the measured words stand.

    It must name what should be there, hold no instruction of the film's, fit the limit, tell no light that was not
    measured, and, as a description, neither command nor name what must go.
    """
    text = cleaned(answer)
    fits = words.max_characters is None or len(text) <= words.max_characters
    if not text or not fits or not _names_all(text, wanted_words(fill, words)):
        return None
    if any(map(hijacks, sentences(text))) or _obeys(text, fill) or _invents_light(text, fill):
        return None
    return None if words.style == "description" and not _is_caption(text, fill, words) else text


def _is_caption(text: str, fill: Fill, words: Words) -> bool:
    """Whether it only says what the picture shows, and does not name what must go: what is named is drawn."""
    if any(map(is_order, sentences(text))) or COMMANDS.search(text):
        return False
    if _content(" ".join(EDITING.findall(text))) - _content(fill.expected):
        return False
    allowed = _content(fill.expected) | _content(" ".join(surroundings_words(fill.around)))
    unwanted = _content(fill.observed) - allowed
    return not unwanted & _content(text) and (words.negative or not any(map(is_negated, sentences(text))))


def wanted_words(fill: Fill, words: Words) -> frozenset[str]:
    """The words that carry what should be there, without plural endings; none where it is only pointed at."""
    lines = told_lines(expected_words(fill, words))
    said = [line for line in lines if line not in (CONTINUED, AS_AROUND) and describes(line, fill.names)]
    return _content(" ".join(said))


def _content(text: str) -> frozenset[str]:
    found = (word.casefold() for word in re.findall(r"\w+", text))
    return frozenset(_stem(word) for word in found if len(word) > 2 and not COMMON.fullmatch(word))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _names_all(text: str, wanted: frozenset[str]) -> bool:
    folded = text.casefold()
    return all(word in folded for word in wanted)


def _obeys(text: str, fill: Fill) -> bool:
    """Whether four words in a row of an instruction that stands in film text come back."""
    film_lines = [line for piece in (fill.expected, fill.observed, *fill.canon) for line in sentences(cleaned(piece))]
    runs = {run for line in film_lines if is_order(line) for run in _runs(line)}
    return bool(runs & _runs(text))


def _runs(line: str, length: int = 4) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in re.findall(r"\w+", line)]
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


def _invents_light(text: str, fill: Fill) -> bool:
    """Whether it tells a temperature, or a side of the light, other than the measured one."""
    measured = light_words(fill.around.light, fill.around.temperature)
    if not _kelvins(text) <= _kelvins(measured):
        return True
    sides = {side.casefold() for clause in LIT.findall(text) for side in FROM.findall(clause)}
    return bool(sides - {side.casefold() for side in FROM.findall(measured)})


def _kelvins(text: str) -> set[int]:
    return {int(re.sub(r"\D", "", number)) for number in KELVIN.findall(text)}
