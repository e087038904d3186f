"""A request's words made plain: lower case, one space between words, quotations opaque, the film's own names spelt right.

Everything after this works on `Plain.text`; `Plain.original` leads from any stretch of it back to the person's words.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

QUOTATION = "quotation"
"""Stands for words in quotation marks: data, whatever they say."""
QUOTES = re.compile(r"[\"“”„«»]([^\"“”„«»]*)[\"“”„«»]|(?<!\w)['‘’](\w[^'‘’]*\s[^'‘’]*)['‘’](?!\w)")
TOKEN = re.compile(
    r"\d+:\d+(?::\d+)?(?:\.\d+)?|[$€£]?\d+(?:[.,]\d+)?[$€£%]?|[^\W\d_][\w]*(?:[-/]\w+)*|'s\b|'(?:t|re|ve|ll|d|m)\b|[.,;:!?\n()–—&+]|-"
)
"""A time, a number with a currency, a word (hyphens inside, digits after letters), an ending, or a mark."""
ENDINGS = {"'t", "'re", "'ve", "'ll", "'d", "'m"}
ALIKE = str.maketrans({"’": "'", "‘": "'", "`": "'", "–": "-", "—": "-", "\t": " ", "\r": "\n", " ": " "})
SHORT_IS = {"there", "it", "that", "he", "she", "what", "who", "let", "here", "where"}
"""Words after which 's is a verb and no possessor."""
INFLECTED = ("s", "es", "d", "ed", "ing", "er", "ly", "y", "r", "n", "en", "est", "'s")
LONG, LONGER = 5, 8
"""Letters from which a word may be one slip away from a known one, and two."""


@dataclass(frozen=True, slots=True)
class Word:
    """One token: as it is worked on, and where it stands in the request."""

    text: str
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Plain:
    """A request's words."""

    request: str
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def original(self, first: int, end: int) -> str:
        """The person's own words behind text[first:end]."""
        at, inside = 0, []
        for word in self.words:
            if at < end and at + len(word.text) > first:
                inside.append(word)
            at += len(word.text) + 1
        if not inside:
            return ""
        return self.request[inside[0].first : inside[-1].end].strip(" \n,;:.-")


def plain(request: str, known: Collection[str] = (), right: Collection[str] = ()) -> Plain:
    """The words of a request; those that are a slip away from one of `known` are spelt right, except those of `right`."""
    shown = request.translate(ALIKE)
    opaque = QUOTES.sub(lambda found: " " * (found.end() - found.start()), shown)
    words = [Word(QUOTATION, found.start(), found.end()) for found in QUOTES.finditer(shown)]
    words += [Word(found[0].lower(), found.start(), found.end()) for found in TOKEN.finditer(opaque)]
    ordered = sorted(words, key=lambda word: word.first)
    return Plain(request, tuple(_spelt(word, known, right) for word in _joined(ordered)))


def _joined(words: Iterable[Word]) -> list[Word]:
    """Contractions as one word ("don't"); a line break ends a sentence."""
    made: list[Word] = []
    for word in words:
        ends = word.text in ENDINGS or (word.text == "'s" and made and made[-1].text in SHORT_IS)
        if ends and made and made[-1].end == word.first:
            made[-1] = Word(made[-1].text + word.text, made[-1].first, word.end)
        else:
            made.append(Word("." if word.text == "\n" else word.text, word.first, word.end))
    return made


def _spelt(word: Word, known: Collection[str], right: Collection[str]) -> Word:
    text = word.text
    if not text.isalpha() or len(text) < LONG or text in right or _is_known(text, known):
        return word
    allowed = 2 if len(text) >= LONGER else 1
    near = [one for one in known if abs(len(one) - len(text)) <= allowed and one[0] == text[0]]
    slips = {one: distance(text, one, allowed) for one in near if len(text) > LONG or _not_exchanged(text, one)}
    close = sorted((far, one) for one, far in slips.items() if far <= allowed and len(one) >= LONG)
    if not close or (len(close) > 1 and close[0][0] == close[1][0]):
        return word
    return Word(close[0][1], word.first, word.end)


def _not_exchanged(text: str, one: str) -> bool:
    """Whether a short word differs otherwise than by one exchanged letter, as "plane" does from "place": two words."""
    return len(text) != len(one) or sorted(text) == sorted(one)


def _is_known(text: str, known: Collection[str]) -> bool:
    """Whether a word, or what it is an inflection of, is spelt right already."""
    if text in known or singular(text) in known:
        return True
    stems = [text.removesuffix(ending) for ending in INFLECTED if text.endswith(ending)]
    return any(stem in known or f"{stem}e" in known or stem[:-1] in known for stem in stems if len(stem) > 2)


def distance(a: str, b: str, most: int) -> int:
    """Slips between two words: letters left out, added, exchanged or swapped (optimal string alignment distance)."""
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, start=1):
        row = [i]
        for j, y in enumerate(b, start=1):
            best = min(rows[-1][j] + 1, row[j - 1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
        if min(row) > most:
            return most + 1
    return rows[-1][-1]


def singular(noun: str) -> str:
    """The singular of an English noun, by its ending."""
    irregular = {
        "feet": "foot",
        "teeth": "tooth",
        "men": "man",
        "women": "woman",
        "people": "person",
        "children": "child",
    }
    kept = ("glasses", "trousers", "pants", "jeans", "shorts", "scissors", "goggles", "headphones", "tights", "credits")
    if noun in irregular:
        return irregular[noun]
    if noun in kept or len(noun) < 4 or noun.endswith(("ss", "us", "is")):
        return noun
    for ending, single in (("ves", "f"), ("ies", "y"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss")):
        if noun.endswith(ending):
            if noun in (
                "gloves",
                "sleeves",
                "stoves",
                "curves",
                "waves",
                "caves",
                "ties",
                "movies",
                "selfies",
                "zombies",
            ):
                return noun[:-1]
            return noun[: -len(ending)] + single
    return noun[:-1] if noun.endswith("s") else noun


def without(text: str, spans: Sequence[tuple[int, int]], mark: str = " ") -> str:
    """The text with stretches blanked, every other letter where it was."""
    made = list(text)
    for first, end in spans:
        made[first:end] = (mark + " " * (end - first))[: end - first]
    return "".join(made)
