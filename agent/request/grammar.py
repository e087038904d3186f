"""The grammar: requests in plain words, read without a model.

It acts only on what it understood wholly. A request becomes tokens, the film's own names one token each; references
become one token each, then constraints; what is left must fall into clauses of known forms (forms.py) without a word
left over, or nothing is planned and the person is asked about the words that were not understood.

    words → names → references → symbols → likenesses → constraints → clauses → fixes

What no request may bring about is declined before anything is read. Words in quotation marks are data throughout.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

from agent.request import questions
from agent.request.clauses import clauses_of
from agent.request.constraints import Said, taken, with_money
from agent.request.drafts import Ask, Told
from agent.request.fixes import fixes_of
from agent.request.lexicon import english, in_english, language_of
from agent.request.likenesses import with_likes
from agent.request.names import Names, named, names_of
from agent.request.plan import Outline, Reading
from agent.request.references import NUMBERS, ORDINALS, Reference, references
from agent.request.refusals import DECLINED, NO_FIX, is_hostile, is_other
from agent.request.spelling import spelt
from agent.request.words import LONGEST, Word, tokens

WORD = re.compile(r"[^\W\d_]{4,}")
BULLET = frozenset({"-", "–", "—", "•", "*", "·"})


def read(request: str, outline: Outline) -> Reading:
    """What a request means, by its words alone."""
    if len(request) > LONGEST:
        return Reading(kind="question", words=questions.too_long(LONGEST))
    plainly = _read(request, outline, corrected=False)
    if plainly.kind == "plan" or plainly.words == DECLINED:
        return plainly
    corrected = _read(request, outline, corrected=True)
    return corrected if corrected.kind == "plan" or corrected.words == DECLINED else plainly


def _read(request: str, outline: Outline, *, corrected: bool) -> Reading:
    """The request as it is spelt, or with slips in the grammar's own words corrected too."""
    names = names_of(outline)
    words = tokens(request)
    language = language_of(words)
    words = in_english(words, language) if language else _spelt(words, outline, names, corrected=corrected)
    text = " ".join(word.text for word in words)
    if is_hostile(text):
        return Reading(kind="answer", words=DECLINED)
    return _planned(_Words(request, names, words, text, language is None))


class _Words:
    """A request's words, ready to be read."""

    def __init__(self, request: str, names: Names, words: list[Word], text: str, is_english: bool) -> None:
        self.request, self.text, self.is_english = request, text, is_english
        self.names = replace(names, english=is_english)
        self.named = named(words, names)
        placed = references(self.named, names)
        self.references: dict[str, Reference] = {f"@{number}": one.reference for number, one in enumerate(placed)}
        self.people = [(word.first, names.of(word)) for word in self.named if word.has("CHAR")]
        self.marked = self._marked([(one.first, one.end) for one in placed])

    def _marked(self, places: list[tuple[int, int]]) -> list[Word]:
        """The words with references as one token each, and every token with its symbols."""
        left: list[Word] = []
        at = 0
        for number, (first, end) in enumerate(places):
            left += self.named[at:first]
            left.append(Word(f"@{number}", "", self.named[first].first, self.named[end - 1].end, frozenset({"REF"})))
            at = end
        left += self.named[at:]
        marked = english().marked(with_money(_without_bullets(left)))
        return with_likes([_numbered(word) for word in _without_drops(marked)])


def _without_bullets(words: list[Word]) -> list[Word]:
    """The words without the marks and numbers of a list's lines."""
    left: list[Word] = []
    for place, word in enumerate(words):
        starts = not left or left[-1].text == "\n"
        follows = words[place + 1].text if place + 1 < len(words) else ""
        if starts and (word.text in BULLET or (word.text.isdigit() and follows in (".", ")"))):
            continue
        if starts and word.text in (".", ")") and place and words[place - 1].text.isdigit():
            continue
        left.append(word)
    return left


def _without_drops(words: list[Word]) -> list[Word]:
    """The words without politeness and what else asks for nothing."""
    return [word for word in words if word.marks != {"DROP"}]


def _numbered(word: Word) -> Word:
    if not word.marks and (word.text in NUMBERS or word.text.isdigit()):
        return word.marked("NUMBER")
    return word


def _planned(words: _Words) -> Reading:
    """The plan that the words make, or what to ask or say instead."""
    said = Said(words.names, words.references)
    left = [word for word in taken(words.marked, said) if word.text != "only"]
    parsed = clauses_of(left, words.names)
    if parsed.odd:
        return _puzzled(words, parsed.odd)
    told = Told(words.request, words.names, words.references, words.people)
    try:
        fixes = fixes_of(parsed.clauses, told, said)
    except Ask as question:
        return _other_or(words, Reading(kind="question", words=str(question)))
    if said.why:
        return Reading(kind="question", words=questions.open_constraint(said.why))
    if not fixes:
        return _other_or(words, Reading(kind="answer", words=NO_FIX))
    return Reading(kind="plan", fixes=fixes, constraints=said.constraints())


def _other_or(words: _Words, reading: Reading) -> Reading:
    return Reading(kind="answer", words=NO_FIX) if is_other(_bare(words)) else reading


def _puzzled(words: _Words, odd: list[Word]) -> Reading:
    if is_other(_bare(words)):
        return Reading(kind="answer", words=NO_FIX)
    said = tuple(dict.fromkeys(words.request[word.first : word.end] for word in odd))
    return Reading(kind="question", words=questions.not_understood(said, english=words.is_english), not_understood=said)


def _bare(words: _Words) -> str:
    """The words without politeness before them."""
    left = list(words.marked)
    while left and not left[0].text[:1].isalnum() and not left[0].has("REF"):
        left.pop(0)
    return " ".join(word.text for word in left)


@cache
def _english_words() -> frozenset[str]:
    return english().words | frozenset(NUMBERS) | frozenset(ORDINALS)


def _spelt(words: list[Word], outline: Outline, names: Names, *, corrected: bool) -> list[Word]:
    """Slips in the film's own words and in names of things corrected; with `corrected`, in the grammar's own too."""
    told = " ".join((*outline.characters.values(), *outline.props.values(), *(shot.prompt for shot in outline.shots)))
    own = {word for phrase in names.phrases for word in phrase if word.isalpha()}
    spoken = set(WORD.findall(told.lower()))
    known = english()
    things = {phrase[0] for phrase, marks in known.phrases.items() if "THING" in marks and len(phrase) == 1}
    right = own | spoken | _english_words() | known.words
    fixed = spelt(spelt(words, right, own), right, spoken, exchange=False)
    fixed = spelt(fixed, right, things, sure=True)
    return spelt(fixed, right, _english_words()) if corrected else fixed
